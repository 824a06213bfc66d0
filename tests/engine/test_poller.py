from __future__ import annotations

from datetime import timedelta
from math import ceil

import pytest

from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import format_instant
from bwp_tui.engine.requests.poller import BATCH_LIMIT_LIFETIME, LARGEST_BATCH
from bwp_tui.engine.resilience.service_health import SINGLE_REFUSAL_PAUSE_S
from bwp_tui.engine.runtime.engine import Engine
from bwp_tui.sandbox import graphql
from bwp_tui.sandbox.graphql import Json
from bwp_tui.sandbox.sandbox_state import TaskSnapshot
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.commands import requests as actions
from bwp_tui.store.database.connection import as_int
from bwp_tui.store.worklog import engine_state, poll_responses, ready_polls
from tests.engine.shop import ACTOR, PROCESSED, Shop
from tests.practice import profile_of

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
A_WHILE = timedelta(minutes=10)
ASKED = "personalDataDeletionTask"


def held(shop: Shop, count: int) -> list[int]:
    """Track deletions that are on hold for half a year, and so polled daily."""
    return [shop.track(f"shopper{number}@example.com", Kind.DELETION, 180) for number in range(count)]


def requests(shop: Shop) -> int:
    return shop.sandbox.state.calls["graphql"]


async def requests_of(engine: Engine, shop: Shop) -> int:
    before = requests(shop)
    await engine.run_once()
    return requests(shop) - before


async def test_a_task_is_followed_to_its_end_and_then_left_alone(shop: Shop) -> None:
    number = shop.submit("jane@example.com")
    await shop.work()
    shop.clock.advance(PROCESSED)
    await shop.work()
    task = shop.task(number)
    assert (task.status, task.next_poll_at) == ("COMPLETED", None)
    before = requests(shop)
    shop.clock.advance(days=30)
    await shop.work()
    assert requests(shop) == before


async def test_a_failed_task_tells_why(shop: Shop) -> None:
    number = shop.track("nobody@example.com")
    shop.clock.advance(PROCESSED)
    await shop.work()
    task = shop.task(number)
    assert task.status == "FAILED"
    assert task.errors[0].code == "DATA_SUBJECT_NOT_FOUND"


async def test_an_adopted_task_learns_its_address_and_dates(shop: Shop) -> None:
    submitted_at = shop.clock.now
    number = shop.track("jane@example.com", Kind.DELETION, 7)
    await shop.work()
    task = shop.task(number)
    assert (task.email, task.submitted_at, task.holding_period) == ("jane@example.com", submitted_at, 7)


async def test_a_hostile_address_is_cleaned_where_it_enters(shop: Shop) -> None:
    number = shop.track("jane\x1b]52;c;aGk=\x07@example.com")
    await shop.work()
    assert shop.task(number).email == r"jane\x1b]52;c;aGk=\x07@example.com"


async def test_twenty_tasks_are_asked_about_in_one_request(shop: Shop) -> None:
    held(shop, 100)
    await shop.work()
    assert requests(shop) == 100 / LARGEST_BATCH
    assert shop.sandbox.state.calls[ASKED] == 100


async def test_a_request_takes_along_what_is_due_soon_and_was_not_asked_about_for_long(shop: Shop) -> None:
    numbers = held(shop, 5)
    await shop.work()
    shop.clock.advance(ready_polls.LEAD_TIME * 10)
    now = shop.clock.now
    for number, seconds in zip(numbers, (0, 10, 30, 31), strict=False):
        poll_responses.record_failed_polls(shop.store, [number], "later", now + timedelta(seconds=seconds))
    lately = shop.track("eve@example.com", Kind.DELETION, 180)
    async with shop.engine() as engine:
        assert await requests_of(engine, shop) == 1
        assert asked(shop) == {number: number in (*numbers[:3], lately) for number in (*numbers, lately)}
        shop.clock.advance(seconds=31)
        poll_responses.record_failed_polls(shop.store, [lately], "later", shop.clock.now + timedelta(seconds=1))
        assert await requests_of(engine, shop) == 1
    assert [number for number, is_asked in asked(shop).items() if is_asked] == [numbers[3]]


def asked(shop: Shop) -> dict[int, bool]:
    """Return of every task whether it was asked about just now."""
    rows = shop.store.rows("SELECT number, polled_at FROM tasks")
    return {as_int(number): polled_at == format_instant(shop.clock.now) for number, polled_at in rows}


async def test_both_kinds_share_a_request(shop: Shop) -> None:
    numbers = [shop.track("jane@example.com"), shop.track("jane@example.com", Kind.DELETION)]
    await shop.work()
    assert requests(shop) == 1
    assert [shop.task(number).status for number in numbers] == ["IN_PROGRESS", "ON_HOLD"]


@pytest.mark.parametrize("most", [1, 3, 7, 19])
async def test_a_service_that_takes_fewer_is_asked_for_fewer(shop: Shop, most: int) -> None:
    with Sandbox(clock=shop.clock, root_fields=most) as sandbox:
        shop.sandbox, shop.profile = sandbox, profile_of(sandbox, shop.profile.folder)
        numbers = held(shop, 41)
        await shop.work()
        assert {shop.task(number).status for number in numbers} == {"ON_HOLD"}
        assert sandbox.state.calls[ASKED] == 41, "each task is asked about once: refused documents answer nothing"
        assert requests(shop) <= 41 * 2 + 8
        assert engine_state.read(shop.store).service == "reached"


async def test_the_size_that_was_accepted_is_kept_for_a_while_and_then_tried_anew(shop: Shop) -> None:
    with Sandbox(clock=shop.clock, root_fields=7) as sandbox:
        shop.sandbox, shop.profile = sandbox, profile_of(sandbox, shop.profile.folder)
        numbers = held(shop, 42)
        async with shop.engine() as engine:
            rounds = []
            for _ in range(8):
                rounds.append(await requests_of(engine, shop))
                actions.poll_now(shop.store, numbers)
            assert rounds[3:] == [42 / 7] * 5, "once found, it is not exceeded again"
            shop.clock.advance(BATCH_LIMIT_LIFETIME - A_WHILE)
            await engine.run_once()  # for a new token
            shop.clock.advance(A_WHILE)
            actions.poll_now(shop.store, numbers)
            assert await requests_of(engine, shop) > 42 / 7


async def test_what_is_refused_down_to_the_single_task_was_not_refused_for_its_size(shop: Shop) -> None:
    numbers = held(shop, 40)
    async with shop.engine() as engine:
        await engine.run_once()
        shop.sandbox.faults.set("bad-request")
        actions.poll_now(shop.store, numbers)
        await engine.run_once()
        assert shop.sandbox.faults.hit_counts["bad-request"] <= 12, "two times 20, 10, 5, 2, 1, and one more"
        shop.sandbox.faults.clear()
        for _ in range(20):
            shop.clock.advance(BATCH_LIMIT_LIFETIME / 100)
            actions.poll_now(shop.store, numbers)
            last = await requests_of(engine, shop)
    assert last == 40 / LARGEST_BATCH


async def test_batches_grow_back_after_a_refusal(shop: Shop) -> None:
    numbers = held(shop, 60)
    async with shop.engine() as engine:
        shop.sandbox.faults.set("garbled", times=1)
        rounds = [await requests_of(engine, shop)]
        while rounds[-1] > ceil(60 / LARGEST_BATCH) and len(rounds) < 12:
            actions.poll_now(shop.store, numbers)
            rounds.append(await requests_of(engine, shop))
    assert rounds[-1] == ceil(60 / LARGEST_BATCH)
    assert len(rounds) > 2
    assert rounds == sorted(rounds, reverse=True)


async def test_an_answer_that_is_always_garbled_is_no_storm(shop: Shop) -> None:
    numbers = held(shop, 20)
    await shop.work()
    shop.clock.advance(days=1.2)
    before = requests(shop)
    shop.sandbox.faults.set("garbled")
    await shop.work()
    assert requests(shop) - before <= 6, "20, 10, 5, 2, 1 and no more"
    assert {shop.task(number).status for number in numbers} == {"ON_HOLD"}
    assert engine_state.read(shop.store).service == "faulty"


async def test_an_unknown_task_is_missing_after_a_day_and_the_others_of_its_request_are_not(shop: Shop) -> None:
    numbers = [*held(shop, 4), shop.track_id(UNKNOWN_ID, Kind.DELETION)]
    await shop.work()
    assert requests(shop) == 1
    assert [shop.task(number).status for number in numbers] == [*["ON_HOLD"] * 4, "QUEUED"]
    assert [shop.task(number).trouble is None for number in numbers] == [*[True] * 4, False]
    for _ in range(3):
        shop.clock.advance(hours=12)
        await shop.work()
    assert [shop.task(number).status for number in numbers] == [*["ON_HOLD"] * 4, "MISSING"]
    assert engine_state.read(shop.store).service == "reached"


async def test_a_task_that_was_known_is_missing_only_after_a_day(shop: Shop) -> None:
    number = shop.track("jane@example.com", Kind.DELETION, 1)
    await shop.work()
    task_id = shop.task(number).task_id
    assert task_id is not None
    shop.sandbox.state.cancel(task_id)
    shop.clock.advance(days=1.2)
    seen = []
    for _ in range(4):
        await shop.work()
        seen.append(shop.task(number).status)
        shop.clock.advance(hours=10)
    assert seen == ["ON_HOLD", "ON_HOLD", "ON_HOLD", "MISSING"]
    assert shop.task(number).next_poll_at is None


async def test_a_status_nobody_knew_is_kept_and_asked_about_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    real = graphql._task_fields

    def under_review(task: TaskSnapshot) -> Json:
        return {**real(task), "status": "UNDER_REVIEW"}

    monkeypatch.setattr(graphql, "_task_fields", under_review)
    number = shop.track("jane@example.com")
    await shop.work()
    task = shop.task(number)
    assert task.status == "UNDER_REVIEW"
    assert task.next_poll_at is not None
    assert task.next_poll_at - shop.clock.now <= timedelta(seconds=2.2)


async def test_throttling_slows_all_polls_and_a_single_one_tries_first(shop: Shop) -> None:
    numbers = held(shop, 80)
    async with shop.engine() as engine:
        assert await requests_of(engine, shop) == 4
        shop.sandbox.faults.set("throttled")
        shop.clock.advance(days=1.2)
        assert await requests_of(engine, shop) == 4
        state = engine_state.read(shop.store)
        assert state.service == "throttled"
        assert state.next_try_at is not None
        assert state.next_try_at - shop.clock.now <= timedelta(seconds=1)
        assert await requests_of(engine, shop) == 0, "the gate is shut"
        shop.clock.advance(seconds=2)
        assert await requests_of(engine, shop) == 1, "one goes ahead to see"
        shop.sandbox.faults.clear()
        shop.clock.advance(minutes=1)
        assert await requests_of(engine, shop) >= 4
    assert {shop.task(number).trouble for number in numbers} == {None}


async def test_a_denial_of_all_tasks_concerns_the_service(shop: Shop) -> None:
    numbers = held(shop, 5)
    await shop.work()
    shop.clock.advance(days=1.2)
    shop.sandbox.faults.set("denied")
    await shop.work()
    assert engine_state.read(shop.store).service == "denied"
    assert all("denied access" in (shop.task(number).trouble or "") for number in numbers)


async def test_a_denial_of_one_task_holds_up_nothing_else(shop: Shop) -> None:
    number = shop.track("jane@example.com")
    shop.sandbox.faults.set("denied", times=2)
    async with shop.engine() as engine:
        await engine.run_once()
        assert "denied access" in (shop.task(number).trouble or "")
        other = shop.submit("eve@example.com")
        await engine.run_once()
        assert shop.task(other).task_id is not None
        shop.clock.advance(seconds=SINGLE_REFUSAL_PAUSE_S)
        await engine.run_once()
    assert shop.task(number).trouble is None


async def test_an_outage_is_told_and_healed(shop: Shop) -> None:
    [number] = held(shop, 1)
    await shop.work()
    shop.sandbox.stop()
    shop.clock.advance(days=1.2)
    await shop.work()
    assert "cannot be reached" in (shop.task(number).trouble or "")
    assert engine_state.read(shop.store).service == "unreachable"
    shop.sandbox.start()
    shop.clock.advance(minutes=1)
    await shop.work()
    assert shop.task(number).trouble is None


async def test_a_token_that_ended_is_renewed_without_a_trace(shop: Shop) -> None:
    [number] = held(shop, 1)
    async with shop.engine() as engine:
        await engine.run_once()
        for _ in range(3):
            shop.clock.advance(days=1.2)  # the practice API forgets the token, the client cannot know
            await engine.run_once()
            assert shop.task(number).trouble is None
    assert shop.sandbox.state.calls["token"] == 4
    assert shop.sandbox.state.calls[ASKED] == 4


async def test_what_the_operator_asks_about_is_polled_now(shop: Shop) -> None:
    [number] = held(shop, 1)
    await shop.work()
    before = requests(shop)
    await shop.work()
    assert requests(shop) == before
    actions.poll_now(shop.store, [number])
    await shop.work()
    assert requests(shop) == before + 1


async def test_no_poll_asks_for_a_link(shop: Shop) -> None:
    for number in range(5):
        await shop.completed(f"shopper{number}@example.com")
    assert shop.sandbox.state.calls["link"] == 0


async def test_a_cancelled_task_of_ours_is_not_polled(shop: Shop) -> None:
    number = shop.submit("jane@example.com", Kind.DELETION, 5)
    await shop.work()
    actions.cancel(shop.store, number, ACTOR)
    await shop.work()
    before = shop.sandbox.state.calls[ASKED]
    shop.clock.advance(days=2)
    await shop.work()
    assert shop.sandbox.state.calls[ASKED] == before
