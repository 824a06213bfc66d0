"""Requests that wait for the verification of who asks: recorded, verified and sent, and never sent by anything else."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from bwp_tui.cli.commands import import_csv, service_operations, submit
from bwp_tui.cli.exit_codes import CommandError
from bwp_tui.cli.parser import parse
from bwp_tui.cli.support import bulk, days
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import utc_now
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings.profile import CONSOLE_SIZE_VARIABLE
from tests.cli.conftest import CREDENTIALS, Bwp
from tests.cli.test_repl import run_lines
from tests.pty_terminal import Terminal

ANOTHER_DAY = r"^Today is .* now\. Nothing was changed\.$"


def test_a_held_request_is_sent_only_once_it_is_verified(shop: Bwp, practice: Sandbox) -> None:
    held = shop("submit", "deletion", "jane@example.com", "--hold", "--json")
    assert (held.code, held.err) == (0, "")
    task = json.loads(held.out)
    assert (task["status"], task["task_id"], task["submitted_at"]) == ("RECEIVED", None, None)
    assert shop("run", "--once").code == 0
    waited = shop("wait", "1", "--json")
    assert (waited.code, json.loads(waited.out)["status"]) == (1, "RECEIVED")
    assert "not sent; what to do: bwp-tui show 1." in waited.err
    for command in (["resubmit", "1", "--yes"], ["send", "1", "--yes"], ["refresh", "1"]):
        refused = shop(*command)
        assert "#1" in refused.err
        assert not practice.state.starts
    assert "Verify the requester's identity (bwp-tui verify 1 --how TEXT), then" in shop("show", "1").out
    assert shop("verify", "1", "--how", "order 17").code == 0
    assert shop("send", "1").code == 2  # nobody is there to type the email of a deletion
    sent = shop("send", "1", "--yes", "--holding-period", "3", "--json")
    assert sent.code == 0
    (start,) = practice.state.starts
    assert (start.kind, start.email, json.loads(sent.out)["holding_period"]) == (Kind.DELETION, "jane@example.com", 3)
    assert (json.loads(sent.out)["status"], json.loads(sent.out)["task_id"]) == ("ON_HOLD", start.task_id)
    again = shop("send", "1", "--yes")
    assert (again.code, again.err) == (
        1,
        f"bwp-tui: Only a RECEIVED request can be sent; {start.task_id[:8]} is ON_HOLD.\n",
    )
    assert len(practice.state.starts) == 1


def test_what_is_only_received_again_is_not_said_to_delete(shop: Bwp) -> None:
    shop("submit", "deletion", "jane@example.com", "--hold")
    shop("cancel", "1", "--yes")
    with Terminal(shop.argv("resubmit", "1"), env=shop.env, columns=120) as terminal:
        text = terminal.wait_for("to confirm:")
        assert ("becomes RECEIVED, not sent yet" in text, "This deletes" in text) == (True, False)
        terminal.send("jane@example.com\r")
        assert terminal.wait() == 0


def test_whoever_sends_a_held_request_is_told_of_a_later_one_that_runs(shop: Bwp, practice: Sandbox) -> None:
    shop("submit", "deletion", "jane@example.com", "--hold")
    shop("submit", "deletion", "Jane@example.com", "--yes")
    assert "#2 (ON_HOLD) has the same email and kind" in shop("show", "1").out
    shop("verify", "1", "--how", "order 17")
    refused = shop("send", "1")
    assert "#2 (ON_HOLD) has the same email and kind" in refused.err
    assert len(practice.state.starts) == 1


def test_those_that_fit_a_filter_are_sent_after_a_plan(shop: Bwp, practice: Sandbox) -> None:
    for number in range(3):
        shop("submit", "retrieval", f"shopper{number}@example.com", "--hold")
    shop("verify", "1", "2", "--how", "order 17", "--yes")
    ended = shop("send", "--filter", "status:received", "--yes")
    assert ended.code == 0
    assert "2 to send: 2 retrievals RECEIVED, 1 skipped: not verified yet" in ended.err
    assert sorted(start.email for start in practice.state.starts) == ["shopper0@example.com", "shopper1@example.com"]
    assert [task["status"] for task in json.loads(shop("list", "status:received", "--json").out)] == ["RECEIVED"]


def test_a_file_is_imported_and_nothing_of_it_is_sent(shop: Bwp, practice: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "requests.csv"
    file.write_text("kind,email\ndeletion,bob@example.com\nretrieval,jane@example.com\n")
    ended = shop("import", str(file), "--hold")
    assert ended.code == 0, ended.err
    assert "RECEIVED and not sent" in ended.err
    assert shop("run", "--once").code == 0
    assert not practice.state.starts
    assert shop("import", str(file), "--hold").code == 1
    refused = shop("import", str(file), "--answers", "--hold")
    assert (refused.code, "--hold are for requests" in refused.err) == (2, True)
    listed = json.loads(shop("list", "--view", "received", "--json").out)
    assert [task["status"] for task in listed] == ["RECEIVED", "RECEIVED"]
    for command in re.findall("bwp-tui ((?:verify|send) [A-Za-z -]*)", ended.err):
        assert shop(*command.replace("TASK", "2").split()).code == 0
    assert [start.email for start in practice.state.starts] == ["jane@example.com"]


def test_a_held_request_needs_credentials_as_a_sent_one_does(bwp: Bwp) -> None:
    ended = bwp("submit", "retrieval", "jane@example.com", "--hold")
    assert (ended.code, "BWP_CLIENT_ID" in ended.err) == (2, True)
    assert bwp("submit", "retrieval", "jane@example.com", "--hold", env=CREDENTIALS).code == 0


def test_commands_are_advised_with_the_profile_of_the_option(bwp: Bwp) -> None:
    bwp.env |= CREDENTIALS
    other = ("--profile", "other")
    held = [bwp("submit", "deletion", "bob@example.com", "--hold", *other) for _ in range(2)]
    assert "see: bwp-tui --profile other show 1." in held[1].err
    assert "(bwp-tui --profile other verify 2 --how TEXT)" in bwp("show", "2", *other).out
    assert "; bwp-tui --profile other run or the console" in bwp("doctor", *other).out
    assert "(bwp-tui verify 2 --how TEXT)" in bwp("show", "2", env={"BWP_PROFILE": "other"}).out
    # What the console and plain mode run is of their profile anyway.
    assert "(bwp-tui verify 2 --how TEXT)" in bwp("show", "2", *other, env={CONSOLE_SIZE_VARIABLE: "80x24"}).out
    assert "(bwp-tui verify 2 --how TEXT)" in " ".join(bwp("--plain", *other, typed="show 2\n").out.split())


def test_a_held_request_that_is_late_even_if_it_is_sent_today_is_told(shop: Bwp) -> None:
    received = (utc_now() - timedelta(days=60)).date().isoformat()
    held = shop("submit", "retrieval", "jane@example.com", "--hold", "--received", received)
    assert (held.code, "after the due date" in held.err) == (0, True)


def test_plain_mode_has_it_too(bwp: Bwp) -> None:
    bwp.env |= CREDENTIALS
    assert bwp("submit", "retrieval", "jane@example.com", "--hold").code == 0
    greeting, verified, listed, *_ = run_lines(bwp, 'verify 1 --how "order 17"', "list status:received", "quit")
    assert "1 received (1 to verify, 0 to send)" in greeting
    assert "RECEIVED" in verified
    assert listed.startswith("Number 1, retrieval for j•••@example.com: RECEIVED, to send, ")


@pytest.fixture
def _answered_tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer each question to type something, correctly, on the day after it was asked."""

    def type_tomorrow(_question: str, _expected: str) -> None:
        tomorrow = utc_now() + timedelta(days=1)
        monkeypatch.setattr(days, "utc_now", lambda: tomorrow)

    for module in (bulk, service_operations, submit, import_csv):
        monkeypatch.setattr(module, "require_typed", type_tomorrow)


@pytest.mark.usefixtures("_answered_tomorrow")
@pytest.mark.parametrize("is_plan", [False, True])
def test_what_was_asked_about_yesterday_is_not_sent(shop: Bwp, monkeypatch: pytest.MonkeyPatch, is_plan: bool) -> None:
    shop("submit", "deletion", "bob@example.com", "--hold")
    shop("verify", "1", "--how", "order 17")
    for name, value in shop.env.items():
        monkeypatch.setenv(name, value)
    words = ["--filter", "status:received"] if is_plan else ["1"]
    with pytest.raises(CommandError, match=ANOTHER_DAY):
        service_operations.ask_service(parse(["send", *words]))
    assert json.loads(shop("show", "1", "--json").out)["status"] == "RECEIVED"


@pytest.mark.usefixtures("_answered_tomorrow")
@pytest.mark.parametrize("is_import", [False, True])
def test_what_was_asked_about_yesterday_is_not_recorded(
    shop: Bwp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_import: bool
) -> None:
    (tmp_path / "wave.csv").write_text("kind,email\ndeletion,bob@example.com\n")
    for name, value in shop.env.items():
        monkeypatch.setenv(name, value)
    words = ["import", str(tmp_path / "wave.csv")] if is_import else ["submit", "deletion", "bob@example.com"]
    record = import_csv.import_file if is_import else submit.submit
    with pytest.raises(CommandError, match=ANOTHER_DAY):
        record(parse(words))
    assert json.loads(shop("list", "--json").out) == []


@pytest.mark.usefixtures("_answered_tomorrow")
def test_answers_that_were_asked_about_yesterday_are_not_recorded(
    shop: Bwp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shop("submit", "retrieval", "jane@example.com", "--wait").code == 0
    (tmp_path / "answers.csv").write_text("number,how\n1,by letter\n")
    for name, value in shop.env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CommandError, match=ANOTHER_DAY):
        import_csv.import_file(parse(["import", "--answers", str(tmp_path / "answers.csv")]))
    assert json.loads(shop("show", "1", "--json").out)["answered"] is None
