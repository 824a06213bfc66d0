"""Every documented answer is what the practice API says in the same place."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, SampleTask, TaskError
from bwp_tui.domain.times import parse_instant
from bwp_tui.sandbox.server import Sandbox
from tests.manual_clock import ManualClock
from tests.sandbox.client import CANCEL, DELETION, RETRIEVAL, START_DELETION, START_RETRIEVAL, Client, fetch

EXAMPLES = Path(__file__).parents[1] / "contract" / "examples"
DOCUMENTS = {
    "personalDataRetrievalTask": RETRIEVAL,
    "personalDataDeletionTask": DELETION,
    "startPersonalDataRetrievalTask": START_RETRIEVAL,
    "startPersonalDataDeletionTask": START_DELETION,
    "cancelPersonalDataDeletionTask": CANCEL,
}
Json = dict[str, Any]


def example(name: str) -> tuple[str, Json, Json]:
    found = json.loads((EXAMPLES / f"{name}.json").read_text())
    request = found["request"]
    return DOCUMENTS[request["operation"]], request["variables"], found["response"]


def past(task_id: str, kind: Kind, status: Status, submitted: datetime) -> SampleTask:
    return SampleTask(
        task_id=task_id,
        kind=kind,
        email="janedoe@example.com",
        status=status,
        submitted_at=submitted,
        updated_at=submitted,
        errors=(),
        holding_period=0 if kind is Kind.DELETION else None,
        reason=None,
        note="",
        tags=(),
        received_on=submitted.date(),
        regulation="gdpr",
        cancelled=False,
    )


def answered(name: str) -> SampleTask:
    """The task that an example's answer shows."""
    _, _, response = example(name)
    ((operation, found),) = response["data"].items()
    submitted = parse_instant(found["submissionDate"])
    kind = Kind.RETRIEVAL if "Retrieval" in operation else Kind.DELETION
    return past(found["taskId"], kind, Status(found["status"]), submitted)._replace(
        updated_at=parse_instant(found.get("lastUpdatedDate", found["submissionDate"])),
        errors=tuple(TaskError(error["code"], error["message"]) for error in found["errors"]),
    )


@pytest.mark.parametrize("name", ["retrieval-failed", "deletion-completed", "deletion-failed"])
def test_a_finished_task_is_shown_as_documented(name: str, sandbox: Sandbox, client: Client) -> None:
    sandbox.state.add_past_tasks([answered(name)])
    document, variables, response = example(name)
    assert client.call(document, variables) == response


def test_a_completed_retrieval_is_shown_as_documented_with_a_link_of_its_own(sandbox: Sandbox, client: Client) -> None:
    sandbox.state.add_past_tasks([answered("retrieval-completed")])
    document, variables, response = example("retrieval-completed")
    found = client.call(document, variables)
    links = [urlsplit(side["data"]["personalDataRetrievalTask"].pop("dataRetrievalLink")) for side in (found, response)]
    assert found == response
    assert links[0].path == links[1].path
    assert "X-Amz-Security-Token=" in links[0].query


def test_a_cancellation_is_answered_as_documented(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    document, variables, response = example("cancel-deletion")
    held = past(variables["taskId"], Kind.DELETION, Status.ON_HOLD, clock())
    sandbox.state.add_past_tasks([held._replace(holding_period=10)])
    assert client.call(document, variables) == response


def test_a_cancellation_after_the_hold_is_refused_as_documented(
    sandbox: Sandbox, client: Client, clock: ManualClock
) -> None:
    document, variables, response = example("cancel-deletion-in-progress")
    sandbox.state.add_past_tasks([past(variables["taskId"], Kind.DELETION, Status.IN_PROGRESS, clock())])
    assert client.call(document, variables) == response


@pytest.mark.parametrize(
    "name",
    [
        "cancel-deletion-not-found",
        "start-deletion-bad-holding-period",
        "start-retrieval-bad-email",
        "start-retrieval-no-email",
    ],
)
def test_a_refused_call_is_answered_as_documented(name: str, client: Client) -> None:
    document, variables, response = example(name)
    assert client.call(document, variables) == response


@pytest.mark.parametrize(
    "header", [{"Authorization": "Bearer nobody's"}, {"x_api_target_id": "bp-1"}, {"Authorization": "Basic eDp5"}]
)
def test_a_caller_without_access_is_refused_as_documented(header: dict[str, str], client: Client) -> None:
    document, variables, response = example("access-denied")
    assert client.call(document, variables, **header) == response


@pytest.mark.parametrize("name", ["start-retrieval", "start-deletion"])
def test_a_start_is_answered_as_documented(name: str, sandbox: Sandbox, client: Client) -> None:
    document, variables, response = example(name)
    found = client.call(document, variables)
    (start,) = sandbox.state.starts
    ((operation, _),) = response["data"].items()
    assert found == {"data": {operation: {"taskId": start.task_id}}}
    assert start.client_token == variables["input"]["clientToken"]["token"]


def test_an_expired_link_is_refused_as_documented(client: Client, clock: ManualClock) -> None:
    task_id = client.start_retrieval("ann@example.com")
    clock.advance(seconds=10)
    link = client.link(task_id)
    issued = clock()
    clock.advance(seconds=61)
    reply = fetch(link)
    documented = ElementTree.fromstring((EXAMPLES / "link-expired.xml").read_bytes())
    found = ElementTree.fromstring(reply.body)
    assert reply.status == 403
    assert reply.headers["content-type"] == "application/xml"
    assert [element.tag for element in found] == [element.tag for element in documented]
    for tag in ("Code", "Message", "X-Amz-Expires"):
        assert found.findtext(tag) == documented.findtext(tag)
    assert found.findtext("Expires") == f"{(issued + timedelta(seconds=60)).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
