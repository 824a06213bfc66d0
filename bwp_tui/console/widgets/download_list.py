"""The list of downloads: a cursor that stays on its download, and lines repainted only where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from textual.geometry import Region
from textual.message import Message

from bwp_tui.console.presentation.download_rows import Row
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.widgets.virtual_list import VirtualList


class _Line(NamedTuple):
    """What a line of the terminal says."""

    phrases: Sequence[StyledText] = ()
    is_current: bool = False


class DownloadList(VirtualList):
    """Downloads and the titles between them."""

    class Highlighted(Message):
        """The cursor is on another download."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()

    @property
    def current(self) -> int | None:
        """Id of the download under the cursor; None where there is none."""
        return self._rows[self._cursor].id if 0 <= self._cursor < len(self._rows) else None

    def set_rows(self, titles: Sequence[StyledText], rows: Sequence[Row], current: int | None) -> None:
        """Show rows under titles, the cursor on the download `current` or, where there is none, as near as can be."""
        before, top = self._in_sight(), self.top
        self._header, self._count, self._rows = titles, len(rows), rows
        self._line_of = lambda row: rows[row].texts
        self._cursor = self._place_of(current)
        self.fit_height()
        self.set_top(top)
        self._reveal()
        for y, (old, new) in enumerate(zip_longest(before, self._in_sight(), fillvalue=_Line())):
            if old != new:
                self.refresh(Region(0, y, self.scrollable_size.width, 1))

    def go_to(self, row: int) -> None:
        row = max(0, min(row, self._count - 1))
        step = 1 if row >= self._cursor else -1
        while 0 <= row < self._count and self._rows[row].id is None:
            row += step
        if 0 <= row < self._count:
            super().go_to(row)

    def _cursor_moved(self) -> None:
        self.post_message(self.Highlighted())

    def _place_of(self, current: int | None) -> int:
        """Return the row of a download, or of the one nearest to where the cursor was; -1 where there is none."""
        places = [place for place, row in enumerate(self._rows) if row.id is not None]
        here = next((place for place in places if self._rows[place].id == current), None)
        if here is not None:
            return here
        return min(places, key=lambda place: abs(place - self._cursor), default=-1)

    def _in_sight(self) -> list[_Line]:
        rows = self._rows[self.top : self.top + self.page]
        return [
            _Line(self._header),
            *(_Line(row.texts, place == self._cursor) for place, row in enumerate(rows, start=self.top)),
        ]
