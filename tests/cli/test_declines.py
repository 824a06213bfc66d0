"""Declines and appeals on the command line and in plain mode."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.sandbox.server import Sandbox
from tests.cli.conftest import CREDENTIALS, Bwp
from tests.cli.test_repl import run_lines


@pytest.fixture
def office(bwp: Bwp) -> Bwp:
    bwp.env |= CREDENTIALS
    assert bwp("submit", "retrieval", "jane@example.com", "--hold", "--regulation", "us-co").code == 0
    return bwp


def test_a_request_is_declined_appealed_and_the_appeal_answered(office: Bwp) -> None:
    ended = office("decline", "1", "--reason", "not-verified", "--text", "no reply to our letter", "--json")
    assert ended.code == 0, ended.err
    task = json.loads(ended.out)
    assert (task["status"], task["appeal"]) == ("DECLINED", None)
    today = task["declined"]["on"]
    assert task["declined"] == {"on": today, "reason": "not_verified", "text": "no reply to our letter"}
    appealed = json.loads(office("appeal", "1", "--received", today, "--json").out)
    due = str(date.fromisoformat(today) + timedelta(days=45))
    assert appealed["appeal"] == {"received_on": today, "due_on": due, "answered_on": None, "upheld": None}
    assert appealed["due_on"] == due
    assert [task["id"] for task in json.loads(office("list", "is:unanswered", "--json").out)] == [1]
    answered = json.loads(office("appeal", "1", "--answered", today, "--upheld", "no", "--json").out)
    assert (answered["appeal"]["answered_on"], answered["appeal"]["upheld"]) == (today, False)
    shown = office("show", "1").out
    assert "not_verified: no reply to our letter" in shown
    assert f"received on {today}, answered on {today}, not upheld" in shown
    assert json.loads(office("evidence", "1", "--json").out)["decline_reason"] == "not_verified"
    assert office("appeal", "1", "--withdraw", "--yes").code == 0
    assert json.loads(office("decline", "1", "--withdraw", "--yes", "--json").out)["status"] == "RECEIVED"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["decline", "1", "--reason", "rude", "--text", "x"], 2, "Give one of the reasons: not_verified, exempt"),
        (["decline", "1"], 2, "Give --reason and --text, or else --withdraw."),
        (["decline", "1", "--reason", "fraud"], 2, "Give --text too."),
        (["decline", "1", "--reason", "fraud", "--text", "x", "--on", "2999-01-01"], 2, "in the future"),
        (["decline", "1", "--reason", "fraud", "--text", "x", "--on", "2020-01-01"], 1, "was received on"),
        (["appeal", "1", "--received", "2026-01-01"], 1, "Only a declined request"),
        (["appeal", "1"], 2, "Give --received or --upheld or --answered, or else --withdraw."),
        (["appeal", "1", "--upheld", "perhaps"], 2, "Answer yes or no"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_recorded(office: Bwp, words: list[str], code: int, told: str) -> None:
    before = office("show", "1").out
    ended = office(*words)
    assert ended.code == code, ended.err
    assert told in ended.err
    assert "Traceback" not in ended.err
    assert office("show", "1").out.split("timeline")[1] == before.split("timeline")[1]


def test_a_deletion_on_hold_is_cancelled_at_the_service_and_then_declined(shop: Bwp, practice: Sandbox) -> None:
    assert shop("submit", "deletion", "bob@example.com", "--yes").code == 0
    unasked = shop("decline", "1", "--reason", "exempt", "--text", "an open invoice")
    assert (unasked.code, "--yes" in unasked.err) == (2, True)
    assert json.loads(shop("show", "1", "--json").out)["cancelling"] is False
    ended = shop("decline", "1", "--reason", "exempt", "--text", "an open invoice", "--yes", "--json")
    assert (ended.code, json.loads(ended.out)["status"]) == (0, "DECLINED")
    task = json.loads(shop("show", "1", "--json").out)
    assert (task.get("task") or task)["status"] == "DECLINED"
    assert len(practice.state.starts) == 1


def test_a_decline_whose_cancellation_is_not_sent_says_so(shop: Bwp, practice: Sandbox) -> None:
    assert shop("submit", "deletion", "bob@example.com", "--yes").code == 0
    practice.faults.set("down")
    ended = shop("decline", "1", "--reason", "exempt", "--text", "an open invoice", "--yes")
    assert ended.code == ExitCode.TRY_LATER
    assert "bwp-tui run" in ended.err
    assert "decline" in ended.err
    evidence = json.loads(shop("evidence", "1", "--json").out)
    assert (evidence["status"], evidence["declined_on"]) == ("ON_HOLD", None)
    practice.faults.clear()
    shop("wait", "1", "--timeout", "60")
    assert json.loads(shop("show", "1", "--json").out)["status"] == "DECLINED"
    assert json.loads(shop("evidence", "1", "--json").out)["declined_on"]


def test_a_decline_without_credentials_says_that_it_is_recorded(shop: Bwp) -> None:
    assert shop("submit", "deletion", "bob@example.com", "--yes").code == 0
    ended = shop(
        *("decline", "1", "--reason", "exempt", "--text", "an open invoice", "--yes"), env={"BWP_CLIENT_SECRET": ""}
    )
    assert ended.code == ExitCode.USAGE
    assert "recorded" in ended.err
    assert json.loads(shop("show", "1", "--json").out)["cancelling"] is True


def test_plain_mode_has_both(office: Bwp) -> None:
    _, declined, listed, *_ = run_lines(office, 'decline 1 --reason fraud --text "not ours"', "list", "quit")
    assert "DECLINED" in declined
    assert "DECLINED" in listed
    assert "fraud: not ours" in listed
