"""Lines under a heading, with a cursor: any number of them, of which those in sight are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.content import Content
from textual.message import Message
from textual.strip import Strip

from bwp_tui.console.presentation.styled_text import ROLES, StyledText
from bwp_tui.console.presentation.task_cells import locale_glyphs
from bwp_tui.console.widgets.virtual_rows import HEADER, VirtualRows

LineOf = Callable[[int], Sequence[StyledText]]
"""Makes the line of a row, by its index."""

MOVE_KEYS: Final = {
    "down": "j,down",
    "up": "k,up",
    "half_page_down": "ctrl+d",
    "half_page_up": "ctrl+u",
    "page_down": "pagedown",
    "page_up": "pageup",
    "first": "g,home",
    "last": "G,end",
}
"""The keys of each of `RowList.moves`, for a screen to bind."""

MOVE_LABELS: Final = {
    "down": "Down",
    "up": "Up",
    "half_page_down": "Half a page down",
    "half_page_up": "Half a page up",
    "page_down": "A page down",
    "page_up": "A page up",
    "first": "To the first line",
    "last": "To the last line",
}
"""What each of them does, for a screen's help."""

POINTER: Final = 2
"""Cells at the left, for the cursor's sign."""


class VirtualList(VirtualRows):
    """Rows of phrases. It binds no key: the screen moves it by `go_to`, `move` and `move_pages`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*ROLES, "row-list--cursor"}

    class Chosen(Message):
        """The row under the cursor was clicked."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._header: Sequence[StyledText] = ()
        self._count = 0
        self._line_of: LineOf = lambda _row: ()
        self._cursor = 0
        self._pointer = f"{locale_glyphs().cursor} "

    @property
    def row_count(self) -> int:
        return self._count

    @property
    def cursor_row(self) -> int:
        """Index of the row the cursor is on; 0 when there are none."""
        return self._cursor

    @property
    def text_width(self) -> int:
        """Cells that a line has."""
        return max(1, self.scrollable_size.width - POINTER)

    def show(self, header: Sequence[StyledText], count: int, line_of: LineOf, *, cursor: int = 0) -> None:
        """Show `count` rows, the cursor on one of them."""
        self._header, self._count, self._line_of = header, count, line_of
        self._cursor = max(0, min(cursor, count - 1))
        self.fit_height()
        self.set_top(self.top)
        self._reveal()
        self.refresh()

    def go_to(self, row: int) -> None:
        """Put the cursor on a row, or on the nearest there is, and bring it into sight."""
        row = max(0, min(row, self._count - 1))
        if row != self._cursor:
            before, self._cursor = self._cursor, row
            for changed in (before, row):
                self.repaint_row(changed, 0, self.scrollable_size.width)
        self._reveal()

    def move(self, rows: int) -> None:
        """Move the cursor by rows, down when positive."""
        self.go_to(self._cursor + rows)

    @property
    def moves(self) -> dict[str, Callable[[], None]]:
        """The ways in which keys move the cursor, by name."""
        half = max(1, self.page // 2)
        return {
            "down": lambda: self.move(1),
            "up": lambda: self.move(-1),
            "half_page_down": lambda: self.move_pages(half),
            "half_page_up": lambda: self.move_pages(-half),
            "page_down": lambda: self.move_pages(self.page),
            "page_up": lambda: self.move_pages(-self.page),
            "first": lambda: self.go_to(0),
            "last": lambda: self.go_to(self._count - 1),
        }

    def move_pages(self, rows: int) -> None:
        """Move what is in sight and the cursor by as many rows."""
        self.scroll_rows(self.top + rows)
        self.move(rows)

    def on_click(self, event: events.Click) -> None:
        row = self.top + event.y - HEADER
        if event.y < HEADER or row >= self._count:
            return
        if row == self._cursor:
            self.post_message(self.Chosen())
        else:
            self.go_to(row)

    def on_resize(self) -> None:
        self.fit_height()
        self._reveal()

    def render_line(self, y: int) -> Strip:
        row = self.top + y - HEADER
        if y < HEADER:
            return self._strip((" " * POINTER, "plain"), *self._header)
        if row >= self._count:
            return self._strip()
        if row != self._cursor:
            return self._strip((" " * POINTER, "plain"), *self._line_of(row))
        strip, band = self._strip((self._pointer, "accent"), *self._line_of(row)), self._band()
        return Strip([Segment(text, (style or Style()) + band) for text, style, _ in strip], strip.cell_length)

    def _strip(self, *phrases: StyledText) -> Strip:
        width = self.scrollable_size.width
        content = Content.assemble(*((text, self.get_visual_style(f"say--{role}")) for text, role in phrases))
        strip = Strip(content.truncate(width, ellipsis=True).render_segments(self.get_visual_style("say--plain")))
        return strip.adjust_cell_length(width, self.get_component_rich_style("say--plain"))

    def _band(self) -> Style:
        above = self.get_component_rich_style("row-list--cursor")
        own = self.get_component_rich_style("row-list--cursor", partial=True)
        # As in the task table: the full style alone has the band's colour blended with what lies under the list.
        return own + Style(bgcolor=above.bgcolor if own.bgcolor else None, dim=False if own.color else None)

    def _reveal(self) -> None:
        if self._cursor < self.top:
            self.scroll_rows(self._cursor)
        elif self._cursor >= self.top + self.page:
            self.scroll_rows(self._cursor - self.page + 1)
