"""What proves how a request was handled, beside its task and its timeline: what was sent, and every download."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from bwp_tui.domain.task import Download
from bwp_tui.domain.times import from_text
from bwp_tui.history.connection import History, SqlValue, as_int, as_text
from bwp_tui.history.rows import DOWNLOAD_COLUMNS, download_of


@dataclass(frozen=True, slots=True)
class Sent:
    """Something asked of the service for a task: `submit` or `cancel`.

    Attributes:
        client_token_sha256: shows which client token was used, to one who has it; never the token.
    """

    action: str
    state: str
    attempts: int
    asked_at: datetime
    first_sent_at: datetime | None
    settled_at: datetime | None
    actor: str
    client_token_sha256: str | None


def sent_for(history: History, number: int) -> list[Sent]:
    """Return what was asked of the service for task `number`, oldest first."""
    rows = history.rows(
        "SELECT action, state, attempts, asked_at, first_sent_at, settled_at, actor, client_token"
        " FROM intents WHERE task = ? ORDER BY id",
        (number,),
    )
    return [
        Sent(
            action=as_text(row[0]),
            state=as_text(row[1]),
            attempts=as_int(row[2]),
            asked_at=from_text(as_text(row[3])),
            first_sent_at=_instant(row[4]),
            settled_at=_instant(row[5]),
            actor=as_text(row[6]),
            client_token_sha256=None if row[7] is None else hashlib.sha256(as_text(row[7]).encode()).hexdigest(),
        )
        for row in rows
    ]


def downloads_of(history: History, number: int) -> list[Download]:
    """Return every download of the result of task `number`, oldest first."""
    rows = history.rows(f"SELECT {DOWNLOAD_COLUMNS} FROM downloads d WHERE d.task = ? ORDER BY d.id", (number,))
    return [download_of(row) for row in rows]


def _instant(value: SqlValue) -> datetime | None:
    return None if value is None else from_text(as_text(value))
