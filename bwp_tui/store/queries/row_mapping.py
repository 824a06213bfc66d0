"""Map rows of the history to domain values."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Final

from bwp_tui.domain.task import Download, Kind, Task, TaskError, Verification
from bwp_tui.domain.times import from_text
from bwp_tui.store.database.connection import Row, SqlValue, as_int, as_text
from bwp_tui.store.errors import StoreDamaged

DOWNLOAD_COLUMNS: Final = (
    "d.id, d.task, d.state, d.path, d.bytes, d.total, d.rate, d.sha256, d.etag, d.trouble, d.attempts,"
    " d.asked_at, d.started_at, d.finished_at, d.actor, d.paused, d.not_before, d.remarks"
)
_TASK_COLUMNS: Final = (
    "t.number, t.task_id, t.kind, t.email, t.status, t.errors, t.holding_period, t.reason, t.note, t.tags,"
    " t.received_on, t.regulation, t.due_on, t.recorded_at, t.submitted_at, t.updated_at, t.finished_at,"
    " t.polled_at, t.next_poll_at, t.polls, t.trouble, t.resubmit_of,"
    " (SELECT max(number) FROM tasks WHERE resubmit_of = t.number), t.earlier, t.cancel_asked, t.revision,"
    " t.assigned_to, t.verified_on, t.verified_by, t.verified_how, t.extended_on, t.acknowledged_on,"
    " t.terminal, t.saved, t.resubmitted, t.purged_at"
)
TASKS: Final = f"SELECT {_TASK_COLUMNS}, {DOWNLOAD_COLUMNS} FROM tasks t LEFT JOIN downloads d ON d.id = t.download"
"""A SELECT of whole tasks, to be continued with WHERE and ORDER BY on `t`."""

_DOWNLOAD_AT: Final = _TASK_COLUMNS.count(", ") + 1


def task_of(row: Row) -> Task:
    """Map a row of `TASKS` to a task.

    Raises:
        StoreDamaged: a column holds what this program never writes.
    """
    try:
        return _task_of(row)
    except (ValueError, TypeError, OverflowError) as error:
        raise StoreDamaged(f"The history holds a task #{row[0]!r} that cannot be read.") from error


def _task_of(row: Row) -> Task:
    return Task(
        number=as_int(row[0]),
        task_id=_text(row[1]),
        kind=Kind(as_text(row[2])),
        email=as_text(row[3]),
        status=as_text(row[4]),
        errors=errors_of(as_text(row[5])),
        holding_period=_int(row[6]),
        reason=_text(row[7]),
        note=as_text(row[8]),
        tags=_tags(as_text(row[9])),
        received_on=date.fromisoformat(as_text(row[10])),
        regulation=as_text(row[11]),
        due_on=_day(row[12]),
        recorded_at=from_text(as_text(row[13])),
        submitted_at=_instant(row[14]),
        updated_at=_instant(row[15]),
        finished_at=_instant(row[16]),
        polled_at=_instant(row[17]),
        next_poll_at=_instant(row[18]),
        polls=as_int(row[19]),
        trouble=_text(row[20]),
        resubmit_of=_int(row[21]),
        resubmitted_as=_int(row[22]),
        earlier=_int(row[23]),
        cancel_asked=bool(row[24]),
        revision=as_int(row[25]),
        download=None if row[_DOWNLOAD_AT] is None else download_of(row[_DOWNLOAD_AT:]),
        assigned_to=_text(row[26]),
        verified=_verification(row[27:30]),
        extended_on=_day(row[30]),
        acknowledged_on=_day(row[31]),
        terminal=bool(row[32]),
        saved=bool(row[33]),
        resubmitted=bool(row[34]),
        purged_at=_instant(row[35]),
    )


def _verification(row: Row) -> Verification | None:
    on = _day(row[0])
    return None if on is None else Verification(on, _text(row[1]) or "", _text(row[2]) or "")


def download_of(row: Row) -> Download:
    """Map a row of `DOWNLOAD_COLUMNS` to a download."""
    return Download(
        id=as_int(row[0]),
        number=as_int(row[1]),
        state=as_text(row[2]),
        path=_text(row[3]),
        bytes=as_int(row[4]),
        total=_int(row[5]),
        rate=None if row[6] is None else float(row[6]),
        sha256=_text(row[7]),
        etag=_text(row[8]),
        trouble=_text(row[9]),
        attempts=as_int(row[10]),
        asked_at=from_text(as_text(row[11])),
        started_at=_instant(row[12]),
        finished_at=_instant(row[13]),
        actor=as_text(row[14]),
        paused=bool(row[15]),
        not_before=_instant(row[16]),
        remarks=tuple((_text(row[17]) or "").splitlines()),
    )


def errors_of(text: str) -> tuple[TaskError, ...]:
    """Read the `errors` column."""
    return tuple(TaskError(code, message) for code, message in json.loads(text))


def errors_text(errors: tuple[TaskError, ...]) -> str:
    """Write the `errors` column: a JSON list of [code or null, message]."""
    return json.dumps([[error.code, error.message] for error in errors], ensure_ascii=False)


def tags_text(tags: tuple[str, ...]) -> str:
    """Write the `tags` column: a JSON list of strings."""
    return json.dumps(list(tags), ensure_ascii=False)


def _tags(text: str) -> tuple[str, ...]:
    return tuple(str(tag) for tag in json.loads(text))


def _text(value: SqlValue) -> str | None:
    return None if value is None else as_text(value)


def _int(value: SqlValue) -> int | None:
    return None if value is None else as_int(value)


def _day(value: SqlValue) -> date | None:
    return None if value is None else date.fromisoformat(as_text(value))


def _instant(value: SqlValue) -> datetime | None:
    return None if value is None else from_text(as_text(value))
