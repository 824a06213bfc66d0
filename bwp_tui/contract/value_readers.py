"""Parse single values of the service's responses, tolerating what is missing, new or malformed.

A reader returns None, or a default, for what makes no sense; the few that cannot do without raise ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bwp_tui.domain.task import TaskError
from bwp_tui.domain.text import VISIBLE_ASCII, clean, clean_line
from bwp_tui.domain.times import parse_instant

ACCESS_TOKEN_LIFE_S: Final = 900.0
"""Seconds an access token lives if the response does not say."""

_LONGEST_ACCESS_TOKEN_LIFE_S: Final = 86_400.0
_TOO_LARGE: Final = 100_000  # beyond it a holding period is a mistake, and too long for a date


def read_line(value: object) -> str | None:
    """Read a text as one cleaned line; None for an empty one."""
    return clean_line(value) or None if isinstance(value, str) else None


def read_required_line(value: object) -> str:
    """Read a text that must be there."""
    text = read_line(value)
    if text is None:
        raise ValueError("missing")
    return text


def read_text(value: object) -> str | None:
    """Read a text as it came."""
    return value if isinstance(value, str) else None


def read_id(value: object) -> str:
    """Read a task id, which GraphQL may also write as a number.

    One that cleaning would change is none: an id is sent back as it came, and shown.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text or clean_line(text) != text:
        raise ValueError("no usable id")
    return text


def read_instant(value: object) -> datetime | None:
    """Read an ISO 8601 instant, in UTC."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        return None
    try:
        return parse_instant(value)
    except (ValueError, OverflowError):
        return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def read_small_number(value: object) -> int | None:
    """Read a small whole number, be it written as one or as a text."""
    number = _number(value)
    return int(number) if number is not None and 0 <= number < _TOO_LARGE else None


def read_access_token_life(value: object) -> float:
    """Read how long a token lives, in seconds; `ACCESS_TOKEN_LIFE_S` if missing or invalid."""
    number = _number(value)
    return ACCESS_TOKEN_LIFE_S if number is None or number <= 0 else min(number, _LONGEST_ACCESS_TOKEN_LIFE_S)


def read_access_token(value: object) -> str:
    """Read an access token that fits into a header: the HTTP library's own refusal would quote another one."""
    if not isinstance(value, str) or not VISIBLE_ASCII.fullmatch(value):
        raise ValueError("no usable token")
    return value


def read_task_errors(value: object) -> tuple[TaskError, ...]:
    """Read why a task failed; entries that are null or empty are left out."""
    entries = value if isinstance(value, list | tuple) else ()
    errors = (entry if isinstance(entry, TaskError) else _task_error(entry) for entry in entries)
    return tuple(error for error in errors if error is not None)


def _task_error(entry: object) -> TaskError | None:
    if not isinstance(entry, Mapping):
        return None
    code, message = read_line(entry.get("code")), entry.get("message")
    text = clean(message).strip() if isinstance(message, str) else ""
    return TaskError(code, text) if code or text else None
