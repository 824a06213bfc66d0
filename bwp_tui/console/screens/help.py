"""The help: every key, from the registry, and why an action is unavailable."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from textwrap import wrap
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from bwp_tui.console.bindings.actions import Action, ActionContext, Scope
from bwp_tui.console.bindings.key_names import shown_key
from bwp_tui.console.bindings.keymap import Keymap
from bwp_tui.console.bindings.screen_actions import GROUPS, bindings_of
from bwp_tui.console.presentation.breakpoints import WIDE
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.screens.action_screen import ActionScreen
from bwp_tui.console.screens.searched_screen import SearchedScreen
from bwp_tui.console.widgets.bars import FooterLine, StatusLine
from bwp_tui.console.widgets.prompt import Prompt
from bwp_tui.console.widgets.styled_line import Heading, Paragraphs
from bwp_tui.domain.filter_fields import FIELDS

_KEYS_WIDTH: Final = 12
_HELP_WIDTH: Final = 52
_INDENT: Final = 3
_MARGIN: Final = 4
"""Cells beside the text: its padding, and the scroll bar."""


class HelpScreen(SearchedScreen):
    """Lists the keys of a screen in the order of `GROUPS`.

    Args:
        context: what decides which actions are possible on that screen.
        notes: lines after the keys.
    """

    scope = Scope.HELP
    BINDINGS = bindings_of(scope)

    def __init__(
        self,
        keymap: Keymap,
        context: ActionContext,
        actions: Sequence[Action],
        notes: Sequence[Sequence[StyledText]] = (),
    ) -> None:
        super().__init__(keymap)
        self.handlers["help"] = self.close
        everywhere = keymap.actions_of(Scope.APP)
        self._actions = sorted((*actions, *everywhere), key=lambda action: GROUPS.index(action.group))
        self._notes = notes
        self._opener_context = context
        self._keys = max(_KEYS_WIDTH, *(len(_keys_of(action)) for action in self._actions))

    def compose(self) -> ComposeResult:
        yield Heading(id="help-heading")
        with VerticalScroll(id="help-scroll", can_focus=False):
            yield Paragraphs(id="help-text")
        yield Prompt(id="prompt")
        yield StatusLine(id="status")
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        self.query_one(Heading).set_text([("keys", "strong")], "bwp-tui")
        self.update_footer()

    @property
    def keys(self) -> Sequence[StyledText]:
        """The keys that scroll and find."""
        return (self.keymap.hint("scroll", "down", "up"), self.keymap.hint("find", "filter"))

    def on_resize(self) -> None:
        lines: list[Sequence[StyledText]] = []
        for group, actions in groupby(self._actions, key=lambda action: action.group):
            lines += [[], [(f" {group}", "accent")], *(line for action in actions for line in self._lines(action))]
        lines += [[], *self._notes]
        self.query_one("#help-text", Paragraphs).set_lines(lines)
        self.finder.update()

    def _lines(self, action: Action) -> list[list[StyledText]]:
        why_not = action.disabled_reason(self._opener_context)
        indent = _INDENT + self._keys
        width = max(_KEYS_WIDTH, self.app.size.width - indent - _MARGIN)
        first, *more = wrap(action.help, width)
        line: list[StyledText] = [
            (f"{'':{_INDENT}}{_keys_of(action):<{self._keys}}", "key"),
            (first, "muted" if why_not else "plain"),
        ]
        if action.command and not why_not and self.app.size.width >= WIDE:
            line.append((f"{'':{max(0, _HELP_WIDTH - len(first))}} bwp-tui {action.command}", "muted"))
        below: list[list[StyledText]] = [[(f"{'':{indent}}{words}", "muted" if why_not else "plain")] for words in more]
        reason = wrap(f"unavailable: {why_not}", width) if why_not else []
        return [line, *below, *([(f"{'':{indent}}{words}", "warn")] for words in reason)]


def _keys_of(action: Action) -> str:
    return f"{' '.join(shown_key(key) for key in action.keys)} "


FILTER_NOTES: Final[list[list[StyledText]]] = [
    [(" Filters", "accent")],
    [(f"{'':{_INDENT}}{'jane':<{_KEYS_WIDTH}}", "key"), ("text in the email, the task id or the note", "plain")],
    *(
        [(f"{'':{_INDENT}}{spec.key + spec.operator:<{_KEYS_WIDTH}}", "key"), (spec.help, "plain")]
        for spec in FIELDS.values()
    ),
    [
        (f"{'':{_INDENT}}status:failed,on_hold -note:later", "key"),
        ("   any of several values, and not a value", "plain"),
    ],
    [(f"{'':{_INDENT}}is:failed -(tag:vip or due<7d)", "key"), ("      one of the two, or neither", "plain")],
]
"""What the main screen's help says of filters."""


def mouse_notes(*, is_on: bool) -> list[list[StyledText]]:
    """Return what the main screen's help says of the mouse."""
    does: tuple[StyledText, ...]
    if is_on:
        does = (
            ("a click", "acts on rows, views, pages, commands and keys"),
            ("shift", "held down, lets text be selected"),
        )
    else:
        does = (("off", 'here; mouse = "on" in the profile turns it on'),)
    return [[(" Mouse", "accent")], *([(f"{'':{_INDENT}}{a:<{_KEYS_WIDTH}}", "key"), (b, "plain")] for a, b in does)]


def open_help(screen: ActionScreen) -> None:
    """Show the keys of a screen."""
    screen.app.push_screen(HelpScreen(screen.keymap, screen.context, screen.keymap.actions_of(screen.scope)))
