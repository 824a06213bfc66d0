"""The detail pane: what is wrong in full, what to do about it, and all that happened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Request, TaskError
from bwp_tui.domain.times import format_instant
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.maintenance import purge
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads, intent_outcomes, poll_responses
from bwp_tui.store.worklog.poll_responses import PollResponse
from tests.console.past_tasks import HELD, NOT_KNOWN, NOW, ORDERS_OPEN, READY, WAITING, PastTask
from tests.console.support import USUAL, opened
from tests.store import single

REQUEST = Request(Kind.RETRIEVAL, "b@example.com", NOW.date(), "gdpr")
LONG = " ".join(f"word{number}" for number in range(120))


def answer(status: str, *errors: TaskError) -> PollResponse:
    return PollResponse(
        status=status, submitted_at=None, updated_at=NOW, email=None, holding_period=None, errors=tuple(errors)
    )


async def test_each_known_code_comes_with_its_message_in_full_and_advice(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(NOT_KNOWN)
        await console.sees(
            "DATA_SUBJECT_NOT_FOUND  The shopper email for request 3556a10a does not exist",
            "→ Check the email with the shopper. If it is wrong, submit a new request (n)",
        )
        await console.go_to(ORDERS_OPEN)
        await console.sees("ORDERS_NOT_CLOSED  The shopper has orders", "when every order is delivered, returned")
        await console.sees("Reason     left the shop", "Note       wrote twice", "Hold       10 days")


async def test_a_new_code_and_a_new_status_are_shown_as_they_came(profile: Profile) -> None:
    past = [PastTask("new@example.com", status=Status.FAILED, errors=(TaskError("SO_NEW", LONG),))]
    async with opened(profile, past) as console:
        await console.sees("SO_NEW  word0 word1", "word119", "→ Read the message;")
        single.answered(console.store, 1, answer("PAUSED_BY_SERVICE"), NOW)
        await console.sees("? PAUSED_BY_SERV", "── PAUSED_BY_SERVICE · retrieval")


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (Status.REJECTED, "Else resubmit it (R)"),
        (Status.UNCONFIRMED, "may have been started"),
        (Status.MISSING, "The service does not know this task id."),
    ],
)
async def test_what_never_ran_is_explained(profile: Profile, status: Status, advice: str) -> None:
    async with opened(profile, past=[PastTask("a@example.com")]) as console:
        if status is Status.REJECTED:
            intent_outcomes.record_rejected(
                console.store, _sent(console.store), "UnspecifiedError", "must match a pattern"
            )
        elif status is Status.UNCONFIRMED:
            intent_outcomes.record_unconfirmed(console.store, _sent(console.store))
        else:
            requests.track(console.store, Kind.RETRIEVAL, "task-elsewhere", REQUEST, "op")
            _make_almost_missing(console.store, 2)
            poll_responses.record_unknown(console.store, 2, "not known there", NOW)
        await console.until(lambda: console.main.table.row_count == 2)
        console.main.table.go_to(0)
        await console.sees(advice, f"── {status} ·")


def _make_almost_missing(store: Store, number: int) -> None:
    """Record all answers but the last of those that make a task MISSING."""
    store.rows(
        "UPDATE tasks SET unknown_since = ?, unknown_answers = ? WHERE number = ?",
        (format_instant(NOW - poll_responses.MISSING_AFTER), poll_responses.MISSING_AFTER_RESPONSES - 1, number),
    )


def _sent(store: Store) -> int:
    """Record a request whose intent has been sent; return the intent."""
    number = requests.submit(store, REQUEST, "op").number
    intent = int(str(store.rows("SELECT id FROM intents WHERE task = ?", (number,))[0][0]))
    assert intent_outcomes.record_sending(store, intent)
    return intent


async def test_a_held_deletion_says_until_when_and_when_it_will_be_done(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.sees("until 2026-11-27 09:30:00", "Completes  by 2026-12-27", "Tags       vip, phone")


async def test_the_timeline_tells_what_happened_newest_first_and_by_whom(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        requests.cancel(console.store, HELD, "op (from 10.0.0.7)")
        await console.sees("Cancelling requested; not confirmed by the service")
        await console.until(lambda: "cancellation requested" in console.line("detail-timeline").partition("\n")[0])
        lines = console.line("detail-timeline").splitlines()
        assert lines[0].startswith("09:30:00     cancellation requested  by op (from 10.0.0.7)")
        assert lines[1].startswith("11-17 09:30  accepted  QUEUED → ON_HOLD")
        assert lines[2].startswith("11-17 09:30  note  VIP  by op")
        await console.press("enter", "3")
        await console.sees("2026-11-17 09:30:00  recorded  QUEUED  by op")


async def test_the_details_follow_the_cursor_and_the_history(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.sees(f"#{READY} ──")
        await console.press("j")
        await console.sees(f"#{WAITING} ──", "California", "Law        Civ. Code §1798.130(a)(2); 11 CCR §7021")
        single.answered(console.store, WAITING, answer("COMPLETED"), None)
        await console.sees("── COMPLETED · retrieval", "ready; d starts it")


async def test_in_a_usual_terminal_enter_opens_the_details_and_escape_gives_the_table_back(profile: Profile) -> None:
    past = [PastTask("new@example.com", status=Status.FAILED, errors=(TaskError("SO_NEW", LONG * 3),))]
    async with opened(profile, past, size=USUAL) as console:
        assert "SO_NEW  word0" not in console.text
        await console.press("enter")
        await console.sees("SO_NEW  word0")
        assert "EMAIL" not in console.text
        await console.press("j", "G")
        await console.until(lambda: "SO_NEW" not in console.text)
        await console.press("k", "g")
        await console.sees("SO_NEW  word0")
        await console.press("escape")
        await console.sees("EMAIL")
        assert tasks.get(console.store, 1).status == Status.FAILED


async def test_of_a_purged_task_nothing_is_said_to_be_saved_or_still_to_do(profile: Profile) -> None:
    async with opened(profile) as console:
        requests.download(console.store, READY, "/results", "op")
        (order,) = (order for order in downloads.ready(console.store, NOW, 100) if order.task_number == READY)
        downloads.record_success(console.store, order, "/results/a.zip", 5, "0" * 64)
        await console.go_to(READY)
        await console.sees("/results/a.zip")
        purge.purge(console.store, [READY, NOT_KNOWN], "op", NOW.date(), evidence_too=False, unanswered_too=True)
        await console.sees("purged; where the file was saved is no longer known")
        assert "saved" not in console.line("table")
        await console.go_to(NOT_KNOWN)
        await console.sees("DATA_SUBJECT_NOT_FOUND")
        assert "Check the email" not in console.line("detail")


@pytest.mark.parametrize("keys", [(), ("enter",), ("L",)], ids=["details", "page", "letter"])
async def test_what_a_console_shows_of_a_task_follows_the_day(profile: Profile, keys: tuple[str, ...]) -> None:
    async with opened(profile) as console:
        await console.go_to(NOT_KNOWN)
        await console.press(*keys)
        before, after = ("in 31d", "in 30d") if "L" not in keys else ("November 20, 2026", "November 21, 2026")
        await console.sees(before)
        session = console.main.session
        later = session.clock() + timedelta(days=1)
        session.clock = session.feed._clock = lambda: later
        await console.sees(after)
