"""No secret, token or link's query reaches an exception, a traceback or a log, whatever goes wrong."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Iterator

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.endpoint import Endpoint
from bwp_tui.api.errors import ApiError, TransferError
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.redaction import Redaction, quiet_http_loggers
from bwp_tui.api.transfer import open_transfer
from bwp_tui.domain.masking import redact
from bwp_tui.domain.task import Kind
from tests.api.server import Reaction, ScriptedServer, answer, graphql, raw, stall, token
from tests.debug_log import LineRecorder, recorded_at_debug_level

HIDDEN = ("s3cret-s3cret", "tok-", "5ec2e7", "X-Amz")
QUERY = "?X-Amz-Signature=5ec2e7&X-Amz-Security-Token=tok-s3"
CLIENT_TOKEN = "3f1f8f6e-6c1b-4a56-9a0e-0d2f4b8b6c11"

ECHO = graphql(errors=[{"message": "bad Bearer tok-1 client_secret=s3cret-s3cret https://b.example/x?X-Amz-Q=5ec2e7"}])
TROUBLES = [
    raw(b""),
    raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
    raw(b"\x00garbage\r\n"),
    answer(200, b"<html>"),
    answer(302, location="https://elsewhere.example/" + QUERY),
    answer(401),
    answer(500, b"s3cret-s3cret tok-1"),
    stall(),
    stall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
    ECHO,
]


@pytest.fixture
def log() -> Iterator[LineRecorder]:
    """All that is logged, with the HTTP libraries as talkative as they can be made afterwards."""
    quiet_http_loggers()
    with recorded_at_debug_level("httpx", "httpcore", "urllib3") as recorder:
        yield recorder


def _texts_of(error: BaseException) -> str:
    """Return all that an exception, and those chained to it on purpose or not, can tell."""
    told = traceback.format_exception(error)
    link: BaseException | None = error
    while link is not None:
        told += [repr(link), str(link), repr(vars(link))]
        link = link.__cause__ or link.__context__
    return "\n".join(told)


def _assert_clean(*texts: str) -> None:
    for text in texts:
        assert not [hidden for hidden in HIDDEN if hidden in text], text


@pytest.mark.parametrize("path", ["/token", "/graphql"])
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_failed_call_tells_nothing(
    endpoint: Endpoint, server: ScriptedServer, log: LineRecorder, path: str, trouble: Reaction
) -> None:
    server.script("/token", token("tok-1"))
    server.script(path, trouble)
    api = PrivacyApi(endpoint, read_timeout=0.2)
    logging.getLogger("httpx").setLevel(logging.DEBUG)  # which the client has just forbidden
    logging.getLogger("httpcore").setLevel(logging.DEBUG)

    with pytest.raises(ApiError) as caught:
        await api.start(Kind.RETRIEVAL, "jane@example.com", CLIENT_TOKEN)

    _assert_clean(_texts_of(caught.value), *log.lines)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert any("httpcore" in line or "HTTP" in line or "connect" in line for line in log.lines)
    await api.aclose()


@pytest.mark.parametrize("trouble", [*TROUBLES[:-1], answer(403, b"<Error><Message>X?X-Amz-A=5ec2e7</Message>")])
def test_a_failed_transfer_tells_nothing(server: ScriptedServer, log: LineRecorder, trouble: Reaction) -> None:
    server.script("/archive", trouble)
    link = _link(server)
    _failed(link, log)
    assert server.received


def test_a_transfer_that_cannot_connect_tells_nothing(server: ScriptedServer, log: LineRecorder) -> None:
    server.close()
    _failed(_link(server), log)


def _link(server: ScriptedServer) -> PresignedLink:
    return PresignedLink.checked(f"{server.url}/archive{QUERY}", issued_at=time.monotonic(), loopback_allowed=True)


def _failed(link: PresignedLink, log: LineRecorder) -> None:
    logger = logging.getLogger("urllib3.connectionpool")
    logger.setLevel(logging.DEBUG)
    with pytest.raises(TransferError) as caught, open_transfer(link, read_timeout=0.2) as transfer:
        list(transfer.chunks())
    logger.setLevel(logging.NOTSET)
    _assert_clean(_texts_of(caught.value), *log.lines)


async def test_a_cancelled_call_tells_nothing(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/token", token("tok-1"))
    server.script("/graphql", stall())
    call = asyncio.create_task(api.start(Kind.RETRIEVAL, "jane@example.com", CLIENT_TOKEN))
    await asyncio.to_thread(server.stalled.wait)
    call.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await call
    _assert_clean("".join(traceback.format_exception(caught.value)))


def test_an_endpoint_does_not_show_its_secret(endpoint: Endpoint) -> None:
    _assert_clean(repr(endpoint), str(endpoint))


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("GET https://b.example/x?X-Amz-Signature=1 HTTP/1.1", "GET https://b.example/x?… HTTP/1.1"),
        ('"GET /x?X-Amz-Signature=1 HTTP/1.1" 200', '"GET /x?… HTTP/1.1" 200'),
        ("proxy http://user:pw@proxy:3128/", "proxy http://…@proxy:3128/"),
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer …"),
        ("client_secret=abc&x=1", "client_secret=…&x=1"),
        ('{"access_token": "abc", "x": 1}', '{"access_token": "…", "x": 1}'),
        ("via socks5://user:hunter2@proxy:1080", "via socks5://…@proxy:1080"),
        ("X-Amz-Signature: abcdef", "X-Amz-Signature: …"),
        ("clientToken: abc, token=abc", "clientToken: …, token=…"),
        ("mail jane.doe@example.com", "mail jane.doe@example.com"),
        ("Are you sure? Yes.", "Are you sure? Yes."),
    ],
)
def test_secrets_are_cut_out_of_text(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_a_logged_traceback_is_redacted_too() -> None:
    handler = LineRecorder()
    handler.addFilter(Redaction())
    logger = logging.getLogger("tests.redaction")
    logger.addHandler(handler)
    url = "https://b.example/x" + QUERY
    try:
        raise ValueError(url)
    except ValueError:
        logger.exception("failed for %s", url)
    logger.removeHandler(handler)
    _assert_clean(*handler.lines)
    assert "ValueError: https://b.example/x?…" in handler.lines[0]


def test_the_http_loggers_are_held_at_warning() -> None:
    quiet_http_loggers()
    for name in ("httpx", "httpcore.http11", "urllib3.connectionpool"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
