"""Apply a change to many tasks, some of them in each transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from bwp_tui.domain.task import Task
from bwp_tui.store.commands.request_validation import BadRequest, refuse
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.errors import NoSuchTask, NotPossible
from bwp_tui.store.queries import tasks, timeline

CHUNK_SIZE: Final = 100
"""Tasks of one transaction: others write meanwhile, and one wait for the disk serves them all."""


class ChangeResult(NamedTuple):
    """The result of a change for one task or download.

    Attributes:
        id: the task or download that was to be changed.
        resulting_id: the one to look at now: a new one if `id` was repeated.
        refused: why nothing was changed, or None.
    """

    id: int
    resulting_id: int
    refused: str | None = None


TaskChange = Callable[[Transaction, Store, int], int]
"""Changes a task and returns the number of the task to look at now.

Raises:
    NotPossible, NoSuchTask, BadRequest: it cannot be done; nothing of it was written.
"""


def apply_to_each(store: Store, change: TaskChange, numbers: Sequence[int]) -> Iterator[list[ChangeResult]]:
    """Apply a change to each task; yield the results of each transaction once it is on disk.

    A caller that stops iterating, or a StoreError, leaves the other tasks as they are.
    """
    for at in range(0, len(numbers), CHUNK_SIZE):
        with store.write() as transaction:
            results = [_result(transaction, store, change, number) for number in numbers[at : at + CHUNK_SIZE]]
        yield results


def _result(transaction: Transaction, store: Store, change: TaskChange, number: int) -> ChangeResult:
    """Return the result for a task, or for the row that it was joined with since the operator saw it."""
    try:
        return ChangeResult(number, change(transaction, store, number))
    except NoSuchTask as why:
        kept = timeline.joined_into(store, number)
        if kept is None:
            return ChangeResult(number, number, str(why))
        joined = _result(transaction, store, change, kept)
        refused = joined.refused and f"#{number} is #{kept} now. {joined.refused}"
        return ChangeResult(number, joined.resulting_id, refused)
    except (NotPossible, BadRequest) as why:
        return ChangeResult(number, number, str(why))


TaskCheck = Callable[[Task], str | None]
"""Returns the reason why a confirmed action is not possible for a task as it is now, or None."""


def unchanged_check(
    seen: Task, check: TaskCheck, *question_parts: Callable[[Task], object], accepts_joined_row: bool = False
) -> TaskCheck:
    """Return a check that also refuses a task whose `question_parts`, but for the task's name, have changed since.

    Args:
        accepts_joined_row: whether the change may go to the row that the task was joined with since, whatever that
            row shows: the timeline keeps what is replaced.
    """

    def check_also_unchanged(now: Task) -> str | None:
        if (reason := check(now)) or (accepts_joined_row and now.number != seen.number):
            return reason
        is_same = all(_without_name(read(now), now) == _without_name(read(seen), seen) for read in question_parts)
        status = "see its timeline" if now.status == seen.status else f"it is {now.status} now"
        return None if is_same else f"{now.name} was changed meanwhile: {status}."

    return check_also_unchanged


def _without_name(part: object, task: Task) -> object:
    return part.replace(task.name, "") if isinstance(part, str) else part


def with_check(change: TaskChange, check: TaskCheck) -> TaskChange:
    """Return the change, which checks each task again in the transaction that changes it."""

    def run(transaction: Transaction, store: Store, number: int) -> int:
        refuse(check(tasks.get(store, number)))
        return change(transaction, store, number)

    return run
