"""Read the days that options name, in the shop's time zone."""

from __future__ import annotations

from datetime import date

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.streams import print_message
from bwp_tui.domain.deadlines import day_warning, future_everywhere_mistake
from bwp_tui.domain.times import day_of_word, local_day, typed_day, utc_now, zone_name


def today() -> date:
    """Return the calendar day in the shop's time zone."""
    return local_day(utc_now())


def require_same_day(day: date) -> None:
    """Refuse what was confirmed on a later day than it was asked: due dates and holds were those of `day`."""
    if today() != day:
        raise CommandError(f"Today is {today()} now. Nothing was changed.", ExitCode.FAILED)


def resolved_day(typed: date | str) -> date:
    """Return the day that an option names; for a word it is printed."""
    if not isinstance(typed, str):
        return typed
    day = typed_day(typed, today())
    if day is None:
        raise AssertionError(typed)  # `argument_types.any_day` has read it
    print_message(f"“{typed}” is {day_of_word(typed, today())}.")
    return day


def checked_day(typed: date | str) -> date:
    """Return the day of an event in the past that an option names; print its warning."""
    day = resolved_day(typed)
    if reason := future_everywhere_mistake(day, today()):
        raise CommandError(f"{reason} In the shop's time zone it is {today()} ({zone_name()}). Nothing was recorded.")
    if warning := day_warning(day, today()):
        print_message(f"Warning: {warning}")
    return day
