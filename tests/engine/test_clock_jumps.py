"""Clocks that are set back, in one run of the machine and across its restarts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bwp_tui.contract.inputs import CLIENT_TOKEN_LIFETIME
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import Uptime
from bwp_tui.engine.requests.token_protection import CLIENT_TOKEN_MARGIN
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog import downloads
from tests.engine.shop import Shop
from tests.manual_clock import ManualClock
from tests.practice import profile_of

START = "startPersonalDataRetrievalTask"
BACK = timedelta(hours=-3)


class Machine:
    """A wall clock that can be set, and an uptime that goes on by itself and begins anew with each boot."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.boot = "first"
        self.seconds = 5_000.0

    def uptime(self) -> Uptime:
        return Uptime(self.boot, self.seconds)

    def live(self, length: timedelta) -> None:
        """Let time pass, as it does."""
        self.clock.advance(length)
        self.seconds += length.total_seconds()

    def restart(self) -> None:
        self.boot, self.seconds = "second", 10.0


@pytest.fixture
def machine(clock: ManualClock) -> Machine:
    return Machine(clock)


@pytest.fixture
def shop(machine: Machine, tmp_path: Path) -> Iterator[Shop]:
    with Sandbox(clock=machine.clock) as sandbox:
        profile = profile_of(sandbox, tmp_path / "sandbox")
        store = open_store(profile.history_path, clock=machine.clock, uptime=machine.uptime)
        yield Shop(sandbox, machine.clock, profile, store)
        store.close()


async def sent_without_answer(shop: Shop) -> int:
    shop.sandbox.faults.set("lost-answer", times=1)
    number = shop.submit("jane@example.com")
    await shop.work()
    assert shop.task(number).status == "QUEUED"
    return number


@pytest.mark.parametrize(
    ("away", "starts", "status"), [(timedelta(hours=12), 1, "UNCONFIRMED"), (timedelta(hours=2), 2, "IN_PROGRESS")]
)
async def test_a_clock_that_stood_still_without_power_is_found_out_by_the_services(
    shop: Shop, machine: Machine, away: timedelta, starts: int, status: str
) -> None:
    number = await sent_without_answer(shop)
    shop.store.close()
    behind = ManualClock(machine.clock.now + timedelta(minutes=5))
    machine.restart()
    machine.clock.advance(away)  # the service's, from here on
    shop.store = open_store(shop.profile.history_path, clock=behind, uptime=machine.uptime)
    await shop.work()
    assert shop.task(number).status == status
    assert shop.sandbox.state.calls[START] == starts
    assert len(shop.sandbox.state.starts) == 1


async def test_a_clock_set_back_does_not_stretch_the_eight_hours(shop: Shop, machine: Machine) -> None:
    number = await sent_without_answer(shop)
    machine.clock.advance(BACK)
    machine.live(CLIENT_TOKEN_LIFETIME - CLIENT_TOKEN_MARGIN)
    await shop.work()
    assert shop.task(number).status == "UNCONFIRMED"
    assert shop.sandbox.state.calls[START] == 1


async def test_in_one_run_of_the_machine_a_clock_set_back_takes_no_protection_away(
    shop: Shop, machine: Machine
) -> None:
    number = await sent_without_answer(shop)
    machine.live(timedelta(hours=2))
    machine.clock.advance(BACK)
    await shop.work()
    machine.live(timedelta(minutes=2))
    await shop.work()
    [start] = shop.sandbox.state.starts
    assert shop.task(number).task_id == start.task_id
    assert shop.sandbox.state.calls[START] == 2


async def test_after_a_restart_a_young_request_is_sent_again(shop: Shop, machine: Machine) -> None:
    number = await sent_without_answer(shop)
    machine.restart()
    machine.live(timedelta(hours=7))
    await shop.work()
    assert shop.task(number).task_id == shop.sandbox.state.starts[0].task_id


async def test_after_a_restart_with_a_clock_behind_the_records_a_person_decides(shop: Shop, machine: Machine) -> None:
    number = await sent_without_answer(shop)
    machine.live(timedelta(hours=5))
    shop.submit("eve@example.com", Kind.DELETION, 5)  # recorded at five hours
    machine.restart()
    machine.clock.advance(BACK)  # two hours after it was sent, says the clock; nobody knows
    await shop.work()
    assert shop.task(number).status == "UNCONFIRMED"
    assert "the clock was set back" in (timeline.of_task(shop.store, number)[-1].detail or "")
    assert shop.sandbox.state.calls[START] == 1


async def test_once_the_doubt_is_recorded_later_requests_are_sent_again_as_usual(shop: Shop, machine: Machine) -> None:
    shop.submit("eve@example.com", Kind.DELETION, 5)
    machine.restart()
    machine.clock.advance(BACK)
    await shop.work()
    number = await sent_without_answer(shop)
    machine.restart()
    machine.live(timedelta(minutes=5))
    await shop.work()
    assert shop.task(number).task_id is not None


@pytest.mark.parametrize("restarted", [True, False])
async def test_no_poll_hangs_because_the_clock_was_set_back(shop: Shop, machine: Machine, restarted: bool) -> None:
    number = shop.track("jane@example.com", Kind.DELETION, 180)
    await shop.work()
    due = shop.task(number).next_poll_at
    assert due is not None
    if restarted:
        machine.restart()
    machine.clock.advance(BACK)
    await shop.work()
    moved = shop.task(number).next_poll_at
    assert moved is not None
    assert abs(moved - due - BACK) < timedelta(seconds=1), "it keeps its distance"


async def test_no_request_or_download_hangs_because_the_clock_was_set_back(shop: Shop, machine: Machine) -> None:
    done = await shop.completed("ann@example.com")
    shop.sandbox.stop()
    number = shop.submit("jane@example.com")
    shop.request_download(done)
    await shop.work()
    shop.sandbox.start()
    machine.clock.advance(BACK)
    await shop.work()
    machine.live(timedelta(minutes=2))
    await shop.work()
    assert shop.task(number).task_id is not None
    next_at = downloads.next_at(shop.store)
    assert next_at is not None
    assert next_at - machine.clock.now < timedelta(minutes=1)


async def test_a_running_engine_notices_a_jump_after_hours_without_a_record(shop: Shop, machine: Machine) -> None:
    """The newest record is older than the clock after its jump, and tells nothing of it."""
    number = shop.track("jane@example.com", Kind.DELETION, 180)
    async with shop.engine() as engine:
        await engine.run_once()
        due = shop.task(number).next_poll_at
        machine.live(timedelta(hours=6))
        await engine.run_once()
        machine.clock.advance(BACK)
        await engine.run_once()
    moved = shop.task(number).next_poll_at
    assert due is not None
    assert moved is not None
    assert abs(moved - due - BACK) < timedelta(seconds=1)


async def test_an_engine_whose_gate_is_shut_opens_it_in_time_after_a_jump(shop: Shop, machine: Machine) -> None:
    shop.sandbox.faults.set("throttled")
    number = shop.submit("jane@example.com")
    async with shop.engine() as engine:
        await engine.run_once()
        shop.sandbox.faults.clear()
        machine.clock.advance(BACK)
        machine.live(timedelta(minutes=2))
        await engine.run_once()
    assert shop.task(number).task_id is not None


async def test_small_steps_of_the_clock_change_nothing(shop: Shop, machine: Machine) -> None:
    number = await sent_without_answer(shop)
    tracked = shop.track("ann@example.com", Kind.DELETION, 180)
    await shop.work()
    due: datetime | None = shop.task(tracked).next_poll_at
    machine.restart()
    machine.clock.advance(seconds=-20)
    await shop.work()
    assert shop.task(number).status == "QUEUED"
    assert shop.task(tracked).next_poll_at == due
