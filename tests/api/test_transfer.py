"""A transfer: bytes come whole and in order, or an error says what to do."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from bwp_tui.api.errors import (
    ArchiveChanged,
    ArchiveNotFound,
    ConnectionLost,
    LinkExpired,
    RangeNotSatisfiable,
    ServerBusy,
    TransferError,
    WrongResponse,
)
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.transfer import LARGEST_READ, Transfer, open_transfer, size_of
from tests.api.server import Reaction, Received, ScriptedServer, answer, raw, stall

ARCHIVE = b"PK\x03\x04" + bytes(range(256)) * 4000
ETAG = '"abc-1"'
EXAMPLE = Path(__file__).parent.parent / "contract" / "examples" / "link-expired.xml"


def _link(server: ScriptedServer, age: float = 0, query: str = "?X-Amz-Signature=5ec2e7") -> PresignedLink:
    url = f"{server.url}/archive{query}"
    return PresignedLink.checked(url, issued_at=time.monotonic() - age, loopback_allowed=True)


def _open(server: ScriptedServer, **options: Any) -> Transfer:
    return open_transfer(_link(server), **{"read_timeout": 5, **options})


def _part(first: int, total: int | str = len(ARCHIVE), body: bytes | None = None, **headers: str) -> Reaction:
    body = ARCHIVE[first:] if body is None else body
    content_range = f"bytes {first}-{first + len(body) - 1}/{total}"
    return answer(206, body, None, content_range=content_range, **headers)


def _failure(server: ScriptedServer, **options: Any) -> TransferError:
    with pytest.raises(TransferError) as caught, _open(server, **options) as transfer:
        list(transfer.chunks())
    return caught.value


def _collect(transfer: Transfer, into: bytearray) -> None:
    for chunk in transfer.chunks():
        into += chunk


def test_an_archive_arrives_whole(server: ScriptedServer) -> None:
    server.script("/archive", answer(200, ARCHIVE, etag=ETAG, content_type="application/zip"))
    with _open(server) as transfer:
        assert (transfer.start, transfer.total, transfer.etag) == (0, len(ARCHIVE), ETAG)
        assert b"".join(transfer.chunks()) == ARCHIVE


def test_the_link_is_followed_exactly_and_carries_nothing_else(server: ScriptedServer) -> None:
    server.script("/archive", answer(200, ARCHIVE, set_cookie="a=b"))
    with _open(server):
        pass
    [request] = server.received
    assert (request.method, request.target) == ("GET", "/archive?X-Amz-Signature=5ec2e7")
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers.keys() == {"host", "accept", "accept-encoding", "user-agent"}


def test_an_empty_archive_has_no_bytes(server: ScriptedServer) -> None:
    server.script("/archive", answer(200, b""))
    with _open(server) as transfer:
        assert transfer.total == 0
        assert list(transfer.chunks()) == []


@pytest.mark.parametrize(
    "reaction",
    [
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nPK\x03\r\n2\r\nab\r\n0\r\n\r\n"),
        raw(b"HTTP/1.0 200 OK\r\n\r\n", b"PK\x03ab"),
    ],
)
def test_an_archive_of_untold_size_arrives(server: ScriptedServer, reaction: Reaction) -> None:
    server.script("/archive", reaction)
    with _open(server) as transfer:
        assert transfer.total is None
        assert b"".join(transfer.chunks()) == b"PK\x03ab"


def test_a_part_is_continued_where_it_ended(server: ScriptedServer) -> None:
    server.script("/archive", _part(1000, etag=ETAG))
    with _open(server, start=1000, etag=ETAG, total=len(ARCHIVE)) as transfer:
        assert (transfer.start, transfer.total, transfer.etag) == (1000, len(ARCHIVE), ETAG)
        assert ARCHIVE[:1000] + b"".join(transfer.chunks()) == ARCHIVE
    assert server.received[0].headers["range"] == "bytes=1000-"
    assert server.received[0].headers["if-match"] == ETAG


def test_a_continued_part_may_begin_like_a_page(server: ScriptedServer) -> None:
    server.script("/archive", _part(1000, 1006, b"<html>"))
    with _open(server, start=1000, etag=ETAG) as transfer:
        assert b"".join(transfer.chunks()) == b"<html>"


def test_a_server_that_ignores_the_range_begins_anew(server: ScriptedServer) -> None:
    server.script("/archive", answer(200, ARCHIVE, etag='"other"'))
    with _open(server, start=1000, etag=ETAG, total=len(ARCHIVE)) as transfer:
        assert (transfer.start, transfer.etag) == (0, '"other"')
        assert b"".join(transfer.chunks()) == ARCHIVE


@pytest.mark.parametrize("etag", [None, "", 'W/"weak"', "bare", '"a\r\nX: 1"', '"a"b"'])
def test_without_a_strong_etag_it_begins_at_zero(server: ScriptedServer, etag: str | None) -> None:
    server.script("/archive", answer(200, ARCHIVE))
    with _open(server, start=1000, etag=etag) as transfer:
        assert transfer.start == 0
    assert "range" not in server.received[0].headers


def test_a_weak_etag_is_not_passed_on(server: ScriptedServer) -> None:
    server.script("/archive", answer(200, ARCHIVE, etag='W/"weak"'))
    with _open(server) as transfer:
        assert transfer.etag is None


@pytest.mark.parametrize(
    "reaction",
    [
        _part(999),
        _part(1001),
        _part(1000, len(ARCHIVE) + 1),
        _part(1000, "*"),
        _part(1000, etag='"other"'),
        answer(206, ARCHIVE[1000:]),
        answer(206, ARCHIVE[1000:], content_range="nonsense"),
        answer(412),
    ],
)
def test_another_part_than_asked_for_is_not_taken(server: ScriptedServer, reaction: Reaction) -> None:
    server.script("/archive", reaction)
    error = _failure(server, start=1000, etag=ETAG, total=len(ARCHIVE))
    assert (type(error), error.transient) == (ArchiveChanged, True)


def test_a_part_that_nobody_asked_for_is_not_taken(server: ScriptedServer) -> None:
    server.script("/archive", _part(1000))
    assert isinstance(_failure(server), ArchiveChanged)


@pytest.mark.parametrize(
    ("reaction", "kind", "transient"),
    [
        (answer(403, EXAMPLE.read_bytes(), content_type="application/xml"), LinkExpired, True),
        (answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"), LinkExpired, True),
        (answer(400, b"<Error><Code>ExpiredToken</Code></Error>"), LinkExpired, True),
        (answer(410), LinkExpired, True),
        (answer(400, b"<Error><Code>InvalidArgument</Code></Error>"), WrongResponse, True),
        (answer(404, b"<Error><Code>NoSuchKey</Code></Error>"), ArchiveNotFound, True),
        (answer(416, content_range="bytes */77"), RangeNotSatisfiable, False),
        (answer(429), ServerBusy, True),
        (answer(500), ServerBusy, True),
        (answer(503, b"<Error><Code>SlowDown</Code></Error>"), ServerBusy, True),
        (answer(301, location="https://elsewhere.example/"), WrongResponse, True),
        (answer(204), WrongResponse, True),
        (answer(307, b"<Error><Code>TemporaryRedirect</Code></Error>"), WrongResponse, True),
        (answer(400, b"<Error><Code>RequestTimeout</Code></Error>"), WrongResponse, True),
        (answer(409, b"<Error><Code>OperationAborted</Code></Error>"), WrongResponse, True),
        (answer(200, EXAMPLE.read_bytes(), content_type="binary/octet-stream"), WrongResponse, True),
        (answer(200, b"\xef\xbb\xbf \r\n<html>"), WrongResponse, True),
        (answer(200, b"\x1f\x8b", content_encoding="gzip"), ConnectionLost, True),
        (answer(200, gzip.compress(ARCHIVE)[:-9], content_encoding="gzip"), ConnectionLost, True),
        (answer(200, b"\x1f\x8bno gzip at all, whatever it says", content_encoding="gzip"), ConnectionLost, True),
        (answer(200, ARCHIVE, length=len(ARCHIVE) + 1), ConnectionLost, True),
        (answer(200, b"", length=10), ConnectionLost, True),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nPK"), ConnectionLost, True),
        (raw(b""), ConnectionLost, True),
        (raw(b"garbage\r\n\r\n"), ConnectionLost, True),
    ],
)
def test_what_is_no_archive_says_what_it_is(
    server: ScriptedServer, reaction: Reaction, kind: type[TransferError], transient: bool
) -> None:
    server.script("/archive", reaction)
    error = _failure(server)
    assert (type(error), error.transient) == (kind, transient)
    assert len(server.received) == 1


def test_a_part_whose_range_ends_early_is_a_cut_line(server: ScriptedServer) -> None:
    server.script("/archive", _part(1000, body=ARCHIVE[1000:1500]))
    with _open(server, start=1000, etag=ETAG, total=len(ARCHIVE)) as transfer:
        chunks = transfer.chunks()
        assert next(chunks) == ARCHIVE[1000:1500]
        with pytest.raises(ConnectionLost, match=f"1500 of {len(ARCHIVE)}"):
            next(chunks)


def test_what_came_before_a_cut_is_kept(server: ScriptedServer) -> None:
    server.script("/archive", answer(200, ARCHIVE, length=len(ARCHIVE) + 100))
    got = bytearray()
    with _open(server) as transfer, pytest.raises(ConnectionLost):
        _collect(transfer, got)
    assert len(ARCHIVE) - LARGEST_READ < len(got) <= len(ARCHIVE)


def test_an_expired_link_is_explained_by_the_server(server: ScriptedServer) -> None:
    server.script("/archive", answer(403, EXAMPLE.read_bytes()))
    assert str(_failure(server)) == "The link was not accepted: Request has expired."


@pytest.mark.parametrize(
    "body",
    [
        b"<Error><Message>\x1b]52;c;aGk=\x07</Message></Error>",
        b'<!DOCTYPE a [<!ENTITY b "cc">]><Error><Message>&b;</Message></Error>',
        b"\xff\xfe" * 9000,
        b"<Message>" + b"a" * 100_000,
    ],
)
def test_a_hostile_explanation_is_harmless(server: ScriptedServer, body: bytes) -> None:
    server.script("/archive", answer(403, body))
    text = str(_failure(server))
    assert text.isprintable()
    assert len(text) < 500


def test_the_wait_a_busy_server_asks_for_is_passed_on(server: ScriptedServer) -> None:
    server.script("/archive", answer(503, retry_after="3"))
    error = _failure(server)
    assert isinstance(error, ServerBusy)
    assert error.retry_after == 3


def test_the_size_comes_with_the_news_that_nothing_is_left(server: ScriptedServer) -> None:
    server.script("/archive", answer(416, content_range="bytes */77"))
    error = _failure(server, start=77, etag=ETAG)
    assert isinstance(error, RangeNotSatisfiable)
    assert error.total == 77


def test_the_size_is_found_in_the_words_of_s3_where_the_header_is_missing(server: ScriptedServer) -> None:
    body = b"<Error><Code>InvalidRange</Code><ActualObjectSize>77</ActualObjectSize></Error>"
    server.script("/archive", answer(416, body, content_type="application/xml"))
    error = _failure(server, start=77, etag=ETAG)
    assert isinstance(error, RangeNotSatisfiable)
    assert error.total == 77


@pytest.mark.parametrize("size", [b"", b"-1", b"7x", b"9" * 19])
def test_a_size_that_is_none_is_not_believed(server: ScriptedServer, size: bytes) -> None:
    server.script("/archive", answer(416, b"<ActualObjectSize>" + size + b"</ActualObjectSize>"))
    error = _failure(server, start=77, etag=ETAG)
    assert isinstance(error, RangeNotSatisfiable)
    assert error.total is None


@pytest.mark.parametrize(
    "reaction",
    [
        answer(206, b"P", content_range=f"bytes 0-0/{len(ARCHIVE)}", etag=ETAG),
        answer(206, b"P", content_range=f"bytes 0-0/{len(ARCHIVE)}"),
        answer(200, ARCHIVE, etag=ETAG),
    ],
)
def test_the_size_is_asked_for_with_the_one_method_that_is_signed(server: ScriptedServer, reaction: Reaction) -> None:
    server.script("/archive", reaction)
    assert size_of(_link(server), ETAG) == len(ARCHIVE)
    (request,) = server.received
    assert (request.method, request.headers["range"], request.headers["if-match"]) == ("GET", "bytes=0-0", ETAG)


def test_a_size_that_no_one_tells_is_none(server: ScriptedServer) -> None:
    server.script("/archive", raw(f"HTTP/1.0 200 OK\r\nETag: {ETAG}\r\n\r\nPK".encode()))
    assert size_of(_link(server), ETAG) is None


@pytest.mark.parametrize(
    "reaction",
    [
        answer(206, b"P", content_range="bytes 0-0/9", etag='"other"'),
        answer(200, ARCHIVE, etag='"other"'),
        answer(200, ARCHIVE),
        answer(412),
    ],
)
def test_the_size_of_another_archive_is_not_taken(server: ScriptedServer, reaction: Reaction) -> None:
    server.script("/archive", reaction)
    with pytest.raises(ArchiveChanged):
        size_of(_link(server), ETAG)


def test_an_old_link_is_not_even_tried(server: ScriptedServer) -> None:
    with pytest.raises(LinkExpired):
        open_transfer(_link(server, age=61))
    assert server.received == []


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b"HTTP/1.1 200"])
def test_a_stalled_line_is_given_up(server: ScriptedServer, beginning: bytes) -> None:
    server.script("/archive", stall(beginning))
    error = _failure(server, read_timeout=0.2)
    assert isinstance(error, ConnectionLost)
    assert "nothing for too long" in str(error)


def test_a_server_that_is_not_there_is_unreachable(server: ScriptedServer) -> None:
    server.close()
    assert "cannot be reached" in str(_failure(server))


@pytest.mark.parametrize(
    "coding", ["aws-chunked", "aws-chunked,", "", "identity", "UTF-8", "binary", "br", "gzip", "deflate, aws-chunked"]
)
def test_a_coding_that_changes_nothing_is_passed_over_whatever_it_is_called(
    server: ScriptedServer, coding: str
) -> None:
    server.script("/archive", answer(200, ARCHIVE, etag=ETAG, content_encoding=coding))
    with _open(server) as transfer:
        assert (transfer.total, transfer.etag) == (len(ARCHIVE), ETAG)
        assert b"".join(transfer.chunks()) == ARCHIVE


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(ARCHIVE)),
        ("x-gzip", gzip.compress(ARCHIVE[:999]) + gzip.compress(ARCHIVE[999:])),
        ("aws-chunked,gzip", gzip.compress(ARCHIVE)),
        ("deflate", zlib.compress(ARCHIVE)),
        ("deflate", _raw_deflate(ARCHIVE)),
    ],
    ids=["gzip", "two pieces", "chunked too", "zlib", "raw"],
)
def test_a_body_that_is_packed_once_more_is_unpacked_and_gone_on_with_from_zero(
    server: ScriptedServer, coding: str, body: bytes
) -> None:
    server.script("/archive", answer(200, body, etag=ETAG, content_encoding=coding))
    with _open(server) as transfer:
        assert (transfer.total, transfer.etag) == (None, None), "its length and ETag are those of what is packed"
        assert b"".join(transfer.chunks()) == ARCHIVE


def test_a_part_of_a_body_that_is_packed_once_more_is_of_no_use(server: ScriptedServer) -> None:
    server.script("/archive", _part(1000, etag=ETAG, content_encoding="gzip"))
    assert isinstance(_failure(server, start=1000, etag=ETAG), ArchiveChanged)


@pytest.mark.parametrize("content_type", ["text/html", "application/xml"])
def test_a_zip_is_a_zip_whatever_it_is_called(server: ScriptedServer, content_type: str) -> None:
    server.script("/archive", answer(200, ARCHIVE, content_type=content_type))
    with _open(server) as transfer:
        assert b"".join(transfer.chunks()) == ARCHIVE


def test_what_takes_over_from_a_part_must_look_like_a_zip(server: ScriptedServer) -> None:
    server.script("/archive", answer(200, b"Please sign in to this network first."))
    assert isinstance(_failure(server, start=1000, etag=ETAG), WrongResponse)


def test_hints_before_the_answer_are_passed_over(server: ScriptedServer) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ARCHIVE)
    server.script("/archive", raw(hints, b"HTTP/1.1 100 Continue\r\n\r\n", hints, head + ARCHIVE))
    with _open(server) as transfer:
        assert b"".join(transfer.chunks()) == ARCHIVE


def test_hints_without_end_are_no_answer(server: ScriptedServer) -> None:
    server.script("/archive", raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500))
    assert isinstance(_failure(server), TransferError)


def test_bytes_that_are_there_do_not_wait_for_more(server: ScriptedServer) -> None:
    taken = threading.Semaphore(1)

    def drip(_: ScriptedServer, line: socket.socket, __: Received) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 120\r\n\r\n" + ARCHIVE[:20])
        for at in range(20, 120):
            taken.acquire()
            line.sendall(ARCHIVE[at : at + 1])  # only once the byte before has been handed out

    server.script("/archive", drip)
    with _open(server) as transfer:
        arrived = b""
        for chunk in transfer.chunks():
            arrived += chunk
            taken.release()
    assert arrived == ARCHIVE[:120]


def test_a_slow_line_shows_progress_in_small_pieces(server: ScriptedServer) -> None:
    def drip(server: ScriptedServer, line: socket.socket, _: Received) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 24576\r\n\r\n")
        for _piece in range(6):
            line.sendall(b"P" * 4096)
            server.closing.wait(0.3)  # the pace of the line: slower than a read may take

    server.script("/archive", drip)
    with _open(server) as transfer:
        sizes = [len(chunk) for chunk in transfer.chunks()]
    assert sum(sizes) == 24576
    assert max(sizes) <= 8192


def test_a_fast_line_is_read_in_large_pieces(server: ScriptedServer) -> None:
    server.script("/archive", answer(200, ARCHIVE))
    with _open(server) as transfer:
        sizes = [len(chunk) for chunk in transfer.chunks()]
    assert max(sizes) == LARGEST_READ
    assert len(sizes) < 40


@pytest.mark.parametrize("tls", [False, True])
def test_closing_from_another_thread_ends_a_read(
    server: ScriptedServer, trusted_server: ScriptedServer, tls: bool
) -> None:
    server = trusted_server if tls else server
    server.script("/archive", stall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"P" * 8192))
    outcome: list[object] = []
    reading = threading.Event()

    with _open(server, read_timeout=30) as transfer:

        def pump() -> None:
            try:
                for _ in transfer.chunks():
                    reading.set()
            except ConnectionLost as error:
                outcome.append(str(error))

        thread = threading.Thread(target=pump)
        thread.start()
        reading.wait()
        began = time.monotonic()
        transfer.close()
        thread.join()
        assert time.monotonic() - began < 5
    assert outcome == ["The download was stopped."]


def test_closing_twice_and_after_the_end_is_harmless(server: ScriptedServer) -> None:
    server.script("/archive", answer(200, ARCHIVE))
    with _open(server) as transfer:
        list(transfer.chunks())
        transfer.close()
        transfer.close()
