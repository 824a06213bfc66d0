"""What became of the requests of a period: the figures that CCPA regulations §7102 ask for."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from bwp_tui.domain.task import Kind, Status
from bwp_tui.domain.times import from_text, local_day
from bwp_tui.store.database.connection import Store, as_text

_FAILED: Final = frozenset({Status.FAILED, Status.MISSING, Status.GIVEN_UP})


@dataclass(frozen=True, slots=True)
class ReportLine:
    """Requests of one kind under one law that were received in the period, and how they stand now.

    `received` is the sum of the others. A request that was submitted again counts once, as the newest one stands.
    `median_days` and `mean_days` are calendar days from receipt to completion, None where none is complete.
    """

    kind: Kind
    regulation: str
    received: int
    completed: int
    failed: int
    denied: int
    cancelled: int
    open: int
    median_days: float | None
    mean_days: float | None


@dataclass(slots=True)
class _Counts:
    statuses: list[str] = field(default_factory=list)
    days: list[int] = field(default_factory=list)


def compliance_report(store: Store, first: date, last: date) -> list[ReportLine]:
    """Return the figures of the requests received from `first` to `last`, both included, by kind and law."""
    tallies: defaultdict[tuple[Kind, str], _Counts] = defaultdict(_Counts)
    rows = store.rows(
        "SELECT kind, regulation, status, received_on, finished_at FROM tasks"
        " WHERE resubmitted = 0 AND received_on BETWEEN ? AND ?"
        # A task id that was entered here and that the service has never known is no request.
        " AND NOT (status IN ('MISSING', 'GIVEN_UP') AND submitted_at IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM intents WHERE task = number)) ORDER BY kind, regulation",
        (first.isoformat(), last.isoformat()),
    )
    for kind, regulation, status, received_on, finished_at in rows:
        tally = tallies[Kind(as_text(kind)), as_text(regulation)]
        tally.statuses.append(as_text(status))
        if status == Status.COMPLETED and finished_at is not None:
            took = local_day(from_text(as_text(finished_at))) - date.fromisoformat(as_text(received_on))
            tally.days.append(max(0, took.days))
    return [_line(kind, regulation, tally) for (kind, regulation), tally in tallies.items()]


def _line(kind: Kind, regulation: str, counts: _Counts) -> ReportLine:
    counted = {
        "completed": counts.statuses.count(Status.COMPLETED),
        "failed": sum(status in _FAILED for status in counts.statuses),
        "denied": counts.statuses.count(Status.REJECTED),
        "cancelled": counts.statuses.count(Status.CANCELLED),
    }
    return ReportLine(
        kind=kind,
        regulation=regulation,
        received=len(counts.statuses),
        **counted,
        open=len(counts.statuses) - sum(counted.values()),
        median_days=statistics.median(counts.days) if counts.days else None,
        mean_days=statistics.fmean(counts.days) if counts.days else None,
    )
