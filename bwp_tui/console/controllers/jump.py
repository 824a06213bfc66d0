"""Put the cursor on a task that is named, or on the first task of a day."""

from __future__ import annotations

from datetime import date
from typing import Final

from bwp_tui.console.background import prepare_question
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.domain.filter import DayCondition, Filter, ValueCondition, parse
from bwp_tui.store.queries import tasks

_OF_A_DAY: Final = {
    "due": "is due on",
    "received": "was received on",
    "submitted": "was submitted on",
    "updated": "changed last on",
    "done_by": "has a Done by of",
    "answered": "was answered on",
}
"""The orders by a day, each with how a sentence names it; in another order the day of submission counts."""


def jump_to_task(screen: MainScreenProtocol, number: int) -> None:
    """Put the cursor on a task; where the view lacks it, among all tasks."""
    if screen.has_all_rows:
        screen.go_to(number)
    else:
        screen.select_when_listed(number)


async def jump_to_day(screen: MainScreenProtocol, day: date) -> None:
    """Put the cursor on the first task of a day in the present order, or say that there is none."""
    listing, session = screen.list_state, screen.session
    field = listing.sort.removeprefix("-")
    field = field if field in _OF_A_DAY else "submitted"
    is_shown = (ValueCondition("is", ("open",)),) if field == "due" else ()  # the others show no due date
    wanted = Filter((*parse(listing.filter).conditions, DayCondition(field, "=", day), *is_shown))
    found = await prepare_question(
        session,
        lambda: tasks.matching_numbers(session.read_store, wanted, today=session.today(), sort=listing.sort, limit=1),
    )
    if found:
        jump_to_task(screen, found[0])
    else:
        screen.show_status(f"No task of this view {_OF_A_DAY[field]} {day}.", "warn")
