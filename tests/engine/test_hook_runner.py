"""Hooks: each run once for a task and an occasion, beside the other work, whatever the program does."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from bwp_tui.domain.task import HookOccasion, Kind
from bwp_tui.engine.runtime import hook_runner
from bwp_tui.engine.runtime.hook_runner import HookRunner
from bwp_tui.settings.profile import OperatorProgram
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import timeline
from tests.engine.shop import PROCESSED, Shop
from tests.waiting import eventually_in_loop


def run_hook_and_be_killed(history: Path, now: datetime) -> None:
    """Claim the hooks that are due as an engine does, and be killed before one is run."""

    async def claim() -> None:
        store = open_store(history, clock=lambda: now)
        runner = HookRunner(store, {HookOccasion.COMPLETED: OperatorProgram(("true",))}, "shop", asyncio.Event())
        await runner.run_ready()
        await asyncio.sleep(60)

    with patch.object(hook_runner, "run_program", lambda *_: os.kill(os.getpid(), signal.SIGKILL)):
        asyncio.run(claim())


def program(folder: Path, *, then: str = "exit 0", timeout_s: float = 60.0) -> OperatorProgram:
    """A hook that appends what it is given to `runs`, and its variables to `variables`."""
    return OperatorProgram(
        ("sh", "-c", f"cat >> {folder}/runs; echo >> {folder}/runs; env >> {folder}/variables; {then}"), timeout_s
    )


def runs(folder: Path) -> list[dict[str, Any]]:
    file = folder / "runs"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def hook_events(shop: Shop, number: int) -> list[str | None]:
    return [event.detail for event in timeline.of_task(shop.store, number) if event.what == "hook"]


def with_hooks(shop: Shop, **hooks: OperatorProgram) -> Shop:
    return shop.with_profile(replace(shop.profile, hooks={HookOccasion(name): hook for name, hook in hooks.items()}))


async def test_the_hook_of_an_occasion_gets_its_tasks_as_json_once_and_its_end_is_recorded(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BWP_CLIENT_SECRET", "hush-secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-too")
    shop = with_hooks(shop, completed=program(tmp_path, then="exit 7"), failed=program(tmp_path))
    number, failed = await shop.completed("jane@example.com"), shop.track("nobody@example.com")
    shop.clock.advance(PROCESSED)
    await shop.work()
    await shop.work()
    given = {run["occasion"]: run for run in runs(tmp_path)}
    assert len(runs(tmp_path)) == 2
    assert [task["id"] for task in given["completed"]["tasks"]] == [number]
    assert [task["id"] for task in given["failed"]["tasks"]] == [failed]
    assert given["completed"]["tasks"][0]["email"] == "jane@example.com"
    assert hook_events(shop, number) == ["completed; program: to be started", "completed; program: exit code 7"]
    assert hook_events(shop, failed) == ["failed; program: to be started", "failed; program: exit code 0"]
    variables = (tmp_path / "variables").read_text()
    assert "hush" not in variables
    assert "PATH=" in variables


async def test_what_completed_long_before_there_was_a_hook_is_no_occasion(shop: Shop, tmp_path: Path) -> None:
    number = await shop.completed("jane@example.com")
    shop.clock.advance(timedelta(hours=2))
    hooked = with_hooks(shop, completed=program(tmp_path))
    await hooked.work()
    assert hook_events(shop, number) == []


async def test_open_tasks_are_an_occasion_when_they_come_due_and_again_when_they_are_overdue(
    shop: Shop, tmp_path: Path
) -> None:
    shop = with_hooks(shop, due_soon=program(tmp_path), overdue=program(tmp_path))
    number = shop.track("slow@example.com", Kind.DELETION, holding_period=0)
    await shop.work()
    assert runs(tmp_path) == []
    due = shop.task(number).due_on
    assert due is not None
    for days_left, occasion in ((3, "due_soon"), (1, None), (-1, "overdue"), (-2, None)):
        now = shop.clock()
        shop.clock.advance(timedelta(days=(due - now.date()).days - days_left))
        before = len(runs(tmp_path))
        await shop.work()
        assert [run["occasion"] for run in runs(tmp_path)[before:]] == ([occasion] if occasion else [])


async def test_a_hook_holds_up_no_poll_and_is_ended_with_the_engine(shop: Shop, tmp_path: Path) -> None:
    shop = with_hooks(shop, completed=program(tmp_path, then="sleep 1000"))
    first = shop.track("jane@example.com")
    shop.clock.advance(PROCESSED)
    async with shop.engine() as engine:
        running = asyncio.ensure_future(engine.run())
        await eventually_in_loop(lambda: shop.task(first).status == "COMPLETED")
        engine.wake()
        await eventually_in_loop(lambda: hook_events(shop, first) and runs(tmp_path))
        second = shop.track("bob@example.com")
        shop.clock.advance(PROCESSED)
        engine.wake()
        await eventually_in_loop(lambda: shop.task(second).status == "COMPLETED")
        running.cancel()
        started = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert time.monotonic() - started < 30
    assert hook_events(shop, first) == [
        "completed; program: to be started",
        "completed; program: was ended with bwp-tui",
    ]


async def test_an_engine_of_a_command_runs_all_its_hooks_before_it_ends(shop: Shop, tmp_path: Path) -> None:
    shop = with_hooks(shop, completed=program(tmp_path, then=f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"))
    first = shop.track("jane@example.com")
    shop.clock.advance(PROCESSED)
    async with shop.engine(runs_hooks_at_end=True) as engine:
        running = asyncio.ensure_future(engine.run())
        await eventually_in_loop(lambda: shop.task(first).status == "COMPLETED")
        engine.wake()
        await eventually_in_loop(lambda: runs(tmp_path))
        second = shop.track("bob@example.com")
        shop.clock.advance(PROCESSED)
        engine.wake()
        await eventually_in_loop(lambda: shop.task(second).status == "COMPLETED")
        running.cancel()
        await asyncio.sleep(0)
        (tmp_path / "go").touch()
        with pytest.raises(asyncio.CancelledError):
            await running
    for number in (first, second):
        assert hook_events(shop, number) == ["completed; program: to be started", "completed; program: exit code 0"]


@pytest.mark.parametrize(
    ("hook", "outcome"),
    [
        (OperatorProgram(("no-such-program",)), "could not be started: No such file or directory"),
        (OperatorProgram(("sleep", "1000"), 0.2), "took more than 0.2 s and was ended"),
        (OperatorProgram(("sh", "-c", "sleep 1000 & exit 0"), 60), "exit code 0"),
        (OperatorProgram(("sh", "-c", "kill -9 $$")), "ended by signal 9"),
    ],
)
async def test_what_a_program_does_wrong_is_recorded(shop: Shop, hook: OperatorProgram, outcome: str) -> None:
    number = await with_hooks(shop, completed=hook).completed("jane@example.com")
    assert hook_events(shop, number) == ["completed; program: to be started", f"completed; program: {outcome}"]


async def test_an_engine_killed_between_claim_and_run_leaves_a_hook_that_is_not_run(shop: Shop, tmp_path: Path) -> None:
    number = await shop.completed("jane@example.com")
    killed = get_context("spawn").Process(target=run_hook_and_be_killed, args=(shop.store.path, shop.clock()))
    killed.start()
    await asyncio.to_thread(killed.join)
    assert killed.exitcode == -signal.SIGKILL
    assert hook_events(shop, number) == ["completed; program: to be started"]
    await with_hooks(shop, completed=program(tmp_path)).work()
    assert hook_events(shop, number) == ["completed; program: to be started"]
    assert runs(tmp_path) == []


async def test_what_an_engine_did_not_claim_before_it_was_killed_is_run_by_the_next(shop: Shop, tmp_path: Path) -> None:
    number = await shop.completed("jane@example.com")  # by an engine that had no time for its hook
    await with_hooks(shop, completed=program(tmp_path)).work()
    assert hook_events(shop, number) == ["completed; program: to be started", "completed; program: exit code 0"]


async def test_no_hook_runs_again_for_what_an_older_version_has_claimed(shop: Shop, tmp_path: Path) -> None:
    number = await shop.completed("jane@example.com")
    with shop.store.write() as transaction:
        timeline.append(transaction, number, "bwp-tui", timeline.EventKind.HOOK, detail="completed: started")
    await with_hooks(shop, completed=program(tmp_path)).work()
    assert runs(tmp_path) == []


async def test_no_hook_runs_for_what_was_purged_since(shop: Shop, tmp_path: Path) -> None:
    number = await shop.completed("jane@example.com")
    with shop.store.write() as transaction:
        transaction.run("UPDATE tasks SET purged_at = ?, email = ''", (transaction.now_text,))
    await with_hooks(shop, completed=program(tmp_path)).work()
    assert hook_events(shop, number) == []


async def test_an_adopted_task_is_an_occasion(shop: Shop, tmp_path: Path) -> None:
    number = shop.track("slow@example.com")
    with shop.store.write() as transaction:
        timeline.append(transaction, number, "bwp-tui", timeline.EventKind.ADOPTED)
    await with_hooks(shop, adopted=program(tmp_path)).work()
    assert hook_events(shop, number) == ["adopted; program: to be started", "adopted; program: exit code 0"]


async def test_a_read_only_profile_runs_no_hook(shop: Shop, tmp_path: Path) -> None:
    number = await shop.completed("jane@example.com")
    hooked = with_hooks(shop, completed=program(tmp_path))
    await hooked.with_profile(replace(hooked.profile, read_only=True)).work()
    assert hook_events(shop, number) == []
