"""`bwp-tui events`: setup, subscribe, unsubscribe and status, against the practice API and its queue."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bwp_tui.contract.events import EVENT_TYPES
from bwp_tui.domain.task import Kind
from bwp_tui.sandbox.server import Sandbox
from tests.cli.conftest import Bwp, queue_variables
from tests.waiting import eventually

ACCOUNT = "123456789012"
TO = ("--account", ACCOUNT, "--source", "shop")


@pytest.fixture
def practice() -> Iterator[Sandbox]:
    """A practice API whose messages return soon: the engine of a command may end while it receives one."""
    with Sandbox(slow_s=0.05, visibility_s=1) as running:
        yield running


@pytest.fixture
def queued(shop: Bwp, practice: Sandbox) -> Bwp:
    """The program with a practice API and the queue of its events."""
    shop.env |= queue_variables(practice)
    return shop


def end_all_subscriptions(practice: Sandbox) -> None:
    for subscription in practice.subscriptions.all():
        practice.subscriptions.delete(subscription.subscription_id)


# Setup


def test_setup_prints_a_script_of_80_columns_and_calls_nobody(shop: Bwp, practice: Sandbox) -> None:
    ended = shop("--profile", "n" * 32, "events", "setup", "--account", ACCOUNT)
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) < 80
    assert not practice.state.calls
    assert not shop.folder.exists()
    assert [int(number) for number in re.findall(r"^# (\d)  ", ended.out, re.MULTILINE)] == [1, 2, 3, 4, 5, 6, 7]


def test_setup_takes_the_names_from_the_queue_and_options_above_them(bwp: Bwp) -> None:
    url = f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/our-events"
    bwp.env |= {"BWP_EVENTS_QUEUE_URL": url, "BWP_TARGET_ID": "bp-7"}
    variables = bwp("events", "setup").out
    for line in ("region=eu-west-1", f"account={ACCOUNT}", "queue=our-events", "source=bp-7"):
        assert f"\n{line}\n" in variables
    changed = bwp("events", "setup", "--region", "us-east-1", "--queue", "q", "--source", "s", "--account", "0" * 12)
    for line in ("region=us-east-1", f"account={'0' * 12}", "queue=q", "source=s"):
        assert f"\n{line}\n" in changed.out


def test_setup_never_puts_a_foreign_name_into_the_script(bwp: Bwp) -> None:
    bwp.env["BWP_TARGET_ID"] = "$(reboot)"
    assert "reboot" not in bwp("events", "setup").out
    for option in ("--source", "--queue", "--account", "--region"):
        assert bwp("events", "setup", option, "a;b").code == 2


@pytest.fixture
def calls(bwp: Bwp, tmp_path: Path) -> list[list[str]]:
    """The calls of `aws` that the script makes when a shell runs it."""
    bin_folder, log = tmp_path / "bin", tmp_path / "calls"
    bin_folder.mkdir()
    for name in ("aws", "bwp-tui"):
        program = bin_folder / name
        program.write_text(
            f'#!/bin/sh\nfor each in "$0" "$@"; do printf "%s\\0" "$each"; done >> {log}\necho >> {log}\n'
        )
        program.chmod(0o755)
    script = bwp("events", "setup", "--account", ACCOUNT, "--source", "shop").out
    ended = subprocess.run(
        ["sh", "-eu"], input=script, env={"PATH": f"{bin_folder}:{os.environ['PATH']}"}, text=True, capture_output=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f'queue_url = "https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/bwp-tui-events"' in ended.stdout
    return [call.strip("\0").split("\0")[1:] for call in log.read_text().split("\0\n") if call]


def option(call: list[str], name: str) -> str:
    return call[call.index(name) + 1]


def test_the_script_of_setup_runs_in_a_shell_and_its_policies_are_minimal(calls: list[list[str]]) -> None:
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:bwp-tui-events"
    own = [call[1:4] for call in calls if call[0] == "--profile"]
    assert own == [["default", "events", "status"], ["default", "events", "subscribe"]]
    by_name: dict[str, list[list[str]]] = {}
    for call in calls:
        by_name.setdefault(call[1], []).append(call)
    assert set(by_name) >= {"create-event-bus", "put-rule", "create-queue", "set-queue-attributes", "put-targets"}
    pattern = json.loads(option(by_name["put-rule"][0], "--event-pattern"))
    assert pattern["detail-type"] == list(EVENT_TYPES)
    for call, queue in zip(by_name["set-queue-attributes"], (arn, f"{arn}-dead"), strict=True):
        policy = option(call, "--attributes").removeprefix("Policy='").removesuffix("'")
        [statement] = json.loads(policy)["Statement"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Resource"] == queue
        rule = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/aws.partner/buywithprime/shop/bwp-tui"
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule}}
    rights = json.loads(option(by_name["create-policy"][0], "--policy-document"))["Statement"]
    assert {each["Resource"] for each in rights} == {arn, f"{arn}-dead"}
    assert all("*" not in action for each in rights for action in each["Action"])
    redrive = re.search(r"RedrivePolicy='(.*)'", option(by_name["create-queue"][1], "--attributes"))
    assert redrive is not None
    assert json.loads(redrive[1])["deadLetterTargetArn"] == f"{arn}-dead"
    assert "RoleArn" not in json.dumps(calls)


def test_setup_as_json_has_the_steps(bwp: Bwp) -> None:
    record = json.loads(bwp("events", "setup", "--json").out)
    assert len(record["steps"]) == 8
    assert set(record["steps"][0]) == {"title", "commands"}


# Subscriptions


def test_subscribe_creates_the_four_subscriptions_once(shop: Bwp, practice: Sandbox) -> None:
    end_all_subscriptions(practice)
    ended = shop("events", "subscribe", *TO, "--json")
    assert (ended.code, "see step 3" in ended.err) == (0, True)
    created = json.loads(ended.out)
    known = practice.subscriptions.all()
    assert [(each["event_type"], each["subscription_id"]) for each in created] == [
        (each.event_type, each.subscription_id) for each in known
    ]
    assert {each.destination.name for each in known} == {"shop"}
    again = shop("events", "subscribe", *TO)
    assert (again.code, again.out.count("was subscribed already"), again.err) == (0, 4, "")
    assert practice.subscriptions.all() == known


def test_subscribe_needs_an_account_and_a_free_name(shop: Bwp, practice: Sandbox) -> None:
    assert shop("events", "subscribe").code == 2
    taken = shop("events", "subscribe", "--account", ACCOUNT, "--source", "practice")
    assert taken.code == 1
    assert "must differ" in taken.err
    assert len(practice.subscriptions.all()) == 4


def test_subscribe_and_unsubscribe_are_refused_by_a_read_only_profile(shop: Bwp, practice: Sandbox) -> None:
    for words in (("subscribe", *TO), ("unsubscribe", "--yes")):
        assert shop("events", *words, env={"BWP_READ_ONLY": "1"}).code == 2
    assert len(practice.subscriptions.all()) == 4


def test_unsubscribe_ends_all_of_them_or_the_named_one(shop: Bwp, practice: Sandbox) -> None:
    first = practice.subscriptions.all()[0].subscription_id
    assert shop("events", "unsubscribe").code == 2, "there is no terminal to ask on"
    assert json.loads(shop("events", "unsubscribe", first, "--yes", "--json").out) == [first]
    assert len(practice.subscriptions.all()) == 3
    assert shop("events", "unsubscribe", first, "--yes").code == 4
    assert shop("events", "unsubscribe", "--yes").code == 0
    assert practice.subscriptions.all() == []
    none = shop("events", "unsubscribe", "--yes")
    assert none.code == 1
    assert "none yet" in none.err


def test_a_service_out_of_reach_is_an_exit_code_of_its_own(shop: Bwp, practice: Sandbox) -> None:
    practice.faults.set("down")
    for words in (("subscribe", *TO), ("unsubscribe", "--yes"), ("status",)):
        assert shop("events", *words).code == 3


# Status


def status(bwp: Bwp, code: int = 0) -> dict[str, Any]:
    ended = bwp("events", "status", "--json")
    assert ended.code == code, ended.err
    record: dict[str, Any] = json.loads(ended.out)
    return record


def test_status_shows_subscriptions_queue_and_the_last_event(queued: Bwp, practice: Sandbox) -> None:
    submitted = json.loads(queued("submit", "retrieval", "jane@example.com", "--json").out)
    queued("wait", str(submitted["id"]))
    found = status(queued)
    assert [each["event_type"] for each in found["subscriptions"]] == list(EVENT_TYPES)
    assert found["queue_url"] == practice.queue_url
    assert found["queue"]["dead_letters"] == 0
    text = queued("events", "status").out
    assert "4 of 4 event types" in text
    assert "aws.partner/buywithprime/practice\n" in text
    assert "none runs" in text


def test_status_tells_the_delay_from_the_event_to_the_poll(queued: Bwp) -> None:
    queued("submit", "retrieval", "jane@example.com")
    queued("wait", "1")
    eventually(lambda: queued("run", "--once").code == 0 and status(queued)["received"])
    found = status(queued)
    assert found["received"] == 1
    assert found["last_event"]["type"] == "PERSONAL_DATA_RETRIEVAL_TASK_COMPLETED"
    assert found["last_event"]["id"] == 1


def test_a_task_from_elsewhere_is_adopted_under_the_regulation_of_the_profile(queued: Bwp, practice: Sandbox) -> None:
    queued.env |= {"BWP_REGULATION": "Oregon"}
    practice.state.start(Kind.RETRIEVAL, "jane@example.com")
    eventually(lambda: queued("run", "--once").code == 0 and status(queued)["received"])
    assert [task["regulation"] for task in json.loads(queued("list", "--json").out)] == ["us-or"]


def test_status_without_a_queue_says_how_to_set_one_up(shop: Bwp) -> None:
    found = status(shop)
    assert (found["queue_url"], found["queue"]) == (None, None)
    assert "bwp-tui events setup" in shop("events", "status").out
    assert "bwp-tui --profile south events setup" in shop("events", "status", "--profile", "south").out


def test_status_says_what_is_wrong_and_still_shows_the_rest(queued: Bwp, practice: Sandbox) -> None:
    practice.faults.set("queue-denied")
    found = status(queued, code=1)
    assert found["queue"] is None
    assert "sqs:ReceiveMessage" in found["queue_trouble"]
    assert len(found["subscriptions"]) == 4
    practice.faults.clear()
    end_all_subscriptions(practice)
    found = status(queued, code=1)
    assert found["subscriptions"] is None
    assert "none yet" in found["subscriptions_trouble"]
    assert found["queue"]["depth"] == 0


def test_no_aws_credential_reaches_the_output(queued: Bwp, practice: Sandbox) -> None:
    wrong = {"AWS_SECRET_ACCESS_KEY": "wrong-secret"}
    for env in ({}, wrong):
        for words in (("events", "status"), ("events", "setup"), ("doctor",), ("config", "show")):
            ended = queued(*words, env=env)
            for secret in (practice.aws_key.secret, practice.aws_key.key_id, "wrong-secret"):
                assert secret not in ended.out + ended.err
