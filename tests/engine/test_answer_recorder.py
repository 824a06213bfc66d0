"""The legal clock of a profile that lets it stop at completion."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from bwp_tui.domain.deadlines import needs_answer
from bwp_tui.domain.task import Kind
from bwp_tui.engine.requests.answers_at_completion import AnswersAtCompletion
from bwp_tui.settings.profile import CLOCK_STOPS
from bwp_tui.store.queries import timeline
from tests.engine.shop import PROCESSED, Shop
from tests.waiting import eventually_in_loop


@pytest.mark.parametrize("clock_stops", CLOCK_STOPS)
async def test_a_completed_deletion_and_a_saved_result_are_answers_where_the_profile_says_so(
    shop: Shop, clock_stops: str
) -> None:
    shop = shop.with_profile(replace(shop.profile, clock_stops=clock_stops))
    deletion = shop.track("jane@example.com", Kind.DELETION, holding_period=0)
    result = await shop.completed("bob@example.com")
    await shop.work()
    assert needs_answer(shop.task(result)), "nothing was saved yet"
    shop.request_download(result)
    shop.clock.advance(PROCESSED)
    await shop.work()
    tasks = [shop.task(deletion), shop.task(result)]
    assert [task.status for task in tasks] == ["COMPLETED", "COMPLETED"]
    assert [needs_answer(task) for task in tasks] == [clock_stops == "answered"] * 2
    kinds = [[event.what for event in timeline.of_task(shop.store, task.number)] for task in tasks]
    assert ["answered" in events for events in kinds] == [clock_stops == "completed"] * 2


async def test_what_completes_just_before_the_engine_ends_is_answered(shop: Shop) -> None:
    deletion = shop.track("jane@example.com", Kind.DELETION, holding_period=0)
    worker = AnswersAtCompletion(shop.store)
    await worker.run_ready()
    shop.clock.advance(PROCESSED)
    await shop.work()
    assert needs_answer(shop.task(deletion))
    await worker.close()
    assert not needs_answer(shop.task(deletion))


async def test_what_was_completed_before_the_profile_said_so_is_answered_at_the_next_start(shop: Shop) -> None:
    deletion = shop.track("jane@example.com", Kind.DELETION, holding_period=0)
    shop.clock.advance(PROCESSED)
    await shop.work()
    assert needs_answer(shop.task(deletion))
    async with shop.with_profile(replace(shop.profile, clock_stops="completed")).engine() as engine:
        running = asyncio.ensure_future(engine.run())
        await eventually_in_loop(lambda: not needs_answer(shop.task(deletion)))
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
