"""A read-only profile: everything is seen, nothing is written, and each refusal says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bwp_tui.actions.record_operations import NOTE
from bwp_tui.actions.service_operations import CANCEL, DOWNLOAD, REFRESH, RESUBMIT, cannot_refresh
from bwp_tui.console.bindings.actions import ACTIONS, ActionContext
from bwp_tui.console.bindings.key_names import key_text
from bwp_tui.console.presentation import task_detail
from bwp_tui.console.store_access.write_guard import READ_ONLY
from bwp_tui.domain.filter import Filter
from bwp_tui.domain.views import View
from bwp_tui.store.commands import download_queue, saved_views
from bwp_tui.store.commands.requests import cannot_cancel, cannot_download, cannot_resubmit
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks
from tests.console.past_tasks import HELD, NOT_KNOWN, READY, TODAY
from tests.console.support import make_profile, opened

TARGETS = {"new": READY, "new_deletion": READY, "download": READY, "resubmit": NOT_KNOWN, "cancel": HELD, "note": READY}


async def test_every_action_that_writes_is_refused_and_says_why(tmp_path: Path) -> None:
    async with opened(make_profile(tmp_path / "production", read_only=True)) as console:
        assert "read-only  masked" in console.line("header")
        revision = console.store.revision()
        for name, number in TARGETS.items():
            await console.go_to(number)
            (action,) = (action for action in ACTIONS if action.name == name)
            await console.press(action.keys[0])
            assert f"{key_text(action.keys[0])}: {READ_ONLY}" in console.line("status")
            assert not console.main.prompt.is_open
            assert not console.main.form.display
        assert console.store.revision() == revision


async def test_reading_goes_on(tmp_path: Path) -> None:
    async with opened(make_profile(tmp_path / "production", read_only=True)) as console:
        situation = ActionContext(console.task(HELD), read_only=True, today=TODAY)
        possible = {action.name for action in ACTIONS if action.disabled_reason(situation) is None}
        assert {"filter", "detail", "copy", "mask", "view_1", "help", "command", "quit"} <= possible


@pytest.mark.parametrize("read_only", [False, True])
async def test_the_details_offer_no_action_that_is_refused(tmp_path: Path, read_only: bool) -> None:
    async with opened(make_profile(tmp_path / "production", read_only=read_only)) as console:
        session, offered = console.main.session, set[str]()

        def key(name: str) -> str:
            text = session.offered_key(name)
            offered.update([name] if text else [])
            return text

        context = session.display_context()._replace(key=key)
        for task in tasks.matching(console.store, Filter(), today=TODAY, limit=100):
            shown = [*task_detail.outcome_paragraphs(task, context), *task_detail.fact_lines(task, context)]
            assert ("", "key") not in [text for line in shown for text in line]
        assert offered == (set() if read_only else {"acknowledge", "answer", "decline", "download", "new", "resubmit"})
        assert session.offered_key("archive") == "o"


async def test_an_empty_list_offers_no_action_that_is_refused(tmp_path: Path) -> None:
    for read_only in (False, True):
        async with opened(make_profile(tmp_path / f"{read_only}", read_only=read_only), past=()) as console:
            await console.sees("No tasks yet.")
            assert ("Press n" in console.text) is not read_only


async def test_a_view_is_neither_saved_nor_deleted(tmp_path: Path) -> None:
    async with opened(make_profile(tmp_path / "production", read_only=True)) as console:
        saved_views.save(console.store, View("mine", "kind:deletion"))
        await console.press("V")
        assert f"V: {READ_ONLY}" in console.line("status")
        assert not console.main.prompt.is_open
        await console.press("colon")
        console.main.prompt.set_text("views delete mine")
        await console.press("enter")
        await console.sees(READ_ONLY)
        assert [view.name for view in saved_views.saved(console.store)] == ["mine"]


async def test_whoever_asks_a_read_only_register_to_change_is_refused(tmp_path: Path) -> None:
    async with opened(make_profile(tmp_path / "production", read_only=True)) as console:
        session, revision = console.main.session, console.store.revision()
        deeds: tuple[Callable[[], object], ...] = (
            lambda: session.task_commands.save_view(View("mine", "")),
            lambda: session.task_commands.delete_view("mine"),
            lambda: session.task_commands.apply(CANCEL, [HELD], "the task", cannot_cancel),
            lambda: session.task_commands.apply(DOWNLOAD, [READY], "the task", cannot_download),
            lambda: session.task_commands.apply(RESUBMIT, [NOT_KNOWN], "the task", cannot_resubmit),
            lambda: session.task_commands.record(NOTE, [READY], TODAY, text="a note"),
            lambda: download_queue.move(session.write_guard.store, 1, 1, session.actor),
            lambda: download_queue.pause(session.write_guard.store, [1], session.actor),
        )
        for deed in deeds:
            with pytest.raises(NotPossible, match=READ_ONLY):
                deed()
        assert console.store.revision() == revision
        assert session.task_commands.apply(REFRESH, [READY], "the task", cannot_refresh)
