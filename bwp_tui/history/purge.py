"""Removing personal data of finished tasks, and keeping the evidence that they were answered.

CCPA regulations (11 CCR) §7101: records of requests and of their answers are kept for 24 months; beyond the date,
nature and manner of a request and of its answer, no personal data need be. So kind, dates, outcome, error codes, who
acted when, and the hash of what was downloaded stay, unless all is to go.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from bwp_tui.domain.filter import Filter
from bwp_tui.domain.times import to_text
from bwp_tui.history import backups, swap, timeline, words
from bwp_tui.history.connection import History, Transaction, as_int, as_text
from bwp_tui.history.errors import HistoryUnavailable
from bwp_tui.history.search import condition

EVIDENCE_MONTHS: Final = 24
"""CCPA regulations §7101(a)."""

_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
# The name of a part that is to be removed is made from what a purge removes.
_NEEDS_ITS_TASK: Final = "(d.state IN ('queued', 'running') OR d.part_unwanted = 1)"
_READERS_PATIENCE_S: Final = 10.0
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """What a purge would do: the tasks, when the youngest of them ended, the archives of theirs that were saved."""

    numbers: tuple[int, ...]
    youngest: date | None
    archives: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did. `backups` are gone, one new one is in their place; `left` still hold what was purged."""

    tasks: int
    backups: tuple[Path, ...]
    left: tuple[Path, ...]


def plan(history: History, wanted: Filter, older_than: timedelta, today: date, *, evidence_too: bool) -> Plan:
    """Return what fits the filter, has ended so long ago, and waits for nothing.

    Args:
        evidence_too: the rows are to go altogether, also those whose personal data is gone already.
    """
    where, values = condition(wanted, history.clock(), today)
    rows = history.rows(
        f"SELECT t.number, t.finished_at FROM tasks t WHERE ({where}) AND t.terminal = 1 AND t.finished_at <= ?"
        f"{'' if evidence_too else ' AND t.purged_at IS NULL'}"
        " AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.task = t.number AND i.state = 'waiting')"
        f" AND NOT EXISTS (SELECT 1 FROM downloads d WHERE d.task = t.number AND {_NEEDS_ITS_TASK})"
        " ORDER BY t.number",
        (*values, to_text(history.clock() - older_than)),
    )
    numbers = tuple(as_int(number) for number, _ in rows)
    chosen = frozenset(numbers)
    saved = history.rows("SELECT task, path FROM downloads WHERE state = 'done' AND path IS NOT NULL ORDER BY id")
    archives = dict.fromkeys(Path(as_text(path)) for number, path in saved if number in chosen)
    return Plan(
        numbers,
        max((date.fromisoformat(as_text(finished)[:10]) for _, finished in rows), default=None),
        tuple(path for path in archives if path.exists()),
    )


def purge(history: History, numbers: Sequence[int], actor: str, today: date, *, evidence_too: bool) -> Purged:
    """Remove the personal data of these tasks from the register, its free pages and its backups.

    After a crash in between, the next `remove_traces` goes on where this one was.

    Raises:
        HistoryError: it could not be done, or not to the end; the tasks may be purged and traces be left.
    """
    with history.write() as transaction:
        transaction.run("UPDATE meta SET traces_left = 1")
        done = 0
        for number in numbers:
            done += _purge(transaction, number, actor, evidence_too=evidence_too)
    gone = remove_traces(history, today, threading.Event())
    return Purged(done, tuple(gone), tuple(swap.set_aside(history.path)))


def traces_left(history: History) -> bool:
    """Say whether a purge was cut short before its traces were gone."""
    return history.row("SELECT 1 FROM meta WHERE traces_left = 1") is not None


def remove_traces(history: History, today: date, stop: threading.Event) -> list[Path]:
    """Rewrite the register without free pages and pieces of lost texts, renew its backups; return those gone.

    Raises:
        HistoryUnavailable: another process reads so long that the old pages cannot be written over.
        backups.Unwanted: `stop` was set meanwhile.
    """
    with history.write() as transaction:
        for statement in words.REBUILD:
            transaction.run(statement)
    history.rows("VACUUM")
    _write_back(history)
    gone = backups.renew(history.path, today, stop)
    with history.write() as transaction:
        transaction.run("UPDATE meta SET traces_left = 0")
    return gone


def _purge(transaction: Transaction, number: int, actor: str, *, evidence_too: bool) -> int:
    # Judged once more: since the operator agreed, the task may have been taken up again.
    rows = transaction.run(
        "UPDATE tasks SET purged_at = coalesce(purged_at, ?) WHERE number = ? AND terminal = 1"
        " AND NOT EXISTS (SELECT 1 FROM intents WHERE task = number AND state = 'waiting')"
        f" AND NOT EXISTS (SELECT 1 FROM downloads d WHERE d.task = number AND {_NEEDS_ITS_TASK})"
        " RETURNING errors",
        (transaction.now_text, number),
    )
    if not rows:
        return 0
    if evidence_too:
        _remove(transaction, number)
        return 1
    transaction.run(
        "UPDATE tasks SET email = '', reason = NULL, note = '', tags = '[]', verified_how = NULL, trouble = NULL,"
        " errors = ?, revision = ? WHERE number = ?",
        (_codes(as_text(rows[0][0])), transaction.revision, number),
    )
    transaction.run(
        "UPDATE downloads SET directory = '', path = NULL, trouble = NULL, remarks = NULL, etag = NULL, revision = ?"
        " WHERE task = ?",
        (transaction.revision, number),
    )
    transaction.run("UPDATE timeline SET detail = NULL WHERE task = ?", (number,))
    timeline.append(transaction, number, actor, "purged")
    return 1


def _remove(transaction: Transaction, number: int) -> None:
    """Remove a task and all that refers to it."""
    for column in ("resubmit_of", "earlier"):
        transaction.run(
            f"UPDATE tasks SET {column} = NULL, revision = ? WHERE {column} = ?", (transaction.revision, number)
        )
    transaction.run("UPDATE tasks SET download = NULL WHERE number = ?", (number,))
    for table in ("intents", "downloads", "timeline"):
        transaction.run(f"DELETE FROM {table} WHERE task = ?", (number,))
    transaction.run("DELETE FROM tasks WHERE number = ?", (number,))


def _codes(errors: str) -> str:
    """Return the `errors` column with the documented kind of code alone: a message may name the shopper."""
    kept = [[code, ""] for code, _ in json.loads(errors) if isinstance(code, str) and _CODE.fullmatch(code)]
    return json.dumps(kept)


def _write_back(history: History) -> None:
    """Have the log written over the old pages, and emptied."""
    deadline = time.monotonic() + _READERS_PATIENCE_S
    while True:
        ((busy, _, _),) = history.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        if not busy:
            return
        if time.monotonic() >= deadline:
            raise HistoryUnavailable(
                "The personal data is removed, but another process reads the history and keeps its old pages. "
                "Close it, then run the same purge again."
            )
        time.sleep(_LOOK_S)
