"""No text of the service, of a shopper, of a colleague or of the environment steers the operator's terminal."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, TaskError
from bwp_tui.sandbox import graphql, sandbox_state
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.sandbox.task_outcomes import TaskOutcome
from tests.e2e.operator import ENTER, ESCAPE, SMALL, WIDE, Operator, end, on_current_row, submit_retrieval
from tests.pty_terminal import Terminal
from tests.store import single

HOSTILE = (
    "\x1b]52;c;aGFja2Vk\x07"  # writes the clipboard
    "\x1b]0;owned\x07"  # sets the title
    "\x1b[31;5mred\x1b[2J\x1b[9;9H"  # blinks, wipes the screen, moves
    "\x1b[6n\x1bP+q544e\x1b\\"  # has the terminal type an answer
    "\x9b41m\x9d0;owned\x9c\x85"  # the same as C1
    "\u202egpj.exe\u2066\u200b\ufeff"  # turns the reading direction, hides
    "[/nope][bold red]markup[@click=app.quit]x[/]\r\x08\x7f"
)

ERASED = b"\x1b[m\x1b[H\x1b[2J"
"""What the console sends itself before it leaves its screen."""

ARRIVED = (
    b"\x1b]52",
    b"\x1b]0;",
    b"\x1b[31;5m",
    b"\x1b[2J",
    b"\x1b[9;9H",
    b"\x1bP+q",
    *(character.encode() for character in "\x9b\x9d\x9c\x85\u202e\u2066\u200b\ufeff"),
    b"\x08",
    b"\x7f",
)
"""What must not be among the bytes sent. Textual sends none of them by itself."""


@pytest.fixture(autouse=True)
def every_retrieval_fails_with_hostile_words(monkeypatch: pytest.MonkeyPatch) -> None:
    fate = TaskOutcome(timedelta(seconds=1), Status.FAILED, (TaskError(f"CODE{HOSTILE}", f"Message {HOSTILE} ends"),))
    monkeypatch.setattr(sandbox_state, "outcome_of", lambda *_: fate)


def visit_every_screen(terminal: Terminal) -> None:
    """Open everything there is to open on the task under the cursor."""
    before = ""
    for keys, shown in (
        ("m", "masked"),
        (ENTER, "1 overview"),
        ("2", "Message"),
        ("3", "recorded"),
        ("4", "accepted"),
        ("5", "No notes yet"),
        (ESCAPE, "EMAIL"),
        ("H", "Submissions and cancellations"),
        (ESCAPE, "EMAIL"),
        ("e", "Note on"),
        (ESCAPE, "CODE"),
        ("?", "[keys] table"),
        ("q", "CODE"),
        (":", "tab complete"),
        (ESCAPE, "CODE"),
        ("\x10", "enter run"),
        (ESCAPE, "CODE"),
        ("R", "Resubmit the retrieval"),
        ("n", "CODE"),
        ("n", "Received on"),
        (ESCAPE, "CODE"),
        ("/CODE", "/ CODE"),
        (ENTER, "CODE"),
        ("f", "CODE"),
        ("T", "Theme"),
    ):
        terminal.send(keys)
        closes = keys in (ESCAPE, "q")
        terminal.wait_for(lambda screen: shown in screen and not (closes and before in screen))  # noqa: B023  called at once
        terminal.wait_until_quiet(quiet=0.4)
        before = shown


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x40", "80x24"])
def test_hostile_words_of_the_service_reach_no_screen(shop: Operator, size: tuple[int, int]) -> None:
    with shop.console(size) as terminal:
        terminal.wait_for("engine here")
        submit_retrieval(terminal, "jane@example.com")
        terminal.wait_for(on_current_row("FAILED"))
        terminal.wait_for("CODE\\x1b]52")
        visit_every_screen(terminal)
        assert end(terminal) == 0
        written = terminal.bytes_since().replace(ERASED, b"")
    assert [sequence for sequence in ARRIVED if sequence in written] == []


def test_hostile_words_of_colleagues_reach_no_screen(shop: Operator) -> None:
    submitted = shop(
        "submit",
        "deletion",
        "jane@example.com",
        "--yes",
        *(word for option in ("--reason", "--note", "--tag") for word in (option, f"CODE{HOSTILE}")),
        env={"LOGNAME": "op\x1b]0;owned\x07", "SSH_CONNECTION": "\x1b[2J 1 2 3"},
    )
    assert submitted.code == 0, submitted.err
    assert not any(character in submitted.out + submitted.err for character in HOSTILE if not character.isprintable())
    store = shop.store()
    single.set_note(store, 1, f"CODE{HOSTILE}", "op")
    store.close()
    with shop.console() as terminal:
        terminal.wait_for("CODE\\x1b]52")
        terminal.send(ENTER)
        terminal.wait_until_quiet()
        terminal.send("e")
        terminal.wait_for("Note on")
        terminal.wait_for("Reason")
        terminal.wait_until_quiet()
        written = terminal.bytes_since().replace(ERASED, b"")
    assert [sequence for sequence in ARRIVED if sequence in written] == []


def test_a_status_with_hostile_words_is_shown_harmless(
    shop: Operator, practice: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = graphql._task_fields
    monkeypatch.setattr(graphql, "_task_fields", lambda task: {**honest(task), "status": f"NEW{HOSTILE}"})
    task_id = practice.state.start(Kind.RETRIEVAL, "jane@example.com")
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        assert shop("track", "retrieval", task_id).code == 0
        terminal.wait_for("NEW\\x1b]52")
        terminal.wait_until_quiet()
        written = terminal.bytes_since().replace(ERASED, b"")
    assert [sequence for sequence in ARRIVED if sequence in written] == []


def test_pasted_control_characters_are_never_echoed(shop: Operator) -> None:
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        mark = terminal.mark()
        terminal.send("n")
        terminal.wait_for("Received on")
        terminal.send("\x1b[200~evil" + HOSTILE.replace("\x1b", "") + "@example.com\x1b[201~")
        terminal.wait_for("which the service does not take")
        terminal.wait_until_quiet()
        written = terminal.bytes_since(mark)
    assert [sequence for sequence in ARRIVED if sequence in written] == []
