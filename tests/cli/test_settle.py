"""`bwp-tui settle`: what to do about a request that was sent and never answered."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date

import pytest

from bwp_tui.domain.task import Kind
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import intent_outcomes, intents
from tests.cli.conftest import Bwp
from tests.cli.test_submit import NOWHERE, is_one_sentence
from tests.pty_terminal import Terminal
from tests.store import single


@pytest.fixture
def unconfirmed(shop: Bwp) -> Bwp:
    """The program with an unconfirmed retrieval, #1."""
    shop("submit", "retrieval", "jane@example.com", "--timeout", "0")
    store = shop.store()
    [intent] = intents.ready(store, store.clock(), 5)
    intent_outcomes.record_sending(store, intent.id)
    intent_outcomes.record_unconfirmed(store, intent.id)
    store.close()
    return shop


def status(bwp: Bwp) -> str:
    store = bwp.store()
    task = tasks.get(store, 1)
    store.close()
    return task.status


def test_the_right_task_id_makes_a_task_of_it(unconfirmed: Bwp, practice: Sandbox) -> None:
    task_id = practice.state.start(Kind.RETRIEVAL, "jane@example.com")
    ended = unconfirmed("settle", "1", "--task-id", task_id, "--json")
    assert (ended.code, ended.err) == (0, "")
    task = json.loads(ended.out)
    assert (task["id"], task["task_id"]) == (1, task_id)
    assert task["status"] in ("IN_PROGRESS", "COMPLETED")


def test_the_cancellation_that_waited_for_the_task_id_is_sent_before_the_command_ends(
    shop: Bwp, practice: Sandbox
) -> None:
    shop("submit", "deletion", "jane@example.com", "--yes", "--timeout", "0")
    with closing(shop.store()) as store:
        (intent,) = intents.ready(store, store.clock(), 5)
        intent_outcomes.record_sending(store, intent.id)
        requests.cancel(store, 1, "op")
        intent_outcomes.record_unconfirmed(store, intent.id)
    task_id = practice.state.start(Kind.DELETION, "jane@example.com")
    ended = shop("settle", "1", "--task-id", task_id, "--json")
    assert (ended.code, json.loads(ended.out)["status"]) == (0, "CANCELLED")


@pytest.mark.parametrize("wrong", ["of nobody", "of another"])
def test_a_wrong_task_id_is_told_and_taken_off(unconfirmed: Bwp, practice: Sandbox, wrong: str) -> None:
    known = practice.state.start(Kind.RETRIEVAL, "eve@example.com")
    ended = unconfirmed("settle", "1", "--task-id", known if wrong == "of another" else "0000-unknown")
    assert ended.code == 4
    assert is_one_sentence(ended) or "stays UNCONFIRMED" in ended.err
    assert status(unconfirmed) == "UNCONFIRMED"


def test_a_task_that_was_tracked_beside_its_unconfirmed_request_is_joined_with_it(
    unconfirmed: Bwp, practice: Sandbox
) -> None:
    task_id = practice.state.start(Kind.RETRIEVAL, "jane@example.com")
    tracked = unconfirmed("track", "retrieval", task_id)
    settle = ["settle", "1", "--task-id", task_id]
    assert (tracked.code, " ".join(settle) in tracked.err) == (0, True)
    assert unconfirmed(*settle).code == 0
    assert [(task["id"], task["task_id"]) for task in json.loads(unconfirmed("list", "--json").out)] == [(1, task_id)]


def test_without_the_service_the_id_is_kept_and_asked_about_later(unconfirmed: Bwp) -> None:
    ended = unconfirmed("settle", "1", "--task-id", "3556a10a-0000", env=NOWHERE)
    assert ended.code == 3
    assert status(unconfirmed) == "QUEUED"


def test_a_refresh_that_finds_the_entered_task_id_wrong_says_what_to_do(unconfirmed: Bwp) -> None:
    assert unconfirmed("settle", "1", "--task-id", "0000-unknown", env=NOWHERE).code == 3
    ended = unconfirmed("refresh", "1")
    assert (ended.code, "bwp-tui show 1" in ended.err, "goes on" in ended.err) == (4, True, False)


def test_it_is_given_up_with_a_reason(unconfirmed: Bwp) -> None:
    ended = unconfirmed("settle", "1", "--give-up", "the shopper withdrew")
    assert (ended.code, "still to be answered" in ended.err) == (0, True)
    assert ended.out.rstrip().endswith("GIVEN_UP")
    store = unconfirmed.store()
    assert timeline.of_task(store, 1)[-1].detail == "the shopper withdrew"
    store.close()


def test_a_decline_that_waited_for_the_cancellation_is_named_when_its_request_is_given_up(shop: Bwp) -> None:
    shop("submit", "deletion", "jane@example.com", "--yes", "--timeout", "0")
    with closing(shop.store()) as store:
        (intent,) = intents.ready(store, store.clock(), 5)
        intent_outcomes.record_sending(store, intent.id)
        single.edit(store, 1, lambda edit: decisions.decline(edit, "fraud", "no"), "op", date(2030, 1, 1))
        intent_outcomes.record_unconfirmed(store, intent.id)
    ended = shop("settle", "1", "--give-up", "the shopper withdrew")
    assert (ended.code, "recorded for 2030-01-01, is withdrawn" in ended.err) == (0, True)


def test_sending_it_anew_warns_of_a_second_task(unconfirmed: Bwp, practice: Sandbox) -> None:
    refused = unconfirmed("resubmit", "1")
    assert (refused.code, practice.state.starts) == (2, [])
    assert "may already run at the service" in refused.err
    ended = unconfirmed("resubmit", "1", "--yes")
    assert ended.code == 0
    assert "may already run at the service" in ended.err
    assert [start.email for start in practice.state.starts] == ["jane@example.com"]


@pytest.mark.parametrize(("key", "code", "started"), [("\r", 1, 0), ("y\r", 0, 1)])
def test_what_may_run_already_is_resubmitted_on_a_terminal_after_a_question(
    unconfirmed: Bwp, practice: Sandbox, key: str, code: int, started: int
) -> None:
    with Terminal(unconfirmed.argv("resubmit", "1"), env=unconfirmed.env, columns=120) as terminal:
        terminal.wait_for("[y/N]")
        terminal.send(key)
        assert terminal.wait() == code
    assert len(practice.state.starts) == started


def test_what_to_do_names_the_commands(unconfirmed: Bwp) -> None:
    shown = unconfirmed("show", "1").out
    for command in ("settle 1 --task-id ID", "resubmit 1", "settle 1 --give-up REASON"):
        assert f"(bwp-tui {command})" in shown


def test_what_is_not_in_doubt_is_not_settled(shop: Bwp) -> None:
    shop("submit", "retrieval", "slow@example.com")
    for words in (["--give-up", "why"], ["--task-id", "3556a10a-0000"]):
        ended = shop("settle", "1", *words)
        assert ended.code == 1
        assert is_one_sentence(ended)


@pytest.mark.parametrize("words", [[], ["--give-up", "why", "--task-id", "3556a10a"], ["--give-up", ""]])
def test_one_decision_is_asked_for_and_a_reason(unconfirmed: Bwp, words: list[str]) -> None:
    ended = unconfirmed("settle", "1", *words)
    assert ended.code == 2
    assert status(unconfirmed) == "UNCONFIRMED"


def test_running_once_with_an_unusable_proxy_is_a_sentence(shop: Bwp) -> None:
    outside = {"BWP_API_URL": "https://api.invalid/graphql", "HTTPS_PROXY": "nonsense://proxy"}
    ended = shop("run", "--once", env=outside)
    assert ended.code == 2
    assert is_one_sentence(ended)
    assert "HTTPS_PROXY" in ended.err
