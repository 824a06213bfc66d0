from __future__ import annotations

from pathlib import Path

import pytest

from bwp_tui.engine.runtime.engine import Engine
from bwp_tui.sandbox.faults import FAULTS, Fault
from bwp_tui.sandbox.server import Sandbox
from tests.engine.shop import NOON
from tests.faults.consistency import Witness, witnessed
from tests.faults.office import AT_ONCE, HELD, NOT_FOUND, RETRIEVAL, WITHHELD, Office, office_at, still_open
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
def no_rest_between_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop.retry_delay", lambda *_arguments, **_named: 0.0)


async def save_all(office: Office, engine: Engine, numbers: list[int]) -> None:
    for _ in range(PATIENCE):
        if not office.order(numbers):
            break
        await office.work_until(engine, lambda: False)
    for number in numbers:
        office.check_saved(number)


@pytest.mark.timeout(400)
async def test_with_every_fault_at_once_two_hundred_requests_end_where_they_should(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    sandbox = Sandbox(clock=clock, slow=0.002, faults=[Fault(name, EACH) for name in FAULTS])
    with witnessed(sandbox, Witness(clock=clock)), office_at(sandbox, clock, tmp_path) as office:
        retrievals = office.file(RETRIEVAL, 110)
        withheld = office.file(WITHHELD, 30)
        for kept, count in ((NOT_FOUND, 20), (AT_ONCE, 20), (HELD, 20)):
            office.file(kept, count)
        api = office.api(read_timeout=5.0)
        engine = Engine(office.shop.store, api)
        await office.work_until(engine, office.all_sent)
        office.cancel(withheld)
        await office.work_until(engine, lambda: not still_open(office))
        wanted = [number for number in retrievals if office.shop.task(number).status == "COMPLETED"]
        await save_all(office, engine, wanted[:2])
        await api.aclose()
        assert set(sandbox.faults.hit_counts) >= set(FAULTS) - set(OF_LINKS) - set(OF_EVENTS)
        assert office.verdict().sentences == []
        assert office.not_as_due([RETRIEVAL, WITHHELD, NOT_FOUND, AT_ONCE, HELD]) == []
        assert office.unconfirmed() <= LEFT_TO_A_PERSON


@pytest.mark.timeout(400)
async def test_with_every_fault_of_links_and_downloads_every_result_is_saved_whole(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    with (
        witnessed(Sandbox(clock=clock), Witness(clock=clock)) as sandbox,
        office_at(sandbox, clock, tmp_path) as office,
    ):
        numbers = office.file(RETRIEVAL, 20)
        api = office.api(read_timeout=5.0)
        engine = Engine(office.shop.store, api)
        await office.work_until(engine, lambda: not still_open(office))
        for name in OF_LINKS:
            sandbox.faults.set(name, MOST if name == "cut-download" else RATE)  # only what was cut is resumed
        await save_all(office, engine, numbers)
        await api.aclose()
        assert set(sandbox.faults.hit_counts) == set(OF_LINKS)
