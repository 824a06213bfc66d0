"""What the operations do, call by call and in batches."""

from __future__ import annotations

import json
import threading

import pytest

from bwp_tui.contract.documents import CLOCK
from bwp_tui.domain.task import Kind
from bwp_tui.sandbox.graphql import GraphQLCall, GraphQLService
from bwp_tui.sandbox.sandbox_state import SandboxState
from bwp_tui.sandbox.server import Sandbox
from tests.manual_clock import ManualClock
from tests.sandbox.client import DELETION, RETRIEVAL, START_DELETION, START_RETRIEVAL, Client, exchange, start_input

TOKEN = "3f1f8f6e-6c1b-4a56-9a0e-0d2f4b8b6c11"


def batch(task_ids: list[str], fields: str = "taskId status") -> str:
    roots = [f'  t{n}: personalDataRetrievalTask(taskId: "{id_}") {{ {fields} }}' for n, id_ in enumerate(task_ids)]
    return "query Poll {\n" + "\n".join(roots) + "\n}"


def test_a_document_that_asks_for_no_task_gets_its_date(client: Client) -> None:
    reply = client.send(CLOCK)
    assert "date" in reply.headers
    assert reply.document() == {"data": {"__typename": "Query"}}
    assert client.call("{ a: __typename b: __typename }")["data"] == {"a": "Query", "b": "Query"}


def test_a_client_token_starts_one_task_in_eight_hours(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    first = client.start_retrieval("ann@example.com", TOKEN)
    clock.advance(hours=7, minutes=59)
    client.new_token()
    assert client.start_retrieval("ann@example.com", TOKEN) == first
    assert len(sandbox.state.starts) == 1
    clock.advance(minutes=1)
    assert client.start_retrieval("ann@example.com", TOKEN) != first
    assert [start.client_token for start in sandbox.state.starts] == [TOKEN, TOKEN]


def test_a_client_token_stands_for_its_first_task_whatever_is_asked_with_it(sandbox: Sandbox, client: Client) -> None:
    first = client.start_retrieval("ann@example.com", TOKEN)
    other = client.call(START_DELETION, {"input": start_input("bob@example.com", TOKEN)})
    assert other["data"]["startPersonalDataDeletionTask"]["taskId"] == first
    assert [start.kind for start in sandbox.state.starts] == [Kind.RETRIEVAL]


def test_without_a_client_token_each_call_starts_a_task(sandbox: Sandbox, client: Client) -> None:
    assert client.start_retrieval("ann@example.com") != client.start_retrieval("ann@example.com")
    assert len(sandbox.state.starts) == 2


def test_one_client_token_from_many_threads_starts_one_task(sandbox: Sandbox, client: Client) -> None:
    client.new_token()
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(client.start_retrieval("ann@example.com", TOKEN)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert {start.task_id for start in sandbox.state.starts} == set(found)
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        ({"clientToken": {"token": "x" * 35}}, "clientToken/token size must be between 36 and 64"),
        ({"clientToken": {"token": "x" * 65}}, "clientToken/token size must be between 36 and 64"),
        ({"holdingPeriod": -1}, "holdingPeriod must be greater than or equal to 0"),
        ({"holdingPeriod": 181}, "holdingPeriod must be less than or equal to 180"),
    ],
)
def test_an_input_out_of_bounds_is_refused_and_nothing_started(
    change: dict[str, object], issue: str, sandbox: Sandbox, client: Client
) -> None:
    found = client.call(START_DELETION, {"input": start_input("ann@example.com", None) | change})
    assert found["data"] == {"startPersonalDataDeletionTask": None}
    assert found["errors"][0]["message"] == (
        f"Input request is not valid, the following issues were encountered: "
        f"[/startPersonalDataDeletionTask/input/{issue}]"
    )
    assert sandbox.state.starts == []


@pytest.mark.parametrize("change", [{"clientToken": {"token": "x" * 36}}, {"clientToken": {"token": "x" * 64}}])
@pytest.mark.parametrize("days", [0, 180])
def test_an_input_on_the_bounds_is_taken(
    change: dict[str, object], days: int, sandbox: Sandbox, client: Client
) -> None:
    wanted = start_input("ann@example.com", None) | change | {"holdingPeriod": days}
    assert "errors" not in client.call(START_DELETION, {"input": wanted})
    assert len(sandbox.state.starts) == 1


def test_several_issues_are_named_at_once(client: Client) -> None:
    wanted = start_input("nothing", "short")
    message = client.call(START_RETRIEVAL, {"input": wanted})["errors"][0]["message"]
    assert "/dataSubject/email must match" in message
    assert ", /startPersonalDataRetrievalTask/input/clientToken/token size" in message


def test_a_deletion_without_an_address_names_its_own_operation(client: Client) -> None:
    found = client.call(START_DELETION, {"input": {"dataSubject": {"type": "SHOPPER"}}})
    classification = found["errors"][0]["extensions"]["classification"]
    assert classification["code"] == "EmailNotProvidedForPersonalDataDeletionTask"


def test_a_batch_answers_each_alias_and_an_error_belongs_to_its_alias_alone(client: Client) -> None:
    task_id = client.start_retrieval("ann@example.com")
    found = client.call(batch([task_id, "unknown", task_id]))
    assert found["data"]["t0"] == found["data"]["t2"] == {"taskId": task_id, "status": "IN_PROGRESS"}
    assert found["data"]["t1"] is None
    (error,) = found["errors"]
    assert error["path"] == ["t1"]
    assert error["locations"] == [{"line": 3, "column": 3}]
    assert error["extensions"]["classification"]["type"] == "ResourceNotFoundError"


def test_twenty_root_fields_are_answered_and_one_more_is_refused(sandbox: Sandbox, client: Client) -> None:
    task_id = client.start_retrieval("ann@example.com")
    assert len(client.call(batch([task_id] * 20))["data"]) == 20
    found = client.call(batch([task_id] * 21))
    assert found["data"] is None
    assert found["errors"][0]["extensions"]["classification"]["type"] == "ValidationError"
    assert sandbox.state.calls["personalDataRetrievalTask"] == 20


def test_a_sandbox_can_refuse_batches() -> None:
    with Sandbox(root_fields=1) as strict:
        client = Client(strict)
        assert "errors" in client.call(batch(["a", "b"]))
        assert client.call(batch(["a"]))["errors"][0]["path"] == ["t0"]


def test_a_refused_caller_is_told_for_every_alias(client: Client) -> None:
    found = client.call(batch(["a", "b"]), x_api_target_id="bp-other")
    assert [error["path"] for error in found["errors"]] == [["t0"], ["t1"]]
    assert found["data"] is None


def test_the_books_count_what_was_asked(sandbox: Sandbox, client: Client) -> None:
    task_id = client.start_retrieval("ann@example.com")
    client.call(batch([task_id, task_id]))
    assert sandbox.state.calls == {
        "token": 1,
        "graphql": 2,
        "startPersonalDataRetrievalTask": 1,
        "personalDataRetrievalTask": 2,
    }


def test_a_link_is_made_only_where_it_is_asked_for(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    task_id = client.start_retrieval("ann@example.com")
    clock.advance(seconds=10)
    client.call(batch([task_id]))
    assert sandbox.state.calls["link"] == 0
    assert client.link(task_id) != client.link(task_id)
    assert sandbox.state.calls["link"] == 2


@pytest.mark.parametrize("version", ["2024-01-01", "2024-04-01", "2024-11-01"])
def test_every_documented_version_is_served(version: str, client: Client) -> None:
    found = client.call(RETRIEVAL, {"taskId": "x"}, x_api_version=version)
    assert found["errors"][0]["extensions"]["classification"]["type"] == "ResourceNotFoundError"


def test_another_version_is_refused(client: Client) -> None:
    found = client.call(RETRIEVAL, {"taskId": "x"}, x_api_version="2023-01-01")
    assert "/x-api-version must be one of 2024-01-01" in found["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "classification"),
    [("{ nothing }", "ValidationError"), ("{ oh", "InvalidSyntax"), (RETRIEVAL, "ValidationError")],
)
def test_what_the_engine_refuses_carries_a_plain_classification_and_no_data(
    query: str, classification: str, client: Client
) -> None:
    found = client.call(query)
    assert found["errors"][0]["extensions"] == {"classification": classification}
    assert "data" not in found


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"query": 1}', b'{"query": "{a}", "variables": []}x'])
def test_a_body_that_is_no_request_is_refused(body: bytes, sandbox: Sandbox, client: Client) -> None:
    reply = exchange(sandbox.address, "POST", "/graphql", body, client.headers())
    assert reply.status == 400
    assert json.loads(reply.body)["errors"]


def test_a_body_of_another_type_is_refused(client: Client) -> None:
    assert client.send(DELETION, {"taskId": "x"}, Content_Type="text/plain").status == 415


def test_a_fault_of_its_own_is_an_internal_error_without_its_words(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(task_id: str) -> str:
        raise RuntimeError(f"secret of {task_id}")

    state = SandboxState(seed=1, speed=1, clock=clock)
    task_id = state.start(Kind.RETRIEVAL, "ann@example.com")
    clock.advance(seconds=10)
    found = GraphQLService(state, broken, {}).execute(GraphQLCall(RETRIEVAL, {"taskId": task_id}, None))
    assert "secret" not in json.dumps(found)
    assert "InternalServerError" in json.dumps(found)
    assert "the practice API failed" in caplog.text
