"""Record the shop's own work on tasks: notes, tags, assignees, letters and what was done with results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from bwp_tui.domain.statuses import DownloadState, engine_is_done_with
from bwp_tui.domain.task import Task, cannot_change_purged
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import iso_day
from bwp_tui.store.commands.request_validation import refuse
from bwp_tui.store.commands.requests import cannot_download
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.database.shared_sql import update_task
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.row_mapping import tags_text
from bwp_tui.store.queries.timeline import EventKind


class TaskEdit(NamedTuple):
    """One task in an open transaction, and who changes it on which day.

    What changes it raises NoSuchTask where there is no such task.
    """

    transaction: Transaction
    store: Store
    number: int
    actor: str
    today: date

    @property
    def task(self) -> Task:
        """The task as it is now."""
        return tasks.get(self.store, self.number)

    def set(self, **columns: str | int | None) -> None:
        """Write columns of the task's row. Raises NotPossible for a purged task: it is closed."""
        refuse(cannot_change_purged(self.task))
        update_task(self.transaction, self.number, **columns)

    def add_event(
        self, what: EventKind, detail: str | None = None, moved: tuple[date | None, date | None] = (None, None)
    ) -> None:
        """Add an event to the task's timeline; `moved` is its due date before and after."""
        before, after = (None, None) if moved[0] == moved[1] else (iso_day(moved[0]), iso_day(moved[1]))
        timeline.append(self.transaction, self.number, self.actor, what, before=before, after=after, detail=detail)
        update_task(self.transaction, self.number)


def note(edit: TaskEdit, text: str, *, replace: bool = False) -> None:
    """Add a note, which the task's row then shows; earlier notes stay on the timeline.

    With `replace` the text replaces the note that is shown; an empty text then removes it.
    """
    line = clean_line(text)
    if not (line or replace):
        raise NotPossible("A note needs a text.")
    if edit.task.note == line and replace:
        return
    edit.set(note=line)
    edit.add_event(EventKind.NOTE if line else EventKind.NOTE_REMOVED, line or None)


def tag(edit: TaskEdit, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
    """Add tags to a task and remove others, whatever the case of their letters."""
    set_tags(edit, changed_tags(edit.task, add, remove))


def set_tags(edit: TaskEdit, tags: Iterable[str]) -> None:
    """Give a task these tags and no others. Raises NotPossible where that adds tags to a purged task."""
    before = edit.task.tags
    after = tuple(dict.fromkeys(tag for tag in map(clean_line, tags) if tag))
    if after == before:
        return
    if not set(after) <= set(before):
        refuse(cannot_change_purged(edit.task))
    update_task(edit.transaction, edit.number, tags=tags_text(after))
    changes = [*(f"+{tag}" for tag in after if tag not in before), *(f"-{tag}" for tag in before if tag not in after)]
    edit.add_event(EventKind.TAGS, " ".join(changes) or "put in another order")


def changed_tags(task: Task, add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of task with some added and some removed, whatever the case of their letters."""
    gone = {clean_line(tag).casefold() for tag in remove}
    kept = [tag for tag in task.tags if tag.casefold() not in gone]
    known = {tag.casefold() for tag in kept}
    return (*kept, *dict.fromkeys(tag for tag in map(clean_line, add) if tag and tag.casefold() not in known))


def assign(edit: TaskEdit, assignee: str | None) -> None:
    """Record the assignee of a task; None is nobody."""
    name = clean_line(assignee or "") or None
    if edit.task.assigned_to == name:
        return
    edit.set(assigned_to=name)
    edit.add_event(EventKind.ASSIGNED, f"to {name}" if name else "to nobody")


def cannot_watch(task: Task) -> str | None:
    waits_for_nothing = engine_is_done_with(task.status)
    return f"Task {task.name} does not change by itself: it is {task.status}." if waits_for_nothing else None


def cannot_open_result(task: Task) -> str | None:
    """Return why there is no saved result to open, or None when there is."""
    if task.is_purged and task.was_downloaded:
        return f"Task {task.name} was purged: where its result was saved, if it is still there, is no longer known."
    if task.download is not None and task.download.state == DownloadState.DONE and task.download.path is not None:
        return None
    if task.download is not None and task.download.is_open and task.was_downloaded:
        return f"Another download of {task.name} has not ended: have it end, or cancel it."
    not_saved = (
        f"The result of {task.name} is not saved{' yet' * (not task.was_downloaded)}; it must be downloaded first."
    )
    return cannot_download(task) or not_saved


def record_unpacked(store: Store, number: int, folder: Path, actor: str) -> None:
    """Record that the result of task `number` was unpacked into `folder`."""
    _append(store, number, actor, EventKind.UNPACKED, str(folder))


def record_packed(store: Store, number: int, path: Path, recipient: str, sha256: str, actor: str) -> None:
    """Record that a copy of the result, encrypted for `recipient`, was written to `path`; `sha256` is the copy's."""
    _append(store, number, actor, EventKind.PACKED, f"{path} for {recipient} (sha256 {sha256})")


def record_letter(store: Store, number: int, kind: str, sha256: str, actor: str, path: Path | None) -> None:
    """Record that a letter was written, and to which file; not again where the last event says the same."""
    detail = f"{kind} (sha256 {sha256})" + ("" if path is None else f", written to {path}")
    last = timeline.of_task(store, number)[-1:]
    if [(event.what, event.detail) for event in last] != [(EventKind.LETTER, detail)]:
        _append(store, number, actor, EventKind.LETTER, detail)


def record_command(store: Store, numbers: Sequence[int], outcome: str, actor: str) -> None:
    """Record that a program of the operator was started with these tasks, or how it ended."""
    with store.write():
        for number in numbers:
            _append(store, number, actor, EventKind.COMMAND_RUN, outcome)


def _append(store: Store, number: int, actor: str, what: EventKind, detail: str) -> None:
    with store.write() as transaction:
        timeline.append(transaction, number, actor, what, detail=detail)
        update_task(transaction, number)
