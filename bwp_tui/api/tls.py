"""TLS certificates trusted by calls and downloads."""

from __future__ import annotations

import functools
import os
import ssl
from typing import Final

import httpx

from bwp_tui.domain.text import clean_line

UNREADABLE_CERTIFICATES: Final = "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: correct it."


def tls_context() -> ssl.SSLContext:
    """Return a verifying context: `SSL_CERT_FILE` or `SSL_CERT_DIR`, else certifi's list, and the system's own.

    Raises:
        OSError: the named file does not exist or holds no certificates; `UNREADABLE_CERTIFICATES` is the message.
    """
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


def verifier_reason(error: BaseException | None) -> str | None:
    """Return why a certificate was refused, as the verifier reports it, or None if that was not the failure."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return clean_line(error.verify_message) or "no reason given"
        error = error.__cause__ or error.__context__
    return None


@functools.lru_cache(maxsize=1)  # reading the lists takes 50 ms and more, too long to do at every download
def _context(*paths: str | None) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    if any(paths):
        # Python 3.13 asks more of a root than companies' own ones have; whoever named it has decided to believe it.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_default_certs()  # a company's own root is in the system's store, not in certifi's
    return context
