"""The `:` line: asks for a command, helps to type it, and keeps one that means nothing, with the mistake under it."""

from __future__ import annotations

from typing import Final

from bwp_tui.console.bindings.commands import matching
from bwp_tui.console.command_bar.completion import offers_at
from bwp_tui.console.command_bar.parser import WrongLine
from bwp_tui.console.command_bar.task_commands import CommandDeeds
from bwp_tui.console.protocols import Stage
from bwp_tui.console.state.tab_completion import Mistake, Offers

_OFFERED: Final = 4
"""Completions that are shown at once."""


class Commanding:
    """Asks for command lines. Those that were done are the stage's `lines`."""

    def __init__(self, stage: Stage, deeds: CommandDeeds) -> None:
        self._stage = stage
        self._deeds = deeds
        self._offers = Offers(lambda text, cursor: offers_at(stage.views, text, cursor))
        self._recalled = 0

    async def ask(self) -> None:
        """Ask for a line, and do it once this has ended: what is done may ask something itself."""
        stage = self._stage
        self._recalled = len(self._stage.lines)
        self._changed("", 0)
        answer = await stage.prompt.text(
            ":",
            changed=self._changed,
            moved=self._recall,
            completed=self._offers.take,
            checked=self._mistake,
            hint=("tab completes   ↑ earlier lines" if stage.lines else "tab completes", "muted"),
        )
        stage.offer_commands(())
        if answer and answer.strip():
            stage.lines = (*(line for line in stage.lines if line != answer), answer)
            stage.call_later(self._deeds.read(answer))

    def _changed(self, text: str, cursor: int) -> None:
        offered = self._offers.at(text, cursor)
        self._stage.offer_commands(matching(text.lstrip(), self._stage.session.keymap.actions))
        self._stage.prompt.point_out(None)
        self._stage.prompt.hint(f"tab {'  '.join(offered[:_OFFERED])}" if offered else "", "key")

    def _recall(self, steps: int) -> None:
        self._recalled = max(0, min(self._recalled + steps, len(self._stage.lines)))
        self._stage.prompt.put(self._stage.lines[self._recalled] if self._recalled < len(self._stage.lines) else "")

    def _mistake(self, text: str) -> Mistake | None:
        try:
            if text.strip():
                self._deeds.read(text)
        except WrongLine as wrong:
            return wrong.mistake
        return None
