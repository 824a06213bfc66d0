"""Through a real terminal: a paste without brackets does nothing where letters are keys, what is typed does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.console import app
from bwp_tui.console.terminal.key_reader import KeyReader
from bwp_tui.console.widgets.bars import StatusLine
from bwp_tui.console.widgets.request_form import RequestForm
from bwp_tui.settings import Profile
from tests.console.past_tasks import PAST
from tests.console.support import opened
from tests.console.test_diff_driver import Watched
from tests.pty_terminal import Terminal
from tests.waiting import eventually

SAID = "paste was ignored"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path, 120, 40)
    with watched.terminal as terminal:
        terminal.wait_for(f"1 all {len(PAST)}")
        terminal.wait_for("Submitted")  # in the details, which come last
        terminal.wait_until_quiet()
        yield watched


@pytest.fixture
def terminal(watched: Watched) -> Terminal:
    return watched.terminal


@pytest.mark.parametrize("pasted", ["X-Ray Nora <nora@example.com>\r", "jane@example.com\r\r", "4delete all\ry\r"])
def test_a_paste_on_the_table_does_nothing_and_it_is_said(terminal: Terminal, pasted: str) -> None:
    before = terminal.cells()
    terminal.send(pasted)
    terminal.wait_for(SAID)
    terminal.wait_until_quiet()
    status = next(y for y, line in enumerate(terminal.screen_text().splitlines()) if SAID in line)
    assert [row for y, row in enumerate(terminal.cells()) if y != status] == [
        row for y, row in enumerate(before) if y != status
    ]
    terminal.wait_until_quiet(0.6)
    assert not shows_failed_alone(terminal.screen_text())
    terminal.send("5")
    terminal.wait_for(shows_failed_alone)


def test_a_paste_into_a_question_that_takes_a_key_answers_nothing(terminal: Terminal) -> None:
    terminal.send("s")
    terminal.wait_for("Sort by")
    terminal.send("nora@example.com")
    terminal.wait_for("A text is no answer")
    terminal.wait_for("Sort by")


def test_a_paste_where_text_is_asked_for_is_that_text(terminal: Terminal) -> None:
    terminal.send("n")
    terminal.wait_for("the shopper's email address")
    terminal.send("nora@example.com")
    terminal.wait_for("nora@example.com")
    assert SAID not in terminal.screen_text()


def shows_failed_alone(text: str) -> bool:
    """Whether the view of the failed tasks is shown: the tasks of all views begin with cancelled ones."""
    return "ORDERS_NOT_CLOSED" in text and "CANCELLED" not in text


def test_a_filter_typed_ahead_is_typed_and_nothing_behind_its_enter(terminal: Terminal) -> None:
    terminal.send("/retrieval\rxyz4delete")
    terminal.wait_for("/ retrieval")
    terminal.wait_for(SAID)
    assert "y yes" not in terminal.screen_text()


def test_a_pasted_command_is_not_run(terminal: Terminal) -> None:
    terminal.send(":list status:failed\r")
    terminal.wait_for(SAID)
    terminal.wait_until_quiet()
    assert not shows_failed_alone(terminal.screen_text())


def test_keys_typed_ahead_and_a_held_key_work(terminal: Terminal) -> None:
    terminal.send("\x1b[B" * 3 + "jjjjjjkkkkkk")
    terminal.wait_until_quiet()
    terminal.send("gs")
    terminal.wait_for("Sort by")
    assert SAID not in terminal.screen_text()


def test_a_key_in_pieces_moves_the_cursor(terminal: Terminal) -> None:
    terminal.send("\x1b")
    terminal.wait_until_quiet()
    terminal.send("[")
    terminal.send("B")
    terminal.wait_for("#9 ")


def test_ctrl_l_paints_over_what_another_program_wrote(watched: Watched) -> None:
    terminal = watched.terminal
    Path(f"/proc/{terminal.pid}/fd/0").write_text("\x1b[10;20HGARBAGE")
    terminal.wait_for("GARBAGE")
    terminal.send("\x0c")
    terminal.wait_for(lambda text: "GARBAGE" not in text)
    eventually(watched.shows_what_is_painted)


def test_ctrl_c_closes_a_question_and_else_says_how_to_leave(terminal: Terminal) -> None:
    terminal.send("/")
    terminal.wait_for("keep")
    terminal.send("\x03")
    terminal.wait_for(lambda text: "keep" not in text)
    terminal.send("\x03")
    terminal.wait_for("q leaves the console")


def test_ctrl_q_does_not_leave(terminal: Terminal) -> None:
    terminal.send("\x11")
    terminal.send("s")
    terminal.wait_for("Sort by")


def test_ctrl_z_without_a_shell_stops_nothing(terminal: Terminal) -> None:
    terminal.send("\x1a")
    terminal.wait_for("no shell")
    assert not terminal.is_stopped


def test_ctrl_z_below_a_script_that_the_login_began_with_stops_nothing(tmp_path: Path) -> None:
    with Watched(tmp_path, 120, 40, below=("/bin/sh", "-c", '"$@"; exit', "sh")).terminal as terminal:
        terminal.wait_for(f"1 all {len(PAST)}")
        terminal.wait_until_quiet()
        terminal.send("\x1a")
        terminal.wait_for("no shell")
        terminal.send("s")
        terminal.wait_for("Sort by")


async def test_the_notice_of_a_dropped_paste_does_not_stay(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "PASTE_NOTICE_S", 0.2)
    async with opened(profile) as console:
        console.app._report_dropped_paste()
        await console.sees(SAID)
        await console.until(lambda: SAID not in console.text)
        console.main.show_status("Something newer.")
        console.app._clear_status(app._PASTE_DROPPED)
        assert console.main.query_one("#status", StatusLine).sentence == "Something newer."


async def test_thousands_of_characters_without_brackets_are_typed_at_once(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "nora." * 700
    changes = 0

    def count(_form: RequestForm) -> None:
        nonlocal changes
        changes += 1

    async with opened(profile) as console:
        await console.press("n")
        monkeypatch.setattr(RequestForm, "_check", count)
        for key in KeyReader().feed(text):
            console.app.post_message(key)
        await console.until(lambda: console.field("email").value == text)
    assert changes < 100


def test_a_marked_paste_on_the_table_is_ignored_and_it_is_said(terminal: Terminal) -> None:
    terminal.send("\x1b[200~4delete all\x1b[201~")
    terminal.wait_for(SAID)
    assert not shows_failed_alone(terminal.screen_text())
