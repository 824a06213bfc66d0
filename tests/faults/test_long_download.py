"""The small form of a result fetched through every fault of line, store and program, by the console itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.long_download import SMALL, LongDownload
from tests.program_server import ROOT
from tests.pty_terminal import Terminal

ACCESS_TOKEN = "practice-access-token-0123456789"


@pytest.mark.timeout(400)
async def test_a_result_is_whole_cheap_and_told_without_a_secret_through_every_fault_and_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[bytes] = []

    @contextmanager
    def console(env: Mapping[str, str]) -> Iterator[int]:
        with Terminal([sys.executable, "-m", "bwp_tui"], 120, 40, env=env, cwd=str(ROOT)) as terminal:
            yield terminal.pid
            said.append(terminal.bytes_since())

    monkeypatch.setattr("bwp_tui.sandbox.tokens.secrets.token_urlsafe", lambda _size: ACCESS_TOKEN)
    outcome = await LongDownload(tmp_path, SMALL, console).run()
    print(outcome)
    assert outcome.sentences == []
    assert outcome.cuts >= 4
    assert all(b"retrieval" in screen for screen in said), "the screens were drawn"
    places = _files(tmp_path) | {f"screen {number}": screen for number, screen in enumerate(said)}
    assert any(b"big@example.com" in data for data in places.values()), "what is said is found"
    secrets = (ACCESS_TOKEN, "X-Amz-", "AWS4-HMAC", "ASIAPRACTICE", "Bearer", outcome.secret)
    assert [(secret, place) for place, data in places.items() for secret in secrets if secret.encode() in data] == []


def _files(folder: Path) -> dict[str, bytes]:
    """The content of every file below `folder`, its name included, but for the archives that were asked for."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".zip"]
    return {str(path): str(path).encode() + path.read_bytes() for path in paths}
