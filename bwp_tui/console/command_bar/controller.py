"""The `:` line: asks for a command, helps to type it, and keeps one that means nothing, with the mistake under it."""

from __future__ import annotations

from typing import Final

from bwp_tui.console.bindings.commands import matching
from bwp_tui.console.command_bar.completion import complete
from bwp_tui.console.command_bar.parser import CommandError
from bwp_tui.console.command_bar.task_commands import TaskLineCommands
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.state.tab_completion import InputError, TabCompleter

_OFFERED: Final = 4
"""Completions that are shown at once."""


class CommandBar:
    """Asks for command lines. Those that were done are the stage's `command_history`."""

    def __init__(self, stage: MainScreenProtocol, commands: TaskLineCommands) -> None:
        self._stage = stage
        self._commands = commands
        self._offers = TabCompleter(lambda text, cursor: complete(stage.views, text, cursor))
        self._recalled = 0

    async def ask(self) -> None:
        """Ask for a line, and do it once this has ended: what is done may ask something itself."""
        stage = self._stage
        self._recalled = len(self._stage.command_history)
        self._changed("", 0)
        answer = await stage.prompt.ask_text(
            ":",
            changed=self._changed,
            moved=self._recall,
            completed=self._offers.take,
            checked=self._mistake,
            hint=("tab completes   ↑ earlier lines" if stage.command_history else "tab completes", "muted"),
        )
        stage.offer_commands(())
        if answer and answer.strip():
            stage.command_history = (*(line for line in stage.command_history if line != answer), answer)
            stage.call_later(self._commands.read(answer))

    def _changed(self, text: str, cursor: int) -> None:
        offered = self._offers.at(text, cursor)
        self._stage.offer_commands(matching(text.lstrip(), self._stage.session.keymap.actions))
        self._stage.prompt.show_mistake(None)
        self._stage.prompt.hint(f"tab {'  '.join(offered[:_OFFERED])}" if offered else "", "key")

    def _recall(self, steps: int) -> None:
        self._recalled = max(0, min(self._recalled + steps, len(self._stage.command_history)))
        self._stage.prompt.set_text(
            self._stage.command_history[self._recalled] if self._recalled < len(self._stage.command_history) else ""
        )

    def _mistake(self, text: str) -> InputError | None:
        try:
            if text.strip():
                self._commands.read(text)
        except CommandError as wrong:
            return wrong.mistake
        return None
