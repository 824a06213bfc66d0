"""Doing one thing to many tasks: some at a time in a transaction, and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bwp_tui.domain.holding_periods import Hold, same_hold
from bwp_tui.domain.task import Verification
from bwp_tui.store.commands import records, requests
from bwp_tui.store.commands.records import LegalRecord
from bwp_tui.store.commands.request_validation import BadRequest
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.errors import NoSuchTask, NotPossible
from bwp_tui.store.queries import tasks

CHUNK_SIZE: Final = 100
"""Tasks of one transaction: others write meanwhile, and one wait for the disk serves them all."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one task: the number of the task to look at now (a resubmitted one is new), or why nothing."""

    number: int
    now: int
    refused: str | None = None


TaskCommand = Callable[[Transaction, Store, int], int]
"""Does something to a task and returns the number of the task to look at now.

Raises:
    NotPossible, NoSuchTask, BadRequest: it cannot be done; nothing of it was written.
"""


def perform(store: Store, deed: TaskCommand, numbers: Sequence[int]) -> Iterator[list[Result]]:
    """Do it to each of the tasks; yield the results of each transaction once it is on disk.

    Whoever stops taking results stops the work: what was yielded is done, the rest is not.

    Raises:
        HistoryError: it could not be recorded; the results yielded before stay.
    """
    for at in range(0, len(numbers), CHUNK_SIZE):
        with store.write() as transaction:
            results = [_result(transaction, store, deed, number) for number in numbers[at : at + CHUNK_SIZE]]
        yield results


def _result(transaction: Transaction, store: Store, deed: TaskCommand, number: int) -> Result:
    try:
        return Result(number, deed(transaction, store, number))
    except (NotPossible, NoSuchTask, BadRequest) as why:
        return Result(number, number, str(why))


def resubmit(actor: str, note: str = "", hold: Hold = same_hold) -> TaskCommand:
    """Return the deed of submitting failed tasks again, with a note on the new ones where there is one."""

    def deed(transaction: Transaction, store: Store, number: int) -> int:
        new = requests.resubmit_in(transaction, store, number, actor, hold)
        if note:
            records.add_note_in(transaction, store, new, note, actor)
        return new

    return deed


def cancel(actor: str) -> TaskCommand:
    """Return the deed of cancelling deletions on hold."""
    return _upon(lambda transaction, store, number: requests.cancel_in(transaction, store, number, actor))


def download(directory: str, actor: str) -> TaskCommand:
    """Return the deed of having results downloaded into a folder."""
    return _upon(lambda transaction, store, number: requests.download_in(transaction, store, number, directory, actor))


def refresh() -> TaskCommand:
    """Return the deed of making tasks due to be asked about now."""
    return _upon(lambda transaction, _store, number: requests.poll_now_in(transaction, number))


def tag(add: Sequence[str], remove: Sequence[str], actor: str) -> TaskCommand:
    """Return the deed of adding some tags and removing others."""

    def retag(transaction: Transaction, store: Store, number: int) -> None:
        tags = records.changed_tags(tasks.get(store, number), add, remove)
        records.set_tags_in(transaction, store, number, tags, actor)

    return _upon(retag)


def assign(who: str | None, actor: str) -> TaskCommand:
    """Return the deed of giving tasks into someone's hands; None is nobody's."""
    return _upon(lambda transaction, store, number: records.assign_in(transaction, store, number, who, actor))


def add_note(text: str, actor: str) -> TaskCommand:
    """Return the deed of adding a note."""
    return _upon(lambda transaction, store, number: records.add_note_in(transaction, store, number, text, actor))


def set_note(text: str, actor: str) -> TaskCommand:
    """Return the deed of replacing the note; no text removes it."""
    return _upon(lambda transaction, _store, number: requests.set_note_in(transaction, number, text, actor))


def verify(verification: Verification, actor: str) -> TaskCommand:
    """Return the deed of recording how it was made sure who asks."""
    return _upon(lambda transaction, store, number: records.verify_in(transaction, store, number, verification, actor))


def acknowledge(on: date, actor: str) -> TaskCommand:
    """Return the deed of recording that receipt was confirmed to the shopper."""
    return _upon(lambda transaction, store, number: records.acknowledge_in(transaction, store, number, on, actor))


def extend(reason: str, today: date, actor: str) -> TaskCommand:
    """Return the deed of recording that the shopper was told that the answer takes longer."""
    return _upon(lambda transaction, store, number: records.extend_in(transaction, store, number, reason, today, actor))


def withdraw(record: LegalRecord, actor: str) -> TaskCommand:
    """Return the deed of withdrawing a record."""
    return _upon(lambda transaction, store, number: records.withdraw_in(transaction, store, number, record, actor))


def correct(received_on: date | None, regulation: str | None, actor: str) -> TaskCommand:
    """Return the deed of correcting the day of receipt or the law; None leaves one as it is."""
    return _upon(
        lambda transaction, store, number: records.correct_in(
            transaction, store, number, received_on, regulation, actor
        )
    )


def _upon(act: Callable[[Transaction, Store, int], object]) -> TaskCommand:
    """Return the deed after which the same task is the one to look at."""

    def deed(transaction: Transaction, store: Store, number: int) -> int:
        act(transaction, store, number)
        return number

    return deed
