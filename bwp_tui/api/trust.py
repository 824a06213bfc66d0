"""Which certificates are believed: by the calls and by the downloads alike."""

from __future__ import annotations

import functools
import os
import ssl
from typing import Final

import httpx

UNREADABLE: Final = "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: correct it."


def tls_context() -> ssl.SSLContext:
    """Return a verifying context: `SSL_CERT_FILE` or `SSL_CERT_DIR`, else certifi's list, and the system's own.

    Raises:
        OSError: the named file is not there or holds no certificates; `UNREADABLE` says so.
    """
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.lru_cache(maxsize=1)  # reading the lists takes 50 ms and more, too long to do at every download
def _context(*_named: str | None) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    context.load_default_certs()  # a company's own root is in the system's store, not in certifi's
    return context
