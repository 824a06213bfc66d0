"""Redact log records of the HTTP libraries.

httpx logs whole URLs at INFO and urllib3 at DEBUG, and the query of a pre-signed link is a bearer secret.
"""

from __future__ import annotations

import logging
from typing import Final

from bwp_tui.domain.masking import redact

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
    """Set the HTTP libraries' loggers to WARNING, and redact their records even if someone lowers that.

    A logger that has a handler of its own keeps its level.
    """
    for name in _ROOTS:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.setLevel(max(logger.level, logging.WARNING))
    for name in _LOGGERS:  # a logger's filter does not see its children's records
        logging.getLogger(name).addFilter(_REDACTION)
