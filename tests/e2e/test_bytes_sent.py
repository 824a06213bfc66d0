"""What the console costs on the wire, with its engine at work: over SSH every byte is waited for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import utc_now
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.poll_responses import PollResponse
from tests.cli.conftest import queue_variables
from tests.e2e.operator import DOWN, UP, Operator, on_current_row, unchanging_history
from tests.pty_terminal import Terminal
from tests.store import single
from tests.waiting import eventually

IDLE_S = 10.0
ONE_CHANGE = 1_000
"""Bytes that one change in sight may cost, with everything on the screen that it touches."""

Count = Callable[[str, object], None]


@pytest.fixture
def terminal(shop: Operator, practice: Sandbox) -> Iterator[Terminal]:
    """The console on a history of the past and one retrieval under way; the cursor is on another task."""
    shop.plant(unchanging_history(60))
    practice.state.start(Kind.RETRIEVAL, "slow@example.com")
    task_id = practice.state.starts[0].task_id
    assert shop("track", "retrieval", task_id).code == 0
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        terminal.wait_for(on_current_row("IN_PROGRESS"))
        terminal.send(DOWN)
        terminal.wait_for(lambda screen: "IN_PROGRESS" in screen and not on_current_row("IN_PROGRESS")(screen))
        terminal.wait_for(lambda screen: "── IN_PROGRESS" not in screen)  # the details have followed
        terminal.wait_until_quiet()
        yield terminal


def complete(shop: Operator) -> None:
    """Have the tracked task end, as the engine records it."""
    store = shop.store()
    answer = PollResponse(Status.COMPLETED, utc_now(), utc_now(), None, None, ())
    assert single.answered(store, 61, answer, None)
    store.close()


def test_nothing_is_sent_for_ten_seconds_in_which_nothing_happens(shop: Operator) -> None:
    shop.plant(unchanging_history(60))
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        terminal.wait_until_quiet()
        mark = terminal.mark()
        terminal.wait_until_quiet(quiet=IDLE_S, timeout=2 * IDLE_S)
        assert terminal.bytes_since(mark) == b""


def test_events_that_bring_nothing_new_cost_nothing(shop: Operator, practice: Sandbox) -> None:
    shop.env |= queue_variables(practice)
    shop.plant(unchanging_history(60))
    store = shop.store()
    task = tasks.get(store, 1)
    store.close()
    body = json.dumps(
        {
            "id": "event-1",
            "detail-type": f"PERSONAL_DATA_{task.kind}_TASK_{task.status}",
            "source": "aws.partner/buywithprime/practice",
            "resources": [f"businessProduct/bp-1/personalData{task.kind.capitalize()}Task/{task.task_id}"],
        }
    )
    with shop.console() as terminal:
        terminal.wait_for("events on")
        practice._queue.send(body)
        terminal.wait_for("polling rarely")
        terminal.wait_until_quiet()
        mark = terminal.mark()
        for _ in range(3):
            practice._queue.send(body)
            eventually(lambda: practice._queue.depth() == (0, 0, 0))
        terminal.wait_until_quiet(quiet=3.0)
        assert terminal.bytes_since(mark) == b""
    store = shop.store()
    assert engine_state.read(store).duplicate_events == 3
    store.close()


def test_a_status_that_changes_in_sight_costs_less_than_a_kilobyte_with_all_it_touches(
    shop: Operator, terminal: Terminal, record_property: Count
) -> None:
    mark = terminal.mark()
    complete(shop)
    terminal.wait_for("COMPLETED ⇣")
    terminal.wait_for("3 active 0")
    terminal.wait_until_quiet()
    cost = len(terminal.bytes_since(mark))
    record_property("bytes of one status change", cost)
    print(f"one status change in sight: {cost} bytes")
    assert 0 < cost < ONE_CHANGE


def test_polls_that_bring_nothing_new_cost_nothing(
    shop: Operator, practice: Sandbox, terminal: Terminal, record_property: Count
) -> None:
    asked = practice.state.calls["personalDataRetrievalTask"]
    mark = terminal.mark()
    assert shop("refresh", "61").code == 0
    terminal.wait_until_quiet()
    cost = len(terminal.bytes_since(mark))
    record_property("bytes of an idle poll", cost)
    assert practice.state.calls["personalDataRetrievalTask"] > asked
    assert cost == 0


def test_a_cursor_move_repaints_two_lines_and_the_details(terminal: Terminal, record_property: Count) -> None:
    mark = terminal.mark()
    terminal.send(UP)
    terminal.wait_for(on_current_row("IN_PROGRESS"))
    terminal.wait_until_quiet()
    cost = len(terminal.bytes_since(mark))
    record_property("bytes of a cursor move", cost)
    print(f"a cursor move with its details: {cost} bytes")
    assert 0 < cost <= 2_000
