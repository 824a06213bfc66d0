"""A poll asks for many tasks at once and keeps their answers and errors apart."""

from __future__ import annotations

import json

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.errors import AccessDenied, ApiError, BadResponse, NotFound, RequestNotAccepted, ServerFault
from bwp_tui.contract.payloads import TaskPayload
from bwp_tui.domain.task import Kind
from tests.api.server import ScriptedServer, graphql, token

TASKS = [(Kind.RETRIEVAL, "id-0"), (Kind.DELETION, "id-1"), (Kind.DELETION, "id-2")]


def _task(number: int, status: str = "IN_PROGRESS") -> dict[str, object]:
    return {"taskId": f"id-{number}", "status": status}


def _error(path: str | None, type_: str) -> dict[str, object]:
    return {
        "message": "why",
        "path": [path] if path else None,
        "extensions": {"classification": {"type": type_}},
    }


def _kinds(answers: dict[str, TaskPayload | ApiError]) -> dict[str, str]:
    return {
        task_id: answer.status if isinstance(answer, TaskPayload) else type(answer).__name__
        for task_id, answer in answers.items()
    }


async def test_many_tasks_travel_in_one_request(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", graphql(data={"t0": _task(0), "t1": _task(1, "ON_HOLD"), "t2": _task(2, "NEW")}))

    answers = await api.poll(TASKS)

    assert _kinds(answers) == {"id-0": "IN_PROGRESS", "id-1": "ON_HOLD", "id-2": "NEW"}
    [request] = server.seen("/graphql")
    assert json.loads(request.body)["variables"] == {"t0": "id-0", "t1": "id-1", "t2": "id-2"}


async def test_a_poll_of_nothing_sends_nothing(api: PrivacyApi, server: ScriptedServer) -> None:
    assert await api.poll([]) == {}
    assert server.received == []


async def test_an_error_at_an_alias_belongs_to_that_task_alone(api: PrivacyApi, server: ScriptedServer) -> None:
    errors = [_error("t1", "ResourceNotFoundError"), _error("t2", "AccessDeniedError")]
    server.script("/graphql", graphql(data={"t0": _task(0), "t1": None, "t2": None}, errors=errors))

    assert _kinds(await api.poll(TASKS)) == {"id-0": "IN_PROGRESS", "id-1": "NotFound", "id-2": "AccessDenied"}
    assert len(server.seen("/token")) == 1  # a token that one task was read with is good


async def test_a_null_is_an_unknown_task_and_a_left_out_alias_is_no_answer(
    api: PrivacyApi, server: ScriptedServer
) -> None:
    server.script("/graphql", graphql(data={"t0": _task(0), "t1": None}))
    assert _kinds(await api.poll(TASKS)) == {"id-0": "IN_PROGRESS", "id-1": "NotFound", "id-2": "BadResponse"}


async def test_a_task_alone_that_is_left_out_is_unknown(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", graphql(data={}))
    assert _kinds(await api.poll(TASKS[:1])) == {"id-0": "NotFound"}


async def test_tasks_beside_an_error_that_took_all_data_are_not_called_unknown(
    api: PrivacyApi, server: ScriptedServer
) -> None:
    server.script("/graphql", graphql(data=None, errors=[_error("t1", "ResourceNotFoundError")]))
    answers = await api.poll(TASKS)
    assert _kinds(answers) == {"id-0": "BadResponse", "id-1": "NotFound", "id-2": "BadResponse"}
    assert isinstance(answers["id-0"], BadResponse)
    assert answers["id-0"].transient


async def test_an_answer_about_another_task_is_not_taken(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", graphql(data={"t0": _task(1), "t1": _task(1), "t2": {"taskId": "id-2"}}))
    assert _kinds(await api.poll(TASKS)) == {"id-0": "BadResponse", "id-1": "IN_PROGRESS", "id-2": "BadResponse"}


@pytest.mark.parametrize(
    ("type_", "kind"),
    [("ExecutionAborted", RequestNotAccepted), ("InternalServerError", ServerFault), ("Odd", ServerFault)],
)
@pytest.mark.parametrize("path", [None, "personalDataRetrievalTask"])
async def test_an_error_that_is_no_tasks_own_fails_the_whole(
    api: PrivacyApi, server: ScriptedServer, type_: str, kind: type[ApiError], path: str | None
) -> None:
    server.script("/graphql", graphql(data={"t0": _task(0), "t1": None, "t2": None}, errors=[_error(path, type_)]))
    with pytest.raises(kind):
        await api.poll(TASKS)


async def test_a_batch_that_is_denied_whole_is_tried_once_more(api: PrivacyApi, server: ScriptedServer) -> None:
    denied = [_error(f"t{place}", "AccessDeniedError") for place in range(3)]
    server.script("/token", token("token-1"), token("token-2"))
    server.script(
        "/graphql",
        graphql(data=None, errors=denied),
        graphql(data={f"t{place}": _task(place) for place in range(3)}),
    )
    assert set(_kinds(await api.poll(TASKS)).values()) == {"IN_PROGRESS"}


async def test_a_batch_that_stays_denied_is_denied_task_by_task(api: PrivacyApi, server: ScriptedServer) -> None:
    denied = [_error(f"t{place}", "AccessDeniedError") for place in range(3)]
    server.script("/graphql", graphql(data=None, errors=denied))
    answers = await api.poll(TASKS)
    assert all(isinstance(answer, AccessDenied) for answer in answers.values())
    assert len(server.seen("/graphql")) == 2


async def test_not_found_is_a_value_and_not_raised(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", graphql(data={"t0": None}))
    answers = await api.poll(TASKS[:1])
    assert isinstance(answers["id-0"], NotFound)
