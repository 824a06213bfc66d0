"""What `bwp-tui run` logs: a line for each thing that happens, for people or for journald, without emails and links."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bwp_tui.sandbox.server import Sandbox
from tests.cli.conftest import Bwp, variables
from tests.waiting import eventually


@pytest.fixture
def shop(bwp: Bwp) -> Iterator[Bwp]:
    with Sandbox(slow_s=0.05) as practice:
        bwp.env |= variables(practice)
        yield bwp


@contextmanager
def running(shop: Bwp, log: Path, *options: str, journal: bool = False, number: int = signal.SIGTERM) -> Iterator[None]:
    """Run the engine with its log in a file, and stop it by a signal."""
    with log.open("wb") as stderr:
        facts = os.fstat(stderr.fileno())
        env = {"JOURNAL_STREAM": f"{facts.st_dev}:{facts.st_ino}"} if journal else {}
        with subprocess.Popen(shop.argv("run", *options), env={**shop.env, **env}, stderr=stderr) as engine:
            try:
                eventually(lambda: "is the engine" in log.read_text())
                yield
                engine.send_signal(number)
                assert engine.wait(20) == 0
            finally:
                engine.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_each_thing_that_happens_is_a_line_without_an_email(shop: Bwp, tmp_path: Path, number: int) -> None:
    log = tmp_path / "log"
    with running(shop, log, "--verbose", "--heartbeat", "0.2", number=number):
        assert shop("submit", "retrieval", "jane@example.com").code == 0
        assert shop("submit", "retrieval", "nobody@example.com").code == 0
        assert shop("wait", "1", "--timeout", "60").code == 0
        assert shop("download", "1").code == 0
        wanted = (r"info    Task 1( \(\S+\))?: recorded QUEUED\.", r"info    Task 1 \(\S+\): status \S+ → COMPLETED\.")
        for line in (*wanted, r"Task 1 \(\S+\): downloaded\.", r"warning Task 2 \(\S+\): status \S+ → FAILED\."):
            eventually(lambda: re.search(line, log.read_text()), 60)  # noqa: B023  called at once
        eventually(lambda: "Alive: 0 events since" in log.read_text())
    said = log.read_text()
    assert "HTTP Request: POST 127.0.0.1" in said
    assert "@" not in said
    assert "http://" not in said
    assert "X-Amz" not in said
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S+ (info|warning) +\S", line) for line in said.splitlines())


def test_calls_are_logged_by_a_single_run_too(shop: Bwp, tmp_path: Path) -> None:
    table = tmp_path / "requests.csv"
    table.write_text("kind,email\nretrieval,jane@example.com\n")
    assert shop("import", str(table)).code == 0
    ended = shop("run", "--once", "--verbose")
    assert ended.code == 0
    assert "HTTP Request: POST 127.0.0.1" in ended.err


def test_journald_gets_the_severity_and_no_time(shop: Bwp, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(shop, log, journal=True):
        assert shop("submit", "retrieval", "nobody@example.com").code == 0
        eventually(lambda: "→ FAILED" in log.read_text())
    lines = log.read_text().splitlines()
    assert lines[0] == "<6>This process is the engine of profile default."
    assert any(line.startswith("<4>Task 1 (") for line in lines)
    assert "HTTP Request" not in "".join(lines)


def test_an_outage_is_said_when_it_begins_and_when_it_ends(bwp: Bwp, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Sandbox(slow_s=0.05) as practice:
        bwp.env |= variables(practice)
        port = urlsplit(practice.api_url).port or 0
        with running(bwp, log):
            practice.stop()
            assert bwp("submit", "retrieval", "jane@example.com").code in (0, 3)
            eventually(lambda: "warning Trouble: " in log.read_text())
            with Sandbox(slow_s=0.05, port=port):
                eventually(lambda: "info    The trouble has ended." in log.read_text())
