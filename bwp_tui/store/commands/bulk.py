"""Doing one thing to many tasks: some at a time in a transaction, and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bwp_tui.domain.holding_periods import Hold, same_hold
from bwp_tui.store.commands import records, requests
from bwp_tui.store.commands.request_validation import BadRequest
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.errors import NoSuchTask, NotPossible

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


def perform(store: Store, command: TaskCommand, numbers: Sequence[int]) -> Iterator[list[Result]]:
    """Do it to each of the tasks; yield the results of each transaction once it is on disk.

    Whoever stops taking results stops the work: what was yielded is done, the rest is not.

    Raises:
        StoreError: it could not be recorded; the results yielded before stay.
    """
    for at in range(0, len(numbers), CHUNK_SIZE):
        with store.write() as transaction:
            results = [_result(transaction, store, command, number) for number in numbers[at : at + CHUNK_SIZE]]
        yield results


def _result(transaction: Transaction, store: Store, command: TaskCommand, number: int) -> Result:
    try:
        return Result(number, command(transaction, store, number))
    except (NotPossible, NoSuchTask, BadRequest) as why:
        return Result(number, number, str(why))


def resubmit(actor: str, note: str = "", hold: Hold = same_hold) -> TaskCommand:
    """Return the command for submitting failed tasks again, with a note on the new ones where there is one."""

    def command(transaction: Transaction, store: Store, number: int) -> int:
        new = requests.resubmit_in(transaction, store, number, actor, hold)
        if note:
            records.note(records.Edit(transaction, store, new, actor, date.min), note)
        return new

    return command


def cancel(actor: str) -> TaskCommand:
    """Return the command for cancelling deletions on hold."""
    return _upon(lambda transaction, store, number: requests.cancel_in(transaction, store, number, actor))


def download(directory: str, actor: str) -> TaskCommand:
    """Return the command for having results downloaded into a folder."""
    return _upon(lambda transaction, store, number: requests.download_in(transaction, store, number, directory, actor))


def refresh() -> TaskCommand:
    """Return the command for making tasks due to be asked about now."""
    return _upon(lambda transaction, _store, number: requests.poll_now_in(transaction, number))


def _upon(act: Callable[[Transaction, Store, int], object]) -> TaskCommand:
    """Return the command after which the same task is the one to look at."""

    def command(transaction: Transaction, store: Store, number: int) -> int:
        act(transaction, store, number)
        return number

    return command
