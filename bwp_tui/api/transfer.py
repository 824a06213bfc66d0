"""Read an archive over a pre-signed link. Blocking: call it in a thread.

urllib3 in a thread is as fast as curl over TLS, which httpx is not. Reads of 256 KiB measured fastest: smaller ones
cost a change of threads each, larger ones exceed the processor's cache, and `read1` took twice as long, since TLS
delivers 16 KiB at a time. A slow connection is read with `read1`: bytes that have arrived must not wait for more.
"""

from __future__ import annotations

import contextlib
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any, Final

import urllib3
from urllib3.exceptions import HTTPError

from bwp_tui.api.errors import ArchiveChanged, ConnectionLost, LinkExpired, WrongResponse
from bwp_tui.api.http_connections import POOL_CLASSES
from bwp_tui.api.link_response_errors import (
    ARCHIVE_CHANGED,
    PAGE_INSTEAD_OF_ARCHIVE,
    ArchivePart,
    is_compressed,
    read_headers,
    strong_etag,
    transport_error,
)
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.proxies import UnusableProxy, proxy_for
from bwp_tui.api.redaction import quiet_http_loggers
from bwp_tui.api.tls import UNREADABLE_CERTIFICATES, tls_context

_CONNECT_TIMEOUT_S: Final = 10.0
_READ_TIMEOUT_S: Final = 30.0
"""Seconds; both are about one step, not the whole transfer."""

_SMALLEST_READ: Final = 4 * 1024
LARGEST_READ: Final = 256 * 1024
_LONGEST_READ_S: Final = 0.25  # seconds; after a longer read the next one is smaller, so that progress is steady
_BEGINNING_BYTES: Final = 16  # bytes that distinguish a zip from a page
_ZIP: Final = b"PK"
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


class Transfer:
    """A response whose bytes are being received. A context manager: leaving it frees the connection.

    Attributes:
        start: the archive's byte at which the first chunk begins: as requested, or 0 if the server ignored that.
        total: the archive's size in bytes, or None if it is unknown or that of a compressed body.
        etag: its strong ETag, likewise.
    """

    def __init__(self, manager: urllib3.PoolManager, response: urllib3.BaseHTTPResponse, part: ArchivePart) -> None:
        self.start = part.start
        self.total = part.total
        self.etag = part.etag
        self._length = part.total
        self._manager = manager
        self._response = response
        self._stopped = threading.Event()
        self._first_bytes = b""
        self._inflater: zlib._Decompress | None = None

    def __enter__(self) -> Transfer:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
        _release(self._manager, self._response)

    def close(self) -> None:
        """Stop the transfer, from any thread: a waiting read ends, and `chunks` raises ConnectionLost."""
        self._stopped.set()
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # it has ended, or the connection is gone
            self._response.shutdown()

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in order: up to 256 KiB at a time, on a slow connection what has arrived.

        ConnectionLost is raised if they stopped before the end, or `close` was called.
        """
        position, size = self.start, 0
        chunk = self._first_bytes or self._read(size)
        while chunk:
            position += len(chunk)
            yield from (chunk,) if self._inflater is None else self._inflated(chunk)
            began = time.monotonic()
            chunk = self._read(size)
            size = _next_size(size, len(chunk), time.monotonic() - began)
        if self._length is not None and position != self._length:
            raise ConnectionLost(f"The connection ended after {position} of {self._length} bytes.")
        if self._inflater is not None and not self._inflater.eof:
            raise ConnectionLost("The connection ended before the archive did.")

    def begin(self, *, compressed: bool, replaces_part: bool) -> None:
        """Read the first bytes, for `chunks`, and prepare to decompress them or check that they are no page.

        Args:
            compressed: the server says that it compressed the body. It may be wrong: then a zip comes as it is.
            replaces_part: earlier bytes are dropped for these, so these must look like a zip.
        """
        while len(self._first_bytes) < _BEGINNING_BYTES and (more := self._read(0)):
            self._first_bytes += more
        if compressed and _ZIP not in self._first_bytes[:_BEGINNING_BYTES]:
            self.total = self.etag = None
            is_wrapped = self._first_bytes[:2] == b"\x1f\x8b" or int.from_bytes(self._first_bytes[:2], "big") % 31 == 0
            self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB if is_wrapped else -zlib.MAX_WBITS)
            return
        is_page = self._first_bytes.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        if is_page or (replaces_part and _ZIP not in self._first_bytes[:_BEGINNING_BYTES]):
            raise WrongResponse(PAGE_INSTEAD_OF_ARCHIVE)

    def _inflated(self, chunk: bytes) -> Iterator[bytes]:
        inflater = self._inflater
        while chunk and inflater is not None:
            try:
                inflated = inflater.decompress(chunk, LARGEST_READ)
            except zlib.error:
                raise ConnectionLost("The server compressed the archive, and what it sent is damaged.") from None
            if inflated:
                yield inflated
            chunk = inflater.unconsumed_tail
            if inflater.eof and inflater.unused_data:  # the next compressed member
                chunk = inflater.unused_data
                self._inflater = inflater = zlib.decompressobj(_GZIP_OR_ZLIB)

    def _read(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end; for size 0 those that have arrived, at least one."""
        chunk, failure = b"", None
        try:
            chunk = self._response.read(size) if size else self._response.read1(LARGEST_READ)
        except (HTTPError, OSError, ValueError, AttributeError) as error:
            failure = transport_error(error)
        # A TLS socket that is shut down during a read may fail with AttributeError, or return encrypted bytes.
        if self._stopped.is_set():
            raise ConnectionLost("The download was stopped.")
        if failure is not None:
            raise failure
        return chunk


def open_transfer(
    link: PresignedLink,
    *,
    start: int = 0,
    etag: str | None = None,
    total: int | None = None,
    connect_timeout: float = _CONNECT_TIMEOUT_S,
    read_timeout: float = _READ_TIMEOUT_S,
) -> Transfer:
    """Follow `link` and return its archive from byte `start` on; timeouts in seconds.

    To resume, give the length of the part file as `start`, with the `etag` and `total` of its transfer. Without a
    strong ETag nothing shows that the archive is still the same, so it is requested from its beginning.

    Raises:
        TransferError: no archive is available.
    """
    if link.is_too_old():
        raise LinkExpired("The link was too old before it was used.")
    quiet_http_loggers()
    part = ArchivePart(start, etag, total) if strong_etag(etag) else ArchivePart(0, None, None)
    timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)
    manager, response = _request(link, part, timeout)
    try:
        transfer = Transfer(manager, response, read_headers(response, part))
        if transfer.start == 0:
            transfer.begin(compressed=is_compressed(response), replaces_part=start > 0)
    except BaseException:
        _release(manager, response)
        raise
    return transfer


def size_of(link: PresignedLink, etag: str | None) -> int | None:
    """Follow `link` to request the size in bytes of the archive with `etag`; return None if it is unknown.

    Requests one byte with GET, the only method that the link is signed for. TransferError says that there is another
    archive, or none.
    """
    quiet_http_loggers()
    first = ArchivePart(0, strong_etag(etag), None)
    manager, response = _request(link, first, urllib3.Timeout(connect=_CONNECT_TIMEOUT_S, read=_READ_TIMEOUT_S), last=0)
    try:
        found = read_headers(response, first)
    finally:
        _release(manager, response)
    if found.etag != first.etag:
        raise ArchiveChanged(ARCHIVE_CHANGED)
    return found.total


def _next_size(size: int, count: int, seconds: float) -> int:
    """Return how many bytes to read next, given the last read; 0 means those that have arrived."""
    if not size and count < _SMALLEST_READ:
        return 0
    in_time = LARGEST_READ if seconds <= 0 else int(count * _LONGEST_READ_S / seconds)
    fitting = min(max(2 * size, _SMALLEST_READ), in_time, LARGEST_READ)
    return fitting if fitting >= _SMALLEST_READ else 0


def _release(manager: urllib3.PoolManager, response: urllib3.BaseHTTPResponse) -> None:
    response.close()
    manager.clear()


def _request(
    link: PresignedLink, part: ArchivePart, timeout: urllib3.Timeout, *, last: int | None = None
) -> tuple[urllib3.PoolManager, urllib3.BaseHTTPResponse]:
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "bwp-tui"}
    if part.etag and (part.start or last is not None):
        headers |= {"Range": f"bytes={part.start}-{'' if last is None else last}", "If-Match": part.etag}
    try:
        manager = _manager(link, timeout)
        response = manager.request(
            "GET", link.reveal(), headers=headers, redirect=False, preload_content=False, decode_content=False
        )
    except (HTTPError, OSError, ValueError) as error:
        failure = transport_error(error)
    else:
        return manager, response
    # Raised here, so that the library's exception, which holds the URL, is not chained to it.
    raise failure


def _manager(link: PresignedLink, timeout: urllib3.Timeout) -> urllib3.PoolManager:
    try:
        context, proxy = tls_context(), proxy_for(link.reveal())
    except OSError:
        raise ConnectionLost(UNREADABLE_CERTIFICATES, transient=False) from None
    except UnusableProxy as error:
        raise ConnectionLost(str(error), transient=False) from None
    options: dict[str, Any] = {"num_pools": 1, "retries": False, "timeout": timeout, "ssl_context": context}
    manager = (
        urllib3.PoolManager(**options)
        if proxy is None
        else urllib3.ProxyManager(proxy.url, proxy_ssl_context=context, proxy_headers=proxy.headers, **options)
    )
    manager.pool_classes_by_scheme = POOL_CLASSES
    return manager
