"""`bwp-tui dashboard`: the whole register at a glance, in lines."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from datetime import date, timedelta

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.cli.support.context import open_session, today
from bwp_tui.cli.support.task_output import print_json
from bwp_tui.domain.text import clean_line, size
from bwp_tui.domain.times import format_duration
from bwp_tui.store.queries import dashboard as statistics
from bwp_tui.store.queries.dashboard import Statistics


def dashboard(arguments: Namespace) -> ExitCode:
    """Print counts, due dates, times to completion, failures and downloads."""
    day = today()
    with open_session(arguments) as session:
        figures = statistics.read_statistics(session.store, day)
    if arguments.json:
        print_json(_record(figures, day))
    else:
        print("\n".join(clean_line(line) for line in _lines(figures, day)))
    return ExitCode.DONE


def _record(figures: Statistics, day: date) -> dict[str, object]:
    count, total = figures.saved
    return {
        "on": day.isoformat(),
        "tasks": [
            {
                "kind": kind,
                "status": status,
                "tasks": tasks,
                "resubmitted": figures.resubmitted.get((kind, status), 0),
            }
            for (kind, status), tasks in sorted(figures.counts.items())
        ],
        "overdue": figures.overdue,
        "due": [
            {"from": (day + timedelta(weeks=week)).isoformat(), "tasks": tasks}
            for week, tasks in enumerate(figures.due)
        ],
        "durations": [
            {"kind": found.kind.value, "tasks": found.tasks, "median_s": found.median, "p90_s": found.p90}
            for found in figures.durations
        ],
        "failures": [{"code": code, "tasks": tasks} for code, tasks in figures.failures],
        "downloads": {"saved": count, "bytes": total, "failed": figures.failed_downloads},
    }


def _lines(figures: Statistics, day: date) -> Iterator[str]:
    for (kind, status), tasks in sorted(figures.counts.items()):
        again = figures.resubmitted.get((kind, status), 0)
        yield f"{kind.lower()} {status}: {tasks}{f', {again} of them resubmitted' if again else ''}"
    yield f"overdue: {figures.overdue}"
    for week, tasks in enumerate(figures.due):
        first = day + timedelta(weeks=week)
        yield f"due {first} to {first + timedelta(days=6)}: {tasks}"
    for found in figures.durations:
        median, p90 = (format_duration(timedelta(seconds=length)) for length in (found.median, found.p90))
        yield f"{found.kind.lower()} completed: median {median}, 90 % within {p90}"
    for code, tasks in figures.failures:
        yield f"failed with {code}: {tasks}"
    count, total = figures.saved
    yield f"downloads saved: {count}, {size(total)}"
    yield f"downloads failed: {figures.failed_downloads}"
