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
from bwp_tui.store.database.connection import History, Transaction
from bwp_tui.store.errors import NoSuchTask, NotPossible
from bwp_tui.store.queries import tasks

AT_ONCE: Final = 100
"""Tasks of one transaction: others write meanwhile, and one wait for the disk serves them all."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one task: the number of the task to look at now (a resubmitted one is new), or why nothing."""

    number: int
    now: int
    refused: str | None = None


Deed = Callable[[Transaction, History, int], int]
"""Does something to a task and returns the number of the task to look at now.

Raises:
    NotPossible, NoSuchTask, BadRequest: it cannot be done; nothing of it was written.
"""


def perform(history: History, deed: Deed, numbers: Sequence[int]) -> Iterator[list[Result]]:
    """Do it to each of the tasks; yield the results of each transaction once it is on disk.

    Whoever stops taking results stops the work: what was yielded is done, the rest is not.

    Raises:
        HistoryError: it could not be recorded; the results yielded before stay.
    """
    for at in range(0, len(numbers), AT_ONCE):
        with history.write() as transaction:
            results = [_result(transaction, history, deed, number) for number in numbers[at : at + AT_ONCE]]
        yield results


def _result(transaction: Transaction, history: History, deed: Deed, number: int) -> Result:
    try:
        return Result(number, deed(transaction, history, number))
    except (NotPossible, NoSuchTask, BadRequest) as why:
        return Result(number, number, str(why))


def resubmit(actor: str, note: str = "", hold: Hold = same_hold) -> Deed:
    """Return the deed of submitting failed tasks again, with a note on the new ones where there is one."""

    def deed(transaction: Transaction, history: History, number: int) -> int:
        new = requests.resubmit_in(transaction, history, number, actor, hold)
        if note:
            records.add_note_in(transaction, history, new, note, actor)
        return new

    return deed


def cancel(actor: str) -> Deed:
    """Return the deed of cancelling deletions on hold."""
    return _upon(lambda transaction, history, number: requests.cancel_in(transaction, history, number, actor))


def download(directory: str, actor: str) -> Deed:
    """Return the deed of having results downloaded into a folder."""
    return _upon(
        lambda transaction, history, number: requests.download_in(transaction, history, number, directory, actor)
    )


def refresh() -> Deed:
    """Return the deed of making tasks due to be asked about now."""
    return _upon(lambda transaction, _history, number: requests.poll_now_in(transaction, number))


def tag(add: Sequence[str], remove: Sequence[str], actor: str) -> Deed:
    """Return the deed of adding some tags and removing others."""

    def retag(transaction: Transaction, history: History, number: int) -> None:
        tags = records.changed_tags(tasks.get(history, number), add, remove)
        records.set_tags_in(transaction, history, number, tags, actor)

    return _upon(retag)


def assign(who: str | None, actor: str) -> Deed:
    """Return the deed of giving tasks into someone's hands; None is nobody's."""
    return _upon(lambda transaction, history, number: records.assign_in(transaction, history, number, who, actor))


def add_note(text: str, actor: str) -> Deed:
    """Return the deed of adding a note."""
    return _upon(lambda transaction, history, number: records.add_note_in(transaction, history, number, text, actor))


def set_note(text: str, actor: str) -> Deed:
    """Return the deed of replacing the note; no text removes it."""
    return _upon(lambda transaction, _history, number: requests.set_note_in(transaction, number, text, actor))


def verify(verification: Verification, actor: str) -> Deed:
    """Return the deed of recording how it was made sure who asks."""
    return _upon(
        lambda transaction, history, number: records.verify_in(transaction, history, number, verification, actor)
    )


def acknowledge(on: date, actor: str) -> Deed:
    """Return the deed of recording that receipt was confirmed to the shopper."""
    return _upon(lambda transaction, history, number: records.acknowledge_in(transaction, history, number, on, actor))


def extend(reason: str, today: date, actor: str) -> Deed:
    """Return the deed of recording that the shopper was told that the answer takes longer."""
    return _upon(
        lambda transaction, history, number: records.extend_in(transaction, history, number, reason, today, actor)
    )


def withdraw(record: LegalRecord, actor: str) -> Deed:
    """Return the deed of withdrawing a record."""
    return _upon(lambda transaction, history, number: records.withdraw_in(transaction, history, number, record, actor))


def correct(received_on: date | None, regulation: str | None, actor: str) -> Deed:
    """Return the deed of correcting the day of receipt or the law; None leaves one as it is."""
    return _upon(
        lambda transaction, history, number: records.correct_in(
            transaction, history, number, received_on, regulation, actor
        )
    )


def _upon(act: Callable[[Transaction, History, int], object]) -> Deed:
    """Return the deed after which the same task is the one to look at."""

    def deed(transaction: Transaction, history: History, number: int) -> int:
        act(transaction, history, number)
        return number

    return deed
