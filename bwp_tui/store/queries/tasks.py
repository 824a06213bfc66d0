"""Read tasks: one, a window of them, the ordered numbers of a view, the counts."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from typing import Final

from bwp_tui.domain.filter import Filter, ValueCondition
from bwp_tui.domain.task import Kind, Task
from bwp_tui.domain.text import clean_line
from bwp_tui.store.database.connection import Store, as_int, as_text
from bwp_tui.store.database.shared_sql import WITHHELD_STATUS_LIST
from bwp_tui.store.errors import NoSuchTask
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.filter_sql import SqlCondition, condition, in_numbers, is_tallied
from bwp_tui.store.queries.orders import SORTS, listing_sql
from bwp_tui.store.queries.row_mapping import TASKS, task_of
from bwp_tui.store.queries.text_index import index_lookup

SHORTEST_PREFIX: Final = 4
"""The shortest prefix of a task id that identifies it."""

_CHUNK: Final = 500
"""Tasks that one statement reads: its bound values are limited."""


def get(store: Store, number: int) -> Task:
    """Return task `number`; raise NoSuchTask if there is none."""
    row = store.row(f"{TASKS} WHERE t.number = ?", (number,))
    if row is None:
        raise NoSuchTask(f"There is no task #{number} in this history.")
    return task_of(row)


def each(store: Store, task_numbers: Sequence[int]) -> Iterator[Task]:
    """Yield the tasks with these numbers, in this order, without missing ones; a chunk of them is in memory."""
    for at in range(0, len(task_numbers), _CHUNK):
        chunk = task_numbers[at : at + _CHUNK]
        rows = store.rows(f"{TASKS} WHERE t.number IN ({','.join('?' * len(chunk))})", tuple(chunk))
        by_number = {task.number: task for task in map(task_of, rows)}
        yield from (by_number[number] for number in chunk if number in by_number)


def by_numbers(store: Store, task_numbers: Sequence[int]) -> list[Task]:
    """Return the tasks with these numbers, as `each` yields them."""
    return list(each(store, task_numbers))


def matching_numbers(
    store: Store,
    task_filter: Filter,
    *,
    today: date,
    sort: str = "newest",
    limit: int | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> array[int]:
    """Return the numbers of the tasks that match, in order, at most `limit` of them.

    `is_cancelled` is called every few milliseconds; once it returns True, ReadCancelled is raised.
    """
    where, values = indexed_condition(store, task_filter, today)
    return store.integers(listing_sql(SORTS[sort], where), (*values, -1 if limit is None else limit), is_cancelled)


def highest_number(store: Store) -> int:
    return store.integer("SELECT max(number) FROM tasks")


def matching_among(store: Store, task_filter: Filter, task_numbers: Sequence[int], *, today: date) -> frozenset[int]:
    """Return which of these tasks match."""
    where, values = condition(task_filter, store.clock(), today)
    sql = f"SELECT t.number FROM tasks t WHERE {in_numbers('t.number', task_numbers)} AND {where}"
    return frozenset(store.integers(sql, values))


def matching(store: Store, task_filter: Filter, *, today: date, limit: int, sort: str = "newest") -> list[Task]:
    """Return the first `limit` tasks that match, in the order `sort`."""
    return by_numbers(store, matching_numbers(store, task_filter, today=today, sort=sort, limit=limit))


def count(store: Store, task_filter: Filter, *, today: date) -> int:
    if is_tallied(task_filter):
        where, values = condition(task_filter, store.clock(), today)
        return store.integer(f"SELECT sum(t.tasks) FROM tallies t WHERE {where}", values)
    where, values = indexed_condition(store, task_filter, today)
    return store.integer(f"SELECT count(*) FROM tasks t WHERE {where}", values)


def indexed_condition(store: Store, task_filter: Filter, today: date) -> SqlCondition:
    """Return the SQL condition of a filter, which uses the text indexes where they help."""
    return condition(task_filter, store.clock(), today, index_lookup(store))


def newest_for(store: Store, kind: Kind, email: str) -> Task | None:
    """Return the newest task of this kind for this email, ignoring case, or None.

    A merge may have given an older one a higher number.
    """
    row = store.row(
        f"{TASKS} WHERE t.email = ? COLLATE NOCASE AND t.kind = ? ORDER BY t.recorded_at DESC, t.number DESC LIMIT 1",
        (email, kind),
    )
    return None if row is None else task_of(row)


def later_for_same(store: Store, task: Task) -> Task | None:
    """Return the newest later task of the same kind and email that does not repeat this one, or None."""
    newest = newest_for(store, task.kind, task.email) if task.email and task.resubmitted_as is None else None
    if newest is None or (newest.recorded_at, newest.number) <= (task.recorded_at, task.number):
        return None
    return newest


def resubmissions_of(store: Store, number: int) -> list[Task]:
    """Return the tasks that task `number` was resubmitted as, and those that these were, by their numbers."""
    sql = (
        "WITH RECURSIVE repeated (number) AS (SELECT number FROM tasks WHERE resubmit_of = ? UNION"
        " SELECT t.number FROM tasks t JOIN repeated r ON t.resubmit_of = r.number) SELECT number FROM repeated"
    )
    return by_numbers(store, sorted(store.integers(sql, (number,))))


def unfinished_for_same(store: Store, task: Task) -> Task | None:
    """Return the newest other task of this kind and email that was sent, or is to be, and has not ended; or None."""
    row = store.row(
        f"{TASKS} WHERE t.email = ? COLLATE NOCASE AND t.email <> '' AND t.kind = ? AND t.number <> ?"
        f" AND t.terminal = 0 AND t.status NOT IN ({WITHHELD_STATUS_LIST}) ORDER BY t.number DESC LIMIT 1",
        (task.email, task.kind, task.number),
    )
    return None if row is None else task_of(row)


def tags_in_use(store: Store) -> tuple[str, ...]:
    """Return every tag in use, ignoring case, in alphabetical order."""
    sql = "SELECT DISTINCT value COLLATE NOCASE FROM tasks, json_each(tags) WHERE tags <> '[]' ORDER BY 1"
    return tuple(as_text(row[0]) for row in store.rows(sql))


def status_counts(store: Store, condition: str = "1") -> dict[tuple[str, str], int]:
    """Return the number of tasks by (kind, status) that match an SQL condition on the counts."""
    rows = store.rows(f"SELECT kind, status, sum(tasks) FROM tallies WHERE tasks > 0 AND {condition} GROUP BY 1, 2")
    return {(as_text(kind), as_text(status)): as_int(tasks) for kind, status, tasks in rows}


def changed_since(store: Store, revision: int) -> list[int]:
    """Return the numbers of the tasks that transactions after `revision` touched."""
    return list(store.integers("SELECT number FROM tasks WHERE revision > ?", (revision,)))


def tagged_since(store: Store, tag: str, revision: int) -> list[Task]:
    """Return the tasks with a tag that transactions after `revision` touched."""
    where, values = indexed_condition(store, Filter((ValueCondition("tag", (tag,)),)), store.clock().date())
    return [task_of(row) for row in store.rows(f"{TASKS} WHERE t.revision > ? AND ({where})", (revision, *values))]


def any_queued(store: Store, task_numbers: Collection[int]) -> bool:
    """Return whether one of the tasks waits for the service's first response."""
    return _any(store, "status = 'QUEUED'", task_numbers)


def any_being_cancelled(store: Store, task_numbers: Collection[int]) -> bool:
    """Return whether one of the tasks has a pending cancellation, which goes on without a decision by an operator."""
    return _any(store, "cancel_asked = 1 AND status <> 'UNCONFIRMED'", task_numbers)


def _any(store: Store, condition: str, numbers: Collection[int]) -> bool:
    sql = f"SELECT 1 FROM tasks WHERE {condition} AND {in_numbers('number', numbers)} LIMIT 1"
    return store.row(sql) is not None


def with_task_id(store: Store, task_id: str) -> Task | None:
    row = store.row(f"{TASKS} WHERE t.task_id = ?", (task_id,))
    return None if row is None else task_of(row)


def find_by_name(store: Store, name: str) -> Task:
    """Return the one task with this number (`17` or `#17`), task id, or prefix of one, or raise NoSuchTask."""
    text = clean_line(name)
    if (task := with_task_id(store, text)) is not None:
        return task
    digits = text.removeprefix("#")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= 18
    as_number = store.row(f"{TASKS} WHERE t.number = ?", (int(digits),)) if is_number else None
    if as_number is not None and (text.startswith("#") or len(digits) < SHORTEST_PREFIX):
        return task_of(as_number)
    begins = (text, f"{text}\U0010ffff")
    is_prefix = len(text) >= SHORTEST_PREFIX
    found = store.rows(f"{TASKS} WHERE t.task_id >= ? AND t.task_id < ? LIMIT 2", begins) if is_prefix else []
    matches = [task_of(row) for row in (*found, as_number) if row is not None]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise NoSuchTask(f"“{text}” matches more than one task; give more characters of the task id.")
    if is_number and (kept := timeline.joined_into(store, int(digits))) is not None:
        raise NoSuchTask(f"Task #{digits} is #{kept} now: both were rows of one task.")
    raise NoSuchTask(
        f"There is no task “{text}” in this history. Give a task id, its first {SHORTEST_PREFIX} characters "
        "or more, or the task number."
    )
