"""A list of styled text under a heading."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip
from textual.style import Style as VisualStyle

from bwp_tui.console.presentation.glyphs import locale_glyphs
from bwp_tui.console.presentation.styled_text import ROLES, StyledText
from bwp_tui.console.widgets.virtual_rows import HEADER_LINES, VirtualRows

LineOf = Callable[[int], Sequence[StyledText]]
"""Makes the line of a row, by its index."""

POINTER_CELLS: Final = 2
"""Cells at the left, for the cursor's sign."""


class VirtualList(VirtualRows):
    """Rows of styled text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*ROLES, "virtual-list--cursor"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._header: Sequence[StyledText] = ()
        self._line_of: LineOf = lambda _row: ()
        self._pointer = f"{locale_glyphs().cursor} "
        self._pattern: re.Pattern[str] | None = None

    @property
    def text_width(self) -> int:
        """Cells that a line has."""
        return max(1, self.scrollable_size.width - POINTER_CELLS)

    def underline(self, pattern: re.Pattern[str] | None) -> None:
        """Underline what matches the pattern in the rows."""
        if pattern != self._pattern:
            self._pattern = pattern
            self.refresh()

    @property
    def header(self) -> Sequence[StyledText]:
        """The titles above the first row in sight."""
        return self._header

    def text_of(self, row: int) -> str:
        return "".join(text for text, _ in self._line_of(row))

    def show(self, header: Sequence[StyledText], count: int, line_of: LineOf, *, cursor: int = 0) -> None:
        """Show `count` rows, the cursor on one of them."""
        self._set_lines(header, count, line_of, max(0, min(cursor, count - 1)))
        self.refresh()

    def _set_lines(self, header: Sequence[StyledText], count: int, line_of: LineOf, cursor: int) -> None:
        """Replace the rows without a repaint."""
        self._header, self.row_count, self._line_of, self._cursor = header, count, line_of, cursor
        self.fit_height()
        self.set_top(self.top)
        self._reveal()

    def render_line(self, y: int) -> Strip:
        row = self.top + y - HEADER_LINES
        if y < HEADER_LINES:
            return self._strip((" " * POINTER_CELLS, "plain"), *self.header)
        if row >= self.row_count:
            return self._strip()
        if row != self._cursor:
            return self._strip((" " * POINTER_CELLS, "plain"), *self._line_of(row), pattern=self._pattern)
        strip = self._strip((self._pointer, "accent"), *self._line_of(row), pattern=self._pattern)
        band = self.style_above("virtual-list--cursor")
        ground = self.get_component_rich_style("role--plain").bgcolor
        return Strip(
            [
                Segment(
                    text, style if style and (style.reverse or style.bgcolor != ground) else (style or Style()) + band
                )
                for text, style, _ in strip
            ],
            strip.cell_length,
        )

    def _strip(self, *texts: StyledText, pattern: re.Pattern[str] | None = None, width: int | None = None) -> Strip:
        width = self.scrollable_size.width if width is None else width
        content = Content.assemble(*((text, self._style_of(role)) for text, role in texts))
        for match in pattern.finditer(content.plain, POINTER_CELLS) if pattern is not None else ():
            content = content.stylize(self.get_visual_style("role--found"), *match.span())
        strip = Strip(content.truncate(width, ellipsis=True).render_segments(self.get_visual_style("role--plain")))
        return strip.adjust_cell_length(width, self.get_component_rich_style("role--plain"))

    def _style_of(self, role: str) -> VisualStyle:
        """Return the style of a role; Textual's has no `reverse`."""
        name = f"role--{role}"
        is_reverse = self.get_component_styles(name).text_style.reverse
        return self.get_visual_style(name) + VisualStyle(reverse=is_reverse or None)
