"""`bwp-tui export`: write tasks to a file."""

from __future__ import annotations

import json
import re
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

from bwp_tui.cli.argument_types import new_path
from bwp_tui.cli.exit_codes import CommandError
from bwp_tui.cli.support.days import today
from bwp_tui.cli.support.filters import filter_of
from bwp_tui.cli.support.new_text_file import check_is_new, new_text_file
from bwp_tui.cli.support.progress_line import ProgressLine
from bwp_tui.cli.support.session import open_session
from bwp_tui.cli.support.streams import print_message
from bwp_tui.domain.csv_table import HEADINGS, format_row, task_cells
from bwp_tui.domain.filter_fields import FIELDS
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import clean_line, counted
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.task_json import task_json

_BOM: Final = "\N{BYTE ORDER MARK}"
_LIKE_A_FILTER: Final = re.compile(rf"-?({'|'.join(FIELDS)})[:<>=]", re.IGNORECASE)


def export(arguments: Namespace) -> None:
    """Write the tasks that match a filter to a new file or to stdout."""
    *words, target = arguments.words
    if target != "-":
        _check_target(target)
    task_filter = filter_of(" ".join(words))
    mask = not arguments.unmask
    with open_session(arguments) as session:
        numbers = tasks.matching_numbers(session.store, task_filter, today=today(), sort="oldest")
        if target == "-":
            _write(sys.stdout, session.store, numbers, arguments.format, mask=mask, bom=arguments.bom)
            sys.stdout.flush()
        else:
            with new_text_file(Path(target)) as file:
                _write(file, session.store, numbers, arguments.format, mask=mask, bom=arguments.bom)
    emails = "masked (--unmask writes them in full)" if mask else "in full: keep the file safe"
    place = "to stdout" if target == "-" else f"to {clean_line(target)}"
    print_message(f"{counted(len(numbers), 'task')} written {place}, emails {emails}.")


def _check_target(target: str) -> None:
    """Refuse a file that exists or has an impossible name, and a filter where the name was probably forgotten."""
    if _LIKE_A_FILTER.match(target):
        raise CommandError(
            f"“{clean_line(target)}” looks like a filter: the new file, or - for stdout, comes last; "
            f"to create a file of that name, use ./{clean_line(target)}. Nothing was written."
        )
    try:
        new_path(target)
    except ArgumentTypeError as error:
        raise CommandError(f"{error}. Nothing was written.") from None
    check_is_new(Path(target))


def _write(out: TextIO, store: Store, numbers: Sequence[int], file_format: str, *, mask: bool, bom: bool) -> None:
    exported = _each(store, numbers)
    if file_format == "csv":
        out.write(f"{_BOM if bom else ''}{format_row(HEADINGS)}")
        for task in exported:
            out.write(format_row(task_cells(task, mask=mask)))
    elif file_format == "jsonl":
        for task in exported:
            out.write(f"{json.dumps(_json(task, mask=mask))}\n")
    else:
        out.write("[")
        for at, task in enumerate(exported):
            out.write(f"{',' if at else ''}\n{json.dumps(_json(task, mask=mask))}")
        out.write("\n]\n")


def _json(task: Task, *, mask: bool) -> dict[str, object]:
    return {**task_json(task, mask=mask), "masked": mask}


def _each(store: Store, numbers: Sequence[int]) -> Iterator[Task]:
    steps = ProgressLine("writing", len(numbers))
    for done, task in enumerate(tasks.each(store, numbers), start=1):
        yield task
        steps(done)
    steps(len(numbers))
