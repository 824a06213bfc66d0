"""Format tasks as text and as JSON."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from textwrap import indent
from typing import TYPE_CHECKING

from bwp_tui.cli.support.days import today
from bwp_tui.cli.support.streams import AS_SENTENCES, in_profile, wrapped
from bwp_tui.cli.support.table import table
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.domain.deadlines import needs_answer, time_left_text
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.masking import mask_task_text
from bwp_tui.domain.statuses import DownloadState, Status
from bwp_tui.domain.task import TO_CHECK, Kind, Task, TimelineEvent, newest_problem
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import format_duration, minute_stamp, stamp, utc_now
from bwp_tui.store.queries.saved_results import is_gone
from bwp_tui.store.queries.task_json import task_json
from bwp_tui.store.queries.timeline import detail_text, label_of

if TYPE_CHECKING:
    from bwp_tui.console.presentation.format import DisplayContext

_HEADINGS = ("#", "TASK", "KIND", "EMAIL", "STATUS", "SUBMITTED", "AGE", "DUE", "NOTE")
_EXPENDABLE = ("SUBMITTED", "AGE", "TASK", "KIND")
_IN_SENTENCES = frozenset(
    ("Due", "Stopped", "Completes", "Answered", "In part", "Declined", "Appeal", "Assignee", "Note", "Tags")
)


def print_json(value: object) -> None:
    """Print JSON in ASCII, which is safe for every terminal and encoding."""
    print(json.dumps(value, indent=2))


def print_json_array(values: Iterable[object]) -> None:
    """Print JSON values as one array, as `print_json` does, each once it is made: many take gigabytes together."""
    before = "["
    for value in values:
        print(f"{before}\n{indent(json.dumps(value, indent=2), '  ')}", end="")
        before = ","
    print("[]" if before == "[" else "\n]")


def print_result(arguments: Namespace, json_object: object, lines: Iterable[str]) -> None:
    """Print what a command found: as JSON where that is asked for, else as lines."""
    if arguments.json:
        print_json(json_object)
    elif text := "\n".join(lines):
        print(text)


def print_tasks(tasks: Sequence[Task], *, as_json: bool, mask: bool = False, read_only: bool = False) -> None:
    """Print tasks after an action: a line each, or as JSON one object or an array."""
    if as_json:
        json_objects = [task_json(task, mask=mask) for task in tasks]
        print_json(json_objects[0] if len(json_objects) == 1 else json_objects)
        return
    for task in tasks:
        said = task_sentence(task, utc_now(), today(), read_only=read_only) if AS_SENTENCES.get() else task_line(task)
        print(said)


def task_line(task: Task) -> str:
    """Return a task as one line, with its email masked."""
    parts = (f"#{task.number}", task.task_id or "-", task.kind_name, task.email_text(masked=True), _status(task))
    return "  ".join(clean_line(part) for part in parts)


def _status(task: Task) -> str:
    rest = ", cancelling" if task.cancel_asked else f", to {task.intake_step}" if task.intake_step else ""
    return f"{task.status}{rest}"


def task_sentence(task: Task, now: datetime, today: date, *, unmask: bool = False, read_only: bool = False) -> str:
    """Return a task as one sentence, for screen readers, and why its last call failed as another."""
    from bwp_tui.console.presentation.task_detail import fact_lines  # most commands print no task in full

    context = display_context(task, now, today, unmask=unmask, read_only=read_only)
    parts = [f"Number {task.number}, {task.kind_name} for {task.email_text(masked=not unmask)}: {_status(task)}"]
    parts += [error.code for error in task.errors if error.code]
    if task.is_purged:
        parts.append("purged")
    elif task.download is not None:
        parts.append("result gone or changed" if context.gone_results else f"download {task.download.state_name}")
    elif task.kind is Kind.RETRIEVAL and task.status == Status.COMPLETED:
        parts.append("ready to download")
    parts.append(f"{format_duration(task.age(now))} old")
    facts = map(_label_and_text, fact_lines(task, context))
    said = _IN_SENTENCES - {"Answered" if needs_answer(task) else "Due"}
    parts += [f"{label.lower()} {text}" for label, text in facts if label in said]
    sentence = f"{', '.join(parts)}.{f' {task.trouble}' if task.trouble else ''}"
    return wrapped(_masked(sentence, task, unmask=unmask))


def table_lines(tasks: Sequence[Task], now: datetime, today: date, *, unmask: bool) -> list[str]:
    rows = [_cells(task, now, today, unmask=unmask) for task in tasks]
    return table(_HEADINGS, rows, expendable=_EXPENDABLE)


def _cells(task: Task, now: datetime, today: date, *, unmask: bool) -> tuple[str, ...]:
    cells = (
        str(task.number),
        task.task_id[:8] if task.task_id else "-",
        task.kind_name,
        task.email_text(masked=not unmask),
        f"{task.status} {task.intake_step}".rstrip(),
        minute_stamp(task.submitted_at) if task.submitted_at is not None else "-",
        format_duration(task.age(now)),
        time_left_text(task, today) or "-",
        "; ".join(text for text in (newest_problem(task), task.open_trouble, task.note) if text).replace(".; ", "; "),
    )
    return cells if unmask else tuple(mask_task_text(cell, task) for cell in cells)


def _masked(text: str, task: Task, *, unmask: bool) -> str:
    return clean_line(text if unmask else mask_task_text(text, task))


def detail_lines(
    task: Task,
    events: Sequence[TimelineEvent],
    context: DisplayContext,
    next_try: str | None = None,
    earlier: Task | None = None,
    later: Task | None = None,
) -> list[str]:
    """Return the details and the timeline of a task as lines.

    `next_try` is when its waiting request is sent, `earlier` and `later` other tasks for the same
    email.
    """
    from bwp_tui.console.presentation.format import fact
    from bwp_tui.console.presentation.task_detail import fact_lines, outcome_paragraphs

    own = (
        ("Task id", task.task_id),
        ("Status", _status(task)),
        ("Next try", next_try),
        ("Age", format_duration(task.age(context.now))),
        ("Updated", task.updated_at and stamp(task.updated_at)),
        ("Polled", task.polled_at and stamp(task.polled_at)),
        ("Regulation", task.regulation),
        ("Transfer", task.download and _transfer_text(task.download)),
    )
    masked = partial(_masked, task=task, unmask=not context.masked)
    facts = [
        *(fact(label, value) for label, value in own if value),
        *outcome_paragraphs(task, context),
        *fact_lines(task, context, earlier, later, complete=True),
    ]
    lines = [
        f"#{task.number}  {task.kind_name} for {masked(task.email_text(masked=context.masked))}",
        *(f"{masked(label):<10} {masked(text)}".rstrip() for label, text in map(_label_and_text, facts)),
        "",
        "timeline",
        *(masked(_event_line(event)) for event in events),
    ]
    return [*map(wrapped, lines)]


def _transfer_text(download: Download) -> str:
    from bwp_tui.console.presentation.download_detail import partial_file_text

    total = "" if download.total is None else f" of {download.total}"
    is_without_file = download.state in (DownloadState.FAILED, DownloadState.CANCELLED)
    size = partial_file_text(download) if is_without_file else f"{download.bytes}{total} bytes"
    return f"{download.state_name}, {size}"


def display_context(
    task: Task,
    now: datetime,
    today: date,
    *,
    unmask: bool,
    read_only: bool = False,
    service_day: timedelta = timedelta(days=1),
) -> DisplayContext:
    """Return how a task is presented outside of the console: with the CLI's commands in the place of keys."""
    from bwp_tui.actions.decision_operations import ANSWER_APPEAL_USAGE, APPEAL
    from bwp_tui.console.bindings.actions import ACTIONS_BY_NAME
    from bwp_tui.console.presentation.format import DisplayContext

    def command(action: str) -> str:
        if read_only and ACTIONS_BY_NAME[action].writes:
            return ""
        if action == "tag":  # it is the advice to remove that tag
            return in_profile(f"bwp-tui tag {task.number} -{TO_CHECK}")
        if action in ("new", "new_deletion"):  # it is the advice to submit the same with another email
            day_and_law = f"--received {task.received_on} --regulation {task.regulation}"
            return in_profile(f"bwp-tui submit {task.kind_name} EMAIL {day_and_law}")
        usage = ANSWER_APPEAL_USAGE if action == APPEAL.name else ACTIONS_BY_NAME[action].cli_usage or action
        number = task.earlier_number if action == "earlier" else task.number
        return in_profile(f"bwp-tui {usage.replace('TASK', str(number))}")

    gone = {task.download.id} if task.download and is_gone(task.download) else ()
    return DisplayContext(now, today, not unmask, service_day, command, None, gone, "What to do: ")


def _label_and_text(line: Sequence[StyledText]) -> tuple[str, str]:
    """Return the label of a line, and its text, with commas where blanks keep parts of it apart on a screen."""
    (label, _), *texts = line
    return label.strip(), "".join(re.sub("^  |  $", ", ", text) for text, _ in texts if text.strip())


def _event_line(event: TimelineEvent) -> str:
    due = " due" if event.moves_due_date else ""
    change = f"{due} {event.before or '-'} → {event.after}" if event.after else ""
    if change and AS_SENTENCES.get():
        due = due and f",{due}"
        change = f"{due} from {event.before} to {event.after}" if event.before else f"{due or ' as'} {event.after}"
    detail = f": {detail_text(event)}" if event.detail else ""
    return f"{stamp(event.at)} {label_of(event.what)}{change} by {event.actor}{detail}"
