"""The service's privacy operations as coroutines (contract: Operations)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx

from bwp_tui.api.auth import ClientCredentials
from bwp_tui.api.endpoint import Endpoint
from bwp_tui.api.errors import ApiError, BadResponse, NotFound
from bwp_tui.api.http_transport import HttpResponse, HttpTransport
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.redaction import quiet_http_loggers
from bwp_tui.api.response_errors import api_error, graphql_response, is_denied
from bwp_tui.contract.documents import (
    CANCEL_DELETION,
    CANCEL_FIELD,
    CLOCK,
    LINK_FIELD,
    RETRIEVAL_LINK,
    START_DOCUMENTS,
    START_FIELDS,
    poll_document,
)
from bwp_tui.contract.inputs import start_variables
from bwp_tui.contract.payloads import (
    ContractViolation,
    GraphQLResponse,
    ServiceError,
    TaskPayload,
    parse_link,
    parse_start,
    parse_task,
)
from bwp_tui.domain.addresses import split_address
from bwp_tui.domain.task import Kind, Status


@dataclass(frozen=True, slots=True)
class _Outcome:
    response: GraphQLResponse
    http: HttpResponse

    @property
    def is_denied(self) -> bool:
        return is_denied(self.response, self.http.status)

    def error(self, error: ServiceError, field: str) -> ApiError:
        return api_error(error, self.http, own=error.path == field)


class PrivacyApi:
    """One shop's connection to the service. Timeouts in seconds; tokens age by `clock`; to be used from one event loop.

    Every method raises an `ApiError`. What is worth another try, and when, is the caller's to decide; only a token
    that has gone bad is renewed and the call tried once more here.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        connect_timeout: float = 10,
        read_timeout: float = 30,
        connections: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        quiet_http_loggers()
        self._endpoint = endpoint
        self._transport = HttpTransport(
            endpoint, connect_timeout=connect_timeout, read_timeout=read_timeout, connections=connections
        )
        self._auth = ClientCredentials(endpoint, self._transport.send, clock)
        self._is_practice = split_address(endpoint.api_url).is_loopback

    async def start(
        self,
        kind: Kind,
        email: str,
        client_token: str,
        holding_period: int | None = None,
        reason: str | None = None,
    ) -> str:
        """Start a task and return its task id. The same client token starts no second task within 8 hours."""
        variables = start_variables(kind, email, client_token, holding_period, reason)
        return await self._mutate(START_DOCUMENTS[kind], variables, START_FIELDS[kind])

    async def cancel(self, task_id: str) -> None:
        """Cancel a deletion that is still on hold."""
        if await self._mutate(CANCEL_DELETION, {"taskId": task_id}, CANCEL_FIELD) != task_id:
            raise BadResponse("The service's answer is about another task. It is tried again.", outcome_unknown=True)

    async def poll(self, tasks: Sequence[tuple[Kind, str]]) -> dict[str, TaskPayload | ApiError]:
        """Ask for all of `tasks` in one document; return by task id what is known of each, or why it is not.

        Raises:
            ApiError: the document as a whole failed, so that nothing is known of any task.
        """
        if not tasks:
            return {}
        document, aliases = poll_document(tasks)
        outcome = await self._query(document, aliases)
        own = {error.path: error for error in reversed(outcome.response.errors) if error.path in aliases}
        common = [error for error in outcome.response.errors if error.path not in aliases]
        if common:
            raise outcome.error(common[0], "")
        return {
            task_id: outcome.error(own[alias], alias)
            if alias in own
            else _task(outcome.response, alias, task_id, len(tasks))
            for alias, task_id in aliases.items()
        }

    async def link(self, task_id: str) -> PresignedLink:
        """Have a link made to a completed retrieval's archive. It must be followed at once."""
        outcome = await self._query(RETRIEVAL_LINK, {"taskId": task_id})
        for error in outcome.response.errors:
            raise outcome.error(error, LINK_FIELD)
        value = outcome.response.field(LINK_FIELD)
        if value is None:
            raise _unknown_task()
        try:
            answer = parse_link(value, task_id)
        except ContractViolation:
            answer = None
        if answer is None:
            raise BadResponse("The service's answer about the link cannot be understood. It is tried again.")
        if not answer.link:
            raise BadResponse(
                f"The service gives no link: the retrieval is {answer.status}.",
                transient=answer.status != Status.FAILED,
            )
        reply = outcome.http
        return PresignedLink.checked(
            answer.link,
            issued_at=reply.sent_at,
            received_at=reply.received_at,
            date=reply.date,
            loopback_allowed=self._is_practice,
        )

    def service_now(self) -> datetime | None:
        """Return the time by the service's clock, or None where no answer has told it."""
        return self._transport.clock.now()

    async def refresh_clock(self, *, again: bool) -> None:
        """Have the service tell its time, be it that the token is renewed for it.

        Args:
            again: what was told more than a minute ago does not do.
        """
        await self._auth.valid_header()
        if again and not self._transport.clock.is_fresh:
            try:
                await self._send(CLOCK, {})
            except ApiError:
                if not self._transport.clock.is_fresh:
                    raise

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _mutate(self, document: str, variables: Mapping[str, object], field: str) -> str:
        outcome = await self._query(document, variables)
        try:
            return parse_start(outcome.response.field(field)).task_id
        except ContractViolation:
            pass  # no task id; but one that is there counts even beside errors: nobody could look it up again
        for error in outcome.response.errors:
            raise outcome.error(error, field)
        raise BadResponse("The service answered without a task id. It is tried again.", outcome_unknown=True)

    async def _query(self, document: str, variables: Mapping[str, object]) -> _Outcome:
        outcome, header = await self._send(document, variables)
        if not outcome.is_denied or not self._auth.invalidate(header):
            return outcome
        outcome, _ = await self._send(document, variables)
        if outcome.is_denied:
            self._auth.renewal_did_not_help()
        return outcome

    async def _send(self, document: str, variables: Mapping[str, object]) -> tuple[_Outcome, str]:
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
        reply = await self._transport.send(request, self._auth)
        return _Outcome(graphql_response(reply), reply), request.headers["Authorization"]


def _unknown_task() -> NotFound:
    return NotFound("The service does not know this task: check the task id and the profile.")


def _task(answer: GraphQLResponse, alias: str, task_id: str, asked: int) -> TaskPayload | ApiError:
    value = answer.field(alias)
    if value is None:
        # In a batch, an alias that was left out says nothing about its task; a null does.
        told = answer.data is not None and (alias in answer.data or asked == 1)
        return _unknown_task() if told else BadResponse("The service left this task out of its answer.")
    try:
        return parse_task(value, task_id)
    except ContractViolation:
        return BadResponse("The service's answer about this task cannot be understood. It is tried again.")
