"""Inquiries, replies and answers in part, from the command line."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta

import pytest

from tests.cli.conftest import CREDENTIALS, Bwp


@pytest.fixture
def office(bwp: Bwp) -> Bwp:
    """A history with a request under the UK GDPR, and one under California's law."""
    bwp.env.update(CREDENTIALS)
    file = bwp.data.parent / "requests.csv"
    file.write_text("kind,email,regulation\naccess,jane@example.com,uk-gdpr\naccess,bob@example.com,us-ca\n")
    assert bwp("import", str(file), "--yes").code == 0
    return bwp


def shown(bwp: Bwp, task: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(bwp("show", task, "--json").out)
    return found


def test_the_clock_stands_still_where_the_law_says_so_and_it_is_said_where_it_does_not(office: Bwp) -> None:
    before = [shown(office, task) for task in "12"]
    ended = office("inquire", "1", "2", "--yes")
    assert ended.code == 0
    assert "The clock is stopped from " in ended.err
    assert "Under us-ca (Civ. Code §1798.130(a)(2); 11 CCR §7021) the clock does not stop for an inquiry." in ended.err
    uk, ca = (shown(office, task) for task in "12")
    assert (uk["due_on"], uk["stopped_since"], uk["due_if_replied_today"]) == (
        None,
        uk["inquired_on"],
        before[0]["due_on"],
    )
    assert (ca["due_on"], ca["stopped_since"]) == (before[1]["due_on"], None)
    text = office("show", "1").out
    assert f"{before[0]['due_on']}, if the reply came today\n" in text
    assert f"from {uk['inquired_on']}: a reply is awaited\n" in text
    assert "stopped" in office("list", "is:stopped").out
    assert office("reply", "1").code == 0
    assert shown(office, "1")["due_on"] == before[0]["due_on"]
    assert f"replied due - → {before[0]['due_on']} by " in office("show", "1").out
    spoken = office("--plain", typed="show 1\n").out
    assert f"replied, due {before[0]['due_on']} by " in spoken
    assert " as QUEUED by " in spoken
    assert office("verify", "1", "--how", "order 17").code == 0
    kept = office("verify", "1", "--withdraw").err
    assert f"The reply of #1, recorded for {shown(office, '1')['replied_on']}, stays." in kept
    assert office("inquire", "1", "--withdraw").code == 0
    assert (shown(office, "1")["inquired_on"], shown(office, "1")["replied_on"]) == (None, None)
    assert office("reply", "1").code == 1


def test_an_answer_in_part_says_why_counts_as_such_and_outlives_a_purge(office: Bwp) -> None:
    assert office("answer", "1", "--how", "by email", "--in-part", "  ").code == 2
    assert office("answer", "1", "--how", "by email", "--in-part", "card numbers withheld", "--yes").code == 0
    answered = shown(office, "1")["answered"]
    assert isinstance(answered, dict)
    assert answered["in_part"] == "card numbers withheld"
    assert "in part: card numbers withheld" in office("show", "1").out
    answers = office.data.parent / "answers.csv"
    answers.write_text("number,how,in part\n2,by post,trade secrets\n")
    assert office("import", str(answers), "--answers", "--yes").code == 2, "it was not sent yet"
    store = office.store()
    store.rows(
        "UPDATE tasks SET status = 'COMPLETED', terminal = 1, submitted_at = recorded_at,"
        " finished_at = '2026-01-02T09:00:00.000000Z'"
    )
    store.rows("UPDATE intents SET state = 'done', settled_at = asked_at")
    store.close()
    assert office("import", str(answers), "--answers", "--yes").code == 0
    assert office("purge", "--older-than", "0", "--yes").code == 0
    period = ("--from", "2020-01-01", "--to", "2099-12-31")
    rows = list(csv.DictReader(io.StringIO(office("report", *period, "--csv").out)))
    assert [(row["regulation"], row["complied_in_whole"], row["complied_in_part"]) for row in rows] == [
        ("uk-gdpr", "0", "1"),
        ("us-ca", "0", "1"),
    ]
    assert "withheld" not in office("show", "1").out


def test_a_task_has_the_day_by_which_it_is_done_and_whether_that_is_late(bwp: Bwp) -> None:
    bwp.env.update(CREDENTIALS)
    file = bwp.data.parent / "requests.csv"
    file.write_text("kind,email,regulation,holding_period\nerase,a@example.com,us-ca,0\nerase,b@example.com,us-ca,90\n")
    assert bwp("import", str(file), "--yes").code == 0
    tasks = json.loads(bwp("list", "--json").out)
    assert {task["email"]: task["late"] for task in tasks} == {"a@example.com": False, "b@example.com": True}
    assert all(task["done_by"] and (task["done_by"] > task["due_on"]) is task["late"] for task in tasks)
    spoken = bwp("list", "--sentences", "--unmask").out.splitlines()
    assert {line.split(" for ")[1].split(":")[0]: "after the due date" in line for line in spoken} == {
        "a@example.com": False,
        "b@example.com": True,
    }


def test_another_inquiry_takes_the_place_of_one_that_waits_only_where_that_is_confirmed(office: Bwp) -> None:
    assert office("inquire", "1").code == 0
    before = shown(office, "1")
    again = office("inquire", "1")  # on the same day: refused, and not asked about first
    assert (again.code, "Warning" in again.err) == (1, False)
    yesterday = (date.fromisoformat(str(before["inquired_on"])) - timedelta(1)).isoformat()
    office("correct", "1", "--received", yesterday)
    refused = office("inquire", "1", "--on", yesterday)
    assert (refused.code, shown(office, "1")["inquired_on"]) == (2, before["inquired_on"])
    assert office("inquire", "1", "--on", yesterday, "--yes").code == 0
    assert shown(office, "1")["inquired_on"] == yesterday
