"""The history at a glance, in words that need no colour; and the views and orders that lead there."""

from __future__ import annotations

import pytest

from bwp_tui.console.widgets.styled_line import Paragraphs
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, TaskError
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from tests.console.past import PAST, PastTask
from tests.console.support import WIDE, opened

LONG = " ".join(f"word{number}" for number in range(400))


async def test_the_dashboard_counts_what_there_is_and_what_comes_due(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("D")
        await console.sees("dashboard", "overdue", "ORDERS_NOT_CLOSED", "median", "downloads")
        await console.press("D")
        await console.until(lambda: console.app.screen is console.main)


@pytest.mark.parametrize("width", [60, 80, 100, 109, 110, 118, 119, 120])
async def test_no_line_of_the_dashboard_is_broken(profile: Profile, width: int) -> None:
    async with opened(profile, size=(width, 60)) as console:
        await console.press("D")
        await console.sees("median")
        for paragraphs in console.app.screen.query(Paragraphs):
            assert paragraphs.size.height == paragraphs.render().plain.count("\n") + 1


async def test_each_built_in_view_has_its_key_and_an_empty_place_says_so(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("6")
        await console.until(lambda: console.main.view_index == 5)
        await console.press("7")
        await console.until(lambda: console.main.view_index == 6)
        await console.until(lambda: console.main.table.row_count == 3)
        await console.press("9")
        await console.sees("9: No view is saved here yet")
        await console.press("1")
        await console.until(lambda: console.main.table.row_count == len(PAST))


async def test_the_rows_are_sorted_by_a_letter_and_the_cursor_stays_on_its_task(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(4)
        await console.press("s")
        await console.until(lambda: console.main.prompt.is_open)
        await console.press("o")
        await console.until(lambda: list(console.main.table.numbers) == list(range(1, len(PAST) + 1)))
        assert console.main.table.current_number == 4


async def test_the_pane_of_details_is_scrolled_by_keys_of_its_own(profile: Profile) -> None:
    past = [
        PastTask("b@example.com", Kind.DELETION),
        PastTask("a@example.com", status=Status.FAILED, errors=(TaskError("SO_NEW", LONG),)),
    ]
    async with opened(profile, past, size=WIDE) as console:
        await console.sees("SO_NEW  word0")
        await console.press("J")
        await console.until(lambda: "SO_NEW  word0" not in console.text)
        await console.press("K")
        await console.sees("SO_NEW  word0")
        await console.press("J", "j")
        await console.until(lambda: "SO_NEW  word" not in console.text and "word48" not in console.text)
        await console.press("k")
        await console.sees("SO_NEW  word0")


async def test_the_dashboard_tells_how_many_of_the_failed_were_submitted_again(profile: Profile) -> None:
    async with opened(profile) as console:
        failed = next(number for number in range(1, 11) if console.task(number).status == Status.FAILED)
        requests.resubmit(console.store, failed, "op")
        await console.press("D")
        await console.sees("1 of them resubmitted")
