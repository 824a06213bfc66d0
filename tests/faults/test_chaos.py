from __future__ import annotations

import functools
import itertools
from pathlib import Path

import pytest

from bwp_tui.api.transfer import open_transfer
from bwp_tui.engine.runtime.engine import Engine
from tests.engine.shop import NOON
from tests.faults.chaos_proxy import CLEAN, ChaosProxy, FrontedSandbox, Toxics
from tests.faults.consistency import RecordingState, use_recording_state
from tests.faults.simulated_shop import AT_ONCE, CANCELLED_HOLD, RETRIEVAL, SimulatedShop, any_open, open_simulated_shop
from tests.manual_clock import ManualClock

READ_TIMEOUT_S = 0.25
ORDERED = 8
PATIENCE = 10
"""How often an operator asks for a download again that has failed."""

MOST_ROUNDS = 8
"""Of requests, until there was a line of every kind."""

KB = 1024

FAIR = Toxics(cut_answer=2 * KB)
"""Good for some calls: a line that stayed good would be kept, and no other made."""

OF_CALLS = (
    Toxics(latency=0.02, jitter=0.03, cut_answer=1 * KB),
    Toxics(bandwidth=200 * KB, cut_answer=1 * KB),
    Toxics(cut_request=150),
    Toxics(cut_request=900),
    Toxics(cut_answer=30),
    Toxics(cut_answer=200),
    Toxics(cut_answer=400, reset=True),
    Toxics(limit_data=150),
    Toxics(cut_request=2 * KB, reset=True),
    Toxics(blackhole=True),
)
OF_ARCHIVES = (
    Toxics(latency=0.005, bandwidth=8 * KB * KB),
    Toxics(cut_answer=300 * KB),
    Toxics(cut_answer=500 * KB, reset=True),
    Toxics(limit_data=400 * KB),
    Toxics(slow_close=0.05),
    Toxics(blackhole=True),
)
ALL = {CLEAN, FAIR, *OF_CALLS, *OF_ARCHIVES}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop.retry_delay", lambda *_arguments, **_named: 0.0)
    monkeypatch.setattr("bwp_tui.engine.requests.poller.LARGEST_BATCH", 3)  # answers that fit through the lines below
    monkeypatch.setattr(
        "bwp_tui.engine.downloads.transfer_thread.open_transfer",
        functools.partial(open_transfer, read_timeout=READ_TIMEOUT_S),
    )


async def a_round(shop: SimulatedShop, engine: Engine) -> list[int]:
    """Have requests of each kind filed and ended; return those whose results are saved."""
    retrievals = shop.submit(RETRIEVAL, 30)
    withheld = shop.submit(CANCELLED_HOLD, 10)
    shop.submit(AT_ONCE, 10)
    await shop.work_until(engine, shop.all_sent)
    shop.cancel(withheld)
    await shop.work_until(engine, lambda: not any_open(shop))
    for _ in range(PATIENCE):
        if not shop.request_downloads(retrievals[:ORDERED]):
            break
        await shop.work_until(engine, lambda: False)
    return retrievals[:ORDERED]


@pytest.mark.timeout(400)
async def test_over_a_line_of_every_vice_each_request_is_started_once_and_each_result_saved(tmp_path: Path) -> None:
    of_archives = itertools.cycle([found for vice in OF_ARCHIVES for found in (vice, CLEAN)])
    of_calls = itertools.cycle([found for vice in OF_CALLS for found in (vice, vice, FAIR)])

    def choose(first: bytes) -> Toxics:
        return next(of_archives if first.startswith(b"GET") else of_calls)

    clock = ManualClock(NOON)
    async with ChaosProxy(choose) as proxy:
        sandbox = FrontedSandbox(proxy.address, clock=clock)
        with (
            use_recording_state(sandbox, RecordingState(clock=clock)),
            open_simulated_shop(sandbox, clock, tmp_path) as shop,
        ):
            proxy.target = sandbox.own_port
            api = shop.api(read_timeout=READ_TIMEOUT_S)
            engine = Engine(shop.shop.store, api, shop.shop.profile)
            saved: list[int] = []
            for _ in range(MOST_ROUNDS):
                saved += await a_round(shop, engine)
                if {*proxy.used} == ALL:
                    break
            await api.aclose()
            assert shop.verdict().sentences == []
            assert shop.wrong_endings([RETRIEVAL, CANCELLED_HOLD, AT_ONCE]) == []
            assert shop.unconfirmed() == 0
            for number in saved:
                shop.check_saved(number)
        assert {*proxy.used} == ALL
