"""The base of the screens with one page of text in which a text can be found."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from bwp_tui.console.bindings.keymap import Keymap
from bwp_tui.console.controllers.find import ScrolledText, TextFinder
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.screens.action_screen import ScrolledScreen
from bwp_tui.console.widgets.bars import FooterLine, StatusLine
from bwp_tui.console.widgets.prompt import Prompt
from bwp_tui.console.widgets.styled_line import Heading, Paragraphs
from bwp_tui.console.workers import start_worker


class SearchedScreen(ScrolledScreen):
    """A screen with one scrolled page of text, a prompt, a status line and a footer.

    Attributes:
        finder: finds a text in the page; a subclass has it `update` after each change of the page.
    """

    AUTO_FOCUS = ""

    def __init__(self, keymap: Keymap) -> None:
        super().__init__(keymap)
        text = ScrolledText(lambda: self.query_one(VerticalScroll))
        self.finder = TextFinder(self, keymap, text, self.update_footer)
        self.handlers |= {
            "filter": partial(start_worker, self, self.finder.ask),
            "next_match": partial(self.finder.step, 1),
            "previous_match": partial(self.finder.step, -1),
            "back": self._back,
        }

    def compose(self) -> ComposeResult:
        name = self.scope.name.lower()
        yield Heading(id=f"{name}-heading")
        with VerticalScroll(id=f"{name}-scroll", can_focus=False):
            yield Paragraphs(id=f"{name}-text")
        yield Prompt(id="prompt")
        yield StatusLine(id="status")
        yield FooterLine(id="footer")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave all keys to an open prompt."""
        return not self.is_asking and super().check_action(action, parameters)

    @property
    def keys(self) -> Sequence[StyledText]:
        """The keys that the footer shows while no prompt is open, besides those to other matches and back."""
        actions = self.keymap.actions_of(self.scope)
        return [self.keymap.hint(each.label, each.name) for each in actions if each.label and each.name != "back"]

    @property
    def back_label(self) -> str:
        """What the key back does while no text is searched for."""
        return "back"

    @on(Prompt.Toggled)
    def update_footer(self) -> None:
        """Show the mistake in what is typed, the keys that answer, or those of the page."""
        footer = self.query_one(FooterLine)
        if self.prompt.is_open:
            footer.show_prompt(self.prompt)
        else:
            footer.show_keys(*self.finder.with_keys(*self.keys, back=self.back_label))

    def _back(self) -> None:
        """End the search; without one, close the screen."""
        if not self.finder.clear():
            self.close()
