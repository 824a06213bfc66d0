"""A line of text that is typed or pasted."""

from __future__ import annotations

from textual import events
from textual.geometry import Region
from textual.widgets import Input

from bwp_tui.domain.text import clean


class TextField(Input):
    """An input in one line, without a blinking cursor. Control characters, which a paste may have, become escapes."""

    def __init__(self, *, id: str, select_on_focus: bool = False) -> None:
        super().__init__(id=id, compact=True, select_on_focus=select_on_focus)
        self.cursor_blink = False

    def on_paste(self, event: events.Paste) -> None:
        # Textual's own handler comes next, takes the first line alone, and says nothing of the others.
        event.text = " ".join(line.strip() for line in event.text.splitlines() if line.strip())

    def on_resize(self) -> None:
        """Keep the cursor in sight: Textual scrolls to it only when it moves, by the width of that moment."""
        cursor = self.cursor_screen_offset.x - self.content_region.x + int(self.scroll_offset.x)
        self.scroll_to_region(Region(cursor, 0, 1, 1), animate=False, force=True)

    def validate_value(self, value: str) -> str:
        """Clean what was typed before it is shown."""
        return clean(value)
