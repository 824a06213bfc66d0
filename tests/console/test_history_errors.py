"""When the history cannot be written or read: a sentence, and nothing of what was typed is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from textual.widgets import Input

from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.background import run_in_background
from bwp_tui.console.store_access.write_guard import READ_ONLY
from bwp_tui.domain.task import Kind, Task
from bwp_tui.domain.urls import Shop
from bwp_tui.engine.runtime.engine_thread import EngineRole
from bwp_tui.settings import Profile
from bwp_tui.store.commands import saved_views
from bwp_tui.store.database.connection import Store, as_int
from bwp_tui.store.errors import StoreDamaged
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import dashboard, intent_log, tasks, timeline
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import EngineState, ServiceHealthState
from tests.console.past_tasks import HELD, NOW, PAST, clock
from tests.console.support import WIDE, Console, make_profile, opened, plant
from tests.small_disk import fill
from tests.store import single

LONG = "a long note " * 300


def fill_disk(console: Console) -> Store:
    """Let the file that the console writes grow no more, as on a full disk."""
    store = console.app._write_store
    pages = as_int(store.rows("PRAGMA page_count")[0][0])
    store.rows(f"PRAGMA max_page_count = {pages}")
    return store


async def test_on_a_full_disk_the_form_keeps_what_was_typed_and_files_it_later(profile: Profile) -> None:
    async with opened(profile) as console:
        store = fill_disk(console)
        await console.fill(email="new@example.com", note=LONG)
        await console.press("enter")
        await console.until(lambda: "Free some space and try again." in " ".join(console.line("status").split()))
        assert console.main.form.display
        assert console.field("email").value == "new@example.com"
        assert as_int(console.store.rows("SELECT count(*) FROM tasks")[0][0]) == len(PAST)
        store.rows("PRAGMA max_page_count = 100000")
        await console.submit_form()
        assert console.task(len(PAST) + 1).email == "new@example.com"


@pytest.mark.parametrize("changed_by_another", [True, False])
async def test_a_console_that_was_opened_on_a_full_disk_goes_on_once_there_is_space(
    small_disk: Path, changed_by_another: bool
) -> None:
    profile = make_profile(small_disk / "production")
    plant(profile, PAST).close()
    fill(small_disk)
    app = ConsoleApp(profile, clock=clock, with_engine=False)
    try:
        async with app.run_test(size=WIDE) as pilot:
            console = Console(app, pilot, app._store)
            await console.sees("The history can only be read: the disk that holds", "read-only")
            (small_disk / "ballast").unlink()
            if changed_by_another:
                with closing(open_store(profile.history_path)) as other:
                    single.add_note(other, HELD, "from elsewhere", "bob")
            await console.sees("The history can be written again.")
            await console.until(lambda: "read-only" not in console.line("header"))
            if changed_by_another:
                await console.sees("from elsewhere")
            await console.go_to(HELD)
            await console.do("note")
            console.main.prompt.query_one(Input).value = "from here"
            await console.press("enter")
            await console.until(lambda: console.task(HELD).note == "from here")
    finally:
        app.close()


async def test_a_note_that_cannot_be_written_is_told(profile: Profile) -> None:
    async with opened(profile) as console:
        fill_disk(console)
        await console.do("note")
        console.main.prompt.query_one(Input).value = LONG
        await console.press("enter")
        await console.until(lambda: "Free some space and try again." in " ".join(console.line("status").split()))


async def test_what_the_engine_says_of_the_service_is_shown_once_and_in_the_header(profile: Profile) -> None:
    async with opened(profile) as console:
        engine_state.record_health(console.store, ServiceHealthState.THROTTLED, "The service asks for patience.", NOW)
        await console.sees("▲ rate-limited, next try 09:30:00", " The service asks for patience.")
        await console.press("x")
        assert "cannot be cancelled" in console.line("status")
        engine_state.record_health(console.store, ServiceHealthState.REACHED, None, None)
        await console.until(lambda: "▲" not in console.line("header"))
        assert "cannot be cancelled" in console.line("status")


async def test_the_result_of_an_action_stays_until_the_next_key_beside_what_the_engine_says(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="new@example.com")
        await console.submit_form()
        engine_state.record_health(console.store, ServiceHealthState.DENIED, "Access was denied.", None)
        await console.until(lambda: "Access was denied." in console.line("status"))
        assert f"Recorded as #{len(PAST) + 1}" in console.line("status")
        engine_state.record_health(console.store, ServiceHealthState.REACHED, None, None)
        await console.until(lambda: "denied" not in console.line("status"))
        assert f"Recorded as #{len(PAST) + 1}" in console.line("status")
        engine_state.record_health(console.store, ServiceHealthState.DENIED, "Access was denied.", None)
        await console.until(lambda: "Access was denied." in console.line("status"))
        await console.press("s")
        await console.until(lambda: not console.line("status").strip())


async def test_what_the_engine_said_of_the_service_goes_once_it_no_longer_holds(profile: Profile) -> None:
    async with opened(profile) as console:
        engine_state.record_health(console.store, ServiceHealthState.THROTTLED, "The service asks for patience.", NOW)
        await console.until(lambda: "asks for patience." in console.line("status"))
        engine_state.record_health(console.store, ServiceHealthState.REACHED, None, None)
        await console.until(lambda: "patience" not in console.line("status"))


async def test_without_an_engine_an_old_state_of_the_service_is_not_shown(profile: Profile) -> None:
    async with opened(profile) as console:
        engine_state.record_health(console.store, ServiceHealthState.UNREACHABLE, "Out of reach.", NOW)
        await console.sees("▲ service unreachable", " Out of reach.")
        engine, full = console.app._engine, "The disk is full."
        engine.role, engine.trouble = EngineRole.DISK_FULL, full
        console.app.call_later(console.app.show_engine)
        await console.until(lambda: "▲ engine waits: disk full" in console.line("header"))
        assert console.line("status").strip() == full
        engine_state.record_health(console.store, ServiceHealthState.DENIED, "Access was denied.", NOW)
        single.set_note(console.store, HELD, "looked at", "op")
        await console.sees("looked at")
        assert "denied" not in console.text
        assert console.line("status").strip() == full
        engine.role, engine.trouble = EngineRole.ENGINE, None
        console.app.call_later(console.app.show_engine)
        await console.until(lambda: "▲ access denied" in console.line("header"))
        assert full not in console.text


async def test_a_history_that_cannot_be_read_is_told_and_shown_again_when_it_can(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_store: Store) -> EngineState:
        raise StoreDamaged("The history is damaged.")

    async with opened(profile) as console:
        with monkeypatch.context() as broken:
            broken.setattr(engine_state, "read", damaged)
            console.main.session.feed.refresh()
            await console.until(lambda: "The history is damaged." in console.line("status"))
        engine_state.record_health(console.store, ServiceHealthState.DENIED, "Access was denied.", None)
        await console.sees("▲ access denied")


async def test_after_a_fault_that_nobody_foresaw_the_history_is_read_again(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_store: Store) -> EngineState:
        raise apsw.InterruptError("secret words")

    async with opened(profile) as console:
        with monkeypatch.context() as broken:
            broken.setattr(engine_state, "read", interrupted)
            console.main.session.feed.refresh()
            await console.until(lambda: "(InterruptError); it is tried again." in console.line("status"))
        assert "secret" not in console.text
        engine_state.record_health(console.store, ServiceHealthState.DENIED, "Access was denied.", None)
        await console.sees("▲ access denied")


@pytest.mark.parametrize("read", ["by_numbers", "timeline", "views", "earlier", "sent"])
async def test_a_read_of_the_screen_that_fails_is_told_and_ends_nothing(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    def damaged(*_asked: object) -> list[Task]:
        raise StoreDamaged("The history is damaged.")

    async with opened(profile) as console:
        with monkeypatch.context() as broken:
            broken.setattr(tasks, "by_numbers", damaged)
            broken.setattr(tasks, "newest_for", damaged)
            broken.setattr(timeline, "of_task", damaged)
            broken.setattr(saved_views, "all_views", damaged)
            broken.setattr(intent_log, "by_ids", damaged)
            reader, task = console.main.session.reader, console.main.table.current
            assert task is not None
            asked: dict[str, Callable[[], object]] = {
                "by_numbers": lambda: reader.by_numbers([1]),
                "timeline": lambda: reader.timeline(task),
                "views": lambda: reader.views(),
                "earlier": lambda: reader.earlier_task_sentence(Kind.RETRIEVAL, "a@example.com"),
                "sent": lambda: console.main.session.reader.logged_intents([1]),
            }
            asked[read]()
            await console.until(lambda: "The history is damaged." in console.line("status"))
            await console.press("j", "j")
        assert console.app.is_running


async def test_once_the_history_is_moved_the_form_keeps_what_was_typed_and_files_it_when_it_is_back(
    profile: Profile,
) -> None:
    async with opened(profile) as console:
        moved = profile.folder.rename(profile.folder.with_name("moved"))
        await console.sees("nothing is recorded or sent")
        await console.fill(email="new@example.com", note="kept")
        await console.press("enter")
        await console.until(lambda: "moved, removed or replaced" in " ".join(console.line("status").split()))
        assert console.main.form.display
        assert console.field("email").value == "new@example.com"
        moved.rename(profile.folder)
        await console.submit_form()
        assert console.task(len(PAST) + 1).email == "new@example.com"


async def test_under_another_shops_settings_all_is_seen_and_nothing_recorded(profile: Profile) -> None:
    store = open_store(profile.history_path)
    store.require_shop(Shop("bp-other", None))
    engine_state.record_health(store, ServiceHealthState.REACHED, "bound", None)
    store.close()
    async with opened(profile) as console:
        await console.sees("bp-other", "engine stopped", "read-only", "--profile production config adopt.")
        assert "n new" not in console.line("footer")
        await console.press("n")
        await console.sees(f"n: {READ_ONLY}")
        await console.press("colon", *"submit retrieval new@example.com", "enter")
        await console.sees(READ_ONLY)
        assert not console.main.form.display
        assert as_int(console.store.rows("SELECT count(*) FROM tasks")[0][0]) == len(PAST)


async def test_trouble_of_the_service_hides_no_note(profile: Profile) -> None:
    async with opened(profile) as console:
        with console.store.write() as transaction:
            transaction.run("UPDATE tasks SET trouble = 'The line is down.' WHERE number = ?", (HELD,))
            transaction.run("UPDATE tasks SET revision = ? WHERE number = ?", (transaction.revision, HELD))
        await console.sees("VIP · The line")
        engine_state.record_health(console.store, ServiceHealthState.UNREACHABLE, "The line is down.", NOW)
        await console.sees("▲ service unreachable")
        await console.until(lambda: "VIP · The line" not in console.text)
        assert "VIP" in console.line("table")
        engine_state.record_health(console.store, ServiceHealthState.REACHED, None, None)
        await console.sees("VIP · The line")


async def test_the_dashboard_says_that_the_history_is_damaged(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> None:
        raise StoreDamaged("The history is damaged.")

    monkeypatch.setattr(dashboard, "read_statistics", damaged)
    async with opened(profile) as console:
        await console.press("D")
        await console.sees("The history is damaged.")


async def test_work_beside_a_screen_that_meets_damage_ends_with_a_sentence(profile: Profile) -> None:
    async def meet_damage() -> None:
        raise StoreDamaged("The history is damaged.")

    async with opened(profile) as console:
        run_in_background(console.main, meet_damage)
        await console.sees("The history is damaged.")


async def test_a_task_under_a_regulation_that_is_not_known_is_shown_without_its_dates(profile: Profile) -> None:
    async with opened(profile) as console:
        console.store.rows("UPDATE tasks SET regulation = 'us-mars', revision = revision + 1 WHERE number = ?", (HELD,))
        await console.until(lambda: console.task(HELD).regulation == "us-mars")
        await console.go_to(HELD)
        await console.sees("us-mars")
        await console.press("E")
        await console.sees("has no legal deadline that could be extended")
        await console.press("A")
        await console.sees("Date receipt of")
        await console.press("enter", "escape")
