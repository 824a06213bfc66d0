"""Submitting, tracking, cancelling and submitting again, against the practice API and its state."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.domain.filter import Filter
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import local_day, utc_now
from bwp_tui.sandbox.sandbox_state import NotOnHoldError
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.queries import tasks, timeline
from tests.cli.conftest import USER, Bwp, Ended, variables
from tests.pty_terminal import Terminal
from tests.waiting import PATIENCE_S

FIELDS = [
    "id",
    "task_id",
    "kind",
    "email",
    "status",
    "cancelling",
    "open",
    "trouble",
    "errors",
    "submitted_at",
    "updated_at",
    "finished_at",
    "received_on",
    "due_on",
    "stopped_since",
    "due_if_replied_today",
    "done_by",
    "late",
    "regulation",
    "holding_period",
    "reason",
    "note",
    "tags",
    "assigned_to",
    "verified",
    "inquired_on",
    "replied_on",
    "extended_on",
    "acknowledged_on",
    "answered",
    "declined",
    "appeal",
    "resubmit_of",
    "resubmitted_as",
    "earlier",
    "purged_at",
    "download",
]
NOWHERE = {"BWP_TOKEN_URL": "http://127.0.0.1:9/token", "BWP_API_URL": "http://127.0.0.1:9/graphql"}


def recorded(bwp: Bwp) -> int:
    """How many tasks the history holds."""
    if not (bwp.folder / "history.db").exists():
        return 0
    store = bwp.store()
    try:
        return tasks.count(store, Filter(), today=datetime.now(UTC).date())
    finally:
        store.close()


def is_one_sentence(ended: Ended) -> bool:
    """Whether stderr is one line of this program's."""
    return ended.err.startswith("bwp-tui") and ended.err.count("\n") == 1 and "Traceback" not in ended.err


def test_a_submitted_request_is_at_the_service_once_and_printed_with_its_task_id(shop: Bwp, practice: Sandbox) -> None:
    ended = shop("submit", "retrieval", "jane@example.com", "--note", "VIP", "--tag", "phone", "--json")
    assert (ended.code, ended.err) == (0, "")
    task = json.loads(ended.out)
    start = practice.state.starts[0]
    assert len(practice.state.starts) == 1
    assert (start.task_id, start.kind, start.email) == (task["task_id"], Kind.RETRIEVAL, "jane@example.com")
    assert (task["id"], task["kind"], task["status"]) == (1, "RETRIEVAL", "IN_PROGRESS")
    assert (task["note"], task["tags"], task["download"]) == ("VIP", ["phone"], None)
    assert list(task) == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", task["submitted_at"])


def test_the_line_of_a_submitted_task_masks_the_address(shop: Bwp) -> None:
    ended = shop("submit", "retrieval", "jane@example.com")
    assert re.fullmatch(r"#1  [0-9a-f-]{36}  retrieval  j•••@example\.com  IN_PROGRESS\n", ended.out)


def test_the_timeline_says_who_asked_and_from_where(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com", env={"SSH_CONNECTION": "10.0.0.7 1 10.0.0.1 22"})
    store = shop.store()
    assert timeline.of_task(store, 1)[0].actor == f"{USER} (from 10.0.0.7)"
    store.close()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["retrieval", "jane@example"], "“jane@example” is not an email address"),
        (["deletion", "a@b.de", "--holding-period", "181", "--yes"], "0 to 180 days, not 181"),
        (["deletion", "a@b.de", "--holding-period", "-1", "--yes"], "0 to 180 days, not -1"),
        (["deletion", "a@b.de", "--regulation", "none"], "--yes"),
    ],
)
def test_a_request_with_a_mistake_is_refused_before_anything_is_recorded(
    shop: Bwp, practice: Sandbox, words: list[str], told: str
) -> None:
    ended = shop("submit", *words)
    assert ended.code == 2
    assert told in ended.err
    assert "Nothing was" in ended.err
    assert is_one_sentence(ended)
    assert (recorded(shop), practice.state.starts) == (0, [])


def test_a_deletion_that_may_end_late_is_warned_of_with_the_longest_hold_that_fits(shop: Bwp) -> None:
    ended = shop("submit", "deletion", "bob@example.com", "--yes", "--holding-period", "20")
    assert ended.code == 0
    assert re.search(
        r"Warning: this may take until \d{4}-.*after the due date .*§1798.* --holding-period 15 would", ended.err
    )
    quiet = shop("submit", "deletion", "eve@example.com", "--yes")
    assert (quiet.code, quiet.err) == (0, "")


def test_a_deletion_without_a_hold_gets_that_of_the_profile(shop: Bwp) -> None:
    ended = shop("submit", "deletion", "bob@example.com", "--yes", "--json", env={"BWP_HOLDING_PERIOD": "6"})
    assert json.loads(ended.out)["holding_period"] == 6


def test_it_is_said_that_the_only_hold_that_fits_leaves_no_time_to_cancel(shop: Bwp) -> None:
    received = (local_day(utc_now()) - timedelta(days=15)).isoformat()
    ended = shop("submit", "deletion", "bob@example.com", "--yes", "--received", received)
    assert ended.code == 0
    assert "--holding-period 0 would end by then, but could not be cancelled" in ended.err


def test_the_regulation_is_the_profiles_unless_the_request_names_one(shop: Bwp) -> None:
    cases: tuple[tuple[list[str], dict[str, str], str], ...] = (
        ([], {}, "us-ca"),
        ([], {"BWP_REGULATION": "Oregon"}, "us-or"),
        (["--regulation", "Texas"], {"BWP_REGULATION": "us-or"}, "us-tx"),
    )
    for words, env, id in cases:
        ended = shop("submit", "retrieval", f"{id}@example.com", *words, "--json", env=env)
        assert json.loads(ended.out)["regulation"] == id
    wrong = shop("submit", "retrieval", "jane@example.com", "--regulation", "tx")
    assert (wrong.code, "“tx” is no regulation" in wrong.err, is_one_sentence(wrong)) == (2, True, True)


def test_a_receipt_from_before_the_law_is_warned_of_and_recorded(shop: Bwp, practice: Sandbox, tmp_path: Path) -> None:
    facts = ["--received", "2025-12-31", "--regulation", "us-in"]
    file = tmp_path / "requests.csv"
    file.write_text("kind,email,received,regulation\naccess,eve@example.com,2025-12-31,Indiana\n", encoding="utf-8")
    task_id = practice.state.start(Kind.RETRIEVAL, "joe@example.com")
    commands = (
        ["submit", "retrieval", "jane@example.com", *facts],
        ["track", "retrieval", task_id, *facts],
        ["import", str(file)],
    )
    for number, words in enumerate(commands, start=1):
        ended = shop(*words)
        assert (ended.code, "in force from 2026-01-01" in ended.err, recorded(shop)) == (0, True, number)


def test_a_second_request_for_the_same_address_is_told_and_sent(shop: Bwp, practice: Sandbox) -> None:
    shop("submit", "retrieval", "jane@example.com")
    ended = shop("submit", "retrieval", "JANE@example.com")
    assert ended.code == 0
    assert "#1 has the same email and kind" in ended.err
    assert len(practice.state.starts) == 2


def test_without_credentials_nothing_is_recorded(bwp: Bwp) -> None:
    ended = bwp("submit", "retrieval", "jane@example.com")
    assert ended.code == 2
    assert "BWP_CLIENT_ID, BWP_CLIENT_SECRET, BWP_TARGET_ID" in ended.err
    assert is_one_sentence(ended)
    assert recorded(bwp) == 0


def test_a_read_only_profile_sends_nothing(shop: Bwp, practice: Sandbox) -> None:
    ended = shop("submit", "retrieval", "jane@example.com", env={"BWP_READ_ONLY": "1"})
    assert ended.code == 2
    assert "read-only" in ended.err
    assert (recorded(shop), practice.state.starts) == (0, [])


def test_an_unreachable_service_leaves_the_request_queued_and_the_next_engine_sends_it(
    shop: Bwp, practice: Sandbox
) -> None:
    ended = shop("submit", "retrieval", "jane@example.com", env=NOWHERE)
    assert ended.code == 3
    assert "QUEUED" in ended.out
    assert "#1 is recorded and not submitted yet" in ended.err
    assert is_one_sentence(ended)
    store = shop.store()
    with store.write() as transaction:  # the wait that a failure asks for is over
        transaction.run("UPDATE intents SET not_before = ?", (transaction.now_text,))
    store.close()
    assert shop("run", "--once").code == 0
    assert [start.email for start in practice.state.starts] == ["jane@example.com"]


def test_refused_credentials_are_a_matter_of_the_settings(shop: Bwp) -> None:
    ended = shop("submit", "retrieval", "jane@example.com", env={"BWP_CLIENT_SECRET": "not-the-secret"})
    assert ended.code == 2
    assert "not-the-secret" not in ended.out + ended.err
    assert is_one_sentence(ended)


def test_an_answer_that_is_lost_makes_no_second_task(shop: Bwp, practice: Sandbox) -> None:
    practice.faults.set("lost-answer", times=1)
    ended = shop("submit", "retrieval", "jane@example.com")
    assert ended.code in (0, 3)
    shop("run", "--once")
    assert len(practice.state.starts) == 1


def test_a_request_that_the_service_refuses_is_rejected_in_its_words(shop: Bwp, practice: Sandbox) -> None:
    ended = shop("submit", "retrieval", "jane@example.com", env={"BWP_API_VERSION": "2020-01-01"})
    assert ended.code == 1
    assert "REJECTED" in ended.out
    assert "The service refused the request" in ended.err
    assert practice.state.starts == []


def test_a_tracked_task_is_filled_in_from_the_service(shop: Bwp, practice: Sandbox) -> None:
    known = practice.state.start(Kind.DELETION, "bob@example.com", holding_period=7)
    ended = shop("track", "deletion", known, "--json")
    assert ended.code == 0
    task = json.loads(ended.out)
    assert (task["task_id"], task["email"], task["status"], task["holding_period"]) == (
        known,
        "bob@example.com",
        "ON_HOLD",
        7,
    )
    assert "The day of receipt is taken to be today" in ended.err
    assert "bwp-tui correct 1 --received DATE" in ended.err
    again = shop("track", "deletion", known)
    assert (again.code, "already, as #1" in again.err) == (1, True)


@pytest.mark.parametrize("given", [[], ["--received", "yesterday"]])
def test_a_tracked_task_was_received_by_the_day_of_its_submission(
    shop: Bwp, practice: Sandbox, monkeypatch: pytest.MonkeyPatch, given: list[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(practice.state, "_clock", lambda: utc_now() - timedelta(days=9))
        known = practice.state.start(Kind.RETRIEVAL, "bob@example.com")
    ended = shop("track", "retrieval", known, *given, "--json")
    task = json.loads(ended.out)
    submitted_on = str(local_day(datetime.fromisoformat(task["submitted_at"])))
    assert task["received_on"] == submitted_on
    assert f"The day of receipt is taken to be that of its submission, {submitted_on}," in ended.err
    assert shop("evidence", "--verify").code == 0


def test_a_tracked_task_that_the_service_does_not_know_is_not_found(shop: Bwp) -> None:
    ended = shop("track", "retrieval", "30b5e1a2-0000-4000-8000-000000000000")
    assert ended.code == 4
    assert is_one_sentence(ended)
    assert json.loads(shop("list", "--json").out)[0]["status"] == "QUEUED", "one answer may be a slip"
    given_up = shop("settle", "1", "--give-up", "a typo")
    assert (given_up.code, "stays open" in given_up.err) == (0, True)
    assert json.loads(shop("list", "--json").out)[0]["status"] == "GIVEN_UP"
    assert json.loads(shop("report", "--from", "2000-01-01", "--to", "2999-12-31", "--json").out)["requests"] == []
    assert "Not counted: 1 task" in shop("report", "--from", "2000-01-01", "--to", "2999-12-31").err
    assert len(json.loads(shop("list", "is:open", "--json").out)) == 1
    assert shop("answer", "1", "--how", "a typo: nobody waits").code == 0
    assert json.loads(shop("list", "is:open", "--json").out) == []


def test_the_own_task_id_of_a_given_up_request_is_asked_for_again(shop: Bwp) -> None:
    unknown = "30b5e1a2-0000-4000-8000-000000000000"
    shop("track", "retrieval", unknown)
    shop("settle", "1", "--give-up", "a typo")
    ended = shop("settle", "1", "--task-id", unknown)
    assert (ended.code, "is UNCONFIRMED" in ended.err) == (4, True)


@pytest.mark.parametrize("given_up", [False, True])
def test_a_task_that_was_tracked_as_the_wrong_kind_can_be_tracked_as_the_right_one(
    shop: Bwp, practice: Sandbox, given_up: bool
) -> None:
    known = practice.state.start(Kind.RETRIEVAL, "ann@example.com")
    given = ("--received", "yesterday", "--regulation", "us-fl")
    assert "Check the profile, the kind and the id" in shop("track", "deletion", known, *given).err
    if given_up:
        assert shop("settle", "1", "--give-up", "a retrieval").code == 0
        assert shop("answer", "1", "--how", "nobody waits").code == 0
    ended = shop("track", "retrieval", known, "--json")
    assert (ended.code, "bwp-tui answer 1 --how" in ended.err) == (0, not given_up)
    tracked, mistaken = json.loads(shop("list", "--json").out)
    assert (tracked["task_id"], tracked["kind"], tracked["email"]) == (known, "RETRIEVAL", "ann@example.com")
    assert (mistaken["task_id"], mistaken["status"]) == (None, "GIVEN_UP")
    day = mistaken["received_on"]
    assert (tracked["received_on"], tracked["regulation"]) == (day, "us-fl")
    assert f"The day of receipt is taken to be that of #1, {day}, under us-fl; " in ended.err
    assert shop("evidence", "--verify").code == 0
    [line] = json.loads(shop("report", "--from", "2000-01-01", "--to", "2999-12-31", "--json").out)["requests"]
    assert (line["kind"], line["received"]) == ("RETRIEVAL", 1)
    again = shop("track", "deletion", known)
    assert (again.code, "already, as #2" in again.err) == (1, True)


def test_a_mistyped_task_id_is_corrected(shop: Bwp, practice: Sandbox) -> None:
    shop("track", "retrieval", "30b5e1a2-0000-4000-8000-000000000000")
    right = practice.state.start(Kind.RETRIEVAL, "ann@example.com")
    assert shop("settle", "1", "--task-id", "30b5e1a2-0000-4000-8000-000000000001").code == 4
    assert shop("settle", "1", "--task-id", right).code == 0
    assert json.loads(shop("list", "--json").out)[0]["task_id"] == right


def test_the_beginning_of_a_task_id_in_the_history_is_no_task_id(shop: Bwp) -> None:
    task = json.loads(shop("submit", "retrieval", "ann@example.com", "--json").out)
    ended = shop("track", "retrieval", task["task_id"][:13].upper())
    assert ended.code == 1
    assert "is only the beginning of the task id of #1" in ended.err
    for beginning in (task["task_id"][:8], "30b5e1a2"):  # as lists show it, whether the history knows it or not
        ended = shop("track", "retrieval", beginning)
        assert (ended.code, is_one_sentence(ended)) == (2, True)
        assert "give the whole task ID" in ended.err
    assert recorded(shop) == 1


@pytest.mark.parametrize("fault", ["throttled-400", "bad-request", "unclassified", "html"])
def test_a_cancellation_outlives_a_moments_refusal(shop: Bwp, practice: Sandbox, fault: str) -> None:
    shop("submit", "deletion", "bob@example.com", "--yes")
    practice.faults.set(fault, times=1)
    assert shop("cancel", "1", "--yes").code == 0
    assert practice.faults.hit_counts[fault] == 1


def test_a_refused_cancellation_says_why(shop: Bwp, practice: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_late(_task_id: str) -> None:
        raise NotOnHoldError(Status.IN_PROGRESS)

    monkeypatch.setattr(practice.state, "cancel", too_late)
    for number in "12":
        shop("submit", "deletion", f"bob{number}@example.com", "--yes")
    ended = shop("cancel", "1", "--yes")
    assert (ended.code, "status of IN_PROGRESS" in ended.err) == (1, True)
    ended = shop("cancel", "1", "2", "--yes")
    assert (ended.code, ended.err.count("status of IN_PROGRESS")) == (1, 2)


@pytest.mark.parametrize("fault", ["down", "lost-answer"])
def test_a_cancellation_that_waits_is_in_every_output(shop: Bwp, practice: Sandbox, fault: str) -> None:
    shop("submit", "deletion", "jane@example.com", "--holding-period", "9", "--yes")
    if fault == "down":
        practice.stop()
    else:
        practice.faults.set(fault, times=1)
    ended = shop("cancel", "1", "--yes", "--json")
    assert ended.code == 3
    assert "not confirmed yet" in ended.err
    practice.start()
    (listed,) = json.loads(shop("list", "--json").out)
    shown = json.loads(shop("show", "1", "--json").out)
    exported = json.loads(shop("export", "--format", "jsonl", "-").out)
    for record in (json.loads(ended.out), listed, shown, exported):
        assert (record["status"], record["cancelling"]) == ("ON_HOLD", True)
        assert record["trouble"]
    (row,) = csv.DictReader(io.StringIO(shop("export", "-").out))
    assert (row["cancelling"], row["trouble"]) == ("yes", listed["trouble"])
    assert "ON_HOLD, cancelling, " in shop("list", "--sentences").out
    assert listed["trouble"] in shop("list", "--sentences").out


def test_a_held_deletion_is_cancelled_and_stays_so(shop: Bwp, practice: Sandbox) -> None:
    shop("submit", "deletion", "bob@example.com", "--yes")
    assert shop("cancel", "1").code == 2  # no one can be asked
    ended = shop("cancel", "1", "--yes", "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["status"] == "CANCELLED"
    assert practice.state.calls["cancelPersonalDataDeletionTask"] == 1
    again = shop("cancel", "1", "--yes")
    assert (again.code, is_one_sentence(again)) == (1, True)


def test_what_cannot_be_cancelled_says_why(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com")
    ended = shop("cancel", "1", "--yes")
    assert ended.code == 1
    assert "A retrieval runs at once and cannot be cancelled" in ended.err


def test_a_failed_task_is_submitted_again_as_a_new_one_with_another_token(shop: Bwp, practice: Sandbox) -> None:
    shop("submit", "retrieval", "nobody@example.com")
    assert shop("wait", "1", "--timeout", "40").code == 1
    shown = shop("show", "1").out
    assert "DATA_SUBJECT_NOT_FOUND" in shown
    ended = shop("resubmit", "1", "--json")
    assert (ended.code, json.loads(ended.out)["id"]) == (0, 2)
    first, second = practice.state.starts
    assert first.client_token != second.client_token
    assert first.task_id != second.task_id
    once_more = shop("resubmit", "1")
    assert (once_more.code, "resubmitted already, as #2" in once_more.err) == (1, True)


def test_the_commands_advised_for_an_unknown_shopper_need_no_other_options_than_they_show(shop: Bwp) -> None:
    received = str(local_day(utc_now()) - timedelta(days=9))
    shop("submit", "retrieval", "nobody@example.com", "--received", received, "--regulation", "us-co")
    assert shop("wait", "1", "--timeout", "40").code == 1
    submit, decline, _answer = re.findall(r"\(bwp-tui ([^)]*)\)", " ".join(shop("show", "1").out.split()))
    assert shop(*submit.replace("EMAIL", "jane@example.com").split()).code == 0
    assert shop(*decline.replace("REASON", "not_a_shopper").replace("TEXT", "unknown").split()).code == 0
    old, new = (json.loads(shop("show", number, "--json").out) for number in ("1", "2"))
    assert old["status"] == "DECLINED"
    assert [new[field] for field in ("kind", "received_on", "regulation")] == ["RETRIEVAL", received, "us-co"]


def test_a_deletion_is_resubmitted_only_once_confirmed(shop: Bwp, practice: Sandbox) -> None:
    shop("submit", "deletion", "nobody@example.com", "--holding-period", "0", "--yes")
    assert shop("wait", "1", "--timeout", "40").code == 1
    refused = shop("resubmit", "1")
    assert (refused.code, recorded(shop)) == (2, 1)
    assert "use --yes to confirm. Nothing was changed." in refused.err
    assert shop("resubmit", "1", "--yes").code == 0
    assert len(practice.state.starts) == 2


def test_a_deletion_asks_for_the_address_on_a_terminal(shop: Bwp, practice: Sandbox) -> None:
    argv = shop.argv("submit", "deletion", "bob@example.com")
    with Terminal(argv, env=shop.env, columns=120) as terminal:
        terminal.wait_for("to confirm:")
        terminal.send("bob@example.org\r")
        terminal.wait_for("Aborted: the confirmation did not match.")
        assert terminal.wait() == 1
    assert (recorded(shop), practice.state.starts) == (0, [])
    with Terminal(argv, env=shop.env, columns=120) as terminal:
        terminal.wait_for("to confirm:")
        terminal.send("bob@example.com\r")
        terminal.wait_for("ON_HOLD")
        assert terminal.wait() == 0
    assert len(practice.state.starts) == 1


def interrupted(shop: Bwp, reached: str, *words: str) -> Ended:
    """Run a command, interrupt it once the query `reached` finds a row, and return how it ended."""
    process = subprocess.Popen(
        shop.argv(*words), env=shop.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    store = shop.store()
    while store.row(reached.format(pid=process.pid)) is None:
        assert process.poll() is None
    store.close()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    return Ended(process.returncode, out, err)


def test_an_interrupted_wait_says_how_many_tasks_go_on(shop: Bwp, practice: Sandbox) -> None:
    practice.state.add_past_tasks(())
    shop("submit", "retrieval", "slow@example.com")
    ended = interrupted(shop, "SELECT 1 FROM engine WHERE pid = {pid}", "wait", "1")
    assert ended.code == ExitCode.INTERRUPTED
    assert ended.err.startswith("bwp-tui: Interrupted. 1 task not finished")
    assert recorded(shop) == 1


@pytest.mark.parametrize(
    ("action", "words", "sentence"),
    [
        ("submit", ("submit", "deletion", "jane@example.com", "--yes"), "Request #2 is recorded"),
        ("cancel", ("cancel", "1", "--yes"), "The cancellation of #1 is recorded"),
    ],
)
def test_an_interrupted_command_names_what_is_recorded(
    bwp: Bwp, action: str, words: tuple[str, ...], sentence: str
) -> None:
    with Sandbox(slow_s=PATIENCE_S) as practice:
        bwp.env |= variables(practice)
        bwp("submit", "deletion", "bob@example.com", "--holding-period", "9", "--yes")
        practice.faults.set("slow")
        sent = f"SELECT 1 FROM intents WHERE action = '{action}' AND state = 'waiting' AND attempts > 0"
        ended = interrupted(bwp, sent, *words)
    assert ended.code == ExitCode.INTERRUPTED
    assert sentence in ended.err
    assert is_one_sentence(ended)
