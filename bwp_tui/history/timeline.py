"""The append-only record of what happened to a task, when, and by whom."""

from __future__ import annotations

from bwp_tui.domain.task import Event
from bwp_tui.domain.times import from_text
from bwp_tui.history.connection import History, Transaction, as_text

SERVICE = "service"
"""Actor of what the service did or answered."""


def append(
    transaction: Transaction,
    number: int,
    actor: str,
    what: str,
    *,
    before: str | None = None,
    after: str | None = None,
    detail: str | None = None,
) -> None:
    """Add a line to the timeline of task `number`, at the transaction's instant."""
    transaction.run(
        "INSERT INTO timeline (task, at, actor, what, before, after, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (number, transaction.now_text, actor, what, before, after, detail),
    )


def of_task(history: History, number: int) -> list[Event]:
    """Return the timeline of task `number`, oldest first."""
    rows = history.rows(
        "SELECT at, actor, what, before, after, detail FROM timeline WHERE task = ? ORDER BY id", (number,)
    )
    return [
        Event(
            at=from_text(as_text(at)),
            actor=as_text(actor),
            what=as_text(what),
            before=None if before is None else as_text(before),
            after=None if after is None else as_text(after),
            detail=None if detail is None else as_text(detail),
        )
        for at, actor, what, before, after, detail in rows
    ]
