"""The end of a watched task, as the terminal is told of it."""

from __future__ import annotations

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import WATCHED, Kind
from bwp_tui.domain.times import utc_now
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.worklog.poll_responses import PollResponse
from tests.e2e.operator import Operator, on_current_row
from tests.pty_terminal import Terminal
from tests.store import single

NOTICE = b"\x1b]9;bwp-tui: retrieval #1 COMPLETED\x1b\\\x07"


def watch_and_end(shop: Operator, practice: Sandbox, terminal: Terminal, *, watched: bool) -> bytes:
    """Have a task end, and return what the terminal was sent from then on."""
    practice.state.start(Kind.RETRIEVAL, "slow@example.com")
    assert shop("track", "retrieval", practice.state.starts[0].task_id).code == 0
    terminal.wait_for(on_current_row("IN_PROGRESS"))
    store = shop.store()
    if watched:
        single.set_tags(store, 1, (WATCHED,), "op")
        terminal.wait_for(on_current_row("◉"))
    terminal.wait_until_quiet()
    mark = terminal.mark()
    assert single.answered(store, 1, PollResponse(Status.COMPLETED, utc_now(), utc_now(), None, None, ()), None)
    store.close()
    terminal.wait_for("The watched retrieval" if watched else "── COMPLETED")
    terminal.wait_until_quiet()
    return terminal.bytes_since(mark)


@pytest.mark.parametrize(
    ("how", "expected"), [("desktop", NOTICE), ("bell", b"\x07"), ("off", b"")], ids=["desktop", "bell", "off"]
)
def test_a_watched_task_rings_as_the_settings_say(shop: Operator, practice: Sandbox, how: str, expected: bytes) -> None:
    with shop.console(BWP_NOTICES=how, TERM="xterm-256color") as terminal:
        terminal.wait_for("engine here")
        sent = watch_and_end(shop, practice, terminal, watched=True)
    assert expected in sent
    assert (b"\x07" in sent) is (how != "off")
    assert (b"\x1b]9;" in sent) is (how == "desktop")
    assert b"slow@" not in sent


def test_a_task_that_nobody_watches_does_not_ring(shop: Operator, practice: Sandbox) -> None:
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        sent = watch_and_end(shop, practice, terminal, watched=False)
    assert b"\x07" not in sent
