"""Every documented answer is read as what it documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bwp_tui.contract.payloads import (
    GraphQLResponse,
    ServiceError,
    parse_link,
    parse_mutation,
    parse_response,
    parse_task,
)
from bwp_tui.domain.task import TaskError

EXAMPLES = Path(__file__).parent / "examples"

BAD_HOLDING_PERIOD = (
    "Input request is not valid, the following issues were encountered: "
    "[/startPersonalDataDeletionTask/input/holdingPeriod must be less than or equal to 180]"
)
BAD_EMAIL = (
    "Input request is not valid, the following issues were encountered: "
    "[/startPersonalDataRetrievalTask/input/dataSubject/email must match "
    '"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+[.][a-zA-Z]{2,}$"]'
)
NO_EMAIL = "The dataSubject must have an email specified to initiate a personalDataRetrievalTask."
TOO_LATE = "The personalDataDeletionTask cannot be cancelled with a status of IN_PROGRESS."

STARTED = {
    "start-retrieval": "942d40d5-b514-4076-bd6c-c4bc326324bf",
    "start-deletion": "689b9fa5-0f94-44c2-b6e1-75f1ed4472f0",
    "cancel-deletion": "ff8cc33f-b414-44a0-a07e-fe2cefcf049c",
}
TASKS = {
    "retrieval-completed": ("COMPLETED", ()),
    "retrieval-failed": (
        "FAILED",
        (
            TaskError(
                "DATA_SUBJECT_NOT_FOUND",
                "The shopper email for request 3556a10a-6b0c-481f-a02e-3950c53f12b3 does not exist",
            ),
        ),
    ),
    "deletion-completed": ("COMPLETED", ()),
    "deletion-failed": (
        "FAILED",
        (TaskError("DATA_SUBJECT_NOT_FOUND", "The shopper email for request example-task-id does not exist"),),
    ),
}
REFUSED = {
    "access-denied": ("AccessDeniedError", None, None, 403),
    "cancel-deletion-in-progress": (
        "ValidationError",
        "CannotCancelPersonalDataDeletionTask",
        TOO_LATE,
        None,
    ),
    "cancel-deletion-not-found": ("ResourceNotFoundError", None, None, 404),
    "start-deletion-bad-holding-period": ("ValidationError", "UnspecifiedError", BAD_HOLDING_PERIOD, 400),
    "start-retrieval-bad-email": ("ValidationError", "UnspecifiedError", BAD_EMAIL, 400),
    "start-retrieval-no-email": (
        "ValidationError",
        "EmailNotProvidedForPersonalDataRetrievalTask",
        NO_EMAIL,
        400,
    ),
}
NOT_ANSWERS = {"event-deletion-failed", "event-retrieval-completed", "link-expired"}


def _example(name: str) -> tuple[str, dict[str, Any], GraphQLResponse]:
    """Return the operation, its variables, and the answer as it is read."""
    example: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_bytes())
    request = example["request"]
    return request["operation"], request["variables"], parse_response(json.dumps(example["response"]).encode())


def test_no_example_is_left_out() -> None:
    assert {path.stem for path in EXAMPLES.iterdir()} == STARTED.keys() | TASKS.keys() | REFUSED.keys() | NOT_ANSWERS


@pytest.mark.parametrize("name", STARTED)
def test_a_mutation_gives_a_task_id(name: str) -> None:
    operation, _, answer = _example(name)
    assert answer.errors == ()
    assert parse_mutation(answer.field(operation)).task_id == STARTED[name]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_read(name: str) -> None:
    operation, variables, answer = _example(name)
    task = parse_task(answer.field(operation), variables["taskId"])
    assert (task.status, task.errors) == TASKS[name]
    assert task.email == task.cleaned_email == "janedoe@example.com"
    assert task.submission_date is not None


def test_instants_are_read_to_the_microsecond_and_may_be_missing() -> None:
    _, variables, answer = _example("retrieval-completed")
    task = parse_task(answer.field("personalDataRetrievalTask"), variables["taskId"])
    assert task.submission_date == datetime(2023, 10, 31, 18, 21, 15, 851865, UTC)

    _, variables, answer = _example("deletion-completed")
    assert parse_task(answer.field("personalDataDeletionTask"), variables["taskId"]).last_updated_date is None


def test_a_link_is_read_and_kept_out_of_the_repr() -> None:
    _, variables, answer = _example("retrieval-completed")
    link = parse_link(answer.field("personalDataRetrievalTask"), variables["taskId"])
    assert link.link is not None
    assert link.link.endswith("?X-Amz-Security-Token=EXAMPLE")
    assert "EXAMPLE" not in repr(link)


def test_a_failed_retrieval_has_no_link() -> None:
    _, variables, answer = _example("retrieval-failed")
    assert parse_link(answer.field("personalDataRetrievalTask"), variables["taskId"]).link is None


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_read(name: str) -> None:
    operation, _, answer = _example(name)
    [error] = answer.errors
    assert error == ServiceError(
        message=error.message,
        path=operation,
        type=REFUSED[name][0],
        code=REFUSED[name][1],
        detail=REFUSED[name][2],
        status=REFUSED[name][3],
        classified=True,
    )
    assert error.message
    assert answer.field(operation) is None
