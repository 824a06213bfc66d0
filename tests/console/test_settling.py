"""A request that was sent and never answered: the three choices, and the header's words of a service in trouble."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Request
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog import engine_state, intent_outcomes, intents, poll_responses
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.console.past_tasks import HELD, NOW, PastTask
from tests.console.support import Console, opened
from tests.store.support import answer

NUMBER = 2
ID = "3556a10a-0000-4000-8000-000000000001"


@asynccontextmanager
async def unconfirmed(profile: Profile) -> AsyncIterator[Console]:
    """The console with the cursor on an unconfirmed request."""
    async with opened(profile, past=[PastTask("a@example.com")]) as console:
        requests.submit(console.store, Request(Kind.RETRIEVAL, "jane@example.com", NOW.date(), "gdpr"), "op")
        [intent] = intents.ready(console.store, NOW, 5)
        assert intent_outcomes.record_sending(console.store, intent.id)
        intent_outcomes.record_unconfirmed(console.store, intent.id)
        await console.until(lambda: console.main.table.row_count == 2)
        await console.go_to(NUMBER)
        yield console


async def test_the_details_name_the_three_keys(profile: Profile) -> None:
    async with unconfirmed(profile) as console:
        await console.sees("may have been started", "(i)", "(R)", "(X)", "tried once at")
        await console.press("enter")
        await console.sees("Completes  by 2026-12-20 if it starts today")  # it was sent, and is not again


async def test_its_task_id_is_entered_by_hand(profile: Profile) -> None:
    async with unconfirmed(profile) as console:
        await console.press("i")
        await console.sees("The service's task id of #2:")
        await console.press(*ID, "enter")
        await console.sees(f"Asking the service whether {ID} is #2.")
        task = console.task(NUMBER)
        assert (task.task_id, task.status, task.next_poll_at) == (ID, "QUEUED", NOW)
        poll_responses.record_responses(console.store, {NUMBER: (answer(Status.IN_PROGRESS), NOW)})
        await console.until(lambda: console.main.status.sentence.endswith("is IN_PROGRESS."))


async def test_an_entered_task_id_that_cannot_be_asked_about_now_says_why(profile: Profile) -> None:
    async with unconfirmed(profile) as console:
        engine_state.record_health(console.store, ServiceHealthState.UNREACHABLE, "out of reach", NOW)
        await console.sees("service unreachable")
        await console.press("i", *ID, "enter")
        await console.sees(f"{ID} is #2. Waits: service unreachable")


async def test_a_task_id_that_the_service_does_not_know_is_reported(profile: Profile) -> None:
    async with unconfirmed(profile) as console:
        await console.press("i")
        await console.sees("The service's task id of #2:")
        await console.press(*ID, "enter")
        await console.sees("Asking the service whether")
        poll_responses.record_unknown(console.store, NUMBER, "unknown", NOW)
        await console.until(lambda: f"{ID} is not the id of this request" in console.line("status"))


async def test_what_is_no_task_id_is_told_and_changes_nothing(profile: Profile) -> None:
    async with unconfirmed(profile) as console:
        await console.press("i", "x", "enter")
        await console.sees("“x” is not a task ID.")
        await console.press("ctrl+u", *ID[:8], "enter")
        await console.sees(f"“{ID[:8]}” is at most the beginning of a task ID")
        assert console.task(NUMBER).task_id is None


async def test_it_is_given_up_with_a_reason(profile: Profile) -> None:
    async with unconfirmed(profile) as console:
        await console.press("X")
        await console.sees("Reason for giving up #2:")
        await console.press(*"gone", "enter")
        await console.sees("#2 is given up; the reason is on its timeline.", "── GIVEN_UP ·")
        assert timeline.of_task(console.store, NUMBER)[-1].detail == "gone"


async def test_it_is_settled_by_a_line_for_the_task_that_is_named(profile: Profile) -> None:
    async with unconfirmed(profile) as console:
        await console.go_to(1)
        for option, sentence in (
            ("--task-id x", "“x” is not a task ID."),
            ("--give-up gone", "#2 is given up; the reason is on its timeline."),
        ):
            await console.press("colon")
            await console.until(lambda: console.main.prompt.is_open)
            console.main.prompt.set_text(f"settle {NUMBER} {option}")
            await console.press("enter")
            await console.sees(sentence)
            await console.press("escape")
            await console.until(lambda: not console.main.prompt.is_open)
        assert timeline.of_task(console.store, NUMBER)[-1].detail == "gone"


@pytest.mark.parametrize("key", ["i", "X"])
@pytest.mark.parametrize("answer", ["enter", "escape"])
async def test_without_an_answer_nothing_is_recorded(profile: Profile, key: str, answer: str) -> None:
    async with unconfirmed(profile) as console:
        before = console.store.revision()
        await console.press(key)
        await console.until(lambda: console.main.prompt.is_open)
        await console.press(answer)
        await console.until(lambda: not console.main.prompt.is_open)
        assert console.store.revision() == before


async def test_sending_it_anew_says_what_that_risks(profile: Profile) -> None:
    async with unconfirmed(profile) as console:
        await console.press("R")
        await console.sees("1 request may already run at the service. Resubmit the retrieval ", " of j•••@example.com?")
        await console.press("y")
        await console.sees("Recorded as #3")
        assert console.task(3).resubmit_of == NUMBER


@pytest.mark.parametrize(("key", "words"), [("i", "task id can only be entered"), ("X", "can be given up")])
async def test_on_any_other_task_the_keys_say_why_not(profile: Profile, key: str, words: str) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press(key)
        await console.sees(words, "is ON_HOLD.")


async def test_a_throttled_service_is_told_as_a_rate(profile: Profile) -> None:
    async with opened(profile) as console:
        engine_state.record_health(console.store, ServiceHealthState.THROTTLED, "They go out more slowly.", None, 2.0)
        await console.sees("▲ rate-limited: 2 requests/s")
        engine_state.record_health(console.store, ServiceHealthState.THROTTLED, "They go out more slowly.", None, 1.0)
        await console.sees("▲ rate-limited: 1 request/s")
        engine_state.record_health(console.store, ServiceHealthState.THROTTLED, "They go out more slowly.", NOW, 0.5)
        await console.sees("▲ rate-limited: 0.5 requests/s, next try 09:30:00")
        engine_state.record_health(console.store, ServiceHealthState.UNREACHABLE, "Gone.", NOW, 0.5)
        await console.sees("▲ service unreachable, next try 09:30:00")
        overdue = NOW - timedelta(minutes=2)
        engine_state.record_health(console.store, ServiceHealthState.UNREACHABLE, "Gone.", overdue, 0.5)
        await console.sees("▲ service unreachable, tried until 09:28")


async def test_denied_access_stands_in_header_and_status_line(profile: Profile) -> None:
    async with opened(profile) as console:
        engine_state.record_health(console.store, ServiceHealthState.DENIED, "The service denied access: check.", NOW)
        await console.sees("▲ access denied, next try 09:30:00", " The service denied access: check.")


async def test_the_engine_is_told_what_is_in_sight(profile: Profile) -> None:
    many = [PastTask(f"shopper{number}@example.com") for number in range(100)]
    async with opened(profile, many) as console:
        told: list[Sequence[int]] = []
        console.main.session.set_polled_first = told.append
        await console.press("G")
        await console.until(lambda: told and 1 in told[-1])
        assert 100 not in told[-1]
        assert len(told[-1]) == console.main.table.page
        await console.press("g")
        await console.until(lambda: 100 in told[-1])
