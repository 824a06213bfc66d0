"""Events from the practice queue to the history: none is lost, none stops the loop, none is deleted unrecorded."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.domain.task import Kind
from bwp_tui.engine.events import receiver
from bwp_tui.engine.events.queue_errors import EventQueueError
from bwp_tui.engine.events.receiver import EventReceiver
from bwp_tui.engine.events.sqs_queue import Message, SqsQueue
from bwp_tui.engine.resilience.poll_schedule import PollSchedule
from bwp_tui.engine.runtime import engine
from bwp_tui.engine.runtime.engine import Engine
from bwp_tui.sandbox import task_outcomes
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import AwsKey
from bwp_tui.store.database.change_monitor import ChangeMonitor
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import DiskFull, EngineSuperseded
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import engine_state, ready_polls, service_events
from bwp_tui.store.worklog.engine_state import QUEUE_IS_READ
from tests.engine.shop import PROCESSED, Shop, bytes_below
from tests.practice import queue_of
from tests.waiting import eventually_in_loop


def queue_depth(sandbox: Sandbox) -> int:
    """Messages in the practice queue, hidden ones included."""
    depth = sandbox._queue.depth()
    return depth.visible + depth.in_flight


@asynccontextmanager
async def working(shop: Shop) -> AsyncIterator[Engine]:
    """An engine that polls and receives in the background."""
    async with shop.api() as api:
        engine = Engine(shop.store, api, shop.profile, event_queue=SqsQueue(queue_of(shop.sandbox)))
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(engine.wake)

        monitor = ChangeMonitor(shop.store.open_another(), wake)
        monitor.start()
        work = asyncio.create_task(engine.run())
        try:
            yield engine
            assert not work.done(), work.exception()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            monitor.stop()


def lines(shop: Shop, number: int) -> list[str]:
    return [line.what for line in timeline.of_task(shop.store, number)]


def is_on(shop: Shop) -> bool:
    return engine_state.read(shop.store).event_queue_state == QUEUE_IS_READ


async def test_an_end_is_known_from_its_event_long_before_the_next_poll(shop: Shop) -> None:
    number = shop.submit("jane@example.com", Kind.DELETION, 0)
    await shop.work()
    far = shop.clock.now + timedelta(hours=5)
    with shop.store.write() as transaction:
        transaction.run("UPDATE tasks SET next_poll_at = ?", (far.isoformat(),))
    async with working(shop):
        await eventually_in_loop(lambda: is_on(shop))
        shop.clock.advance(PROCESSED)
        await eventually_in_loop(lambda: shop.task(number).status == "COMPLETED")
        await eventually_in_loop(lambda: queue_depth(shop.sandbox) == 0)
    assert lines(shop, number).count(EventKind.EVENT_RECEIVED) == 1


async def test_a_task_that_was_submitted_elsewhere_is_adopted_and_polled(shop: Shop) -> None:
    task_id = shop.sandbox.state.start(Kind.RETRIEVAL, "jane@example.com")
    async with working(shop):
        shop.clock.advance(PROCESSED)
        await eventually_in_loop(lambda: shop.store.row("SELECT 1 FROM tasks WHERE status = 'COMPLETED'"))
    task = tasks.find_by_name(shop.store, task_id)
    assert (task.email, task.tags) == ("jane@example.com", ("adopted",))


async def test_what_is_no_event_is_counted_and_goes_to_the_dead_letters_and_stops_nothing(shop: Shop) -> None:
    foreign = ["", "{", "[" * 200_000, json.dumps({"detail-type": "NEW", "source": "x"}), "x" * 260_000, "\x00\x1b[2J"]
    for body in foreign:
        shop.sandbox._queue.send(body)
    number = shop.track("jane@example.com")
    async with working(shop):
        shop.clock.advance(PROCESSED)
        await eventually_in_loop(lambda: shop.task(number).status == "COMPLETED")
        await eventually_in_loop(lambda: engine_state.read(shop.store).foreign_messages == len(foreign))
        await eventually_in_loop(lambda: queue_depth(shop.sandbox) == len(foreign))
        while shop.sandbox._dead_letters.depth().visible < len(foreign):
            shop.clock.advance(seconds=61)  # the visibility time-out
            await asyncio.sleep(0.1)
    assert engine_state.read(shop.store).foreign_messages == len(foreign)


@pytest.mark.parametrize("fault", ["duplicate-event", "late-event", "foreign-event"])
async def test_events_twice_late_or_among_others_end_each_task_once(shop: Shop, fault: str) -> None:
    shop.sandbox.faults.set(fault)
    numbers = [shop.track(f"jane+{count}@example.com") for count in range(5)]
    async with working(shop):
        shop.clock.advance(PROCESSED)
        await eventually_in_loop(lambda: shop.sandbox.faults.hit_counts[fault] == 5)
        shop.clock.advance(seconds=4)  # that is how late
        await eventually_in_loop(lambda: all(shop.task(number).status == "COMPLETED" for number in numbers))
        await eventually_in_loop(lambda: sum(lines(shop, n).count(EventKind.EVENT_RECEIVED) for n in numbers) == 5)
    assert shop.store.integer("SELECT count(*) FROM tasks") == 5
    assert shop.store.integer("SELECT count(*) FROM service_events") == 5


async def test_lost_events_are_made_up_for_by_polls(shop: Shop) -> None:
    shop.sandbox.faults.set("lost-event")
    number = shop.track("jane@example.com")
    async with working(shop):
        shop.clock.advance(PROCESSED)
        await eventually_in_loop(lambda: shop.task(number).status == "COMPLETED")
    assert EventKind.EVENT_RECEIVED not in lines(shop, number)


async def test_a_queue_in_trouble_is_told_and_comes_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "retry_delay", lambda _failures, _rng: 0.05)
    shop.sandbox.faults.set("queue-denied")
    async with working(shop):
        await eventually_in_loop(lambda: "sqs:ReceiveMessage" in str(engine_state.read(shop.store).event_queue_state))
        shop.sandbox.faults.clear()
        await eventually_in_loop(lambda: is_on(shop))


async def test_no_credential_of_the_queue_is_recorded(shop: Shop) -> None:
    queue = queue_of(shop.sandbox)._replace(access_key=AwsKey("AKIAHUSHHUSH", "hush-hush"))
    async with shop.api() as api:
        await Engine(shop.store, api, shop.profile, event_queue=SqsQueue(queue)).run_once()
    assert "refuses the credentials" in str(engine_state.read(shop.store).event_queue_state)
    written = bytes_below(shop.profile.folder)
    assert b"event queue" in written
    assert [hidden for hidden in (b"hush-hush", b"HUSHHUSH") if hidden in written] == []


async def test_an_engine_that_works_once_receives_what_waits(shop: Shop) -> None:
    task_ids = {shop.sandbox.state.start(Kind.RETRIEVAL, f"jane+{count}@example.com") for count in range(25)}
    shop.clock.advance(PROCESSED)
    async with shop.api() as api:
        await Engine(shop.store, api, shop.profile, event_queue=SqsQueue(queue_of(shop.sandbox))).run_once()
    rows = shop.store.rows("SELECT task_id, status, email FROM tasks")
    assert {row[0] for row in rows} == task_ids
    assert {row[1] for row in rows} == {"COMPLETED"}
    assert queue_depth(shop.sandbox) == 0


# Record, then delete


@dataclass
class ScriptedQueue:
    """A queue in this process: it says what was deleted, and calls `before` before each call."""

    messages: list[Message]
    before: Callable[[str], None] = lambda _call: None
    deleted: list[str] = field(default_factory=list)

    def receive(self, wait_s: int = 0) -> list[Message]:
        self.before("receive")
        taken, self.messages = self.messages, []
        if not taken and wait_s:
            raise EventQueueError("The event queue cannot be reached.")
        return taken

    def delete(self, receipts: Sequence[str]) -> None:
        self.before("delete")
        self.deleted += receipts


def message(task_id: str, event_id: str = "event-1") -> Message:
    body = {
        "id": event_id,
        "detail-type": "PERSONAL_DATA_RETRIEVAL_TASK_COMPLETED",
        "source": "aws.partner/buywithprime/shop",
        "time": "2026-11-21T11:59:00Z",
        "resources": [f"businessProduct/bp-1/personalDataRetrievalTask/{task_id}"],
    }
    return Message(json.dumps(body), f"receipt of {event_id}", 1)


def receiver_of(store: Store, messages: ScriptedQueue) -> EventReceiver:
    rng = random.Random(1)
    return EventReceiver(store, PollSchedule(1.0, rng), messages, rng)


async def test_an_event_is_on_disk_before_its_message_is_deleted(shop: Shop) -> None:
    recorded: list[int] = []

    def look(call: str) -> None:
        if call == "delete":
            other = shop.store.open_another()
            recorded.append(other.integer("SELECT count(*) FROM service_events"))
            other.close()

    messages = ScriptedQueue([message("task-1"), message("task-2", "event-2")], look)
    await receiver_of(shop.store, messages).receive_waiting()
    assert recorded == [2]
    assert messages.deleted == ["receipt of event-1", "receipt of event-2"]


async def test_a_superseded_engine_deletes_nothing(shop: Shop) -> None:
    store = shop.store.open_another()
    store.engine_term = engine_state.record_new_term(shop.store, 1, "host")

    def supersede(call: str) -> None:
        if call == "receive":
            engine_state.record_new_term(shop.store, 2, "host")

    messages = ScriptedQueue([message("task-1")], supersede)
    with pytest.raises(EngineSuperseded):
        await receiver_of(store, messages).run_ready()
    assert messages.deleted == []
    assert shop.store.integer("SELECT count(*) FROM service_events") == 0
    store.close()


async def test_a_message_that_cannot_be_recorded_is_kept_and_not_received_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tried, is_full = service_events.record_events, list[object](), True

    def full(*arguments: object) -> object:
        if is_full:
            tried.append(arguments)
            raise DiskFull("The disk is full.")
        return real(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(service_events, "record_events", full)
    monkeypatch.setattr(engine, "STORE_RETRY_S", 0.01)
    calls, shown = list[str](), list[str | None]()
    messages = ScriptedQueue([message("task-1")], calls.append)
    async with shop.api() as api:
        work = asyncio.create_task(
            Engine(shop.store, api, shop.profile, event_queue=messages, on_full_disk=shown.append).run()
        )
        await eventually_in_loop(lambda: len(tried) > 2)
        assert (calls, messages.deleted, shown[-1]) == (["receive"], [], "The disk is full.")
        is_full = False
        await eventually_in_loop(lambda: messages.deleted == ["receipt of event-1"] and shown[-1] is None)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_a_message_that_cannot_be_deleted_comes_again_and_is_known(shop: Shop) -> None:
    failures = [EventQueueError("Not now.")]

    def fail(call: str) -> None:
        if call == "delete" and failures:
            raise failures.pop()

    messages = ScriptedQueue([message("task-1")], fail)
    receiving = receiver_of(shop.store, messages)
    await receiving.receive_waiting()
    assert engine_state.read(shop.store).event_queue_state == "Not now."
    messages.messages = [message("task-1")]
    await receiving.receive_waiting()
    state = engine_state.read(shop.store)
    assert (messages.deleted, state.event_queue_state, state.duplicate_events) == (
        ["receipt of event-1"],
        QUEUE_IS_READ,
        1,
    )


async def test_an_engine_that_stops_does_not_wait_for_a_long_poll_and_deletes_nothing_then(shop: Shop) -> None:
    polling, go_on = threading.Event(), threading.Event()

    def hold(_call: str) -> None:
        polling.set()
        go_on.wait()

    messages = ScriptedQueue([message("task-1")], hold)
    work = asyncio.create_task(receiver_of(shop.store, messages).run_ready())
    await eventually_in_loop(polling.is_set)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    go_on.set()
    await eventually_in_loop(lambda: not [thread for thread in threading.enumerate() if thread.name == "event-queue"])
    assert messages.deleted == []
    assert shop.store.integer("SELECT count(*) FROM service_events") == 0


# How often tasks are polled


@dataclass
class Relaxed:
    """A receiver whose queue is up or down, on the shop's clock."""

    shop: Shop
    schedule: PollSchedule
    receiving: EventReceiver
    messages: ScriptedQueue
    is_up: bool = True

    async def receive(self, *received: Message) -> None:
        self.messages.messages = list(received)
        await self.receiving.receive_waiting()

    def check(self, _call: str) -> None:
        if not self.is_up:
            raise EventQueueError("The event queue cannot be reached.")


@pytest.fixture
def relaxed(shop: Shop) -> Relaxed:
    rng = random.Random(1)
    messages = ScriptedQueue([])
    schedule = PollSchedule(1.0, rng)
    made = Relaxed(shop, schedule, EventReceiver(shop.store, schedule, messages, rng), messages)
    messages.before = made.check
    return made


def next_polls(store: Store) -> list[timedelta]:
    now = store.clock()
    return sorted(
        poll_at - now
        for (number,) in store.rows("SELECT number FROM tasks WHERE next_poll_at IS NOT NULL")
        if (poll_at := tasks.get(store, int(str(number))).next_poll_at) is not None
    )


async def test_polls_are_rare_once_an_event_has_come_and_each_task_is_polled_every_six_hours(relaxed: Relaxed) -> None:
    shop, schedule = relaxed.shop, relaxed.schedule
    old = [shop.submit(f"slow+{count}@example.com") for count in range(30)]
    held = shop.submit("ann@example.com", Kind.DELETION, 10)
    soon = shop.submit("eve@example.com", Kind.DELETION, 1)
    await shop.work()
    await relaxed.receive()
    assert not engine_state.read(shop.store).polls_relaxed
    await relaxed.receive(message("task-elsewhere"))
    assert engine_state.read(shop.store).polls_relaxed

    for after in (timedelta(hours=1), timedelta(hours=20), timedelta(days=5)):
        now = shop.clock.now + after
        for poll in ready_polls.ready(shop.store, now, 100):
            at = schedule.next_poll(poll, poll.status, poll.holding_period, now)
            assert at - now <= (timedelta(hours=27) if poll.number in (held, soon) else timedelta(hours=6))
            if poll.number in old:
                assert at - now > timedelta(hours=5)
            if poll.number == soon and after < timedelta(days=1):
                end = poll.submitted_at + timedelta(days=1)
                assert at <= max(end, now) + timedelta(hours=2.4)
            assert poll.number != held or at - now > timedelta(hours=5)


async def test_an_engine_that_relies_on_events_polls_each_task_in_progress_at_least_every_six_hours(
    relaxed: Relaxed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_outcomes, "SLOW_PROCESSING", timedelta(days=2))
    shop = relaxed.shop
    numbers = [shop.submit(f"slow+{count}@example.com", Kind.DELETION, 0) for count in range(30)]
    await relaxed.receive(message("task-elsewhere"))
    async with shop.api() as api:
        engine = Engine(shop.store, api, shop.profile, event_queue=relaxed.messages)
        seen: dict[int, datetime] = {}
        rare: list[datetime] = []
        end = shop.clock.now + timedelta(days=1)
        while shop.clock.now < end:
            await engine.run_once()
            for number in numbers:
                polled_at = shop.task(number).polled_at
                if polled_at is not None:
                    assert polled_at - seen.get(number, polled_at) <= timedelta(hours=6)
                    if polled_at - seen.get(number, polled_at) > timedelta(hours=1):
                        rare.append(polled_at)
                    seen[number] = polled_at
            due = ready_polls.next_at(shop.store)
            assert due is not None
            shop.clock.now = max(due, shop.clock.now) + timedelta(milliseconds=10)
    assert engine_state.read(shop.store).polls_relaxed
    assert len(seen) == len(numbers)
    assert len(set(rare)) < len(rare) / 2, "rare polls share requests"
    assert all(end - at <= timedelta(hours=6) for at in seen.values())
    assert shop.sandbox.state.calls["personalDataDeletionTask"] < 10 * len(numbers)


async def test_an_announced_task_that_has_not_ended_yet_is_polled_again_soon(relaxed: Relaxed) -> None:
    shop = relaxed.shop
    number = shop.submit("slow@example.com")
    await shop.work()
    task_id = shop.task(number).task_id
    assert task_id is not None
    shop.clock.advance(days=2)
    await relaxed.receive(message(task_id))
    now = shop.clock.now
    (poll,) = ready_polls.ready(shop.store, now, 10)
    assert relaxed.schedule.next_poll(poll, poll.status, None, now) - now < timedelta(seconds=3)
    unchanged = poll._replace(polls_unchanged=50)
    assert relaxed.schedule.next_poll(unchanged, poll.status, None, now) - now > timedelta(hours=5)


async def test_an_event_that_comes_while_its_task_is_polled_asks_for_another_poll_soon(
    relaxed: Relaxed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, real = relaxed.shop, PrivacyApi.poll
    number = shop.submit("slow@example.com")
    await shop.work()
    await relaxed.receive(message("task-elsewhere"))
    task_id = shop.task(number).task_id
    assert task_id is not None
    shop.clock.advance(timedelta(minutes=4))

    async def announced_meanwhile(api: PrivacyApi, polled: Sequence[tuple[Kind, str]]) -> object:
        responses = await real(api, polled)
        await relaxed.receive(message(task_id, "event-2"))
        return responses

    monkeypatch.setattr(PrivacyApi, "poll", announced_meanwhile)
    async with shop.api() as api:
        await Engine(shop.store, api, shop.profile, event_queue=relaxed.messages).run_once()
    task = shop.task(number)
    assert task.status == "IN_PROGRESS"
    assert task.next_poll_at is not None
    assert task.next_poll_at - shop.clock.now < timedelta(seconds=5)


async def test_all_tasks_are_polled_as_usual_once_the_queue_was_unreachable_for_five_minutes(relaxed: Relaxed) -> None:
    shop = relaxed.shop
    await _relax(relaxed)
    relaxed.is_up = False
    await relaxed.receive()
    shop.clock.advance(minutes=4, seconds=50)
    await relaxed.receive()
    assert relaxed.schedule.relaxed
    assert min(next_polls(shop.store)) > timedelta(hours=5)
    shop.clock.advance(seconds=15)
    await relaxed.receive()
    state = engine_state.read(shop.store)
    assert (state.polls_relaxed, state.event_queue_state) == (False, "The event queue cannot be reached.")
    _check_usual(relaxed)

    relaxed.is_up = True
    await relaxed.receive()
    assert engine_state.read(shop.store).polls_relaxed


async def test_all_tasks_are_polled_as_usual_after_an_end_that_only_a_poll_found(relaxed: Relaxed) -> None:
    shop = relaxed.shop
    numbers = await _relax(relaxed)
    with shop.store.write() as transaction:
        service_events.record_if_event_missed(
            transaction, numbers[0], "COMPLETED", shop.clock.now - timedelta(minutes=5, seconds=1)
        )
    await relaxed.receive()
    assert not engine_state.read(shop.store).polls_relaxed
    _check_usual(relaxed)
    await relaxed.receive(message("task-elsewhere-2", "event-2"))
    assert engine_state.read(shop.store).polls_relaxed


async def test_an_engine_without_a_queue_polls_as_usual_what_another_has_left(relaxed: Relaxed) -> None:
    await _relax(relaxed)
    schedule = PollSchedule(1.0, random.Random(2))
    await EventReceiver(relaxed.shop.store, schedule, None, random.Random(2)).run_ready()
    assert engine_state.read(relaxed.shop.store).event_queue_state is None
    _check_usual(relaxed)


async def _relax(relaxed: Relaxed) -> list[int]:
    """Have 40 old tasks that are polled rarely."""
    shop = relaxed.shop
    numbers = [shop.submit(f"slow+{count}@example.com") for count in range(40)]
    await shop.work()
    await relaxed.receive(message("task-elsewhere"))
    with shop.store.write() as transaction:
        transaction.run("UPDATE tasks SET terminal = 1, next_poll_at = NULL WHERE task_id = 'task-elsewhere'")
    shop.clock.advance(days=2)
    now = shop.clock.now
    polls = ready_polls.ready(shop.store, now, 100)
    assert len(polls) == 40
    later = {poll.number: relaxed.schedule.next_poll(poll, poll.status, None, now).isoformat() for poll in polls}
    with shop.store.write() as transaction:
        for number, at in later.items():
            transaction.run("UPDATE tasks SET next_poll_at = ? WHERE number = ?", (at, number))
    await relaxed.receive()
    assert relaxed.schedule.relaxed
    return numbers


def _check_usual(relaxed: Relaxed) -> None:
    """Check that 40 old tasks are due within the usual half hour, and not all at once."""
    waits = next_polls(relaxed.shop.store)
    assert len(waits) == 40
    assert waits[-1] <= timedelta(minutes=30)
    assert waits[-1] - waits[0] > timedelta(minutes=15)
    assert sum(wait < timedelta(minutes=3) for wait in waits) < 20
