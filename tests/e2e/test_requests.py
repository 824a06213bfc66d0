"""The first working day: requests filed, followed, downloaded and cancelled, by keyboard and by script."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import EventKind
from tests.e2e.operator import (
    ENTER,
    ESCAPE,
    RESULT_OFFERED,
    SMALL,
    WIDE,
    Clock,
    Operator,
    current_row,
    end,
    on_current_row,
    served,
    submit_deletion,
    submit_retrieval,
)
from tests.waiting import eventually

AT_ONCE_S = 4.0
"""A fraction of a second on a machine that is not as busy as one that runs tests."""


def check_archive(path: Path, sha256: str) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert "profile.json" in archive.namelist()


def last_polled(shop: Operator) -> datetime | None:
    store = shop.store()
    polled_at = tasks.get(store, 1).polled_at
    store.close()
    return polled_at


def was_polled_since(shop: Operator, before: datetime | None) -> bool:
    return last_polled(shop) != before


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x40", "80x24"])
def test_a_retrieval_is_filed_followed_and_downloaded_with_the_keyboard_alone(
    operator: Operator, size: tuple[int, int]
) -> None:
    with operator.console(size, ["sandbox", "--tasks", "12"]) as terminal:
        terminal.wait_for("engine here")
        terminal.send("n")
        terminal.wait_for("Received on")
        terminal.send("jane.new@example.com")
        terminal.wait_for("✓")
        terminal.send(ENTER)
        terminal.wait_for("Recorded as #13", timeout=AT_ONCE_S)
        terminal.wait_for(on_current_row(RESULT_OFFERED))
        terminal.send("d")
        terminal.wait_for(
            on_current_row("saved")
        )  # a busy machine may paint neither the states nor the progress between
        assert end(terminal) == 0
    operator.profile = "sandbox"
    store = operator.store()
    task = tasks.get(store, 13)
    states = [event.after for event in timeline.of_task(store, 13) if event.after]
    store.close()
    assert (task.email, task.status, task.kind) == ("jane.new@example.com", "COMPLETED", "RETRIEVAL")
    assert states == ["QUEUED", "IN_PROGRESS", "COMPLETED"]
    assert task.download is not None
    check_archive(Path(task.download.path or ""), task.download.sha256 or "")


def test_a_script_submits_waits_and_downloads(operator: Operator) -> None:
    with served(operator):
        submitted = operator("submit", "retrieval", "jane@example.com", "--json")
        assert submitted.code == 0, submitted.err
        task_id = json.loads(submitted.out)["task_id"]
        waited = operator("wait", task_id, "--timeout", "20")
        assert waited.code == 0, waited.err
        downloaded = operator("download", task_id)
        assert downloaded.code == 0, downloaded.err
        known = json.loads(operator("show", task_id, "--json").out)
    assert downloaded.out == f"{known['download']['path']}\n"
    check_archive(Path(known["download"]["path"]), known["download"]["sha256"])


def test_the_console_and_commands_share_a_profile(operator: Operator) -> None:
    with served(operator), operator.console() as terminal:
        terminal.wait_for("engine here")
        submitted = operator("submit", "retrieval", "jane@example.com", "--json")
        assert submitted.code == 0, submitted.err
        terminal.wait_for("IN_PROGRESS", timeout=AT_ONCE_S)
        terminal.wait_for(RESULT_OFFERED)
        terminal.send("d")
        terminal.wait_for(on_current_row("saved"))
        known = json.loads(operator("show", "1", "--json").out)
        assert end(terminal) == 0
    check_archive(Path(known["download"]["path"]), known["download"]["sha256"])


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x40", "80x24"])
def test_a_failed_request_says_code_message_and_what_to_do(shop: Operator, size: tuple[int, int]) -> None:
    with shop.console(size) as terminal:
        terminal.wait_for("engine here")
        submit_retrieval(terminal, "nobody@example.com")
        terminal.wait_for(on_current_row("FAILED"))
        if size == SMALL:
            terminal.send(ENTER)
        explained = ("DATA_SUBJECT_NOT_FOUND", "does not exist", "→ ", "heck the email")
        terminal.wait_for(lambda screen: all(words in screen.partition("──")[2] for words in explained))
        if size == SMALL:
            terminal.send(ESCAPE)
            terminal.wait_for(on_current_row("FAILED"))
        assert end(terminal) == 0


def test_a_deletion_is_cancelled_while_held_and_stays_so(shop: Operator, practice: Sandbox) -> None:
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        submit_deletion(terminal, "gone@example.com")
        terminal.wait_for(on_current_row("ON_HOLD"))
        terminal.send("x")
        terminal.wait_for(" of g•••@example.com?")
        assert practice.state.calls["cancelPersonalDataDeletionTask"] == 0
        terminal.send("y")
        terminal.wait_for(on_current_row("CANCELLED"))
        terminal.send("u")  # nothing that the service says of it could change what was done here
        terminal.wait_for("was cancelled here")
        assert practice.state.calls["personalDataDeletionTask"] == 0
        terminal.wait_until_quiet()
        assert "CANCELLED" in current_row(terminal.screen_text())
        assert end(terminal) == 0
    store = shop.store()
    assert tasks.get(store, 1).status == Status.CANCELLED
    store.close()


def test_no_wrong_key_cancels_a_deletion(shop: Operator, practice: Sandbox) -> None:
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        submit_deletion(terminal, "gone@example.com")
        terminal.wait_for(on_current_row("ON_HOLD"))
        terminal.send("x")
        terminal.wait_for(" of g•••@example.com?")
        terminal.send("n")
        terminal.wait_for(lambda screen: "Cancel the deletion" not in screen and "ON_HOLD" in current_row(screen))
        assert end(terminal) == 0
    assert practice.state.calls["cancelPersonalDataDeletionTask"] == 0


def test_each_download_has_a_link_of_its_own_however_long_ago_the_task_completed(
    shop: Operator, practice: Sandbox, clock: Clock
) -> None:
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        submit_retrieval(terminal, "jane@example.com")
        terminal.wait_for(on_current_row(RESULT_OFFERED))
        assert practice.state.calls["link"] == 0
        clock.advance(timedelta(hours=3))  # any earlier link, and the access token, are dead by now
        terminal.send("d")
        terminal.wait_for(on_current_row("saved"))
        assert (practice.state.calls["link"], practice.state.calls["download"]) == (1, 1)
        clock.advance(timedelta(hours=3))
        terminal.send("d")
        terminal.wait_for("Download it again?")
        terminal.send("y")
        eventually(lambda: practice.state.calls["download"] == 2)
        terminal.wait_until_quiet()
        assert practice.state.calls["link"] == 2
        assert end(terminal) == 0
    assert len(list((shop.folder / "downloads").glob("*.zip"))) == 2


def test_a_request_is_printed_before_a_slow_hook_has_ended(shop: Operator, tmp_path: Path) -> None:
    hook, go = tmp_path / "hook", tmp_path / "go"
    hook.write_text(f"#!/bin/sh\nwhile [ ! -e '{go}' ]; do sleep 0.05; done\n")
    hook.chmod(0o755)
    config = tmp_path / "config" / "bwp-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"[hooks]\noverdue = ['{hook}']\n")
    shop.env["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    line = shop.argv("submit", "retrieval", "jane@example.com", "--received", "2026-01-05")

    def hook_events() -> list[str]:
        store = shop.store()
        found = [event.detail or "" for event in timeline.of_task(store, 1) if event.what == EventKind.HOOK]
        store.close()
        return found

    with shop.in_terminal(line) as terminal:
        terminal.wait_for(f"{Status.IN_PROGRESS}")
        eventually(hook_events)
        assert hook_events() == ["overdue; program: to be started"]
        go.touch()
        assert terminal.wait() == 0
    assert len(hook_events()) == 2
