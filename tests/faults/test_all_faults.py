from __future__ import annotations

from pathlib import Path

import pytest

from bwp_tui.engine.runtime.engine import Engine
from bwp_tui.sandbox.faults import FAULTS, Fault
from bwp_tui.sandbox.server import Sandbox
from tests.engine.shop import NOON
from tests.faults.consistency import RecordingState, use_recording_state
from tests.faults.simulated_shop import (
    AT_ONCE,
    CANCELLED_HOLD,
    HELD,
    NOT_FOUND,
    RETRIEVAL,
    SimulatedShop,
    any_open,
    open_simulated_shop,
)
from tests.manual_clock import ManualClock

RATE = 0.3
EACH = 0.15
"""Of all the faults at once."""

MOST = 0.85
OF_LINKS = ("cut-download", "expired-link", "changed-archive", "no-range", "busy-store")
OF_EVENTS = ("duplicate-event", "late-event", "lost-event", "foreign-event", "queue-denied", "queue-down")
PATIENCE = 20
"""How often an operator asks for a download again that has failed."""

LEFT_TO_A_PERSON = 20
"""So many of two hundred may go without an answer for eight simulated hours."""


@pytest.fixture(autouse=True)
def no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop.retry_delay", lambda *_arguments, **_named: 0.0)


async def save_all(shop: SimulatedShop, engine: Engine, numbers: list[int]) -> None:
    for _ in range(PATIENCE):
        if not shop.request_downloads(numbers):
            break
        await shop.work_until(engine, lambda: False)
    for number in numbers:
        shop.check_saved(number)


@pytest.mark.timeout(400)
async def test_with_every_fault_at_once_two_hundred_requests_end_where_they_should(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    sandbox = Sandbox(clock=clock, slow_s=0.002, faults=[Fault(name, EACH) for name in FAULTS])
    with (
        use_recording_state(sandbox, RecordingState(clock=clock)),
        open_simulated_shop(sandbox, clock, tmp_path) as shop,
    ):
        retrievals = shop.submit(RETRIEVAL, 110)
        withheld = shop.submit(CANCELLED_HOLD, 30)
        for kept, count in ((NOT_FOUND, 20), (AT_ONCE, 20), (HELD, 20)):
            shop.submit(kept, count)
        api = shop.api(read_timeout=5.0)
        engine = Engine(shop.shop.store, api, shop.shop.profile)
        await shop.work_until(engine, shop.all_sent)
        shop.cancel(withheld)
        await shop.work_until(engine, lambda: not any_open(shop))
        wanted = [number for number in retrievals if shop.shop.task(number).status == "COMPLETED"]
        await save_all(shop, engine, wanted[:2])
        await api.aclose()
        assert set(sandbox.faults.hit_counts) >= set(FAULTS) - set(OF_LINKS) - set(OF_EVENTS)
        assert shop.verdict().sentences == []
        assert shop.wrong_endings([RETRIEVAL, CANCELLED_HOLD, NOT_FOUND, AT_ONCE, HELD]) == []
        assert shop.unconfirmed() <= LEFT_TO_A_PERSON


@pytest.mark.timeout(400)
async def test_with_every_fault_of_links_and_downloads_every_result_is_saved_whole(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    with (
        use_recording_state(Sandbox(clock=clock), RecordingState(clock=clock)) as sandbox,
        open_simulated_shop(sandbox, clock, tmp_path) as shop,
    ):
        numbers = shop.submit(RETRIEVAL, 20)
        api = shop.api(read_timeout=5.0)
        engine = Engine(shop.shop.store, api, shop.shop.profile)
        await shop.work_until(engine, lambda: not any_open(shop))
        for name in OF_LINKS:
            sandbox.faults.set(name, MOST if name == "cut-download" else RATE)  # only what was cut is resumed
        await save_all(shop, engine, numbers)
        await api.aclose()
        assert set(sandbox.faults.hit_counts) == set(OF_LINKS)
