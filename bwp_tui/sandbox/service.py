"""Route requests to the endpoints of the practice API, and inject faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime
from typing import Final
from urllib.parse import parse_qs

from graphql import GraphQLError

from bwp_tui.domain.times import Clock
from bwp_tui.sandbox.archive_server import ArchiveServer
from bwp_tui.sandbox.events.sqs_server import TARGET_PREFIX, SqsServer
from bwp_tui.sandbox.faults import Faults
from bwp_tui.sandbox.graphql import GraphQLCall, GraphQLService
from bwp_tui.sandbox.http_connection import Headers, HttpRequest, HttpResponse
from bwp_tui.sandbox.links import LINK_PREFIX
from bwp_tui.sandbox.refusals import access_denied, invalid, throttled
from bwp_tui.sandbox.sandbox_state import SandboxState
from bwp_tui.sandbox.tokens import TokenIssuer

API_VERSIONS: Final = ("2024-01-01", "2024-04-01", "2024-11-01")
"""Values that `x-api-version` may have."""

_JSON: Final[Headers] = (("Content-Type", "application/json"),)
_WEB_PAGE: Final = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The practice API without its sockets. `slow_s` is how long the fault of that name takes, in seconds."""

    state: SandboxState
    tokens: TokenIssuer
    graphql: GraphQLService
    archives: ArchiveServer
    queues: SqsServer
    faults: Faults
    target_id: str
    slow_s: float
    clock: Clock

    async def respond(self, request: HttpRequest) -> HttpResponse | None:
        """Return the response, with a date, or None to close the connection without one."""
        response = await self._respond(request)
        dated = ("Date", format_datetime(self.clock(), usegmt=True))
        return response and replace(response, headers=(*response.headers, dated))

    async def _respond(self, request: HttpRequest) -> HttpResponse | None:
        if request.path.startswith(LINK_PREFIX):
            return await self.archives.respond(request)
        if request.headers.get("x-amz-target", "").startswith(TARGET_PREFIX):
            self.state.count_call("sqs")
            return await self.queues.respond(request)
        endpoint = {"/token": self._token, "/graphql": self._api}.get(request.path)
        if endpoint is None:
            return _json(404, {"message": "Not Found"})
        if request.method != "POST":
            return _json(405, {"message": "Method Not Allowed"}, ("Allow", "POST"))
        if self.faults.hits("down"):
            return None
        if self.faults.hits("bad-request"):
            return _web_page("400 Bad Request")
        return await endpoint(request)

    async def _token(self, request: HttpRequest) -> HttpResponse | None:
        self.state.count_call("token")
        if self.faults.hits("throttled"):
            return _json(429, {"message": "Too Many Requests"}, ("Retry-After", "1"))
        if not _has_type(request, "application/x-www-form-urlencoded"):
            return _json(400, {"error": "invalid_request", "error_description": "the body must be form-encoded"})
        status, document = self.tokens.issue(parse_qs(request.body.decode("utf-8", "replace")))
        return _json(status, document, ("Cache-Control", "no-store"))

    async def _api(self, request: HttpRequest) -> HttpResponse | None:
        self.state.count_call("graphql")
        if self.faults.hits("html"):
            return _web_page("502 Bad Gateway")
        if self.faults.hits("throttled-400"):
            return _json(
                400, {"__type": "com.amazon.coral.availability#ThrottlingException", "message": "Rate exceeded"}
            )
        if self.faults.hits("unclassified"):
            return _json(200, {"errors": [{"message": "Service temporarily unavailable"}]})
        if self.faults.hits("slow"):
            await asyncio.sleep(self.slow_s)
        if not _has_type(request, "application/json"):
            return _json(415, {"message": "Unsupported Media Type"})
        call = _graphql_call(request.body)
        if call is None:
            return _json(400, {"errors": [{"message": "The body is no GraphQL request in JSON."}]})
        return self._execute(request, call)

    def _execute(self, request: HttpRequest, call: GraphQLCall) -> HttpResponse | None:
        refusal = self._refusal(request)
        document = self.graphql.execute(call) if refusal is None else self.graphql.refuse(call, refusal)
        if self.faults.hits("lost-answer"):
            return None
        body = json.dumps(document).encode()
        if self.faults.hits("garbled"):
            body = body[: len(body) // 2]
        return HttpResponse(200, _JSON, body)

    def _refusal(self, request: HttpRequest) -> Callable[[], GraphQLError] | None:
        if self.faults.hits("throttled"):
            return throttled
        is_shop = request.headers.get("x-api-target-id") == self.target_id
        is_allowed = is_shop and self.tokens.accepts(request.headers.get("authorization", ""))
        if self.faults.hits("denied") or not is_allowed:
            return access_denied
        if request.headers.get("x-api-version") not in API_VERSIONS:
            return lambda: invalid(f"/x-api-version must be one of {', '.join(API_VERSIONS)}")
        return None


def _web_page(title: str) -> HttpResponse:
    return HttpResponse(int(title[:3]), (("Content-Type", "text/html"),), _WEB_PAGE.format(title).encode())


def _has_type(request: HttpRequest, media_type: str) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == media_type


def _graphql_call(body: bytes) -> GraphQLCall | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("query"), str):
        return None
    variables, name = found.get("variables") or {}, found.get("operationName")
    if not isinstance(variables, dict) or not (name is None or isinstance(name, str)):
        return None
    return GraphQLCall(found["query"], variables, name)


def _json(status: int, document: Mapping[str, object], *headers: tuple[str, str]) -> HttpResponse:
    return HttpResponse(status, (*_JSON, *headers), json.dumps(document).encode())
