"""A team on one host: real accounts in a group, and one outside of it, reached by `su`."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings.load import account
from tests.cli.conftest import variables
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or account() != "root" or shutil.which("useradd") is None or not Path("/proc/self").exists(),
    reason="it makes accounts, which takes root",
)
ROOT = Path(__file__).parents[2]
MARK = f"bwpt{os.getpid() % 100_000}"
GROUP = f"{MARK}g"
ANN, BOB, CY, EVE = (f"{MARK}{letter}" for letter in "abce")
"""Three of the team, and one who is not."""


@dataclass
class Team:
    """The accounts, and how each of them starts the program."""

    data: Path
    python: str
    env: dict[str, str]

    @property
    def folder(self) -> Path:
        return self.data / "shop"

    def shell(self, who: str, line: str) -> list[str]:
        exported = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.env.items())
        return ["su", who, "-s", "/bin/sh", "-c", f"umask 0022; cd /; exec env {exported} {line}"]

    def argv(self, who: str, *words: str) -> list[str]:
        return self.shell(who, shlex.join([self.python, "-m", "bwp_tui", *words]))

    def __call__(self, who: str, *words: str, code: int = 0, typed: str = "") -> str:
        ended = subprocess.run(self.argv(who, *words), capture_output=True, text=True, input=typed, check=False)
        assert ended.returncode == code, (who, words, ended.stdout, ended.stderr)
        return ended.stdout + ended.stderr

    def task(self, number: int = 1, who: str = BOB) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self(who, "show", str(number), "--json"))
        return shown


@pytest.fixture(scope="module")
def accounts() -> Iterator[str]:
    """The accounts, removed at the end; the value is a Python that they can run the program with."""
    subprocess.run(["groupadd", GROUP], check=True)
    try:
        for who in (ANN, BOB, CY):
            subprocess.run(["useradd", "-M", "-d", "/nonexistent", "-G", GROUP, who], check=True)
        subprocess.run(["useradd", "-M", "-d", "/nonexistent", EVE], check=True)
        yield _python()
    finally:
        for who in (ANN, BOB, CY, EVE):
            subprocess.run(["userdel", who], check=False, capture_output=True)
        subprocess.run(["groupdel", GROUP], check=False)


def _python() -> str:
    """Return a Python with which another account can run the program; skip where there is none."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        can = ["su", ANN, "-s", "/bin/sh", "-c", f"cd /; PYTHONPATH={_path()} {python} -c 'import bwp_tui, apsw'"]
        if subprocess.run(can, capture_output=True, check=False).returncode == 0:
            return python
    pytest.skip("other accounts cannot run this Python or read the program")


def _path() -> str:
    return os.pathsep.join([str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))])


@pytest.fixture
def team(accounts: str) -> Iterator[Team]:
    with Sandbox(speed=20_000) as practice, tempfile.TemporaryDirectory(dir="/tmp") as place:
        data = Path(place) / "data"
        data.mkdir()
        shutil.chown(data, group=GROUP)
        data.chmod(0o2770)
        Path(place).chmod(0o755)
        config = Path(place) / "config.toml"
        config.write_text(f'[profiles.shop]\ngroup = "{GROUP}"\ndata_dir = "{data}"\n')
        config.chmod(0o644)
        env = {"PYTHONPATH": _path(), "HOME": "/nonexistent", "TZ": "UTC", "LANG": "C.UTF-8", "TERM": "dumb"}
        env |= {"BWP_CONFIG_FILE": str(config), "BWP_PROFILE": "shop", "PYTHONDONTWRITEBYTECODE": "1"}
        yield Team(data, accounts, env | variables(practice))


def actors(team: Team, number: int = 1) -> dict[str, str]:
    record = json.loads(team(CY, "evidence", str(number), "--json"))
    return {event["what"]: event["actor"] for event in record["timeline"]}


def test_a_team_shares_one_history_and_one_engine_and_an_outsider_reads_nothing(team: Team) -> None:
    team(ANN, "submit", "retrieval", "jane@example.com")
    assert team.task()["email"] == "jane@example.com"
    team(CY, "note", "1", "seen by Cy")
    running = [subprocess.Popen(team.argv(BOB, "run"))]
    try:
        eventually(lambda: team.task()["status"] == "COMPLETED")
        running.append(subprocess.Popen(team.argv(ANN, "run")))
        eventually(lambda: _processes(ANN))
        _signal(BOB, signal.SIGKILL)
        team(CY, "submit", "retrieval", "john@example.com")
        eventually(lambda: team.task(2)["status"] == "COMPLETED")
    finally:
        _signal(BOB, signal.SIGKILL)
        _signal(ANN, signal.SIGTERM)
        for process in running:
            process.wait()
    team(CY, "download", "2")
    _check_modes(team)
    who = actors(team)
    assert who["recorded"] == ANN
    assert who["note"] == CY
    assert GROUP in team(EVE, "list", code=2)
    for path in (team.folder, *team.folder.rglob("*")):
        reading = subprocess.run(team.shell(EVE, f"cat {shlex.quote(str(path))}"), capture_output=True, check=False)
        assert reading.returncode != 0
        assert not reading.stdout


def _processes(who: str) -> list[int]:
    listed = subprocess.run(["pgrep", "-u", who, "-f", "bwp_tui run"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]


def _signal(who: str, number: int) -> None:
    for pid in _processes(who):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _check_modes(team: Team) -> None:
    for path in (team.folder, *team.folder.rglob("*")):
        facts = path.stat()
        assert path.group() == GROUP, path
        assert facts.st_mode & 0o7777 == (0o2770 if path.is_dir() else 0o660), path


def test_nobody_approves_their_own_deletion(team: Team) -> None:
    config = Path(team.env["BWP_CONFIG_FILE"])
    config.write_text(config.read_text() + 'approve = "deletions"\n')
    waited = team(ANN, "submit", "deletion", "jane@example.com", "--yes", "--wait", code=1)
    assert [line.count("deletion") for line in waited.splitlines()].count(1) == 1, waited
    assert team.task()["status"] == "UNAPPROVED"
    team(BOB, "run", "--once")
    assert team.task()["status"] == "UNAPPROVED"
    own = team(ANN, "approve", "1", "--yes", code=1)
    assert "another person" in own
    forged = {**team.env, "BWP_ACTOR": BOB}
    assert "another person" in Team(team.data, team.python, forged)(ANN, "approve", "1", "--yes", code=1)
    assert len(json.loads(team(CY, "list", "is:unapproved", "--json"))) == 1
    team(BOB, "approve", "1", "--yes")
    assert team.task()["task_id"]
    who = actors(team)
    assert who["recorded"] == ANN
    assert who["approved"] == BOB
    team(CY, "evidence", "--verify")
    unit = team(CY, "run", "--print-unit", "system")
    assert f"SupplementaryGroups={GROUP}" in unit
    assert f'ReadWritePaths="{team.data}"' in unit
    assert "is shared in the group" in team(CY, "doctor")
