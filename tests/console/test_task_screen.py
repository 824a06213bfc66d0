"""One task on the whole screen: its pages, its neighbours, what may be seen there, and acting from it."""

from __future__ import annotations

from functools import partial

import pytest

from bwp_tui.console.bindings.screen_actions import PAGE_NAMES
from bwp_tui.console.screens.front_screens import TASK_GONE
from bwp_tui.console.screens.intent_log import IntentLogScreen
from bwp_tui.console.screens.letter import LetterScreen
from bwp_tui.console.screens.task import TaskScreen
from bwp_tui.domain.advice import KNOWN_CODES
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Request, Task, TaskError
from bwp_tui.settings import Profile
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.database.connection import Store, as_text
from bwp_tui.store.maintenance import purge
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads, intent_outcomes, intents
from bwp_tui.store.worklog.poll_responses import PollResponse
from tests.console.past_tasks import CANCELLED, HELD, NOT_KNOWN, NOW, PAST, READY, TODAY, WAITING, PastTask
from tests.console.support import USUAL, Console, opened
from tests.store import single
from tests.store.support import SOON, answer, request

EMAIL = "bob@example.com"
"""The address of the task on hold, so that a new request has an earlier one."""


def send_deletion(store: Store) -> Task:
    """A deletion for the address of `HELD`, recorded and accepted."""
    request = Request(Kind.DELETION, EMAIL, TODAY, "gdpr", 10, f"{EMAIL} left", note=f"{EMAIL} called")
    number = requests.submit(store, request, "op").number
    accept(store, number)
    return tasks.get(store, number)


def accept(store: Store, number: int) -> None:
    intent = next(intent for intent in intents.ready(store, NOW, 99) if intent.task_number == number)
    assert intent_outcomes.record_sending(store, intent.id)
    intent_outcomes.record_accepted(store, intent.id, "3556a10a-accepted", NOW)


def token_of(store: Store, number: int) -> str:
    ((token,),) = store.rows("SELECT client_token FROM intents WHERE task = ?", (number,))
    return as_text(token)


@pytest.mark.parametrize(("width", "is_beside"), [(109, False), (110, True), (200, True)])
async def test_the_overview_has_the_timeline_beside_the_facts_of_a_wide_terminal(
    profile: Profile, width: int, is_beside: bool
) -> None:
    async with opened(profile, size=(width, 30)) as console:
        await read(console, HELD)
        await console.sees("Email      b•••@example.com", "Answered   not yet")
        lines = [line for line in console.line("task-scroll").splitlines() if "Email" in line]
        assert ("recorded" in console.line("task-scroll")) is is_beside
        assert ("11-17 09:30" in lines[0]) is is_beside


async def read(console: Console, number: int) -> None:
    """Open a task's screen."""
    await console.until(lambda: number in set(console.main.table.numbers))
    await console.go_to(number)
    await console.press("enter")
    await console.until(lambda: isinstance(console.app.screen, TaskScreen))
    await console.sees("1 overview", f"#{number} ──")


async def test_the_pages_are_turned_by_tab_and_by_number(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, NOT_KNOWN)
        await console.sees("Received   2026-11-20")
        seen = []
        for _ in PAGE_NAMES:
            await console.press("tab")
            seen.append(console.line("task-text").split("\n")[0])
        assert len(set(seen)) == len(PAGE_NAMES)
        await console.press("shift+tab")
        assert console.line("task-text").split("\n")[0] == seen[-2]
        await console.press("2")
        await console.sees("The shopper email for request 3556a10a does not exist")
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)
        assert console.main.table.current_number == NOT_KNOWN


async def test_the_help_names_the_pages_as_their_tabs_do(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, NOT_KNOWN)
        tabs = console.line("task-tabs").split()
        await console.press("question_mark")
        await console.sees(*(f"Page: {name}" for name in PAGE_NAMES))
        assert set(PAGE_NAMES) <= set(tabs)


async def test_what_to_do_is_said_for_every_known_code(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, NOT_KNOWN)
        await console.press("2")
        await console.sees(*KNOWN_CODES, "→ Check the email with the shopper", "→ The shopper still has open orders.")


async def test_a_key_that_only_the_list_has_is_named_behind_the_one_that_goes_back(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, NOT_KNOWN)
        await console.sees("submit a new request (esc, then n)", "decline this one (B)")
        await console.press("escape", "n")
        await console.until(lambda: console.main.form.display)


async def test_what_was_sent_and_answered_is_shown_without_address_or_token(profile: Profile) -> None:
    async with opened(profile) as console:
        task = send_deletion(console.store)
        await read(console, task.number)
        await console.press("4")
        token = token_of(console.store, task.number)
        await console.sees(
            "startPersonalDataDeletionTask   done",
            "accepted: 3556a10a-accepted",
            f"{token[:8]}…",
            '"email": "b•••@example.com"',
            '"holdingPeriod": 10',
            "personalDataDeletionTask, for the status",
        )
        for page in "12345":
            await console.press(page)
            assert token not in console.text
            assert EMAIL not in console.text
        await console.press("m")
        await console.sees(EMAIL)
        assert not console.main.session.masked


async def test_no_page_says_of_what_happened_here_that_the_service_responded_so_or_that_a_call_failed(
    profile: Profile,
) -> None:
    async with opened(profile) as console:
        task = send_deletion(console.store)
        of_other = PollResponse("ON_HOLD", NOW, NOW, "other@example.com", None, ())
        single.answered(console.store, task.number, of_other, NOW)
        await read(console, task.number)
        await console.press("2")
        await console.sees("The service says that this task is for o•••@example.com")
        assert "failed" not in console.line("task-text").split("Error codes", maxsplit=1)[0]
        await console.press("escape")
        await read(console, CANCELLED)
        await console.press("4")
        await console.sees("Status     CANCELLED")
        assert "Response" not in console.text
        assert "last changed" not in console.text, "that is when the service put it on hold"


async def test_a_download_is_listed_with_its_attempts_and_no_link(profile: Profile) -> None:
    async with opened(profile) as console:
        requests.download(console.store, READY, "/srv/privacy", "op")
        order = downloads.ready(console.store, NOW, 9)[0]
        downloads.record_start(console.store, order)
        await read(console, READY)
        await console.press("4")
        await console.sees("personalDataRetrievalTask, for a link   running")
        assert "http" not in console.text
        downloads.record_failure(console.store, order, "The archive is not available.")
        await console.sees("for a link   failed", "no partial file")
        assert "R retries" not in console.text, "here R resubmits"


async def test_each_download_is_looked_for_on_disk_and_a_paused_one_is_not_called_queued(profile: Profile) -> None:
    async with opened(profile) as console:
        requests.download(console.store, READY, "/srv/privacy", "op")
        order = downloads.ready(console.store, NOW, 9)[0]
        downloads.record_success(console.store, order, "/absent/earlier.zip", 9, "abc123")
        download_queue.pause(console.store, [requests.download(console.store, READY, "/srv/privacy", "op")], "op")
        await read(console, READY)
        await console.press("4")
        await console.sees("for a link   paused", "earlier.zip is gone or changed")


async def test_a_key_of_the_list_alone_says_where_it_works(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, READY)
        await console.press("H")
        await console.sees("H: ", "esc goes back")
        assert isinstance(console.app.screen, TaskScreen)


async def test_a_row_of_the_log_of_requests_goes_with_its_task_when_a_purge_removes_it(profile: Profile) -> None:
    async with opened(profile) as console:
        number = send_deletion(console.store).number
        single.answered(console.store, number, answer("COMPLETED"), NOW)
        await console.press("H")
        await console.sees(f"#{number}")
        purge.purge(console.store, [number], "op", TODAY, evidence_too=True, unanswered_too=True)
        await console.until(lambda: f"#{number}" not in console.text)
        assert isinstance(console.app.screen, IntentLogScreen)


async def test_the_earlier_request_for_the_same_is_flagged_and_a_key_away(profile: Profile) -> None:
    async with opened(profile) as console:
        task = send_deletion(console.store)
        await read(console, task.number)
        await console.sees(f"Earlier    #{HELD} (ON_HOLD) has the same email and kind  b")
        await console.press("b")
        await console.sees(f"#{HELD} ──", "Tags       vip, phone")
        await console.press("b")
        await console.sees("b: No previous request of the email and kind of")
        await console.press("escape")
        assert console.main.table.current_number == HELD
        await console.go_to(task.number)
        await console.press("b")
        await console.until(lambda: console.main.table.current_number == HELD)


async def test_the_earlier_request_is_found_outside_the_view(profile: Profile) -> None:
    async with opened(profile) as console:
        task = send_deletion(console.store)
        await console.press("slash", *"note:called", "enter")
        await console.until(lambda: console.main.table.row_count == 1)
        await console.go_to(task.number)
        await console.press("b")
        await console.until(lambda: console.main.table.current_number == HELD)
        assert console.main.view_index == 0


async def test_neighbours_are_read_on_the_same_page_and_the_cursor_goes_along(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, READY)
        await console.press("3", "left_square_bracket")
        await console.sees("No task of the view comes before.")
        await console.press("right_square_bracket")
        await console.sees(f"#{WAITING} ──", "recorded  QUEUED  by op")
        await console.press("escape")
        assert console.main.table.current_number == WAITING


async def test_a_task_that_leaves_the_view_while_it_is_read_has_neighbours_there(profile: Profile) -> None:
    async with opened(profile) as console:

        def is_unlisted(number: int) -> bool:
            return number not in console.main.table.numbers

        await console.press("4")
        await console.until(lambda: console.main.view_index == 3 and console.main.has_all_rows)
        first, second, *_ = numbers = list(console.main.table.numbers)
        await read(console, second)
        for number, key, neighbour in (
            (second, "left_square_bracket", first),
            (first, "right_square_bracket", numbers[2]),
        ):
            await console.sees(f"#{number} ──")
            single.answer(console.store, number, "by mail", TODAY, "op")
            await console.until(partial(is_unlisted, number))
            await console.press(key)
            await console.sees(f"#{neighbour} ──")


async def test_the_page_follows_the_history(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, WAITING)
        single.answered(
            console.store,
            WAITING,
            PollResponse(
                status=Status.FAILED,
                submitted_at=None,
                updated_at=NOW,
                email=None,
                holding_period=None,
                errors=(TaskError("SO_NEW", "never seen"),),
            ),
            None,
        )
        await console.sees("── FAILED · retrieval", "SO_NEW  never seen", "2 errors 1")


async def test_a_key_acts_on_the_task_that_is_read(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, HELD)
        await console.press("R")
        await console.sees("R: Only a task that ended without a result can be resubmitted")
        await console.press("x")
        await console.sees("Cancel the deletion ", " of b•••@example.com?")
        await console.press("y")
        await console.until(lambda: console.task(HELD).cancel_asked)
        await console.sees("1 overview", f"The cancellation of {console.task(HELD).name} is recorded")


@pytest.mark.parametrize("keys", [("escape",), (*"call me", "enter")])
async def test_what_a_key_asks_is_asked_on_the_page_and_leaves_it_where_it_is(
    profile: Profile, keys: tuple[str, ...]
) -> None:
    async with opened(profile) as console:
        await read(console, READY)
        await console.press("3", "e")
        await console.sees(f"Note on {console.task(READY).name}:")
        await console.press("left", *keys)
        await console.until(lambda: not console.main.prompt.is_open)
        page = console.app.screen
        assert isinstance(page, TaskScreen)
        assert page._page == 2
        await console.until(lambda: console.task(READY).note == ("call me" if len(keys) > 1 else ""))
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)


async def test_the_footer_offers_what_can_be_done_to_the_task(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, HELD)
        await console.sees("x cancel", "e note", "? help", "esc back")
        assert "download" not in console.line("footer")
        await console.pilot.resize_terminal(60, 15)
        await console.until(lambda: console.line("footer").endswith("esc back"))
        assert "…" not in console.line("footer")


async def test_a_key_never_acts_on_the_task_that_has_taken_the_place_of_the_one_that_is_read(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("3")
        await console.until(lambda: console.main.table.row_count < len(PAST))
        await read(console, HELD)
        requests.cancel(console.store, HELD, "bob")
        (intent,) = intents.ready(console.store, NOW, 9)
        assert intent_outcomes.record_sending(console.store, intent.id)
        intent_outcomes.record_cancelled(console.store, intent.id)
        await console.until(lambda: console.main.table.current_number != HELD)
        await console.press("e", "!")
        await console.sees(f"Note on {console.task(HELD).name}: VIP!")
        assert console.main.table.current_number == HELD


async def test_a_key_of_a_page_is_judged_by_what_is_so_while_live_updates_are_paused(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("p")
        await console.sees("updates paused")
        await read(console, WAITING)
        single.answered(console.store, WAITING, answer("COMPLETED"), SOON)
        await console.sees("d download")
        await console.press("d")
        await console.until(lambda: console.task(WAITING).download is not None)


async def test_a_page_of_a_task_that_the_paused_list_lacks_opens_and_takes_keys_at_once(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("p")
        await console.sees("updates paused")
        number = requests.submit(console.store, request(email="new@example.com"), "op").number
        await console.press("colon", *f"show {number}", "enter")
        await console.sees("1 overview", f"#{number} ──")
        assert not console.main.has_action_waiting


async def test_the_help_opens_over_the_page_and_gives_it_back(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, HELD)
        await console.press("question_mark")
        await console.sees("Page: timeline", "The next task of the view", "Download the result")
        assert "Submit a new retrieval" not in console.text
        assert "the marked ones" not in console.text
        await console.press("escape")
        await console.sees("1 overview", f"#{HELD} ──")


async def test_a_key_acts_on_the_task_that_is_read_also_after_the_cursor_has_gone_to_another(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, HELD)
        console.main.table.go_to_task(READY)
        await console.press("e", *"seen", "enter")
        await console.until(lambda: console.task(HELD).note.endswith("seen"))


async def test_while_tasks_are_marked_no_key_acts_from_a_single_task(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.until(lambda: "starts it" in console.line("detail"))
        await console.press("space")
        await console.go_to(READY)
        await console.until(lambda: "starts it" not in console.line("detail"))
        await read(console, HELD)
        screen = console.app.screen
        assert isinstance(screen, TaskScreen)
        assert "Answered" in console.line("task-text")
        assert "records the answer" not in console.line("task-text")
        assert not {"cancel", "refresh", "note"}.intersection(label for _, label in screen.keys)
        await console.press("x")
        await console.sees("This would act on the marked tasks (1): go back to the list first.")
        await console.press("L")
        await console.until(lambda: isinstance(console.app.screen, LetterScreen))
        await console.press("escape")
        assert isinstance(console.app.screen, TaskScreen)


async def test_notes_are_listed_with_what_was_taken_back_of_them(profile: Profile) -> None:
    async with opened(profile) as console:
        single.add_note(console.store, HELD, "second call", "bob")
        await read(console, HELD)
        await console.press("5")
        await console.sees("second call", "by bob", "VIP", "by op", "5 notes 2")
        await console.press("e", *"third", "enter")
        await console.sees("5 notes 3")
        await console.press("U")
        await console.sees("note again second call", "5 notes 4")


@pytest.mark.parametrize("keys", [["j"] * 12, ["pagedown", "pagedown"], ["G"]])
async def test_a_page_keeps_its_place_while_another_is_read(profile: Profile, keys: list[str]) -> None:
    past = [PastTask("new@example.com", status=Status.FAILED, errors=(TaskError("SO_NEW", "word " * 700),))]
    async with opened(profile, past, size=USUAL) as console:
        await read(console, 1)
        await console.press("2", *keys)
        await console.until(lambda: "SO_NEW" not in console.text)
        await console.press("1", "2")
        await console.until(lambda: "word" in console.line("task-scroll") and "SO_NEW" not in console.text)
        await console.press("g")
        await console.sees("SO_NEW")


async def test_what_was_sent_is_listed_newest_first_and_leads_to_its_task(profile: Profile) -> None:
    async with opened(profile) as console:
        task = send_deletion(console.store)
        other = requests.submit(console.store, Request(Kind.RETRIEVAL, "zoe@example.com", TODAY, "gdpr"), "op").number
        await console.until(lambda: console.main.table.row_count == len(PAST) + 2)
        await console.press("H")
        await console.sees("── 2 ──", "accepted: 3556a10a-accepted")
        assert isinstance(console.app.screen, IntentLogScreen)
        lines = console.line("intent_log-rows").splitlines()
        assert f"#{other}  submit retrieval" in lines[1]
        assert f"#{task.number}  submit deletion" in lines[2]
        assert "z•••@example.com" in lines[1]
        assert EMAIL not in console.text
        await console.press("j", "enter")
        await console.sees(f"#{task.number} ──", "1 overview")
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)
        assert console.main.table.current_number == task.number


async def test_what_is_sent_while_it_is_listed_waits_no_longer(profile: Profile) -> None:
    async with opened(profile) as console:
        task = requests.submit(console.store, Request(Kind.RETRIEVAL, "zoe@example.com", TODAY, "gdpr"), "op")
        await console.press("H")
        await console.sees("z•••@example.com", "waiting")
        accept(console.store, task.number)
        await console.sees("z•••@example.com", "accepted: 3556a10a-accepted")


async def test_an_empty_list_of_what_was_sent_says_so(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("H")
        await console.sees("No submission is recorded.")
        await console.press("enter")
        await console.until(lambda: "No submission is recorded." in console.line("status"))
        await console.press("j", "G", "escape")
        await console.until(lambda: console.app.screen is console.main)


async def test_a_narrow_list_of_what_was_sent_shows_what_became_of_it(profile: Profile) -> None:
    async with opened(profile, size=(60, 15)) as console:
        send_deletion(console.store)
        await console.press("H")
        await console.sees("STATE     RESPONSE", "done      accepted")


@pytest.mark.parametrize("width", [90, 100, 104])
async def test_what_is_wrong_with_an_answer_is_shown_in_whole(profile: Profile, width: int) -> None:
    async with opened(profile, size=(width, 30)) as console:
        await read(console, READY)
        await console.press("B", *"bogus", "enter")
        await console.until(lambda: console.main.prompt.mistake is not None)
        assert console.main.prompt.mistake is not None
        _, _, sentence = console.main.prompt.mistake
        await console.until(lambda: sentence.split()[-1] in console.line("footer"))


async def test_a_page_of_a_task_that_is_removed_says_so_and_shows_nothing_of_it(profile: Profile) -> None:
    async with opened(profile) as console:
        await read(console, CANCELLED)
        email = console.task(CANCELLED).email
        await console.press("m")
        await console.sees(email)
        purge.purge(console.store, [CANCELLED], "op", TODAY, evidence_too=True, unanswered_too=True)
        await console.until(lambda: TASK_GONE.rstrip(".").lower() in console.text)
        assert email not in console.text
        assert "e note" not in console.line("footer")
