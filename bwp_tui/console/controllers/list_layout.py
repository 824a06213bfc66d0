"""Ask which columns the table shows, and its order."""

from __future__ import annotations

from bwp_tui.console.presentation.task_row_cells import COLUMN_KEYS, SORT_KEYS
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.store.queries.orders import reverse_of


async def choose_columns(screen: MainScreenProtocol) -> None:
    """Ask for letters until enter; each shows a column that is hidden, or hides one that is shown."""
    before = screen.list_state
    while True:
        columns = screen.list_state.wanted_columns or screen.table.visible_columns
        keys = {letter: f"{'+' if id in columns else '-'}{id}" for letter, id in COLUMN_KEYS.items()}
        letter = await screen.prompt.ask_key("Columns (+ shown, - hidden):", {**keys, "enter": "done"})
        if letter not in COLUMN_KEYS:
            if screen.list_state != before:
                report_columns_of_view(screen)
            return
        chosen = {*columns} ^ {COLUMN_KEYS[letter]}
        screen.show(screen.list_state.with_columns(tuple(id for id in COLUMN_KEYS.values() if id in chosen)))


def report_columns_of_view(screen: MainScreenProtocol) -> None:
    """Say how long columns hold that were chosen where a saved view has its own."""
    view = screen.list_state.view
    if view is not None and view.columns:
        key = screen.session.offered_key("save_view")
        saves = f"; {key} saves them with it" if key else ""
        screen.show_status(f"These columns hold while the view “{view.name}” is listed{saves}.")


async def choose_sort(screen: MainScreenProtocol) -> None:
    """Ask for the letter of an order; that of the present order reverses it."""
    orders = {letter: _order_text(order) for letter, order in SORT_KEYS.items()}
    letter = await screen.prompt.ask_key("Sort by:", orders)
    if letter is not None:
        sort_by(screen, SORT_KEYS[letter])


def sort_by(screen: MainScreenProtocol, chosen: str) -> None:
    """List the tasks in an order; the present one is reversed. An open prompt or form leaves the order as it is."""
    if screen.prompt.is_open or screen.form.display:
        return
    present = screen.list_state.sort
    sort = reverse_of(present) if present.removeprefix("-") == chosen else chosen
    screen.show(screen.list_state.with_sort(sort))
    screen.show_status(
        f"Sorted by {_order_text(sort.removeprefix('-'))}{', reversed' if sort.startswith('-') else ''}."
    )


def _order_text(order: str) -> str:
    """Return an order's name as the heading of its column has it."""
    return "email" if order == "subject" else order
