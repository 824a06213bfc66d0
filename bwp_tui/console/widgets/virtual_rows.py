"""What the task table is as a scrolled pane: rows of one line each under a header that stays."""

from __future__ import annotations

from typing import Final

from textual.geometry import Region, Size
from textual.scroll_view import ScrollView

HEADER: Final = 1
"""Lines above the first row: the column titles."""

_BAR_STEPS: Final = 8
"""Steps of a cell in which a scrollbar is drawn."""


class VirtualRows(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows that scroll without animation, and that tell Textual no more than what is to be repainted."""

    FOCUS_ON_CLICK = False  # it has the focus already, unless something asks: that is to keep it

    @property
    def row_count(self) -> int:
        """Rows there are, in sight or not."""
        raise NotImplementedError

    @property
    def page(self) -> int:
        """Rows that fit on the screen."""
        return max(1, self.size.height - HEADER)

    @property
    def top(self) -> int:
        """Index of the first row in sight."""
        return self.scroll_offset.y

    def repaint_row(self, row: int, x: int, width: int) -> None:
        """Repaint `width` cells of a row from `x` on, where the row is in sight."""
        y = row - self.top
        if 0 <= y < self.page:
            self.refresh(Region(x, y + HEADER, width, 1))

    def scroll_rows(self, top: int) -> None:
        """Bring the row at index `top`, or the nearest possible one, to the first line."""
        # forced: after `show` the scrollbar, which allows scrolling, comes with the next layout only
        self.scroll_to(y=top, animate=False, force=True)

    def set_top(self, top: int) -> None:
        """`scroll_rows` without the repaint of all lines: the caller repaints those that differ."""
        top = max(0, min(top, self.row_count - self.page))
        self.set_reactive(VirtualRows.scroll_y, float(top))
        self.set_reactive(VirtualRows.scroll_target_y, float(top))
        self._fit_bar()

    def fit_height(self) -> None:
        """Tell Textual how high the rows are; a full layout only where the scrollbar comes or goes."""
        size = Size(0, self.row_count + HEADER)
        if (size.height > self.size.height) != self.show_vertical_scrollbar:
            self.virtual_size = size
        else:
            self.set_reactive(VirtualRows.virtual_size, size)
            self._fit_bar()

    def _fit_bar(self) -> None:
        """Repaint the scrollbar only when its thumb has moved or grown by a step that can be seen."""
        if not self.show_vertical_scrollbar:
            return
        bar, height = self.vertical_scrollbar, self.virtual_size.height
        moved = abs(height - bar.window_virtual_size) + abs(self.top - bar.position)
        if moved * self.size.height * _BAR_STEPS >= height:
            bar.window_virtual_size = height
            bar.position = float(self.top)
