"""The next start begins where the last one ended; what may name a person is not kept for it."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bwp_tui.actions.record_operations import RECORD_OPERATIONS
from bwp_tui.actions.service_operations import SERVICE_OPERATIONS
from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.screens.messages import MessagesScreen
from bwp_tui.console.state.list_state import ListState
from bwp_tui.console.state.saved_state import SavedState, SavedStateFile, forget
from bwp_tui.settings import Profile
from bwp_tui.store.open_store import open_store
from tests.console.past_tasks import HELD, NOT_KNOWN, ORDERS_OPEN, clock
from tests.console.support import WIDE, Console, make_profile, opened


@asynccontextmanager
async def opened_again(profile: Profile) -> AsyncIterator[Console]:
    """The console on a history that is there already."""
    store = open_store(profile.history_path, clock=clock)
    app = ConsoleApp(profile, clock=clock, with_engine=False)
    try:
        async with app.run_test(size=WIDE) as pilot:
            console = Console(app, pilot, store)
            await console.until(lambda: console.main.table.row_count)
            yield console
    finally:
        app.close()
        store.close()


async def test_filter_order_columns_position_and_lines_are_there_at_the_next_start(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("slash", *"kind:deletion", "enter", "s", "o", "C", "g", "enter")
        await console.until(lambda: console.main.table.columns)
        await console.press("colon", *"sort due", "enter")
        await console.until(lambda: console.main.list_state.sort == "due")
        await console.go_to(HELD)
    assert stat.S_IMODE(profile.state_path.stat().st_mode) == 0o600
    async with opened_again(profile) as console:
        await console.until(lambda: console.main.table.current_number == HELD)
        assert console.main.list_state.filter == "kind:deletion"
        assert console.main.list_state.sort == "due"
        assert "age" not in console.main.table.visible_columns
        assert console.main.command_history == ("sort due",)


async def test_a_saved_view_is_shown_again_and_one_that_is_gone_is_not(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("slash", *"is:failed", "enter", "V", *"broken", "enter")
        await console.sees("8 brok")
        await console.press("8")
        await console.until(lambda: console.main.view_index == 7)
    async with opened_again(profile) as console:
        await console.until(lambda: set(console.main.table.numbers) == {ORDERS_OPEN, NOT_KNOWN})
        assert console.main.view_index == 7
        console.main.session.task_commands.delete_view("broken")
    async with opened_again(profile) as console:
        assert console.main.view_index == 0


async def test_no_address_is_kept(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("slash", *"bob@example.com", "enter")
        for line in ("list eve@example.com", "note called", "sort due", "submit retrieval"):
            console.main.command_history = (*console.main.command_history, line)
    kept = profile.state_path.read_text()
    assert "@" not in kept
    assert json.loads(kept)["command_history"] == ["sort due"]


def test_commands_of_plain_mode_join_what_a_console_has_saved_but_not_across_a_purge(profile: Profile) -> None:
    profile.folder.mkdir()
    plain, console = SavedStateFile(profile), SavedStateFile(profile)
    plain.read()
    console.save(SavedState("failed", command_history=("sort due", "views")))
    console.close()
    plain.add_commands(["list kind:deletion", "sort due", "note 1 called", "pack 1 --answered called"])
    plain.close()
    kept = SavedStateFile(profile)
    assert kept.read() == SavedState("failed", command_history=("views", "list kind:deletion", "sort due"))
    forget(profile.state_path, "2026-01-01T00:00:00Z")
    kept.add_commands(["list jane"])
    kept.close()
    assert SavedStateFile(profile).read().command_history == ()


def test_no_line_with_free_text_is_kept() -> None:
    lines = [
        f"{name} 3 {text}"
        for operation in (*RECORD_OPERATIONS, *SERVICE_OPERATIONS)
        for argument in operation.arguments
        if not argument.is_day
        for text in ("Ann Smith", f'{argument.option} "Ann Smith"')
        for name in (operation.name, operation.name.upper(), f'"{operation.name}"')
    ]
    assert len(lines) > 60
    kept = ("acknowledge 3 --on 2026-11-02", "refresh 3", "sort due")
    settled = ("settle 3 --give-up Ann Smith", "submit deletion Smith")
    state = SavedState.of(ListState(), None, (*lines, *settled, *kept), None)
    assert state.command_history == kept


async def test_a_read_only_profile_keeps_nothing(tmp_path: Path) -> None:
    profile = make_profile(tmp_path / "production", read_only=True)
    async with opened(profile) as console:
        await console.press("5")
        await console.until(lambda: console.main.view_index == 4)
    assert not profile.state_path.exists()


def test_a_folder_that_cannot_be_written_is_no_trouble(profile: Profile) -> None:
    memory = SavedStateFile(replace(profile, folder=profile.folder / "not" / "there"))
    memory.save(SavedState(filter="is:failed"))
    memory.close()


@pytest.mark.parametrize(("key", "is_shown"), [("Z", False), ("z", True)])
async def test_the_details_are_as_they_were_left(profile: Profile, key: str, is_shown: bool) -> None:
    async with opened(profile, size=WIDE) as console:
        await console.press(key)
    async with opened_again(profile) as console:
        assert console.main.detail_pane.display is is_shown
        assert console.main.table.display is not is_shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"view": 3, "filter": [], "order": "", "columns": "a", "task": "1", "command_history": [1, ""], "details": 1}',
    ],
)
async def test_a_file_that_means_nothing_is_passed_over(profile: Profile, text: str) -> None:
    profile.folder.mkdir(parents=True)
    profile.state_path.write_text(text)
    async with opened(profile) as console:
        assert console.main.view_index in (0, None)
        assert console.main.command_history == ()


def test_the_commands_of_a_file_that_an_earlier_version_wrote_are_read(profile: Profile) -> None:
    profile.folder.mkdir(parents=True)
    profile.state_path.write_text('{"lines": ["sort due"]}')
    memory = SavedStateFile(profile)
    assert memory.read().command_history == ("sort due",)
    memory.close()


def test_what_was_purged_is_not_written_again_by_a_console_that_was_open(profile: Profile) -> None:
    profile.folder.mkdir(parents=True)
    memory = SavedStateFile(profile)
    memory.read()
    memory.save(SavedState(view=None, filter="zebra", command_history=("list zebra",)))
    other = SavedStateFile(profile)
    other.read()
    forget(profile.state_path, "2026-11-20T09:14:00.000000Z")
    for console in (memory, other, memory):
        console.save(SavedState(view="zebra", filter="zebra", order="due", command_history=("list zebra", "sort due")))
        console.save(SavedState(filter="zebra quagga"))
    memory.close()
    other.close()
    assert "zebra" not in profile.state_path.read_text()
    later = SavedStateFile(profile)
    assert later.read().command_history == ()
    later.save(SavedState(filter="is:failed"))
    later.close()
    assert json.loads(profile.state_path.read_text())["filter"] == "is:failed"


async def test_the_settings_decide_what_the_first_start_shows_and_later_what_was_left(profile: Profile) -> None:
    async with opened(profile):
        pass
    profile.state_path.unlink(missing_ok=True)
    profile = replace(profile, first_view="failed", columns=("kind", "due"), mask=False)
    async with opened_again(profile) as console:
        assert console.main.view_index == 4
        assert console.main.table.visible_columns == ("mark", "kind", "subject", "due")
        assert "@example.com" in console.text
        assert "•••" not in console.text
        await console.press("6")
        await console.until(lambda: console.main.view_index == 5)
    async with opened_again(replace(profile, columns=("status",))) as console:
        assert console.main.view_index == 5
        assert console.main.table.visible_columns == ("mark", "subject", "status")


async def test_a_first_view_that_there_is_not_is_said(profile: Profile) -> None:
    async with opened(replace(profile, first_view="nowhere")) as console:
        await console.until(lambda: "There is no view “nowhere”" in console.text)
        assert console.main.view_index == 0
        await console.press("M")
        await console.until(lambda: isinstance(console.app.screen, MessagesScreen))
        await console.sees("There is no view “nowhere”")
