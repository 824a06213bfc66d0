"""Columns are shown and hidden by letter, for all views or for one that brings its own."""

from __future__ import annotations

import pytest

from bwp_tui.console.presentation.glyphs import ASCII, UNICODE
from bwp_tui.console.presentation.task_row_cells import COLUMN_KEYS, COLUMNS, NOTE_ALONE, SORT_KEYS
from bwp_tui.console.presentation.task_row_layout import place_columns, sort_sign
from bwp_tui.domain.deadlines import needs_answer
from bwp_tui.domain.views import COLUMN_IDS
from bwp_tui.settings import Profile
from bwp_tui.store.commands import saved_views
from bwp_tui.store.queries.orders import SORTS
from tests.console.past_tasks import ORDERS_OPEN
from tests.console.support import USUAL, Console, opened
from tests.store import single


def shown(console: Console) -> tuple[str, ...]:
    return console.main.table.visible_columns


def test_every_column_has_a_letter_of_its_own_and_sorts_by_an_order_that_exists() -> None:
    assert set(COLUMN_KEYS.values()) == {column.id for column in COLUMNS} - {"subject"}
    assert len({column.key for column in COLUMNS}) == len({column.id for column in COLUMNS})
    assert set(SORT_KEYS.values()) <= set(SORTS)
    assert len(SORT_KEYS) == 2 + len({column.id for column in COLUMNS if column.sort})


def test_settings_and_commands_know_every_column_of_the_table() -> None:
    declared = tuple(dict.fromkeys(column.id for column in COLUMNS if column.id != "subject"))
    assert declared == COLUMN_IDS, (
        "COLUMNS of the task table and domain.views.COLUMN_IDS, by which the config file, saved views, `:columns` and "
        f"`list --columns` know the columns, differ in {set(declared) ^ set(COLUMN_IDS) or 'their order'}"
    )


def test_any_choice_fits_any_width_and_the_subject_stays() -> None:
    for width in (59, 79, 99, 119, 199):
        for chosen in ((), COLUMN_IDS, *((id,) for id in COLUMN_IDS)):
            placed = place_columns(width, chosen).placed
            assert "subject" in [place.column.id for place in placed]
            assert placed[-1].x + placed[-1].width <= width
    every = {place.column.id for place in place_columns(219, COLUMN_IDS).placed}
    assert every == {"mark", "subject", *COLUMN_IDS}


@pytest.mark.parametrize("width", [59, 79, 119, 199])
def test_every_chosen_column_is_reached_sideways_and_no_further(width: int) -> None:
    seen, layout = set[str](), place_columns(width, COLUMN_IDS)
    while True:
        seen |= {place.column.id for place in layout.placed}
        assert layout.placed[-1].x + layout.placed[-1].width <= width
        if not layout.is_more:
            break
        layout = place_columns(width, COLUMN_IDS, layout.skipped + 1)
    assert seen == {"mark", "subject", *COLUMN_IDS}
    assert place_columns(width, COLUMN_IDS, layout.skipped + 5) == layout


def test_the_sign_in_the_heading_is_that_of_the_values_shown() -> None:
    signs = {
        (column.id, sort): sort_sign(column, sort, UNICODE)
        for column in COLUMNS
        for sort in SORTS
        if sort_sign(column, sort, UNICODE)
    }
    assert signs["due", "due"] == signs["age", "age"] == signs["submitted", "-submitted"] == "▲"
    assert signs["due", "-due"] == signs["age", "-age"] == signs["submitted", "submitted"] == "▼"
    assert {sort for _, sort in signs} == set(SORTS) - {"newest", "oldest"}
    assert all(sort_sign(column, "due", ASCII) in ("", "^") for column in COLUMNS)


async def test_the_same_key_again_reverses_and_what_has_no_due_date_stays_last(profile: Profile) -> None:
    async with opened(profile) as console:
        table = console.main.table
        for sign, sort in (("▲", "due"), ("▼", "-due"), ("▲", "due")):
            await console.press("s", "d")
            await console.sees(f"DUE{sign}")
            assert table.sort == sort
            found = [task.due_on if needs_answer(task) else None for task in table.visible_tasks]
            dated = [day for day in found if day is not None]
            assert dated == sorted(dated, reverse=sort == "-due")
            assert found == [*dated, *[None] * (len(found) - len(dated))]
            assert 1 < len(dated) < len(found)
        await console.press("s")
        await console.sees("s email")
        assert "problem" not in console.line("prompt"), "it has no order"


async def test_columns_that_do_not_fit_are_scrolled_to(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.press("l")
        await console.sees("no more columns on that side")
        await console.press("colon", *"columns status,received,updated,due,assigned,tags,id", "enter")
        await console.until(lambda: "»" in console.line("table"))
        assert "id" not in shown(console)
        await console.press("l", "shift+right", "l", "l", "l")
        await console.until(lambda: "id" in shown(console) and "status" not in shown(console))
        assert "subject" in shown(console)
        assert console.line("table").lstrip().startswith("« EMAIL")
        await console.press("h", "shift+left", "h", "h", "h")
        await console.until(lambda: "status" in shown(console))
        assert "«" not in console.line("table")


async def test_a_problem_is_one_thing_and_a_note_another(profile: Profile) -> None:
    async with opened(profile) as console:
        single.add_note(console.store, ORDERS_OPEN, "called him", "op")
        await console.go_to(ORDERS_OPEN)
        await console.sees("ORDERS_NOT_CLOSED · ")
        runs = [
            run for run in console.main.table.render_line(1 + console.main.table.cursor_row) if "called" in run.text
        ]
        assert all("ORDERS" not in run.text for run in runs)
        await console.press("colon", *"columns status,problem,note", "enter")
        await console.until(lambda: "problem" in shown(console))
        await console.until(lambda: "·" not in console.line("table"))
        placed = place_columns(119, ("status", "problem", "note")).placed
        (note,) = (place for place in placed if place.column.id == "note")
        assert note.column is NOTE_ALONE


async def test_letters_turn_columns_on_and_off_until_enter(profile: Profile) -> None:
    async with opened(profile) as console:
        before = shown(console)
        await console.press("C", "a", "g", "l")
        await console.until(lambda: {"assigned", "tags"} <= set(shown(console)))
        assert "age" not in shown(console)
        await console.sees("ASSIGNED", "TAGS", "phone", "a +assigned", "g -age")
        await console.press("g", "a", "l", "enter")
        await console.until(lambda: shown(console) == before)
        await console.until(lambda: not console.main.prompt.is_open)


async def test_columns_are_saved_with_a_view_and_shown_with_it_alone(profile: Profile) -> None:
    async with opened(profile) as console:
        before = shown(console)
        await console.press("colon", *"columns status,due,id", "enter")
        await console.until(lambda: shown(console) == ("mark", "subject", "status", "due", "id"))
        await console.press("V", *"dates", "enter")
        await console.sees("8 dates")
        assert saved_views.get(console.store, "dates").columns == ("status", "due", "id")
        await console.press("colon", *f"columns {','.join(id for id in before if id in COLUMN_IDS)}", "enter")
        await console.until(lambda: shown(console) == before)
        await console.press("8")
        await console.until(lambda: "id" in shown(console))
        await console.press("C", "r", "enter")
        await console.sees("while the view “dates” is listed; V saves them")
        await console.press("1")
        await console.until(lambda: shown(console) == before)
        assert "is listed" not in console.line("status")
