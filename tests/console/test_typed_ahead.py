"""What is typed into a question arrives in pieces: the answer holds all that came before the enter."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from textual.widgets import Input

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.record_operations import NOTE
from bwp_tui.console.controllers import service_controller
from bwp_tui.console.screens.task import TaskScreen
from bwp_tui.console.store_access.task_commands import RecordStep
from bwp_tui.console.terminal.key_bursts import Key
from bwp_tui.console.terminal.key_reader import KeyReader
from bwp_tui.console.widgets.request_form import RequestForm
from bwp_tui.settings import Profile
from bwp_tui.store.commands.bulk import ChangeResult
from bwp_tui.store.queries import timeline
from tests.console.past_tasks import HELD, ORDERS_OPEN, TODAY
from tests.console.support import Console, opened

TYPED = "complicated\r"


async def _feed(console: Console, reader: KeyReader, text: str, turns: int) -> None:
    """Pass on what arrives at once, and let so many turns of the loop go by."""
    for message in reader.feed(text) if text else ():
        console.app.post_message(message)
    for _ in range(turns):
        await asyncio.sleep(0)


async def _act(console: Console, reader: KeyReader, text: str) -> None:
    """Type keys, and let go by what they would take to act if they did not wait."""
    keys = [event for event in reader.feed(text) if isinstance(event, Key)]
    for key in keys:
        console.app.post_message(key)
    await console.until(lambda: all(key.burst.seconds_left < 0 for key in keys))
    for _ in keys:
        await console.pilot.pause()


async def _note(console: Console, reader: KeyReader, before: str, pieces: tuple[str, ...], turns: int) -> None:
    """Type a note in pieces, behind what the field holds already."""
    await console.do("note")
    field = console.main.prompt.query_one(Input)
    await console.until(lambda: console.main.prompt.is_open and field.has_focus)
    field.value = before
    field.cursor_position = len(before)
    for piece in pieces:
        await _feed(console, reader, piece, turns)
    await console.until(lambda: not console.main.prompt.is_open)
    await console.until(lambda: console.task(HELD).note == f"{before}complicated")


@pytest.mark.parametrize("turns", [0, 3, 60])
async def test_no_character_before_the_enter_is_lost_wherever_the_bytes_are_cut(profile: Profile, turns: int) -> None:
    async with opened(profile) as console:
        reader = KeyReader()
        await console.go_to(HELD)
        for first in range(1, len(TYPED)):
            for second in range(first, len(TYPED), 4):
                pieces = (TYPED[:first], TYPED[first:second], TYPED[second:])
                await _note(console, reader, f"{first} {second} ", pieces, turns)
        assert timeline.of_task(console.store, HELD)[-1].detail == "11 11 complicated"


async def test_keys_wait_for_the_question_of_an_action_whose_plan_takes_long(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, plan = threading.Event(), bulk_plan.plan

    def plan_late(*args: Any, **values: Any) -> bulk_plan.BulkPlan:
        planned.wait()
        return plan(*args, **values)

    monkeypatch.setattr(bulk_plan, "plan", plan_late)
    async with opened(profile) as console:
        await console.go_to(ORDERS_OPEN)
        await console.press("space")
        reader = KeyReader()
        await _feed(console, reader, "R", 60)
        await _act(console, reader, "m\r")
        planned.set()
        await console.sees("frank@example.com. Type the email")
        console.main.prompt.set_text("frank@example.com")
        await console.press("enter")
        await console.until(lambda: console.task(ORDERS_OPEN).resubmitted_as)
        assert console.task(console.task(ORDERS_OPEN).resubmitted_as or 0).note == "m"


async def test_keys_wait_for_the_fields_of_the_form_that_the_key_before_them_opens(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_mount, mount_fields = asyncio.Event(), RequestForm.mount_fields

    async def mount_late(form: RequestForm) -> None:
        await may_mount.wait()
        await mount_fields(form)

    monkeypatch.setattr(RequestForm, "mount_fields", mount_late)
    async with opened(profile) as console:
        before = console.main.table.current_number
        await _act(console, KeyReader(), "n")
        await _act(console, KeyReader(), "j")
        may_mount.set()
        await console.until(lambda: console.main.form.display and console.field("email").value == "j")
        assert console.main.table.current_number == before


async def test_keys_typed_on_a_task_s_page_wait_for_its_question(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_ask = threading.Event()
    monkeypatch.setattr(service_controller, "email_text", lambda *_: str(may_ask.wait()))
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("enter")
        await console.until(lambda: isinstance(console.app.screen, TaskScreen))
        await _act(console, KeyReader(), "x")
        await _act(console, KeyReader(), "y")
        may_ask.set()
        await console.until(lambda: console.task(HELD).cancel_asked)


async def test_a_key_that_acts_waits_for_the_end_of_what_the_one_before_it_writes(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_write = threading.Event()
    async with opened(profile) as console:
        commands = console.main.session.task_commands
        for note in ("first", "second"):
            commands.record(NOTE, [HELD], TODAY, text=note)
        undo = commands.undo

        def undo_late(step: RecordStep) -> list[ChangeResult]:
            may_write.wait()
            return undo(step)

        monkeypatch.setattr(commands, "undo", undo_late)
        before = console.main.table.current_number
        await _act(console, KeyReader(), "U")
        await _act(console, KeyReader(), "j")
        assert console.main.table.current_number != before
        await _act(console, KeyReader(), "U")
        may_write.set()
        await console.until(lambda: console.task(HELD).note == "VIP")


async def test_the_rest_of_a_yes_or_no_that_is_typed_out_does_nothing(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        note = console.task(HELD).note
        for word, is_asked in (("no", False), ("NO", False), ("YES", True)):
            await console.press("x")
            await console.sees("Cancel the deletion ")
            await console.press(*word, "enter")
            await console.until(lambda: not console.main.prompt.is_open)
            assert console.task(HELD).cancel_asked is is_asked
            assert console.app.screen is console.main
        await console.press("e")
        await console.until(lambda: console.main.prompt.is_open)
        assert console.task(HELD).note == note
