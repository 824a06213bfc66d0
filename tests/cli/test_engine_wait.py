"""The reason that a command gives when it got no response in time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support import engine_wait
from bwp_tui.cli.support.engine_wait import (
    SENDS_NOTHING,
    EngineWaiter,
    _describe_queued,
    print_refused_cancellations,
    wait_for_response,
)
from bwp_tui.cli.support.session import CommandSession
from bwp_tui.domain.task import Kind
from bwp_tui.engine.runtime import lease as lease_module
from bwp_tui.settings import load_profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.error_translation import is_stopped
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import NO_ENGINE_LEFT, ServiceHealthState
from bwp_tui.store.worklog.intent_outcomes import record_accepted, record_rejected, record_unconfirmed
from bwp_tui.store.worklog.intents import unfinished_work
from tests.cli.conftest import Bwp
from tests.engine.shop import ACTOR, request
from tests.store.support import sent
from tests.waiting import PATIENCE_S, eventually


@pytest.fixture
def session(shop: Bwp, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandSession]:
    """The profile of a shop's environment, in this process."""
    for name, value in shop.env.items():
        monkeypatch.setenv(name, value)
    profile = load_profile(None, os.environ)
    store = open_store(profile.history_path)
    yield CommandSession(profile, store, ACTOR)
    store.close()


@contextmanager
def engine_process(shop: Bwp, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """`bwp-tui run`, which is the engine by now."""
    with subprocess.Popen(
        shop.argv("run"), env={**shop.env, **variables}, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            assert "is the engine" in process.stderr.readline()
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("service", "expected", "exit_code"),
    [
        (ServiceHealthState.FAULTY, "Own.", ExitCode.TRY_LATER),
        (ServiceHealthState.BAD_CREDENTIALS, "Other.", ExitCode.USAGE),
    ],
)
def test_own_failure_comes_before_the_engines_message_unless_settings_are_wrong(
    session: CommandSession, service: ServiceHealthState, expected: str, exit_code: ExitCode
) -> None:
    waiter = EngineWaiter(session)
    engine_state.record_new_term(session.store, os.getpid(), "host")
    engine_state.record_health(session.store, service, "Other.", None)
    waiter._read_state(session.store)
    error = waiter.timed_out("Then.", "Own.")
    assert (str(error), error.code) == (f"{expected} Then. {NO_ENGINE_LEFT}", exit_code)


def test_no_request_that_was_sent_is_counted_as_not_submitted(session: CommandSession) -> None:
    numbers = [requests.submit(session.store, request(f"{name}@example.com"), ACTOR).number for name in "abc"]
    counts = []
    for number in numbers:
        sent(session.store, number)
        described = _describe_queued(tasks.by_numbers(session.store, numbers))
        counts.append(re.findall(r"(\d) (?:is|are|has|have) (not submitted|no response)", described))
    assert counts == [
        [("2", "not submitted"), ("1", "no response")],
        [("1", "not submitted"), ("2", "no response")],
        [("3", "no response")],
    ]


def test_one_refused_request_of_two_is_counted_as_one(session: CommandSession) -> None:
    numbers = [requests.submit(session.store, request(f"{name}@example.com"), ACTOR).number for name in "ab"]
    record_accepted(session.store, sent(session.store, numbers[0]).id, "task-1", session.store.clock())
    record_rejected(session.store, sent(session.store, numbers[1]).id, None, "No.")
    with pytest.raises(CommandError, match=r"^1 request not accepted"):
        wait_for_response(session, EngineWaiter(session), numbers, Namespace(timeout=PATIENCE_S, json=False))


def test_a_stopped_engine_is_named_and_neither_its_last_message_nor_another_engine_is_offered(
    shop: Bwp, session: CommandSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "_MIN_OBSERVED_S", 0.3)
    with engine_process(shop) as process:
        eventually(lambda: engine_state.read(session.store).pid == process.pid)
        engine_state.record_health(session.store, ServiceHealthState.UNREACHABLE, "About another request.", None)
        process.send_signal(signal.SIGSTOP)
        eventually(lambda: lease_module.misses_heartbeats(session.profile.lease_path))
        number = requests.submit(session.store, request("jane@example.com"), ACTOR).number
        waiter = EngineWaiter(session)
        assert not waiter.wait_until(lambda _store: False, [number], 0.5)[0]
        error = waiter.timed_out("Then.")
    assert error.code == ExitCode.TRY_LATER
    assert f"process {process.pid}, is not responding" in str(error)
    assert "Then." in str(error)
    assert "About another request." not in str(error)
    assert NO_ENGINE_LEFT not in str(error)


def test_an_outage_that_lasts_is_reported_once(
    session: CommandSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine_wait, "REPORT_OUTAGE_AFTER_S", 0.0)
    calls = []

    def is_fourth_call(store: Store) -> bool:
        calls.append(store)
        engine_state.record_health(store, ServiceHealthState.UNREACHABLE, "Nobody responds.", None)
        return len(calls) > 3

    assert EngineWaiter(session).wait_until(is_fourth_call, [], PATIENCE_S, waits_out_failures=True)[0]
    assert capsys.readouterr().err.count("Nobody responds.") == 1


def test_an_engine_that_was_stopped_just_now_is_not_said_to_go_on(shop: Bwp, session: CommandSession) -> None:
    with engine_process(shop) as process:
        eventually(lambda: engine_state.read(session.store).pid == process.pid)
        waiter = EngineWaiter(session)
        process.send_signal(signal.SIGSTOP)
        eventually(lambda: is_stopped(process.pid))
        assert f"process {process.pid}, is not responding" in str(waiter.timed_out("Then."))


def test_while_another_process_is_the_engine_no_other_is_offered(shop: Bwp, session: CommandSession) -> None:
    with engine_process(shop) as process:
        waiter = EngineWaiter(session)
        assert not waiter.wait_until(lambda _store: False, [], 0.2)[0]
        error = str(waiter.timed_out("Then."))
    assert f"Process {process.pid} is the engine" in error
    assert NO_ENGINE_LEFT not in error
    assert NO_ENGINE_LEFT in str(waiter.timed_out("Then."))


def test_an_engine_that_sends_nothing_is_not_said_to_go_on_with_what_is_to_be_sent(
    shop: Bwp, session: CommandSession
) -> None:
    number = requests.submit(session.store, request("jane@example.com"), ACTOR).number
    reading = CommandSession(replace(session.profile, read_only=True), session.store, ACTOR)
    with engine_process(shop, BWP_READ_ONLY="1"):
        waiter = EngineWaiter(reading)
        assert not waiter.wait_until(lambda _store: False, [number], 0.2)[0]
        assert str(waiter.timed_out("Then.")).endswith(SENDS_NOTHING)


def test_a_cancellation_that_waits_for_a_task_id_has_no_reason_of_a_refusal(
    session: CommandSession, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = request("jane@example.com")._replace(kind=Kind.DELETION)
    numbers = [requests.submit(session.store, asked, ACTOR).number for _ in range(2)]
    for number in numbers:
        intent = sent(session.store, number)
        requests.cancel(session.store, number, ACTOR)
    record_unconfirmed(session.store, intent.id)
    print_refused_cancellations(session.store, tasks.by_numbers(session.store, [number]))
    assert f"#{number} is UNCONFIRMED." in capsys.readouterr().err


def test_a_task_of_which_the_service_gives_another_email_is_refreshed_all_the_same(
    session: CommandSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = requests.submit(session.store, request("jane@example.com"), ACTOR).number
    waiter = EngineWaiter(session)
    assert waiter.wait_until(lambda store: not tasks.any_queued(store, [number]), [number], PATIENCE_S)[0]
    session.store.rows("UPDATE tasks SET email = 'bob@example.com' WHERE number = ?", (number,))
    assert waiter.poll([number], PATIENCE_S) == []
    assert tasks.get(session.store, number).is_for_other_email
    assert unfinished_work(session.store) is None
    monkeypatch.setattr(
        waiter, "wait_until", lambda _condition, numbers, _timeout: (False, tasks.by_numbers(session.store, numbers))
    )
    (unpolled,) = waiter.poll([number], 0.0)
    assert unpolled.trouble is None, "the reason of an earlier poll says nothing of this one"


def test_what_to_do_about_an_unconfirmed_request_is_shown_by_the_command_that_is_named(session: CommandSession) -> None:
    intent = sent(session.store, requests.submit(session.store, request("jane@example.com"), ACTOR).number)
    record_unconfirmed(session.store, intent.id)
    arguments = Namespace(timeout=PATIENCE_S, json=False)
    with pytest.raises(CommandError, match=f"bwp-tui show {intent.task_number}"):
        wait_for_response(session, EngineWaiter(session), [intent.task_number], arguments)
