"""Parse response headers."""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

LONGEST_WAIT_S: Final = 3_600.0
"""Seconds; a longer `Retry-After` is cut to this, so that a mistaken one cannot stop the work for days."""

_CONTENT_RANGE: Final = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.IGNORECASE)


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Return the wait in seconds that a `Retry-After` header requests (RFC 9110 §10.2.3), or None.

    An instant is counted from `now`, the response's `Date`, since the clocks may differ.
    """
    if value is None:
        return None
    try:
        wait = float(value)
    except ValueError:
        try:
            wait = parsedate_to_datetime(value).timestamp() - (time.time() if now is None else now.timestamp())
        except (ValueError, OverflowError):
            return None
    return None if math.isnan(wait) else min(max(wait, 0.0), LONGEST_WAIT_S)


def parse_date(value: str | None) -> datetime | None:
    """Return the instant of a `Date` header (RFC 9110 §6.6.1), or None."""
    try:
        instant = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


class ContentRange(NamedTuple):
    """A `Content-Range` header (RFC 9110 §14.4) in bytes; `last` is inclusive, None stands for `*`."""

    first: int | None
    last: int | None
    total: int | None


def parse_content_range(value: str | None) -> ContentRange | None:
    """Parse a `Content-Range` header; return None if it is missing or invalid."""
    match = _CONTENT_RANGE.fullmatch(value.strip()) if value else None
    if match is None:
        return None
    first, last, total = (None if part in (None, "*") else int(part) for part in match.groups())
    return ContentRange(first, last, total)
