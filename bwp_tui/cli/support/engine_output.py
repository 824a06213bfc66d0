"""Print the lines of `bwp-tui run` on stderr: for journald with the severity, else with the time."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Final

from bwp_tui.cli.support.streams import in_profile
from bwp_tui.domain.masking import redact
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import to_local, utc_now
from bwp_tui.engine.runtime.engine_log import Severity

_ADDRESS: Final = re.compile(r"https?://([^/\s\"']+)[^\s\"']*")


def print_line(severity: Severity, sentence: str) -> None:
    """Print one line, without secrets, emails, and links beyond their hosts."""
    text = _ADDRESS.sub(r"\1", redact(clean_line(in_profile(sentence)), emails=True))
    if _is_journal():
        line = f"<{severity.value}>{text}"
    else:
        line = f"{to_local(utc_now()).isoformat(timespec='seconds')} {severity.name.lower():<7} {text}"
    print(line, file=sys.stderr, flush=True)


def _is_journal() -> bool:
    """Return whether stderr is the stream of journald that the environment names."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class CallHandler(logging.Handler):
    """Prints each call of the HTTP library."""

    def emit(self, record: logging.LogRecord) -> None:
        print_line(Severity.INFO, record.getMessage())


def print_calls() -> None:
    """Print each call of the service from now on: its method, its host and how it was answered."""
    logger = logging.getLogger("httpx")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(CallHandler())
