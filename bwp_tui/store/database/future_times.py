"""Correct the times in a history that lie in the future after the computer's clock was set back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.times import format_instant
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.shared_sql import DOWNLOAD_IS_OPEN, INTENT_IS_WAITING

_DUE_TIMES: Final = (
    ("tasks", "next_poll_at", "next_poll_at IS NOT NULL"),
    ("intents", "not_before", INTENT_IS_WAITING),
    ("downloads", "not_before", DOWNLOAD_IS_OPEN),
)


def newest_entry_at(store: Store) -> datetime | None:
    """Return the instant of the newest entry, or None in an empty history."""
    return store.instant("SELECT newest_at FROM meta")


def correct_future_times(store: Store, rollback: timedelta) -> None:
    """Move due times in the future back by `rollback`, as the clock went, and make the present the newest instant."""
    with store.write() as transaction:
        for table, column, condition in _DUE_TIMES:
            # SQLite counts milliseconds; the history's instants have microseconds.
            transaction.run(
                f"UPDATE {table} SET {column} = strftime('%Y-%m-%dT%H:%M:%f', {column}, ?) || '000Z'"
                f" WHERE {condition} AND {column} > ?",
                (f"-{rollback.total_seconds():.3f} seconds", format_instant(transaction.now)),
            )
        transaction.run("UPDATE meta SET newest_at = ?", (transaction.now_text,))
