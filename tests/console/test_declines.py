"""Declines and appeals at the keyboard."""

from __future__ import annotations

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Request
from bwp_tui.settings import Profile
from bwp_tui.store.commands import decisions, requests
from tests.console.past_tasks import HELD, PAST, TODAY
from tests.console.support import USUAL, WIDE, opened
from tests.store import single

NEW = len(PAST) + 1


@pytest.mark.parametrize("size", [WIDE, USUAL])
async def test_a_request_is_declined_appealed_and_the_appeal_answered(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(profile, size=size) as console:
        request = Request(Kind.RETRIEVAL, "new@example.com", TODAY, "us-co", awaits_verification=True)
        requests.submit(console.store, request, "op")
        await console.press("2")
        await console.until(lambda: list(console.main.table.numbers) == [NEW])
        await console.press("B")
        await console.sees("not_a_shopper")
        await console.press(*"rude", "enter")
        await console.sees("Give one of the reasons:")
        await console.press("ctrl+u", *"fraud", "enter")
        await console.sees("What was the shopper told:")
        await console.press(*"not ours", "enter")
        await console.sees("Told on:")
        await console.press("enter")
        await console.sees("It is not sent any more.")
        assert console.task(NEW).status == Status.DECLINED
        await console.press("1")
        await console.until(lambda: console.main.table.row_count == NEW)
        console.main.table.go_to_task(NEW)
        await console.press("Q")
        await console.sees("(answer in 45 days):")
        await console.press("enter")
        await console.sees("to be answered by 2027-01-04.", "DECLINED appeal")
        await console.press("Q")
        await console.sees("upheld (yes or no):")
        await console.press(*"no", "enter")
        await console.sees("answered on:")
        await console.press(*"2026-11-19", "enter")  # before the appeal: the question stays open
        await console.sees("after 2026-11-19", "answered on:")
        await console.press(*["backspace"] * 10, *"2026-11-20", "enter")
        await console.sees("not upheld.")
        assert console.task(NEW).is_appeal_upheld is False
        await console.press("U")
        await console.sees("Undone: the")
        assert console.task(NEW).is_appeal_running
        await console.press("w")
        await console.sees("Withdraw the appeal", "nothing is due")
        await console.press("y")
        await console.sees("The appeal of", "is withdrawn")
        await console.press("w")
        await console.sees("Withdraw the decline of")
        await console.press("y")
        await console.sees("The decline of", "is withdrawn")
        assert console.task(NEW).status == Status.RECEIVED


async def test_undo_names_the_withdrawal_of_a_decline_only_while_it_is_possible(profile: Profile) -> None:
    async with opened(profile) as console:
        request = Request(Kind.RETRIEVAL, "new@example.com", TODAY, "us-co", awaits_verification=True)
        requests.submit(console.store, request, "op")
        await console.until(lambda: console.main.table.row_count == NEW)
        await console.go_to(NEW)
        for can_withdraw in (True, False):
            await console.press("B", *"fraud", "enter", *"not ours", "enter", "enter")
            await console.until(lambda: console.task(NEW).status == Status.DECLINED)
            if not can_withdraw:
                await console.press("w", "y")
                await console.until(lambda: console.task(NEW).status == Status.RECEIVED)
                await console.press("U")
                await console.sees("“withdraw decline” cannot be undone.")
            await console.press("U")
            await console.sees(f"“decline” cannot be undone{f'; w on #{NEW} withdraws it' if can_withdraw else ''}.")
            if can_withdraw:
                await console.press("w", "y")
                await console.until(lambda: console.task(NEW).status == Status.RECEIVED)


async def test_a_held_deletion_is_cancelled_first_and_undo_says_that_it_cannot(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("B", *"exempt", "enter", *"an open invoice", "enter", "enter")
        await console.sees("Cancel the deletion and decline it? [y/N]")
        await console.press("y")
        await console.sees("the decline comes into effect with it")
        await console.go_to(HELD)
        await console.sees("exempt: an open invoice", "once the cancellation")
        assert (console.task(HELD).status, console.task(HELD).cancel_asked) == (Status.ON_HOLD, True)
        await console.press("U")
        await console.sees("cannot be undone.")
        assert "Press the key again" not in console.text


async def test_marked_deletions_on_hold_are_not_called_declined_before_they_are_cancelled(profile: Profile) -> None:
    async with opened(profile) as console:
        request = Request(Kind.RETRIEVAL, "new@example.com", TODAY, "us-co", awaits_verification=True)
        requests.submit(console.store, request, "op")
        await console.until(lambda: console.main.table.row_count == NEW)
        for number in (HELD, NEW):
            await console.go_to(number)
            await console.press("space")
        await console.press("B")
        await console.sees("not_a_shopper")
        await console.press(*"fraud", "enter", *"told", "enter", "enter")
        await console.sees("1 deletion is cancelled first")
        await console.press("2", "enter")
        await console.sees("2 declined, 1 of them in effect once the service has confirmed the cancellation.")
        assert [console.task(number).status for number in (HELD, NEW)] == [Status.ON_HOLD, Status.DECLINED]
        await console.press("U")
        await console.sees(f"w on #{NEW} withdraws it")


async def test_appeals_of_marked_requests_are_recorded_with_one_day(profile: Profile) -> None:
    async with opened(profile) as console:
        for number in range(2):
            request = Request(Kind.RETRIEVAL, f"new{number}@example.com", TODAY, "us-co", awaits_verification=True)
            requests.submit(console.store, request, "op")
            single.edit(console.store, NEW + number, lambda edit: decisions.decline(edit, "fraud", "no"), "op", TODAY)
        await console.press("slash", *"status:declined", "enter")
        await console.until(lambda: console.main.table.row_count == 2)
        await console.press("asterisk", "Q")
        await console.sees("received on")
        await console.press("enter")
        await console.sees("Type 2 to go on")
        await console.press("2", "enter")
        await console.until(lambda: all(console.task(NEW + number).is_appeal_running for number in range(2)))
        await console.press("asterisk", "Q")
        await console.sees("0 to appeal, 2 skipped: appealed already")
        await console.press("colon", *"appeal --upheld no", "enter")
        await console.sees("Type 2 to go on")
        await console.press("2", "enter")
        await console.until(lambda: all(console.task(NEW + number).is_appeal_upheld is False for number in range(2)))
