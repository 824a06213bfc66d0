from __future__ import annotations

import hashlib
import itertools
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import apsw
import pytest

import bwp_tui
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.times import Clock, utc_now
from bwp_tui.engine.runtime import engine as engine_module
from bwp_tui.engine.runtime import engine_thread
from bwp_tui.engine.runtime.engine_config import EngineConfig
from bwp_tui.engine.runtime.engine_thread import EngineRole, EngineThread
from bwp_tui.engine.runtime.lease import Lease, is_any_engine_running
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import Profile, SettingsError
from bwp_tui.store.commands import requests
from bwp_tui.store.database import shop_binding
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.damage_flag import flag_damage, unflag
from bwp_tui.store.errors import DiskFull, StoreDamaged, StoreError
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import engine_state, intent_outcomes
from bwp_tui.store.worklog.engine_state import Ability, ServiceHealthState
from tests.engine.shop import ACTOR, bytes_below, config_of, request, submit
from tests.practice import profile_of
from tests.small_disk import fill
from tests.store.damage import PAGE, overwrite
from tests.waiting import eventually

ROOT = Path(bwp_tui.__file__).parents[1]

pytestmark = pytest.mark.usefixtures("short_lease_intervals")


@contextmanager
def running(engine: EngineThread) -> Iterator[EngineThread]:
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


@contextmanager
def holder_of(profile: Profile, sandbox: Sandbox) -> Iterator[subprocess.Popen[str]]:
    """Another process that is the engine of the profile."""
    arguments = [str(profile.folder), sandbox.api_url, sandbox.token_url, sandbox.client_id, sandbox.target_id]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.engine.engine_process", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(sandbox.client_secret + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "This process is the engine of profile sandbox.\n"
            yield process
        finally:
            process.kill()


def engine_of(profile: Profile) -> EngineThread:
    return EngineThread(profile, lambda: config_of(profile))


def test_a_request_recorded_while_it_runs_is_sent_at_once(profile: Profile, live_history: Store) -> None:
    with running(engine_of(profile)) as engine:
        eventually(lambda: engine.role is EngineRole.ENGINE)
        began = time.monotonic()
        number = submit(live_history, "jane@example.com")
        eventually(lambda: tasks.get(live_history, number).task_id)
        assert time.monotonic() - began < 5
        eventually(lambda: engine_state.read(live_history).service == "reached")
        assert engine_state.read(live_history).pid == os.getpid()


def test_an_engine_that_has_a_damaged_history_alone_recovers_it_and_goes_on(profile: Profile) -> None:
    path = profile.history_path
    with running(engine_of(profile)) as engine:
        eventually(lambda: engine.role is EngineRole.ENGINE)
        with closing(open_store(path)) as other:
            (root,) = other.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'intents_waiting'")[0]
            other.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        assert isinstance(root, int)
        overwrite(path, (root - 1) * PAGE, b"\xff" * PAGE)
        flag_damage(path)
        eventually(lambda: engine.opening_report is not None)
        eventually(lambda: engine.role is EngineRole.ENGINE)
        with closing(open_store(path)) as other:
            number = submit(other, "jane@example.com")
            eventually(lambda: tasks.get(other, number).task_id)


def test_what_has_been_noticed_to_be_damaged_is_written_no_more(profile: Profile, live_history: Store) -> None:
    with running(engine_of(profile)) as engine:
        eventually(lambda: engine.role is EngineRole.ENGINE)
        flag_damage(live_history.path)
        with pytest.raises(StoreDamaged):
            submit(live_history, "jane@example.com")
        eventually(lambda: engine.role is EngineRole.BLOCKED and "is damaged" in str(engine.trouble))
        assert live_history.integer("SELECT count(*) FROM tasks") == 0
        unflag(live_history.path)
        eventually(lambda: engine.role is EngineRole.ENGINE)


def test_roles_are_told_in_order_and_the_end_frees_the_lease(profile: Profile, live_history: Store) -> None:
    seen: list[EngineRole] = []
    engine = EngineThread(profile, lambda: config_of(profile), changed=lambda: seen.append(engine.role))
    engine.start()
    eventually(lambda: engine.role is EngineRole.ENGINE)
    assert engine.stop()
    assert seen == [EngineRole.ENGINE, EngineRole.STOPPED]
    assert engine_state.read(live_history).pid is None
    lease = Lease(profile.lease_path)
    assert lease.acquire()
    lease.release()


def test_of_two_consoles_one_is_the_engine_and_the_other_takes_over(profile: Profile) -> None:
    with running(engine_of(profile)) as first:
        eventually(lambda: first.role is EngineRole.ENGINE)
        with running(engine_of(profile)) as second:
            eventually(lambda: second.role is EngineRole.FOLLOWER)
            assert first.stop()
            eventually(lambda: second.role is EngineRole.ENGINE, within_s=5)


def test_a_follower_takes_over_when_the_engine_is_killed(
    sandbox: Sandbox, profile: Profile, live_history: Store
) -> None:
    with holder_of(profile, sandbox) as holder, running(engine_of(profile)) as engine:
        first = submit(live_history, "jane@example.com")
        eventually(lambda: tasks.get(live_history, first).task_id)
        eventually(lambda: engine.role is EngineRole.FOLLOWER)
        assert engine_state.read(live_history).pid == holder.pid
        holder.kill()
        eventually(lambda: engine.role is EngineRole.ENGINE, within_s=5)
        second = submit(live_history, "eve@example.com")
        eventually(lambda: tasks.get(live_history, second).task_id)
        assert engine_state.read(live_history).pid == os.getpid()
    assert len(sandbox.state.starts) == 2


def test_engine_and_follower_go_on_once_a_folder_that_was_away_is_back(profile: Profile, live_history: Store) -> None:
    elsewhere = profile.folder.with_name("elsewhere")
    with running(engine_of(profile)) as first:
        eventually(lambda: first.role is EngineRole.ENGINE)
        with running(engine_of(profile)) as second:
            eventually(lambda: second.role is EngineRole.FOLLOWER)
            profile.folder.rename(elsewhere)
            eventually(lambda: first.role is second.role is EngineRole.HISTORY_MISSING)
            assert str(profile.history_path) in (first.trouble or "")
            assert str(profile.history_path) in (second.trouble or "")
            time.sleep(2.5 * engine_thread.LEASE_CHECK_S)  # each has looked again
            assert not profile.folder.exists(), "nothing is begun in its place"
            lease = Lease(elsewhere / profile.lease_path.name)
            assert lease.acquire(), "whoever holds the moved folder may work there"
            lease.release()
            elsewhere.rename(profile.folder)
            eventually(lambda: {first.role, second.role} == {EngineRole.ENGINE, EngineRole.FOLLOWER})
            assert first.trouble is second.trouble is None
            number = submit(live_history, "jane@example.com")
            eventually(lambda: tasks.get(live_history, number).task_id)


def test_no_other_file_is_taken_for_the_history_that_was_moved(profile: Profile) -> None:
    with running(engine_of(profile)) as engine:
        eventually(lambda: engine.role is EngineRole.ENGINE)
        profile.folder.rename(profile.folder.with_name("elsewhere"))
        eventually(lambda: engine.role is EngineRole.HISTORY_MISSING)
        with closing(open_store(profile.history_path)) as other:
            number = submit(other, "jane@example.com")
            time.sleep(2.5 * engine_thread.LEASE_CHECK_S)  # it has looked again
            assert engine.role is EngineRole.HISTORY_MISSING
            assert tasks.get(other, number).task_id is None


def test_an_engine_makes_room_once_the_history_is_bound_to_another_shop(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_thread, "HEARTBEAT_S", 0.05)
    number = submit(live_history, "jane@example.com")
    with running(engine_of(profile)) as engine:
        eventually(lambda: tasks.get(live_history, number).task_id)
        with live_history.write() as transaction:
            transaction.run(shop_binding.REBIND, ("bp-corrected", None))
        eventually(lambda: engine.role is EngineRole.BLOCKED)
        assert "bp-corrected" in (engine.trouble or "")
        eventually(lambda: not is_any_engine_running(profile.lease_path))


def test_a_request_whose_engine_was_killed_while_sending_starts_one_task(tmp_path: Path) -> None:
    with Sandbox(slow_s=1.0) as sandbox:
        profile = profile_of(sandbox, tmp_path / "sandbox")
        store = open_store(profile.history_path)
        sandbox.faults.set("slow", times=1)
        with holder_of(profile, sandbox) as holder:
            number = submit(store, "jane@example.com")
            eventually(lambda: sandbox.state.calls["graphql"] == 1)
            holder.kill()
            holder.wait()
        with running(engine_of(profile)):
            eventually(lambda: tasks.get(store, number).task_id)
        [start] = sandbox.state.starts
        assert tasks.get(store, number).task_id == start.task_id
        store.close()


def test_stopping_does_not_wait_for_a_slow_service(tmp_path: Path) -> None:
    with Sandbox(slow_s=120) as sandbox:
        profile = profile_of(sandbox, tmp_path / "sandbox")
        store = open_store(profile.history_path)
        sandbox.faults.set("slow")
        submit(store, "jane@example.com")
        engine = engine_of(profile)
        engine.start()
        eventually(lambda: sandbox.state.calls["graphql"] >= 1)
        began = time.monotonic()
        assert engine.stop()
        assert time.monotonic() - began < 5
        lease = Lease(profile.lease_path)
        assert lease.acquire()
        lease.release()
        store.close()


def test_stopping_in_the_middle_of_a_download_keeps_what_is_there(tmp_path: Path) -> None:
    with Sandbox(rate=20_000) as sandbox:
        profile = profile_of(sandbox, tmp_path / "sandbox")
        store = open_store(profile.history_path)
        task_id = sandbox.state.start(request("").kind, "jane@example.com")
        number = requests.track(store, request("").kind, task_id, request(""), ACTOR).number
        with running(engine_of(profile)) as engine:
            eventually(lambda: tasks.get(store, number).status == "COMPLETED")
            requests.download(store, number, str(profile.download_dir), ACTOR)

            def received() -> int:
                download = tasks.get(store, number).download
                return 0 if download is None else download.bytes

            eventually(lambda: received() > 0)
            began = time.monotonic()
            assert engine.stop()
            assert time.monotonic() - began < 5
        download = tasks.get(store, number).download
        assert download is not None
        assert download.state == "queued"
        [part] = profile.download_dir.iterdir()
        assert part.stat().st_size == download.bytes
        store.close()


def test_a_download_whose_engine_was_killed_goes_on_where_it_was(tmp_path: Path, served_lengths: list[int]) -> None:
    with Sandbox(rate=20_000) as sandbox:
        profile = profile_of(sandbox, tmp_path / "sandbox")
        store = open_store(profile.history_path)
        task_id = sandbox.state.start(request("").kind, "jane@example.com")
        number = requests.track(store, request("").kind, task_id, request(""), ACTOR).number

        def download() -> Download:
            found = tasks.get(store, number).download
            assert found is not None
            return found

        with holder_of(profile, sandbox) as holder:
            eventually(lambda: tasks.get(store, number).status == "COMPLETED")
            requests.download(store, number, str(profile.download_dir), ACTOR)
            eventually(lambda: download().bytes > 0)
            holder.kill()
            holder.wait()
        assert download().state == "running"
        sandbox.rate = None
        with running(engine_of(profile)):
            eventually(lambda: download().state == "done")
        done = download()
        assert done.path is not None
        assert hashlib.sha256(Path(done.path).read_bytes()).hexdigest() == done.sha256
        assert sum(served_lengths) <= 1.2 * done.bytes
        store.close()


def test_stopping_before_it_has_begun_or_twice_is_harmless(profile: Profile) -> None:
    never = engine_of(profile)
    assert never.stop()
    engine = engine_of(profile)
    engine.start()
    assert engine.stop()
    assert engine.stop()
    assert engine.role is EngineRole.STOPPED


def test_a_read_only_profile_sends_nothing(sandbox: Sandbox, profile: Profile, live_history: Store) -> None:
    profile = replace(profile, read_only=True)
    waiting = submit(live_history, "jane@example.com")
    task_id = sandbox.state.start(request("").kind, "eve@example.com")
    tracked = requests.track(live_history, request("").kind, task_id, request(""), ACTOR).number
    with running(engine_of(profile)):
        eventually(lambda: tasks.get(live_history, tracked).status == "IN_PROGRESS")
    assert tasks.get(live_history, waiting).status == "QUEUED"
    assert len(sandbox.state.starts) == 1


def test_missing_credentials_are_told_and_the_register_stays_usable(profile: Profile, live_history: Store) -> None:
    def no_secret() -> EngineConfig:
        raise SettingsError("The secret command pass failed with exit code 1; run it yourself to see why.")

    with running(EngineThread(profile, no_secret)) as engine:
        eventually(lambda: engine_state.read(live_history).service == ServiceHealthState.UNUSABLE)
        assert engine.role is EngineRole.ENGINE
        assert "pass failed" in (engine_state.read(live_history).message or "")


def test_an_unusable_certificate_file_is_told_and_is_no_crash(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at.all")
    with running(engine_of(profile)):
        eventually(lambda: engine_state.read(live_history).service == ServiceHealthState.UNUSABLE)
        assert "SSL_CERT_FILE" in (engine_state.read(live_history).message or "")
    assert not profile.log_dir.exists()


def test_a_fault_of_ours_is_recorded_without_secrets_and_the_engine_goes_on(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = iter([RuntimeError("at https://b.s3.amazonaws.com/x.zip?X-Amz-Signature=abc for jane@example.com")])

    def prepare() -> EngineConfig:
        for fault in faults:
            raise fault
        return config_of(profile)

    monkeypatch.setattr(engine_thread, "RESTART_S", 0.05)
    with running(EngineThread(profile, prepare)):
        number = submit(live_history, "eve@example.com")
        eventually(lambda: tasks.get(live_history, number).task_id)
    [report] = profile.log_dir.iterdir()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert b"RuntimeError" in bytes_below(profile.log_dir)
    assert b"X-Amz-Signature" not in bytes_below(profile.log_dir)


def test_an_engine_that_keeps_failing_rests_longer_each_time_and_writes_one_report(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[float] = []

    def prepare() -> EngineConfig:
        begun.append(time.monotonic())
        raise RuntimeError("again")

    told: list[str | None] = []
    monkeypatch.setattr(engine_thread, "RESTART_S", 0.02)
    engine = EngineThread(profile, prepare, changed=lambda: told.append(engine.trouble))
    with running(engine):
        eventually(lambda: len(begun) == 6)
        state = engine_state.read(live_history)
        assert (state.service, state.message, state.present_ability) == (
            ServiceHealthState.ENGINE_FAULT,
            engine.trouble,
            Ability.NOTHING,
        )
        assert "RuntimeError" in (engine.trouble or "")
    rests = [after - before for before, after in itertools.pairwise(begun)]
    assert all(rest >= 0.02 * 2**number for number, rest in enumerate(rests))
    assert told == [None, engine_state_message(told), None]
    assert len(list(profile.log_dir.iterdir())) == 1


def engine_state_message(told: list[str | None]) -> str:
    """The one sentence that was told."""
    [sentence] = {sentence for sentence in told if sentence is not None}
    return sentence


def test_a_register_that_cannot_be_opened_is_tried_again(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals: list[StoreError] = []

    def opening(path: Path, *, clock: Clock = utc_now) -> Store:
        try:
            return open_store(path, clock=clock)
        except StoreError as error:
            refusals.append(error)
            raise

    monkeypatch.setattr(engine_thread, "RESTART_S", 0.05)
    monkeypatch.setattr(engine_thread, "open_store", opening)
    of_a_newer_program(profile.history_path)
    with running(engine_of(profile)) as engine:
        eventually(lambda: len(refusals) > 1)
        assert engine.role is EngineRole.BLOCKED
        assert engine.trouble == str(refusals[0])
        profile.history_path.unlink()
        eventually(lambda: engine.role is EngineRole.ENGINE)
    assert not profile.log_dir.exists()


@pytest.mark.usefixtures("live_history")
def test_an_engine_whose_disk_is_full_says_so_and_goes_on_once_there_is_space(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> NoReturn:
        raise DiskFull("The disk is full.")

    monkeypatch.setattr(engine_thread, "RESTART_S", 0.05)
    with monkeypatch.context() as filled:
        filled.setattr(engine_thread, "begin_term", full)
        with running(engine_of(profile)) as engine:
            eventually(lambda: engine.role is EngineRole.DISK_FULL)
            assert engine.trouble == "The disk is full."
            filled.undo()
            eventually(lambda: engine.role is EngineRole.ENGINE)
            assert engine.trouble is None


def test_an_engine_that_began_on_a_full_disk_works_once_there_is_space_whoever_writes_first(
    small_disk: Path, sandbox: Sandbox
) -> None:
    profile = profile_of(sandbox, small_disk / "practice")
    with closing(open_store(profile.history_path)):
        pass
    fill(small_disk)
    with running(engine_of(profile)) as engine:
        eventually(lambda: engine.role in (EngineRole.BLOCKED, EngineRole.DISK_FULL))
        (small_disk / "ballast").unlink()
        with closing(open_store(profile.history_path)) as other:
            submit(other, "jane@example.com")
        eventually(lambda: engine.role is EngineRole.ENGINE)


def test_an_engine_whose_disk_becomes_full_says_so_until_there_is_space(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "STORE_RETRY_S", 0.05)
    real = intent_outcomes.record_accepted

    def full(*_arguments: object) -> NoReturn:
        raise DiskFull("The disk is full.")

    with running(engine_of(profile)) as engine:
        eventually(lambda: engine.role is EngineRole.ENGINE)
        monkeypatch.setattr(intent_outcomes, "record_accepted", full)
        number = submit(live_history, "jane@example.com")
        eventually(lambda: (engine.role, engine.trouble) == (EngineRole.DISK_FULL, "The disk is full."))
        monkeypatch.setattr(intent_outcomes, "record_accepted", real)
        eventually(lambda: (engine.role, engine.trouble) == (EngineRole.ENGINE, None))
        assert tasks.get(live_history, number).task_id is not None


def of_a_newer_program(path: Path) -> None:
    path.parent.mkdir()
    with apsw.Connection(str(path)) as db:
        db.execute("PRAGMA user_version = 9999")
    db.close()


@pytest.mark.parametrize("practice", [False, True], ids=["a real profile", "practice"])
def test_the_engine_of_a_real_profile_makes_the_daily_copy_of_the_register(
    profile: Profile, live_history: Store, practice: bool
) -> None:
    submit(live_history, "jane@example.com")
    copies = profile.folder / "backups"
    with running(engine_of(replace(profile, is_sandbox=practice))) as engine:
        eventually(lambda: engine.role is EngineRole.ENGINE)
        if practice:
            eventually(lambda: tasks.get(live_history, 1).task_id is not None)
        else:
            eventually(lambda: copies.is_dir() and list(copies.glob("history-*.db")))
    assert copies.exists() is not practice
