"""The keys that scroll a page of text, for each screen that is one."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import Screen

_STEP: Final = 10
_ALL: Final = 100_000
"""More lines than any page has."""

SCROLL_BINDINGS: Final = (
    Binding("j,down", "scroll(1)", "Down", show=False),
    Binding("k,up", "scroll(-1)", "Up", show=False),
    Binding("pagedown,ctrl+d,space", f"scroll({_STEP})", "Ten lines down", show=False),
    Binding("pageup,ctrl+u", f"scroll({-_STEP})", "Ten lines up", show=False),
    Binding("g,home", f"scroll({-_ALL})", "To the top", show=False),
    Binding("G,end", f"scroll({_ALL})", "To the end", show=False),
)


class ScrolledScreen(Screen[None]):
    """A screen with one scrolled part."""

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines, down when positive."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)
