"""A day's work at a practice shop in simulated time: the clock goes straight to whatever comes due next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.endpoint import Endpoint
from bwp_tui.contract.inputs import CLIENT_TOKEN_LIFETIME
from bwp_tui.domain.statuses import FINAL_STATUSES, DownloadState, Status
from bwp_tui.domain.task import Kind
from bwp_tui.engine.runtime.engine import Engine
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.commands import requests
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import intents
from tests.engine.shop import ACTOR, Shop, config_of
from tests.faults.consistency import Entry, RecordingState, Verdict, compare, entries, parse_instant
from tests.manual_clock import ManualClock
from tests.practice import profile_of

LONG_HOLD: Final = 60
_MOST_ROUNDS: Final = 40_000
_MOST_EDITIONS: Final = 20
_STEP: Final = timedelta(milliseconds=10)
"""Added to each due time: an instant in seconds and one in microseconds differ in what is rounded off."""


@dataclass(frozen=True)
class RequestCase:
    """One kind of request: how it is asked for, and the status that it ends in."""

    name: str
    kind: Kind
    ends: Status
    holding_period: int | None = None
    cancelled: bool = False


RETRIEVAL: Final = RequestCase("jane", Kind.RETRIEVAL, Status.COMPLETED)
NOT_FOUND: Final = RequestCase("nobody", Kind.RETRIEVAL, Status.FAILED)
AT_ONCE: Final = RequestCase("eve", Kind.DELETION, Status.COMPLETED, holding_period=0)
HELD: Final = RequestCase("ann", Kind.DELETION, Status.COMPLETED, holding_period=2)
CANCELLED_HOLD: Final = RequestCase("bob", Kind.DELETION, Status.CANCELLED, holding_period=LONG_HOLD, cancelled=True)


@dataclass
class SimulatedShop:
    """A practice shop and its history, on a clock that `work_until` moves."""

    shop: Shop
    state: RecordingState
    _submitted: int = 0

    def submit(self, case: RequestCase, count: int) -> list[int]:
        """Submit so many requests of a kind, each about an address of its own; return their task numbers."""
        first = self._submitted
        self._submitted += count
        return [
            self.shop.submit(f"{case.name}+{number}@example.com", case.kind, case.holding_period)
            for number in range(first, self._submitted)
        ]

    def api(self, *, read_timeout: float) -> PrivacyApi:
        """Return a client whose tokens age by this shop's clock."""
        config = config_of(self.shop.profile)
        endpoint = Endpoint(
            api_url=config.profile.api_url,
            token_url=config.profile.token_url,
            api_version=config.profile.api_version,
            target_id=config.target_id,
            client_id=config.client_id,
            client_secret=SecretStr(config.client_secret),
        )
        return PrivacyApi(endpoint, read_timeout=read_timeout, clock=lambda: self.shop.clock.now.timestamp())

    async def work_until(self, engine: Engine, done: Callable[[], bool]) -> None:
        """Do what is ready, go on to what is ready next, and so on until `done()`; nothing left is done as well."""
        for _ in range(_MOST_ROUNDS):
            await engine.run_once()
            if done():
                return
            then = _next(engine)
            if then is None:
                return
            self.shop.clock.now = max(then, self.shop.clock.now) + _STEP
        raise AssertionError(f"still at work after {_MOST_ROUNDS} rounds")

    def all_sent(self) -> bool:
        """Whether no request or cancellation waits."""
        return intents.next_at(self.shop.store) is None

    def request_downloads(self, numbers: list[int]) -> int:
        """Ask for the results of those retrievals that have one not yet saved or on its way; return how many."""
        folder, asked = str(self.shop.profile.download_dir), 0
        for number in numbers:
            task = self.shop.task(number)
            saved = task.download is not None and task.download.state == DownloadState.DONE
            if not saved and requests.cannot_download(task) is None:
                requests.download(self.shop.store, number, folder, ACTOR)
                asked += 1
        return asked

    def cancel(self, numbers: list[int]) -> None:
        """Ask for the cancellation of those that can be cancelled."""
        for number in numbers:
            if requests.cannot_cancel(self.shop.task(number)) is None:
                requests.cancel(self.shop.store, number, ACTOR)

    def verdict(self) -> Verdict:
        """Compare the history with the service state."""
        return compare(entries(self.shop.store), self.state.starts, self.state.cancelled)

    def wrong_endings(self, kinds: list[RequestCase]) -> list[str]:
        """Return sentences on requests that did not end as they should have.

        Without any answer for as long as a client token protects, a request may be left to a person.
        """
        ends = {case.name: case.ends for case in kinds}
        wrong = []
        for entry in entries(self.shop.store):
            due = ends[entry.email.partition("+")[0]]
            if entry.status != due and not self._is_rightly_unconfirmed(entry):
                wrong.append(f"#{entry.number} {entry.email} is {entry.status} and should be {due}")
        return wrong

    def unconfirmed(self) -> int:
        """Return how many requests were left to a person."""
        return sum(entry.status == Status.UNCONFIRMED for entry in entries(self.shop.store))

    def check_saved(self, number: int) -> None:
        """Check that the saved result of a task is, byte for byte, one that the service has had for it."""
        saved = self.shop.download_of(number)
        assert saved.state == DownloadState.DONE, saved.trouble
        assert saved.path is not None
        content = Path(saved.path).read_bytes()
        found = len(content), hashlib.sha256(content).hexdigest()
        assert found == (saved.bytes, saved.sha256)
        assert any(found == self.shop.expected_archive(number, edition) for edition in range(_MOST_EDITIONS)), (
            saved.path
        )

    def _is_rightly_unconfirmed(self, entry: Entry) -> bool:
        if entry.status != Status.UNCONFIRMED or entry.first_sent_at is None:
            return False
        return self.shop.clock.now - parse_instant(entry.first_sent_at) >= CLIENT_TOKEN_LIFETIME - timedelta(minutes=30)


def _next(engine: Engine) -> datetime | None:
    """Return when the engine has something to do next; None when nothing is left."""
    found = [at for at in (worker.next_at() for worker in engine._workers) if at is not None]
    return min(found, default=None)


def any_open(shop: SimulatedShop) -> bool:
    """Return whether a task has not ended yet."""
    return any(entry.status not in FINAL_STATUSES for entry in entries(shop.shop.store))


@contextmanager
def open_simulated_shop(sandbox: Sandbox, clock: ManualClock, folder: Path) -> Iterator[SimulatedShop]:
    """Open a shop at a practice API that runs on `clock` and keeps its state in a `RecordingState`."""
    assert isinstance(sandbox.state, RecordingState)
    store = open_store(folder / "sandbox" / "history.db", clock=clock)
    try:
        yield SimulatedShop(Shop(sandbox, clock, profile_of(sandbox, folder / "sandbox"), store), sandbox.state)
    finally:
        store.close()
