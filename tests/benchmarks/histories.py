"""Histories to measure with. The big ones take minutes to fill, so they are kept for the next run."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bwp_tui.domain.task import SampleTask
from bwp_tui.domain.times import local_day, utc_now
from bwp_tui.engine.runtime.lease import Lease
from bwp_tui.sandbox.seed_history import past_tasks
from bwp_tui.store.commands.seed_sandbox import seed_tasks
from bwp_tui.store.database.connection import Store
from bwp_tui.store.maintenance import backups
from bwp_tui.store.open_store import open_store
from tests.benchmarks.ptys import TimedPty

_PROFILE: Final = "default"
_PORTION: Final = 50_000
_NOBODY: Final = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Place:
    """A data folder, and the environment that leads the program to it."""

    data: Path
    service: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The profile's folder."""
        return self.data / _PROFILE

    @property
    def history(self) -> Path:
        """The history's file."""
        return self.folder / "history.db"

    @property
    def env(self) -> dict[str, str]:
        """What the program finds in its environment: by default a service that nobody answers at."""
        return {
            "HOME": str(self.data),
            "LOGNAME": "op",
            "TZ": "UTC",
            "BWP_DATA_DIR": str(self.data),
            "BWP_CLIENT_ID": "client",
            "BWP_CLIENT_SECRET": "secret",
            "BWP_TARGET_ID": "bp-30b5",
            "BWP_API_URL": f"{_NOBODY}/graphql",
            "BWP_TOKEN_URL": f"{_NOBODY}/token",
            **self.service,
        }

    def store(self) -> Store:
        """Open the history."""
        return open_store(self.history)

    def plant(self, past: Sequence[SampleTask]) -> None:
        """Give the history a past."""
        store = self.store()
        seed_tasks(store, past, "op")
        store.close()

    def console(self, size: tuple[int, int] = (120, 40)) -> TimedPty:
        """Open the console as if for the first time: where an earlier one was left is forgotten."""
        (self.folder / "console.json").unlink(missing_ok=True)
        return TimedPty(argv(), self.env, size)

    @contextmanager
    def without_engine(self) -> Iterator[None]:
        """Keep consoles from working the history: they watch only, as beside another engine."""
        lease = Lease(self.folder / "engine.lock")
        assert lease.acquire(), f"an engine works {self.folder}"
        try:
            yield
        finally:
            lease.release()


def argv(*words: str) -> list[str]:
    """Return how the program is called."""
    return [sys.executable, "-m", "bwp_tui", *words]


@contextmanager
def fresh(past: Sequence[SampleTask] = (), service: dict[str, str] | None = None) -> Iterator[Place]:
    """Give a history that holds `past` and is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bwp-tui-") as folder:
        place = Place(Path(folder), service or {})
        place.plant(past)
        yield place


def big(count: int) -> Place:
    """Return a history of so many tasks of the past, made at the first call and kept between runs."""
    kept = Path(tempfile.gettempdir()) / f"bwp-tui-benchmarks-{os.getuid()}"
    kept.mkdir(mode=0o700, exist_ok=True)
    assert kept.stat().st_uid == os.getuid(), f"{kept} belongs to somebody else"
    place = Place(kept / f"{count}-tasks")
    if not place.data.exists():
        _fill(place, count)
    place.store().close()  # brings one of an older schema up to date
    # An engine's first work of a day on a history of its own would be this copy.
    backups.back_up_daily(place.history, local_day(utc_now()), threading.Event())
    return place


def _fill(place: Place, count: int) -> None:
    making = Place(place.data.with_suffix(".making"))
    shutil.rmtree(making.data, ignore_errors=True)
    store = making.store()
    for seed, start in enumerate(range(0, count, _PORTION)):
        seed_tasks(store, past_tasks(min(_PORTION, count - start), seed, utc_now()), "op")
        print(f"filling a history: {min(start + _PORTION, count)} of {count}", file=sys.stderr, flush=True)
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    making.data.rename(place.data)
