"""The service's privacy operations."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx

from bwp_tui.api.auth import ClientCredentials
from bwp_tui.api.endpoint import Endpoint
from bwp_tui.api.errors import AccessDenied, ApiError, BadResponse, NotFound
from bwp_tui.api.http_transport import HttpResponse, HttpTransport
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.redaction import quiet_http_loggers
from bwp_tui.api.response_errors import (
    NO_RIGHT_TO_SUBSCRIPTIONS,
    NO_SUBSCRIPTIONS,
    UNKNOWN_SUBSCRIPTION,
    api_error,
    graphql_response,
    is_denied,
)
from bwp_tui.contract.documents import (
    CANCEL_DELETION,
    CLOCK,
    CREATE_SUBSCRIPTION,
    DELETE_SUBSCRIPTION,
    RETRIEVAL_LINK,
    START,
    SUBSCRIPTION,
    SUBSCRIPTIONS,
    GraphQLOperation,
    poll_document,
)
from bwp_tui.contract.inputs import start_variables, subscription_variables
from bwp_tui.contract.payloads import (
    GraphQLResponse,
    ServiceError,
    SubscriptionPayload,
    TaskPayload,
    parse_link,
    parse_mutation,
    parse_subscription,
    parse_subscription_page,
    parse_task,
    readable,
)
from bwp_tui.domain.statuses import UNKNOWN_TASK, Status
from bwp_tui.domain.task import Kind
from bwp_tui.domain.urls import split_url

_PAGE_SIZE: Final = 100
_MOST_PAGES: Final = 20  # more than any shop subscribes to


@dataclass(frozen=True, slots=True)
class _CallOutcome:
    graphql: GraphQLResponse
    http: HttpResponse

    @property
    def is_denied(self) -> bool:
        return is_denied(self.graphql, self.http.status)

    def error(self, error: ServiceError, field: str) -> ApiError:
        return api_error(error, self.http, names_field=error.path == field)


class PrivacyApi:
    """Calls the service for one shop. Timeouts in seconds; tokens age by `clock`; for use in one event loop.

    Every method raises `ApiError`. The caller decides about retries; only a denied token is renewed here, and the call
    repeated once.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        connect_timeout: float = 10,
        read_timeout: float = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        quiet_http_loggers()
        self._endpoint = endpoint
        self._transport = HttpTransport(endpoint, connect_timeout=connect_timeout, read_timeout=read_timeout)
        self._auth = ClientCredentials(endpoint, self._transport.send, clock)
        self._loopback_allowed = split_url(endpoint.api_url).is_loopback

    async def start(
        self, kind: Kind, email: str, client_token: str, holding_period: int | None = None, reason: str | None = None
    ) -> str:
        """Start a task and return its id. A client token starts no second task for `CLIENT_TOKEN_LIFETIME`."""
        variables = start_variables(kind, email, client_token, holding_period, reason)
        return await self._mutate(START[kind], variables)

    async def cancel(self, task_id: str) -> None:
        """Cancel a deletion that is still on hold."""
        if await self._mutate(CANCEL_DELETION, {"taskId": task_id}) != task_id:
            raise BadResponse("The service's response is about another task.", outcome_unknown=True)

    async def poll(self, tasks: Sequence[tuple[Kind, str]]) -> dict[str, TaskPayload | ApiError]:
        """Poll all `tasks` in one document; return a payload or an error by task id."""
        if not tasks:
            return {}
        document, aliases = poll_document(tasks)
        outcome = await self._query(document, aliases)
        named = {error.path: error for error in reversed(outcome.graphql.errors) if error.path in aliases}
        common = [error for error in outcome.graphql.errors if error.path not in aliases]
        if common:
            raise outcome.error(common[0], "")
        return {
            task_id: outcome.error(named[alias], alias)
            if alias in named
            else _task_result(outcome.graphql, alias, task_id, len(tasks))
            for alias, task_id in aliases.items()
        }

    async def link(self, task_id: str) -> PresignedLink:
        """Create a link to a completed retrieval's archive. Follow it at once."""
        outcome = await self._query(RETRIEVAL_LINK.document, {"taskId": task_id})
        for error in outcome.graphql.errors:
            raise outcome.error(error, RETRIEVAL_LINK.field)
        value = outcome.graphql.field(RETRIEVAL_LINK.field)
        if value is None:
            raise NotFound(UNKNOWN_TASK)
        if (payload := readable(lambda: parse_link(value, task_id))) is None:
            raise BadResponse("The service's response about the link cannot be read.")
        if not payload.link:
            raise BadResponse(
                f"The service gives no link: the retrieval is {payload.status}.",
                transient=payload.status != Status.FAILED,
            )
        response = outcome.http
        return PresignedLink.checked(
            payload.link,
            issued_at=response.sent_at,
            received_at=response.received_at,
            date=response.date,
            loopback_allowed=self._loopback_allowed,
        )

    async def subscribe(self, event_type: str, region: str, account: str, source_name: str) -> str:
        """Subscribe to an event type, for a partner event source of an AWS account; return the subscription's id.

        A repeat is `Rejected`, since the mutation has no client token.
        """
        variables = subscription_variables(event_type, region, account, source_name)
        return (await self._subscription(CREATE_SUBSCRIPTION, variables)).subscription_id

    async def unsubscribe(self, subscription_id: str) -> None:
        await self._subscription(DELETE_SUBSCRIPTION, {"id": subscription_id})

    async def subscriptions(self) -> list[SubscriptionPayload]:
        """Return the shop's event subscriptions, of any event type; of one that may not be read, the id alone.

        A shop that has none is denied access, like one without the permission.
        """
        ids: dict[str, None] = {}
        variables: dict[str, object] = {"first": _PAGE_SIZE}
        for _ in range(_MOST_PAGES):
            page, next_cursor = parse_subscription_page(await self._value(SUBSCRIPTIONS, variables))
            ids.update(dict.fromkeys(page))
            if next_cursor is None:
                break
            variables["after"] = next_cursor
        return [await self._subscription_details(each) for each in ids]

    def service_now(self) -> datetime | None:
        """Return the time by the service's clock, or None if no response had a date."""
        return self._transport.clock.now()

    async def refresh_clock(self, *, if_stale: bool) -> None:
        """Obtain the service's time by a token request if it is unknown, with `if_stale` also if it is a minute old."""
        await self._auth.valid_header()
        if if_stale and not self._transport.clock.is_fresh:
            try:
                await self._send(CLOCK, {})
            except ApiError:
                if not self._transport.clock.is_fresh:
                    raise

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _mutate(self, operation: GraphQLOperation, variables: Mapping[str, object]) -> str:
        outcome = await self._query(operation.document, variables)
        payload = readable(lambda: parse_mutation(outcome.graphql.field(operation.field)))
        if payload is not None:  # a task id counts even beside errors: nobody could look it up again
            return payload.task_id
        for error in outcome.graphql.errors:
            raise outcome.error(error, operation.field)
        raise BadResponse("The service responded without a task id.", outcome_unknown=True)

    async def _subscription_details(self, subscription_id: str) -> SubscriptionPayload:
        try:
            return await self._subscription(SUBSCRIPTION, {"id": subscription_id})
        except (AccessDenied, NotFound):  # an event type that the credentials may not read, or one just deleted
            return SubscriptionPayload(subscription_id=subscription_id)

    async def _subscription(self, operation: GraphQLOperation, variables: Mapping[str, object]) -> SubscriptionPayload:
        value = await self._value(operation, variables)
        if (payload := readable(lambda: parse_subscription(value))) is not None:
            return payload
        raise BadResponse("The service's response about the subscription cannot be read.")

    async def _value(self, operation: GraphQLOperation, variables: Mapping[str, object]) -> object:
        """Return the value of a field about subscriptions."""
        outcome = await self._query(operation.document, variables)
        for service_error in outcome.graphql.errors:
            error = outcome.error(service_error, operation.field)
            if isinstance(error, AccessDenied):
                raise AccessDenied(NO_SUBSCRIPTIONS if operation is SUBSCRIPTIONS else NO_RIGHT_TO_SUBSCRIPTIONS)
            raise NotFound(UNKNOWN_SUBSCRIPTION) if isinstance(error, NotFound) else error
        return outcome.graphql.field(operation.field)

    async def _query(self, document: str, variables: Mapping[str, object]) -> _CallOutcome:
        outcome, header = await self._send(document, variables)
        if not outcome.is_denied or not self._auth.invalidate(header):
            return outcome
        outcome, _ = await self._send(document, variables)
        if outcome.is_denied:
            self._auth.record_denied_renewal()
        return outcome

    async def _send(self, document: str, variables: Mapping[str, object]) -> tuple[_CallOutcome, str]:
        request = httpx.Request(
            "POST",
            self._endpoint.api_url,
            content=json.dumps({"query": document, "variables": variables}).encode(),
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "x-api-target-id": self._endpoint.target_id,
                "x-api-version": self._endpoint.api_version,
            },
        )
        response = await self._transport.send(request, self._auth)
        return _CallOutcome(graphql_response(response), response), request.headers["Authorization"]


def _task_result(response: GraphQLResponse, alias: str, task_id: str, batch_size: int) -> TaskPayload | ApiError:
    value = response.field(alias)
    if value is None:
        # In a batch, a missing alias says nothing about its task; a null does.
        is_null = response.data is not None and (alias in response.data or batch_size == 1)
        return NotFound(UNKNOWN_TASK) if is_null else BadResponse("The service left this task out of its response.")
    unreadable = BadResponse("The service's response about this task cannot be read.")
    return readable(lambda: parse_task(value, task_id)) or unreadable
