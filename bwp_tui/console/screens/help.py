"""The help: every key, from the registry, and why an action is unavailable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from textwrap import wrap
from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from bwp_tui.console.bindings.actions import ACTIONS, GROUPS, Action, ActionContext
from bwp_tui.console.bindings.help_entries import HERE, bound
from bwp_tui.console.bindings.key_names import shown_key
from bwp_tui.console.presentation.breakpoints import WIDE
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.screens.scrolled import SCROLL_BINDINGS, ScrolledScreen
from bwp_tui.console.widgets.bars import FooterLine
from bwp_tui.console.widgets.detail_pane import Heading, Paragraphs

_KEYS: Final = 12
_WHAT: Final = 52
_INDENT: Final = 3
_MARGIN: Final = 4
"""Cells beside the text: its padding, and the scroll bar."""


class HelpScreen(ScrolledScreen):
    """Lists the keys of a screen in the order of `groups`.

    Args:
        notes: lines after the keys.
    """

    BINDINGS = [
        Binding("escape,q,question_mark,enter", "close", "Close", show=False),
        *SCROLL_BINDINGS,
    ]

    def __init__(
        self,
        situation: ActionContext,
        actions: Sequence[Action] = ACTIONS,
        groups: Sequence[str] = GROUPS,
        notes: Sequence[Sequence[StyledText]] | None = None,
    ) -> None:
        super().__init__()
        self._actions = sorted(actions, key=lambda action: groups.index(action.group))
        self._notes = _FILTER_LINES if notes is None else notes
        self._situation = situation
        self._keys = max(_KEYS, *(len(_keys_of(action)) for action in self._actions))

    @classmethod
    def on_bindings(cls, bindings: Iterable[BindingType], today: date) -> HelpScreen:
        """Return the help of a screen whose keys are always possible."""
        return cls(ActionContext(None, False, today), bound(bindings), (HERE,), notes=())

    def compose(self) -> ComposeResult:
        yield Heading(id="help-heading")
        with VerticalScroll(id="help-scroll", can_focus=False):
            yield Paragraphs(id="help-text")
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        self.query_one(Heading).set_text([("keys", "strong")], "bwp-tui")
        self.query_one(FooterLine).show_keys(("j k", "scroll"), ("esc", "back"))

    def on_resize(self) -> None:
        lines: list[Sequence[StyledText]] = []
        for group, actions in groupby(self._actions, key=lambda action: action.group):
            lines += [[], [(f" {group}", "accent")], *(line for action in actions for line in self._lines(action))]
        lines += [[], *self._notes]
        self.query_one("#help-text", Paragraphs).set_lines(lines)

    def _lines(self, action: Action) -> list[list[StyledText]]:
        why_not = action.disabled_reason(self._situation)
        indent = _INDENT + self._keys
        first, *more = wrap(action.what, max(_KEYS, self.app.size.width - indent - _MARGIN))
        line: list[StyledText] = [
            (f"{'':{_INDENT}}{_keys_of(action):<{self._keys}}", "key"),
            (first, "muted" if why_not else "plain"),
        ]
        if action.command and not why_not and self.app.size.width >= WIDE:
            line.append((f"{'':{max(0, _WHAT - len(first))}} bwp-tui {action.command}", "muted"))
        below: list[list[StyledText]] = [[(f"{'':{indent}}{words}", "muted" if why_not else "plain")] for words in more]
        reason = wrap(f"unavailable: {why_not}", max(_KEYS, self.app.size.width - indent - _MARGIN)) if why_not else []
        return [line, *below, *([(f"{'':{indent}}{words}", "warn")] for words in reason)]


def _keys_of(action: Action) -> str:
    return f"{' '.join(shown_key(key) for key in action.keys)} "


_FILTER_LINES: Final[list[list[StyledText]]] = [
    [(" Filters", "accent")],
    [("   jane", "key"), ("            text in the email, the task id or the note", "plain")],
    [("   status:failed,on_hold  kind:deletion", "key"), ("   any of several values", "plain")],
    [("   age>2d  due<7d  due:over", "key"), ("   durations and dates", "plain")],
    [("   error:ORDERS_NOT_CLOSED  tag:vip  is:ready", "key"), ("   and   ", "plain"), ("-note:later", "key")],
    [],
    [(" Everywhere", "accent")],
    [("   ctrl+c", "key"), ("       close the prompt", "plain")],
    [("   ctrl+l", "key"), ("       redraw the screen", "plain")],
    [("   ctrl+z", "key"), ("       back to the shell; fg returns", "plain")],
]
