"""Which tasks are asked about first, how widely a backlog is worked off, and what that costs the history."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import pytest

from bwp_tui.domain.task import Kind, Request
from bwp_tui.engine.requests.poller import LARGEST_BATCH
from bwp_tui.engine.requests.queue_worker import POOL_SIZE
from bwp_tui.engine.runtime.engine import Engine
from bwp_tui.engine.worker import PolledFirst
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreUnavailable
from bwp_tui.store.worklog import poll_responses, ready_polls
from bwp_tui.store.worklog.poll_responses import PollResponse
from tests.engine.shop import ACTOR, Shop


def held(shop: Shop, count: int, received_on: date = date(2026, 11, 20)) -> list[int]:
    """Adopt deletions that are on hold for half a year; none has been asked about yet."""
    numbers = []
    for number in range(count):
        task_id = shop.sandbox.state.start(Kind.DELETION, f"shopper{number}@example.com", holding_period=180)
        facts = Request(Kind.DELETION, "", received_on, "gdpr")
        numbers.append(requests.track(shop.store, Kind.DELETION, task_id, facts, ACTOR).number)
        shop.clock.advance(seconds=1)
    return numbers


def ready_order(shop: Shop, limit: int = 100, in_sight: frozenset[int] = frozenset()) -> list[int]:
    return [poll.number for poll in ready_polls.ready(shop.store, shop.clock.now, limit, in_sight)]


def test_the_longest_overdue_comes_first(shop: Shop) -> None:
    numbers = held(shop, 5)
    assert ready_order(shop) == numbers
    assert ready_order(shop, 2) == numbers[:2]


def test_what_is_near_its_due_date_comes_before_it_and_what_is_in_sight_before_all(shop: Shop) -> None:
    others = held(shop, 4)
    near = held(shop, 2, date(2026, 10, 25))
    nearest = held(shop, 1, date(2026, 10, 22))
    assert ready_order(shop) == [*nearest, *near, *others]
    assert ready_order(shop, 100, frozenset(others[2:])) == [*others[2:], *nearest, *near, *others[:2]]
    assert ready_order(shop, 3, frozenset(others[2:])) == [*others[2:], *nearest]


def test_what_is_in_sight_and_not_due_is_not_asked_about(shop: Shop) -> None:
    [first, second] = held(shop, 2)
    poll_responses.record_failed_polls(shop.store, [first], "later", shop.clock.now + timedelta(hours=1))
    assert ready_order(shop, 100, frozenset([first])) == [second]


async def test_the_engine_asks_first_about_what_somebody_looks_at(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = held(shop, POOL_SIZE * LARGEST_BATCH + 5)
    visible, rounds = PolledFirst(frozenset(numbers[-5:])), []
    real = ready_polls.ready

    def watched(*arguments: object) -> list[ready_polls.PolledTask]:
        found = real(*arguments)  # type: ignore[arg-type]  # it passes on what it is given
        rounds.append([poll.number for poll in found])
        return found

    monkeypatch.setattr(ready_polls, "ready", watched)
    async with shop.api() as api:
        await Engine(shop.store, api, shop.profile, polled_first=visible).run_once()
    assert rounds[0][:5] == numbers[-5:]


async def test_a_backlog_is_worked_off_no_wider_than_a_few_requests_and_comes_due_spread(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = held(shop, 600)
    under_way, widest = 0, 0
    async with shop.api() as api:
        real = api.poll

        async def counted(*arguments: object) -> object:
            nonlocal under_way, widest
            under_way += 1
            widest = max(widest, under_way)
            try:
                return await real(*arguments)  # type: ignore[arg-type]  # it passes on what it is given
            finally:
                under_way -= 1

        monkeypatch.setattr(api, "poll", counted)
        await Engine(shop.store, api, shop.profile).run_once()
    assert widest == POOL_SIZE
    assert shop.sandbox.state.calls["graphql"] == 600 / LARGEST_BATCH
    due = sorted(at for number in numbers if (at := shop.task(number).next_poll_at) is not None)
    busiest = max(sum(at <= other < at + timedelta(minutes=1) for other in due) for at in due[::10])
    assert busiest < 30, "600 in one moment are asked about over more than two hours a day later"


async def test_the_answers_of_a_request_are_one_transaction(shop: Shop) -> None:
    held(shop, LARGEST_BATCH)
    before = shop.store.revision()
    await shop.work()
    # Announcing that the service is reached, taking up downloads, and the answers.
    assert shop.store.revision() - before <= 3


async def test_one_that_cannot_be_recorded_leaves_none_of_the_others_unwatched(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = held(shop, 3 * LARGEST_BATCH)
    real = poll_responses.record_responses

    def full_for_the_first(store: Store, given: Mapping[int, tuple[PollResponse, datetime | None]]) -> frozenset[int]:
        if numbers[0] in given:
            raise StoreUnavailable("The disk is full.")
        return real(store, given)

    monkeypatch.setattr(poll_responses, "record_responses", full_for_the_first)
    async with shop.engine() as engine:
        before = asyncio.all_tasks()
        with pytest.raises(StoreUnavailable):
            await engine.run_once()
        assert asyncio.all_tasks() == before
    asked = [shop.task(number).status for number in numbers]
    assert asked == [*["QUEUED"] * LARGEST_BATCH, *["ON_HOLD"] * (2 * LARGEST_BATCH)]
