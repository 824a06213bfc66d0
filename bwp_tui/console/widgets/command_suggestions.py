"""What the `:` line takes: the commands that begin as typed, above the line, with the reason where one cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from textual.content import Content

from bwp_tui.console.bindings.commands import Command
from bwp_tui.console.presentation.styled_text import StyledLine

MOST: Final = 8
_USAGE: Final = 46


class CommandSuggestions(StyledLine):
    """How the matching commands are written, and what they do."""

    def on_mount(self) -> None:
        self.display = False

    def set_commands(self, commands: Sequence[Command], why_not: Callable[[str], str | None]) -> None:
        """Show the first of `commands`, each with why its action is not possible now, if so; without any nothing."""
        self.display = bool(commands)
        self.show(Content("\n").join([self._line(command, why_not(command.action)) for command in commands[:MOST]]))

    def _line(self, command: Command, why_not: str | None) -> Content:
        line = self.to_content((f"   {command.usage:<{_USAGE}} ", "key"), (why_not or command.what, "muted"))
        return line.truncate(self.app.size.width - 1, ellipsis=True)
