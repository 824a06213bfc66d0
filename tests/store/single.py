"""What the program does to many tasks at a time, done to one: what a test needs to have happened before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from bwp_tui.domain.task import Verification
from bwp_tui.store.commands import answers, legal_records, work_records
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import poll_responses
from bwp_tui.store.worklog.poll_responses import PollResponse


@dataclass(frozen=True, slots=True)
class Note:
    """A note on a task."""

    at: datetime
    actor: str
    text: str


def notes(store: Store, number: int) -> list[Note]:
    return [
        Note(event.at, event.actor, event.detail)
        for event in timeline.of_task(store, number)
        if event.what == timeline.EventKind.NOTE and event.detail
    ]


def answered(store: Store, number: int, answer: PollResponse, next_poll_at: datetime | None) -> bool:
    return number in poll_responses.record_responses(store, {number: (answer, next_poll_at)})


def edit(
    store: Store, number: int, apply: Callable[[work_records.TaskEdit], object], actor: str, today: date = date.min
) -> None:
    with store.write() as transaction:
        apply(work_records.TaskEdit(transaction, store, number, actor, today))


def add_note(store: Store, number: int, note: str, actor: str) -> None:
    edit(store, number, lambda one: work_records.note(one, note), actor)


def set_note(store: Store, number: int, note: str, actor: str) -> None:
    edit(store, number, lambda one: work_records.note(one, note, replace=True), actor)


def set_tags(store: Store, number: int, tags: Iterable[str], actor: str) -> None:
    edit(store, number, lambda one: work_records.set_tags(one, tags), actor)


def verify(store: Store, number: int, verification: Verification, actor: str) -> None:
    edit(
        store, number, lambda one: legal_records.verify(one, verification.how, verification.by, verification.on), actor
    )


def assign(store: Store, number: int, who: str | None, actor: str) -> None:
    edit(store, number, lambda one: work_records.assign(one, who), actor)


def acknowledge(store: Store, number: int, on: date, actor: str) -> None:
    edit(store, number, lambda one: legal_records.acknowledge(one, on), actor)


def answer(store: Store, number: int, how: str, on: date, actor: str) -> None:
    edit(store, number, lambda one: answers.answer(one, how, on), actor)


def inquire(store: Store, number: int, on: date, actor: str) -> None:
    edit(store, number, lambda one: legal_records.inquire(one, on), actor)


def reply(store: Store, number: int, on: date, actor: str) -> None:
    edit(store, number, lambda one: legal_records.reply(one, on), actor)


def extend(store: Store, number: int, reason: str, today: date, actor: str) -> date | None:
    edit(store, number, lambda one: legal_records.extend(one, reason), actor, today)
    return tasks.get(store, number).due_on
