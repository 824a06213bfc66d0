"""The history at a glance, in words that need no colour; and the views and orders that lead there."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import takewhile

from rich.cells import cell_len

from bwp_tui.console.presentation.dashboard import FigureLine, dashboard_columns
from bwp_tui.console.screens.dashboard import DashboardScreen
from bwp_tui.console.widgets.figure_list import FigureList
from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Request, TaskError
from bwp_tui.settings import Profile
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.maintenance import purge
from bwp_tui.store.queries import dashboard, tasks
from tests.console.past_tasks import NOT_KNOWN, ORDERS_OPEN, PAST, TODAY, PastTask
from tests.console.support import WIDE, opened, plant
from tests.store import single

LONG = " ".join(f"word{number}" for number in range(400))


async def test_the_dashboard_counts_what_there_is_and_what_comes_due(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("D")
        await console.sees("dashboard", "overdue", "ORDERS_NOT_CLOSED", "median", "Downloads")
        await console.press("D")
        await console.until(lambda: console.app.screen is console.main)


def lines_of(store: Store, width: int) -> list[list[FigureLine]]:
    """The dashboard's columns for a terminal of a width, of which two cells and a scrollbar are left blank."""
    return dashboard_columns(dashboard.read_statistics(store, TODAY), TODAY, width - 3)


def test_each_line_counts_the_tasks_that_its_filter_lists(profile: Profile) -> None:
    with closing(plant(profile)) as store:
        requests.resubmit(store, NOT_KNOWN, "op")
        single.answer(store, ORDERS_OPEN, "by letter", TODAY, "op")
        for email, is_upheld in (("runs@example.com", None), ("upheld@example.com", True)):
            number = requests.submit(
                store, Request(Kind.RETRIEVAL, email, TODAY, "us-tx", awaits_verification=True), "op"
            ).number
            single.edit(store, number, lambda edit: decisions.decline(edit, "fraud", "told"), "op", TODAY)
            single.edit(store, number, partial(decisions.appeal, received=TODAY, upheld=is_upheld), "op", TODAY)
        lines = [line for column in lines_of(store, 120) for line in column if line.filter]
        shown = {
            line.filter: int(re.findall(r"\d+", "".join(text for text, _ in line.texts).rpartition("  ")[2] or "0")[0])
            for line in lines
        }
        assert len(shown) == len(lines) > 15
        assert shown == {text: tasks.count(store, parse(text), today=TODAY) for text in shown}
        by_due_date = [
            line.filter for line in takewhile(lambda line: line.texts, lines_of(store, 120)[0]) if line.filter
        ]
        *apart, late, appeals = by_due_date
        assert (late, appeals) == ("is:late", "is:appealed")
        assert sum(shown[text] for text in apart) == tasks.count(store, parse("is:open"), today=TODAY)


def test_failures_without_a_code_are_counted_also_where_the_service_gives_no_reason(profile: Profile) -> None:
    reasons = {"none": (), "message": (TaskError(None, "broken"),), "code": (TaskError("ORDERS_NOT_CLOSED", ""),)}
    past = [PastTask(f"{name}@example.com", status=Status.FAILED, errors=errors) for name, errors in reasons.items()]
    with closing(plant(profile, past)) as store:
        failures = dashboard.read_statistics(store, TODAY).failures
        assert failures == ((dashboard.NO_CODE, 2), ("ORDERS_NOT_CLOSED", 1))


def test_no_line_of_the_dashboard_is_broken_at_any_width(profile: Profile) -> None:
    with closing(plant(profile)) as store:
        columns_at = {width: lines_of(store, width) for width in range(60, 251)}
    for width, columns in columns_at.items():
        cells = (width - 3) // len(columns)
        for line in (line for column in columns for line in column):
            text = "".join(text for text, _ in line.texts)
            assert cell_len(text) <= cells - 3, (width, text)
            assert not re.fullmatch(r"\s*\d+", text), (width, text)
    texts = [{line.filter for column in columns for line in column} for columns in columns_at.values()]
    assert all(filters == texts[0] for filters in texts)
    assert [len(columns_at[width]) for width in (60, 116, 117, 173, 174, 250)] == [1, 1, 2, 2, 3, 3]


async def test_enter_lists_the_tasks_that_a_line_counts(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("D")
        await console.sees("overdue")
        await console.press("j", "enter")
        await console.until(lambda: console.app.screen is console.main)
        assert console.main.list_state.filter == "is:open due>=2026-11-20 due<2026-11-27"
        await console.press("D")
        await console.sees("overdue")
        await console.press("G")
        await console.sees("› " + " " * 2 + "ORDERS_NOT_CLOSED")
        await console.press("g", "k", "enter")
        await console.until(lambda: console.main.list_state.filter == "is:open due:over")


async def test_the_dashboard_reads_itself_again_and_keeps_its_cursor(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("D")
        await console.sees("overdue")
        await console.press("j", "j")
        before = console.app.screen.query_one(FigureList).current
        requests.resubmit(console.store, NOT_KNOWN, "op")
        await console.sees("QUEUED")
        assert console.app.screen.query_one(FigureList).current == before
        await console.pilot.resize_terminal(60, 15)
        await console.until(lambda: "ORDERS_NOT_CLOSED" not in console.text)
        await console.press("G")
        await console.sees("ORDERS_NOT_CLOSED", "Downloads")


async def test_the_dashboard_counts_no_task_any_more_that_a_purge_has_removed(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("D")
        await console.sees("ORDERS_NOT_CLOSED")
        purge.purge(console.store, [ORDERS_OPEN], "op", TODAY, evidence_too=True, unanswered_too=True)
        await console.until(lambda: "ORDERS_NOT_CLOSED" not in console.text)


async def test_figures_are_shown_for_the_day_for_which_they_were_read(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("D")
        await console.sees("dashboard", "11-20 to 11-26", "ORDERS_NOT_CLOSED")
        session = console.main.session
        later = session.clock() + timedelta(days=1)
        session.clock = lambda: later
        screen = console.app.screen
        assert isinstance(screen, DashboardScreen)
        screen._show()  # as after a change of the size
        await console.pilot.pause()
        assert "11-20 to 11-26" in console.text
        assert str(TODAY) in console.line("dashboard-heading")


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
