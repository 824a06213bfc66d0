"""Faults on purpose: what each does to a call, and how they are named and steered."""

from __future__ import annotations

import http.client
import json
import time
from xml.etree import ElementTree

import pytest

from bwp_tui.sandbox.faults import FAULTS, Fault, Faults, parse_fault
from bwp_tui.sandbox.server import Sandbox
from tests.manual_clock import ManualClock
from tests.sandbox.client import RETRIEVAL, START_RETRIEVAL, Client, fetch, start_input

INPUT = {"input": start_input("ann@example.com", "3f1f8f6e-6c1b-4a56-9a0e-0d2f4b8b6c11")}


@pytest.fixture
def done(client: Client, clock: ManualClock) -> str:
    """A completed retrieval, its caller in possession of a token."""
    started = client.start_retrieval("ann@example.com")
    clock.advance(seconds=10)
    return started


def kind_of(found: dict[str, list[dict[str, dict[str, dict[str, str]]]]]) -> str:
    return found["errors"][0]["extensions"]["classification"]["type"]


def test_a_lost_answer_leaves_the_work_done(sandbox: Sandbox, client: Client) -> None:
    client.new_token()
    sandbox.faults.set("lost-answer")
    with pytest.raises(http.client.RemoteDisconnected):
        client.send(START_RETRIEVAL, INPUT)
    (start,) = sandbox.state.starts
    sandbox.faults.clear()
    found = client.call(START_RETRIEVAL, INPUT)
    assert found["data"]["startPersonalDataRetrievalTask"]["taskId"] == start.task_id
    assert len(sandbox.state.starts) == 1


def test_down_closes_the_line_and_does_nothing(sandbox: Sandbox, client: Client) -> None:
    client.new_token()
    sandbox.faults.set("down")
    with pytest.raises(http.client.RemoteDisconnected):
        client.send(START_RETRIEVAL, INPUT)
    with pytest.raises(http.client.RemoteDisconnected):
        client.ask_token()
    assert sandbox.state.starts == []
    assert sandbox.faults.hit_counts == {"down": 2}


@pytest.mark.parametrize(("name", "kind"), [("throttled", "ThrottlingError"), ("denied", "AccessDeniedError")])
def test_a_refusing_fault_answers_with_its_error_and_does_nothing(
    name: str, kind: str, sandbox: Sandbox, client: Client
) -> None:
    client.new_token()
    sandbox.faults.set(name)
    found = client.call(START_RETRIEVAL, INPUT)
    assert kind_of(found) == kind
    assert found["data"] is None
    assert sandbox.state.starts == []


def test_a_throttled_token_endpoint_says_when_to_come_again(sandbox: Sandbox, client: Client) -> None:
    sandbox.faults.set("throttled")
    reply = client.ask_token()
    assert (reply.status, reply.headers["retry-after"]) == (429, "1")


def test_a_garbled_answer_is_half_of_its_json(sandbox: Sandbox, client: Client) -> None:
    client.new_token()
    sandbox.faults.set("garbled")
    reply = client.send(START_RETRIEVAL, INPUT)
    assert reply.status == 200
    assert reply.body.startswith(b'{"data"')
    with pytest.raises(json.JSONDecodeError):
        reply.document()
    assert len(sandbox.state.starts) == 1


def test_a_gateway_answers_with_a_web_page(sandbox: Sandbox, client: Client) -> None:
    client.new_token()
    sandbox.faults.set("html")
    reply = client.send(START_RETRIEVAL, INPUT)
    assert (reply.status, reply.headers["content-type"]) == (502, "text/html")
    assert reply.body.startswith(b"<html>")


def test_a_slow_answer_comes_late_and_whole(sandbox: Sandbox, client: Client) -> None:
    client.new_token()
    sandbox.faults.set("slow")
    began = time.monotonic()
    assert kind_of(client.call(RETRIEVAL, {"taskId": "x"})) == "ResourceNotFoundError"
    assert time.monotonic() - began >= 0.05


def test_a_cut_download_ends_in_the_middle(sandbox: Sandbox, client: Client, done: str) -> None:
    size = len(fetch(client.link(done)).body)
    sandbox.faults.set("cut-download")
    with pytest.raises(http.client.IncompleteRead) as cut:
        fetch(client.link(done))
    assert 0 < len(cut.value.partial) < size
    assert len(cut.value.partial) + (cut.value.expected or 0) == size


def test_a_download_that_is_always_cut_can_still_be_finished(sandbox: Sandbox, client: Client, done: str) -> None:
    whole = fetch(client.link(done)).body
    sandbox.faults.set("cut-download")
    got = b""
    for _ in range(200):
        try:
            got += fetch(client.link(done), Range=f"bytes={len(got)}-").body
        except http.client.IncompleteRead as cut:
            got += cut.partial
        if len(got) == len(whole):
            break
    assert got == whole


def test_an_expired_link_is_dead_when_it_is_issued(sandbox: Sandbox, client: Client, done: str) -> None:
    sandbox.faults.set("expired-link", times=1)
    dead, live = client.link(done), client.link(done)
    reply = fetch(dead)
    assert reply.status == 403
    assert ElementTree.fromstring(reply.body).findtext("Message") == "Request has expired"
    assert fetch(live).status == 200


def test_a_changed_archive_differs_from_the_one_before(sandbox: Sandbox, client: Client, done: str) -> None:
    first = fetch(client.link(done))
    sandbox.faults.set("changed-archive", times=1)
    resumed = fetch(client.link(done), Range="bytes=9-", If_Match=first.headers["etag"])
    assert resumed.status == 412
    second, third = fetch(client.link(done)), fetch(client.link(done))
    assert second.headers["etag"] != first.headers["etag"]
    assert second.body != first.body
    assert third.body == second.body


def test_a_store_without_ranges_sends_the_whole(sandbox: Sandbox, client: Client, done: str) -> None:
    whole = fetch(client.link(done)).body
    sandbox.faults.set("no-range")
    reply = fetch(client.link(done), Range="bytes=9-")
    assert (reply.status, reply.body) == (200, whole)


def test_a_busy_store_says_slow_down(sandbox: Sandbox, client: Client, done: str) -> None:
    sandbox.faults.set("busy-store")
    reply = fetch(client.link(done))
    assert reply.status == 503
    assert ElementTree.fromstring(reply.body).findtext("Code") == "SlowDown"


def test_a_sandbox_begins_with_the_faults_it_is_given() -> None:
    with Sandbox(faults=[Fault("html")]) as sandbox:
        assert Client(sandbox).send(RETRIEVAL, {"taskId": "x"}).status == 502


@pytest.mark.parametrize(
    ("text", "fault"),
    [("down", Fault("down", 1.0)), ("lost-answer=0.1", Fault("lost-answer", 0.1)), ("slow=1", Fault("slow", 1.0))],
)
def test_a_fault_is_read_with_or_without_a_rate(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize("text", ["down=0", "down=1.1", "down=-1", "down=often", "down=", "down=nan"])
def test_a_rate_out_of_bounds_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^The rate of the fault down must be above 0 and at most 1\.$"):
        parse_fault(text)


def test_an_unknown_fault_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"^There is no fault named 'lost-anser'; did you mean lost-answer\?$"):
        parse_fault("lost-anser=0.5")
    with pytest.raises(ValueError, match="did you mean throttled"):
        parse_fault("throtled=often")
    with pytest.raises(ValueError, match="known are lost-answer, throttled, "):
        parse_fault("xyz")


def test_the_calls_that_are_hit_depend_on_the_seed_alone() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults([Fault("slow", 0.5)], seed)
        return [faults.hits("slow") for _ in range(64)]

    assert hits(1) == hits(1)
    assert hits(1) != hits(2)
    assert 16 < sum(hits(1)) < 48


def test_a_fault_can_be_set_for_so_many_calls() -> None:
    faults = Faults([], 1)
    faults.set("down", times=2)
    assert [faults.hits("down") for _ in range(4)] == [True, True, False, False]
    assert faults.hit_counts == {"down": 2}


def test_no_fault_strikes_unless_it_is_set() -> None:
    faults = Faults([], 1)
    assert not any(faults.hits(name) for name in FAULTS)
    with pytest.raises(ValueError, match="no fault named"):
        faults.set("uproar")
