"""Instants, their text form, and the words operators read them in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
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


_office: tzinfo | None = None


def use_zone(name: str | None) -> None:
    """Set the time zone of the office for this process: an IANA name such as `Europe/Berlin`; None is the machine's.

    One for the whole process, as the machine's own is: the day of a receipt must not depend on who asks for it.

    Raises:
        ValueError: there is no such zone.
    """
    global _office
    _office = None if name is None else zone_of(name)


def zone_of(name: str) -> tzinfo:
    """Return the time zone of that IANA name.

    Raises:
        ValueError: there is none.
    """
    from zoneinfo import ZoneInfo  # most offices sit where their machine does

    try:
        return ZoneInfo(name)
    except (KeyError, OSError):  # not found, a folder of zones, or a name that is no path
        raise ValueError(name) from None


def zone_name() -> str:
    """Return what the office's time zone is called: its IANA name, or the machine's own abbreviation."""
    return str(_office) if _office is not None else local(utc_now()).strftime("%Z")


def local(instant: datetime) -> datetime:
    """Return `instant` in the office's time zone."""
    return instant.astimezone(_office)


def stamp(instant: datetime) -> str:
    """Return `instant` as operators read it: `2026-12-31 23:59:59`, in the office's time zone."""
    return local(instant).strftime("%Y-%m-%d %H:%M:%S")


def midnight(day: date) -> datetime:
    """Return the instant at which `day` begins in the office."""
    return datetime.combine(day, time.min, _office).astimezone(UTC)


def local_day(instant: datetime) -> date:
    """Return the calendar day on which `instant` falls in the office."""
    try:
        return local(instant).date()
    except OverflowError:
        # The first or last day of the calendar, which no zone can move: services send such dates for “never”.
        return instant.date()


_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day_of(text: str) -> date | None:
    """Read a calendar day as `2026-12-31` and in no other form, such as ISO weeks; None where it is none."""
    try:
        return date.fromisoformat(text.strip()) if _DAY.fullmatch(text.strip()) else None
    except ValueError:
        return None


def format_duration(length: timedelta) -> str:
    """Return a length in its largest unit, rounded down: `4s`, `12m`, `3h`, `9d`."""
    seconds = max(0, int(length.total_seconds()))
    for unit, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if seconds >= unit:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"


def format_due(due: date, today: date) -> str:
    """Return how far off `due` is, as operators say it: `in 9d`, `tomorrow`, `today`, `2d over`."""
    days = (due - today).days
    if days < 0:
        return f"{-days}d over"
    if days == 0:
        return "today"
    return "tomorrow" if days == 1 else f"in {days}d"
