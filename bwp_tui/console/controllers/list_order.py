"""Ask which columns the table shows, and its order."""

from __future__ import annotations

from bwp_tui.console.presentation.task_row_cells import COLUMN_LETTERS, OPTIONAL_COLUMNS, SORT_LETTERS
from bwp_tui.console.protocols import MainScreenProtocol


async def choose_columns(screen: MainScreenProtocol) -> None:
    """Ask for letters until enter; each shows a column that is hidden, or hides one that is shown."""
    while True:
        shown = screen.list_state.shown_columns or screen.table.shown_columns
        keys = {letter: f"{'+' if id in shown else '-'}{id}" for letter, id in COLUMN_LETTERS.items()}
        letter = await screen.prompt.ask_key("Columns:", {**keys, "enter": "done"})
        if letter not in COLUMN_LETTERS:
            return
        chosen = {*shown} ^ {COLUMN_LETTERS[letter]}
        screen.show(screen.list_state.with_columns(tuple(id for id in OPTIONAL_COLUMNS if id in chosen)))


async def choose_sort(screen: MainScreenProtocol) -> None:
    """Ask for the letter of an order."""
    letter = await screen.prompt.ask_key("Sort by:", SORT_LETTERS)
    if letter is not None:
        screen.show(screen.list_state.with_sort(SORT_LETTERS[letter]))
        screen.show_status(f"Sorted by {SORT_LETTERS[letter]}.")
