"""Columns are shown and hidden by letter, for all views or for one that brings its own."""

from __future__ import annotations

from bwp_tui.console.presentation.task_row_cells import COLUMN_LETTERS, COLUMNS, OPTIONAL_COLUMNS, SORT_LETTERS
from bwp_tui.console.presentation.task_row_layout import place_columns
from bwp_tui.settings import Profile
from bwp_tui.store.commands import saved_views
from bwp_tui.store.queries.filter_sql import SORTS
from tests.console.support import Console, opened


def shown(console: Console) -> tuple[str, ...]:
    return console.main.table.shown_columns


def test_every_column_has_a_letter_of_its_own_and_sorts_by_an_order_that_exists() -> None:
    assert set(COLUMN_LETTERS.values()) == set(OPTIONAL_COLUMNS)
    assert len({column.letter for column in COLUMNS}) == len({column.id for column in COLUMNS})
    assert set(SORT_LETTERS.values()) <= set(SORTS)
    assert len(SORT_LETTERS) == 2 + len({column.id for column in COLUMNS if column.sort})


def test_any_choice_fits_any_width_and_the_subject_stays() -> None:
    for width in (59, 79, 99, 119, 199):
        for chosen in ((), OPTIONAL_COLUMNS, *((id,) for id in OPTIONAL_COLUMNS)):
            placed = place_columns(width, chosen)
            assert "subject" in [place.column.id for place in placed]
            assert placed[-1].x + placed[-1].width <= width
    assert {place.column.id for place in place_columns(199, OPTIONAL_COLUMNS)} == {"mark", "subject", *OPTIONAL_COLUMNS}


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
        await console.press("colon", *f"columns {','.join(id for id in before if id in OPTIONAL_COLUMNS)}", "enter")
        await console.until(lambda: shown(console) == before)
        await console.press("8")
        await console.until(lambda: "id" in shown(console))
        await console.press("C", "r", "enter", "1")
        await console.until(lambda: shown(console) == before)
