"""Requests at the keyboard that wait for the verification of who asks, until they are sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bwp_tui.console.bindings.actions import ACTIONS, ACTIONS_BY_NAME, footer_actions
from bwp_tui.console.widgets.request_form import RadioField
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from tests.console.past_tasks import PAST, TODAY
from tests.console.support import USUAL, WIDE, Console, opened
from tests.store import single
from tests.store.support import ACTOR, has_waiting_intent, received, request
from tests.store.test_intake import VERIFIED

NEW = len(PAST) + 1


def is_shown(console: Console, field: str) -> bool:
    return bool(console.main.query_one(f"#row-{field}").display)


@pytest.mark.parametrize("size", [WIDE, USUAL, (60, 15)])
async def test_a_deletion_of_somebody_unknown_is_recorded_without_typing_the_email_twice(
    profile: Profile, size: tuple[int, int]
) -> None:
    async with opened(profile, size=size) as console:
        await console.fill(kind="deletion", email="new@example.com")
        assert is_shown(console, "email_again")
        send = console.main.query_one("#field-send", RadioField)
        send.focus()
        await console.press("space")
        await console.sees("RECEIVED, not sent" if size == (60, 15) else "nothing is sent yet")
        assert not is_shown(console, "email_again")
        assert "● later" in console.text
        await console.submit_form()
        await console.sees("nothing is sent yet.")
        task = console.task(NEW)
        assert (task.status, task.kind, has_waiting_intent(console.store, NEW)) == (
            Status.RECEIVED,
            Kind.DELETION,
            False,
        )
        await console.do("new")
        assert send.value == "now"


async def test_it_is_verified_and_sent_at_the_keyboard(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        received(console.store, Kind.DELETION, "new@example.com")
        await console.press("2")
        await console.until(lambda: list(console.main.table.numbers) == [NEW])
        await console.sees("2 recv 1", "RECEIVED verify")
        await console.press("S")
        await console.sees("S: #", "cannot be sent before")
        await console.press("c", *"order 17", "enter", "enter", "enter")
        await console.sees("The verification of #", "2 recv 1", "RECEIVED send")
        await console.press("S")
        await console.sees("Type the email to send the deletion ", " of new@example.com:")
        await console.press(*"old@example.com", "enter")
        await console.sees("Nothing was done: that is not the email.")
        await console.press("S", *"new@example.com", "enter")
        await console.sees("The submission of #")
        assert (console.task(NEW).status, has_waiting_intent(console.store, NEW)) == (Status.QUEUED, True)
        await console.until(lambda: not console.main.table.row_count)


async def test_many_are_sent_after_a_plan(profile: Profile) -> None:
    async with opened(profile) as console:
        for place in range(3):
            number = received(console.store, Kind.RETRIEVAL, f"new{place}@example.com").number
            if place:
                single.verify(console.store, number, VERIFIED, ACTOR)
        await console.press("2")
        await console.until(lambda: console.main.table.row_count == 3)
        await console.press("asterisk", "S")
        await console.sees("Plan: 2 to send: 2 retrievals RECEIVED, 1 skipped: not verified yet.", "Type 2 to go on:")
        await console.press("2", "enter")
        await console.sees("2 submissions asked for.")
        statuses = [console.task(number).status for number in range(NEW, NEW + 3)]
        assert statuses == [Status.RECEIVED, Status.QUEUED, Status.QUEUED]


async def test_it_is_sent_by_a_typed_command_with_another_hold(profile: Profile) -> None:
    async with opened(profile) as console:
        number = received(console.store, Kind.DELETION, "new@example.com").number
        single.verify(console.store, number, VERIFIED, ACTOR)
        await console.until(lambda: console.main.table.row_count == NEW)
        await console.press("colon", *f"send {number} --holding-period 0", "enter")
        await console.sees("1 deletion begins at once and cannot be cancelled. Type the email to send the deletion")
        await console.press(*"new@example.com", "enter")
        await console.sees("The submission of #")
        assert console.task(number).holding_period == 0


async def test_it_is_withdrawn_with_the_key_that_cancels(profile: Profile) -> None:
    async with opened(profile) as console:
        number = received(console.store, Kind.DELETION, "new@example.com").number
        await console.until(lambda: console.main.table.row_count == NEW)
        await console.go_to(number)
        await console.sees("It waits to be sent. Verify the requester's identity (c), then send the request (S).")
        await console.press("x")
        await console.sees("Cancel the unsent deletion ")
        await console.press("y")
        await console.sees("is cancelled; it is not sent.")
        await console.press("R")
        await console.sees("1 request becomes RECEIVED, not sent yet. ", "Type the email to resubmit the deletion")
        await console.press(*"new@example.com", "enter")
        await console.sees("which is RECEIVED: nothing is sent yet.")
        assert requests.cannot_resubmit(console.task(number))
        assert console.task(number + 1).received_on == TODAY


async def test_a_deletion_is_approved_at_the_keyboard_but_not_the_own_one(profile: Profile) -> None:
    async with opened(replace(profile, approve="deletions"), size=USUAL) as console:
        console.store.require_shop(None, deletions_need_approval=True)
        requests.submit(console.store, request(Kind.DELETION, "own@example.com"), "op")
        requests.submit(console.store, request(Kind.DELETION, "new@example.com"), "ann")
        await console.sees("8 appr 2")
        await console.go_to(NEW)
        approve = ACTIONS_BY_NAME["approve"]
        assert approve not in footer_actions(ACTIONS, console.main.context, lambda _: True)
        await console.press("plus")
        await console.sees("another person has to approve it")
        await console.press("space", "plus")
        await console.sees("Of 1 marked: 0 to approve, 1 skipped: own request.")
        await console.press("escape")
        await console.go_to(NEW + 1)
        assert approve in footer_actions(ACTIONS, console.main.context, lambda _: True)
        await console.press("plus", *"new@example.com", "enter")
        await console.sees("The submission of #", "8 appr 1")
        assert [console.task(number).status for number in (NEW, NEW + 1)] == [Status.UNAPPROVED, Status.QUEUED]


async def test_the_cursor_stays_where_it_was_moved_after_a_task_has_left_the_view(profile: Profile) -> None:
    async with opened(profile) as console:
        for email in ("ann@example.com", "bob@example.com", "eve@example.com"):
            single.verify(console.store, received(console.store, Kind.RETRIEVAL, email).number, VERIFIED, ACTOR)
        table = console.main.table
        await console.press("2")
        await console.until(lambda: {*table.numbers} == {NEW, NEW + 1, NEW + 2})
        await console.go_to(NEW + 2)
        await console.press("S", "y")
        await console.until(lambda: {*table.numbers} == {NEW, NEW + 1})
        await console.go_to(NEW)
        await console.press("escape")
        await console.until(lambda: NEW + 2 in table.numbers)
        assert table.current_number == NEW


async def test_marked_requests_that_are_received_again_are_not_called_sent(profile: Profile) -> None:
    async with opened(profile) as console:
        for email in ("a@example.com", "b@example.com"):
            requests.cancel(console.store, received(console.store, email=email).number, ACTOR)
        await console.until(lambda: console.main.table.row_count == NEW + 1)
        console.main.mark(frozenset({NEW, NEW + 1}))
        await console.press("R", "enter")
        await console.sees("Type 2 to go on:")
        await console.press("2", "enter")
        await console.sees("2 resubmissions asked for; 2 are RECEIVED, not sent yet.")
        assert {console.task(number).status for number in (NEW + 2, NEW + 3)} == {Status.RECEIVED}
