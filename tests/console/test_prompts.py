"""The line that asks: nothing happens without a yes, and no key goes past it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from textual.widgets import Input

from bwp_tui.console.presentation.task_row_cells import COLUMN_KEYS
from bwp_tui.domain.statuses import Status
from bwp_tui.settings import Profile
from bwp_tui.store.database.shared_sql import update_task
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.console.past_tasks import HELD, NOT_KNOWN, ORDERS_OPEN, PAST, READY, PastTask
from tests.console.support import USUAL, opened
from tests.store.support import has_waiting_intent


async def test_a_yes_cancels_the_held_deletion(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("x")
        await console.sees(f"Cancel the deletion {console.task(HELD).name} of b•••@example.com?", "y yes  n no")
        await console.press("Y")
        await console.sees(f"The cancellation of {console.task(HELD).name} is recorded.")
        assert console.task(HELD).cancel_asked
        assert has_waiting_intent(console.store, HELD)
        await console.press("x")
        await console.sees("was asked for already")


@pytest.mark.parametrize("action", ["cancel", "resubmit"])
async def test_without_a_yes_nothing_is_recorded(profile: Profile, action: str) -> None:
    number = HELD if action == "cancel" else NOT_KNOWN
    async with opened(profile) as console:
        await console.go_to(number)
        revision = console.store.revision()
        for key in ("n", "q", "escape", "enter"):
            await console.do(action)
            await console.until(lambda: console.main.prompt.is_open)
            await console.press(key)
            await console.until(lambda: not console.main.prompt.is_open)
        assert console.app.focused is console.main.table
        assert console.store.revision() == revision
        assert console.app.is_running


async def test_keys_that_are_no_answer_go_nowhere_while_something_is_asked(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        table = console.main.table
        for action in ("cancel", "note"):
            await console.do(action)
            await console.until(lambda: console.main.prompt.is_open)
            await console.press("down", "G", "ctrl+p", "pagedown", "m", "2", "shift+up", "d")
            assert table.current_number == HELD
            assert console.main.prompt.is_open
            assert console.main.session.masked
            assert not console.main.command_list.display
            await console.press("escape")
            await console.until(lambda: not console.main.prompt.is_open)


async def test_a_letter_that_is_no_answer_is_refused_with_those_that_are(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.press("asterisk", "y")
        await console.until(lambda: console.main.prompt.is_open)
        await console.press("l")
        await console.sees("“l” is no answer; press y, a, e, p, c, j, r or esc.")
        await console.press("escape", "C")
        await console.sees("enter done")
        assert console.main.prompt.mistake is None
        await console.press("Q")
        await console.sees("“Q” is no answer; press ", f"{list(COLUMN_KEYS)[-1]}, enter or esc.")
        await console.press("escape", "escape")
        await console.go_to(HELD)
        await console.press("x", "down", "u")
        await console.sees("“u” is no answer; press y, n or esc.")
        await console.press("Q")
        await console.sees("“Q” is no answer; press y, n or esc.")
        await console.press("n")
        await console.until(lambda: not console.main.prompt.is_open)
        assert "no answer" not in console.text


async def test_a_failed_request_is_submitted_again_as_a_task_of_its_own(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(NOT_KNOWN)
        await console.press("R")
        await console.sees("Resubmit the retrieval ", "e•••@example.com? [y/N]")
        await console.press("y")
        await console.sees("with a client token of its own.")
        new = len(PAST) + 1
        await console.until(lambda: console.main.table.current_number == new)
        assert console.task(new).status == Status.QUEUED
        assert console.task(new).resubmit_of == NOT_KNOWN
        assert has_waiting_intent(console.store, new)


async def test_a_note_is_written_changed_and_kept_when_left(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("e", *"call ", "m", "e", "enter")
        await console.sees(" saved.", "Note       call me")
        await console.press("e", "backspace", "backspace", *"us", "enter")
        await console.until(lambda: console.task(READY).note == "call us")
        await console.press("e", "x", "escape")
        await console.until(lambda: not console.main.prompt.is_open)
        assert console.task(READY).note == "call us"


async def test_the_end_of_a_long_text_and_the_cursor_behind_it_are_in_sight(profile: Profile) -> None:
    async with opened(profile, [PastTask("a@example.com", note="She called again. " * 12 + "the end")]) as console:

        def is_cursor_in_last_cell() -> bool:
            line = console.line("prompt")
            return line.endswith("the end") and len(line) == console.app.size.width - 1

        await console.press("e")
        await console.until(is_cursor_in_last_cell)
        await console.pilot.resize_terminal(*USUAL)
        await console.until(is_cursor_in_last_cell)


async def test_asking_now_makes_the_task_due(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        before = console.task(HELD).next_poll_at
        await console.press("u")
        await console.sees("A refresh of", "was asked for.")
        after = console.task(HELD).next_poll_at
        assert before is not None
        assert after is not None
        assert after <= before


async def test_a_refresh_that_cannot_be_made_now_says_why(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        next_try = datetime(2026, 11, 20, 9, 40, tzinfo=UTC)
        engine_state.record_health(console.store, ServiceHealthState.UNREACHABLE, "out of reach", next_try)
        await console.sees("service unreachable, next try")
        await console.press("u")
        await console.sees("was asked for. Waits: service unreachable, next try")
        with console.store.write() as transaction:
            transaction.run("UPDATE tasks SET next_poll_at = ? WHERE number = ?", ("2026-11-21T00:00:00Z", HELD))
            update_task(transaction, HELD)
        await console.until(lambda: "Waits:" not in console.text)
        assert "was asked for." in console.text
        told = [message.sentence for message in console.main.session.messages.messages]
        assert sum("was asked for." in sentence for sentence in told) == 1


async def test_a_day_that_does_not_exist_is_called_so(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("A")
        await console.until(lambda: console.main.prompt.is_open)
        console.main.prompt.set_text("2026-02-31")
        await console.press("enter")
        await console.sees("Not a calendar date.")
        await console.press("backspace", "0")
        await console.until(lambda: "Not a calendar date." not in console.text)
        assert console.main.prompt.is_open


@pytest.mark.parametrize("key", ["n", "e", "slash"])
async def test_a_click_on_the_rows_takes_no_key_from_what_asks(profile: Profile, key: str) -> None:
    async with opened(profile) as console:
        await console.press(key)
        await console.until(lambda: isinstance(console.app.focused, Input))
        field = console.app.focused
        await console.pilot.click("#table", offset=(10, 4))
        assert console.app.focused is field


async def test_ctrl_c_closes_the_form_and_keeps_what_it_holds(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("n", *"jane", "ctrl+c")
        await console.until(lambda: not console.main.form.display)
        assert console.field("email").value == "jane"


async def test_the_address_that_is_to_be_typed_is_shown_though_masked(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(ORDERS_OPEN)
        assert console.main.session.masked
        await console.press("R")
        await console.sees(console.task(ORDERS_OPEN).email)


async def test_a_filter_is_typed_on_behind_that_of_the_view(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("5", "slash", *"kind:deletion", "enter")
        await console.until(lambda: console.main.list_state.filter == "is:failed kind:deletion")


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 15)])
async def test_no_key_is_parted_from_what_it_means(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(profile, size=size) as console:
        await console.press("C")
        await console.until(lambda: console.main.prompt.is_open)
        await console.pilot.pause()
        lines = console.line("prompt")
        for letter, column in COLUMN_KEYS.items():
            assert f"{letter} +{column}" in lines or f"{letter} -{column}" in lines, lines


@pytest.mark.parametrize("size", [USUAL, (120, 40), (200, 50)])
async def test_a_question_is_shown_whole_after_another_of_fewer_lines(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(profile, size=size) as console:
        prompt, width = console.main.prompt, size[0]

        async def ask_shorter() -> None:
            await prompt.ask_text("first " * (width // 5) + "first-end:")

        async def ask_longer() -> None:
            await prompt.ask_text("second " * (width // 3) + "second-end:")
            await prompt.ask_yes_no("third " * (width // 5) + "third-end")

        console.main.run_in_background(ask_shorter)
        await console.sees("first-end:")
        await console.press("escape")
        await console.until(lambda: not prompt.is_open)
        await console.pilot.pause()
        console.main.run_in_background(ask_longer)
        await console.sees("second-end:")
        await console.press("escape")
        await console.sees("third-end [Y/n]", "y yes", "n no")
        await console.press("n")
        await console.until(lambda: not prompt.is_open)


async def test_a_long_question_fits_the_terminal_that_is_resized_under_it(profile: Profile) -> None:
    async with opened(profile, size=(120, 40)) as console:
        await console.press("C")
        await console.until(lambda: console.main.prompt.is_open)
        for size in ((60, 15), (120, 40), (80, 24)):
            await console.pilot.resize_terminal(*size)
            await console.pilot.pause()
            lines = console.line("prompt")
            for letter, column in COLUMN_KEYS.items():
                assert f"{letter} +{column}" in lines or f"{letter} -{column}" in lines, (size, lines)
