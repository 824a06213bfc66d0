"""Change a task's row, with a new revision so that screens read it again."""

from __future__ import annotations

from bwp_tui.domain.task import Status
from bwp_tui.store.database.connection import Transaction


def set_revision(transaction: Transaction, number: int) -> None:
    """Give task `number` the transaction's revision."""
    transaction.run("UPDATE tasks SET revision = ? WHERE number = ?", (transaction.revision, number))


def set_trouble(transaction: Transaction, number: int, reason: str) -> None:
    """Record why the last call for task `number` failed; touch its row only if the reason differs."""
    transaction.run(
        "UPDATE tasks SET trouble = ?1, revision = ?2 WHERE number = ?3 AND trouble IS NOT ?1",
        (reason, transaction.revision, number),
    )


def finish(transaction: Transaction, number: int, status: Status) -> None:
    """Bring task `number` to a final status, with no more polls."""
    transaction.run(
        "UPDATE tasks SET status = ?, terminal = 1, finished_at = ?, next_poll_at = NULL, revision = ?"
        " WHERE number = ?",
        (status, transaction.now_text, transaction.revision, number),
    )
