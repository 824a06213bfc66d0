"""`bwp-tui sandbox`, and opening the console where there is no terminal."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from bwp_tui.cli.commands import sandbox as practice_commands
from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.cli.main import run
from bwp_tui.console.store_access.snapshot_feed import SnapshotFeed
from bwp_tui.engine.runtime.lease import Lease
from bwp_tui.sandbox.faults import FAULTS
from bwp_tui.settings import Profile
from bwp_tui.store.database.damage_flag import flag_damage, is_flagged
from bwp_tui.store.maintenance import backups
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from tests.cli.conftest import Bwp


@contextmanager
def served(bwp: Bwp, *options: str) -> Iterator[dict[str, str]]:
    """Serve the practice API; yield the variables that lead to it."""
    with subprocess.Popen(
        bwp.argv("sandbox", "--serve", *options), env=bwp.env, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            lines = [server.stdout.readline() for _ in range(6)]
            assert all(line.startswith("export BWP_") for line in lines)
            yield dict(line.removeprefix("export ").rstrip().split("=", 1) for line in lines)
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(20) == 0


def test_the_served_api_is_usable_with_the_variables_it_prints_also_once_it_was_started_again(bwp: Bwp) -> None:
    port = "0"
    for email in ("jane@example.com", "bob@example.com"):
        with served(bwp, "--tasks", "3", "--port", port) as exported:
            port = exported["BWP_API_URL"].rsplit(":", 1)[1].split("/")[0]
            ended = bwp("submit", "retrieval", email, env=exported)
            assert (ended.code, ended.err) == (0, "")
    assert (bwp.data / "practice" / "history.db").exists()


def test_a_taken_port_is_told(bwp: Bwp) -> None:
    with subprocess.Popen(bwp.argv("sandbox", "--serve"), env=bwp.env, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        port = server.stdout.readline().rsplit(":", 1)[1].split("/")[0]
        ended = bwp("sandbox", "--serve", "--port", port)
        server.terminate()
    assert ended.code == 2
    assert f"Port {port} cannot be used" in ended.err


def test_an_unknown_fault_is_told_with_the_nearest(bwp: Bwp) -> None:
    ended = bwp("sandbox", "--serve", "--fault", "lost-anser=0.1")
    assert ended.code == 2
    assert "lost-answer" in ended.err


def test_without_the_extra_packages_the_line_that_installs_them_is_told(bwp: Bwp, tmp_path: Path) -> None:
    absent = tmp_path / "absent" / "graphql"
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text("raise ModuleNotFoundError('No module named graphql', name='graphql')")
    ended = bwp("sandbox", "--serve", env={"PYTHONPATH": f"{absent.parent}:{Path.cwd()}"})
    assert ended.code == 2
    assert ended.err == "bwp-tui: The sandbox needs two more packages; run in the clone: pip install '.[sandbox]'\n"


@pytest.mark.parametrize(
    ("words", "instead"), [([], "Use bwp-tui --plain or"), (["sandbox"], "Use bwp-tui sandbox --plain.")]
)
@pytest.mark.parametrize("kind", ["xterm", "dumb", ""])
def test_the_console_needs_a_terminal_and_names_what_needs_none(
    bwp: Bwp, words: list[str], instead: str, kind: str
) -> None:
    ended = bwp(*words, env={"TERM": kind})
    assert ended.code == 2
    assert instead in ended.err
    assert ended.err.count("\n") == 1
    assert not bwp.data.exists()


class Console:
    """Stands in for the console: looks at the practice profile that it is given."""

    def __init__(self) -> None:
        self.profiles: list[Profile] = []
        self.counts: list[int] = []

    def __call__(self, profile: Profile, *, theme: str | None, feed: SnapshotFeed) -> int:
        feed.stop()
        store = open_store(profile.history_path)
        self.profiles.append(profile)
        self.counts.append(len(tasks.changed_since(store, 0)))
        store.close()
        assert theme == "light"
        lease = Lease(profile.lease_path)
        assert lease.acquire()
        lease.release()
        return 0


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Console:
    """A console that needs no terminal, over a data folder of the test's own."""
    stand_in = Console()
    module = ModuleType("bwp_tui.console.run")
    module.run_console = stand_in  # type: ignore[attr-defined]  # a module made here has no declared names
    monkeypatch.setitem(sys.modules, "bwp_tui.console.run", module)
    monkeypatch.setattr(practice_commands, "require_terminal", lambda _: None)
    monkeypatch.setenv("BWP_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("threading.excepthook", lambda _args: None)
    return stand_in


def test_each_practice_begins_with_a_fresh_register_of_the_past(console: Console, tmp_path: Path) -> None:
    archives = tmp_path / "sandbox" / "downloads"
    archives.mkdir(parents=True)
    (archives / "old.zip").touch()
    (archives / "mine.txt").touch()
    history = tmp_path / "sandbox" / "history.db"
    flag_damage(history)
    for _ in range(3):
        assert run(["sandbox", "--tasks", "12", "--theme", "light"]) == ExitCode.DONE
        aside = history.with_name("history.replaced-20260102T030405.0Z.db")
        backup = backups.todays_path(history, date(2026, 1, 2))
        for copy in (aside, backup):
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(history, copy)
    assert console.counts == [12, 12, 12]
    profile = console.profiles[0]
    assert (profile.is_sandbox, profile.speed, profile.name) == (True, 1.0, "sandbox")
    assert profile.folder == tmp_path / "sandbox"
    assert not is_flagged(profile.history_path)
    assert [path.name for path in archives.iterdir()] == ["mine.txt"]


def test_a_second_practice_leaves_the_open_one_alone(
    console: Console, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "sandbox" / "history.db"
    kept.parent.mkdir()
    lease = Lease(kept.with_name("engine.lock"))
    assert lease.acquire()
    kept.write_bytes(b"in use")
    try:
        assert run(["sandbox", "--theme", "light"]) == ExitCode.USAGE
    finally:
        lease.release()
    assert "Another practice console is open" in capsys.readouterr().err
    assert kept.read_bytes() == b"in use"
    assert console.profiles == []


def test_a_linked_download_folder_is_not_emptied(console: Console, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "real.zip").touch()
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "downloads").symlink_to(elsewhere)
    assert run(["sandbox", "--theme", "light"]) == ExitCode.DONE
    assert (elsewhere / "real.zip").exists()
    assert len(console.profiles) == 1


def test_a_config_file_with_a_mistake_is_said_not_to_be_used(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('theme = "lihgt"\n[keys]\nmark = "z"\n', encoding="utf-8")
    monkeypatch.setenv("BWP_CONFIG_FILE", str(file))
    assert run(["sandbox", "--tasks", "1", "--theme", "light"]) == ExitCode.DONE
    told = capsys.readouterr().err
    assert "The config file is ignored" in told
    assert "did you mean light?" in told
    assert console.profiles[0].keys == ()


def test_the_help_names_every_fault(bwp: Bwp) -> None:
    env = {**bwp.env, "COLUMNS": "500"}
    ended = subprocess.run(bwp.argv("sandbox", "--help"), env=env, capture_output=True, text=True, check=False)
    assert ", ".join(FAULTS) in ended.stdout
