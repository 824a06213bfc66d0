"""Several consoles on one profile: one is the engine, the others follow, and one of them takes over."""

from __future__ import annotations

import signal

import pytest

from tests.e2e.operator import PASTE_ENDED_S, RESULT_OFFERED, Operator, submit_retrieval

LIVE_S = 2.0
"""A second is the goal; another one is for a machine that is busy with tests."""

TAKE_OVER_S = 5.0


def test_a_second_console_follows_the_first_live(shop: Operator) -> None:
    with shop.console() as first:
        first.wait_for("engine here")
        with shop.console() as second:
            second.wait_for(f"follows process {first.pid}")
            for number, (typed, other) in enumerate(((first, second), (second, first)), 1):
                submit_retrieval(typed, f"jane+{typed.pid}@example.com")
                other.wait_for(f"1 all {number}", timeout=LIVE_S)
            for terminal in (first, second):
                terminal.wait_for(lambda screen: screen.count(RESULT_OFFERED) == 2)


@pytest.mark.parametrize("how", ["quit", "kill -9"])
def test_when_the_engine_ends_the_other_console_takes_over_and_goes_on(shop: Operator, how: str) -> None:
    with shop.console() as first:
        first.wait_for("engine here")
        with shop.console() as second:
            second.wait_for(f"follows process {first.pid}")
            submit_retrieval(first, "jane@example.com")
            second.wait_for("IN_PROGRESS")
            if how == "quit":
                first.wait_until_quiet(quiet=PASTE_ENDED_S)
                first.send("q")
            else:
                first.signal(signal.SIGKILL)
            first.wait()
            second.wait_for("engine here", timeout=TAKE_OVER_S)
            second.wait_for(RESULT_OFFERED)


def test_what_a_follower_asks_for_is_done_by_the_engine(shop: Operator) -> None:
    with shop.console() as first:
        first.wait_for("engine here")
        with shop.console() as second:
            second.wait_for(f"follows process {first.pid}")
            submit_retrieval(second, "jane@example.com")
            second.wait_for(RESULT_OFFERED)
            second.send("d")
            second.wait_for("saved")
            assert "follows process" in second.screen_text()
