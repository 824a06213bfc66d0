"""HTTP connections that pass over what a server says before its answer."""

from __future__ import annotations

import http.client
from typing import Final

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_MOST_HINTS: Final = 20


class _Response(http.client.HTTPResponse):
    """Passes over informational answers such as 103 Early Hints, which the library takes for the answer itself."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MOST_HINTS):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # known to the library alone
            if not 102 <= status < 200:
                break
            http.client.parse_headers(self.fp)
        return version, status, reason


class _Plain(HTTPConnection):
    response_class = _Response


class _Tls(HTTPSConnection):
    response_class = _Response


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


POOL_CLASSES: Final[dict[str, type[HTTPConnectionPool]]] = {"http": _PlainPool, "https": _TlsPool}
"""The pools of a manager whose answers may be preceded by hints."""
