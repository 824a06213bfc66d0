"""`bwp-tui dashboard` and `report`: figures of all tasks, and of those received in a period."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, timedelta

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.context import open_session, print_note, today
from bwp_tui.cli.support.streams import terminal_width
from bwp_tui.cli.support.table import aligned
from bwp_tui.cli.support.task_output import print_result
from bwp_tui.domain.text import clean_line, counted, format_size
from bwp_tui.domain.times import format_duration
from bwp_tui.store.queries.compliance_report import ReportLine, compliance_report, count_unknown_ids
from bwp_tui.store.queries.dashboard import Statistics, read_statistics

_HEADINGS = (
    *("KIND", "REGULATION", "RECEIVED", "COMPLETED", "FAILED", "DENIED", "CANCELLED", "PENDING", "OPEN"),
    *("MEDIAN DAYS", "MEAN DAYS"),
)


def report(arguments: Namespace) -> None:
    """Print what was received in a period and what became of it, by kind and law."""
    if arguments.first > arguments.last:
        raise CommandError(ExitCode.USAGE, f"The period ends before it begins: {arguments.first} to {arguments.last}.")
    with open_session(arguments) as session:
        lines = compliance_report(session.store, arguments.first, arguments.last)
        unknown = count_unknown_ids(session.store, arguments.first, arguments.last)
    record = {"from": str(arguments.first), "to": str(arguments.last), "requests": [asdict(line) for line in lines]}
    print_result(arguments, record, _table(lines) if lines else ())
    if unknown:
        print_note(f"Not counted: {counted(unknown, 'task')} whose task id the service never knew.")
    if not lines:
        print_note(f"Nothing was received from {arguments.first} to {arguments.last}.")


def _table(lines: Sequence[ReportLine]) -> list[str]:
    """Return the figures as a table; on a terminal too narrow for it the columns become lines, in blocks that fit."""
    rows = [*map(_cells, lines)]
    table = aligned([_HEADINGS, *rows], right=range(2, len(_HEADINGS)))
    room = terminal_width()
    if room is None or len(table[0]) <= room:
        return table
    cell_width = max(len(cell) for row in rows for cell in row)
    in_block = max(1, (room - max(map(len, _HEADINGS))) // (cell_width + 2))
    blocks = (rows[at : at + in_block] for at in range(0, len(rows), in_block))
    return [line for block in blocks for line in (*aligned(list(zip(_HEADINGS, *block, strict=True))), "")][:-1]


def _cells(line: ReportLine) -> tuple[str, ...]:
    counts = (line.received, line.completed, line.failed, line.denied, line.cancelled, line.pending, line.open)
    days = ("-" if number is None else f"{number:.1f}" for number in (line.median_days, line.mean_days))
    return (line.kind.lower(), line.regulation, *map(str, counts), *days)


def dashboard(arguments: Namespace) -> None:
    """Print counts, due dates, times to completion, failures and downloads."""
    day = today()
    with open_session(arguments) as session:
        figures = read_statistics(session.store, day)
    print_result(arguments, _dashboard_record(figures, day), map(clean_line, _dashboard_lines(figures, day)))


def _dashboard_record(figures: Statistics, day: date) -> dict[str, object]:
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
        "late": figures.late,
        "due": [
            {"from": (day + timedelta(weeks=week)).isoformat(), "tasks": tasks}
            for week, tasks in enumerate(figures.due)
        ],
        "durations": [
            {"kind": found.kind.value, "tasks": found.tasks, "median_s": found.median, "p90_s": found.p90}
            for found in figures.durations
        ],
        "failures": [{"code": code, "tasks": tasks} for code, tasks in figures.failures],
        "downloads": {"saved": count, "bytes": total, "gone": figures.gone, "failed": figures.failed_downloads},
    }


def _dashboard_lines(figures: Statistics, day: date) -> Iterator[str]:
    for (kind, status), tasks in sorted(figures.counts.items()):
        again = figures.resubmitted.get((kind, status), 0)
        yield f"{kind.lower()} {status}: {tasks}{f', {again} of them resubmitted' if again else ''}"
    yield f"overdue: {figures.overdue}"
    yield f"may finish late: {figures.late}"
    for week, tasks in enumerate(figures.due):
        first = day + timedelta(weeks=week)
        yield f"due {first} to {first + timedelta(days=6)}: {tasks}"
    for found in figures.durations:
        median, p90 = (format_duration(timedelta(seconds=length)) for length in (found.median, found.p90))
        yield f"{found.kind.lower()} completed: median {median}, 90% within {p90}"
    for code, tasks in figures.failures:
        yield f"failed with {code}: {tasks}"
    count, total = figures.saved
    yield f"downloads saved: {count}, {format_size(total)}"
    if figures.gone:
        yield f"downloads gone from disk: {figures.gone}"
    yield f"downloads failed: {figures.failed_downloads}"
