"""Compute the dashboard's statistics: totals, due dates, durations, failures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from bwp_tui.domain import filter as filters
from bwp_tui.domain.deadlines import recomputed_due_date
from bwp_tui.domain.task import Kind
from bwp_tui.store.database.connection import Store, as_int, as_text
from bwp_tui.store.database.shared_sql import IS_DOWNLOAD_OF_TASK, IS_SAVED
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.compliance_report import ANSWERS, RECEIPTS, median
from bwp_tui.store.queries.saved_results import is_on_disk

WEEKS: Final = 7
"""Weeks ahead for which due dates are counted: the 45 days of most laws fit."""

ANSWERED_DAYS: Final = 90
"""Days back for which answers are counted."""

TREND_WEEKS: Final = 40
"""Weeks back for which requests and answers are counted."""

NO_CODE: Final = "no code"
"""What stands for the code of an error that has none."""

_MOST_DURATIONS: Final = 5_000
"""Newest completed tasks of a kind whose durations are used."""


@dataclass(frozen=True, slots=True)
class Duration:
    """How long tasks of a kind took from submission to completion, in seconds."""

    kind: Kind
    tasks: int
    median: float
    p90: float


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers of the last `ANSWERED_DAYS`, declines included as in the report, and the median of days from receipt.

    No law sets a due date of those that are `undated`: they are neither in time nor late.
    """

    in_time: int
    late: int
    undated: int
    median_days: float | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """The statistics of the whole history.

    Attributes:
        counts: tasks by (kind, status).
        resubmitted: those of them that were resubmitted, which the view of failed tasks leaves out.
        appeals: tasks whose appeal waits for its answer.
        overdue: open tasks whose due date has passed.
        late: tasks that the service may finish after their due date.
        stopped: open tasks whose clock stands still, and that therefore have no due date now.
        due: open tasks due in each of the next `WEEKS` weeks.
        due_later: open tasks due after those weeks.
        received: tasks received in each of the last `TREND_WEEKS` weeks, this one last.
        answered: requests answered, or declined, in each of them, as the report counts them.
        failures: failed tasks by error code, the most frequent first.
        saved: finished downloads whose files are still on disk, and their bytes.
        gone: tasks whose result is no longer there, although no purge has removed it; not those of older downloads.
        failed_downloads: tasks whose newest download failed and whose result is not saved.
    """

    counts: dict[tuple[str, str], int]
    resubmitted: dict[tuple[str, str], int]
    appeals: int
    overdue: int
    late: int
    stopped: int
    due: tuple[int, ...]
    due_later: int
    received: tuple[int, ...]
    answered: tuple[int, ...]
    answers: Answers
    durations: tuple[Duration, ...]
    failures: tuple[tuple[str, int], ...]
    saved: tuple[int, int]
    gone: int
    failed_downloads: int


def read_statistics(store: Store, today: date) -> Statistics:
    """Compute the statistics; takes longer for a larger history, so call it in a thread."""
    results = store.rows(f"SELECT path, bytes, {IS_DOWNLOAD_OF_TASK} FROM downloads WHERE {IS_SAVED}")
    files = {as_text(path): as_int(size) for path, size, _ in results}  # one may have been downloaded again
    sizes = {path: size for path, size in files.items() if is_on_disk(path, size)}
    return Statistics(
        counts=tasks.status_counts(store),
        resubmitted=tasks.status_counts(store, "resubmitted = 1"),
        appeals=tasks.count(store, filters.parse("is:appealed"), today=today),
        overdue=store.integer("SELECT count(*) FROM tasks WHERE open = 1 AND due_on < ?", (today.isoformat(),)),
        late=tasks.count(store, filters.parse("is:late"), today=today),
        stopped=tasks.count(store, filters.parse("is:stopped"), today=today),
        due=tuple(
            store.integer(
                "SELECT count(*) FROM tasks WHERE open = 1 AND due_on >= ? AND due_on < ?",
                (str(today + timedelta(weeks=week)), str(today + timedelta(weeks=week + 1))),
            )
            for week in range(WEEKS)
        ),
        due_later=store.integer(
            "SELECT count(*) FROM tasks WHERE open = 1 AND due_on >= ?", (str(today + timedelta(weeks=WEEKS)),)
        ),
        received=_by_week(store, RECEIPTS, today),
        answered=_by_week(store, ANSWERS, today),
        answers=_answers(store, today - timedelta(days=ANSWERED_DAYS - 1)),
        durations=tuple(duration for kind in Kind if (duration := _duration(store, kind)) is not None),
        failures=_failures(store),
        saved=(len(sizes), sum(sizes.values())),
        gone=sum(bool(is_of_task) and path not in sizes for path, _, is_of_task in results),
        failed_downloads=store.integer(
            "SELECT count(*) FROM downloads WHERE state = 'failed' AND directory <> ''"
            " AND id = (SELECT download FROM tasks WHERE number = task)"
        ),
    )


def _by_week(store: Store, days: str, today: date) -> tuple[int, ...]:
    """Return how many days of a query are in each of the last weeks; days to come are in the last one."""
    rows = store.rows(
        f"SELECT max(0, CAST((julianday(?) - julianday(day)) / 7 AS INTEGER)), count(*) FROM ({days})"
        " WHERE day > ? GROUP BY 1",
        (today.isoformat(), (today - timedelta(weeks=TREND_WEEKS)).isoformat()),
    )
    counts = {as_int(week): as_int(count) for week, count in rows}
    return tuple(counts.get(week, 0) for week in reversed(range(TREND_WEEKS)))


def _answers(store: Store, first: date) -> Answers:
    since = f"FROM ({ANSWERS}) WHERE day >= ?"
    rows = store.rows(
        "SELECT max(0, CAST(julianday(day) - julianday(received_on) AS INTEGER)), count(*),"
        f" sum(due_on IS NOT NULL AND day > due_on), sum(due_on IS NULL) {since} AND declined IS NULL GROUP BY 1",
        (first.isoformat(),),
    )
    counts = Counter({as_int(days): as_int(count) for days, count, *_ in rows})
    late, undated = (sum(as_int(row[column]) for row in rows) for column in (2, 3))
    declined = store.integers(f"SELECT declined {since} AND declined IS NOT NULL", (first.isoformat(),))
    for task in tasks.each(store, declined):
        day = task.declined_on or first
        # Its own due date may be that of an appeal, or none since its clock was stopped.
        due = recomputed_due_date(task._replace(appealed_on=None, answered_on=day))
        counts[max(0, (day - task.received_on).days)] += 1
        late, undated = late + (due is not None and day > due), undated + (due is None)
    return Answers(counts.total() - late - undated, late, undated, median(counts))


def _duration(store: Store, kind: Kind) -> Duration | None:
    rows = store.rows(
        "SELECT (julianday(finished_at) - julianday(submitted_at)) * 86400.0 FROM tasks"
        " WHERE status = 'COMPLETED' AND kind = ? AND finished_at IS NOT NULL AND submitted_at IS NOT NULL"
        " ORDER BY number DESC LIMIT ?",
        (kind, _MOST_DURATIONS),
    )
    seconds = sorted(max(0.0, float(value)) for (value,) in rows if isinstance(value, float | int))
    if not seconds:
        return None
    count = len(seconds)
    median_s = (seconds[(count - 1) // 2] + seconds[count // 2]) / 2
    return Duration(kind, count, median_s, seconds[(count * 9 + 9) // 10 - 1])


def _failures(store: Store) -> tuple[tuple[str, int], ...]:
    rows = store.rows(
        f"SELECT coalesce(json_extract(e.value, '$[0]'), '{NO_CODE}') AS code, count(*)"
        " FROM tasks t LEFT JOIN json_each(t.errors) e WHERE t.status IN ('FAILED', 'REJECTED')"
        " GROUP BY code ORDER BY 2 DESC, 1 LIMIT 8"
    )
    return tuple((as_text(code), as_int(count)) for code, count in rows)
