from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from tests.program_server import inherited_variables, run_program

USER = pwd.getpwuid(os.getuid()).pw_name
"""Who acts in these tests, whatever LOGNAME says."""


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@dataclass
class Bwp:
    """The program as an operator starts it: a process of its own, with an environment of its own."""

    data: Path
    env: dict[str, str] = field(default_factory=dict)
    profile: str = "default"

    def __call__(self, *arguments: str, typed: str = "", env: Mapping[str, str] | None = None) -> Ended:
        ended = run_program(arguments, {**self.env, **(env or {})}, typed)
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "bwp_tui", *arguments]

    @property
    def folder(self) -> Path:
        return self.data / self.profile

    def store(self) -> Store:
        return open_store(self.folder / "history.db")


@pytest.fixture
def bwp(tmp_path: Path) -> Bwp:
    """The program without credentials."""
    home = tmp_path / "home"
    home.mkdir()
    data = tmp_path / "data"
    return Bwp(data, {**inherited_variables(), "HOME": str(home), "LOGNAME": "ceo", "BWP_DATA_DIR": str(data)})


@pytest.fixture
def practice() -> Iterator[Sandbox]:
    with Sandbox(slow_s=0.05) as running:
        yield running


CREDENTIALS = {"BWP_CLIENT_ID": "client", "BWP_CLIENT_SECRET": "hush-secret", "BWP_TARGET_ID": "bp-1"}
"""Those of a shop whose API is not asked."""


def variables(sandbox: Sandbox) -> dict[str, str]:
    """What leads the program to a practice API."""
    return {
        "BWP_API_URL": sandbox.api_url,
        "BWP_TOKEN_URL": sandbox.token_url,
        "BWP_CLIENT_ID": sandbox.client_id,
        "BWP_CLIENT_SECRET": sandbox.client_secret,
        "BWP_TARGET_ID": sandbox.target_id,
    }


def queue_variables(sandbox: Sandbox) -> dict[str, str]:
    """What leads the program to the queue of a practice API's events."""
    return {
        "BWP_EVENTS_QUEUE_URL": sandbox.queue_url,
        "BWP_EVENTS_REGION": sandbox.region,
        "AWS_ACCESS_KEY_ID": sandbox.aws_key.key_id,
        "AWS_SECRET_ACCESS_KEY": sandbox.aws_key.secret,
    }


@pytest.fixture
def shop(bwp: Bwp, practice: Sandbox) -> Bwp:
    """The program with the credentials of a practice API that runs."""
    bwp.env |= variables(practice)
    return bwp
