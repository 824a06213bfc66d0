"""Access tokens by client credentials (RFC 6749 §4.4), asked for once however many calls wait for one."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import httpx

from bwp_tui.api.endpoint import Endpoint
from bwp_tui.api.errors import AccessDenied, ApiError, BadCredentials, BadResponse, ServerFault, Throttled
from bwp_tui.api.http_transport import HttpResponse
from bwp_tui.contract.payloads import ContractViolation, error_name, parse_token

RENEWAL_MARGIN: Final = 60.0
"""Seconds before its end at which a token is renewed; half its life where that is shorter."""

DENIAL_PAUSE: Final = 60.0
"""Seconds without another renewal on denial after one that did not help: then the token was not the reason."""


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    good_until: float


class ClientCredentials(httpx.Auth):
    """Puts a valid token on each request. `exchange` sends one request and returns its answer."""

    def __init__(
        self,
        endpoint: Endpoint,
        exchange: Callable[[httpx.Request], Awaitable[HttpResponse]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._exchange = exchange
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: _Token | None = None
        self._attempts_ended = 0
        self._failure: ApiError | None = None
        self._no_renewal_before = float("-inf")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Set the Authorization header.

        Raises:
            ApiError: there is no token to be had; the request itself was not sent.
        """
        request.headers["Authorization"] = await self.valid_header()
        yield request

    def invalidate(self, header: str) -> bool:
        """Drop the token behind an Authorization header that was denied; say whether another try makes sense.

        A token renewed meanwhile by another call stays.
        """
        if self._token is not None and self._token.header == header:
            if self._clock() < self._no_renewal_before:
                return False
            self._token = None
        return True

    def renewal_did_not_help(self) -> None:
        """Note that a renewed token was denied as well, so that denials do not wear out the token endpoint."""
        self._no_renewal_before = self._clock() + DENIAL_PAUSE

    async def valid_header(self) -> str:
        """Return an Authorization header that is good now.

        Raises:
            ApiError: there is no token to be had.
        """
        ended_before = self._attempts_ended
        async with self._lock:
            if self._token is not None and self._clock() < self._token.good_until:
                return self._token.header
            if self._attempts_ended != ended_before and self._failure is not None:
                # Another call has failed while this one waited for it: the endpoint is not to be asked again.
                raise copy.copy(self._failure)
            return (await self._renewed()).header

    async def _renewed(self) -> _Token:
        self._token, self._failure = None, None
        try:
            self._token = await self._fetch()
        except ApiError as error:
            error.outcome_unknown = False  # the call that needed the token was never sent
            self._failure = copy.copy(error)
            raise
        finally:
            self._attempts_ended += 1
        return self._token

    async def _fetch(self) -> _Token:
        asked_at = self._clock()
        reply = await self._exchange(self._request())
        if reply.status != httpx.codes.OK:
            raise _refusal(reply)
        try:
            answer = parse_token(reply.body)
        except ContractViolation:
            answer = None
        if answer is None:
            raise BadResponse("The token endpoint's answer cannot be understood: check BWP_TOKEN_URL.")
        margin = min(RENEWAL_MARGIN, answer.expires_in / 2)
        return _Token(f"Bearer {answer.access_token}", asked_at + answer.expires_in - margin)

    def _request(self) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._endpoint.token_url,
            data={
                "grant_type": "client_credentials",
                "client_id": self._endpoint.client_id,
                "client_secret": self._endpoint.client_secret.reveal(),
            },
            headers={"Accept": "application/json"},
        )


_REFUSALS: Final = ("invalid_client", "unauthorized_client")
"""The errors of RFC 6749 §5.2 that are about the credentials. Gateways answer 400 and 401 as well."""


def _refusal(reply: HttpResponse) -> ApiError:
    status, name = reply.status, error_name(reply.body)
    if name in _REFUSALS and status < httpx.codes.INTERNAL_SERVER_ERROR:
        return BadCredentials(
            f"The client id or client secret was refused ({name}): compare both with those of the merchant console."
        )
    if reply.is_throttled:
        return Throttled("Tokens were asked for too often. It is tried again.", retry_after=reply.retry_after)
    if status == httpx.codes.FORBIDDEN:
        return AccessDenied("The token endpoint denied access: check the credentials' permission and your network.")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return ServerFault(
            f"The token endpoint failed (HTTP {status}). It is tried again.", retry_after=reply.retry_after
        )
    return BadResponse(f"The token endpoint answered HTTP {status}: check BWP_TOKEN_URL. It is tried again.")
