"""Two copies of a history on which operators and engines go on, and which are then merged: what both record is kept.

The long form: `python -m tests.faults.merge_trials --trials 500`.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from bwp_tui.domain.deadlines import due_if_replied, needs_answer, task_due_date
from bwp_tui.domain.statuses import WITHHELD_STATUSES, Status
from bwp_tui.domain.task import TO_CHECK, Kind, Task
from bwp_tui.domain.times import local_day
from bwp_tui.store.database.connection import as_int, as_text
from bwp_tui.store.database.shared_sql import INHERITED_COLUMNS
from bwp_tui.store.maintenance import chain_check, integrity, restore
from bwp_tui.store.maintenance.merging.disputes import LONGEST_WAIT
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.columns_from_events import LOST_ID_PREFIX, Columns, columns_after
from bwp_tui.store.queries.timeline import EventKind, TimelineRow
from tests.faults.history_copy import Copy, Key, Service, key_of
from tests.manual_clock import ManualClock
from tests.new_history import new_history
from tests.store.support import NOW


class Subject(NamedTuple):
    """What the operators of two copies go on with: how it begins, what they do, and how often, before and after."""

    begin: Callable[[Copy], None]
    operate: Callable[[Copy], None]
    before: int
    after: int


ANY: Final = Subject(Copy.intake, Copy.act, 20, 25)
ONE: Final = Subject(Copy.begin_one, Copy.go_on_with_one, 0, 7)
"""One request, and what has become of it."""

DISPUTES: Final = Subject(Copy.begin_disputes, Copy.dispute, 0, 5)
"""A few requests that were declined, or of which the shopper was asked."""

HOLD: Final = Subject(Copy.begin_hold, Copy.decide_on_hold, 0, 6)
"""One deletion on hold."""

CLOCK: Final = Subject(Copy.begin_clock, Copy.stop_clock, 0, 6)
"""One request whose clock stops while the shopper is asked."""

_SUBJECTS: Final = (ANY, ONE, DISPUTES, HOLD, CLOCK)

_SHOWN: Final = 20
_MOST_SENT: Final = 200

_DECIDED: Final = (*WITHHELD_STATUSES, Status.DECLINED)
"""The statuses that people decide on; those that wait to be sent count only where no task of the service is known."""

_RECORDED: Final = ("received_on", "regulation", "note", "assigned_to")
_INHERITED: Final = tuple(set(INHERITED_COLUMNS.split(", ")) - {"due_on", *_RECORDED})
"""The columns that a resubmission has from the task that it repeats, without what each has of its own."""

_COVERED: Final = (
    *("task_id", "status", "terminal", "cancel_asked", "answered_on", "answered_how", "answered_in_part"),
    *("declined_on", "decline_reason", "decline_text", "appealed_on", "appeal_answered_on", "appeal_upheld"),
    *(*_INHERITED, *_RECORDED),
)
"""The columns that a timeline gives, or that stay as they were recorded."""


class Row(NamedTuple):
    """A task of one history: as the program reads it, its columns and its timeline."""

    task: Task
    columns: Columns
    events: list[TimelineRow]
    waiting: list[str]
    """The actions of the intents that wait."""


History: TypeAlias = dict[Key, Row]


class World:
    """The folder of a trial with its clock, its chance and its service."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random, self.clock, self.service = random.Random(seed), ManualClock(NOW), Service()

    def path(self, name: str) -> Path:
        """Return the path of a history."""
        path = self.folder / name / "history.db"
        path.parent.mkdir(exist_ok=True)
        return path

    def read(self, path: Path) -> History:
        """Return all tasks of a history."""
        columns = f"SELECT number, {', '.join(_COVERED)} FROM tasks"
        events = "SELECT at, what, before, after, detail, actor FROM timeline WHERE task = ? ORDER BY id"
        waiting = "SELECT action FROM intents WHERE task = ? AND state = 'waiting'"
        with closing(open_store(path, clock=self.clock)) as store:
            rows: dict[int, Columns] = {
                as_int(row[0]): dict(zip(_COVERED, row[1:], strict=True))  # type: ignore[arg-type]  # no column has bytes
                for row in store.rows(columns)
            }
            found = tasks.by_numbers(store, list(rows))
            times = Counter(map(key_of, found))  # a request that both copies have sent is two tasks
            return {
                key_of(task) if times[key_of(task)] == 1 else f"{key_of(task)} {task.task_id}": Row(
                    task,
                    rows[task.number],
                    [TimelineRow._make(event) for event in store.rows(events, (task.number,))],
                    [as_text(action) for (action,) in store.rows(waiting, (task.number,))],
                )
                for task in found
            }

    def go_on(self, operate: Callable[[Copy], None], operations: int, *copies: tuple[Path, str]) -> list[History]:
        """Have operators go on with one or more copies at the same time; return what each holds then."""
        stores = [open_store(path, clock=self.clock) for path, _ in copies]
        operated = [
            Copy(store, self.service, self.clock, self.random, actor)
            for store, (_, actor) in zip(stores, copies, strict=True)
        ]
        for _ in range(operations * len(copies)):
            operate(self.random.choice(operated))
        for store in stores:
            store.close()
        return [self.read(path) for path, _ in copies]

    def send_all(self, path: Path) -> list[str]:
        """Let an engine send what waits; return what it starts though it was started, or ended, before."""
        before, ended = {key: list(tokens) for key, tokens in self.service.starts.items()}, self.read(path)
        with closing(open_store(path, clock=self.clock)) as store:
            engine = Copy(store, self.service, self.clock, self.random, "engine")
            for _ in range(_MOST_SENT):
                if not engine.send():
                    break
        return [
            f"{key}: started again"
            for key, tokens in self.service.starts.items()
            if (key in before and tokens != before[key])
            or len(tokens) - len(before.get(key, [])) > 1
            or (key not in before and key in ended and ended[key].task.was_resubmitted)
        ]


def _lost(merged: History, copy: History, service: Service) -> Iterator[str]:
    """Yield what a copy has and the merged history lacks."""
    ids = {row.task.task_id: key for key, row in merged.items()}
    for own_key, (task, _, events, _) in copy.items():
        # One that was tracked or adopted in a copy is the request's of the other.
        key = own_key if own_key in merged else ids.get(task.task_id, own_key)
        if key not in merged:
            yield f"{key} is lost"
            continue
        if task.task_id not in (None, *ids) and service.statuses[str(task.task_id)] != "CANCELLED":
            yield f"{key}: {task.task_id} is lost"
        is_purged = merged[key].task.purged_at is not None
        kept = [event._replace(detail=None) if is_purged else event for event in events]
        yield from (f"{key}: lost event {event}" for event in Counter(kept) - Counter(merged[key].events))


def _urgency(task: Task) -> tuple[bool, date]:
    """Return how urgent a task is: open before closed, then by its due date, if the shopper replied at last."""
    due = task.due_on or due_if_replied(task, local_day(NOW) + LONGEST_WAIT)
    return (not needs_answer(task), (needs_answer(task) and due) or date.max)


def _less_urgent(merged: History, first: History, second: History) -> Iterator[str]:
    """Yield each disputed request that is less urgent than in one of the copies, though the service did not end it."""
    for key in merged.keys() & first.keys() & second.keys():
        now, copies = merged[key].task, [first[key].task, second[key].task]
        if TO_CHECK not in now.tags or now.is_purged or now.was_resubmitted:
            continue
        one, other = (Counter(_records(copy[key].events)) for copy in (first, second))
        if not one - other or not other - one:  # what people recorded in one copy alone counts
            continue
        decided = {*_DECIDED, *(() if now.task_id else (Status.QUEUED, Status.UNCONFIRMED))}
        known = [task for task in copies if task.status == now.status or {task.status, now.status} <= decided]
        if _urgency(now) > min(map(_urgency, known), default=_urgency(now)):
            yield f"{key}: {now.status}, due {now.due_on}, and in a copy {[(t.status, t.due_on) for t in copies]}"


_RECORDS: Final = frozenset(
    {
        *("verified", "verification withdrawn", "acknowledged", "acknowledgement withdrawn", "extended"),
        *("extension withdrawn", "inquired", "inquiry withdrawn", "replied", "reply withdrawn", "answered"),
        *("answer withdrawn", "declined", "decline asked", "decline withdrawn", "appealed", "appeal answered"),
        *("appeal withdrawn", "corrected", "send asked", "approved", "withdrawn", "given up", "cancel asked", "purged"),
    }
)
"""What a person records of what is owed; besides, a resubmission, an entered task id, and most of what is undone."""


def _records(events: Iterable[TimelineRow]) -> list[TimelineRow]:
    work = ("note", "tags", "assignment")
    return [
        event
        for event in events
        if event.actor not in ("service", "bwp-tui")
        and (
            event.what in _RECORDS
            or (event.what == "resubmitted" and str(event.detail or "as").startswith("as"))
            or (event.what == "tracked" and event.before is not None)
            or (event.what == "undone" and not str(event.detail).startswith(work))
        )
    ]


def _unmarked(merged: History, first: History, second: History) -> Iterator[str]:
    """Yield each task of which both copies record other things, or of which one expects more, and nothing says so."""
    for key in merged.keys() & first.keys() & second.keys():
        now, rows = merged[key].task, (first[key], second[key])
        is_purged = any(row.task.purged_at is not None for row in rows)
        known = [{event._replace(detail=None) if is_purged else event for event in row.events} for row in rows]
        records = [
            [e for e in _records(row.events) if (e._replace(detail=None) if is_purged else e) not in others]
            for row, others in zip(rows, reversed(known), strict=True)
        ]
        contents = [Counter((event.what, event.detail) for event in each) for each in records]
        if TO_CHECK in now.tags:
            origin = next((row.task for row in merged.values() if row.task.number == now.resubmit_of), None)
            if not any(records) and not (origin and TO_CHECK in origin.tags):
                yield f"{key}: to be checked, though nobody recorded anything"
            continue
        if contents[0] - contents[1] and contents[1] - contents[0]:
            yield f"{key}: not marked, with {contents}"
        for row, own_records in zip(rows, records, strict=True):
            if not own_records:
                continue
            if needs_answer(row.task) != needs_answer(now) or row.task.due_on != now.due_on:
                yield f"{key}: {row.task.status}, due {row.task.due_on}, and {now.status}, due {now.due_on}: no mark"


def _doubled(merged: History) -> Iterator[str]:
    """Yield each request that two tasks are now, without a mark on one of them."""
    yield from (
        f"{key}: of a request that both copies sent, not marked"
        for key, row in merged.items()
        if key != key_of(row.task) and TO_CHECK not in row.task.tags and row.task.purged_at is None
    )


def _wrong(key: Key, row: Row, service: Service) -> Iterator[str]:
    """Yield what is wrong with a row of a merged history."""
    task, columns, events, waiting = row
    named = [event for event in events if event.what != EventKind.RESTORED or task.purged_at is None]  # a purge unnames
    yield from (f"{key}: doubled event {event}" for event, count in Counter(named).items() if count > 1)
    given = (*_RECORDED, *(() if task.resubmit_of is None else _INHERITED))
    replayed = columns_after({name: columns[name] for name in given}, events)
    defaults = {**dict.fromkeys(_COVERED), "cancel_asked": 0}
    differing = {name: (value, {**defaults, **replayed}[name]) for name, value in columns.items()}
    differing = {name: both for name, both in differing.items() if both[0] != both[1]}
    # One row's undo may name what the other row of the same task had recorded before.
    is_undone_in_merged_row = {EventKind.JOINED, EventKind.UNDONE} <= {event.what for event in events}
    if differing and task.purged_at is None and not is_undone_in_merged_row:
        yield f"{key}: row and timeline differ: {differing}"
    if task.verification is None and "submit" in waiting and any(e.what == EventKind.SEND_REQUESTED for e in events):
        yield f"{key}: to be sent as verified, which it is not"
    if task.status in WITHHELD_STATUSES and (task.cancel_asked or "cancel" in waiting):
        yield f"{key}: {task.status}, and to be cancelled once it is sent"
    if task.inquired_on is None and task.replied_on is not None:
        yield f"{key}: replied on {task.replied_on}, and not asked"
    if task.status == Status.DECLINED and task.was_resubmitted and not task.is_appeal_upheld:
        yield f"{key}: declined, and resubmitted although no appeal was upheld"
    if task.status != Status.DECLINED and task.appealed_on is not None:
        yield f"{key}: {task.status}, with an appeal"
    if task.appealed_on is None and task.appeal_answered_on is not None:
        yield f"{key}: an appeal that was never received is answered"
    if task.inquired_on is not None and task.replied_on is not None:
        if task.replied_on < task.inquired_on:
            yield f"{key}: replied on {task.replied_on}, before the inquiry on {task.inquired_on}"
        replies = re.compile(r"on (\d{4}-\d\d-\d\d)(?!.*corrected)")
        is_plain = not any(
            event.what in (EventKind.UNDONE, EventKind.VERIFIED)
            or event.what.endswith(" withdrawn")
            or "corrected" in (event.detail or "")
            for event in events
        )
        days = [
            found[1] for event in events if event.what == "replied" and (found := replies.match(event.detail or ""))
        ]
        if is_plain and any(str(task.inquired_on) <= day < str(task.replied_on) for day in days):
            yield f"{key}: inquired on {task.inquired_on}, replied on {task.replied_on}, not first of {days}"
    is_stop_ended = task.answered_on is not None or task.resubmit_of is not None  # by an answer, also of that one
    if task.due_on != (due := task_due_date(task)) and not (due is None and is_stop_ended):
        yield f"{key}: due {task.due_on}, not {due}"
    if task.purged_at is not None and (
        task.email or task.note or any(event.what == "note" for event in events if event.detail)
    ):
        yield f"{key}: purged, and not empty"
    at_service = service.statuses.get(task.task_id or "")
    unknown = (Status.UNCONFIRMED, Status.GIVEN_UP, Status.RECEIVED, Status.CANCELLED)
    if at_service not in (None, "CANCELLED") and task.status in unknown:
        yield f"{key}: {task.status}, and {at_service} at the service"
    if at_service in ("ON_HOLD", "IN_PROGRESS") and task.status == Status.DECLINED and task.kind is Kind.DELETION:
        yield f"{key}: a declined deletion runs on"


def _differing(one: History, other: History, both: set[Key]) -> Iterator[str]:
    """Yield what depends on which of two copies is merged into which."""
    for key in both & one.keys() & other.keys():
        # An event may have made known in a copy the task of a request that this copy had not sent.
        lost_id = any(
            LOST_ID_PREFIX in str(row.events) or (row.task.purged_at and row.task.task_id is None)
            for row in (one[key], other[key])
        )
        if not lost_id:
            pairs = {name: (value, other[key].columns[name]) for name, value in one[key].columns.items()}
            pairs["tags"] = (str(sorted(one[key].task.tags)), str(sorted(other[key].task.tags)))
            differing = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
            if set(pairs["status"]) == {Status.QUEUED, Status.UNCONFIRMED} and one[key].task.kind is Kind.DELETION:
                differing.pop("status")  # a deletion that waits is sent by the copy in which it was asked for alone
            if differing:
                yield f"{key}: not the same both ways: {differing}"


def trial(folder: Path, seed: int, subject: Subject = ANY) -> list[str]:
    """Have two copies part and go on, merge them both ways, and let the engine go on; return what is wrong."""
    world = World(folder, seed)
    first, second, other_way = (world.path(name) for name in ("first", "second", "other_way"))
    with closing(new_history(first, clock=world.clock)) as store:
        subject.begin(Copy(store, world.service, world.clock, world.random, "ann"))
    operate, after = subject.operate, subject.after
    world.go_on(operate, subject.before, (first, "ann"))
    begun = first.read_bytes()
    if world.random.random() < 0.5:  # the second copy is the same file, later, and the older one is put back
        copies = world.go_on(operate, after, (first, "ann"))
        shutil.copy(first, second)
        first.write_bytes(begun)
        world.clock.advance(seconds=1)
        copies += world.go_on(operate, after, (first, "bob"))
    else:
        shutil.copy(first, second)
        copies = world.go_on(operate, after, (first, "bob"), (second, "ann"))
    shutil.copy(second, other_way)
    world.clock.advance(minutes=5)
    restore.restore(other_way, first, world.clock())
    restore.restore(first, second, world.clock())
    merged = [world.read(path) for path in (first, other_way)]
    faults = list(_differing(merged[0], merged[1], copies[0].keys() & copies[1].keys()))
    for path, history in zip((first, other_way), merged, strict=True):
        faults += integrity.full_check(path)
        faults += [f"{key}: two intents wait" for key, row in history.items() if len(row.waiting) > len({*row.waiting})]
        faults += [finding.sentence for finding in chain_check.check_file(path)[1]]
        faults += _less_urgent(history, *copies)
        faults += _unmarked(history, *copies)
        faults += _doubled(history)
        for copy in copies:
            faults += _lost(history, copy, world.service)
        for key, row in history.items():
            faults += _wrong(key, row, world.service)
    world.clock.advance(minutes=5)
    again = restore.restore(first, second, world.clock()).merged
    if again.added or again.updated:
        faults.append(f"merged again: {again}")
    return faults + world.send_all(first)


def main() -> int:
    """Run the long form and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.merge_trials", description=__doc__)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    wrong = 0
    for seed in range(arguments.seed, arguments.seed + arguments.trials):
        with tempfile.TemporaryDirectory(prefix="bwp-merge-") as folder:
            faults = trial(Path(folder), seed, _SUBJECTS[seed % len(_SUBJECTS)])
        wrong += bool(faults)
        for sentence in faults[:_SHOWN]:
            print(f"seed {seed}: {sentence}", file=sys.stderr)
    print(f"{arguments.trials} x 2 copies merged, each into the other: {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
