"""Compute the metrics that CCPA regulations §7102 require for a period."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import Final

from bwp_tui.domain.regulations import REGULATIONS
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.store.database.connection import Store, as_day, as_int, as_text

_FAILED: Final = frozenset({Status.FAILED, Status.MISSING, Status.GIVEN_UP})


_NO_REQUEST: Final = (
    "(status IN ('MISSING', 'GIVEN_UP') AND submitted_at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM intents WHERE task = number))"
)
"""Matches the task ids that were entered here and never known to the service."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """Requests of one kind under one regulation, received in the period, by their present status.

    `received` is the sum of the others up to `pending`, the requests that have not ended at the service. `answered` are
    those whose shopper was answered, `open` those whose shopper still needs an answer, whatever their status. A
    resubmitted request counts once, with its newest status. `median_days` and `mean_days` are calendar days from
    receipt to the answer, None if no request is answered.
    """

    kind: Kind
    regulation: str
    received: int
    completed: int
    failed: int
    denied: int
    cancelled: int
    pending: int
    answered: int
    open: int
    median_days: float | None
    mean_days: float | None


@dataclass(slots=True)
class _Counts:
    statuses: list[str] = field(default_factory=list)
    open: int = 0
    days: list[int] = field(default_factory=list)


def compliance_report(store: Store, first: date, last: date) -> list[ReportLine]:
    """Count the requests received from `first` to `last` inclusive, by kind and regulation."""
    tallies: defaultdict[tuple[Kind, str], _Counts] = defaultdict(_Counts)
    rows = store.rows(
        "SELECT kind, regulation, status, received_on, answered_on, open FROM tasks"
        f" WHERE resubmitted = 0 AND received_on BETWEEN ? AND ? AND NOT {_NO_REQUEST}",
        (first.isoformat(), last.isoformat()),
    )
    for kind, regulation, status, received_on, answered_on, is_open in rows:
        row = REGULATIONS.get(as_text(regulation))
        counts = tallies[Kind(as_text(kind)), row.id if row else as_text(regulation)]
        counts.statuses.append(as_text(status))
        counts.open += as_int(is_open)
        if answered_on is not None:
            took = as_day(answered_on) - as_day(received_on)
            counts.days.append(max(0, took.days))
    ordered = sorted(tallies.items(), key=itemgetter(0))
    return [_line(kind, regulation, counts) for (kind, regulation), counts in ordered]


def count_unknown_ids(store: Store, first: date, last: date) -> int:
    """Return how many tasks of the period are not counted, since the service never knew their task id."""
    return store.integer(
        f"SELECT count(*) FROM tasks WHERE resubmitted = 0 AND received_on BETWEEN ? AND ? AND {_NO_REQUEST}",
        (first.isoformat(), last.isoformat()),
    )


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
        pending=len(counts.statuses) - sum(counted.values()),
        answered=len(counts.days),
        open=counts.open,
        median_days=statistics.median(counts.days) if counts.days else None,
        mean_days=statistics.fmean(counts.days) if counts.days else None,
    )
