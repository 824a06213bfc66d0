"""Events are read as they are documented and as they come; anything else is no event, and is not quoted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.contract.events import EVENT_TYPES, LONGEST_BODY, parse_event
from bwp_tui.contract.payloads import ContractViolation
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, ServiceEvent
from tests.contract.test_payloads import JSON

EXAMPLES = Path(__file__).with_name("examples")
TASK_ID = "29f3fdd6-ee00-4563-a97f-03ec6ca7596d"
EVENT_ID = "17793124-05d4-b198-2fde-7ededc63b103"
SECRET = "jane.doe@example.com"


def envelope(**changes: object) -> dict[str, object]:
    example: dict[str, object] = json.loads((EXAMPLES / "event-retrieval-completed.json").read_text())
    return {**example, **changes}


def test_the_documented_examples_are_read() -> None:
    at = datetime(2023, 10, 27, 12, 34, 56, tzinfo=UTC)
    for name, kind, status in (
        ("event-retrieval-completed.json", Kind.RETRIEVAL, Status.COMPLETED),
        ("event-deletion-failed.json", Kind.DELETION, Status.FAILED),
    ):
        event = parse_event((EXAMPLES / name).read_text())
        assert event == ServiceEvent(EVENT_ID, kind, status, TASK_ID, at)
        assert event.type in EVENT_TYPES
    assert len(EVENT_TYPES) == 4


def test_a_trailing_comma_as_in_the_documents_own_example_does_not_matter() -> None:
    text = json.dumps(envelope()).replace('"]', '",\n ]').replace("{}", "{},")
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert parse_event(text) == parse_event(json.dumps(envelope()))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{",
        "[" * 100_000,
        "\ud800",
        json.dumps({"Type": "Notification", "Message": json.dumps(envelope())}),
        json.dumps(envelope(source="aws.s3")),
        json.dumps(envelope(source=["aws.partner/buywithprime/x"])),
        json.dumps(envelope(**{"detail-type": "PERSONAL_DATA_RETRIEVAL_TASK_STARTED"})),
        json.dumps(envelope(**{"detail-type": ["PERSONAL_DATA_RETRIEVAL_TASK_COMPLETED"]})),
        json.dumps(envelope(id=None)),
        json.dumps(envelope(id="a\x1b[2Jb")),
        json.dumps(envelope(id="x" * 1000)),
        json.dumps(envelope(resources=None)),
        json.dumps(envelope(resources=[])),
        json.dumps(envelope(resources=["businessProduct/bp-1/personalDataDeletionTask/" + TASK_ID])),
        json.dumps(envelope(resources=["businessProduct/bp-1/personalDataRetrievalTask"])),
        json.dumps(envelope(resources=["businessProduct/bp-1/personalDataRetrievalTask/a b"])),
        json.dumps(envelope(resources=["personalDataRetrievalTask/task-1", "personalDataRetrievalTask/task-2"])),
        json.dumps(envelope(padding="x" * LONGEST_BODY)),
    ],
)
def test_what_is_no_event_of_the_service_is_refused(body: str) -> None:
    with pytest.raises(ContractViolation):
        parse_event(body)


def test_an_event_without_an_instant_is_an_event() -> None:
    assert parse_event(json.dumps(envelope(time=None))).occurred_at is None
    assert parse_event(json.dumps(envelope(time="yesterday"))).occurred_at is None


@given(st.dictionaries(st.sampled_from([*envelope(), "new"]), JSON))
def test_any_message_is_an_event_or_is_refused_without_being_quoted(changes: dict[str, object]) -> None:
    try:
        event = parse_event(json.dumps({**envelope(), **changes, "secret": SECRET}))
    except ContractViolation as error:
        said = str(error)
    else:
        said = f"{event.type} {event.task_id}"
        assert event.type in EVENT_TYPES
        assert event.task_id.isprintable()
    assert SECRET not in said
