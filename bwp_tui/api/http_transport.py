"""Send an HTTP request, limited in time and size; raise failures as `ApiError`."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx

from bwp_tui.api.endpoint import Endpoint
from bwp_tui.api.errors import ApiError, BadResponse, Unreachable
from bwp_tui.api.headers import parse_date, parse_retry_after
from bwp_tui.api.proxies import UnusableProxy, proxy_for
from bwp_tui.api.service_clock import ServiceClock
from bwp_tui.api.tls import UNREADABLE_CERTIFICATES, tls_context, verifier_reason
from bwp_tui.contract.payloads import error_name
from bwp_tui.domain.text import format_size
from bwp_tui.domain.urls import split_url

MAX_RESPONSE_BYTES: Final = 4_000_000
"""Bytes. A poll of 20 tasks takes about 8 KiB."""

_READ_TIMEOUTS: Final = 4
"""The longest call, in read timeouts: a server that sends a byte now and then must not hold a call for ever."""

_CONNECTIONS: Final = 8
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A complete HTTP response.

    Attributes:
        sent_at, received_at: when its request was sent and when it had arrived, on the monotonic clock.
        date: when it was made, by the server's clock, or None.
    """

    status: int
    body: bytes
    retry_after: float | None
    sent_at: float
    received_at: float
    date: datetime | None
    error_type: str | None = None

    @property
    def is_throttled(self) -> bool:
        """Whether the request was throttled. AWS services may use HTTP 400 with an error name."""
        names = (self.error_type, error_name(self.body) if self.status >= httpx.codes.BAD_REQUEST else None)
        return self.status == httpx.codes.TOO_MANY_REQUESTS or any(map(names_throttling, names))


_THROTTLING: Final = re.compile(r"throttl|too.?many.?requests|slow.?down|rate.?(limit|exceeded)|limit.?exceeded", re.I)


def names_throttling(name: str | None) -> bool:
    """Return whether an error name or message means throttling."""
    return name is not None and _THROTTLING.search(name) is not None


class HttpTransport:
    """Sends requests to one endpoint over keep-alive connections. Times in seconds."""

    def __init__(self, endpoint: Endpoint, *, connect_timeout: float, read_timeout: float) -> None:
        self.clock = ServiceClock()
        self._deadline = connect_timeout + _READ_TIMEOUTS * read_timeout
        self._client = _client(endpoint, httpx.Timeout(read_timeout, connect=connect_timeout))

    async def send(self, request: httpx.Request, auth: httpx.Auth | None = None) -> HttpResponse:
        """Send `request` and read the complete response, whatever its status."""
        failure: ApiError
        try:
            async with asyncio.timeout(self._deadline):
                return await self._send(request, auth)
        except httpx.HTTPError as error:
            failure = _transport_error(error, request.url.host)
        except TimeoutError:
            failure = _no_response_error(request.url.host)
        # Raised here, so that the library's exception, which holds the request, is not chained to it.
        raise failure

    async def _send(self, request: httpx.Request, auth: httpx.Auth | None) -> HttpResponse:
        sent_at = time.monotonic()
        response = await self._client.send(request, auth=auth, stream=True)
        try:
            body = await _read_limited(response)
        finally:
            await response.aclose()
        dated = parse_date(response.headers.get("Date"))
        self.clock.record_response(dated)
        return HttpResponse(
            status=response.status_code,
            body=body,
            retry_after=parse_retry_after(response.headers.get("Retry-After"), dated),
            sent_at=sent_at,
            received_at=time.monotonic(),
            date=dated,
            error_type=response.headers.get("x-amzn-ErrorType"),
        )

    async def aclose(self) -> None:
        await self._client.aclose()


def _client(endpoint: Endpoint, timeout: httpx.Timeout) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    try:
        for url in (endpoint.api_url, endpoint.token_url):
            httpx.URL(url).host  # noqa: B018  # where it decodes an international name
    except (httpx.InvalidURL, ValueError):
        raise Unreachable(
            "The address of the service cannot be called: check the settings api_url and token_url.", transient=False
        ) from None
    try:
        context = tls_context()
        return httpx.AsyncClient(
            verify=context,
            timeout=timeout,
            limits=limits,
            follow_redirects=False,
            trust_env=False,  # `proxies` reads the environment
            mounts=dict(_mount(url, context, limits) for url in (endpoint.api_url, endpoint.token_url)),
            headers={"User-Agent": "bwp-tui"},
        )
    except OSError:
        raise Unreachable(UNREADABLE_CERTIFICATES, transient=False) from None
    except UnusableProxy as why:
        raise Unreachable(str(why), transient=False) from None


def _mount(url: str, context: ssl.SSLContext, limits: httpx.Limits) -> tuple[str, httpx.AsyncHTTPTransport | None]:
    """Return httpx's pattern for the host of a URL, and the transport to its proxy, or None."""
    host = split_url(url).host
    pattern, proxy = f"all://{f'[{host}]' if ':' in host else host}", proxy_for(url)
    if proxy is None:
        return pattern, None
    tls = context if proxy.url.startswith("https:") else None
    to_proxy = httpx.Proxy(proxy.url, headers=proxy.headers, ssl_context=tls)
    return pattern, httpx.AsyncHTTPTransport(verify=context, limits=limits, proxy=to_proxy, trust_env=False)


async def _read_limited(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise BadResponse(
                f"The response of {response.url.host} exceeds {format_size(MAX_RESPONSE_BYTES)} and was refused: "
                "check the address of the service.",
                outcome_unknown=True,
            )
    return bytes(body)


def _no_response_error(host: str) -> Unreachable:
    return Unreachable(f"{host} did not respond in time.", outcome_unknown=True)


def _transport_error(error: httpx.HTTPError, host: str) -> ApiError:
    if isinstance(error, _NEVER_SENT):
        return _connect_error(error, host)
    if isinstance(error, httpx.TimeoutException):
        return _no_response_error(host)
    if isinstance(error, httpx.DecodingError):
        return BadResponse(f"The response of {host} could not be decoded.", outcome_unknown=True)
    return Unreachable(f"Connection to {host} lost.", outcome_unknown=True)


def _connect_error(error: httpx.HTTPError, host: str) -> Unreachable:
    if isinstance(error, httpx.ProxyError):
        return Unreachable(f"The proxy refused the request to {host}: check HTTPS_PROXY.")
    reason = verifier_reason(error)
    if reason is not None:
        return Unreachable(
            f"The certificate of {host} was not accepted ({reason}): check the clock, and SSL_CERT_FILE if your "
            "network has its own certificates."
        )
    if isinstance(error, httpx.PoolTimeout):
        return Unreachable("No connection became free in time.")
    return Unreachable(f"{host} cannot be reached: check the network.")
