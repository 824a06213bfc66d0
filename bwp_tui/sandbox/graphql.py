"""Execute GraphQL documents on the schema and the practice API's state."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, Protocol

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from bwp_tui.contract.documents import schema_text
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import format_instant
from bwp_tui.sandbox.refusals import internal, invalid, not_cancellable, resource_not_found, start_mistake
from bwp_tui.sandbox.sandbox_state import NotOnHoldError, SandboxState, TaskSnapshot, UnknownTaskError

Json = dict[str, object]
LinkMaker = Callable[[str], str]
"""Makes a pre-signed link to the archive of the retrieval with that task id."""

ROOT_FIELDS: Final = 20
"""How many root fields one document may hold. The service's own bound is unknown."""

_log = logging.getLogger(__name__)


class Info(Protocol):
    """The executor's information on the field that a resolver resolves."""

    field_name: str


@dataclass(frozen=True, slots=True)
class GraphQLCall:
    """The body of a GraphQL request."""

    document: str
    variables: dict[str, object]
    operation_name: str | None


@dataclass(frozen=True, slots=True)
class GraphQLService:
    """The operations of the API, executed on a `SandboxState`; a document holds at most `root_fields` of them."""

    state: SandboxState
    make_link: LinkMaker
    subscription_fields: Mapping[str, Callable[..., Json]]
    root_fields: int = ROOT_FIELDS

    def execute(self, call: GraphQLCall) -> Json:
        """Execute a call and return the JSON object to send. The caller's mistakes are in `errors`."""
        document, problems = _parse_document(call.document)
        if document is None or problems:
            return {"errors": [_graphql_error(problem) for problem in problems]}
        fields = _root_fields(document, call.operation_name)
        if len(fields) > self.root_fields:
            many = invalid(f"/query must hold at most {self.root_fields} root fields")
            return {"errors": [many.formatted], "data": None}
        roots = {
            "personalDataRetrievalTask": self._retrieval,
            "personalDataDeletionTask": self._deletion,
            "startPersonalDataRetrievalTask": partial(self._start, Kind.RETRIEVAL),
            "startPersonalDataDeletionTask": partial(self._start, Kind.DELETION),
            "cancelPersonalDataDeletionTask": self._cancel,
            **self.subscription_fields,
        }
        result = execute_sync(
            _schema(),
            document,
            root_value=roots,
            variable_values=call.variables,
            operation_name=call.operation_name,
        )
        return _to_response(result)

    def refuse(self, call: GraphQLCall, reason: Callable[[], GraphQLError]) -> Json:
        """Return a response that refuses every root field of a call for one reason."""
        document, problems = _parse_document(call.document)
        fields = [] if document is None or problems else _root_fields(document, call.operation_name)
        errors = [_with_path(field, reason()) for field in fields] or [reason()]
        return {"errors": [error.formatted for error in errors], "data": None}

    def _retrieval(self, info: Info, taskId: str) -> Json:  # noqa: N803  the schema's name
        task = self._look_up(info, Kind.RETRIEVAL, taskId)
        link = None
        if task.status is Status.COMPLETED:
            # A callable: the executor makes a link only where the client selected the field.
            link = lambda _info: self.make_link(task.task_id)  # noqa: E731  a def has another type than None
        return {**_task_fields(task), "dataRetrievalLink": link}

    def _deletion(self, info: Info, taskId: str) -> Json:  # noqa: N803  the schema's name
        task = self._look_up(info, Kind.DELETION, taskId)
        return {**_task_fields(task), "holdingPeriod": task.holding_period}

    def _cancel(self, info: Info, taskId: str) -> Json:  # noqa: N803  the schema's name
        self.state.count_call(info.field_name)
        try:
            self.state.cancel(taskId)
        except UnknownTaskError:
            raise resource_not_found() from None
        except NotOnHoldError as reason:
            raise not_cancellable(reason.status) from None
        return {"taskId": taskId}

    def _start(self, kind: Kind, info: Info, input: Mapping[str, Any]) -> Json:
        self.state.count_call(info.field_name)
        email = input["dataSubject"].get("email")
        token = (input.get("clientToken") or {}).get("token")
        holding_period = input.get("holdingPeriod")
        problem = start_mistake(info.field_name, email, token, holding_period)
        if problem is not None:
            raise problem
        task_id = self.state.start(kind, email, client_token=token, holding_period=holding_period)
        return {"taskId": task_id}

    def _look_up(self, info: Info, kind: Kind, task_id: str) -> TaskSnapshot:
        self.state.count_call(info.field_name)
        try:
            return self.state.find(kind, task_id)
        except UnknownTaskError:
            raise resource_not_found() from None


def _task_fields(task: TaskSnapshot) -> Json:
    errors = None
    if task.errors is not None:
        errors = [{"code": error.code, "message": error.message} for error in task.errors]
    return {
        "taskId": task.task_id,
        "status": task.status.value,
        "submissionDate": format_instant(task.submitted_at),
        # The schema demands a text, the service leaves the key out: `_without_nulls` takes an empty one away.
        "lastUpdatedDate": "" if task.updated_at is None else format_instant(task.updated_at),
        "dataSubject": {"type": "SHOPPER", "email": task.email},
        "errors": errors,
    }


@lru_cache(maxsize=1)
def _schema() -> GraphQLSchema:
    return build_schema(schema_text())


@lru_cache(maxsize=256)
def _parse_document(text: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    try:
        document = parse(text)
    except GraphQLError as problem:
        return None, (problem,)
    return document, tuple(validate(_schema(), document))


def _root_fields(document: DocumentNode, operation_name: str | None) -> list[FieldNode]:
    operation: OperationDefinitionNode | None = get_operation_ast(document, operation_name)
    if operation is None or operation.operation is OperationType.SUBSCRIPTION:
        return []
    return [field for field in operation.selection_set.selections if isinstance(field, FieldNode)]


def _with_path(field: FieldNode, error: GraphQLError) -> GraphQLError:
    name = field.alias or field.name
    return GraphQLError(error.message, nodes=field, path=[name.value], extensions=error.extensions)


def _to_response(result: ExecutionResult) -> Json:
    errors = result.errors or []
    if result.data is None and all(error.path is None for error in errors):
        return {"errors": [_graphql_error(error) for error in errors]}
    response: Json = {"data": result.data and {root: _without_nulls(value) for root, value in result.data.items()}}
    if errors:
        response["errors"] = [_service_error(error) for error in errors]
    return response


def _without_nulls(value: object) -> object:
    """Return the value of a root field, an object without its null keys: the service leaves them out."""
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if inner is not None and inner != ""}


def _service_error(error: GraphQLError) -> Mapping[str, object]:
    if "classification" in (error.extensions or {}):
        return error.formatted
    _log.error("the practice API failed at %s", error.path, exc_info=error.original_error)
    return {**error.formatted, "message": internal().message, "extensions": internal().extensions}


def _graphql_error(error: GraphQLError) -> Mapping[str, object]:
    """Return an error of the GraphQL engine, whose classification is a plain string."""
    syntax = error.message.startswith("Syntax Error")
    return {**error.formatted, "extensions": {"classification": "InvalidSyntax" if syntax else "ValidationError"}}
