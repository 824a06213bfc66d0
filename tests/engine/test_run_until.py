from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import local_day, utc_now
from bwp_tui.engine.runtime import headless as serve_module
from bwp_tui.engine.runtime import maintenance_thread
from bwp_tui.engine.runtime.engine_config import engine_config
from bwp_tui.engine.runtime.engine_thread import EngineThread
from bwp_tui.engine.runtime.headless import OtherEngineBusy, serve, serve_once
from bwp_tui.engine.runtime.lease import Lease, begin_term
from bwp_tui.engine.runtime.run_until import run_engine_until
from bwp_tui.engine.runtime.service_calls import check_service
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import Profile, SettingsError
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreDamaged, StoreTooNew
from bwp_tui.store.maintenance import backups, purge
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import Ability, ServiceHealthState
from tests.engine.shop import ACTOR, config_of, request, submit
from tests.engine.test_engine_thread import running
from tests.store.damage import PAGE, overwrite
from tests.waiting import PATIENCE_S, eventually


def accepted(number: int) -> Callable[[Store], bool]:
    return lambda store: tasks.get(store, number).task_id is not None


def never(_store: Store) -> bool:
    return False


@contextmanager
def serving(profile: Profile) -> Iterator[list[str]]:
    """Be the engine in a thread; yields what it says."""
    said: list[str] = []
    stop = threading.Event()
    server = threading.Thread(
        target=lambda: serve(config_of(profile), stop=stop, write_line=lambda _, sentence: said.append(sentence))
    )
    server.start()
    try:
        yield said
    finally:
        stop.set()
        server.join()


def lease_is_free(profile: Profile) -> bool:
    lease = Lease(profile.lease_path)
    free = lease.acquire()
    lease.release()
    return free


def test_a_command_has_all_that_is_due_done_while_it_lasts(
    sandbox: Sandbox, profile: Profile, live_history: Store
) -> None:
    other = submit(live_history, "eve@example.com")
    number = submit(live_history, "jane@example.com")
    assert run_engine_until(
        config_of(profile), lambda store: accepted(number)(store) and accepted(other)(store), timeout=PATIENCE_S
    )
    assert sorted(start.email for start in sandbox.state.starts) == ["eve@example.com", "jane@example.com"]
    assert lease_is_free(profile)


def test_what_is_so_already_needs_no_engine(sandbox: Sandbox, profile: Profile) -> None:
    sandbox.stop()
    assert run_engine_until(config_of(profile), lambda _store: True, timeout=0)


def test_time_runs_out(profile: Profile, live_history: Store) -> None:
    submit(live_history, "slow@example.com")
    began = time.monotonic()
    assert not run_engine_until(config_of(profile), never, timeout=0.5)
    assert time.monotonic() - began < 5
    assert lease_is_free(profile)


def test_without_a_service_it_returns_early(sandbox: Sandbox, profile: Profile, live_history: Store) -> None:
    sandbox.stop()
    number = submit(live_history, "jane@example.com")
    began = time.monotonic()
    assert not run_engine_until(config_of(profile), accepted(number), timeout=None)
    assert time.monotonic() - began < 10
    assert "cannot be reached" in (tasks.get(live_history, number).trouble or "")


def test_the_patient_wait_for_a_service_that_comes_back(
    sandbox: Sandbox, profile: Profile, live_history: Store
) -> None:
    sandbox.stop()
    number = submit(live_history, "jane@example.com")

    def done(store: Store) -> bool:
        if tasks.get(store, number).trouble:
            sandbox.start()
        return tasks.get(store, number).task_id is not None

    assert run_engine_until(config_of(profile), done, timeout=PATIENCE_S, waits_out_failures=True)


def test_what_a_dead_engine_said_last_discourages_nobody(profile: Profile, live_history: Store) -> None:
    engine_state.record_new_term(live_history, 4_000_000, "here")
    engine_state.record_health(live_history, ServiceHealthState.UNREACHABLE, "gone", None)
    number = submit(live_history, "jane@example.com")
    assert run_engine_until(config_of(profile), accepted(number), timeout=PATIENCE_S)


def test_another_engine_does_the_work_for_a_command(profile: Profile, live_history: Store) -> None:
    with serving(profile) as said:
        eventually(lambda: said)
        number = submit(live_history, "jane@example.com")
        assert run_engine_until(config_of(profile), accepted(number), timeout=PATIENCE_S)
        assert not lease_is_free(profile)


def test_serving_says_each_role_once(profile: Profile) -> None:
    with serving(profile) as first:
        eventually(lambda: first)
        with serving(profile) as second:
            eventually(lambda: second)
            assert second == [f"Process {os.getpid()} is the engine of profile sandbox; waiting to take over."]
    assert first == ["This process is the engine of profile sandbox."]
    assert lease_is_free(profile)


def test_a_read_only_engine_says_that_it_sends_nothing_and_so_does_its_follower(profile: Profile) -> None:
    looking = replace(profile, read_only=True)
    with serving(looking) as first:
        eventually(lambda: first)
        with serving(looking) as second:
            eventually(lambda: second)
    assert "read-only: it sends nothing" in first[0]
    assert "is read-only: it sends nothing; waiting to take over" in second[0]


def test_serving_once_does_what_is_due_and_returns(sandbox: Sandbox, profile: Profile, live_history: Store) -> None:
    numbers = [submit(live_history, f"shopper{number}@example.com") for number in range(3)]
    task_id = sandbox.state.start(request("").kind, "slow@example.com")
    numbers.append(requests.track(live_history, request("").kind, task_id, request(""), ACTOR).number)
    serve_once(config_of(profile))
    assert {tasks.get(live_history, number).status for number in numbers} == {"IN_PROGRESS"}
    assert lease_is_free(profile)
    assert engine_state.read(live_history).pid is None


def test_serving_once_waits_for_the_engine_that_is_there(profile: Profile, live_history: Store) -> None:
    with serving(profile) as said:
        eventually(lambda: said)
        numbers = [submit(live_history, f"shopper{number}@example.com") for number in range(5)]
        serve_once(config_of(profile))
        assert all(tasks.get(live_history, number).task_id for number in numbers)
        assert not lease_is_free(profile)


def test_serving_once_beside_a_process_that_does_nothing_says_so(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve_module, "STALLED_ENGINE_S", 0.5)
    lease = Lease(profile.lease_path)
    assert begin_term(live_history, lease, Ability.ALL) is not None
    serve_once(config_of(profile))  # nothing is due
    number = submit(live_history, "jane@example.com")
    with pytest.raises(OtherEngineBusy, match=f"Process {os.getpid()}"):
        serve_once(config_of(profile))
    assert tasks.get(live_history, number).task_id is None
    lease.release()


def test_serving_once_does_not_wait_for_what_neither_of_two_read_only_engines_does(
    profile: Profile, live_history: Store
) -> None:
    number = submit(live_history, "jane@example.com")
    lease = Lease(profile.lease_path)
    assert begin_term(live_history, lease, Ability.POLLS) is not None
    assert serve_once(config_of(replace(profile, read_only=True))) is None
    assert tasks.get(live_history, number).task_id is None
    lease.release()


def test_serving_once_takes_over_from_an_engine_that_only_polls(profile: Profile, live_history: Store) -> None:
    number = submit(live_history, "jane@example.com")
    lease = Lease(profile.lease_path)
    assert begin_term(live_history, lease, Ability.POLLS) is not None
    lease.write_heartbeat()
    serve_once(config_of(profile))
    assert tasks.get(live_history, number).task_id is not None
    lease.release()


def test_a_command_that_waits_on_a_held_deletion_does_what_others_ask_for(
    sandbox: Sandbox, profile: Profile, live_history: Store
) -> None:
    held = submit(live_history, "held@example.com", Kind.DELETION, 30)
    stop = threading.Event()
    waiting = threading.Thread(
        target=lambda: run_engine_until(config_of(profile), lambda _store: stop.is_set(), timeout=None)
    )
    waiting.start()
    try:
        eventually(lambda: tasks.get(live_history, held).status == "ON_HOLD")
        number = submit(live_history, "jane@example.com")
        assert run_engine_until(config_of(profile), accepted(number), timeout=PATIENCE_S)
        assert waiting.is_alive()
        assert len(sandbox.state.starts) == 2
    finally:
        stop.set()
        waiting.join()


def test_a_wrong_secret_of_another_process_is_not_taken_for_this_ones(profile: Profile, live_history: Store) -> None:
    number = submit(live_history, "jane@example.com")
    with running(EngineThread(profile, lambda: config_of(profile, "wrong"))):
        eventually(lambda: engine_state.read(live_history).service == ServiceHealthState.BAD_CREDENTIALS)
        assert run_engine_until(config_of(profile), accepted(number), timeout=PATIENCE_S)


def test_what_keeps_this_process_from_being_the_engine_is_told(profile: Profile, live_history: Store) -> None:
    number = submit(live_history, "jane@example.com")
    profile.lease_path.mkdir()
    said: list[str] = []
    assert not run_engine_until(config_of(profile), accepted(number), timeout=PATIENCE_S, report=said.append)
    [sentence] = said
    assert str(profile.lease_path) in sentence


@pytest.mark.parametrize("practice", [False, True], ids=["a real profile", "practice"])
def test_whoever_is_the_engine_for_a_moment_makes_the_daily_copy(
    profile: Profile, live_history: Store, practice: bool
) -> None:
    number = submit(live_history, "jane@example.com")
    profile = replace(profile, is_sandbox=practice)
    assert run_engine_until(config_of(profile), accepted(number), timeout=PATIENCE_S)
    assert backups.todays_path(profile.history_path, local_day(utc_now())).exists() is not practice
    for copy in backups.daily_backups(profile.history_path):
        copy.unlink()
    serve_once(config_of(profile))
    assert backups.todays_path(profile.history_path, local_day(utc_now())).exists() is not practice


def test_a_day_that_has_its_copy_needs_no_other_look(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = replace(profile, is_sandbox=False)
    serve_once(config_of(profile))
    are_brief: list[bool] = []
    monkeypatch.setattr(maintenance_thread, "run_maintenance", lambda *_others, is_brief: are_brief.append(is_brief))
    assert run_engine_until(config_of(profile), accepted(submit(live_history, "jane@example.com")), timeout=PATIENCE_S)
    assert are_brief == [True]


def test_what_a_purge_left_is_removed_also_on_a_day_that_has_its_copy(profile: Profile, live_history: Store) -> None:
    profile = replace(profile, is_sandbox=False)
    serve_once(config_of(profile))
    with live_history.write() as transaction:  # as a restore of a copy in which a task was purged leaves it
        transaction.run("UPDATE meta SET traces_left = 1")
    serve_once(config_of(profile))
    assert not purge.has_traces(live_history)


def test_serving_once_notices_that_an_index_does_not_list_what_waits_and_the_next_time_sends_it(
    profile: Profile,
) -> None:
    profile = replace(profile, is_sandbox=False)
    path = profile.history_path
    with closing(open_store(path)) as store:
        backups.back_up_daily(path, local_day(utc_now()), threading.Event())
        ((root,),) = store.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'intents_waiting'")
    begin = (int(str(root)) - 1) * PAGE
    empty = path.read_bytes()[begin : begin + PAGE]
    with closing(open_store(path)) as store:
        number = submit(store, "jane@example.com")
    overwrite(path, begin, empty)  # the disk has lost a write
    with pytest.raises(StoreDamaged):
        serve_once(config_of(profile))
    serve_once(config_of(profile))
    with closing(open_store(path)) as store:
        assert tasks.get(store, number).task_id is not None


def test_serving_once_with_an_unusable_register_frees_the_lease(profile: Profile) -> None:
    store = open_store(profile.history_path)
    store.rows("PRAGMA user_version = 999")
    store.close()
    with pytest.raises(StoreTooNew, match="newer bwp-tui"):
        serve_once(config_of(profile))
    assert lease_is_free(profile)


def test_serving_once_with_an_unusable_certificate_file_is_a_mistake_of_the_settings(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at.all")
    with pytest.raises(SettingsError, match="SSL_CERT_FILE"):
        serve_once(config_of(profile))
    assert lease_is_free(profile)


def test_a_probe_proves_credentials_and_reach_and_starts_nothing(sandbox: Sandbox, profile: Profile) -> None:
    result = check_service(config_of(profile))
    assert (result.reachable, result.sentence) == (True, "The service responds and accepts the credentials.")
    assert sandbox.state.starts == []
    assert not profile.history_path.exists()


@pytest.mark.parametrize("fault", ["denied", "throttled", "html", "garbled", "down"])
def test_a_probe_tells_trouble_in_a_sentence(sandbox: Sandbox, profile: Profile, fault: str) -> None:
    sandbox.faults.set(fault)
    result = check_service(config_of(profile))
    assert not result.reachable
    assert result.sentence.endswith(".")
    assert result.sentence.endswith("Try again later.") == (fault != "denied")


def test_a_probe_with_a_wrong_secret_does_not_show_it(profile: Profile) -> None:
    result = check_service(config_of(profile, "not-the-secret"))
    assert not result.reachable
    assert "refused" in result.sentence
    assert "not-the-secret" not in result.sentence
    assert "later" not in result.sentence, "it stays wrong"


def test_a_probe_without_a_service_or_usable_certificates_is_a_sentence(
    sandbox: Sandbox, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.stop()
    assert "cannot be reached" in check_service(config_of(profile)).sentence
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at.all")
    assert "SSL_CERT_FILE" in check_service(config_of(profile)).sentence


def test_the_config_holds_the_secret_and_does_not_show_it(profile: Profile) -> None:
    config = engine_config(profile)
    assert config.client_secret == config_of(profile).client_secret
    assert config.client_secret not in repr(config)


def test_a_profile_without_credentials_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BWP_CLIENT_ID, BWP_CLIENT_SECRET, BWP_TARGET_ID"):
        engine_config(Profile(name="default", folder=tmp_path, download_dir=tmp_path))
