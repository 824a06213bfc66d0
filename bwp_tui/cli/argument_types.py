"""Convert the arguments of the command line; each function raises ArgumentTypeError for a wrong one."""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bwp_tui.domain.regulations import regulation_id
from bwp_tui.domain.task import LONGEST_HOLDING_PERIOD, task_id_mistake
from bwp_tui.domain.text import clean_line, unsafe_at
from bwp_tui.domain.times import DAY_FORMS, parse_day, typed_day, utc_now
from bwp_tui.sandbox.faults import parse_fault
from bwp_tui.settings.checks import region

if TYPE_CHECKING:
    from bwp_tui.actions.operation import Argument

AWS_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,75}")
"""The name of an event source or of a queue."""

_FARTHEST_EAST: Final = timedelta(hours=14)
_Value = TypeVar("_Value")


def _with_mistakes_of(read: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """Return the conversion by a function that raises ValueError with a sentence."""

    def convert(text: str) -> _Value:
        try:
            return read(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error).removesuffix(".")) from None

    return convert


def _of_form(pattern: str | re.Pattern[str], what: str, read: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """Return the conversion of a text that has to match a pattern; `what` is how such a text is called."""

    def convert(text: str) -> _Value:
        if not re.fullmatch(pattern, text):
            raise ArgumentTypeError(f"“{text}” is not {what}")
        return read(text)

    return convert


fault = _with_mistakes_of(parse_fault)
regulation = _with_mistakes_of(regulation_id)
count = _of_form("[0-9]{1,9}", "a whole number, 0 or more", int)
holding_period = _of_form("-?[0-9]{1,9}", f"a number of days from 0 to {LONGEST_HOLDING_PERIOD}", int)
aws_account = _of_form("[0-9]{12}", "an AWS account of 12 digits", str)
aws_name = _of_form(AWS_NAME, "a name of 1 to 75 letters, digits, - and _", str)


def any_day(text: str) -> date | str:
    """Read a date, or a word for one; `context.resolved_day` resolves that in the shop's time zone."""
    if typed_day(text, utc_now().date()) is not None:
        return parse_day(text) or text
    raise ArgumentTypeError(f"invalid date “{text}”; use {DAY_FORMS}")


def day(text: str) -> date | str:
    """Read a date that has begun somewhere on earth, or a word for one.

    `context.checked_day` checks it in the shop's time zone.
    """
    read = any_day(text)
    if isinstance(read, date) and read > (utc_now() + _FARTHEST_EAST).astimezone(UTC).date():
        raise ArgumentTypeError(f"{read} is in the future")
    return read


def days(text: str) -> timedelta:
    """Read a number of days, with or without a d."""
    number = count(text.removesuffix("d"))
    if number > 36_500:
        raise ArgumentTypeError(f"“{text}” is more than a hundred years")
    return timedelta(days=number)


def _number(least: float, what: str) -> Callable[[str], float]:
    """Return the conversion to a number from `least` to a billion; `what` is how it is called."""

    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number <= 1e9:
            raise ArgumentTypeError(f"“{text}” is not {what}")
        return number

    return convert


seconds = _number(0.0, "a number of seconds")
factor = _number(math.ulp(0.0), "a number above 0")  # the least number above 0


def port(text: str) -> int:
    """Read a TCP port; 0 means any free one."""
    number = count(text)
    if number > 65_535:
        raise ArgumentTypeError(f"“{text}” is not a port, 0 to 65535")
    return number


def new_path(text: str) -> Path:
    """Read the path of a file or folder to create; the history stores it and a terminal shows it."""
    path = Path(text).expanduser()
    if not text or not path.absolute().name or unsafe_at(str(path.absolute())) is not None:
        raise ArgumentTypeError(f"“{clean_line(text)}” cannot be created: use a name of visible UTF-8 characters")
    return path


def result_folder(text: str) -> Path:
    """Read the path of a folder for results; a name that ends in .zip was meant for a file."""
    path = new_path(text)
    if path.suffix.lower() == ".zip" and not path.is_dir():
        raise ArgumentTypeError(f"“{clean_line(text)}” is the name of a file: give the folder that the file goes into")
    return path


def value_of(argument: Argument) -> Callable[[str], Any]:
    """Return what reads the value of an operation's argument."""

    def read(text: str) -> Any:
        if reason := argument.mistake(text):
            raise ArgumentTypeError(reason.removesuffix("."))
        return argument.read([text], None) if argument.read else {argument.name: clean_line(text)}

    return lambda text: (read(text) or {})[argument.name]


def aws_region(text: str) -> str:
    if mistake := region(text):
        raise ArgumentTypeError(f"“{text}” {mistake}")
    return text


def task_id(text: str) -> str:
    if mistake := task_id_mistake(text):
        raise ArgumentTypeError(mistake.removesuffix("."))
    return text
