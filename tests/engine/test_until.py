from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bwp_tui.engine.lease import Lease
from bwp_tui.engine.probe import probe
from bwp_tui.engine.serve import EngineElsewhere, serve, serve_once
from bwp_tui.engine.setup import setup_for
from bwp_tui.engine.until import until
from bwp_tui.history import actions, engine_state, tasks
from bwp_tui.history.connection import History
from bwp_tui.history.engine_state import Service
from bwp_tui.history.errors import HistoryTooNew
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import Profile, SettingsError
from tests.engine.shop import ACTOR, request, setup_of, submit
from tests.waiting import eventually


def accepted(number: int) -> Callable[[History], bool]:
    return lambda history: tasks.get(history, number).task_id is not None


def never(_history: History) -> bool:
    return False


@contextmanager
def serving(profile: Profile) -> Iterator[list[str]]:
    """Be the engine in a thread; yields what it says."""
    said: list[str] = []
    stop = threading.Event()
    server = threading.Thread(target=lambda: serve(setup_of(profile), stop=stop, say=said.append))
    server.start()
    try:
        yield said
    finally:
        stop.set()
        server.join()


def lease_is_free(profile: Profile) -> bool:
    lease = Lease(profile.lease_path)
    free = lease.take()
    lease.release()
    return free


def test_a_command_has_its_task_submitted_and_leaves_the_others_alone(
    sandbox: Sandbox, profile: Profile, live_history: History
) -> None:
    other = submit(live_history, "eve@example.com")
    number = submit(live_history, "jane@example.com")
    assert until(setup_of(profile), accepted(number), focus=[number], timeout=20)
    assert tasks.get(live_history, other).status == "QUEUED"
    assert [start.email for start in sandbox.world.starts] == ["jane@example.com"]
    assert lease_is_free(profile)


def test_what_is_so_already_needs_no_engine(sandbox: Sandbox, profile: Profile) -> None:
    sandbox.stop()
    assert until(setup_of(profile), lambda _history: True, focus=[], timeout=0)


def test_time_runs_out(profile: Profile, live_history: History) -> None:
    number = submit(live_history, "slow@example.com")
    began = time.monotonic()
    assert not until(setup_of(profile), never, focus=[number], timeout=0.5)
    assert time.monotonic() - began < 5
    assert lease_is_free(profile)


def test_without_a_service_it_returns_early(sandbox: Sandbox, profile: Profile, live_history: History) -> None:
    sandbox.stop()
    number = submit(live_history, "jane@example.com")
    began = time.monotonic()
    assert not until(setup_of(profile), accepted(number), focus=[number], timeout=None)
    assert time.monotonic() - began < 10
    assert "cannot be reached" in (tasks.get(live_history, number).trouble or "")


def test_the_patient_wait_for_a_service_that_comes_back(
    sandbox: Sandbox, profile: Profile, live_history: History
) -> None:
    sandbox.stop()
    number = submit(live_history, "jane@example.com")

    def done(history: History) -> bool:
        if tasks.get(history, number).trouble:
            sandbox.start()
        return tasks.get(history, number).task_id is not None

    assert until(setup_of(profile), done, focus=[number], timeout=30, patient=True)


def test_what_a_dead_engine_said_last_discourages_nobody(profile: Profile, live_history: History) -> None:
    engine_state.announce(live_history, 4_000_000, "here")
    engine_state.report(live_history, Service.UNREACHABLE, "gone", None)
    number = submit(live_history, "jane@example.com")
    assert until(setup_of(profile), accepted(number), focus=[number], timeout=20)


def test_another_engine_does_the_work_for_a_command(profile: Profile, live_history: History) -> None:
    with serving(profile) as said:
        eventually(lambda: said)
        number = submit(live_history, "jane@example.com")
        assert until(setup_of(profile), accepted(number), focus=[number], timeout=20)
        assert not lease_is_free(profile)


def test_serving_says_each_role_once(profile: Profile) -> None:
    with serving(profile) as first:
        eventually(lambda: first)
        with serving(profile) as second:
            eventually(lambda: second)
            assert second == ["Another process is the engine of profile sandbox; waiting to take over."]
    assert first == ["This process is the engine of profile sandbox."]
    assert lease_is_free(profile)


def test_serving_once_does_what_is_due_and_returns(sandbox: Sandbox, profile: Profile, live_history: History) -> None:
    numbers = [submit(live_history, f"shopper{number}@example.com") for number in range(3)]
    task_id = sandbox.world.start(request("").kind, "slow@example.com")
    numbers.append(actions.track(live_history, request("").kind, task_id, request(""), ACTOR).number)
    serve_once(setup_of(profile))
    assert {tasks.get(live_history, number).status for number in numbers} == {"IN_PROGRESS"}
    assert lease_is_free(profile)
    assert engine_state.read(live_history).pid is None


def test_serving_once_beside_an_engine_is_refused(profile: Profile) -> None:
    lease = Lease(profile.lease_path)
    assert lease.take()
    with pytest.raises(EngineElsewhere, match="nothing to do here"):
        serve_once(setup_of(profile))
    lease.release()


def test_serving_once_with_an_unusable_register_frees_the_lease(profile: Profile) -> None:
    history = History(profile.history_path)
    history.rows("PRAGMA user_version = 999")
    history.close()
    with pytest.raises(HistoryTooNew, match="newer bwp-tui"):
        serve_once(setup_of(profile))
    assert lease_is_free(profile)


def test_serving_once_with_an_unusable_proxy_is_a_mistake_of_the_settings(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://proxy")
    with pytest.raises(SettingsError, match="HTTPS_PROXY"):
        serve_once(setup_of(profile))
    assert lease_is_free(profile)


def test_a_probe_proves_credentials_and_reach_and_starts_nothing(sandbox: Sandbox, profile: Profile) -> None:
    result = probe(setup_of(profile))
    assert (result.reachable, result.sentence) == (True, "The service answers and takes the credentials.")
    assert sandbox.world.starts == []
    assert not profile.history_path.exists()


@pytest.mark.parametrize("fault", ["denied", "throttled", "html", "garbled", "down"])
def test_a_probe_tells_trouble_in_a_sentence(sandbox: Sandbox, profile: Profile, fault: str) -> None:
    sandbox.faults.set(fault)
    result = probe(setup_of(profile))
    assert not result.reachable
    assert result.sentence.endswith(".")


def test_a_probe_with_a_wrong_secret_does_not_show_it(profile: Profile) -> None:
    result = probe(setup_of(profile, "not-the-secret"))
    assert not result.reachable
    assert "refused" in result.sentence
    assert "not-the-secret" not in result.sentence


def test_a_probe_without_a_service_or_a_usable_proxy_is_a_sentence(
    sandbox: Sandbox, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.stop()
    assert "cannot be reached" in probe(setup_of(profile)).sentence
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://proxy")
    assert "HTTPS_PROXY" in probe(setup_of(profile)).sentence


def test_a_setup_holds_the_secret_and_does_not_show_it(profile: Profile) -> None:
    setup = setup_for(profile)
    assert setup.client_secret == setup_of(profile).client_secret
    assert setup.client_secret not in repr(setup)


def test_a_profile_without_credentials_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BWP_CLIENT_ID, BWP_CLIENT_SECRET, BWP_TARGET_ID"):
        setup_for(Profile(name="default", folder=tmp_path, download_dir=tmp_path))
