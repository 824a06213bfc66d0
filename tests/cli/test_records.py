"""Notes, tags, hands, verification, deadlines, views, and doing one thing to many tasks from the command line."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from bwp_tui.domain.task import KIND_UNKNOWN
from bwp_tui.domain.times import local_day, utc_now
from bwp_tui.sandbox.server import Sandbox
from tests.cli.conftest import CREDENTIALS, USER, Bwp
from tests.cli.test_submit import recorded
from tests.pty_terminal import Terminal
from tests.store.support import in_status


def _csv(bwp: Bwp, *lines: str) -> str:
    file = bwp.data.parent / "requests.csv"
    file.write_text("\n".join(("kind,email,regulation", *lines)), encoding="utf-8")
    return str(file)


@pytest.fixture
def office(bwp: Bwp) -> Bwp:
    """A history with three requests that nobody has sent."""
    file = _csv(bwp, "access,jane@example.com,ccpa", "erase,bob@example.com,gdpr", "access,eve@example.com,none")
    assert bwp("import", file, "--yes").code == 2, "without credentials nobody knows for which shop"
    assert not bwp.data.exists()
    assert bwp("import", file, "--yes", env=CREDENTIALS).code == 0
    return bwp


def test_a_note_is_added_to_each_task_that_is_named(office: Bwp) -> None:
    ended = office("note", "1", "2", "left a message", "--json")
    assert [task["note"] for task in json.loads(ended.out)] == ["left a message", "left a message"]
    assert office("note", "1", "").code == 1


def test_work_on_a_task_is_in_its_json_and_on_its_timeline(office: Bwp) -> None:
    for words in (
        ["note", "1", "left a message"],
        ["tag", "1", "+vip", "+x"],
        ["tag", "1", "-x"],
        ["verify", "1", "--how", "order details", "--by", "jane", "--on", "2026-01-02", "--yes"],
        ["assign", "1", "jane"],
        ["extend", "1", "--reason", "complex"],
        ["acknowledge", "1"],
    ):
        ended = office(*words, "--json")
        assert (ended.code, ended.err) == (0, "")
    task = json.loads(ended.out)
    assert (task["note"], task["tags"], task["assigned_to"]) == ("left a message", ["vip"], "jane")
    assert task["verified"] == {"on": "2026-01-02", "by": "jane", "how": "order details"}
    assert task["extended_on"] == task["acknowledged_on"] is not None
    shown = office("show", "1").out
    for line in (
        f"note by {USER}: left a message",
        f"verified by {USER}: on 2026-01-02 by jane: order details",
        f"by {USER}: complex",
    ):
        assert line in shown


def test_what_is_recorded_is_recorded_for_all_tasks_that_are_meant(office: Bwp) -> None:
    for words, fields in (
        (["verify", "1", "2", "--how", "order details", "--yes"], ("verified",)),
        (["acknowledge", "--filter", "kind:retrieval", "--yes"], ("acknowledged_on",)),
        (["extend", "--filter", "regulation:gdpr,ccpa", "--yes", "--reason", "complex"], ("extended_on",)),
    ):
        ended = office(*words, "--json")
        assert ended.code == 0, ended.err
        found = json.loads(ended.out)
        assert len(found) == 2
        assert all(task[field] for task in found for field in fields)
    again = office("extend", "1", "--reason", "more")
    assert (again.code, again.out) == (1, "")
    assert "the law allows that once" in again.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["extend", "3", "--reason", "x"], 1, "no legal deadline"),
        (["answer", "1"], 2, "Give --how"),
        (["answer", "1", "--how", " "], 2, "Say how"),
        (["answer", "1", "--how", "by email"], 2, "has not been sent"),
        (["answer", "1", "--how", "by email", "--on", "2026-01-01"], 1, "was received on"),
        (["answer", "1", "--how", "by email", "--on", "2099-01-01"], 2, "in the future"),
        (["answer", "1", "2", "--how", "by email", "--yes"], 1, "not sent yet"),
        (["answer", "1", "--withdraw"], 1, "No answer"),
        (["import", "/dev/null", "--answers", "--again"], 2, "--again"),
        (["tag", "1"], 2, "Give tags to add"),
        (["tag", "1", "+"], 2, "Give tags to add"),
        (["tag", "+vip"], 2, "Name the tasks"),
        (["assign", "jane"], 2, "Name the tasks"),
        (["assign", "1"], 2, "after the task"),
        (["assign", "1", "2"], 2, "after the task"),
        (["note", "#1"], 2, "after the task"),
        (["note", "77", "x"], 4, "no task"),
        (["note", "1", "called", "back"], 4, "quotation marks"),
        (["resubmit"], 2, "Name the tasks"),
        (["list", "--sort", "duo"], 2, "did you mean due?"),
        (["list", "--view", "faild"], 4, "did you mean failed?"),
        (["views", "save", "failed", "is:open"], 1, "built in"),
        (["views", "save", "mine", "statsu:x"], 2, "status"),
        (["report", "--from", "2026-02-01", "--to", "2026-01-01"], 2, "ends before it begins"),
        (["cancel", "--filter", "kind:retrieval tag:none"], 4, "No task matches"),
    ],
)
def test_what_cannot_be_is_told_with_its_exit_code(shop: Bwp, words: list[str], code: int, told: str) -> None:
    assert shop("import", _csv(shop, "access,a@b.de,", "access,c@b.de,", "access,e@b.de,none")).code == 0
    ended = shop(*words)
    assert ended.code == code
    assert told.casefold() in ended.err.casefold()
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "words", [["note", "1", "x"], ["tag", "1", "+x"], ["views", "save", "mine"], ["import", "FILE", "--yes"]]
)
def test_a_read_only_profile_records_nothing(office: Bwp, words: list[str]) -> None:
    file = _csv(office, "access,new@example.com,")
    ended = office(*(file if word == "FILE" else word for word in words), env={"BWP_READ_ONLY": "1"})
    assert (ended.code, "read-only" in ended.err) == (2, True)
    assert recorded(office) == 3


def test_many_are_tagged_and_assigned_by_a_filter_after_their_plan(office: Bwp) -> None:
    assert office("tag", "--filter", "kind:retrieval", "+vip").code == 2
    tagged = office("tag", "--filter", "kind:retrieval", "+vip", "--yes", "--json")
    assert tagged.code == 0
    assert "Plan: 2 to tag." in tagged.err
    assert [task["tags"] for task in json.loads(tagged.out)] == [["vip"], ["vip"]]
    assert office("assign", "--filter", "-tag:vip", "jane", "--yes").code == 0
    assert [task["id"] for task in json.loads(office("list", "assigned:jane", "--json").out)] == [2]


def test_the_number_of_tasks_is_typed_before_many_are_cancelled(shop: Bwp, practice: Sandbox) -> None:
    shop("import", _csv(shop, "erase,bob@example.com,", "erase,ann@example.com,", "access,eve@example.com,"), "--yes")
    assert shop("run", "--once").code == 0
    argv = shop.argv("cancel", "--filter", "is:active")
    with Terminal(argv, env=shop.env, columns=120) as terminal:
        terminal.wait_for("Plan: 2 to cancel, 1 skipped: retrieval")
        terminal.wait_for("Type 2 to confirm:")
        terminal.send("3\r")
        assert terminal.wait() == 1
    assert practice.state.calls["cancelPersonalDataDeletionTask"] == 0
    with Terminal(argv, env=shop.env, columns=120) as terminal:
        terminal.wait_for("to confirm:")
        terminal.send("2\r")
        assert terminal.wait(30) == 0
    assert practice.state.calls["cancelPersonalDataDeletionTask"] == 2
    ended = shop(
        "resubmit", "--filter", "status:cancelled", "--note", "asked again", "--holding-period", "4", "--yes", "--json"
    )
    assert ended.code == 0
    assert {task["holding_period"] for task in json.loads(ended.out)} == {4}
    assert shop("resubmit", "1", "--holding-period", "long").code == 2
    assert [(task["status"], task["note"]) for task in json.loads(ended.out)] == [("ON_HOLD", "asked again")] * 2


def test_a_saved_view_lists_what_fits_in_its_order_and_another_word_narrows_it(office: Bwp) -> None:
    assert office("views", "save", "clock", "-regulation:none").code == 2
    assert "“colour”" in office("views", "save", "clock", "is:open", "--columns", "due,colour").err
    assert office("views", "save", "clock", "is:open", "due<90d", "--sort", "due", "--columns", "subject,due").code == 0
    assert office("tag", "3", "+adopted").code == 0
    views = {view["name"]: view for view in json.loads(office("views", "--json").out)}
    saved = views.pop("clock")
    assert "adopted by event" in views
    assert all(view["built_in"] for view in views.values())
    assert saved == {
        "name": "clock",
        "filter": "is:open due<90d",
        "sort": "due",
        "columns": ["due"],
        "built_in": False,
    }
    assert [task["id"] for task in json.loads(office("list", "--view", "clock", "--json").out)] == [2, 1]
    newest = office("list", "--view", "Clock", "--sort", "newest", "kind:retrieval", "--json")
    assert [task["id"] for task in json.loads(newest.out)] == [1]
    assert json.loads(office("list", "--view", "failed", "is:open or is:open", "--json").out) == []
    assert office("views", "delete", "clock").code == 0
    assert "clock" not in office("views", "list").out


def test_a_report_counts_what_was_received_by_kind_and_law(office: Bwp) -> None:
    ended = office("report", "--from", "2020-01-01", "--to", "2099-12-31", "--json")
    lines = json.loads(ended.out)["requests"]
    assert [(line["kind"], line["regulation"], line["received"], line["unanswered"]) for line in lines] == [
        ("DELETION", "eu-gdpr", 1, 1),
        ("RETRIEVAL", "none", 1, 1),
        ("RETRIEVAL", "us-ca", 1, 1),
    ]
    assert "RECEIVED" in office("report", "--from", "2020-01-01", "--to", "2099-12-31").out
    assert "Nothing was received" in office("report", "--from", "2020-01-01", "--to", "2020-01-02").err


@pytest.mark.parametrize(
    ("record", "words", "field", "event"),
    [
        ("acknowledge", [], "acknowledged_on", "acknowledgement withdrawn"),
        ("verify", ["--how", "order details"], "verified", "verification withdrawn"),
        ("extend", ["--reason", "complex"], "extended_on", "extension withdrawn"),
    ],
)
def test_a_record_is_withdrawn_and_what_it_said_stays(
    office: Bwp, record: str, words: list[str], field: str, event: str
) -> None:
    before = json.loads(office("note", "1", "x", "--json").out)
    assert json.loads(office(record, "1", *words, "--json").out)[field] is not None
    ended = office(record, "1", "--withdraw", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == before
    shown = office("show", "1").out
    assert f"{event} " in shown
    assert office(record, "1", "--withdraw").code == 1
    assert office(record, "1", "--withdraw", *(words or ["--on", "2999-01-01"])).code == 2


def test_receipt_and_law_are_corrected(office: Bwp) -> None:
    same = office("correct", "1", "--regulation", "ccpa")
    assert (same.code, "under us-ca already" in same.err) == (1, True)
    ended = office("correct", "1", "--received", "2026-01-02", "--regulation", "gdpr", "--json")
    assert ended.code == 0
    task = json.loads(ended.out)
    assert (task["received_on"], task["regulation"], task["due_on"]) == ("2026-01-02", "eu-gdpr", "2026-02-02")
    assert "law us-ca → eu-gdpr" in office("show", "1").out
    assert office("correct", "1").code == 2
    early = office("correct", "1", "--received", "2025-12-31", "--regulation", "Indiana")
    assert (early.code, "in force from 2026-01-01" in early.err) == (0, True)
    assert "in force from 2026-01-01" in office("show", "1").out
    odd = office("correct", "1", "--received", "0026-01-02")
    assert (odd.code, "is the year right" in odd.err) == (1, True)


def test_the_plan_of_a_correction_skips_what_would_be_refused(office: Bwp) -> None:
    assert office("acknowledge", "1").code == 0
    assert office("correct", "2", "--received", "2026-01-02").code == 0
    ended = office("correct", "1", "2", "3", "--received", "2026-01-02", "--yes", "--json")
    assert (ended.code, [task["id"] for task in json.loads(ended.out)]) == (0, [1, 3])
    assert "Plan: 2 to correct, due " in ended.err
    assert " → 2026-02-16, 1 skipped: received then under that law already." in ended.err


def test_records_of_many_named_tasks_are_confirmed_by_their_count(office: Bwp) -> None:
    for words in (["acknowledge", "1", "2"], ["correct", "1", "2", "--regulation", "none"]):
        refused = office(*words)
        assert (refused.code, "--yes" in refused.err) == (2, True)
        assert office(*words, "--yes").code == 0
    with Terminal(office.argv("verify", "1", "2", "--how", "order details"), env=office.env) as terminal:
        terminal.wait_for("Type 2 to confirm:")
        terminal.send("3\r")
        terminal.wait_for("Nothing was changed")
    assert json.loads(office("show", "1", "--json").out)["verified"] is None


def test_an_acknowledgement_that_replaces_another_says_which(office: Bwp) -> None:
    day = local_day(utc_now()) - timedelta(days=1)
    assert office("correct", "1", "--received", day.isoformat(), "--yes").code == 0
    assert "replaces" not in office("acknowledge", "1", "--on", day.isoformat()).err
    assert f"replaces the acknowledgement of {day}." in office("acknowledge", "1").err


def test_an_answer_that_replaces_another_says_which(office: Bwp) -> None:
    words = ("answer", "1", "--yes", "--how")
    assert "replaces" not in office(*words, "mail").err
    assert f"replaces the answer of {local_day(utc_now())}." in office(*words, "phone").err


def test_a_verification_that_replaces_another_says_so_and_many_replace_none(office: Bwp) -> None:
    assert "replaces" not in office("verify", "1", "--how", "first").err
    assert office("verify", "1", "--how", "second").err.count("This replaces the verification of ") == 1
    ended = office("verify", "1", "2", "--how", "third", "--yes")
    assert "Plan: 1 to verify, 1 skipped: verified already." in ended.err
    verified = (json.loads(office("show", task, "--json").out)["verified"]["how"] for task in "12")
    assert [*verified] == ["second", "third"]


def test_a_refused_record_is_not_said_to_replace_another(office: Bwp) -> None:
    words = (["verify", "1", "--how", "order 17"], ["acknowledge", "1"], ["answer", "1", "--how", "by post"])
    for name, number, *_ in words:
        how = [] if name == "acknowledge" else ["--how", "x"]
        assert office(name, number, *how, "--yes").code == 0
    store = office.store()
    store.rows("UPDATE tasks SET purged_at = recorded_at WHERE number = 1")
    store.close()
    for record in words:
        with Terminal(office.argv(*record), env=office.env, columns=120) as terminal:
            assert terminal.wait() == 1
            (refusal,) = terminal.screen_text().strip().splitlines()
            assert refusal.startswith(("bwp-tui: Task #1 was purged", "bwp-tui: Receipt of #1 was already"))


def test_days_are_the_offices(office: Bwp) -> None:
    east, west = ({"TZ": "UTC", "BWP_TIMEZONE": name} for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago"))
    assert office("correct", "3", "--received", "2026-01-02").code == 0
    days = [json.loads(office("acknowledge", "3", "--json", env=zone).out)["acknowledged_on"] for zone in (west, east)]
    assert days[0] < days[1]  # 25 hours apart: never the same day
    shown = [json.loads(office("dashboard", "--json", env=zone).out)["on"] for zone in (west, east)]
    assert shown[0] < shown[1]
    wrong = office("list", env={"BWP_TIMEZONE": "Mars/Base"})
    assert (wrong.code, "BWP_TIMEZONE" in wrong.err) == (2, True)


def test_a_saved_view_is_replaced_only_on_demand(office: Bwp) -> None:
    assert office("views", "save", "mine", "is:open").code == 0
    refused = office("views", "save", "Mine")
    assert (refused.code, "--replace" in refused.err) == (1, True)
    assert "is:open" in office("views").out.split("mine")[1]
    assert office("views", "save", "mine", "is:failed", "--replace").code == 0
    assert "is:failed" in office("views").out.split("mine")[1]


def test_tags_are_split_at_commas_and_each_has_the_sign_of_its_word(office: Bwp) -> None:
    task = json.loads(office("tag", "1", "+a,b,-c", "--json").out)
    assert task["tags"] == ["a", "b"]
    task = json.loads(office("tag", "1", "-a,b", "+d,", "--json").out)
    assert task["tags"] == ["d"]
    assert office("tag", "1", "+,").code == 2


def test_the_regulations_are_printed_within_80_columns_and_as_json(bwp: Bwp) -> None:
    printed = bwp("regulations")
    assert (printed.code, printed.err, max(map(len, printed.out.splitlines())) <= 80) == (0, "", True)
    rows = json.loads(bwp("regulations", "--json").out)
    needed = {"id", "title", "citation", "days", "months", "extension_days", "extension_months", "appeal_days"}
    assert all(needed | {"acknowledge_business_days", "in_force", "until", "unsure"} <= set(row) for row in rows)
    by_id = {row["id"]: row for row in rows}
    assert (by_id["us-ia"]["days"], by_id["us-fl"]["extension_days"], by_id["eu-gdpr"]["months"]) == (90, 15, 1)
    assert (by_id["us-ca"]["acknowledge_business_days"], by_id["us-ca"]["in_force"]) == (10, "2020-01-01")
    for row in rows:
        words = printed.out.split()
        assert row["id"] in words
        assert set(row["citation"].split()) <= {word.rstrip(";") for word in words} | set(words)
        assert set(row["unsure"].split()[1:-1]) <= set(words), row["id"]


def _answers(bwp: Bwp, *lines: str) -> str:
    file = bwp.data.parent / "answers.csv"
    file.write_text("\n".join(("number,kind,email,answered_on,answered_how", *lines)), encoding="utf-8")
    return str(file)


def test_an_answer_is_recorded_shown_exported_and_withdrawn(office: Bwp) -> None:
    answered = json.loads(office("answer", "1", "--how", "told at the counter", "--yes", "--json").out)
    assert answered["answered"]["how"] == "told at the counter"
    day = answered["answered"]["on"]
    assert f"on {day}: told at the counter" in office("show", "1").out
    assert f"answered {day}" in office("list", "--sentences", "answered:today").out
    evidence = json.loads(office("evidence", "1", "--json").out)
    assert (evidence["answered_on"], evidence["answered_how"]) == (day, "told at the counter")
    assert f",{day},told at the counter," in office("export", "answered:today", "-").out
    assert json.loads(office("dashboard", "--json").out)["answers"] == {
        "days": 90,
        "in_time": 1,
        "late": 0,
        "undated": 0,
        "median_days": 0,
    }
    lines = json.loads(office("report", "--from", day, "--to", day, "--json").out)["requests"]
    assert sum(line["received"] for line in lines) == 3
    assert {line["answered"]: line["median_days"] for line in lines} == {0: None, 1: 0}
    assert sum(line["unanswered"] for line in lines) == 2
    assert json.loads(office("answer", "1", "--withdraw", "--json").out)["answered"] is None
    assert "answer withdrawn" in office("show", "1").out


def test_a_word_for_a_day_is_recorded_as_its_date_which_is_printed(office: Bwp) -> None:
    day = date.fromisoformat(json.loads(office("show", "1", "--json").out)["received_on"])
    before = day - timedelta(days=1)
    for word in ("-1", "yesterday", f"{before:%a}"):
        ended = office("correct", "1", "--received", word)
        assert f"{before:%a} {before}" in ended.err
        assert json.loads(office("show", "1", "--json").out)["received_on"] == str(before)
        office("correct", "1", "--received", str(day))
    assert json.loads(office("report", "--from", "-1", "--to", "today", "--json").out)["to"] == str(day)
    assert office("correct", "1", "--received", "+5").code == 2


def test_an_answer_whose_task_has_no_due_date_any_more_is_neither_in_time_nor_late(office: Bwp) -> None:
    day = json.loads(office("show", "1", "--json").out)["received_on"]
    office("correct", "1", "--received", str(date.fromisoformat(day) - timedelta(days=46)), "--regulation", "us-ca")
    office("answer", "1", "--how", "by phone", "--on", day, "--yes")
    assert f"on {day}, 1 day late: by phone" in office("show", "1").out
    assert json.loads(office("dashboard", "--json").out)["answers"]["late"] == 1
    office("correct", "1", "--regulation", "none")
    answers = json.loads(office("dashboard", "--json").out)["answers"]
    assert (answers["in_time"], answers["late"], answers["undated"]) == (0, 0, 1)
    lines = [line.split() for line in office("dashboard").out.splitlines()]
    at = lines.index(["in", "time", "0"])
    assert lines[at + 1 : at + 3] == [["late", "0"], ["no", "due", "date", "1"]]


def test_the_report_says_of_tasks_whose_kind_was_lost_how_they_are_counted(office: Bwp) -> None:
    day = json.loads(office("show", "1", "--json").out)["received_on"]
    assert "whose kind was lost" not in office("report", "--from", day, "--to", day).err
    office("tag", "1", f"+{KIND_UNKNOWN}")
    told = office("report", "--from", day, "--to", day).err
    assert f"1 task whose kind was lost (tag:{KIND_UNKNOWN})" in told
    assert "retrieval" not in told, "it may be counted as either kind"


def test_a_single_answer_before_the_task_was_sent_is_asked_about(office: Bwp) -> None:
    with Terminal(office.argv("answer", "1", "--how", "by phone"), env=office.env, columns=120) as terminal:
        terminal.wait_for("has not been sent to the service yet.")
        terminal.wait_for("[y/N]")
        terminal.send("n\r")
        assert terminal.wait() == 1
    assert json.loads(office("show", "1", "--json").out)["answered"] is None


def test_a_file_of_answers_is_recorded_whole_or_not_at_all(office: Bwp) -> None:
    store = office.store()
    store.rows("UPDATE tasks SET submitted_at = recorded_at, status = 'COMPLETED', terminal = 1")
    store.close()
    wrong = office("import", _answers(office, "1,,,,by email", "7,,,,"), "--answers", "--yes")
    assert (wrong.code, wrong.out) == (2, "")
    assert "Line 3 is invalid: There is no task" in wrong.err
    assert ": 1 answer, 1 invalid line." in wrong.err
    assert "fix 1 invalid line" in wrong.err
    file = _answers(office, "1,,,,by email", ",deletion,bob@example.com,,by post")
    assert office("import", file, "--answers").code == 2, "off a terminal, and without --yes"
    assert "nothing was imported" in office("import", file, "--answers", "--dry-run").err
    assert office("list", "--json", "--", "-answered:none").out == "[]\n"
    done = office("import", file, "--answers", "--yes")
    assert (done.code, done.out) == (0, "2 answers recorded.\n")
    answers = [task["answered"]["how"] for task in json.loads(office("list", "--json", "--", "-answered:none").out)]
    assert answers == ["by post", "by email"]
    again = office("import", file, "--answers", "--yes")
    assert (again.code, "already answered" in again.err) == (2, True)


def test_an_answer_in_part_becomes_one_in_whole_only_where_that_is_confirmed(bwp: Bwp) -> None:
    store = bwp.store()
    number = str(in_status(store, "COMPLETED").number)
    store.close()
    assert bwp("answer", number, "--how", "post", "--in-part", "payment data: unknown").code == 0
    refused = bwp("answer", number, "--how", "post")
    assert (refused.code, "in part" in refused.err) == (2, True)
    assert json.loads(bwp("show", number, "--json").out)["answered"]["in_part"]
    assert bwp("answer", number, "--how", "post", "--yes").code == 0
    assert not json.loads(bwp("show", number, "--json").out)["answered"]["in_part"]
