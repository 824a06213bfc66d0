"""The commands that fit what is typed, above the prompt, one of them selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from textual import events
from textual.content import Content

from bwp_tui.console.bindings.prompt_commands import PromptCommand
from bwp_tui.console.widgets.styled_line import StyledLine

MAX_SHOWN: Final = 8
"""Commands that are shown at once."""

_INDENT: Final = 3
_KEY: Final = 8
_NAME: Final = 14
_SENTENCE: Final = 51
_WIDE: Final = 100
"""Cells of a line from which arguments or a reason are shown beside the sentence."""


class CommandList(StyledLine):
    """Lists commands with their keys, and what they do or why they are not possible now."""

    def on_mount(self) -> None:
        self.display = False
        self._start = self._shown = 0
        self._clicked: Callable[[int], None] = lambda _index: None

    def on_click(self, event: events.Click) -> None:
        if event.y < self._shown and event.chain == 1:
            self._clicked(self._start + event.y)

    def show_commands(
        self,
        commands: Sequence[PromptCommand],
        selected: int | None,
        key: Callable[[str], str],
        disabled_reason: Callable[[str], str | None],
        clicked: Callable[[int], None],
    ) -> None:
        """List commands, the first of them or those around the selected one.

        Args:
            key: returns the key of an action.
            disabled_reason: returns why an action is not possible now, or None.
            clicked: called with the index of a command that is clicked.
        """
        self._start = start = max(0, (selected or 0) - MAX_SHOWN + 1)
        self._shown, self._clicked = min(len(commands) - start, MAX_SHOWN), clicked
        lines = [
            self._line(
                command,
                key(command.action) if command.action else "",
                disabled_reason(command.action) if command.action else None,
                is_selected=index == selected,
                beside="" if len(commands) == 1 else command.arguments,
            )
            for index, command in enumerate(commands[start : start + MAX_SHOWN], start=start)
        ]
        if len(commands) == 1 and commands[0].arguments:
            lines.append(self.to_content((" " * _INDENT, "plain"), (commands[0].usage, "key")))
        self.display = True
        self.show_content(Content("\n").join(lines or [self.to_content(("   No command has these words.", "warn"))]))

    def close(self) -> None:
        self.display = False

    def _line(self, command: PromptCommand, key: str, reason: str | None, *, is_selected: bool, beside: str) -> Content:
        beside = reason or ("in the shell" if command.disabled_here_reason else beside)
        sentence, is_possible = command.description, reason is None and not command.disabled_here_reason
        if self.app.size.width < _WIDE:
            sentence, beside = (reason if is_selected else None) or sentence, ""
        return self.to_content(
            (" › " if is_selected else "   ", "accent"),
            (f"{key:<{_KEY}}", "key" if is_possible else "muted"),
            (f"{command.name:<{_NAME}} ", "strong" if is_selected else "plain" if is_possible else "muted"),
            (f"{sentence:<{_SENTENCE}}" if beside else sentence, "plain" if is_possible else "muted"),
            (f"  {beside}" if beside else "", "muted"),
        )
