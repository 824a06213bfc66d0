"""Instants, their text form, and the words operators read them in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

Clock = Callable[[], datetime]
"""Where the current instant comes from: `utc_now`, or a frozen one in tests and pictures."""

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400


def utc_now() -> datetime:
    """Return the current instant, in UTC. The one place where the wall clock is read."""
    return datetime.now(UTC)


def to_text(instant: datetime) -> str:
    """Return `instant` as ISO 8601 in UTC with microseconds and `Z`: text that sorts as time does."""
    # Not strftime: it writes the years before 1000 without their zeros.
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> datetime:
    """Read an ISO 8601 instant; one without an offset is taken as UTC.

    Raises:
        ValueError: `text` is no instant.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("An instant must fall in the years 1 to 9999 of UTC.") from None


def local_day(instant: datetime) -> date:
    """Return the calendar day on which `instant` falls where the operator sits."""
    try:
        return instant.astimezone().date()
    except OverflowError:
        # The first or last day of the calendar, which no zone can move: services send such dates for “never”.
        return instant.date()


def duration_words(length: timedelta) -> str:
    """Return a length in its largest unit, rounded down: `4s`, `12m`, `3h`, `9d`."""
    seconds = max(0, int(length.total_seconds()))
    for unit, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if seconds >= unit:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"


def due_words(due: date, today: date) -> str:
    """Return how far off `due` is, as operators say it: `in 9d`, `tomorrow`, `today`, `2d over`."""
    days = (due - today).days
    if days < 0:
        return f"{-days}d over"
    if days == 0:
        return "today"
    return "tomorrow" if days == 1 else f"in {days}d"
