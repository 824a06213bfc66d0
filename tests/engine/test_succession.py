"""Who is the engine when the one that is cannot, or does not, do the work."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bwp_tui.engine.runtime import engine_thread
from bwp_tui.engine.runtime import lease as lease_module
from bwp_tui.engine.runtime.engine_config import EngineConfig
from bwp_tui.engine.runtime.engine_thread import EngineRole, EngineThread
from bwp_tui.engine.runtime.lease import Lease, LeaseUnusable, begin_term, misses_heartbeats
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import Profile, SettingsError
from bwp_tui.store.commands import requests
from bwp_tui.store.database import open as opening
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import EngineSuperseded, StoreUnavailable
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads, engine_state, intent_outcomes, intents
from bwp_tui.store.worklog.engine_state import Ability, ServiceHealthState
from tests.engine.shop import ACTOR, config_of, request, submit
from tests.engine.test_engine_thread import engine_of, holder_of, running
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("short_lease_intervals")


@pytest.fixture
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take an engine for stopped after a moment."""
    monkeypatch.setattr(lease_module, "SILENCE_LIMIT_S", 0.5)
    monkeypatch.setattr(lease_module, "_MIN_OBSERVED_S", 0.3)


@pytest.mark.usefixtures("short_silence")
def test_a_stopped_engine_is_superseded_and_follows_when_it_goes_on(
    sandbox: Sandbox, profile: Profile, live_history: Store
) -> None:
    with holder_of(profile, sandbox) as holder:
        holder.send_signal(signal.SIGSTOP)
        number = submit(live_history, "jane@example.com")
        with running(engine_of(profile)) as engine:
            eventually(lambda: tasks.get(live_history, number).task_id)
            assert engine.role is EngineRole.ENGINE
            assert engine.other_engine is not None
            assert engine.other_engine.pid == holder.pid
            holder.send_signal(signal.SIGCONT)
            assert holder.stdout is not None
            assert any(f"Process {os.getpid()} is the engine" in line for line in holder.stdout)
            assert engine.role is EngineRole.ENGINE
    assert len(sandbox.state.starts) == 1


@pytest.mark.usefixtures("short_silence")
def test_a_request_whose_engine_was_stopped_while_sending_starts_one_task(sandbox: Sandbox, profile: Profile) -> None:
    store = open_store(profile.history_path)
    sandbox.faults.set("slow", 1.0, times=1)
    with holder_of(profile, sandbox) as holder:
        number = submit(store, "jane@example.com")
        eventually(lambda: sandbox.state.calls["graphql"] == 1)
        holder.send_signal(signal.SIGSTOP)
        with running(engine_of(profile)):
            eventually(lambda: tasks.get(store, number).task_id)
            holder.send_signal(signal.SIGCONT)
            assert holder.stdout is not None
            assert any(f"Process {os.getpid()} is the engine" in line for line in holder.stdout)
    [start] = sandbox.state.starts
    assert tasks.get(store, number).task_id == start.task_id
    store.close()


_STOPPED_WRITER = """
import os, signal, sys
from pathlib import Path
from bwp_tui.engine.runtime.lease import Lease, begin_term
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog.engine_state import Ability

history, lock_file = map(Path, sys.argv[1:])
store = open_store(history)
lease = Lease(lock_file)
begin_term(store, lease, Ability.ALL)
with store.write():
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.usefixtures("short_silence")
def test_an_engine_stopped_inside_a_transaction_is_named_with_what_to_do(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_MS", 50)
    arguments = [str(profile.history_path), str(profile.lease_path)]
    with subprocess.Popen([sys.executable, "-c", _STOPPED_WRITER, *arguments]) as writer:
        try:
            os.waitid(os.P_PID, writer.pid, os.WSTOPPED | os.WNOWAIT)
            store, lease = open_store(profile.history_path), Lease(profile.lease_path)
            eventually(lambda: (lease.seconds_of_silence() or 0.0) > lease_module.SILENCE_LIMIT_S)
            with pytest.raises(StoreUnavailable, match=f"process {writer.pid}, is not responding"):
                begin_term(store, lease, Ability.ALL)
            with pytest.raises(StoreUnavailable, match=f"Process {writer.pid} keeps .* locked.*-CONT {writer.pid}"):
                submit(store, "jane@example.com")
            store.close()
        finally:
            writer.kill()


def test_a_living_engine_is_not_superseded_whatever_its_clock_says(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Lease(profile.lease_path), Lease(profile.lease_path)
    assert begin_term(live_history, first, Ability.ALL) is not None
    monkeypatch.setattr(lease_module, "_age", lambda _sign: 1_000_000.0)
    assert begin_term(live_history, second, Ability.ALL) is None
    assert second.seconds_of_silence() == 0.0
    first.release()


def test_what_holds_the_lease_and_is_no_engine_is_not_superseded(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = Lease(profile.lease_path)
    begin_term(live_history, killed, Ability.POLLS)
    killed.release()  # as its process ends: the history still names it
    restoring = Lease(profile.lease_path)
    assert restoring.acquire()
    monkeypatch.setattr(lease_module, "SILENCE_LIMIT_S", -1.0)
    monkeypatch.setattr(lease_module, "_MIN_OBSERVED_S", -1.0)
    assert begin_term(live_history, Lease(profile.lease_path), Ability.ALL) is None
    restoring.release()


def test_a_superseded_engine_can_write_nothing_any_more(profile: Profile, live_history: Store) -> None:
    number = submit(live_history, "jane@example.com")
    [intent] = intents.ready(live_history, live_history.clock(), 1)
    lease = Lease(profile.lease_path)
    old = open_store(profile.history_path)
    begun = begin_term(old, lease, Ability.POLLS)
    assert begun is not None
    old.engine_term = begun.number
    engine_state.record_health(old, ServiceHealthState.REACHED, None, None)
    newer = Lease(profile.lease_path)
    next_one = begin_term(live_history, newer, Ability.ALL)
    assert next_one is not None
    assert next_one.superseded is not None
    revision = live_history.revision()
    with pytest.raises(EngineSuperseded):
        intent_outcomes.record_sending(old, intent.id)
    with pytest.raises(EngineSuperseded):
        lease.write_heartbeat()
    assert live_history.revision() == revision
    assert tasks.get(live_history, number).status == "QUEUED"
    newer.write_heartbeat()
    lease.release()
    assert not Lease(profile.lease_path).acquire(), "the end of the old one does not free the lease of the new one"
    newer.release()
    old.close()


def test_a_heartbeat_is_no_change_of_the_history(profile: Profile, live_history: Store) -> None:
    lease = Lease(profile.lease_path)
    begin_term(live_history, lease, Ability.ALL)
    other = open_store(profile.history_path)
    before = other.data_version(), other.revision()
    lease.write_heartbeat()
    assert (other.data_version(), other.revision()) == before
    assert not misses_heartbeats(profile.lease_path)
    other.close()
    lease.release()


def test_a_read_only_engine_gives_way_to_one_that_may_send(profile: Profile, live_history: Store) -> None:
    number = submit(live_history, "jane@example.com")
    looking = replace(profile, read_only=True)
    with running(engine_of(looking)) as wall:
        eventually(lambda: wall.role is EngineRole.ENGINE)
        assert engine_state.read(live_history).present_ability is Ability.POLLS
        with running(engine_of(profile)) as sending:
            eventually(lambda: tasks.get(live_history, number).task_id)
            eventually(lambda: wall.role is EngineRole.FOLLOWER)
            assert sending.role is EngineRole.ENGINE
        eventually(lambda: wall.role is EngineRole.ENGINE, within_s=5)


def test_two_read_only_engines_leave_the_lease_where_it_is(profile: Profile, live_history: Store) -> None:
    first, second = Lease(profile.lease_path), Lease(profile.lease_path)
    assert begin_term(live_history, first, Ability.POLLS) is not None
    assert begin_term(live_history, second, Ability.POLLS) is None
    first.release()


def test_an_engine_whose_credentials_are_refused_gives_way_once(profile: Profile, live_history: Store) -> None:
    number = submit(live_history, "jane@example.com")
    with running(EngineThread(profile, lambda: config_of(profile, "wrong"))) as refused:
        eventually(lambda: engine_state.read(live_history).service == ServiceHealthState.BAD_CREDENTIALS)
        with running(EngineThread(profile, lambda: config_of(profile, "wrong too"))) as other:
            eventually(lambda: refused.role is EngineRole.FOLLOWER)
            eventually(lambda: engine_state.read(live_history).service == ServiceHealthState.BAD_CREDENTIALS)
            term = engine_state.read(live_history).term
            with running(engine_of(profile)):
                eventually(lambda: tasks.get(live_history, number).task_id)
                assert engine_state.read(live_history).term == term + 1
                assert {refused.role, other.role} <= {EngineRole.FOLLOWER, EngineRole.ENGINE}


def test_an_engine_without_a_secret_gives_way(profile: Profile, live_history: Store) -> None:
    def no_secret() -> EngineConfig:
        raise SettingsError("The secret command failed.")

    number = submit(live_history, "jane@example.com")
    with running(EngineThread(profile, no_secret)):
        eventually(lambda: engine_state.read(live_history).present_ability is Ability.NOTHING)
        with running(engine_of(profile)):
            eventually(lambda: tasks.get(live_history, number).task_id)


@pytest.mark.parametrize("shape", ["folder", "link"])
def test_a_lock_file_that_cannot_be_opened_is_told_with_its_path(profile: Profile, shape: str) -> None:
    open_store(profile.history_path).close()
    if shape == "folder":
        profile.lease_path.mkdir()
    else:
        profile.lease_path.symlink_to(profile.folder / "elsewhere")
    with running(engine_of(profile)) as engine:
        eventually(lambda: engine.role is EngineRole.BLOCKED)
        assert str(profile.lease_path) in (engine.trouble or "")
        if shape == "folder":
            profile.lease_path.rmdir()
        else:
            profile.lease_path.unlink()
        eventually(lambda: engine.role is EngineRole.ENGINE)
        assert engine.trouble is None


def test_a_lock_file_in_a_folder_that_cannot_be_made_is_unusable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LeaseUnusable, match="cannot be opened"):
        Lease(tmp_path / "file" / "engine.lock").acquire()


def test_a_lock_file_that_was_removed_ends_the_term(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_thread, "HEARTBEAT_S", 0.05)
    with running(engine_of(profile)) as engine:
        eventually(lambda: engine.role is EngineRole.ENGINE)
        term = engine_state.read(live_history).term
        profile.lease_path.unlink()
        eventually(lambda: engine_state.read(live_history).pid and engine_state.read(live_history).term > term)
        assert not Lease(profile.lease_path).acquire()


def test_a_history_with_two_names_is_not_opened(profile: Profile, tmp_path: Path) -> None:
    open_store(profile.history_path).close()
    other = tmp_path / "other" / "history.db"
    other.parent.mkdir()
    other.hardlink_to(profile.history_path)
    for path in (other, profile.history_path):
        with pytest.raises(StoreUnavailable, match="hard links"):
            open_store(path)
    other.unlink()
    open_store(profile.history_path).close()


@pytest.mark.usefixtures("short_silence")
def test_a_download_whose_part_a_stopped_engine_holds_waits_for_it(
    profile: Profile, live_history: Store, tmp_path: Path
) -> None:
    with Sandbox(rate=20_000) as slow:
        profile = replace(profile, api_url=slow.api_url, token_url=slow.token_url, client_id=slow.client_id)
        profile = replace(profile, target_id=slow.target_id)
        config = replace(config_of(profile, slow.client_secret), profile=profile)
        task_id = slow.state.start(request("").kind, "jane@example.com")
        number = requests.track(live_history, request("").kind, task_id, request(""), ACTOR).number
        with holder_of(profile, slow) as holder:
            eventually(lambda: tasks.get(live_history, number).status == "COMPLETED")
            requests.download(live_history, number, str(tmp_path), ACTOR)
            eventually(lambda: downloads.running(live_history))
            eventually(lambda: list(tmp_path.glob("*.part")))
            holder.send_signal(signal.SIGSTOP)
            with running(EngineThread(profile, lambda: config)) as engine:
                eventually(lambda: engine.role is EngineRole.ENGINE)
                eventually(lambda: "Another program" in str(tasks.get(live_history, number).download))
                found = tasks.get(live_history, number).download
                assert found is not None
                assert found.state == "queued"


def test_of_a_lane_that_fails_beside_another_nothing_is_left_to_complain_of(
    profile: Profile, live_history: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_thread, "HEARTBEAT_S", 1_000.0)
    numbers = [submit(live_history, f"shopper{number}@example.com") for number in range(8)]
    with Sandbox(slow_s=0.5) as slow:
        slow.faults.set("slow")
        profile = replace(profile, api_url=slow.api_url, token_url=slow.token_url)
        config = replace(config_of(profile, slow.client_secret), profile=profile)
        with running(EngineThread(profile, lambda: config)) as engine:
            eventually(lambda: slow.state.calls["graphql"] >= 2)
            newer = Lease(profile.lease_path)
            monkeypatch.setattr(lease_module, "SILENCE_LIMIT_S", -1.0)
            monkeypatch.setattr(lease_module, "_MIN_OBSERVED_S", -1.0)
            assert begin_term(live_history, newer, Ability.ALL) is not None
            monkeypatch.setattr(lease_module, "SILENCE_LIMIT_S", 1_000.0)
            eventually(lambda: engine.role is EngineRole.FOLLOWER)
        newer.release()
    gc.collect()
    assert [record.message for record in caplog.records if "never retrieved" in record.message] == []
    assert all(tasks.get(live_history, number).status == "QUEUED" for number in numbers[4:])


def test_a_follower_says_that_the_engine_gives_no_sign_of_life(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "_MIN_OBSERVED_S", 0.2)
    holder = Lease(profile.lease_path)
    assert begin_term(live_history, holder, Ability.ALL) is not None
    with running(engine_of(profile)) as engine:
        eventually(lambda: engine.trouble is not None)
        assert (engine.role, str(os.getpid()) in (engine.trouble or "")) == (EngineRole.FOLLOWER, True)
        holder.write_heartbeat()
        eventually(lambda: engine.trouble is None)
    holder.release()
