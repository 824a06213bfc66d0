"""Wrong surroundings: each ends, or is told, in one clear sentence; nothing is lost and nothing storms."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from bwp_tui.sandbox.server import Sandbox
from tests.e2e.operator import (
    PASTE_ENDED_S,
    RESULT_OFFERED,
    Clock,
    Operator,
    end,
    on_current_row,
    submit_retrieval,
    unchanging_history,
)


def test_without_credentials_the_console_says_what_is_missing_and_leaves_with_2(operator: Operator) -> None:
    with operator.console() as terminal:
        for words in ("BWP_CLIENT_ID", "BWP_CLIENT_SECRET", "BWP_TARGET_ID", "bwp-tui sandbox", "config.toml"):
            terminal.wait_for(words)
        terminal.wait_for("q quit")
        assert end(terminal) == 2


@pytest.mark.parametrize("words", [[], ["sandbox"]], ids=["console", "sandbox"])
def test_a_terminal_that_cannot_be_drawn_on_is_refused_in_one_sentence(operator: Operator, words: list[str]) -> None:
    with operator.console(arguments=words, TERM="dumb") as terminal:
        assert terminal.wait() == 2
        terminal.wait_until_quiet()
        said = terminal.bytes_since()
    assert b"\x1b" not in said
    assert said.decode().count("\n") == 1
    assert ("bwp-tui sandbox --plain" if words else "bwp-tui list") in said.decode()


def test_without_a_terminal_the_console_is_refused_in_one_sentence(operator: Operator) -> None:
    ended = operator()
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1


def test_a_terminal_that_is_too_small_says_so_and_larger_it_shows_all(shop: Operator) -> None:
    shop.plant(unchanging_history(5))
    with shop.console((39, 9)) as terminal:
        small = terminal.wait_for("bwp-tui needs")
        assert small.strip().startswith("bwp-tui needs")
        assert "all 5" not in small
        terminal.resize(80, 24)
        terminal.wait_for(lambda screen: "engine here" in screen and "1 all 5" in screen and "q quit" in screen)
        terminal.resize(59, 14)
        terminal.wait_for(lambda screen: "all 5" in screen and "COMPLETED" in screen and "q quit" not in screen)
        terminal.resize(60, 15)
        terminal.wait_for(lambda screen: "all 5" in screen and "COMPLETED" in screen)
        assert end(terminal) == 0


def test_wrong_credentials_are_told_and_asked_for_once(shop: Operator, practice: Sandbox) -> None:
    with shop.console(BWP_CLIENT_SECRET="wrong") as terminal:
        terminal.wait_for("engine here")
        submit_retrieval(terminal, "jane@example.com")
        terminal.wait_for("▲ credentials refused")
        terminal.wait_until_quiet(quiet=PASTE_ENDED_S)
        terminal.send("u")
        submit_retrieval(terminal, "john@example.com")
        terminal.wait_until_quiet(quiet=2.0)
        assert practice.state.calls["token"] == 1
        assert practice.state.starts == []
        assert "wrong" not in terminal.screen_text().replace("went wrong", "")
        assert end(terminal) == 0
    with shop.console() as terminal:  # with the right ones, what was asked for is sent
        terminal.wait_for(lambda screen: screen.count(RESULT_OFFERED) == 2)
    assert len(practice.state.starts) == 2


def test_an_unreachable_service_is_told_with_the_next_try_and_recovers(
    shop: Operator, practice: Sandbox, clock: Clock
) -> None:
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        practice.stop()
        submit_retrieval(terminal, "jane@example.com")
        terminal.wait_for(lambda screen: "▲ service unreachable, next try " in screen and "QUEUED" in screen)
        practice.start()
        terminal.wait_for("engine here")
        terminal.wait_for(on_current_row(RESULT_OFFERED))
        clock.advance(timedelta())
        assert end(terminal) == 0
    assert len(practice.state.starts) == 1


def test_a_history_of_a_newer_program_is_left_alone(shop: Operator) -> None:
    shop.plant(unchanging_history(3))
    path = shop.folder / "history.db"
    database = apsw.Connection(os.fspath(path))
    database.execute("CREATE TABLE of_a_newer_program (x)")
    database.pragma("user_version", 999)
    database.pragma("journal_mode", "delete")
    database.close()
    before = path.read_bytes()
    with shop.console() as terminal:
        assert terminal.wait() == 1
        terminal.wait_until_quiet()
        said = terminal.screen_text().strip()
    assert said.startswith("bwp-tui: A newer bwp-tui wrote the history")
    assert "Update bwp-tui" in said.replace("\n", "")
    assert path.read_bytes() == before


def unusable_folders(tmp_path: Path) -> list[Path]:
    plain = tmp_path / "plain"
    plain.write_text("a file")
    return [plain / "data", Path("/proc/bwp-data")]


@pytest.mark.parametrize("which", [0, 1], ids=["below a file", "in a file system that takes none"])
def test_an_unwritable_data_folder_is_told_in_one_sentence(shop: Operator, tmp_path: Path, which: int) -> None:
    folder = unusable_folders(tmp_path)[which]
    with shop.console(BWP_DATA_DIR=str(folder)) as terminal:
        assert terminal.wait() == 1
        terminal.wait_until_quiet()
        said = terminal.bytes_since().decode()
    assert said.startswith("bwp-tui: The history ")
    assert "BWP_DATA_DIR" in said
    assert said.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_data_folder_of_someone_else_is_told_in_one_sentence(shop: Operator) -> None:
    shop.data.mkdir(mode=0o500)
    with shop.console() as terminal:
        assert terminal.wait() == 1
        terminal.wait_until_quiet()
        assert "cannot be written by this user" in terminal.bytes_since().decode()


def test_a_register_that_becomes_unusable_is_told_and_the_form_keeps_what_was_typed(shop: Operator) -> None:
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        blocker = apsw.Connection(os.fspath(shop.folder / "history.db"))
        terminal.send("n")
        terminal.wait_for("Received on")
        terminal.send("jane@example.com")
        terminal.wait_for("✓")
        blocker.execute("BEGIN EXCLUSIVE")
        terminal.send("\r")
        terminal.wait_for("keeps the history")
        # A long sentence takes as many lines as it needs.
        terminal.wait_for(lambda screen: "locked: nothing was recorded. Try again." in " ".join(screen.split()))
        blocker.execute("ROLLBACK")
        blocker.close()
        terminal.wait_for("jane@example.com")
        terminal.send("\r")
        terminal.wait_for("Recorded as #1")
        terminal.wait_for("IN_PROGRESS")
        assert end(terminal) == 0
