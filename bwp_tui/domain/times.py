"""Read, format and compare instants and days; read the uptime, which cannot be set and includes sleep."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final, NamedTuple

Clock = Callable[[], datetime]
"""Returns the current instant: `utc_now`, or a fixed one in tests and pictures."""

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400

BASIC_UTC: Final = "%Y%m%dT%H%M%SZ"
"""An instant in ISO 8601's basic format, as in signatures of AWS and names of files."""


def utc_now() -> datetime:
    """Return the current instant in UTC, by the wall clock."""
    return datetime.now(UTC)


def format_instant(instant: datetime) -> str:
    """Return `instant` as ISO 8601 in UTC with microseconds and `Z`, which sorts by time."""
    # strftime omits the leading zeros of years before 1000.
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant; without an offset it is UTC. What is none raises ValueError."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("An instant must fall in the years 1 to 9999 of UTC.") from None


_shop_zone: tzinfo | None = None


def set_shop_zone(name: str | None) -> None:
    """Set the shop's time zone for this process: an IANA name such as `Europe/Berlin`; None is the machine's.

    It is global, like the machine's own, so that the day of a receipt is the same everywhere. An unknown name raises
    ValueError.
    """
    global _shop_zone
    _shop_zone = None if name is None else find_zone(name)


def find_zone(name: str) -> tzinfo:
    """Return the time zone with an IANA name; raise ValueError if there is none."""
    from zoneinfo import ZoneInfo  # most shops use the zone of their machine

    try:
        return ZoneInfo(name)
    except (KeyError, OSError):  # unknown, a folder of zones, or not a path
        raise ValueError(name) from None


def zone_name() -> str:
    """Return the name of the shop's time zone: IANA, or the machine's abbreviation."""
    return str(_shop_zone) if _shop_zone is not None else to_local(utc_now()).strftime("%Z")


def to_local(instant: datetime) -> datetime:
    """Return `instant` in the shop's time zone."""
    return instant.astimezone(_shop_zone)


def stamp(instant: datetime) -> str:
    """Return `instant` as `2026-12-31 23:59:59` in the shop's time zone."""
    return to_local(instant).strftime("%Y-%m-%d %H:%M:%S")


def stamp_or_now(instant: datetime, now: datetime) -> str:
    """Return when something happens as `stamp` does, or `now` once that has come: it may be under way."""
    return stamp(instant) if instant > now else "now"


def stamp_of(at: str) -> str:
    """Return a recorded instant as `stamp` does; a text that is none stays as it is."""
    try:
        return stamp(parse_instant(at))
    except ValueError:
        return at


def minute_stamp(instant: datetime) -> str:
    """Return `instant` as `2026-12-31 23:59` in the shop's time zone."""
    return stamp(instant)[: -len(":59")]


def midnight(day: date) -> datetime:
    """Return the instant at which `day` begins in the shop's time zone."""
    return datetime(day.year, day.month, day.day, tzinfo=_shop_zone).astimezone(UTC)


def local_day(instant: datetime) -> date:
    """Return the calendar day of `instant` in the shop's time zone."""
    try:
        return to_local(instant).date()
    except OverflowError:
        # The first or last day of the calendar, which services send for “never”.
        return instant.date()


DAY_FORMAT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_day(text: str) -> date | None:
    """Read a day such as `2026-12-31`, in no other form; None if it is not one."""
    try:
        return date.fromisoformat(text.strip()) if DAY_FORMAT.fullmatch(text.strip()) else None
    except ValueError:
        return None


def is_iso_day(text: str | None) -> bool:
    """Return whether a text is a day as `iso_day` writes it."""
    return text is not None and DAY_FORMAT.fullmatch(text) is not None and parse_day(text) is not None


_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS_FROM_TODAY: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
_RELATIVE_DAY: Final = r"[+-][0-9]{1,4}"
DAY_FORMS: Final = "YYYY-MM-DD, yesterday, -3 or mon"
"""What `typed_day` takes, in messages to who typed something else."""


def typed_day(text: str, today: date, *, ahead: bool = False) -> date | None:
    """Read a day as a person types it: as `parse_day` does, or a word for it; None if it is neither.

    `-3` is three days ago and `+3` in three days. A weekday, with three or more of its letters, is the last one, today
    included; with `ahead` the next one, today included.
    """
    word = text.strip().casefold()
    weekday = next((place for place, name in enumerate(_WEEKDAYS) if len(word) > 2 and name.startswith(word)), None)
    if weekday is not None:
        days = (weekday - today.weekday()) % 7 if ahead else -((today.weekday() - weekday) % 7)
    elif word in _DAYS_FROM_TODAY:
        days = _DAYS_FROM_TODAY[word]
    elif re.fullmatch(_RELATIVE_DAY, word):
        days = int(word)
    else:
        return parse_day(word)
    return today + timedelta(days=days)


def day_of_word(text: str, today: date) -> str:
    """Return the day that a word is taken for, as `Mon 2026-12-28`; nothing for a date, or what names no day."""
    day = typed_day(text, today)
    return "" if day is None or parse_day(text) is not None else f"{_WEEKDAYS[day.weekday()][:3].title()} {day}"


def iso_day(day: date | None) -> str | None:
    """Return a day such as `2026-12-31`, or None."""
    return None if day is None else day.isoformat()


def iso_instant(instant: datetime | None) -> str | None:
    """Return an instant as `format_instant` does, or None."""
    return None if instant is None else format_instant(instant)


def file_stamp(instant: datetime) -> str:
    """Return `instant` in UTC for names of files: in their order, and without colons, which some systems refuse."""
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"


def format_duration(length: timedelta, *, rounds_up: bool = False) -> str:
    """Return a duration in its largest unit, rounded down or up: `4s`, `12m`, `3h`, `9d`."""
    seconds = max(0.0, length.total_seconds())
    size, letter = 1, "s"
    for unit, unit_letter in ((MINUTE, "m"), (HOUR, "h"), (DAY, "d")):
        if seconds >= unit:
            size, letter = unit, unit_letter
    return f"{math.ceil(seconds / size) if rounds_up else int(seconds // size)}{letter}"


def format_due(due: date, today: date) -> str:
    """Return the time until `due`: `in 9d`, `tomorrow`, `today`, `2d over`."""
    days = (due - today).days
    if days < 0:
        return f"{-days}d over"
    if days == 0:
        return "today"
    return "tomorrow" if days == 1 else f"in {days}d"


class Uptime(NamedTuple):
    """An instant after a boot; `boot` is the boot id, or None if the system has none."""

    boot: str | None
    seconds: float

    def seconds_since(self, boot: str | None, seconds: float | None) -> float | None:
        """Return the seconds since an earlier instant, or None after a reboot."""
        if self.boot is None or seconds is None or boot != self.boot or seconds > self.seconds:
            return None
        return self.seconds - seconds


UptimeClock = Callable[[], Uptime]


def read_uptime() -> Uptime:
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # elsewhere than on Linux the latter counts sleep
    return Uptime(_boot(), time.clock_gettime(clock))


def _boot() -> str | None:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
