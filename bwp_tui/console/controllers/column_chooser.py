"""Showing and hiding the columns of the table by letter."""

from __future__ import annotations

from typing import Final

from bwp_tui.console.presentation.task_columns import OPTIONAL
from bwp_tui.console.protocols import MainScreenProtocol

_LETTERS: Final = {
    "k": "kind",
    "t": "status",
    "b": "submitted",
    "r": "received",
    "u": "updated",
    "g": "age",
    "d": "due",
    "a": "assigned",
    "l": "tags",
    "i": "id",
    "n": "note",
}


class ColumnChooser:
    """Asks which columns to show, until enter."""

    def __init__(self, stage: MainScreenProtocol) -> None:
        self._stage = stage

    async def ask(self) -> None:
        """Ask for letters; each shows a column that is hidden and hides one that is shown."""
        stage = self._stage
        while True:
            shown = stage.list_state.shown_columns or stage.table.shown_columns
            keys = {letter: f"{'+' if id in shown else '-'}{id}" for letter, id in _LETTERS.items()}
            letter = await stage.prompt.ask_key("Columns:", {**keys, "enter": "done"})
            if letter not in _LETTERS:
                return
            turned = {*shown} ^ {_LETTERS[letter]}
            stage.show(stage.list_state.with_columns(tuple(id for id in OPTIONAL if id in turned)))
