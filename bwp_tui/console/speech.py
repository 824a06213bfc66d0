"""Text by role: a widget says what a piece of text means, the theme says how that looks."""

from __future__ import annotations

from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from bwp_tui.domain.text import clean

Phrase = tuple[str, str]
"""Text, and its role: `plain`, `muted`, `strong`, `good`, `bad`, `warn`, `busy`, `held`, `accent`, `key`, `badge`."""


class Speaker(Widget):
    """A widget whose text is made of phrases. Never given a `str`: Textual would read markup in it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "say--plain",
        "say--muted",
        "say--strong",
        "say--good",
        "say--bad",
        "say--warn",
        "say--busy",
        "say--held",
        "say--accent",
        "say--key",
        "say--badge",
        "say--badge-practice",
        "say--current",
    }

    def say(self, *phrases: Phrase) -> Content:
        """Return the phrases as content, each in the style of its role.

        They are cleaned once more: a register that came from elsewhere may hold what this program never wrote.
        """
        return Content.assemble(*((clean(text), self.get_visual_style(f"say--{role}")) for text, role in phrases))


class Line(Speaker, can_focus=False):
    """One or more lines of phrases, repainted only when they differ."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._content = Content()

    def show(self, content: Content) -> None:
        """Show `content`."""
        if not content.is_same(self._content):
            lines = content.plain.count("\n") != self._content.plain.count("\n")
            grown = self.styles.width is not None and self.styles.width.is_auto
            layout = lines or (grown and content.cell_length != self._content.cell_length)
            self._content = content
            self.refresh(layout=layout)

    def render(self) -> Content:
        return self._content
