"""Import answers to shoppers from a CSV file: every line is checked first, and all are recorded or none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from bwp_tui.domain import csv_table
from bwp_tui.domain.csv_table import ANSWER_COLUMNS, CsvLine
from bwp_tui.domain.deadlines import future_at_shop_mistake
from bwp_tui.domain.masking import redact
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import clean_line
from bwp_tui.store.commands.answers import answer, answer_day_warning, cannot_answer_in_bulk
from bwp_tui.store.commands.csv_import import CheckedFile, CheckedLine, kind_of, past_day
from bwp_tui.store.commands.legal_records import cannot_record_on
from bwp_tui.store.commands.request_validation import BadRequest
from bwp_tui.store.commands.work_records import TaskEdit
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NoSuchTask, NotPossible
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.row_mapping import TASKS, task_of


class Answer(NamedTuple):
    """The answer to the shopper of a task: when, how and whether in part."""

    task_number: int
    on: date
    how: str
    in_part: str


def plan(store: Store, data: bytes, today: date) -> CheckedFile[Answer]:
    """Check the lines of a file, without recording anything."""
    table = csv_table.read_table(data, ANSWER_COLUMNS, required=())
    seen: dict[int, int] = {}
    return CheckedFile(tuple(_checked(store, line, today, seen) for line in table.lines), table.ignored)


def record_answers(store: Store, planned: CheckedFile[Answer], actor: str, today: date) -> list[int]:
    """Record every answer of a plan in one transaction, or none; return the tasks in the order of the lines."""
    planned.require_right_lines()
    numbers = []
    with store.write() as transaction:
        for line in planned.lines:
            if (given := line.content) is None:
                continue
            edit = TaskEdit(transaction, store, given.task_number, actor, today)
            if reason := cannot_answer_in_bulk(edit.task):
                raise NotPossible(f"{reason} Nothing was recorded.")
            answer(edit, given.how, given.on, given.in_part)
            numbers.append(given.task_number)
    return numbers


def _checked(store: Store, line: CsvLine, today: date, seen: dict[int, int]) -> CheckedLine[Answer]:
    mistakes, task, day = [], None, today
    if line.surplus:
        mistakes.append(csv_table.SURPLUS_CELLS)
    try:
        task = _task(store, line.cells)
    except (BadRequest, NoSuchTask) as mistake:
        mistakes.append(str(mistake))
    try:
        day = past_day(line.cells.get("on"), today)
        if not_begun := future_at_shop_mistake(day, today):
            mistakes.append(not_begun)
    except BadRequest as mistake:
        mistakes.append(str(mistake))
    if "how" not in line.cells:
        mistakes.append("It does not say how the shopper was answered.")
    if task is not None:
        mistakes += _reasons_not_to_answer(task, day)
        if (first := seen.setdefault(task.number, line.number)) != line.number:
            mistakes.append(f"Line {first} answers the same task.")
    texts = tuple(redact(clean_line(mistake), emails=True) for mistake in mistakes)
    answered = Answer(task.number, day, line.cells.get("how", ""), line.cells.get("in_part", "")) if task else None
    return CheckedLine(line.number, answered, texts)


def _task(store: Store, cells: dict[str, str]) -> Task:
    """Return the task that a line names by task id or number, or the only open task of its email and kind."""
    name = cells.get("task") or cells.get("number")
    if name is not None:
        return tasks.find_by_name(store, name)
    email, kind = cells.get("email"), kind_of(cells["kind"]) if "kind" in cells else None
    if email is None or kind is None:
        raise BadRequest("task", "It names no task: give task or number, or email and kind.")
    rows = store.rows(f"{TASKS} WHERE t.email = ? COLLATE NOCASE AND t.kind = ? AND t.open = 1 LIMIT 2", (email, kind))
    if len(rows) != 1:
        found, advice = ("More than one", "; give the task") if rows else ("No", "")
        raise BadRequest("task", f"{found} {kind.lower()} for this email waits for an answer{advice}.")
    return task_of(rows[0])


def _reasons_not_to_answer(task: Task, day: date) -> Iterator[str]:
    if reason := cannot_answer_in_bulk(task):
        yield reason
        return
    for reason in (cannot_record_on(task, day), answer_day_warning(task, day)):
        if reason is not None:
            yield reason
