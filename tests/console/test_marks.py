from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from bwp_tui.console.bindings.actions import ACTIONS, footer_actions
from bwp_tui.console.terminal import key_queue
from bwp_tui.domain.task import Kind, Request
from bwp_tui.settings import Profile
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.queries import tasks
from tests.console.past_tasks import HELD, NOT_KNOWN, ORDERS_OPEN, PAST, READY, TODAY
from tests.console.support import Console, opened
from tests.console.test_command_bar import types
from tests.store import single


def word_to_type(console: Console, numbers: list[int]) -> str:
    """The profile's name where deletions are among the tasks: this profile is no practice."""
    deletes = any(task.kind is Kind.DELETION for task in tasks.by_numbers(console.store, numbers))
    return "production" if deletes else str(len(numbers))


async def test_marked_tasks_are_submitted_again_after_a_plan_and_a_typed_word(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("5")
        await console.until(lambda: console.main.view_index == 4 and console.main.table.row_count > 1)
        failed = list(console.main.table.numbers)
        await console.press("asterisk", "R")
        await console.sees(f"{len(failed)} marked", f"{len(failed)} to resubmit", "Note for the new tasks")
        await console.press("o", "k", "enter")
        word = word_to_type(console, failed)
        await console.sees(f"Type {word} to go on")
        await console.press(*word, "enter")
        await console.sees(f"{len(failed)} resubmissions asked for.")
        again = [task.resubmitted_as for task in tasks.by_numbers(console.store, failed)]
        assert None not in again
        assert {task.note for task in tasks.by_numbers(console.store, [number or 0 for number in again])} == {"ok"}
        assert not console.main.table.marks


async def test_a_wrong_word_does_nothing(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("5")
        await console.until(lambda: console.main.view_index == 4 and console.main.table.row_count > 1)
        failed = list(console.main.table.numbers)
        await console.press("asterisk", "R", "enter", "9", "9", "enter")
        await console.sees("Nothing was done")
        assert [task.resubmitted_as for task in tasks.by_numbers(console.store, failed)] == [None] * len(failed)


async def test_space_marks_and_moves_on_and_escape_takes_the_marks_away(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.until(lambda: console.main.table.row_count > 3)
        numbers = list(console.main.table.numbers)
        await console.press("space", "j", "v")
        assert console.main.table.marks == frozenset(numbers[:3])
        await console.press("escape")
        assert not console.main.table.marks


async def test_a_range_begins_at_the_task_marked_last_that_is_still_marked(profile: Profile) -> None:
    async with opened(profile) as console:
        table = console.main.table
        await console.press("g", "space", "escape", "G", "v")
        assert table.marks == {table.numbers[-1]}
        await console.press("escape", "g", "v", "j", "j", "v")
        assert table.marks == set(table.numbers[:3])


async def test_frozen_rows_change_only_when_they_are_let_go(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.until(lambda: console.main.table.row_count > 1)
        count = console.main.table.row_count
        await console.press("p")
        await console.sees("  paused")
        requests.submit(console.store, Request(Kind.RETRIEVAL, "new@example.com", TODAY, "gdpr"), "op")
        await console.until(lambda: console.main._rows._held_back is not None)
        assert console.main.table.row_count == count
        await console.press("p")
        await console.until(lambda: console.main.table.row_count == count + 1)


async def test_a_task_that_frozen_rows_lack_is_gone_to(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("p")
        await console.sees("  paused")
        number = requests.submit(console.store, Request(Kind.RETRIEVAL, "new@example.com", TODAY, "gdpr"), "op").number
        await types(console, str(number))
        await console.until(lambda: console.main.table.current_number == number)


async def test_a_saved_view_has_the_next_key(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("slash", *"kind:deletion", "enter", "V", *"erasures", "enter")
        await console.sees("The view “erasures” is saved.", "8 eras")
        await console.press("1", "8")
        await console.until(lambda: console.main.list_state.filter == "kind:deletion")
        assert HELD in set(console.main.table.numbers)


async def test_marking_all_waits_for_the_list_it_is_meant_for(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.until(lambda: console.main.has_all_rows)
        everything = set(console.main.table.numbers)
        await console.press("5", "asterisk")
        failed = set(console.main.table.numbers)
        assert failed < everything
        assert console.main.table.marks == failed


async def test_a_list_that_is_not_read_yet_is_not_marked(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_queue, "_TIMEOUT_S", 0.05)
    async with opened(profile) as console:
        await console.until(lambda: console.main.has_all_rows)
        monkeypatch.setattr(console.main.session.feed, "set_query", lambda *_: None)
        await console.press("5", "asterisk")
        await console.sees("The list is still being read: nothing was marked.")
        assert not console.main.table.marks


async def test_no_mark_stays_on_a_task_that_is_not_listed(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.until(lambda: console.main.has_all_rows)
        table = console.main.table
        marked = frozenset(table.numbers[:2])
        await console.press("space", "space", "5")
        await console.until(lambda: console.main.view_index == 4 and console.main.has_all_rows)
        failed = set(table.numbers)
        assert table.marks == marked & failed
        before = [console.task(number).note for number in marked]
        await console.press("e", "x", "enter")
        await console.until(lambda: not console.main.prompt.is_open)
        hidden = marked - failed
        assert hidden
        assert [console.task(number).note for number in marked] == before
        await console.press("1", "U")
        await console.press("U")
        await console.until(lambda: table.marks == marked)


async def test_marks_stay_while_a_filter_is_typed_and_left_again(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.until(lambda: console.main.has_all_rows)
        marked = frozenset(console.main.table.numbers[:2])
        await console.press("space", "space", "slash", *"kind:deletion")
        await console.until(lambda: not marked & set(console.main.table.numbers))
        await console.press("escape")
        await console.until(lambda: console.main.has_all_rows and console.main.table.row_count == len(PAST))
        assert console.main.table.marks == marked
        await console.press("slash", *"kind:deletion", "enter")
        await console.until(lambda: not console.main.table.marks)


async def test_an_action_waits_for_the_list_that_was_asked_for(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.until(lambda: console.main.has_all_rows)
        everything = set(console.main.table.numbers)
        await console.press("5", "space")
        await console.until(lambda: console.main.table.marks)
        failed = set(console.main.table.numbers)
        assert failed < everything
        assert console.main.table.marks < failed


async def test_f2_in_the_plan_shortens_the_holds_that_would_end_too_late(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.until(lambda: console.main.has_all_rows)
        with console.store.write() as transaction:
            transaction.run(
                "UPDATE tasks SET holding_period = 30, due_on = ? WHERE number = ?",
                ((TODAY + timedelta(days=33)).isoformat(), ORDERS_OPEN),
            )
        await console.go_to(ORDERS_OPEN)
        await console.press("space")
        await console.go_to(NOT_KNOWN)
        await console.press("space", "R", "enter")
        await console.sees("would end", "production to go on", "f2")
        await console.press("f2")
        await console.until(lambda: "would end" not in console.text)
        await console.press(*"production", "enter")
        await console.sees("2 resubmissions asked for.")
        again = console.task(ORDERS_OPEN).resubmitted_as
        assert again is not None
        assert console.task(again).holding_period == 3


async def test_a_task_that_a_line_names_is_not_called_marked(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.until(lambda: console.main.table.row_count > 2)
        await console.press("space", "space", "colon", *f"cancel {NOT_KNOWN}", "enter")
        await console.sees("Of 1 named: 0 to cancel, 1 skipped: retrieval FAILED.")


async def test_the_keys_offered_are_those_for_the_marked_tasks_also_out_of_sight(profile: Profile) -> None:
    async with opened(profile) as console:
        await types(console, f"mark {READY}")
        await console.press("f")
        await console.until(lambda: READY not in console.main.table.numbers and console.main.has_all_rows)
        assert console.main.table.current is not None
        offered = [each.name for each in footer_actions(ACTIONS, console.main.context, console.main.acts_on_marks)]
        assert ("download" in offered, "resubmit" in offered) == (True, False)


async def test_a_running_appeal_is_no_next_step_of_marked_tasks_whose_plan_skips_it(profile: Profile) -> None:
    async with opened(profile) as console:
        request = Request(Kind.RETRIEVAL, "new@example.com", TODAY, "us-co", awaits_verification=True)
        number = requests.submit(console.store, request, "op").number
        single.edit(console.store, number, lambda edit: decisions.decline(edit, "fraud", "told"), "op", TODAY)
        single.edit(console.store, number, partial(decisions.appeal, received=TODAY), "op", TODAY)
        await console.until(lambda: console.main.table.row_count > number - 1)
        await console.go_to(number)
        await console.until(lambda: "Q appeal" in console.line("footer"))
        await console.press("space")
        await console.until(lambda: "esc unmark" in console.line("footer"))
        assert "Q appeal" not in console.line("footer")


async def test_no_key_is_offered_that_does_nothing_to_any_of_the_marked_tasks(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.until(lambda: "u refresh" in console.line("footer"))
        request = Request(Kind.RETRIEVAL, "new@example.com", TODAY, "us-co", awaits_verification=True)
        number = requests.submit(console.store, request, "op").number
        await console.until(lambda: console.main.table.row_count > number - 1)
        await console.go_to(number)
        await console.press("space")
        await console.until(lambda: "esc unmark" in console.line("footer"))
        assert "u refresh" not in console.line("footer")


async def test_the_same_keys_are_offered_for_the_marked_tasks_while_the_details_hide_the_list(profile: Profile) -> None:
    async with opened(profile) as console:
        for number in (READY, HELD):
            await console.go_to(number)
            await console.press("space")
        await console.until(lambda: "2 marked" in console.line("header") and "x cancel" in console.line("footer"))
        footer = console.line("footer")
        for has_list in (False, True):
            await console.press("z")
            await console.until(lambda: (console.main.table.size.height > 0) is has_list)  # noqa: B023  awaited at once
            await console.until(lambda: console.line("footer") == footer)


async def test_the_marks_are_turned_around(profile: Profile) -> None:
    async with opened(profile) as console:
        table = console.main.table
        await console.press("space", "space", "exclamation_mark")
        await console.until(lambda: table.marks == frozenset(table.numbers[2:]))
        await console.press("exclamation_mark")
        await console.until(lambda: table.marks == frozenset(table.numbers[:2]))
