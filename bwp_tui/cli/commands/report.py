"""The command that counts a period: report."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.context import open_session, print_note
from bwp_tui.cli.support.task_output import print_json
from bwp_tui.store.queries import compliance_report as figures
from bwp_tui.store.queries.compliance_report import ReportLine

_HEADINGS = (
    *("KIND", "REGULATION", "RECEIVED", "COMPLETED", "FAILED", "DENIED", "CANCELLED", "OPEN"),
    *("MEDIAN DAYS", "MEAN DAYS"),
)


def report(arguments: Namespace) -> ExitCode:
    """Print what was received in a period and what became of it, by kind and law."""
    if arguments.first > arguments.last:
        raise CommandError(ExitCode.USAGE, f"The period ends before it begins: {arguments.first} to {arguments.last}.")
    with open_session(arguments) as session:
        lines = figures.compliance_report(session.store, arguments.first, arguments.last)
    if arguments.json:
        print_json(
            {"from": str(arguments.first), "to": str(arguments.last), "requests": [asdict(line) for line in lines]}
        )
    elif lines:
        print("\n".join(_table(lines)))
    if not lines:
        print_note(f"Nothing was received from {arguments.first} to {arguments.last}.")
    return ExitCode.DONE


def _table(lines: list[ReportLine]) -> list[str]:
    rows = [_HEADINGS, *map(_cells, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _cells(line: ReportLine) -> tuple[str, ...]:
    counts = (line.received, line.completed, line.failed, line.denied, line.cancelled, line.open)
    days = ("-" if number is None else f"{number:.1f}" for number in (line.median_days, line.mean_days))
    return (line.kind.lower(), line.regulation, *map(str, counts), *days)
