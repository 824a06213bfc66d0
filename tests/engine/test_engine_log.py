"""The log of an engine without a screen."""

from __future__ import annotations

import os
import threading

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import HookOccasion, Kind
from bwp_tui.domain.times import local_day
from bwp_tui.engine.runtime.engine_config import EngineConfig
from bwp_tui.engine.runtime.engine_log import EngineLog, Severity
from bwp_tui.engine.runtime.engine_thread import EngineRole, EngineThread
from bwp_tui.settings import Profile
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import engine_state, hooks, intent_outcomes
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.engine.shop import ACTOR, config_of, submit
from tests.engine.test_engine_thread import running
from tests.store import single
from tests.store.support import accepted, answer, sent
from tests.waiting import eventually


def begin(store: Store, pid: int | None = None) -> None:
    """Make a process the engine; None is this one."""
    engine_state.record_new_term(store, pid or os.getpid(), "host")


def test_all_is_logged_from_the_moment_that_a_process_is_known_as_the_engine(
    profile: Profile, live_history: Store
) -> None:
    submit(live_history, "earlier@example.com")
    lines: list[str] = []
    may_load = threading.Event()

    def load() -> EngineConfig:
        may_load.wait()
        return config_of(profile)

    log = EngineLog(lambda _severity, line: lines.append(line))
    engine = EngineThread(profile, load, observe=log.log_new_events)
    with running(engine):
        eventually(lambda: engine.role is EngineRole.ENGINE)
        number = submit(live_history, "jane@example.com")
        may_load.set()
        eventually(lambda: any(line.startswith(f"Task {number}") and "recorded" in line for line in lines))
    assert not any(line.startswith("Task 1") and "recorded" in line for line in lines)


def test_a_hook_is_logged_with_its_occasion_and_a_failed_one_as_a_warning(live_history: Store) -> None:
    lines: list[tuple[Severity, str]] = []
    log = EngineLog(lambda severity, line: lines.append((severity, line)))
    number = submit(live_history, "jane@example.com")
    log.log_new_events(live_history)
    hooks.claim(live_history, HookOccasion.COMPLETED, [number])
    for outcome in ("exit code 0", "exit code 7", "could not be started: No such file or directory"):
        hooks.record_end(live_history, HookOccasion.COMPLETED, [number], outcome)
    log.log_new_events(live_history)
    assert lines == [
        (Severity.INFO, f"Task {number}: hook for occasion completed; program: to be started."),
        (Severity.INFO, f"Task {number}: hook for occasion completed; program: exit code 0."),
        (Severity.WARNING, f"Task {number}: hook for occasion completed; program: exit code 7."),
        (
            Severity.WARNING,
            f"Task {number}: hook for occasion completed; program: could not be started: No such file or directory.",
        ),
    ]


def test_each_change_of_a_status_is_logged_and_what_the_program_itself_records(live_history: Store) -> None:
    lines: list[str] = []
    log = EngineLog(lambda _severity, line: lines.append(line))
    today = local_day(live_history.clock())
    declined, answered = accepted(live_history, "a-1", Kind.DELETION), accepted(live_history, "b-2")
    log.log_new_events(live_history)
    single.edit(live_history, declined.number, lambda edit: decisions.decline(edit, "fraud", "no"), ACTOR, today)
    intent_outcomes.record_cancelled(live_history, sent(live_history, declined.number).id)
    single.answer(live_history, answered.number, "by email", today, ACTOR)
    single.answered(live_history, answered.number, answer(Status.FAILED), live_history.clock())
    requests.resubmit(live_history, answered.number, ACTOR)
    log.log_new_events(live_history)
    assert lines == [
        f"Task {declined.number} (a-1): cancelled ON_HOLD → CANCELLED.",
        f"Task {declined.number} (a-1): declined CANCELLED → DECLINED.",
        f"Task {answered.number} (b-2): status IN_PROGRESS → FAILED.",
        f"Task {answered.number} (b-2): answer withdrawn.",
        f"Task {answered.number + 1}: resubmitted QUEUED.",
    ]


def test_an_outage_of_its_own_last_call_is_not_reported_by_a_process_that_is_no_longer_the_engine(
    live_history: Store,
) -> None:
    lines: list[str] = []
    log = EngineLog(lambda _severity, line: lines.append(line))
    begin(live_history)
    log.log_new_events(live_history)
    engine_state.record_health(live_history, ServiceHealthState.UNREACHABLE, "Connection to 127.0.0.1 lost.", None)
    log.log_new_events(live_history)
    log.log_alive(is_engine=True)
    assert "Trouble: Connection to 127.0.0.1 lost." in lines[-1]
    log.log_alive(is_engine=False)
    assert lines[-1] == "Alive: 0 events since the last heartbeat."


def test_another_trouble_is_logged_when_it_begins_and_its_end(live_history: Store) -> None:
    lines: list[str] = []
    log = EngineLog(lambda _severity, line: lines.append(line))
    begin(live_history)
    log.log_new_events(live_history)
    for service, message in (
        (ServiceHealthState.THROTTLED, "Rate limit hit."),
        (ServiceHealthState.THROTTLED, "Rate limit hit: requests are sent more slowly for a while."),
        (ServiceHealthState.BAD_CREDENTIALS, "The client secret was refused."),
        (ServiceHealthState.REACHED, None),
    ):
        engine_state.record_health(live_history, service, message, None)
        log.log_new_events(live_history)
    throttled, refused, ended = lines
    assert throttled == "Trouble: Rate limit hit."
    assert refused.startswith("Trouble: The client secret was refused. New credentials ")
    assert "ended" in ended


def test_a_trouble_does_not_end_with_the_term_or_because_it_is_to_be_tried_again(live_history: Store) -> None:
    lines: list[str] = []
    log = EngineLog(lambda _severity, line: lines.append(line))
    begin(live_history)
    log.log_new_events(live_history)
    refused = ServiceHealthState.BAD_CREDENTIALS, "The client secret was refused.", None
    untried, reached = ((service, None, None) for service in (ServiceHealthState.UNTRIED, ServiceHealthState.REACHED))
    for pid, health in ((None, refused), (None, untried), (1, untried), (1, reached), (None, untried), (None, refused)):
        if pid != engine_state.read(live_history).pid:
            begin(live_history, pid)
        engine_state.record_health(live_history, *health)
        log.log_new_events(live_history)
    assert len(lines) == 1
    engine_state.record_health(live_history, *reached)
    log.log_new_events(live_history)
    assert "ended" in lines[1]


def test_what_was_wrong_with_the_engine_itself_has_ended_once_it_is_to_try_again(live_history: Store) -> None:
    lines: list[str] = []
    log = EngineLog(lambda _severity, line: lines.append(line))
    begin(live_history)
    log.log_new_events(live_history)
    for service, message in ((ServiceHealthState.ENGINE_FAULT, "It fails."), (ServiceHealthState.UNTRIED, None)):
        engine_state.record_health(live_history, service, message, None)
        log.log_new_events(live_history)
    assert ["ended" in line for line in lines] == [False, True]
