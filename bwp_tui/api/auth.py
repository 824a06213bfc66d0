"""Obtain access tokens by client credentials (RFC 6749 §4.4); concurrent calls share one request."""

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
from bwp_tui.contract.payloads import error_name, parse_access_token, readable

RENEWAL_MARGIN_S: Final = 60.0
"""Seconds before its end at which a token is renewed; half its life where that is shorter."""

DENIAL_PAUSE_S: Final = 60.0
"""Seconds without another renewal after a renewed token was denied: the token was not the reason."""


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    valid_until: float


class ClientCredentials(httpx.Auth):
    """Adds a valid token on each request. `exchange` sends one request and returns its response."""

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
        """Set the Authorization header; without a token the request is not sent."""
        request.headers["Authorization"] = await self.valid_header()
        yield request

    def invalidate(self, header: str) -> bool:
        """Drop the token of a denied Authorization header; return whether a retry makes sense.

        A token renewed meanwhile by another call stays.
        """
        if self._token is not None and self._token.header == header:
            if self._clock() < self._no_renewal_before:
                return False
            self._token = None
        return True

    def record_denied_renewal(self) -> None:
        """Record that a renewed token was denied too, so that denials do not flood the token endpoint."""
        self._no_renewal_before = self._clock() + DENIAL_PAUSE_S

    async def valid_header(self) -> str:
        """Return a valid Authorization header, renewing the token where needed."""
        ended_before = self._attempts_ended
        async with self._lock:
            if self._token is not None and self._clock() < self._token.valid_until:
                return self._token.header
            if self._attempts_ended != ended_before and self._failure is not None:
                # Another call failed while this one waited for it: do not call the endpoint again.
                raise copy.copy(self._failure)
            return (await self._renew()).header

    async def _renew(self) -> _Token:
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
        requested_at = self._clock()
        response = await self._exchange(self._request())
        if response.status != httpx.codes.OK:
            raise _refusal(response)
        if (token := readable(lambda: parse_access_token(response.body))) is None:
            raise BadResponse(
                "Signing in failed: the response of the token endpoint cannot be read; check the setting token_url."
            )
        margin = min(RENEWAL_MARGIN_S, token.expires_in / 2)
        return _Token(f"Bearer {token.access_token}", requested_at + token.expires_in - margin)

    def _request(self) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._endpoint.token_url,
            data={
                "grant_type": "client_credentials",
                "client_id": self._endpoint.client_id,
                "client_secret": self._endpoint.client_secret.get_secret_value(),
            },
            headers={"Accept": "application/json"},
        )


_REFUSALS: Final = ("invalid_client", "unauthorized_client")
"""The errors of RFC 6749 §5.2 that are about the credentials. Gateways send 400 and 401 as well."""


def _refusal(response: HttpResponse) -> ApiError:
    status, name = response.status, error_name(response.body)
    if name in _REFUSALS and status < httpx.codes.INTERNAL_SERVER_ERROR:
        return BadCredentials(f"The client id or client secret was refused ({name}): check both.")
    if response.is_throttled:
        return Throttled("Signing in failed: token endpoint rate limit hit.", retry_after=response.retry_after)
    if status == httpx.codes.FORBIDDEN:
        return AccessDenied(
            "Signing in failed: the token endpoint denied access; check the credentials' permission and your network."
        )
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return ServerFault(
            f"Signing in failed: the token endpoint sent HTTP {status}.", retry_after=response.retry_after
        )
    return BadResponse(f"Signing in failed: the token endpoint sent HTTP {status}; check the setting token_url.")
