"""What the options of the command line take: each reads one word, or says in a few words what is wrong with it."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Final

from bwp_tui.domain.holding_periods import Hold, fitting_hold, hold_of
from bwp_tui.domain.task import LONGEST_HOLDING_PERIOD
from bwp_tui.domain.text import clean_line, unsafe_at
from bwp_tui.domain.times import day_of, local_day, utc_now

_FARTHEST_EAST: Final = timedelta(hours=14)


def any_day(text: str) -> date:
    """Read a date."""
    if read := day_of(text):
        return read
    raise ArgumentTypeError(f"“{text}” is no date such as 2026-12-31")


def day(text: str) -> date:
    """Read a date that has begun somewhere; once the settings are read, `checked_day` asks for the office's zone."""
    read = any_day(text)
    if read > (utc_now() + _FARTHEST_EAST).astimezone(UTC).date():
        raise ArgumentTypeError(f"{read} is in the future")
    return read


def days(text: str) -> timedelta:
    """Read a number of days, with or without a d."""
    number = count(text.removesuffix("d"))
    if number > 36_500:
        raise ArgumentTypeError(f"“{text}” is longer than a hundred years")
    return timedelta(days=number)


def seconds(text: str) -> float:
    """Read a length of time in seconds, 0 or more."""
    number = _number(text)
    if not 0 <= number <= 1e9:
        raise ArgumentTypeError(f"“{text}” is no number of seconds")
    return number


def factor(text: str) -> float:
    """Read a number above 0."""
    number = _number(text)
    if not 0 < number <= 1e9:
        raise ArgumentTypeError(f"“{text}” is no number above 0")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def count(text: str) -> int:
    """Read a whole number, 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ArgumentTypeError(f"“{text}” is no whole number, 0 or more")
    return int(text)


def port(text: str) -> int:
    """Read a TCP port; 0 is any free one."""
    number = count(text)
    if number > 65_535:
        raise ArgumentTypeError(f"“{text}” is no port, 0 to 65535")
    return number


def one_line(text: str) -> str:
    """Read a text: one line, nothing in it that steers a terminal."""
    return clean_line(text)


def new_path(text: str) -> Path:
    """Read the name of a file or folder that is to be made: the register keeps it, and a terminal shows it."""
    path = Path(text).expanduser()
    if not path.name or unsafe_at(str(path.absolute())) is not None:
        raise ArgumentTypeError(f"“{clean_line(text)}” is no name for a file of ours: write it in UTF-8, and visibly")
    return path


def hold(text: str) -> Hold:
    """Read a holding period: a number of days, or `fit`."""
    if text == "fit":
        return lambda task: fitting_hold(local_day(utc_now()))(task)  # the office's zone is not known before
    if not (text.isascii() and text.isdigit() and int(text) <= LONGEST_HOLDING_PERIOD):
        raise ArgumentTypeError(f"“{text}” is neither fit nor a number of days from 0 to {LONGEST_HOLDING_PERIOD}")
    return hold_of(int(text))


def task_id(text: str) -> str:
    """Read a whole task id."""
    if not (text.isascii() and text.isprintable() and " " not in text and 4 <= len(text) <= 128):
        raise ArgumentTypeError(f"“{text}” is no task id")
    return text
