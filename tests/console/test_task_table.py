"""The task table in a headless app: what it shows, where its cursor goes, and what it reads for that."""

from __future__ import annotations

import re
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from random import Random

import pytest
from textual.events import MouseScrollDown
from textual.pilot import Pilot

from bwp_tui.console.presentation.glyphs import ASCII, UNICODE, Glyphs, glyphs_for
from bwp_tui.console.widgets.task_table import TaskTable
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import OTHER_EMAIL_PREFIX, Kind, Task, TaskError
from tests.console.table_app import NOW, History, TableApp, make_task

PAGE = 23


@asynccontextmanager
async def running(
    size: int = 1_000, *, columns: int = 120, glyphs: Glyphs = UNICODE, put: Task | None = None
) -> AsyncIterator[tuple[TableApp, TaskTable, Pilot[None]]]:
    """The table over a history of `size` tasks, on a screen with room for `PAGE` of them."""
    history = History(size)
    if put is not None:
        history.put[put.number] = put
    app = TableApp(history, glyphs)
    async with app.run_test(size=(columns, PAGE + 1)) as pilot:
        await pilot.pause()
        yield app, app.table, pilot


def lines(table: TaskTable) -> list[str]:
    """What is on the screen: lines that were not marked for a repaint are the old ones."""
    return [strip.text.rstrip() for strip in table.render_lines(table.scrollable_size.region)]


async def line_of(task: Task, columns: int = 120, *, masked: bool = False, glyphs: Glyphs = UNICODE) -> str:
    async with running(columns=columns, put=task, glyphs=glyphs) as (_, table, _pilot):
        table.masked = masked
        return lines(table)[task.number]


def download(state: str, done: int = 0, total: int | None = None, trouble: str | None = None) -> Download:
    return Download(1, 1, state, None, done, total, None, None, None, trouble, 1, NOW, None, None, "op")


async def test_a_line_says_kind_subject_status_submission_age_due_date_and_note() -> None:
    line = await line_of(make_task(2)._replace(note="VIP"))
    submitted = (NOW - timedelta(hours=1)).astimezone().strftime("%m-%d %H:%M")
    assert " ".join(line.split()) == f"retrieval shopper2@example.com ▸ IN_PROGRESS {submitted} 1h in 49d VIP"


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (120, "KIND EMAIL STATUS SUBMITTED AGE DUE NOTE"),
        (92, "KIND EMAIL STATUS SUBMITTED AGE DUE NOTE"),
        (80, "KIND EMAIL STATUS AGE DUE NOTE"),
        (60, "EMAIL STATUS DUE"),
        (57, "NO. KIND STATUS DUE"),
        (40, "NO. KIND STATUS DUE"),
    ],
)
async def test_columns_leave_as_the_table_gets_narrower(width: int, titles: str) -> None:
    async with running(columns=width) as (_, table, _pilot):
        header, *rows = lines(table)
        assert header.split() == titles.split()
        assert all("IN_PROGRESS" in row for row in rows)


@pytest.mark.parametrize("width", [1, 5, 20, 33, 59, 80, 92, 100, 250])
async def test_every_line_is_as_wide_as_the_table(width: int) -> None:
    async with running(columns=width, put=make_task(3)._replace(email="李@例え.example", note="山" * 200)) as (
        _,
        table,
        _p,
    ):
        assert {table.render_line(y).cell_length for y in range(PAGE + 1)} == {table.scrollable_size.width}


async def test_wide_characters_keep_the_columns_in_line() -> None:
    wide = await line_of(make_task(2)._replace(email="李小明@例え.example"))
    plain = await line_of(make_task(2))
    assert wide.index("IN_PROGRESS") + len("李小明例え") == plain.index("IN_PROGRESS")


async def test_text_too_long_for_its_column_ends_in_an_ellipsis() -> None:
    line = await line_of(make_task(2)._replace(email="a.very.long.address.indeed.of.someone@example.com"))
    assert re.search(r"  a\.very\.long[.a-z]+…  ", line)


async def test_hostile_text_is_shown_and_not_obeyed() -> None:
    line = await line_of(make_task(2)._replace(note="[/nope]\x1b]52;c;eA==\x07 two\nlines"))
    assert "[/nope]\\x1b]52;" in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("changes", "is_shown"),
    [
        ({}, False),
        ({"status": Status.UNCONFIRMED, "task_id": None}, True),
        ({"status": Status.QUEUED, "polled_at": NOW, "submitted_at": None}, True),
        ({"trouble": f"{OTHER_EMAIL_PREFIX}b@example.com."}, True),
    ],
)
async def test_while_the_service_is_in_trouble_a_row_tells_its_own(changes: dict[str, object], is_shown: bool) -> None:
    task = make_task(2)._replace(**{"trouble": "Timed out."} | changes)  # type: ignore[arg-type]  # names of fields
    async with running(put=task) as (_, table, _pilot):
        table.service_in_trouble = True
        assert (str(task.trouble)[:10] in lines(table)[2]) is is_shown


async def test_masked_addresses_show_one_letter() -> None:
    line = await line_of(make_task(2), masked=True)
    assert "s•••@example.com" in line
    assert "shopper2" not in line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "QUEUED", "submitted_at": None, "trouble": "no network"}, "… QUEUED 1h in 49d no network"),
        ({"status": "COMPLETED"}, "✓ COMPLETED ⇣ in 49d"),
        ({"status": "COMPLETED", "download": download("queued")}, "✓ COMPLETED waits in 49d"),
        ({"status": "COMPLETED", "download": download("queued", 57, 100)}, "✓ COMPLETED … 57% in 49d"),
        ({"status": "COMPLETED", "download": download("queued", 57, 100)._replace(paused=True)}, "COMPLETED ‖ 57%"),
        ({"status": "COMPLETED", "download": download("queued")._replace(paused=True)}, "COMPLETED ‖ 0%"),
        ({"status": "COMPLETED", "download": download("running", 57, 100)._replace(paused=True)}, "COMPLETED ‖ 57%"),
        ({"status": "COMPLETED", "download": download("running", 64, 100)}, "⇣ 64%"),
        ({"status": "COMPLETED", "download": download("running", 100, 100)}, "⇣ 99%"),
        ({"status": "COMPLETED", "download": download("running", 5 << 20)}, "⇣ 5M"),
        ({"status": "COMPLETED", "download": download("done")}, "✓ COMPLETED saved"),
        ({"status": "COMPLETED", "download": download("failed", trouble="disk full")}, "⇣ ✗ in 49d disk full"),
        ({"status": "FAILED", "errors": (TaskError("NEW_CODE", "x"),), "note": "hm"}, "✗ FAILED NEW_CODE · hm"),
        ({"status": "REJECTED", "errors": (TaskError(None, "not valid"),)}, "✗ REJECTED not valid"),
        ({"status": "FAILED", "resubmitted_as": 9}, "✗ FAILED resubmitted as #9"),
        ({"status": "UNCONFIRMED"}, "? UNCONFIRMED in 49d"),
        ({"status": "SOMETHING_NEW"}, "? SOMETHING_NEW in 49d"),
        ({"due_on": date(2026, 11, 18)}, "3d over"),
        ({"due_on": None}, "IN_PROGRESS"),
    ],
)
async def test_the_line_says_how_things_stand(changes: dict[str, object], words: str) -> None:
    told = (await line_of(make_task(2)._replace(**changes))).split()  # type: ignore[arg-type]  # names of fields
    wanted = words.split()
    assert [word for word in told if word in wanted] == wanted


@pytest.mark.parametrize(
    "settled",
    [
        {"status": "COMPLETED", "is_final": True, "answered_on": date(2026, 11, 20)},
        {"status": "IN_PROGRESS", "answered_on": date(2026, 11, 20)},
        {"status": "CANCELLED", "is_final": True},
        {"status": "FAILED", "is_final": True, "resubmitted_as": 9, "was_resubmitted": True},
    ],
)
async def test_an_answered_request_has_no_countdown(settled: dict[str, object]) -> None:
    line = await line_of(make_task(2)._replace(**settled))  # type: ignore[arg-type]  # names of fields
    assert " in 49d" not in line


async def test_a_held_deletion_counts_down_its_holding_period() -> None:
    held = make_task(2)._replace(kind=Kind.DELETION, status="ON_HOLD", holding_period=10)
    assert "◷ ON_HOLD 9d" in await line_of(held)


async def test_a_terminal_without_unicode_gets_ascii_alone() -> None:
    assert glyphs_for("ISO-8859-1") is ASCII
    assert glyphs_for("UTF-8") is UNICODE
    line = await line_of(make_task(2)._replace(email="zoë@example.com", status="COMPLETED"), masked=True, glyphs=ASCII)
    assert line.isascii()
    assert "z***@example.com" in line


async def test_a_million_rows_are_read_by_the_page() -> None:
    async with running(1_000_000) as (app, table, pilot):
        app.history.read.clear()
        table.moves["last"]()
        await pilot.pause()
        assert (table.cursor_row, table.current_number) == (999_999, 1_000_000)
        assert len(app.history.read) == PAGE
        table.moves["first"]()
        await pilot.pause()
        assert table.current_number == 1
        assert len(app.history.read) == 2 * PAGE


async def test_a_step_over_the_edge_reads_one_row() -> None:
    async with running() as (app, table, pilot):
        table.go_to(PAGE - 1)
        await pilot.pause()
        app.history.read.clear()
        table.move(1)
        await pilot.pause()
        assert app.history.read == [PAGE + 1]
        assert lines(table)[PAGE].startswith(UNICODE.cursor)


async def test_pages_keep_the_cursor_on_its_line() -> None:
    async with running() as (_, table, pilot):
        table.go_to(4)
        table.moves["page_down"]()
        await pilot.pause()
        assert (table.cursor_row, lines(table)[5][0]) == (4 + PAGE, UNICODE.cursor)
        table.moves["half_page_up"]()
        await pilot.pause()
        assert (table.cursor_row, lines(table)[5][0]) == (4 + PAGE - PAGE // 2, UNICODE.cursor)


async def test_the_cursor_stops_at_both_ends() -> None:
    async with running(5) as (_, table, _pilot):
        table.moves["page_down"]()
        assert table.cursor_row == 4
        table.move(-99)
        assert table.cursor_row == 0


async def test_the_cursor_stays_on_its_task_when_rows_come_above_it() -> None:
    async with running() as (_, table, pilot):
        table.go_to(500)
        await pilot.pause()
        before = lines(table)
        table.show(array("q", [2_000, 2_001, *range(1, 1_001)]))
        await pilot.pause()
        assert (table.current_number, table.cursor_row) == (501, 502)
        assert lines(table) == before


async def test_at_the_top_new_rows_come_into_sight() -> None:
    async with running() as (app, table, pilot):
        app.history.size = 2_000
        table.show(array("q", [2_000, *range(1, 1_001)]))
        await pilot.pause()
        table.masked = False
        assert "shopper2000@" in lines(table)[1]
        assert (table.current_number, table.cursor_row) == (1, 1)


async def test_the_cursor_stays_on_its_row_when_its_task_is_gone() -> None:
    async with running() as (app, table, pilot):
        table.go_to(5)
        table.show(array("q", [1, 2, 3, 4, 5, 7, 8]))
        await pilot.pause()
        assert (table.cursor_row, table.current_number) == (5, 7)
        table.show(array("q", [1, 2]))
        await pilot.pause()
        assert (table.cursor_row, table.current_number) == (1, 2)
        assert app.heard[-1] == ("highlighted", 2)


async def test_an_empty_view_says_so_in_the_middle_and_has_no_current_task() -> None:
    async with running() as (app, table, pilot):
        table.show(array("q"))
        await pilot.pause()
        assert (table.current, table.current_number, table.row_count) == (None, None, 0)
        assert app.heard[-1] == ("highlighted", None)
        (text,) = lines(table)[1:][PAGE // 2 : PAGE // 2 + 1]
        assert text.strip() == "No task matches."
        assert abs(len(text) - len(text.strip()) - (120 - len(text))) <= 1


async def test_rows_take_the_place_of_the_empty_text_and_give_it_back() -> None:
    async with running(0) as (app, table, _pilot):
        assert lines(table)[1 + PAGE // 2].strip() == "No task matches."
        app.history.size = 3
        table.show(app.history.numbers())
        assert ["IN_PROGRESS" in line for line in lines(table)] == [False] + [True] * 3 + [False] * (PAGE - 3)
        assert "No task" not in "".join(lines(table))
        table.show(array("q"))
        assert "IN_PROGRESS" not in "".join(lines(table))


async def test_the_scrollbar_takes_a_column_only_while_it_is_needed() -> None:
    async with running(3) as (app, table, pilot):
        assert table.scrollable_size.width == 120
        app.history.size = 500
        table.show(app.history.numbers())
        await pilot.pause()
        assert table.scrollable_size.width == 119
        assert {table.render_line(y).cell_length for y in range(PAGE + 1)} == {119}


async def test_a_changed_task_is_read_again_only_in_sight() -> None:
    async with running() as (app, table, _pilot):
        app.history.read.clear()
        app.change(make_task(900)._replace(status="FAILED"))
        assert app.history.read == []
        app.change(make_task(3)._replace(status="FAILED"))
        assert app.history.read == [3]
        assert "FAILED" in lines(table)[3]


async def test_a_row_changed_out_of_sight_is_up_to_date_when_it_comes_into_sight() -> None:
    async with running() as (app, table, pilot):
        table.moves["last"]()
        await pilot.pause()
        app.change(make_task(1)._replace(status="FAILED"))
        table.moves["first"]()
        await pilot.pause()
        assert "FAILED" in lines(table)[1]


async def test_a_row_that_changed_while_the_table_was_empty_and_another_width_is_read_again() -> None:
    async with running() as (app, table, pilot):
        table.show(app.history.numbers()[:0])
        await pilot.resize_terminal(140, 40)
        app.change(make_task(1)._replace(status="FAILED"))
        table.show(app.history.numbers())
        await pilot.pause()
        assert "FAILED" in lines(table)[1]


async def test_a_row_the_history_lost_is_blank() -> None:
    async with running() as (app, table, _pilot):
        app.history.lost.add(3)
        table.refresh_tasks({3})
        assert lines(table)[3] == ""
        table.go_to(2)
        assert table.current is None


async def test_the_task_under_the_cursor_is_known_even_out_of_sight() -> None:
    async with running() as (_, table, pilot):
        table.scroll_to(y=500, animate=False)
        await pilot.pause()
        assert table.current == make_task(1)


async def test_a_tick_moves_ages_and_countdowns_on() -> None:
    async with running() as (app, table, _pilot):
        app.now += timedelta(days=2)
        table.refresh_cells()
        assert lines(table)[1].split()[-3:] == ["2d", "in", "47d"]


async def test_marks_are_signs_in_the_gutter() -> None:
    async with running() as (_, table, _pilot):
        table.marks = frozenset({2, 3})
        assert [line[1:2] for line in lines(table)[1:5]] == [" ", "+", "+", " "]
        table.marks = frozenset({3})
        assert [line[1:2] for line in lines(table)[1:5]] == [" ", " ", "+", " "]


async def test_a_click_selects_and_a_click_on_the_selected_row_chooses() -> None:
    async with running() as (app, table, pilot):
        await pilot.click(table, offset=(10, 3))
        assert app.heard[-1] == ("highlighted", 3)
        await pilot.click(table, offset=(10, 3))
        assert app.heard[-1] == ("chosen", 3)
        await pilot.click(table, offset=(10, 0))
        assert app.heard[-1] == ("chosen", 3)


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    async with running() as (_, table, pilot):
        table.post_message(MouseScrollDown(table, 10, 5, 0, 0, 0, False, False, False))
        await pilot.pause()
        assert table.scroll_offset.y > 0
        assert table.cursor_row == 0


async def test_a_resize_keeps_the_cursor_in_sight() -> None:
    async with running() as (_, table, pilot):
        table.go_to(PAGE - 1)
        await pilot.resize_terminal(100, 10)
        await pilot.pause()
        assert any(line.startswith(UNICODE.cursor) for line in lines(table))


async def test_the_cursor_row_and_the_focus_have_styles_of_their_own() -> None:
    async with running() as (_, table, pilot):
        focused, plain = table.render_line(1), table.render_line(2)
        table.blur()
        await pilot.pause()
        blurred = table.render_line(1)
        bands = [next(iter(strip)).style for strip in (focused, plain, blurred)]
        assert len({style.bgcolor for style in bands if style}) == 3


async def test_another_theme_repaints_in_its_colours() -> None:
    async with running() as (app, table, pilot):
        before = table.render_line(2)
        app.theme = "textual-light"
        await pilot.pause()
        assert table.render_line(2) != before


async def test_the_table_binds_no_keys() -> None:
    async with running() as (_, table, pilot):
        await pilot.press("down", "end", "pagedown", "enter")
        assert (table.cursor_row, table.scroll_offset.y) == (0, 0)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_no_line_on_the_screen_is_left_stale(seed: int) -> None:
    rng = Random(seed)
    async with running(200) as (app, table, pilot):
        deeds: list[Callable[[], object]] = [
            lambda: table.show(array("q", rng.sample(range(1, 201), rng.choice([0, 5, PAGE, 150, 200])))),
            lambda: table.show(array("q", [*range(1, rng.randint(2, 200))])),
            lambda: app.change(make_task(rng.randint(1, 200))._replace(status=rng.choice(["FAILED", "QUEUED"]))),
            lambda: table.move(rng.randint(-30, 30)),
            lambda: table.moves["page_down"](),
            lambda: setattr(table, "marks", set(rng.sample(range(1, 201), 20))),
            lambda: setattr(table, "masked", not table.masked),
        ]
        for _ in range(40):
            rng.choice(deeds)()
            if rng.random() < 0.3:
                await pilot.pause()
            assert lines(table) == [table.render_line(y).text.rstrip() for y in range(PAGE + 1)]
            assert table.row_count == 0 or 0 <= table.cursor_row < table.row_count
