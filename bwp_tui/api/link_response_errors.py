"""Interpret the response to a pre-signed link, or the failure to get one."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, SSLError

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
from bwp_tui.api.headers import parse_content_range, parse_date, parse_retry_after
from bwp_tui.api.tls import verifier_reason
from bwp_tui.domain.text import clean_line

_EXPLANATION_BYTES: Final = 16 * 1024  # bytes of an error's body that are read
_CODE: Final = re.compile(r"<Code>([^<>]{1,100})</Code>")
_MESSAGE: Final = re.compile(r"<Message>([^<>]{1,300})</Message>")
_STRONG_ETAG: Final = re.compile(r'"[!#-~]*"')
_SIZE: Final = re.compile(r"[0-9]{1,18}")
_ACTUAL_SIZE: Final = re.compile(r"<ActualObjectSize>([0-9]{1,18})</ActualObjectSize>")
_CODINGS: Final = {"gzip", "x-gzip", "deflate"}
ARCHIVE_CHANGED: Final = "The archive has changed since the download began; restarted."
PAGE_INSTEAD_OF_ARCHIVE: Final = "The link led to a page instead of an archive; nothing of it was saved."
_EXPIRED_CODES: Final = ("ExpiredToken", "ExpiredRequest", "TokenRefreshRequired", "InvalidToken")


class ArchivePart(NamedTuple):
    """An archive from byte `start` on: its strong ETag and its size in bytes, each None if unknown."""

    start: int
    etag: str | None
    total: int | None


def strong_etag(etag: str | None) -> str | None:
    """Return `etag` if it is a strong one that a header may carry (RFC 9110 §8.8.3), else None."""
    return etag if etag and _STRONG_ETAG.fullmatch(etag) else None


def transport_error(error: Exception) -> ConnectionLost:
    """Return the error for a failure of urllib3 or the socket, without its text, which may hold the URL."""
    if isinstance(error, SSLError):
        cause = error.args[0] if error.args else None
        reason = verifier_reason(cause) if isinstance(cause, BaseException) else None
        if reason is not None:
            return ConnectionLost(
                f"The certificate of the archive's server was not accepted ({reason}): check the clock and "
                "SSL_CERT_FILE.",
                transient=False,
            )
    if isinstance(error, ProxyError):
        return ConnectionLost("The proxy refused the download: check HTTPS_PROXY.")
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return ConnectionLost("The archive's server cannot be reached: check the network.")
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return ConnectionLost("The archive's server sent nothing for too long.")
    return ConnectionLost("The connection to the archive's server broke.")


def read_headers(response: urllib3.BaseHTTPResponse, requested: ArchivePart) -> ArchivePart:
    """Return which part of which archive the response holds; TransferError says why it is not the requested one."""
    if response.status not in (200, 206):
        raise _refusal(response)
    if response.status == 206 and is_compressed(response):
        raise ArchiveChanged("The server sent a compressed part of the archive; restarted.")
    etag = strong_etag(response.headers.get("ETag"))
    if response.status == 200:
        length = response.headers.get("Content-Length", "")
        return ArchivePart(0, etag, int(length) if _SIZE.fullmatch(length) else None)
    return ArchivePart(requested.start, etag or requested.etag, _agreed_size(response, requested, etag))


def is_compressed(response: urllib3.BaseHTTPResponse) -> bool:
    """Return whether the server says that it compressed the body.

    Other codings change nothing and are ignored: stores keep `aws-chunked`, `UTF-8` or an empty one.
    """
    codings = response.headers.get("Content-Encoding", "").lower().split(",")
    return not _CODINGS.isdisjoint(coding.strip() for coding in codings)


def _agreed_size(response: urllib3.BaseHTTPResponse, requested: ArchivePart, etag: str | None) -> int:
    value = parse_content_range(response.headers.get("Content-Range"))
    if value is None or value.total is None or value.first != requested.start:
        raise ArchiveChanged("The server sent another part of the archive than was requested; restarted.")
    if requested.total not in (None, value.total) or (etag and requested.etag and etag != requested.etag):
        raise ArchiveChanged(ARCHIVE_CHANGED)
    return value.total


def _refusal(response: urllib3.BaseHTTPResponse) -> TransferError:
    status = response.status
    text = _body_text(response)
    code, explanation = _explanation(text)
    if status in (403, 410) or (status == 400 and code in _EXPIRED_CODES):
        return LinkExpired(f"The link was not accepted{explanation}.")
    if status == 404:
        return ArchiveNotFound(f"There is no archive behind the link{explanation}.")
    if status == 412:
        return ArchiveChanged(ARCHIVE_CHANGED)
    if status == 416:
        return RangeNotSatisfiable("Nothing of the archive is left to download.", total=_archive_size(response, text))
    if status in (408, 429) or status >= 500:
        wait = parse_retry_after(response.headers.get("Retry-After"), parse_date(response.headers.get("Date")))
        return ServerBusy(f"The archive's server is busy (HTTP {status}{explanation}).", retry_after=wait)
    return WrongResponse(f"The archive's server sent HTTP {status}{explanation}; nothing was saved.")


def _archive_size(response: urllib3.BaseHTTPResponse, text: str) -> int | None:
    """Return the archive's size from the header, or from S3's error document where there is no header, or None."""
    value = parse_content_range(response.headers.get("Content-Range"))
    if value is not None and value.total is not None:
        return value.total
    actual = _ACTUAL_SIZE.search(text)
    return int(actual[1]) if actual else None


def _body_text(response: urllib3.BaseHTTPResponse) -> str:
    try:
        return response.read(_EXPLANATION_BYTES).decode("utf-8", "replace")
    except (HTTPError, OSError, ValueError):
        return ""


def _explanation(text: str) -> tuple[str | None, str]:
    """Return S3's error code, and its message as the end of a clause."""
    code, message = _CODE.search(text), _MESSAGE.search(text)
    reason = message or code
    return code and clean_line(code[1]), f": {clean_line(reason[1]).rstrip('.')}" if reason else ""
