"""What the console shows of events: whether they come, which tasks they made known, and what came for a task."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from bwp_tui.console.screens.task import TaskScreen
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, ServiceEvent
from bwp_tui.domain.views import View
from bwp_tui.engine.runtime.engine_thread import EngineRole
from bwp_tui.settings import Profile
from bwp_tui.store.commands import saved_views
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import QUEUE_IS_READ
from bwp_tui.store.worklog.service_events import record_events
from tests.console.past_tasks import HELD, PAST
from tests.console.support import USUAL, WIDE, opened
from tests.store import single

DENIED = "AWS denies the use of the event queue: these credentials need sqs:ReceiveMessage on it."


def event(task_id: str, kind: Kind = Kind.DELETION) -> ServiceEvent:
    return ServiceEvent(f"event of {task_id}", kind, Status.COMPLETED, task_id, datetime(2026, 11, 21, tzinfo=UTC))


@pytest.mark.parametrize(("size", "while_they_come"), [(WIDE, "events on · polling rarely"), (USUAL, "events on")])
async def test_the_header_says_whether_events_come_or_what_is_wrong(
    profile: Profile, size: tuple[int, int], while_they_come: str
) -> None:
    async with opened(profile, size=size) as console:
        console.main.session.engine_role = lambda: EngineRole.ENGINE
        assert "events" not in console.line("header")
        engine_state.record_event_queue(console.store, QUEUE_IS_READ, polls_relaxed=False)
        await console.until(lambda: "engine here  events on" in console.line("header"))
        engine_state.record_event_queue(console.store, QUEUE_IS_READ, polls_relaxed=True)
        await console.until(lambda: re.search(rf"{while_they_come} +\d+/10  masked", console.line("header")))
        engine_state.record_event_queue(console.store, DENIED, polls_relaxed=False)
        await console.until(lambda: "▲ AWS denies the use" in console.line("header"))
        await console.until(lambda: DENIED in " ".join(console.line("status").split()))
        engine_state.record_event_queue(console.store, QUEUE_IS_READ, polls_relaxed=False)
        await console.until(lambda: "engine here  events on" in console.line("header"))
        assert console.line("status").strip() == ""


async def test_without_an_engine_nothing_is_said_of_events(profile: Profile) -> None:
    async with opened(profile) as console:
        console.main.session.engine_role = lambda: EngineRole.BLOCKED
        engine_state.record_event_queue(console.store, QUEUE_IS_READ, polls_relaxed=True)
        single.set_note(console.store, HELD, "looked at", "op")
        await console.sees("looked at")
        assert "events" not in console.line("header")


@pytest.mark.parametrize("size", [WIDE, USUAL])
async def test_tasks_that_events_made_known_have_a_view_while_there_are_any(
    profile: Profile, size: tuple[int, int]
) -> None:
    async with opened(profile, size=size) as console:
        saved_views.save(console.store, View("mine", "tag:mine"))
        await console.until(lambda: re.search("8 ?mine 0", console.line("views")) is not None)
        record_events(console.store, [event("task-elsewhere-1"), event("task-elsewhere-2")])
        await console.until(lambda: re.search("9 ?adopt.* 2", console.line("views")) is not None)
        await console.press("9")
        await console.until(lambda: console.main.table.row_count == 2)
        await console.sees("(not known yet)")
        for number in list(console.main.table.numbers):
            single.set_tags(console.store, number, [], "op")
        await console.until(lambda: "adopt" not in console.line("views").partition("tag:")[0])


async def test_more_views_than_keys_leave_a_key_for_adopted_tasks(profile: Profile) -> None:
    async with opened(profile) as console:
        for name in "abc":
            saved_views.save(console.store, View(name, "tag:mine"))
        await console.until(lambda: "9 b 0" in console.line("views"))
        record_events(console.store, [event("task-elsewhere")])
        await console.until(lambda: "9 adopt" in console.line("views"))


async def test_the_view_of_adopted_tasks_is_built_in(profile: Profile) -> None:
    async with opened(profile) as console:
        with pytest.raises(NotPossible, match="built in"):
            saved_views.save(console.store, View("Adopted by event", ""))
        with pytest.raises(NotPossible, match="There is no view"):
            saved_views.delete(console.store, "adopted by event")
        record_events(console.store, [event("task-elsewhere")])
        with pytest.raises(NotPossible, match="built in"):
            saved_views.delete(console.store, "adopted by event")


async def test_an_event_is_on_the_timeline_and_on_the_page_of_requests(profile: Profile) -> None:
    async with opened(profile) as console:
        task = tasks.get(console.store, HELD)
        assert task.task_id is not None
        record_events(console.store, [event(task.task_id)])
        await console.go_to(HELD)
        await console.sees("event received")
        await console.press("enter")
        await console.until(lambda: isinstance(console.app.screen, TaskScreen))
        await console.press("3")
        await console.sees("event received  PERSONAL_DATA_DELETION_TASK_COMPLETED")
        await console.press("4")
        await console.sees("PERSONAL_DATA_DELETION_TASK_COMPLETED   event")
        assert len(PAST) == len(console.main.table.numbers)
