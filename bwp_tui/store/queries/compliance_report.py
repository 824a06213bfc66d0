"""Compute the metrics that CCPA regulations §7102 require for a period."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from operator import itemgetter
from typing import Final

from bwp_tui.domain import filter as filters
from bwp_tui.domain.regulations import REGULATIONS
from bwp_tui.domain.statuses import DeclineReason
from bwp_tui.domain.task import KIND_UNKNOWN, Kind
from bwp_tui.store.database.connection import SqlValue, Store, as_int, as_text
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.timeline import EventKind

_COUNTED_IN_PERIOD: Final = "resubmitted = 0 AND received_on BETWEEN ? AND ?"

_NO_REQUEST: Final = (
    "(status IN ('MISSING', 'GIVEN_UP') AND submitted_at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM intents WHERE task = number) AND (task_id IS NOT NULL OR EXISTS"
    f" (SELECT 1 FROM timeline WHERE task = number AND what = '{EventKind.TRACKED}' AND before IS NULL)))"
)
"""Matches the tracked tasks of which the service knew no task id."""

_UNCOUNTED: Final = (
    f"SELECT number FROM tasks WHERE resubmitted = 1 UNION ALL SELECT number FROM tasks WHERE {_NO_REQUEST}"
)
"""The numbers of the tasks that stand for no request, or for one that counts by a newer task."""

RECEIPTS: Final = f"SELECT received_on AS day FROM tasks WHERE number NOT IN ({_UNCOUNTED})"
"""The day of receipt of each request; an index finds those of some days."""

_DECLINED: Final = "declined as "
_IS_UPHELD: Final = "(status = 'DECLINED' AND coalesce(appeal_upheld, 0) = 1)"
"""The condition on a request whose appeal was upheld: its decline counts no longer, and the shopper waits again."""

_OUTCOME: Final = (
    "CASE WHEN status = 'CANCELLED' THEN 'cancelled'"
    f" WHEN {_IS_UPHELD} THEN 'unanswered'"
    f" WHEN status = 'DECLINED' THEN '{_DECLINED}' || coalesce(decline_reason, '{DeclineReason.OTHER}')"
    " WHEN answered_on IS NULL THEN 'unanswered' WHEN answered_in_part IS NOT NULL THEN 'complied_in_part'"
    " WHEN status = 'COMPLETED' THEN 'complied_in_whole' ELSE 'not_complied' END"
)
"""What became of a request: one of the counts of a `ReportLine`, or a decline and its reason."""

_ANSWERED_ON: Final = (
    "iif(resubmitted = 1, NULL, iif(status = 'DECLINED',"
    f" iif(decline_reason = '{DeclineReason.WITHDRAWN}' OR {_IS_UPHELD}, NULL, declined_on), answered_on))"
)
"""When the shopper was answered or told of the decline: a request that was withdrawn needs no answer."""

ANSWERS: Final = (
    "SELECT answered_on AS day, received_on, due_on, NULL AS declined FROM tasks WHERE answered_on IS NOT NULL"
    f" AND number NOT IN ({_UNCOUNTED} UNION ALL SELECT number FROM tasks WHERE status = 'DECLINED')"
    f" UNION ALL SELECT {_ANSWERED_ON}, received_on, due_on, number FROM tasks WHERE status = 'DECLINED'"
)
"""The day of each answer by `_ANSWERED_ON`, and the number of what was declined; an index finds those of some days."""

_DAYS: Final = (
    f"iif({_ANSWERED_ON} IS NULL, NULL,"
    f" coalesce(CAST(julianday({_ANSWERED_ON}) - julianday(received_on) AS INTEGER), 'no day'))"
)
"""The days from receipt to the answer, NULL without one; a text where a damaged day cannot be read."""

_APPEALS: Final = (
    "WITH RECURSIVE appeals (newest, is_upheld) AS (SELECT number, appeal_upheld IS 1 FROM tasks"
    " WHERE status = 'DECLINED' AND appealed_on IS NOT NULL"
    " UNION ALL SELECT t.number, is_upheld FROM appeals JOIN tasks t ON t.resubmit_of = newest)"
    " SELECT kind, regulation, count(*), sum(is_upheld) FROM appeals JOIN tasks ON number = newest"
    " WHERE NOT EXISTS (SELECT 1 FROM tasks s WHERE s.resubmit_of = newest) AND received_on BETWEEN ? AND ?"
    " GROUP BY 1, 2"
)
"""Counts the appeals of each kind and regulation.

A request that was resubmitted counts by its newest task, or the newest that a purge has left.
"""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """Requests of one kind under one regulation, received in the period, by what became of them until now.

    A resubmitted request counts once, as its newest task, and so does the appeal that led to it.

    Attributes:
        received: the sum of the next ones, up to `unanswered`.
        complied_in_part: those whose answer left something out, whatever the service did.
        not_complied: the others whose shopper was answered although the service did not carry the request out.
        declined: those that were declined, by reason.
        cancelled: the deletions that were cancelled.
        unanswered: those whose shopper has no answer, whatever their status; of a purge before the answer too.
        appealed, upheld: the declines that were appealed against, and those of them whose appeal was upheld.
        answered: those whose shopper was answered, or told of the decline; a request that was withdrawn is not.
        median_days, mean_days: calendar days from receipt to the answer; None if no request is answered.
    """

    kind: Kind
    regulation: str
    received: int
    complied_in_whole: int
    complied_in_part: int
    not_complied: int
    declined: dict[str, int]
    cancelled: int
    unanswered: int
    appealed: int
    upheld: int
    answered: int
    median_days: float | None
    mean_days: float | None


@dataclass(slots=True)
class _Counts:
    outcomes: Counter[str] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)
    appealed: int = 0
    upheld: int = 0


def compliance_report(store: Store, first: date, last: date) -> list[ReportLine]:
    """Count the requests received from `first` to `last` inclusive, by kind and regulation.

    The database groups the requests: a program that reads a million of them takes several seconds.
    """
    counts_of: defaultdict[tuple[Kind, str], _Counts] = defaultdict(_Counts)
    rows = store.rows(
        f"SELECT kind, regulation, {_OUTCOME}, {_DAYS}, count(*) FROM tasks WHERE {_COUNTED_IN_PERIOD}"
        f" AND NOT {_NO_REQUEST} GROUP BY 1, 2, 3, 4",
        period := (first.isoformat(), last.isoformat()),
    )
    for kind, regulation, outcome, took, count in rows:
        counts = counts_of[_group(kind, regulation)]
        counts.outcomes[as_text(outcome)] += as_int(count)
        if took is not None:
            counts.days[max(0, as_int(took))] += as_int(count)
    for kind, regulation, appealed, upheld in store.rows(_APPEALS, period):
        counts = counts_of[_group(kind, regulation)]
        counts.appealed += as_int(appealed)
        counts.upheld += as_int(upheld)
    return [_line(*group, counts) for group, counts in sorted(counts_of.items(), key=itemgetter(0))]


def _group(kind: SqlValue, regulation: SqlValue) -> tuple[Kind, str]:
    row = REGULATIONS.get(as_text(regulation))
    return Kind(as_text(kind)), row.id if row else as_text(regulation)


def count_unknown_ids(store: Store, first: date, last: date) -> int:
    """Return how many tasks of the period are not counted, since the service never knew their task id."""
    return store.integer(
        f"SELECT count(*) FROM tasks WHERE {_COUNTED_IN_PERIOD} AND {_NO_REQUEST}",
        (first.isoformat(), last.isoformat()),
    )


def count_unknown_kinds(store: Store, first: date, last: date) -> int:
    """Return of how many tasks of the period a damaged history has lost the kind: they may be counted as the other."""
    # A filter on a tag uses the text index.
    of_no_kind = filters.parse(f"tag:{KIND_UNKNOWN} received>={first} received<={last} -is:resubmitted")
    return tasks.count(store, of_no_kind, today=last)


def _line(kind: Kind, regulation: str, counts: _Counts) -> ReportLine:
    outcomes, days = counts.outcomes, counts.days
    return ReportLine(
        kind=kind,
        regulation=regulation,
        received=outcomes.total(),
        complied_in_whole=outcomes["complied_in_whole"],
        complied_in_part=outcomes["complied_in_part"],
        not_complied=outcomes["not_complied"],
        declined={reason.value: outcomes[f"{_DECLINED}{reason}"] for reason in DeclineReason},
        cancelled=outcomes["cancelled"],
        unanswered=outcomes["unanswered"],
        appealed=counts.appealed,
        upheld=counts.upheld,
        answered=days.total(),
        median_days=median(days),
        mean_days=statistics.fmean(days.keys(), days.values()) if days else None,
    )


def median(counts: Counter[int]) -> float | None:
    """Return the median of values that occur so many times each, or None of no values."""
    if not counts:
        return None
    ordered = sorted(counts)
    reached = list(accumulate(counts[value] for value in ordered))
    total = reached[-1]
    middle = (ordered[bisect_left(reached, place)] for place in ((total + 1) // 2, total // 2 + 1))
    return statistics.fmean(middle)
