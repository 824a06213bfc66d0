"""How tasks go on with time."""

from __future__ import annotations

import pytest

from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import Clock
from bwp_tui.sandbox.sandbox_state import SandboxState, UnknownTaskError
from bwp_tui.sandbox.server import Sandbox
from tests.manual_clock import ManualClock
from tests.sandbox.client import CANCEL, START, Client


def service_state(clock: Clock, *, seed: int = 1, speed: float = 1.0) -> SandboxState:
    return SandboxState(seed=seed, speed=speed, clock=clock)


def test_a_retrieval_ends_within_six_seconds(client: Client, clock: ManualClock) -> None:
    task_id = client.start_retrieval("ann@example.com")
    clock.advance(seconds=1.9)
    young = client.retrieval(task_id)
    assert young["status"] == "IN_PROGRESS"
    assert not {"dataRetrievalLink", "errors", "lastUpdatedDate"} & young.keys()
    clock.advance(seconds=4.1)
    done = client.retrieval(task_id)
    assert (done["status"], done["errors"]) == ("COMPLETED", [])
    assert young["submissionDate"] < done["lastUpdatedDate"]


def test_a_deletion_is_held_then_processed_then_done(client: Client, clock: ManualClock) -> None:
    task_id = client.start_deletion("ann@example.com")
    clock.advance(days=9, hours=23)
    client.new_token()
    assert client.deletion(task_id)["status"] == "ON_HOLD"
    clock.advance(hours=1)
    client.new_token()
    assert client.deletion(task_id)["status"] == "IN_PROGRESS"
    clock.advance(seconds=8)
    assert client.deletion(task_id)["status"] == "COMPLETED"


def test_a_deletion_without_a_hold_is_processed_at_once(client: Client) -> None:
    assert client.deletion(client.start_deletion("ann@example.com", 0))["status"] == "IN_PROGRESS"


def test_speed_shortens_holds(clock: ManualClock) -> None:
    state = service_state(clock, speed=86_400)
    task_id = state.start(Kind.DELETION, "ann@example.com", holding_period=5)
    clock.advance(seconds=4.9)
    assert state.find(Kind.DELETION, task_id).status == "ON_HOLD"
    clock.advance(seconds=0.1)
    assert state.find(Kind.DELETION, task_id).status == "IN_PROGRESS"


@pytest.mark.parametrize("email", ["nobody@example.com", "nobody+2@example.org", "Nobody@example.com"])
@pytest.mark.parametrize("kind", [Kind.RETRIEVAL, Kind.DELETION])
def test_a_task_about_nobody_fails(email: str, kind: Kind, clock: ManualClock) -> None:
    state = service_state(clock)
    task_id = state.start(kind, email, holding_period=0)
    clock.advance(seconds=10)
    found = state.find(kind, task_id)
    assert found.status == "FAILED"
    assert found.errors is not None
    assert [(error.code, error.message) for error in found.errors] == [
        ("DATA_SUBJECT_NOT_FOUND", f"The shopper email for request {task_id} does not exist")
    ]


def test_open_orders_fail_a_deletion_but_no_retrieval(clock: ManualClock) -> None:
    state = service_state(clock)
    deletion = state.start(Kind.DELETION, "open-orders+1@example.com", holding_period=0)
    retrieval = state.start(Kind.RETRIEVAL, "open-orders@example.com")
    clock.advance(seconds=10)
    errors = state.find(Kind.DELETION, deletion).errors
    assert errors is not None
    assert [error.code for error in errors] == ["ORDERS_NOT_CLOSED"]
    assert state.find(Kind.RETRIEVAL, retrieval).status == "COMPLETED"


def test_a_slow_task_takes_five_minutes(clock: ManualClock) -> None:
    state = service_state(clock)
    task_id = state.start(Kind.RETRIEVAL, "slow@example.com")
    clock.advance(minutes=4, seconds=59)
    assert state.find(Kind.RETRIEVAL, task_id).status == "IN_PROGRESS"
    clock.advance(seconds=1)
    assert state.find(Kind.RETRIEVAL, task_id).status == "COMPLETED"


def test_a_cancelled_deletion_looks_held_and_is_then_unknown(client: Client, clock: ManualClock) -> None:
    task_id = client.start_deletion("ann@example.com", 5)
    answer = {"data": {"cancelPersonalDataDeletionTask": {"taskId": task_id}}}
    assert client.call(CANCEL, {"taskId": task_id}) == answer
    assert client.call(CANCEL, {"taskId": task_id}) == answer
    clock.advance(days=4)
    client.new_token()
    assert client.deletion(task_id)["status"] == "ON_HOLD"
    clock.advance(days=1)
    client.new_token()
    query = '{ personalDataDeletionTask(taskId: "' + task_id + '") { status } }'
    classification = client.call(query)["errors"][0]["extensions"]["classification"]
    assert classification["type"] == "ResourceNotFoundError"


def test_a_finished_deletion_cannot_be_cancelled(client: Client, clock: ManualClock) -> None:
    task_id = client.start_deletion("ann@example.com", 0)
    clock.advance(seconds=10)
    found = client.call(CANCEL, {"taskId": task_id})
    assert found["errors"][0]["message"].endswith("cannot be cancelled with a status of COMPLETED.")


def test_a_retrieval_is_unknown_as_a_deletion(clock: ManualClock) -> None:
    state = service_state(clock)
    task_id = state.start(Kind.RETRIEVAL, "ann@example.com")
    with pytest.raises(UnknownTaskError):
        state.find(Kind.DELETION, task_id)
    with pytest.raises(UnknownTaskError):
        state.cancel(task_id)


def test_the_same_seed_tells_the_same_story() -> None:
    def story(seed: int) -> list[tuple[str, str]]:
        clock = ManualClock(START)
        state = service_state(clock, seed=seed)
        ids = [state.start(Kind.RETRIEVAL, "ann@example.com") for _ in range(20)]
        clock.advance(seconds=4)
        return [(id_, state.find(Kind.RETRIEVAL, id_).status) for id_ in ids]

    assert story(1) == story(1)
    assert story(1) != story(2)
    assert {status for _, status in story(1)} == {"IN_PROGRESS", "COMPLETED"}


def test_two_sandboxes_of_one_seed_have_the_same_credentials_and_past(clock: ManualClock) -> None:
    first, second, other = (Sandbox(tasks=5, seed=seed, clock=clock) for seed in (3, 3, 4))
    assert (first.client_secret, first.target_id) == (second.client_secret, second.target_id)
    assert first.past_tasks == second.past_tasks
    assert (other.client_secret, other.past_tasks) != (first.client_secret, first.past_tasks)
