"""Commands by name: what matches is listed above the line it is typed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from textual.content import Content

from bwp_tui.console.bindings.actions import ACTIONS, Action, ActionContext, with_views
from bwp_tui.console.bindings.key_names import shown_key
from bwp_tui.console.presentation.styled_text import StyledLine
from bwp_tui.domain.filter import View

MOST: Final = 8
_KEY: Final = 8
_WHAT: Final = 40


def matching(text: str, actions: Sequence[Action] = ACTIONS) -> list[Action]:
    """Return the actions whose name, label or description has every word of `text`, best first."""
    words = text.casefold().split()
    found = [
        (_rank(action, words), index, action)
        for index, action in enumerate(actions)
        if all(word in _haystack(action) for word in words)
    ]
    return [action for _, _, action in sorted(found, key=lambda entry: entry[:2])]


def _haystack(action: Action) -> str:
    return f"{action.name} {action.label} {action.what} {action.command or ''}".casefold().replace("_", " ")


def _rank(action: Action, words: list[str]) -> int:
    """0 where the name or label begins as typed, 1 where the sentence does, 2 elsewhere."""
    if not words:
        return 0
    typed = " ".join(words)
    if action.name.startswith(typed) or action.label.startswith(typed):
        return 0
    return 1 if action.what.casefold().startswith(typed) else 2


class CommandPalette(StyledLine):
    """The matching actions, one of them picked."""

    def __init__(self, actions: Sequence[Action] = ACTIONS, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._actions = actions
        self._named = tuple(actions)
        self._found: list[Action] = []
        self._picked = 0
        self._situation = ActionContext(None, False, date.min)

    def on_mount(self) -> None:
        self.display = False

    @property
    def picked(self) -> Action | None:
        """The action that enter would run."""
        return self._found[self._picked] if self._found else None

    def open(self, situation: ActionContext, views: Sequence[View] = ()) -> None:
        """List every action, those that open `views` with their names."""
        self._named = with_views(self._actions, views)
        self._situation = situation
        self.display = True
        self.search("")

    def search(self, text: str, _cursor: int = 0) -> None:
        """List what matches `text`, the first one picked."""
        self._found = matching(text, self._named)
        self._picked = 0
        self._update()

    def move(self, steps: int) -> None:
        """Pick another one."""
        if self._found:
            self._picked = max(0, min(self._picked + steps, len(self._found) - 1))
            self._update()

    def close(self) -> None:
        """Take the list away."""
        self.display = False

    def _update(self) -> None:
        start = max(0, self._picked - MOST + 1)
        lines = [
            self._line(action, picked=index == self._picked)
            for index, action in enumerate(self._found[start : start + MOST], start=start)
        ]
        self.show(Content("\n").join(lines or [self.to_content(("   No command has these words.", "warn"))]))

    def _line(self, action: Action, *, picked: bool) -> Content:
        why_not = action.disabled_reason(self._situation)
        beside = why_not or (f"bwp-tui {action.command}" if action.command else "")
        line = self.to_content(
            (" › " if picked else "   ", "accent"),
            (f"{shown_key(action.keys[0]):<{_KEY}}", "key"),
            (f"{action.what:<{_WHAT}}", "strong" if picked else "muted" if why_not else "plain"),
            (beside, "muted"),
        )
        return line.truncate(self.app.size.width - 1, ellipsis=True)
