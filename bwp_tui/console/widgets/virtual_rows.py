"""The base of all lists: any number of one-line rows under a fixed header, with a cursor.

Textual writes every region that is marked dirty, so it marks the rows that differ and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.message_pump import MessagePump
from textual.scroll_view import ScrollView

from bwp_tui.console.terminal.textual_compat import fit_scrollbar, scroll_unpainted, set_height_unpainted

HEADER_LINES: Final = 1
"""Lines above the first row: the column titles."""

_BAR_STEPS: Final = 8
"""Steps of a cell in which a scrollbar is drawn."""

DEBOUNCE_S: Final = 0.06


class VirtualRows(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows that scroll without animation. It binds no key: its screen calls `moves`.

    Attributes:
        row_count: how many rows there are, in sight or not.
    """

    FOCUS_ON_CLICK = False  # it has the focus already, unless a prompt is open: that is to keep it

    class CursorMoved(Message):
        """The cursor is on another row."""

    class Chosen(Message):
        """The operator clicked the row under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.row_count = 0
        self._cursor = 0

    @property
    def cursor_row(self) -> int:
        """Index of the row the cursor is on; 0 when there are none."""
        return self._cursor

    @property
    def page(self) -> int:
        """Rows that fit on the screen."""
        return max(1, self.size.height - HEADER_LINES)

    @property
    def top(self) -> int:
        """Index of the first row in sight."""
        return self.scroll_offset.y

    def go_to(self, row: int) -> None:
        """Put the cursor on a row, or on the nearest there is, and bring it into sight."""
        row = max(0, min(row, self.row_count - 1))
        if row != self._cursor:
            before, self._cursor = self._cursor, row
            self.repaint_row(before)
            self.repaint_row(row)
            self.post_message(self.CursorMoved())
        self._reveal()

    def move(self, rows: int) -> None:
        """Move the cursor by rows, down when positive."""
        self.go_to(self._cursor + rows)

    def move_pages(self, rows: int) -> None:
        """Scroll by rows and move the cursor as far: it keeps its line on the screen."""
        self.scroll_rows(self.top + rows)
        self.move(rows)

    @property
    def moves(self) -> dict[str, Callable[[], None]]:
        """The ways in which keys move the cursor, by the name of the action."""
        half = max(1, self.page // 2)
        return {
            "down": lambda: self.move(1),
            "up": lambda: self.move(-1),
            "half_page_down": lambda: self.move_pages(half),
            "half_page_up": lambda: self.move_pages(-half),
            "page_down": lambda: self.move_pages(self.page),
            "page_up": lambda: self.move_pages(-self.page),
            "first": lambda: self.go_to(0),
            "last": lambda: self.go_to(self.row_count - 1),
        }

    def on_click(self, event: events.Click) -> None:
        if not self.has_focus:
            return  # a question is open, about what the cursor is on
        row = self.top + event.y - HEADER_LINES
        if event.y < HEADER_LINES:
            self.click_title(event.x)
        elif row == self._cursor and row < self.row_count:
            self.post_message(self.Chosen())
        elif row < self.row_count:
            self.go_to(row)

    def click_title(self, x: int) -> None:
        """Do what a click on a column title does: in most lists nothing."""

    def on_resize(self) -> None:
        self.fit_height()
        self._reveal()

    def _reveal(self) -> None:
        """Scroll as far as the cursor needs to be in sight."""
        if self._cursor < self.top:
            self.scroll_rows(self._cursor)
        elif self._cursor >= self.top + self.page:
            self.scroll_rows(self._cursor - self.page + 1)

    def style_above(self, component: str) -> Style:
        """Return a component's style, to be laid over that of a row.

        The full style alone blends the band's colour with the background of the list; and letters that are dim against
        the list would be lost against a band that brings its own colour.
        """
        own, blended = (self.get_component_rich_style(component, partial=partial) for partial in (True, False))
        return own + Style(bgcolor=blended.bgcolor if own.bgcolor else None, dim=False if own.color else None)

    def repaint_row(self, row: int) -> None:
        y = row - self.top
        if 0 <= y < self.page:
            self.refresh(Region(0, y + HEADER_LINES, self.scrollable_size.width, 1))

    def scroll_rows(self, top: int) -> None:
        """Bring the row at index `top`, or the nearest possible one, to the first line."""
        # forced: after `show` the scrollbar, which allows scrolling, comes with the next layout only
        self.scroll_to(y=top, animate=False, force=True)

    def set_top(self, top: int) -> None:
        """`scroll_rows` without the repaint of all lines: the caller repaints those that differ."""
        top = max(0, min(top, self.row_count - self.page))
        scroll_unpainted(self, top)
        self._fit_bar()

    def fit_height(self) -> None:
        """Tell Textual how high the rows are; a full layout only where the scrollbar comes or goes."""
        height = self.row_count + HEADER_LINES
        if (height > self.size.height) != self.show_vertical_scrollbar:
            self.virtual_size = Size(0, height)
        else:
            set_height_unpainted(self, height)
            self._fit_bar()

    def _fit_bar(self) -> None:
        """Repaint the scrollbar only when its thumb has moved or grown by a step that can be seen."""
        if self.show_vertical_scrollbar:
            fit_scrollbar(self, _BAR_STEPS)


class Debouncer:
    """Calls `callback` in `pump` once no move came for `DEBOUNCE_S` seconds: not for each row that a held key passes.

    The loop's own timer: a timer of Textual is a task that each move would end and begin anew.
    """

    def __init__(self, pump: MessagePump, callback: Callable[[], None]) -> None:
        self._pump = pump
        self._callback = callback
        self._timer: asyncio.TimerHandle | None = None

    def restart(self) -> None:
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(DEBOUNCE_S, self._pump.call_later, self._callback)

    def stop(self) -> None:
        """Cancel the call until the next move."""
        if self._timer is not None:
            self._timer.cancel()
