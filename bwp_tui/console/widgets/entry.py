"""A line of text that is typed or pasted."""

from __future__ import annotations

from textual.widgets import Input

from bwp_tui.domain.text import clean


class Entry(Input):
    """An input in one line, without a blinking cursor. What steers a terminal, as a paste may, becomes an escape."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        """Clean what was typed before it is shown."""
        return clean(value)
