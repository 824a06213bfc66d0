"""Parse the service's responses, in which keys may be missing, null or new, and statuses unknown.

Every text is cleaned, `TaskPayload.email` aside. What cannot be understood raises `ContractViolation`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import AliasGenerator, AliasPath, BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic.alias_generators import to_camel

from bwp_tui.contract.value_readers import (
    ACCESS_TOKEN_LIFE_S,
    read_access_token,
    read_access_token_life,
    read_id,
    read_instant,
    read_line,
    read_required_line,
    read_small_number,
    read_task_errors,
    read_text,
)
from bwp_tui.domain.task import TaskError
from bwp_tui.domain.text import clean_line


class ContractViolation(Exception):
    """A response cannot be read. The text names the place, never the content."""


_T = TypeVar("_T")


def readable(read: Callable[[], _T]) -> _T | None:
    """Return what `read` makes of a response, or None where it cannot, so that no error is chained to the caller's."""
    try:
        return read()
    except ContractViolation:
        return None


_Id = Annotated[str, PlainValidator(read_id)]
_Line = Annotated[str, PlainValidator(read_required_line)]
_OptionalLine = Annotated[str | None, PlainValidator(read_line)]
_Text = Annotated[str | None, PlainValidator(read_text)]
_Instant = Annotated[datetime | None, PlainValidator(read_instant)]


class _Body(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, alias_generator=AliasGenerator(validation_alias=to_camel)
    )


class TaskPayload(_Body):
    """A task as the service sends it. `status` may be new, instants are in UTC, `holding_period` is in days."""

    task_id: _Id
    status: _Line
    submission_date: _Instant = None
    last_updated_date: _Instant = None
    email: Annotated[_Text, Field(validation_alias=AliasPath("dataSubject", "email"))] = None
    """As it came, to be compared only; `cleaned_email` is the one to show and to keep."""
    holding_period: Annotated[int | None, PlainValidator(read_small_number)] = None
    errors: Annotated[tuple[TaskError, ...], PlainValidator(read_task_errors)] = ()

    @property
    def cleaned_email(self) -> str | None:
        """The data subject's email, cleaned."""
        return None if self.email is None else clean_line(self.email)


class MutationPayload(_Body):
    """The payload of a mutation: the task it started or cancelled."""

    task_id: _Id


class LinkPayload(_Body):
    """The payload of a query for a link. `link` is a bearer secret and stays out of `repr`."""

    task_id: _Text = None
    status: _Line
    link: Annotated[_Text, Field(repr=False, validation_alias="dataRetrievalLink")] = None


class SubscriptionPayload(_Body):
    """An event subscription. A mutation's payload has the id alone."""

    subscription_id: _Id
    event_type: Annotated[_OptionalLine, Field(validation_alias=AliasPath("eventSubscriptionDetails", "eventType"))] = (
        None
    )
    arn: Annotated[
        _OptionalLine, Field(validation_alias=AliasPath("eventSubscriptionDetails", "destination", "arn"))
    ] = None
    """The partner event source's; it ends in the source's name."""


class AccessTokenPayload(BaseModel):
    """An access token. `expires_in` is in seconds; `access_token` stays out of `repr`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    access_token: Annotated[str, PlainValidator(read_access_token), Field(repr=False)]
    expires_in: Annotated[float, PlainValidator(read_access_token_life)] = ACCESS_TOKEN_LIFE_S


class ServiceError(BaseModel):
    """One entry of a response's `errors`, each text cleaned to one line."""

    model_config = ConfigDict(frozen=True)

    message: str = ""
    path: str | None = None
    """The first element of the path: an alias of a poll, or the field's name."""
    type: str | None = None
    code: str | None = None
    detail: str | None = None
    status: int | None = None
    """The classification's `errorCode`, in HTTP's numbers."""
    classified: bool = False
    """Whether the service itself has classified it; engines and gateways name errors in other ways."""


class GraphQLResponse(BaseModel):
    """A GraphQL response."""

    model_config = ConfigDict(frozen=True)

    data: dict[str, object] | None = None
    errors: tuple[ServiceError, ...] = ()

    def field(self, name: str) -> object:
        """Return the value of the field or alias `name`, or None."""
        return None if self.data is None else self.data.get(name)


def _json_object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ContractViolation("The response is no JSON object.")
    return value


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _service_error(entry: object) -> ServiceError | None:
    if isinstance(entry, str):
        return ServiceError(message=clean_line(entry))
    if not isinstance(entry, dict):
        return None
    extensions = _mapping(entry.get("extensions"))
    classification = extensions.get("classification")
    facts = _mapping(classification)
    path = entry.get("path")
    names = (classification, facts.get("type"), facts.get("errorType"), entry.get("errorType"), extensions.get("code"))
    return ServiceError(
        message=read_line(entry.get("message")) or "",
        path=read_line(path[0]) if isinstance(path, list) and path else None,
        type=next(filter(None, map(read_line, names)), None),
        code=read_line(facts.get("code")),
        detail=read_line(_mapping(facts.get("details")).get("message")),
        status=read_small_number(facts.get("errorCode")),
        classified=read_line(facts.get("type")) is not None,
    )


def parse_response(body: bytes) -> GraphQLResponse:
    """Parse the body of a GraphQL response."""
    response = _json_object(body)
    listed = response.get("errors")
    entries = listed if isinstance(listed, list) else [listed]
    errors = tuple(error for error in map(_service_error, entries) if error is not None)
    data = response.get("data")
    if "data" not in response and not errors:
        raise ContractViolation("The response has neither data nor errors.")
    return GraphQLResponse(data=data if isinstance(data, dict) else None, errors=errors)


_Model = TypeVar("_Model", bound=BaseModel)


def _validated(model: type[_Model], value: object) -> _Model:
    broken: list[str] = []
    try:
        return model.model_validate(value)
    except ValidationError as error:  # its text quotes the input, so only the places are kept
        broken = [".".join(str(part) for part in fault["loc"]) or "all of it" for fault in error.errors()]
    raise ContractViolation(f"The {model.__name__} cannot be read: {', '.join(broken)}.")


def parse_task(value: object, task_id: str) -> TaskPayload:
    """Parse the payload of a query for the task `task_id`; a missing id is taken to be that one."""
    fields = _mapping(value)
    if fields.get("taskId") is None:
        fields = {**fields, "taskId": task_id}
    payload = _validated(TaskPayload, fields)
    _check_task(payload.task_id, task_id)
    return payload


def _check_task(received: str | None, requested: str) -> None:
    if received not in (None, requested):
        raise ContractViolation("The response is about another task.")


def parse_mutation(value: object) -> MutationPayload:
    """Parse the payload of a mutation."""
    return _validated(MutationPayload, value)


def parse_link(value: object, task_id: str) -> LinkPayload:
    """Parse the payload of a query for the link of the task `task_id`; a task not completed has none."""
    payload = _validated(LinkPayload, value)
    _check_task(payload.task_id, task_id)
    return payload


def parse_subscription(value: object) -> SubscriptionPayload:
    """Parse a subscription, or the payload of a mutation about one."""
    return _validated(SubscriptionPayload, value)


def parse_subscription_page(value: object) -> tuple[list[str], str | None]:
    """Return the ids of a page of subscriptions, without unusable ones, and the cursor of the next page, if any."""
    edges = _mapping(value).get("edges")
    nodes = [_mapping(_mapping(edge).get("node")) for edge in edges] if isinstance(edges, list) else []
    ids = list(filter(None, (read_line(node.get("id")) for node in nodes)))
    page = _mapping(_mapping(value).get("pageInfo"))
    return ids, read_text(page.get("endCursor")) if page.get("hasNextPage") is True else None


def parse_access_token(body: bytes) -> AccessTokenPayload:
    """Parse the token endpoint's response (RFC 6749 §5.1)."""
    return _validated(AccessTokenPayload, _json_object(body))


def error_name(body: bytes) -> str | None:
    """Return the error name in a JSON body (RFC 6749 §5.2 or AWS's forms), or None."""
    fields = readable(lambda: _json_object(body)) or {}
    return next(filter(None, (read_line(fields.get(key)) for key in ("error", "__type", "code", "errorType"))), None)
