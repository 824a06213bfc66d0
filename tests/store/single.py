"""What the program does to many tasks at a time, done to one: what a test needs to have happened before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from bwp_tui.domain.task import Verification
from bwp_tui.store.commands import records, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog import poll_answers
from bwp_tui.store.worklog.poll_answers import PollAnswer


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
        if event.what == timeline.NOTE and event.detail
    ]


def answered(store: Store, number: int, answer: PollAnswer, next_poll_at: datetime | None) -> bool:
    return number in poll_answers.record_answers(store, {number: (answer, next_poll_at)})


def set_note(store: Store, number: int, note: str, actor: str) -> None:
    with store.write() as transaction:
        requests.set_note_in(transaction, number, note, actor)


def set_tags(store: Store, number: int, tags: Iterable[str], actor: str) -> None:
    with store.write() as transaction:
        records.set_tags_in(transaction, store, number, tags, actor)


def verify(store: Store, number: int, verification: Verification, actor: str) -> None:
    with store.write() as transaction:
        records.verify_in(transaction, store, number, verification, actor)


def assign(store: Store, number: int, who: str | None, actor: str) -> None:
    with store.write() as transaction:
        records.assign_in(transaction, store, number, who, actor)


def acknowledge(store: Store, number: int, on: date, actor: str) -> None:
    with store.write() as transaction:
        records.acknowledge_in(transaction, store, number, on, actor)


def extend(store: Store, number: int, reason: str, today: date, actor: str) -> date:
    with store.write() as transaction:
        return records.extend_in(transaction, store, number, reason, today, actor)
