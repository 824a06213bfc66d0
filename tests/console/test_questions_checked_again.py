"""Questions about tasks that change while they are open: none stays that is no longer so."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from textual.widgets import Input

from bwp_tui.console.controllers import external_programs
from bwp_tui.domain.statuses import DownloadState, Status
from bwp_tui.domain.task import Kind, ServiceEvent, Task
from bwp_tui.settings import Profile
from bwp_tui.store.commands import legal_records, requests
from bwp_tui.store.commands.answers import withdraw
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.timeline import LegalRecord
from bwp_tui.store.worklog import downloads, intent_outcomes, service_events
from tests.console.downloads_screen import at_downloads, download_of
from tests.console.past_downloads import order_of
from tests.console.past_tasks import HELD, NOT_KNOWN, ORDERS_OPEN, READY, TODAY
from tests.console.support import Console, opened
from tests.store import single
from tests.store.support import SOON, answer, request, sent

NOTHING = "Nothing was done."


async def _queued(console: Console) -> Task:
    """A deletion that is recorded and not sent, under the cursor."""
    task = requests.submit(console.store, request(Kind.DELETION, "mia@example.com", holding_period=10), "op")
    await console.until(lambda: task.number in console.main.table.numbers)
    await console.go_to(task.number)
    return task


def _accept(store: Store, task: Task) -> None:
    intent_outcomes.record_accepted(store, sent(store, task.number).id, "cafe0001-task", SOON)


@pytest.mark.parametrize("answered", ["y", "yes", "n", "j", "enter", "escape"])
async def test_a_question_to_withdraw_a_request_is_taken_back_once_the_service_has_it(
    profile: Profile, answered: str
) -> None:
    async with opened(profile) as console:
        task = await _queued(console)
        await console.press("x")
        await console.sees("Cancel the unsent deletion ", " of m•••@example.com?")
        _accept(console.store, task)
        await console.sees("cafe0001 was changed meanwhile", NOTHING)
        assert "Cancel" not in console.line("prompt")
        await console.press(*([*answered, "enter"] if answered == "yes" else [answered]))
        await console.until(lambda: not console.main.prompt.is_open)
        assert (console.task(task.number).cancel_asked, console.task(task.number).note) == (False, task.note)
        await console.press("x")
        await console.sees("Cancel the deletion ", " of m•••@example.com?")


@pytest.mark.parametrize(("typed", "shown"), [("", ""), ("half a reason", "half a reason")])
async def test_a_text_question_taken_back_shows_only_what_was_typed_into_it(
    profile: Profile, typed: str, shown: str
) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.do("answer")
        await console.press(*typed)
        field = console.main.prompt.query_one(Input)
        await console.until(lambda: console.main.prompt.is_open and field.display)
        single.answer(console.store, READY, "by post", TODAY, "another")
        await console.sees(NOTHING)
        assert (field.value if field.display else "") == shown
        await console.press("enter")
        await console.until(lambda: not console.main.prompt.is_open)
        assert console.task(READY).answered_how == "by post"


async def test_a_text_that_is_being_edited_while_its_question_is_taken_back_is_shown(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = asyncio.Event()

    async def edit_text(*_args: object) -> str:
        await saved.wait()
        return "a long reason"

    monkeypatch.setattr(external_programs, "edit_text", edit_text)
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.do("note")
        await console.until(lambda: console.main.prompt.is_open)
        await console.press("f4")
        single.set_note(console.store, READY, "asked kim", "kim")
        await console.sees(NOTHING)
        saved.set()
        await console.sees("a long reason")
        await console.press("enter")
        await console.until(lambda: not console.main.prompt.is_open)
        assert console.task(READY).note == "asked kim"


async def test_a_yes_that_comes_before_the_screen_knows_of_the_change_is_refused_where_it_acts(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(profile) as console:
        task = await _queued(console)
        await console.press("x")
        await console.sees("Cancel the unsent deletion ")
        monkeypatch.setattr(console.main.prompt, "update_live_question", lambda _changed: None)
        _accept(console.store, task)
        await console.press("y")
        await console.sees("cafe0001 was changed meanwhile")
        assert not console.task(task.number).cancel_asked


@pytest.mark.parametrize("status", ["COMPLETED", "IN_PROGRESS"])
async def test_a_question_to_cancel_is_taken_back_once_that_is_too_late(profile: Profile, status: str) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("x")
        await console.sees("Cancel the deletion ")
        single.answered(console.store, HELD, answer(status), None)
        await console.sees(f"is {status}.", NOTHING)
        await console.press("y")
        await console.until(lambda: not console.main.prompt.is_open)
        assert not console.task(HELD).cancel_asked


async def test_a_question_is_taken_back_while_live_updates_are_paused(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("p", "x")
        await console.sees("Cancel the deletion ")
        single.answered(console.store, HELD, answer("COMPLETED"), None)
        await console.sees("is COMPLETED.", NOTHING)


async def test_a_question_on_a_task_s_page_is_taken_back_there(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("enter")
        await console.sees("overview")
        await console.press("x")
        await console.sees("Cancel the deletion ")
        single.answered(console.store, HELD, answer("COMPLETED"), None)
        await console.sees("is COMPLETED.", NOTHING)


async def test_an_email_typed_on_after_a_resubmission_became_needless_does_nothing(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        single.answered(console.store, HELD, answer("FAILED"), None)
        await console.until(lambda: console.main.table.current and console.main.table.current.status == Status.FAILED)
        await console.press("R", *"bob@exa")
        await console.sees("Type the email to resubmit the deletion ", "bob@example.com:")
        new = requests.resubmit(console.store, HELD, "kim").number
        await console.sees(f"was resubmitted already, as #{new}.", NOTHING)
        revision = console.store.revision()
        await console.press(*"mple.com", "enter")
        await console.until(lambda: not console.main.prompt.is_open)
        assert console.store.revision() == revision


async def test_a_note_does_not_replace_one_that_another_person_wrote_meanwhile(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("e", *" calls")
        await console.until(lambda: console.main.prompt.is_open)
        single.set_note(console.store, HELD, "asked kim", "kim")
        await console.sees("was changed meanwhile", NOTHING, "VIP calls")
        await console.press("enter")
        await console.until(lambda: not console.main.prompt.is_open)
        assert console.task(HELD).note == "asked kim"


async def test_a_question_is_taken_back_where_what_the_next_one_would_show_has_changed(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("O")
        await console.sees("Day of receipt of")
        single.edit(console.store, HELD, partial(legal_records.correct, regulation="us-tx"), "kim")
        await console.sees("was changed meanwhile", NOTHING)
        revision = console.store.revision()
        await console.press("enter")
        await console.until(lambda: not console.main.prompt.is_open)
        assert console.store.revision() == revision


async def test_a_question_that_still_holds_gets_the_new_name_of_its_task(profile: Profile) -> None:
    async with opened(profile) as console:
        task = await _queued(console)
        await console.press("e", *"a call")
        await console.sees(f"Note on #{task.number}:")
        _accept(console.store, task)
        await console.sees("Note on cafe0001:")
        await console.press("enter")
        await console.until(lambda: console.task(task.number).note == "a call")


async def test_a_record_to_be_withdrawn_that_another_person_has_withdrawn_is_not_asked_about(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("A", "enter")
        await console.sees("receipt confirmed on")
        await console.press("w")
        await console.sees("Withdraw the acknowledgement of")
        single.edit(console.store, HELD, lambda edit: withdraw(edit, LegalRecord.ACKNOWLEDGEMENT), "kim")
        await console.sees("No acknowledgement of", NOTHING)


async def test_a_plan_is_made_again_when_one_of_its_tasks_changes(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(NOT_KNOWN)
        single.answered(console.store, READY, answer("FAILED"), None)
        await console.until(lambda: console.task(READY).status == Status.FAILED)
        numbers = frozenset({NOT_KNOWN, READY, HELD})
        await console.until(lambda: numbers <= set(console.main.table.numbers))
        console.main.mark(numbers)
        await console.press("R")
        await console.sees("2 to resubmit: 2 retrievals FAILED, 1 skipped")
        single.answered(console.store, HELD, answer("FAILED"), None)
        await console.sees("3 to resubmit: 2 retrievals FAILED, 1 deletion FAILED. Note for")
        await console.press("enter")
        await console.sees("Type production to go on:")
        new = requests.resubmit(console.store, READY, "kim").number
        await console.sees("2 to resubmit:", "1 skipped: resubmitted already")
        requests.resubmit(console.store, HELD, "kim")
        await console.sees("1 to resubmit:", "It is eve@example.com. Type the email to go")
        await console.press(*"production", "enter")
        await console.sees("Nothing was done: the email was not typed.")
        assert console.task(READY).resubmitted_as == new
        assert console.task(NOT_KNOWN).resubmitted_as is None


async def test_a_plan_for_one_task_is_taken_back_where_nothing_is_left_of_it(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("space", "x")
        await console.sees("Plan: 1 to cancel. Go on?")
        single.answered(console.store, HELD, answer("COMPLETED"), None)
        await console.sees("Of 1 marked: 0 to cancel, 1 skipped: deletion COMPLETED.", NOTHING)
        await console.press("y")
        await console.until(lambda: not console.main.prompt.is_open)
        assert not console.task(HELD).cancel_asked


async def test_a_question_to_cancel_a_download_goes_with_the_download(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        order = order_of(console.store, download_of(console, "next").id)
        downloads.record_start(console.store, order)
        downloads.record_progress(console.store, order, 300_000, 1_000_000, 50_000.0, '"tag"')
        await console.press("x")
        await console.sees("and remove the 300 kB fetched so far?")
        downloads.record_progress(console.store, order, 700_000, 1_000_000, 50_000.0, '"tag"')
        await console.sees("and remove the 700 kB fetched so far?")
        downloads.record_success(console.store, order, "/srv/a.zip", 1_000_000, "00")
        await console.sees("ended meanwhile.", NOTHING)
        await console.press("y")
        assert download_of(console, "next").state == DownloadState.DONE


async def test_judging_again_ends_with_the_question(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("x", "n")
        await console.until(lambda: not console.main.prompt.is_open)
        single.answered(console.store, HELD, answer("COMPLETED"), None)
        await console.until(lambda: "COMPLETED" in console.line("detail"))
        assert not console.main.prompt.is_open
        assert NOTHING not in console.text


async def test_a_note_that_is_typed_while_its_row_is_merged_lands_on_the_kept_row(profile: Profile) -> None:
    async with opened(profile) as console:
        task = requests.submit(console.store, request(email="mia@example.com"), "op")
        intent = sent(console.store, task.number)
        happened = ServiceEvent("event-9", Kind.RETRIEVAL, Status.COMPLETED, "cafe0009-task", None)
        service_events.record_events(console.store, [happened])
        adopted = tasks.find_by_name(console.store, "cafe0009").number
        await console.until(lambda: adopted in console.main.table.numbers)
        await console.go_to(adopted)
        await console.press("e")
        await console.sees("Note on cafe0009:")
        await console.press(*"seen")
        intent_outcomes.record_accepted(console.store, intent.id, "cafe0009-task", SOON)
        await console.until(lambda: adopted not in console.main.table.numbers)
        await console.press("enter")
        await console.sees(f"Note of cafe0009 saved. #{adopted} is #{task.number} now.")
        assert console.task(task.number).note == "seen"


async def test_a_question_that_is_open_at_midnight_records_no_day_that_it_called_today(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bwp_tui.console.controllers.prompts._DAY_CHECK_S", 0.1)
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.press("A")
        await console.sees("today is")
        session = console.main.session
        later = session.clock() + timedelta(days=1)
        session.clock = lambda: later
        await console.sees(f"today is {session.today()}")
        await console.press("enter")
        await console.sees(f"Today is {session.today()} now")
        assert console.task(READY).acknowledged_on is None
        await console.press("enter")
        await console.until(lambda: console.task(READY).acknowledged_on == TODAY)


def _let_a_day_pass(console: Console) -> None:
    session = console.main.session
    later = session.clock() + timedelta(days=1)
    session.clock = lambda: later


@pytest.mark.parametrize("marks", [False, True])
async def test_no_submission_that_was_asked_about_yesterday_is_made(profile: Profile, marks: bool) -> None:
    async with opened(profile) as console:
        await console.go_to(ORDERS_OPEN)
        await console.press(*(["space", "R", "enter"] if marks else ["R"]))
        await console.sees("Type the email")
        _let_a_day_pass(console)
        await console.press(*console.task(ORDERS_OPEN).email, "enter")
        await console.sees(f"Today is {console.main.session.today()} now. {NOTHING}")
        assert console.task(ORDERS_OPEN).resubmitted_as is None


async def test_an_extension_that_was_asked_about_yesterday_is_of_today(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.press("E")
        await console.until(lambda: console.main.prompt.is_open)
        _let_a_day_pass(console)
        await console.press(*"complex", "enter")
        await console.until(lambda: console.task(READY).extended_on == TODAY + timedelta(days=1))
