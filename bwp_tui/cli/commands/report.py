"""`bwp-tui dashboard`, `report` and `regulations`: figures of all tasks or of a period, and the laws."""

from __future__ import annotations

import sys
import textwrap
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from datetime import date, timedelta
from itertools import chain

from bwp_tui.cli.exit_codes import CommandError
from bwp_tui.cli.support.days import resolved_day, today
from bwp_tui.cli.support.session import open_session
from bwp_tui.cli.support.streams import print_message, terminal_width
from bwp_tui.cli.support.table import aligned, table
from bwp_tui.cli.support.task_output import print_result
from bwp_tui.domain.csv_table import format_row
from bwp_tui.domain.regulations import IDS, REGULATIONS, Regulation
from bwp_tui.domain.statuses import DeclineReason
from bwp_tui.domain.task import KIND_UNKNOWN
from bwp_tui.domain.text import clean, counted
from bwp_tui.domain.times import iso_day
from bwp_tui.store.queries.compliance_report import (
    ReportLine,
    compliance_report,
    count_unknown_ids,
    count_unknown_kinds,
)
from bwp_tui.store.queries.dashboard import ANSWERED_DAYS, Statistics, read_statistics

_CSV_HEADINGS = [
    name
    for field in fields(ReportLine)
    for name in ([f"declined_{reason}" for reason in DeclineReason] if field.name == "declined" else [field.name])
]
_REGULATION_HEADINGS = ("ID", "TITLE", "ANSWER", "EXTENSION", "ACKNOWLEDGE", "APPEAL")
_WIDTH = 80


def report(arguments: Namespace) -> None:
    """Print what was received in a period and what became of it, by kind and law."""
    with open_session(arguments) as session:
        first, last = resolved_day(arguments.first), resolved_day(arguments.last)
        if first > last:
            raise CommandError(f"The period ends before it begins: {first} to {last}.")
        lines = compliance_report(session.store, first, last)
        unknown = count_unknown_ids(session.store, first, last)
        of_no_kind = count_unknown_kinds(session.store, first, last)
    if arguments.csv:
        sys.stdout.write("".join(map(format_row, [_CSV_HEADINGS, *map(_csv_cells, lines)])))
    else:
        counts = [asdict(line) for line in lines]
        json_object = {"from": str(first), "to": str(last), "requests": counts}
        print_result(arguments, json_object, [*_figures(lines), *_reasons(lines)] if lines else ())
    if unknown:
        print_message(f"Not counted: {counted(unknown, 'task')} whose task id the service never knew.")
    if of_no_kind:
        what = f"{counted(of_no_kind, 'task')} whose kind was lost (tag:{KIND_UNKNOWN})"
        print_message(f"Perhaps counted as the other kind: {what}.")
    if not lines:
        print_message(f"Nothing was received from {first} to {last}.")


def _figures(counts: Sequence[ReportLine]) -> list[str]:
    """Return the figures as a table; on a terminal too narrow for it the columns become lines, in blocks that fit."""
    figures = [asdict(line) | {"kind": line.kind.lower(), "declined": sum(line.declined.values())} for line in counts]
    headings = [name.replace("_", " ").upper() for name in figures[0]]
    rows = [_texts(row.values(), "-") for row in figures]
    lines = table(headings, rows, right=range(2, len(headings)))
    room = terminal_width()
    if room is None or len(lines[0]) <= room:
        return lines
    cell_width = max(len(cell) for row in rows for cell in row)
    in_block = max(1, (room - max(map(len, headings))) // (cell_width + 2))
    blocks = (rows[at : at + in_block] for at in range(0, len(rows), in_block))
    return [line for block in blocks for line in (*aligned(list(zip(headings, *block, strict=True))), "")][:-1]


def _reasons(lines: Sequence[ReportLine]) -> Iterator[str]:
    """Yield why requests were declined, a line for each kind and law."""
    for line in lines:
        if reasons := ", ".join(f"{count} {reason}" for reason, count in line.declined.items() if count):
            yield f"declined, {line.kind.lower()} {line.regulation}: {reasons}"


def _csv_cells(line: ReportLine) -> list[str]:
    values = (asdict(line) | {"kind": line.kind.lower()}).values()
    cells = (value.values() if isinstance(value, dict) else [value] for value in values)
    return _texts(chain.from_iterable(cells), "")


def _texts(values: Iterable[object], unknown: str) -> list[str]:
    """Return figures as text, days with one decimal; `unknown` where there are none."""
    return [
        unknown if value is None else f"{value:.1f}" if isinstance(value, float) else str(value) for value in values
    ]


def dashboard(arguments: Namespace) -> None:
    """Print counts, due dates, times to completion, failures and downloads."""
    from bwp_tui.console.presentation.dashboard import dashboard_text  # no other command here needs it

    with open_session(arguments) as session:
        day = today()  # open_session has set the shop's time zone
        figures = read_statistics(session.store, day)
    print_result(arguments, _dashboard_json(figures, day), map(clean, dashboard_text(figures, day)))


def _dashboard_json(figures: Statistics, day: date) -> dict[str, object]:
    count, total = figures.saved
    return {
        "on": day.isoformat(),
        "tasks": [
            {"kind": kind, "status": status, "tasks": tasks, "resubmitted": figures.resubmitted.get((kind, status), 0)}
            for (kind, status), tasks in sorted(figures.counts.items())
        ],
        "overdue": figures.overdue,
        "late": figures.late,
        "appeals": figures.appeals,
        "stopped": figures.stopped,
        "due": [
            {"from": (day + timedelta(weeks=week)).isoformat(), "tasks": tasks}
            for week, tasks in enumerate(figures.due)
        ],
        "due_later": figures.due_later,
        "answers": {"days": ANSWERED_DAYS, **asdict(figures.answers)},
        "durations": [
            {"kind": found.kind.value, "tasks": found.tasks, "median_s": found.median, "p90_s": found.p90}
            for found in figures.durations
        ],
        "failures": [{"code": code, "tasks": tasks} for code, tasks in figures.failures],
        "downloads": {"saved": count, "bytes": total, "gone": figures.gone, "failed": figures.failed_downloads},
    }


def regulations(arguments: Namespace) -> None:
    """Print the regulations: periods, citations, when they are in force, and what is unsure of them."""
    rows = [REGULATIONS[id] for id in IDS]
    json_objects = [row._asdict() | {"in_force": iso_day(row.in_force), "until": iso_day(row.until)} for row in rows]
    print_result(arguments, json_objects, _regulation_lines(rows))


def _regulation_lines(laws: Sequence[Regulation]) -> Iterator[str]:
    wrapper = textwrap.TextWrapper(_WIDTH, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False)
    lines = table(_REGULATION_HEADINGS, [*map(_regulation_cells, laws)])
    yield from lines[: -len(laws)]  # the headings, if any
    for row, line in zip(laws, lines[-len(laws) :], strict=True):
        yield line
        for remark in _regulation_remarks(row):
            yield from wrapper.wrap(remark)
    yield "No legal advice: most rows are from secondary sources, not from the law itself."


def _regulation_cells(regulation: Regulation) -> tuple[str, ...]:
    business_days, appeal = regulation.acknowledge_business_days, regulation.appeal_days
    more = f" + {regulation.appeal_extension_days}" if regulation.appeal_extension_days else ""
    return (
        regulation.id,
        regulation.title,
        _period(regulation.days, regulation.months),
        _period(regulation.extension_days, regulation.extension_months),
        f"{business_days} bus. days" if business_days else "-",
        f"{appeal}{more} days" if appeal else "-",
    )


def _period(days: int, months: int) -> str:
    return counted(months, "month") if months else counted(days, "day") if days else "-"


def _regulation_remarks(regulation: Regulation) -> Iterator[str]:
    until = f", until {regulation.until}" if regulation.until else ""
    since = f"; in force since {regulation.in_force}{until}" if regulation.in_force else ""
    if regulation.citation:
        yield f"{regulation.citation}{since}"
    if regulation.aliases:
        yield f"Also called {' and '.join(regulation.aliases)}."
    if regulation.rolls_to_monday:
        yield "A period that ends on a weekend ends on the Monday."
    if regulation.provided_only:
        yield "Deletion covers only data that the shopper provided."
    if regulation.stops_for_identity:
        yield "The days from an inquiry about identity or wishes to the reply do not count."
    if regulation.unsure:
        yield f"Unsure: {regulation.unsure}."
