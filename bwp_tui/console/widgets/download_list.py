"""The list of downloads: the cursor stays on its download, and skips the titles."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from textual.geometry import Region

from bwp_tui.console.presentation.download_rows import DownloadRow
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.widgets.virtual_list import VirtualList


class DownloadList(VirtualList):
    """Downloads, and the titles between them."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Sequence[DownloadRow] = ()

    @property
    def current(self) -> int | None:
        """Id of the download under the cursor; None where there is none."""
        return self._rows[self._cursor].id if 0 <= self._cursor < len(self._rows) else None

    @property
    def header(self) -> Sequence[StyledText]:
        """The titles of the part to which the first row in sight belongs."""
        above = (row.texts for row in reversed(self._rows[: self.top]) if row.id is None and row.texts)
        return next(above, super().header)

    def set_rows(self, titles: Sequence[StyledText], rows: Sequence[DownloadRow], current: int | None) -> None:
        """Show rows under titles, the cursor on the download `current`, or on the one nearest to where it was."""
        places = [place for place, row in enumerate(rows) if row.id is not None]
        here = next((place for place in places if rows[place].id == current), None)
        if here is None:
            here = min(places, key=lambda place: abs(place - self._cursor), default=-1)
        before = self._lines_in_sight()
        self._rows = rows
        self._set_lines(titles, len(rows), lambda row: rows[row].texts, here)
        for y, (old, new) in enumerate(zip_longest(before, self._lines_in_sight())):
            if old != new:
                self.refresh(Region(0, y, self.scrollable_size.width, 1))

    def _lines_in_sight(self) -> list[tuple[Sequence[StyledText], bool]]:
        """Return the text of each line, and whether the cursor is on it."""
        rows = range(self.top, min(self.top + self.page, self.row_count))
        return [(self.header, False), *((self._rows[row].texts, row == self._cursor) for row in rows)]

    def go_to(self, row: int) -> None:
        row = max(0, min(row, self.row_count - 1))
        step = 1 if row >= self._cursor else -1
        while 0 <= row < self.row_count and self._rows[row].id is None:
            row += step
        if 0 <= row < self.row_count:
            super().go_to(row)
