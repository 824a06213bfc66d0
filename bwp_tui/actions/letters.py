"""Draft letters to shoppers from templates, and record them; nothing is sent."""

from __future__ import annotations

import hashlib
import os
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from bwp_tui.domain import letters
from bwp_tui.domain.deadlines import needs_answer
from bwp_tui.domain.letters import LetterContext, LetterKind
from bwp_tui.domain.statuses import DownloadState, Status
from bwp_tui.domain.task import Task
from bwp_tui.file_access import new_file
from bwp_tui.settings import Profile
from bwp_tui.settings.letter_templates import read_template
from bwp_tui.store.commands import work_records
from bwp_tui.store.commands.decisions import cannot_decline
from bwp_tui.store.commands.legal_records import cannot_extend
from bwp_tui.store.commands.request_validation import refuse
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.saved_results import is_gone
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import downloads

BUILT_IN_LABEL: Final = "built-in text"


class Letter(NamedTuple):
    """A letter about a task, as it can be sent.

    Attributes:
        template: the file of its template, or that it is the built-in text.
        remarks: what to check before it is sent, a sentence each.
    """

    kind: LetterKind
    task_number: int
    text: str
    template: str
    remarks: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def _extension_reason(store: Store, task: Task) -> str | None:
    """Return the recorded reason of an extension, which a resubmitted request has from the one that it repeats."""
    events = timeline.of_task(store, task.number)
    reasons = [event.detail for event in events if event.what == EventKind.EXTENDED]
    if reasons or task.resubmit_of is None:
        return reasons[-1] if reasons else None
    return next((_extension_reason(store, each) for each in tasks.by_numbers(store, [task.resubmit_of])), None)


def _cannot_record(kind: LetterKind, task: Task, today: date) -> str | None:
    """Return why the extension or decline that a letter would tell of cannot be recorded first, or None."""
    if kind is LetterKind.EXTENSION and task.extended_on is None and needs_answer(task):
        return cannot_extend(task, today)
    may_be_declined = needs_answer(task) or (task.answered_on is not None and not task.is_appeal_upheld)
    return cannot_decline(task) if kind is LetterKind.DECLINE and task.declined_on is None and may_be_declined else None


def _is_result_gone(store: Store, task: Task) -> bool:
    """Return whether the newest saved result is gone, also while it is downloaded again or after that has failed."""
    saved = [each for each in downloads.of_task(store, task.number) if each.state == DownloadState.DONE]
    return bool(saved) and is_gone(saved[-1])


def _dropped_resubmission(store: Store, task: Task) -> int | None:
    """Return the newest of the tasks that a task was resubmitted as, where none of them carries the request on."""
    repeated = tasks.resubmissions_of(store, task.number)
    is_carried_on = any(needs_answer(each) or each.status == Status.COMPLETED for each in repeated)
    return repeated[-1].number if repeated and not is_carried_on else None


def draft(store: Store, profile: Profile, task: Task, kind: LetterKind, actor: str, today: date) -> Letter:
    """Return a letter about a task.

    Raises:
        NotPossible: there is no such letter about the task, or it lacks a value that the template needs.
        SettingsError: the shop's own template cannot be read, or has mistakes.
    """
    if (cannot_write := letters.cannot_write(kind, task)) is not None:
        refuse(_cannot_record(kind, task, today) or cannot_write)
    reason = _extension_reason(store, task)
    context = LetterContext(
        today,
        actor,
        profile.shop_name,
        reason,
        is_result_gone=_is_result_gone(store, task),
        dropped_resubmission=_dropped_resubmission(store, task),
    )
    template, path = read_template(profile.letters_folder, letters.template_name(kind, task))
    values = letters.values_of(kind, task, context)
    if name := letters.missing_value(template, values):
        raise NotPossible(f"The letter needs ${name}, {letters.PLACEHOLDERS[name]}, and {task.name} has none.")
    text = letters.fill(template, values)
    return Letter(kind, task.number, text, str(path or BUILT_IN_LABEL), letters.remarks(kind, task, context))


def write(store: Store, letter: Letter, path: Path, actor: str) -> None:
    """Write a letter to a new file (0600), and record it; where that fails, there is no file.

    Raises:
        FileExistsError: there is such a file.
        OSError: it cannot be written.
        StoreError: it cannot be recorded.
    """
    with new_file(path) as file:
        file.write(letter.text.encode())
        file.flush()
        os.fsync(file.fileno())  # a full disk refuses it here, before it is recorded
        record(store, letter, actor, path)


def record(store: Store, letter: Letter, actor: str, path: Path | None = None) -> None:
    """Record a letter on the timeline of its task, with its SHA-256 and the file that it was written to.

    Raises:
        StoreError: it cannot be recorded.
    """
    work_records.record_letter(store, letter.task_number, letter.kind, letter.sha256, actor, path and path.absolute())
