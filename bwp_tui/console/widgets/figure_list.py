"""The figures of the dashboard: columns of lines, with a cursor on those that count tasks."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip

from bwp_tui.console.presentation.dashboard import FigureLine
from bwp_tui.console.widgets.virtual_list import POINTER_CELLS, VirtualList
from bwp_tui.console.widgets.virtual_rows import HEADER_LINES


class FigureList(VirtualList):
    """Lines side by side. The cursor goes down each column, over the lines that have a filter."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns: Sequence[Sequence[FigureLine]] = ((),)
        self._stops: list[tuple[int, int]] = []
        self._stop = 0

    @property
    def current(self) -> FigureLine | None:
        if not self._stops:
            return None
        column, row = self._stops[self._stop]
        return self._columns[column][row]

    def set_columns(self, columns: Sequence[Sequence[FigureLine]]) -> None:
        """Show the lines; the cursor stays on the one that has its filter, where there is one."""
        filter_before = None if self.current is None else self.current.filter
        self._columns = columns
        lines = [(column, row, line) for column, lines in enumerate(columns) for row, line in enumerate(lines)]
        self._stops = [(column, row) for column, row, line in lines if line.filter]
        filters = [line.filter for _, _, line in lines if line.filter]
        self._stop = filters.index(filter_before) if filter_before in filters else 0
        row = self._stops[self._stop][1] if self._stops else 0
        self.show((), max(map(len, columns)), lambda _row: (), cursor=row)

    def move(self, rows: int) -> None:
        self._choose(self._stop + rows)

    def go_to(self, row: int) -> None:
        self._choose(0 if row <= 0 else len(self._stops) - 1)

    def _choose(self, stop: int) -> None:
        """Put the cursor on a line that counts tasks; at the first and the last one, scroll to the list's end."""
        self._stop = max(0, min(stop, len(self._stops) - 1))
        before, self._cursor = self._cursor, self._stops[self._stop][1] if self._stops else 0
        self.repaint_row(before)
        self.repaint_row(self._cursor)
        self._reveal()
        if self._stop == 0:
            self.scroll_rows(0)
        elif self._stop == len(self._stops) - 1:
            self.scroll_rows(self.row_count)

    def on_click(self, event: events.Click) -> None:
        event.prevent_default()
        place = (event.x // self._cells, self.top + event.y - HEADER_LINES)
        if place not in self._stops:
            return
        if self._stops.index(place) == self._stop:
            self.post_message(self.Chosen())
        else:
            self._choose(self._stops.index(place))

    @property
    def _cells(self) -> int:
        """Cells of a column."""
        return max(1, self.scrollable_size.width // len(self._columns))

    def render_line(self, y: int) -> Strip:
        row = self.top + y - HEADER_LINES
        if y < HEADER_LINES:
            return self._strip()
        cells = [
            self._cell(place, lines[row] if row < len(lines) else None, row)
            for place, lines in enumerate(self._columns)
        ]
        width = self.scrollable_size.width
        return Strip.join(cells).adjust_cell_length(width, self.get_component_rich_style("role--plain"))

    def _cell(self, column: int, line: FigureLine | None, row: int) -> Strip:
        texts = () if line is None else line.texts
        if not self._stops or (column, row) != self._stops[self._stop]:
            return self._strip((" " * POINTER_CELLS, "plain"), *texts, width=self._cells)
        strip = self._strip((self._pointer, "accent"), *texts, width=self._cells)
        band = self.style_above("virtual-list--cursor")
        kept = self._cells - POINTER_CELLS
        strip, rest = strip.crop(0, kept), strip.crop(kept)
        return Strip([*(Segment(text, (style or Style()) + band) for text, style, _ in strip), *rest])
