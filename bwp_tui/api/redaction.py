"""Secrets taken out of text: for exceptions, and for the records of the HTTP libraries' loggers.

httpx logs whole URLs at INFO and urllib3 at DEBUG, and the query of a pre-signed link is a bearer secret
(contract: Link and archive).
"""

from __future__ import annotations

import logging
import re
from typing import Final

_SECRETS: Final = (
    (re.compile(r"\?[^\s\"'<>]+"), "?…"),  # a query, be it of a whole URL or of a request line
    (re.compile(r"(?i)\b(https?|socks\w*)://[^\s/@\"'<>]*@"), r"\1://…@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 …"),
    (re.compile(r"(?i)(client_secret|access_token)([\"']?\s*[=:]\s*[\"']?)[^\s\"'&,}]+"), r"\1\2…"),
)
_LOGGERS: Final = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.proxy",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
)
_ROOTS: Final = ("httpx", "httpcore", "urllib3")


def redact(text: str) -> str:
    """Return `text` without the queries and credentials of URLs, bearer tokens, and secrets given by name."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class Redaction(logging.Filter):
    """Redacts a record's message and traceback in place. Fits a logger or a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact `record` and let it pass."""
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


_REDACTION: Final = Redaction()


def quiet_http_loggers() -> None:
    """Hold the HTTP libraries' loggers at WARNING, and redact what they say even where someone lowers that."""
    for name in _ROOTS:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    for name in _LOGGERS:  # a logger's filter does not see its children's records
        logging.getLogger(name).addFilter(_REDACTION)
