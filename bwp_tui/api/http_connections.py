"""HTTP connections that skip informational responses."""

from __future__ import annotations

import http.client
from typing import Final

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_MAX_INFORMATIONAL: Final = 20


class _Response(http.client.HTTPResponse):
    """Skips informational responses such as 103 Early Hints, which the library takes for the response itself."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MAX_INFORMATIONAL):
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
"""Pool classes for a manager that skips informational responses."""
