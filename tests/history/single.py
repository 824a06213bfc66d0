"""What the program does to many tasks at a time, done to one: what a test needs to have happened before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from bwp_tui.domain.task import Verification
from bwp_tui.store.commands import records, requests
from bwp_tui.store.database.connection import History
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog import poll_answers
from bwp_tui.store.worklog.poll_answers import Answer


@dataclass(frozen=True, slots=True)
class Note:
    """A note on a task."""

    at: datetime
    actor: str
    text: str


def notes(history: History, number: int) -> list[Note]:
    return [
        Note(event.at, event.actor, event.detail)
        for event in timeline.of_task(history, number)
        if event.what == timeline.NOTE and event.detail
    ]


def answered(history: History, number: int, answer: Answer, next_poll_at: datetime | None) -> bool:
    return number in poll_answers.all_answered(history, {number: (answer, next_poll_at)})


def set_note(history: History, number: int, note: str, actor: str) -> None:
    with history.write() as transaction:
        requests.set_note_in(transaction, number, note, actor)


def set_tags(history: History, number: int, tags: Iterable[str], actor: str) -> None:
    with history.write() as transaction:
        records.set_tags_in(transaction, history, number, tags, actor)


def verify(history: History, number: int, verification: Verification, actor: str) -> None:
    with history.write() as transaction:
        records.verify_in(transaction, history, number, verification, actor)


def assign(history: History, number: int, who: str | None, actor: str) -> None:
    with history.write() as transaction:
        records.assign_in(transaction, history, number, who, actor)


def acknowledge(history: History, number: int, on: date, actor: str) -> None:
    with history.write() as transaction:
        records.acknowledge_in(transaction, history, number, on, actor)


def extend(history: History, number: int, reason: str, today: date, actor: str) -> date:
    with history.write() as transaction:
        return records.extend_in(transaction, history, number, reason, today, actor)
