"""The `:` line: the command line's own words at the keyboard, on the task here, the marked ones or the named ones."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

import pytest
from textual.widgets import Input

from bwp_tui.cli.parser import build_parser
from bwp_tui.console.bindings.actions import ACTIONS, ACTIONS_BY_NAME
from bwp_tui.console.bindings.prompt_commands import CLI_LINES, COMMANDS, COMMANDS_BY_NAME
from bwp_tui.console.command_bar.parser import CommandLineError, parse_line
from bwp_tui.console.screens.task import TaskScreen
from bwp_tui.console.store_access.write_guard import READ_ONLY
from bwp_tui.domain.task import Kind, Request
from bwp_tui.domain.times import local_day
from bwp_tui.settings import Profile
from bwp_tui.store.commands import saved_views
from tests.console.past_tasks import HELD, NOT_KNOWN, ORDERS_OPEN, READY, TODAY
from tests.console.support import Console, make_profile, opened
from tests.store import single


async def types(console: Console, line: str) -> None:
    """Type a line behind `:` and press enter."""
    await console.press("colon")
    await console.until(lambda: console.main.prompt.is_open)
    console.main.prompt.set_text(line)
    await console.press("enter")


def typed(console: Console) -> str:
    return console.main.prompt.query_one(Input).value


def test_every_word_of_the_command_line_is_one_here_or_said_to_be_for_the_shell() -> None:
    assert set(build_parser()[1]) <= set(COMMANDS_BY_NAME) | set(CLI_LINES)


def test_every_action_can_be_typed() -> None:
    names = {command.action for command in COMMANDS}
    shown_otherwise = {action.name for action in ACTIONS if action.name.startswith("view_")} | {
        "new_deletion",
        "give_up",
    }
    assert {action.name for action in ACTIONS} - names <= shown_otherwise
    assert names <= {*ACTIONS_BY_NAME, ""}


async def test_a_note_on_one_task_names_it_and_what_looks_like_a_task_is_one_or_refused(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await types(console, f"note {READY} from the line")
        await console.sees(f"Note of {console.task(READY).name} saved.")
        assert console.task(READY).note == "from the line"
        for wrong in ("1-3", "#2,3", "777"):
            await types(console, f"note {wrong} from the line")
            await console.sees(f"“{wrong}”", "A text that begins so stands in quotation marks.")
            await console.press("escape")
            await console.until(lambda: not console.main.prompt.is_open)
        await types(console, "tag +;;;")
        await console.sees("is not a tag")
        assert console.task(HELD).note == "VIP"


@pytest.mark.parametrize(
    ("line", "sentence", "start", "end"),
    [
        ('note "left', "A quotation mark is not closed.", 5, 10),
        ("resubmit 3 --not x", "has no option “--not” here. It takes --note", 11, 16),
        ("resubmit --note", "“--note” needs a value.", 9, 15),
    ],
)
def test_a_line_that_cannot_be_taken_apart_says_where(line: str, sentence: str, start: int, end: int) -> None:
    with pytest.raises(CommandLineError) as caught:
        parse_line(line, COMMANDS_BY_NAME)
    assert sentence in caught.value.mistake.sentence
    assert (caught.value.mistake.start, caught.value.mistake.end) == (start, end)


async def test_a_command_without_a_task_is_done_to_the_one_here_or_the_marked_ones(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await types(console, 'note "2 calls" and a letter')
        await console.until(lambda: console.task(HELD).note == "2 calls and a letter")
        await console.press("g", "space", "space")
        await types(console, "tag +vip -phone")
        await console.sees("2 tagged.")
        assert "vip" in console.task(READY).tags


async def test_named_tasks_are_meant_wherever_they_are(profile: Profile) -> None:
    async with opened(profile) as console:
        await types(console, f"assign {HELD} #{READY} dora")
        await console.sees("2 assigned.")
        assert [console.task(number).assigned_to for number in (HELD, READY)] == ["dora", "dora"]
        for numbers in (f"{HELD}", f"{HELD} {READY}"):  # none of them is a person
            await types(console, f"assign {numbers}")
            await console.sees("Assign ", "(empty for nobody)")
            await console.press("escape")
        await types(console, "list nobody@")
        await console.until(lambda: console.main.table.row_count == 0)
        await types(console, f"note {HELD} from the line")
        await console.sees(f"Note of {console.task(HELD).name} saved.")
        assert console.task(HELD).note == "from the line"
        await types(console, f"cancel {HELD}")
        await console.sees("1 marked", "1 not in this view", "Go on?")
        await console.press("y")
        await console.until(lambda: console.task(HELD).cancel_asked)
        await types(console, f"show {NOT_KNOWN}")
        await console.until(lambda: isinstance(console.app.screen, TaskScreen))
        assert console.main.table.current_number == NOT_KNOWN


async def test_a_single_named_task_is_asked_about_though_it_is_not_listed(profile: Profile) -> None:
    async with opened(profile) as console:
        request = Request(Kind.RETRIEVAL, "new@example.com", TODAY, "gdpr")
        unsent = console.main.session.task_commands.submit(request).number
        await types(console, "list nobody@")
        await console.until(lambda: console.main.table.row_count == 0)
        await types(console, f"answer {unsent} --how phone --on today")
        await console.sees("has not been sent to the service yet. Record it?")
        await console.press("y")
        await console.until(lambda: console.task(unsent).answered_how == "phone")
        assert not console.main.table.marks


async def test_lists_views_and_orders_are_typed_as_in_the_command_line(profile: Profile) -> None:
    async with opened(profile) as console:
        await types(console, "list 'is:failed kind:deletion' --sort due")
        await console.until(lambda: list(console.main.table.numbers) == [ORDERS_OPEN])
        assert console.main.list_state.sort == "due"
        await types(console, "views save broken --sort oldest")
        await console.sees("The view “broken” is saved.")
        assert saved_views.get(console.store, "broken").filter == "is:failed kind:deletion"
        await types(console, "view on hold")
        await console.until(lambda: list(console.main.table.numbers) == [HELD])
        await types(console, "view broken")
        await console.until(lambda: console.main.list_state.sort == "oldest")
        await types(console, "views delete broken")
        await console.sees("The view “broken” is deleted.")
        await types(console, "list --view 'to answer' email:frank or email:bob")
        await console.until(lambda: list(console.main.table.numbers) == [ORDERS_OPEN])
        assert console.main.list_state.sort == "due"
        single.set_note(console.store, HELD, "the customer's lawyer called", "op")
        await types(console, """list 'kind:deletion' note:"customer's lawyer\"""")
        await console.until(lambda: list(console.main.table.numbers) == [HELD])


async def test_a_mistake_is_one_sentence_under_its_word_and_the_line_stays(profile: Profile) -> None:
    async with opened(profile) as console:
        for line, word, sentence in (
            ("downlod 3", "downlod", "There is no command “downlod”. Did you mean “download”?"),
            ("download 4711", "4711", "There is no task “4711”"),
            ("list is:faild", "faild", "Unknown value of is: “faild”. Did you mean “failed”?"),
            ("list (is:failed", "(", "This parenthesis is not closed."),
            ("views save mine (is:failed", "(", "This parenthesis is not closed."),
            ("sort duee", "duee", "There is no order “duee”"),
            ("export", "export", "Write export [FILTER…] FILE."),
            ("purge 'is:failed x'", "purge", "bwp-tui --profile production purge"),
            ("theme drak", "drak", "There is no theme “drak”. Did you mean “dark”?"),
            ("mask 3", "3", "“3” is not expected here; write mask."),
            ("tag vip", "vip", "Give tags to add (+vip) or to remove (-vip)."),
        ):
            await types(console, line)
            await console.sees(sentence)
            assert typed(console) == line
            await console.until(partial(console.is_marked_in_footer, word))
            await console.press("escape")
            await console.until(lambda: not console.main.prompt.is_open)


async def test_commands_are_offered_as_they_are_typed_and_tab_takes_the_first(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("colon", *"re")
        await console.sees("resubmit ", "refresh ", "[TASK…]")
        await console.press("tab")
        await console.until(lambda: typed(console) == "resubmit ")
        await console.press(*"--", "tab")
        await console.until(lambda: typed(console) == "resubmit --note")
        console.main.prompt.set_text("list is:fai")
        await console.press("tab")
        await console.until(lambda: typed(console) == "list is:failed")
        await console.press("escape")
        await console.until(lambda: not console.main.command_list.display)


@pytest.mark.parametrize("line", ["import", "backup", "export is:open"])
async def test_tab_completes_a_path_behind_a_command_of_the_command_line(
    profile: Profile, tmp_path: Path, line: str
) -> None:
    (tmp_path / "batch.csv").touch()
    async with opened(profile) as console:
        await console.press("colon")
        console.main.prompt.set_text(f"{line} {tmp_path}/ba")
        await console.press("tab")
        await console.until(lambda: typed(console) == f"{line} {tmp_path}/batch.csv")


async def test_the_lines_come_back_by_arrow(profile: Profile) -> None:
    async with opened(profile) as console:
        for line in ("sort due", "mask", "sort oldest"):
            await types(console, line)
            await console.until(lambda: not console.main.prompt.is_open)
        await console.press("colon", "up", "up")
        await console.until(lambda: typed(console) == "mask")
        await console.press("up", "up", "down", "down", "down")
        await console.until(lambda: typed(console) == "")


async def test_a_request_is_prepared_in_the_form(profile: Profile) -> None:
    async with opened(profile) as console:
        await types(console, "submit deletion new@example.com")
        await console.until(lambda: console.main.form.display)
        assert console.field("email").value == "new@example.com"
        assert console.main.form.draft.kind is Kind.DELETION


async def test_failed_requests_are_submitted_again_with_the_note_that_was_typed(profile: Profile) -> None:
    async with opened(profile) as console:
        await types(console, f'resubmit {NOT_KNOWN} --note "checked the address"')
        await console.sees("Resubmit the retrieval ")
        await console.press("y")
        await console.until(lambda: console.task(NOT_KNOWN).resubmitted_as)
        assert console.task(console.task(NOT_KNOWN).resubmitted_as or 0).note == "checked the address"


async def test_a_typed_hold_is_that_of_the_deletion_submitted_again(profile: Profile) -> None:
    async with opened(profile) as console:
        await types(console, f"resubmit {ORDERS_OPEN} --holding-period 181")
        await console.sees("“181” is neither fit nor a number of days from 0 to 180.")
        await console.press("escape")
        await console.until(lambda: not console.main.prompt.is_open)
        await types(console, f"resubmit {ORDERS_OPEN} --holding-period 3")
        await console.sees("Type the email")
        await console.press(*console.task(ORDERS_OPEN).email, "enter")
        await console.until(lambda: console.task(ORDERS_OPEN).resubmitted_as)
        assert console.task(console.task(ORDERS_OPEN).resubmitted_as or 0).holding_period == 3


async def test_nothing_is_written_in_a_read_only_profile(tmp_path: Path) -> None:
    async with opened(make_profile(tmp_path / "production", read_only=True)) as console:
        revision = console.store.revision()
        for line in ("note x", "tag +x", "assign me", "submit retrieval", "views save x", "resubmit 8 --note x"):
            await types(console, line)
            await console.sees(READ_ONLY)
            console.main.show_status("")
        assert console.store.revision() == revision


async def test_the_options_of_a_record_are_typed_and_only_others_are_asked_for(profile: Profile) -> None:
    async with opened(profile) as console:
        await types(console, f"acknowledge {HELD} --on 2026-11-19")
        await console.until(lambda: console.task(HELD).acknowledged_on == date(2026, 11, 19))
        await types(console, "verify --how 'order 17' --by anna")
        await console.sees("Verified on: 2026-11-20")
        await console.press("enter")
        await console.until(lambda: console.task(HELD).verification)
        await types(console, "acknowledge --on 2999-01-01")
        await console.sees("2999-01-01 is in the future.")
        await console.press("escape")
        await types(console, "extend --withdraw --reason x")
        await console.sees("takes no other option")


@pytest.mark.parametrize("word", ["q", "quit"])
async def test_the_console_is_left_by_the_words_hands_are_used_to(profile: Profile, word: str) -> None:
    async with opened(profile) as console:
        await types(console, word)
        await console.until(lambda: console.app.return_code is not None)


async def test_a_number_an_id_and_a_day_are_gone_to_in_the_view(profile: Profile) -> None:
    async with opened(profile) as console:
        table, held = console.main.table, console.task(HELD)
        assert held.task_id is not None
        for line in (f"{HELD}", f"#{HELD}", held.task_id[:8]):
            await console.press("G", "colon", *line, "enter")
            await console.until(lambda: table.current_number == HELD)
        assert held.submitted_at is not None
        day = local_day(held.submitted_at)
        for line in (day.isoformat(), f"{(day - TODAY).days}"):
            await console.press("G", "colon", *line, "enter")
            await console.until(lambda: table.current_number == HELD)
        await console.press("colon", *"sort due", "enter")
        await console.until(lambda: table.sort == "due")
        await console.press("g", "colon", *f"{held.due_on}", "enter")
        await console.until(lambda: table.current_number == HELD)
        await console.press("colon", *"tomorrow", "enter")
        await console.sees("No task of this view is due on 2026-11-21.")
        await console.press("5", "colon", *f"{HELD}", "enter")
        await console.sees(f"#{HELD} was not in the list", "all tasks")
        await console.until(lambda: table.current_number == HELD)
        await console.press("colon", *"999", "enter")
        await console.sees("There is no task “999” in this history.")
