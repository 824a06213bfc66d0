from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from bwp_tui.api import service_clock
from bwp_tui.contract.inputs import CLIENT_TOKEN_LIFETIME
from bwp_tui.domain.task import Kind
from bwp_tui.engine.requests.token_protection import CLIENT_TOKEN_MARGIN
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog import engine_state, intents
from bwp_tui.store.worklog.intents import Intent
from tests.engine.shop import ACTOR, Shop
from tests.store.support import has_waiting_intent

A_WHILE = timedelta(minutes=2)
START = "startPersonalDataRetrievalTask"


def what_happened(shop: Shop, number: int) -> list[str]:
    return [event.what for event in timeline.of_task(shop.store, number)]


async def test_a_request_is_submitted_under_its_own_client_token(shop: Shop) -> None:
    number = shop.submit("jane@example.com")
    [intent] = intents.ready(shop.store, shop.clock.now, 9)
    await shop.work()
    [start] = shop.sandbox.state.starts
    assert (start.client_token, start.email, start.kind) == (intent.client_token, "jane@example.com", Kind.RETRIEVAL)
    task = shop.task(number)
    assert (task.task_id, task.status) == (start.task_id, "IN_PROGRESS")
    assert not has_waiting_intent(shop.store, number)


async def test_a_deletion_is_submitted_with_its_holding_period(shop: Shop) -> None:
    number = shop.submit("jane@example.com", Kind.DELETION, holding_period=3)
    await shop.work()
    task = shop.task(number)
    assert task.task_id is not None
    assert shop.sandbox.state.find(Kind.DELETION, task.task_id).holding_period == 3
    assert task.status == "ON_HOLD"


async def test_many_requests_are_all_submitted_once(shop: Shop) -> None:
    numbers = [shop.submit(f"shopper{number}@example.com") for number in range(25)]
    await shop.work()
    assert {shop.task(number).task_id for number in numbers} == {s.task_id for s in shop.sandbox.state.starts}
    assert shop.sandbox.state.calls[START] == 25


async def test_a_refused_request_is_rejected_with_the_words_of_the_service(shop: Shop) -> None:
    shop = shop.with_profile(replace(shop.profile, api_version="1999-01-01"))
    number = shop.submit("jane@example.com")
    await shop.work()
    task = shop.task(number)
    assert task.status == "REJECTED"
    assert task.errors[0].code == "UnspecifiedError"
    assert "/x-api-version must be one of" in task.errors[0].message
    assert shop.sandbox.state.starts == []
    assert not has_waiting_intent(shop.store, number)


async def test_after_a_lost_answer_the_same_token_finds_the_one_task(shop: Shop) -> None:
    shop.sandbox.faults.set("lost-answer", times=1)
    number = shop.submit("jane@example.com")
    await shop.work()
    assert shop.task(number).status == "QUEUED"
    assert shop.task(number).trouble is not None
    shop.clock.advance(A_WHILE)
    await shop.work()
    [start] = shop.sandbox.state.starts
    assert shop.sandbox.state.calls[START] == 2
    assert shop.task(number).task_id == start.task_id
    assert shop.task(number).trouble is None


async def test_a_request_whose_answer_was_lost_is_sent_again_by_a_client_with_an_old_service_clock(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_clock, "FRESH_FOR_S", 0.0)
    shop.sandbox.faults.set("lost-answer", times=1)
    number = shop.submit("jane@example.com")
    async with shop.engine() as engine:
        await engine.run_once()
        assert shop.task(number).is_outcome_unknown
        shop.clock.advance(A_WHILE)
        await engine.run_once()
    [start] = shop.sandbox.state.starts
    assert shop.sandbox.state.calls[START] == 2
    assert (shop.task(number).task_id, shop.task(number).trouble) == (start.task_id, None)


async def test_a_garbled_answer_is_a_lost_one(shop: Shop) -> None:
    shop.sandbox.faults.set("garbled", times=1)
    number = shop.submit("jane@example.com")
    await shop.work()
    with pytest.raises(NotPossible):
        requests.cancel(shop.store, number, ACTOR)
    shop.clock.advance(A_WHILE)
    await shop.work()
    assert len(shop.sandbox.state.starts) == 1
    assert shop.task(number).task_id == shop.sandbox.state.starts[0].task_id


@pytest.mark.parametrize("fault", ["throttled", "html", "down"])
async def test_trouble_of_the_service_puts_a_request_off_and_loses_nothing(shop: Shop, fault: str) -> None:
    shop.sandbox.faults.set(fault, times=3)
    number = shop.submit("jane@example.com")
    for _ in range(8):
        await shop.work()
        shop.clock.advance(A_WHILE)
    assert len(shop.sandbox.state.starts) == 1
    assert shop.task(number).task_id == shop.sandbox.state.starts[0].task_id


async def test_a_request_that_met_no_server_was_never_sent_and_goes_out_when_there_is_one(shop: Shop) -> None:
    shop.sandbox.stop()
    number = shop.submit("jane@example.com")
    await shop.work()
    [intent] = intents.ready(shop.store, shop.clock.now + A_WHILE, 9)
    assert (intent.first_sent_at, intent.attempts) == (None, 0)
    assert "cannot be reached" in (shop.task(number).trouble or "")
    assert engine_state.read(shop.store).service == "unreachable"
    shop.sandbox.start()
    shop.clock.advance(A_WHILE)
    await shop.work()
    assert shop.task(number).task_id == shop.sandbox.state.starts[0].task_id


async def test_a_request_that_was_never_sent_waits_longer_than_eight_hours_and_may_be_withdrawn(shop: Shop) -> None:
    shop.sandbox.stop()
    number = shop.submit("jane@example.com")
    await shop.work()
    shop.clock.advance(CLIENT_TOKEN_LIFETIME * 5)
    await shop.work()
    assert shop.task(number).status == "QUEUED"
    requests.cancel(shop.store, number, ACTOR)
    shop.sandbox.start()
    shop.clock.advance(A_WHILE)
    await shop.work()
    assert shop.task(number).status == "CANCELLED"
    assert shop.sandbox.state.starts == []


async def test_a_request_without_an_answer_is_unconfirmed_after_eight_hours_and_not_sent_again(shop: Shop) -> None:
    shop.sandbox.faults.set("lost-answer", times=1)
    number = shop.submit("jane@example.com")
    await shop.work()
    shop.sandbox.stop()
    shop.clock.advance(CLIENT_TOKEN_LIFETIME - CLIENT_TOKEN_MARGIN - timedelta(minutes=5))
    await shop.work()
    assert shop.task(number).status == "QUEUED"
    shop.sandbox.start()
    shop.clock.advance(minutes=5)
    await shop.work()
    assert shop.task(number).status == "UNCONFIRMED"
    assert what_happened(shop, number) == ["recorded", "no answer"]
    assert shop.sandbox.state.calls[START] == 1


async def test_a_resubmission_has_a_token_of_its_own(shop: Shop) -> None:
    number = shop.submit("nobody@example.com")
    await shop.work()
    shop.clock.advance(minutes=1)
    await shop.work()
    assert shop.task(number).status == "FAILED"
    requests.resubmit(shop.store, number, ACTOR)
    await shop.work()
    assert len({start.client_token for start in shop.sandbox.state.starts}) == 2


async def test_a_request_withdrawn_at_the_last_moment_is_not_sent(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    real = intents.ready

    def withdraw_what_was_read(store: Store, now: datetime, limit: int) -> list[Intent]:
        found = real(store, now, limit)
        for intent in found:
            requests.cancel(store, intent.task_number, ACTOR)
        return found

    number = shop.submit("jane@example.com")
    monkeypatch.setattr(intents, "ready", withdraw_what_was_read)
    await shop.work()
    assert shop.sandbox.state.calls[START] == 0
    assert shop.task(number).status == "CANCELLED"


async def test_refused_credentials_are_tried_again_after_growing_pauses_and_nothing_is_lost(shop: Shop) -> None:
    shop.secret = "not-the-secret"
    numbers = [shop.submit("jane@example.com"), shop.submit("eve@example.com"), shop.track("ann@example.com")]
    async with shop.engine() as engine:
        tried = []
        for _ in range(60):
            await engine.run_once()
            tried.append(shop.sandbox.state.calls["token"])
            shop.clock.advance(minutes=1)
    assert tried[0] == 1
    tries = [minute for minute, (before, after) in enumerate(pairwise(tried), start=1) if after > before]
    assert [after - before for before, after in pairwise(tries)] == [
        pytest.approx(minutes, abs=2) for minutes in (5.5, 15.5, 15.5, 15.5)
    ]
    assert shop.sandbox.state.calls["graphql"] == 0
    state = engine_state.read(shop.store)
    assert state.service == "bad-credentials"
    assert "not-the-secret" not in (state.message or "")
    shop.secret = None
    await shop.work()
    assert all(shop.task(number).task_id for number in numbers)


async def test_a_denial_is_not_hammered(shop: Shop) -> None:
    shop.sandbox.faults.set("denied")
    for number in range(8):
        shop.submit(f"shopper{number}@example.com")
    async with shop.engine() as engine:
        await engine.run_once()
        first = shop.sandbox.state.calls["graphql"]
        shop.clock.advance(seconds=10)
        await engine.run_once()
        assert shop.sandbox.state.calls["graphql"] == first
        shop.clock.advance(seconds=900)
        await engine.run_once()
    assert first <= 8
    assert shop.sandbox.state.calls["graphql"] - first <= 2
    assert engine_state.read(shop.store).service == "denied"
    assert shop.sandbox.state.calls["token"] <= 3


async def test_a_held_deletion_is_cancelled_and_stays_so(shop: Shop) -> None:
    number = shop.submit("jane@example.com", Kind.DELETION, holding_period=5)
    await shop.work()
    requests.cancel(shop.store, number, ACTOR)
    await shop.work()
    assert shop.task(number).status == "CANCELLED"
    assert shop.sandbox.state.calls["cancelPersonalDataDeletionTask"] == 1
    for days in (1, 5, 5):
        requests.poll_now(shop.store, [number])
        await shop.work()
        assert shop.task(number).status == "CANCELLED"
        shop.clock.advance(days=days)


async def test_a_cancellation_that_comes_too_late_is_told_and_the_task_goes_on(shop: Shop) -> None:
    number = shop.submit("jane@example.com", Kind.DELETION, holding_period=1)
    await shop.work()
    requests.cancel(shop.store, number, ACTOR)
    shop.clock.advance(days=1, seconds=1)
    await shop.work()
    assert shop.task(number).status == "IN_PROGRESS"
    assert not shop.task(number).cancel_asked
    [refusal] = [event for event in timeline.of_task(shop.store, number) if event.what == "cancel refused"]
    assert "IN_PROGRESS" in (refusal.detail or "")


async def test_a_cancellation_without_an_answer_is_asked_again(shop: Shop) -> None:
    number = shop.submit("jane@example.com", Kind.DELETION, holding_period=5)
    await shop.work()
    requests.cancel(shop.store, number, ACTOR)
    shop.sandbox.faults.set("lost-answer", times=1)
    await shop.work()
    assert shop.task(number).cancel_asked
    shop.clock.advance(A_WHILE)
    await shop.work()
    assert shop.task(number).status == "CANCELLED"


async def test_a_cancellation_is_sent_once_the_lost_response_to_its_deletion_has_come(shop: Shop) -> None:
    number = shop.submit("jane@example.com", Kind.DELETION, holding_period=5)
    shop.sandbox.faults.set("lost-answer", times=1)
    await shop.work()
    assert shop.task(number).is_outcome_unknown
    requests.cancel(shop.store, number, ACTOR)
    await shop.work()
    assert shop.sandbox.state.calls["cancelPersonalDataDeletionTask"] == 0
    shop.clock.advance(A_WHILE)
    await shop.work()
    assert shop.task(number).status == "CANCELLED"
    assert len(shop.sandbox.state.starts) == 1
    assert shop.sandbox.state.calls["cancelPersonalDataDeletionTask"] == 1


async def test_a_read_only_profile_polls_and_sends_nothing_else(shop: Shop) -> None:
    shop = shop.with_profile(replace(shop.profile, read_only=True))
    queued = shop.submit("jane@example.com")
    tracked = shop.track("eve@example.com")
    before = len(shop.sandbox.state.starts)
    await shop.work()
    assert shop.task(tracked).status == "IN_PROGRESS"
    assert shop.task(queued).status == "QUEUED"
    assert len(shop.sandbox.state.starts) == before


async def test_throttling_slows_requests_to_half_of_what_went_out(shop: Shop) -> None:
    async with shop.engine() as engine:
        shop.submit("the-first@example.com", Kind.DELETION, 5)
        for _ in range(2):  # for a token, and a poll
            await engine.run_once()
            shop.clock.advance(minutes=1)
        before = shop.sandbox.state.calls[START]
        for number in range(8):
            shop.submit(f"shopper{number}@example.com")
        shop.sandbox.faults.set("throttled", times=1)
        await engine.run_once()
        assert engine_state.read(shop.store).rate_limit == 2, "four went out within a second"
        sent = [shop.sandbox.state.calls[START] - before]
        while sent[-1] < 8:
            shop.clock.advance(seconds=1)
            await engine.run_once()
            sent.append(shop.sandbox.state.calls[START] - before)
    assert max(after - before for before, after in pairwise(sent)) <= 3
    assert len(shop.sandbox.state.starts) == 9
