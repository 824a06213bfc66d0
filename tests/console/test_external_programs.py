"""The operator's editor and pager: they get the terminal, and the console gets it back as it was."""

from __future__ import annotations

import base64
import csv
import hashlib
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from bwp_tui.engine.runtime.maintenance_thread import run_maintenance
from bwp_tui.settings import Profile
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from tests.archive.zips import plain
from tests.console.past_tasks import READY
from tests.console.support import make_profile, opened, plant
from tests.console.test_archive_screen import record
from tests.pty_terminal import Terminal
from tests.waiting import eventually

PROGRAM = """
import sys
from pathlib import Path
from bwp_tui.console.run import run_console
from tests.console.support import make_profile
sys.exit(run_console(make_profile(Path(sys.argv[1])), theme=None))
"""
EDITOR = """#!/bin/sh
trap '' INT
stat -c %a "$2" > {log}.mode; stat -c %a "$(dirname "$2")" >> {log}.mode; env > {log}.env; cat "$2" > {log}.before
stty size > {log}.size; stty -a | grep -o -- '-\\?icanon' >> {log}.size
printf 'EDITING'; while [ ! -e {log}.go ]; do sleep 0.05; done
stty size >> {log}.size
{then}
"""
F4 = "\x1bOS"
COLUMNS = 120


@pytest.fixture
def profile_here(tmp_path: Path) -> Profile:
    profile = make_profile(tmp_path / "production")
    plant(profile).close()
    return profile


def editor(tmp_path: Path, then: str) -> Path:
    program = tmp_path / "edit or"
    program.write_text(EDITOR.format(log=tmp_path / "log", then=then))
    program.chmod(0o755)
    return program


@contextmanager
def console(profile: Profile, **env: str) -> Iterator[Terminal]:
    argv = [sys.executable, "-c", PROGRAM, str(profile.folder)]
    with Terminal(argv, columns=COLUMNS, rows=40, env={"BWP_CLIENT_SECRET": "hush-secret", **env}) as terminal:
        terminal.wait_for(f"#{READY} ──")
        yield terminal


def history(profile: Profile) -> Store:
    return open_store(profile.history_path)


def test_a_note_is_written_in_the_editor_and_the_terminal_comes_back(profile_here: Profile, tmp_path: Path) -> None:
    log, folder = tmp_path / "log", profile_here.folder
    program = editor(tmp_path, """printf 'rang\\n\\n  said \\033[2J yes\\n' > "$2" """)
    with console(profile_here, VISUAL=f"'{program}' --wait", EDITOR="false") as terminal:
        terminal.send("e")
        terminal.wait_for("Note on")
        terminal.wait_for("f4 editor")
        terminal.send("half" + F4)
        terminal.wait_for("EDITING")
        terminal.resize(90, 30)
        terminal.send(b"\x03")  # is for the editor: the console stays
        eventually(lambda: (tmp_path / "log.size").exists())
        mark = terminal.mark()
        (tmp_path / "log.go").touch()
        terminal.wait_for("Note on")
        terminal.wait_for("rang said \\x1b[2J yes")
        back = terminal.bytes_since(mark)
        assert back.index(b"\x1b[?1049h") < back.index(b"Note on"), "the alternate screen again"
        assert b"\x1b[2J" not in back.partition(b"\x1b[?1049h")[2]
        assert len(terminal.screen_text().splitlines()) <= 30
        terminal.send("\r")
        terminal.wait_for(lambda screen: "Note on" not in screen and "rang said" in screen)
        terminal.send("q")
        assert terminal.wait() == 0
    assert (log.with_suffix(".before")).read_text() == "half\n"
    assert (log.with_suffix(".mode")).read_text().split() == ["600", "700"]
    assert (log.with_suffix(".size")).read_text().split() == ["40", "120", "icanon", "30", "90"]
    assert "BWP_" not in (log.with_suffix(".env")).read_text()
    assert [path.name for path in folder.glob("edited-*")] == []
    store = history(profile_here)
    assert tasks.get(store, READY).note == "rang said \\x1b[2J yes"
    store.close()


@pytest.mark.parametrize(
    ("editor_line", "sentence"),
    [
        ("no-such-editor -w", "There is no program no-such-editor, which VISUAL names."),
        ("'vi", "VISUAL has an unclosed quotation mark."),
        ("false", "false failed with exit code 1."),
        ("rm -f", "rm left no text. It stays as it was."),
        ("/etc/passwd", "There is no program /etc/passwd, which VISUAL names."),
    ],
)
def test_an_editor_that_fails_changes_nothing_and_is_named(
    profile_here: Profile, editor_line: str, sentence: str
) -> None:
    with console(profile_here, VISUAL=editor_line) as terminal:
        terminal.send("e")
        terminal.wait_for("Note on")
        terminal.send("kept" + F4)
        terminal.wait_for(sentence)
        terminal.wait_for("kept")
        terminal.send("\x1b")
        terminal.wait_for("n new")
        terminal.send("q")
        assert terminal.wait() == 0
    assert list(profile_here.folder.glob("edited-*")) == []


def test_a_console_that_is_ended_meanwhile_ends_the_editor_and_removes_the_file(
    profile_here: Profile, tmp_path: Path
) -> None:
    program = editor(tmp_path, "")
    with console(profile_here, VISUAL=f"'{program}' --wait") as terminal:
        terminal.send("e")
        terminal.wait_for("Note on")
        terminal.send(F4)
        terminal.wait_for("EDITING")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait() == 128 + signal.SIGTERM
    assert list(profile_here.folder.glob("edited-*")) == []


def test_a_text_is_removed_by_maintenance_once_its_console_was_killed(profile_here: Profile, tmp_path: Path) -> None:
    program = editor(tmp_path, "")
    with console(profile_here, VISUAL=f"'{program}' --wait") as terminal:
        terminal.send("e")
        terminal.wait_for("Note on")
        terminal.send("private" + F4)
        terminal.wait_for("EDITING")
        store = history(profile_here)
        assert run_maintenance(store, threading.Event()) is None
        (text,) = profile_here.folder.glob("edited-*/*")
        assert text.read_text() == "private\n", "its console still runs"
        terminal.signal(signal.SIGKILL)
        assert terminal.wait() == -signal.SIGKILL
    (tmp_path / "log.go").touch()
    assert run_maintenance(store, threading.Event()) is None
    store.close()
    assert list(profile_here.folder.glob("edited-*")) == []


def test_an_edited_letter_is_what_is_copied_and_recorded(profile_here: Profile, tmp_path: Path) -> None:
    program = editor(tmp_path, """printf 'Dear Jane, see below.\\nB.' > "$2" """)
    (tmp_path / "log.go").touch()
    with console(profile_here, EDITOR=f"'{program}' --wait") as terminal:
        terminal.send("L")
        terminal.wait_for("built-in text")
        terminal.wait_for("f4 edit")
        terminal.send(F4)
        terminal.wait_for("Dear Jane, see below.")
        terminal.wait_for("edited")
        terminal.send("y")
        terminal.wait_for("sent to the terminal's clipboard")
        terminal.send("\x1b")
        terminal.wait_for("n new")
        terminal.send("q")
        assert terminal.wait() == 0
    store = history(profile_here)
    (event,) = [event for event in timeline.of_task(store, READY) if event.what == "letter"]
    store.close()
    assert hashlib.sha256(b"Dear Jane, see below.\nB.").hexdigest() in (event.detail or "")


PAGER = """#!/bin/sh
env > {log}.env; cat > {log}.text; printf 'PAGING'; exit {code}
"""


@pytest.fixture
def pager(tmp_path: Path) -> Path:
    program = tmp_path / "pager"
    program.write_text(PAGER.format(log=tmp_path / "log", code=0))
    program.chmod(0o755)
    return program


def _holds(file: Path, word: str) -> bool:
    return file.exists() and word in file.read_text()


def test_record_and_timeline_are_shown_in_the_pager_masked_as_the_screen_is(
    profile_here: Profile, tmp_path: Path, pager: Path
) -> None:
    text = tmp_path / "log.text"
    with console(profile_here, PAGER=str(pager)) as terminal:
        for key, word in (("r", '"email": "j•••@example.com"'), ("t", "accepted")):
            terminal.send("|")
            terminal.wait_for("Pager, of")
            terminal.send(key)
            eventually(partial(_holds, text, word))
            assert "jane.doe" not in text.read_text()
            terminal.wait_for("n new")
        terminal.send("q")
        assert terminal.wait() == 0
    variables = (tmp_path / "log.env").read_text()
    assert "LESSSECURE=1" in variables
    assert "BWP_" not in variables


def test_the_previewed_part_of_an_archived_file_is_shown_without_control_characters(
    profile_here: Profile, tmp_path: Path, pager: Path
) -> None:
    members = {"big.txt": b"\x1b[2J first\n" + b"line\n" * 100_000}
    path = plain(tmp_path / "result.zip", members)
    store = history(profile_here)
    record(store, path)
    store.close()
    text = tmp_path / "log.text"
    with console(profile_here, PAGER=str(pager)) as terminal:
        terminal.send("o")
        terminal.wait_for("big.txt")
        terminal.send("|")
        terminal.wait_for("Open a file first.")
        terminal.send("\r")
        terminal.wait_for("x1b[2J first")
        terminal.send("|")
        eventually(lambda: text.exists() and "preview ends here" in text.read_text())
        terminal.wait_for("big.txt")
        assert text.read_text().startswith("\\x1b[2J first\nline\n")
        assert text.stat().st_size < 300_000
        for shown in ("PACKED", "n new", ""):
            terminal.send("q")
            terminal.wait_for(shown)
        assert terminal.wait() == 0


def test_the_output_of_a_line_is_shown_in_the_pager_and_copied_with_its_lines_unbroken(
    profile_here: Profile, tmp_path: Path, pager: Path
) -> None:
    text, line = tmp_path / "log.text", "report --from 2026-01-01 --to 2026-11-30 --csv"
    variables = {"BWP_DATA_DIR": str(tmp_path), "BWP_CLIENT_SECRET": "hush-secret"}
    with console(profile_here, PAGER=str(pager), **variables) as terminal:
        terminal.send(":")
        terminal.wait_for("enter run")
        terminal.send(line)
        terminal.wait_for(f": {line}")
        terminal.send("\r")
        terminal.wait_for("── done · bwp-tui")
        terminal.send("|")
        eventually(lambda: text.exists() and text.read_text().endswith("\n"))
        terminal.wait_for("── done · bwp-tui")
        mark = terminal.mark()
        terminal.send("y")
        terminal.wait_for("The output, emails masked: sent to the terminal's clipboard")
        copied = terminal.bytes_since(mark).partition(b"\x1b]52;c;")[2].partition(b"\x07")[0]
        for shown in ("n new", ""):
            terminal.send("q")
            terminal.wait_for(shown)
        assert terminal.wait() == 0
    rows = list(csv.reader(text.read_text().splitlines()))
    assert len({len(row) for row in rows}) == 1
    assert max(map(len, text.read_text().splitlines())) > COLUMNS
    assert base64.b64decode(copied).decode() == text.read_text().removesuffix("\n")


async def test_where_the_terminal_cannot_be_left_it_is_said(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", "cat")
    async with opened(profile) as screen:
        await screen.press("vertical_line", "r")
        await screen.sees("cat could not be started: this terminal cannot be left to it.")
