"""Asking shoppers who they are, at the keyboard: the clock that stands still, and the one that does not."""

from __future__ import annotations

from datetime import date
from functools import partial

from bwp_tui.domain.deadlines import is_clock_stopped
from bwp_tui.settings import Profile
from bwp_tui.store.commands import legal_records
from tests.console.past_tasks import HELD, TODAY
from tests.console.support import opened
from tests.store import single


async def test_an_inquiry_stops_the_clock_until_the_reply_under_the_law_that_says_so(profile: Profile) -> None:
    async with opened(profile, size=(120, 40)) as console:
        correct = partial(legal_records.correct, received=date(2026, 11, 10), regulation="uk-gdpr")
        single.edit(console.store, HELD, correct, "op")
        await console.go_to(HELD)
        await console.sees("United Kingdom")
        await console.press("I")
        await console.sees(" was asked on: 2026-11-20")
        await console.press("enter")
        await console.sees("The clock is stopped from 2026-11-20 until the reply is recorded.", "stopped")
        await console.sees("2026-12-10  if the reply came today", "from 2026-11-20: a reply is awaited")
        assert is_clock_stopped(console.task(HELD))
        await console.press("Y")
        await console.sees(" replied on: 2026-11-20")
        await console.press("enter")
        await console.sees("It is due 2026-12-10.")
        task = console.task(HELD)
        assert (task.replied_on, task.due_on) == (TODAY, date(2026, 12, 10))
        await console.press("U")
        await console.sees("Undone: the reply of #")
        assert is_clock_stopped(console.task(HELD))
        await console.press("c", *"order 17", "enter")
        await console.sees("Verified by: op")
        await console.press("enter")
        await console.sees("Verified on: 2026-11-20")
        await console.press("enter")
        await console.sees("is recorded. It is the reply to the inquiry too. It is due 2026-12-10.")


async def test_under_another_law_it_is_said_that_the_clock_does_not_stop(profile: Profile) -> None:
    async with opened(profile, size=(120, 40)) as console:
        await console.go_to(HELD)
        due = console.task(HELD).due_on
        await console.press("I", "enter")
        await console.sees("Under gdpr (GDPR art. 12(3); Reg. 1182/71) the clock does not stop for an")
        assert (console.task(HELD).inquired_on, console.task(HELD).due_on) == (TODAY, due)
