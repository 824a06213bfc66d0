"""Saved views: a wrong name stays to be mended, none is replaced unasked, and each can be found and deleted."""

from __future__ import annotations

from textual.widgets import Input

from bwp_tui.console.screens.help import HelpScreen
from bwp_tui.domain.task import ADOPTED
from bwp_tui.domain.views import ADOPTED_VIEW, View
from bwp_tui.settings import Profile
from bwp_tui.store.commands import saved_views
from tests.console.past_tasks import NOT_KNOWN, ORDERS_OPEN, PastTask
from tests.console.support import Console, opened
from tests.console.test_command_bar import types


async def ask_for_name(console: Console, name: str) -> None:
    await console.press("V")
    await console.until(lambda: console.main.prompt.is_open)
    console.main.prompt.set_text(name)
    await console.press("enter")


def names(console: Console) -> list[str]:
    return [view.name for view in saved_views.saved(console.store)]


async def test_a_refused_name_stays_in_the_prompt_with_what_is_wrong(profile: Profile) -> None:
    async with opened(profile) as console:
        for wrong, why in (("failed", "is built in; choose another name."), ("x" * 31, "has 1 to 30 characters.")):
            await ask_for_name(console, wrong)
            await console.sees(why)
            assert console.main.prompt.query_one(Input).value == wrong
            await console.press("escape")
        await types(console, "views save failed")
        await console.sees("is built in; choose another name.")
        assert console.main.prompt.is_open
        assert names(console) == []


async def test_a_view_is_replaced_only_when_that_is_agreed_to(profile: Profile) -> None:
    async with opened(profile) as console:
        saved_views.save(console.store, View("mine", "kind:deletion"))
        for ask in (ask_for_name, lambda on, name: types(on, f"views save {name} kind:retrieval")):
            await ask(console, "mine")
            await console.sees("Replace the view “mine”, which lists “kind:deletion”?")
            await console.press("n")
            await console.until(lambda: not console.main.prompt.is_open)
            assert saved_views.get(console.store, "mine").filter == "kind:deletion"
        await ask_for_name(console, "mine")
        await console.sees("Replace the view")
        await console.press("y")
        await console.sees("The view “mine” is saved.")
        assert saved_views.get(console.store, "mine").filter == ""


async def test_the_saved_view_that_is_shown_is_deleted_after_a_question(profile: Profile) -> None:
    async with opened(profile) as console:
        saved_views.save(console.store, View("my own", "kind:deletion"))
        console.main.session.feed.refresh()
        await console.sees("8 my own")
        await types(console, "views list")
        await console.sees("7 due soon, 8 my own.")
        await console.press("question_mark")
        await console.until(lambda: isinstance(console.app.screen, HelpScreen))
        await console.press("slash", *"view: my own", "enter")
        await console.sees("View: my own")
        await console.press("escape", "escape", "ctrl+p")
        await console.until(lambda: console.main.prompt.is_open)
        console.main.prompt.set_text("my own")
        await console.sees("List the view “my own”")
        await console.press("enter")
        await console.until(lambda: console.main.view_index == 7)
        await console.press("V")
        await console.sees("d delete “my own”")
        await console.press("d")
        await console.sees("Delete the view “my own”? Its tasks stay.")
        await console.press("y")
        await console.sees("The view “my own” is deleted.")
        assert names(console) == []
        await console.until(lambda: console.main.list_state.view is None)
        assert console.main.list_state.filter == "kind:deletion"


async def test_a_view_that_another_process_saves_anew_lists_what_it_is_now(profile: Profile) -> None:
    async with opened(profile) as console:
        for key in range(8, 11):  # the last one has no key
            saved_views.save(console.store, View(f"own{key}", "kind:deletion"))
        console.main.session.feed.refresh()
        await console.sees("8 own8")
        for name in ("own8", "own10"):
            await types(console, f"view {name}")
            await console.until(lambda: ORDERS_OPEN in console.main.table.numbers and console.main.has_all_rows)
            await console.press("asterisk")
            saved_views.save(console.store, View(name, "is:failed kind:retrieval", "due"))
            console.main.session.feed.refresh()
            await console.until(lambda: list(console.main.table.numbers) == [NOT_KNOWN])
            await console.until(lambda: not console.main.table.marks)
            assert console.main.list_state.sort == "due"


async def test_what_is_assumed_of_an_adopted_task_is_called_so(profile: Profile) -> None:
    async with opened(profile, [PastTask("a@example.com", tags=(ADOPTED,)), PastTask("b@example.com")]) as console:
        await console.go_to(1)
        await console.sees("assumed")
        await console.go_to(2)
        await console.until(lambda: "assumed" not in console.text)


async def test_a_view_that_the_program_adds_is_not_offered_to_be_deleted(profile: Profile) -> None:
    async with opened(profile, [PastTask("a@example.com", tags=(ADOPTED,)), PastTask("b@example.com")]) as console:
        await console.sees(f"8 {ADOPTED_VIEW.name}")
        await console.press("8")
        await console.until(lambda: console.main.list_state.view == ADOPTED_VIEW)
        await console.press("V")
        await console.sees("as the view:")


async def test_the_name_of_a_view_to_delete_is_completed(profile: Profile) -> None:
    async with opened(profile) as console:
        saved_views.save(console.store, View("my own", "kind:deletion"))
        console.main.session.feed.refresh()
        await console.sees("8 my own")
        await console.press("colon")
        await console.until(lambda: console.main.prompt.is_open)
        console.main.prompt.set_text("views delete my")
        await console.press("tab", "enter")
        await console.sees("The view “my own” is deleted.")
        assert names(console) == []
