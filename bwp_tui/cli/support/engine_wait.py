"""Wait for the engine, and explain a timeout."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.session import CommandSession
from bwp_tui.cli.support.streams import AS_SENTENCES, print_message
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.statuses import WITHHELD_STATUSES, Status, engine_is_done_with
from bwp_tui.domain.task import TO_CHECK, Task
from bwp_tui.domain.text import counted
from bwp_tui.settings.profile import CONSOLE_SIZE_VARIABLE
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.intent_log import cancel_refused_reason
from bwp_tui.store.worklog import engine_state, ready_polls
from bwp_tui.store.worklog.engine_state import (
    NO_ENGINE_LEFT,
    WRONG_SETTINGS,
    Ability,
    EngineState,
    ServiceHealthState,
)
from bwp_tui.store.worklog.intents import unfinished_work

if TYPE_CHECKING:
    from bwp_tui.engine.runtime.engine_config import EngineConfig

_REFUSED: Final = (Status.REJECTED, Status.UNCONFIRMED)
_OUTAGES: Final = frozenset(
    {ServiceHealthState.UNREACHABLE, ServiceHealthState.FAULTY, ServiceHealthState.ENGINE_FAULT}
)
REPORT_OUTAGE_AFTER_S: Final = 5.0
"""Seconds without a response after which a command that waits for the end of an outage says so."""

NO_RESPONSE: Final = "No response in time."

SENDS_NOTHING: Final = (
    "The profile is read-only: an engine whose profile is not has to send requests and cancellations, and to download."
)


class EngineWaiter:
    """Waits while the engine works on tasks, and keeps how the service responded meanwhile.

    Attributes:
        read_only: as of its session.
        is_interrupted: whether Ctrl+C has ended a wait.
    """

    def __init__(self, session: CommandSession) -> None:
        from bwp_tui.engine.runtime.engine_config import engine_config

        self._store = session.store
        self.read_only = session.read_only
        self._config: EngineConfig = engine_config(session.profile)
        self._state = EngineState()
        self._trouble: str | None = None
        self._outage_since: float | None = None
        self._is_outage_reported = False
        self.is_interrupted = False

    def wait_until(
        self,
        condition: Callable[[Store], bool],
        numbers: Sequence[int],
        timeout: float | None,
        *,
        waits_out_failures: bool = False,
        show: Callable[[Sequence[Task]], None] = lambda _: None,
    ) -> tuple[bool, Sequence[Task]]:
        """Wait until `condition` is true; return whether it became so, and the tasks as they were then.

        Ctrl+C ends the wait as a timeout does, so that whoever presses it learns what is recorded.

        Args:
            numbers: the tasks, which are polled first.
            timeout: seconds; None waits for ever.
            waits_out_failures: an unreachable service does not end the wait; refused credentials do.
            show: called with the tasks once the wait is over, before the ends of hooks that still run are waited for.

        Raises:
            KeyboardInterrupt: an earlier wait was interrupted.
        """
        from bwp_tui.engine.runtime.run_until import run_engine_until

        if self.is_interrupted:
            raise KeyboardInterrupt
        is_met, found = False, list[Task]()

        def read_and_show() -> None:
            nonlocal found
            found = tasks.by_numbers(self._store, numbers)
            show(found)

        def is_over(store: Store) -> bool:
            nonlocal is_met
            is_met = condition(store)
            self._read_state(store)
            if is_met:
                read_and_show()
            elif waits_out_failures:
                self._report_outage()
            return is_met or (waits_out_failures and self._state.service in WRONG_SETTINGS)

        def report_failure(sentence: str) -> None:
            self._trouble = sentence
            if waits_out_failures:
                print_message(sentence)

        try:
            run_engine_until(
                self._config,
                is_over,
                timeout=timeout,
                polled_first=numbers,
                waits_out_failures=waits_out_failures,
                report=report_failure,
            )
        except KeyboardInterrupt:
            self.is_interrupted = True
        if not is_met:
            is_met = condition(self._store)  # a call may have had its response while the engine stopped
            read_and_show()
        return is_met, found

    def poll(self, numbers: Sequence[int], timeout: float | None) -> list[Task]:
        """Have tasks polled now; return those of which the service said nothing, with why if it was asked."""
        requests.poll_now(self._store, numbers)
        asked_at = self._store.clock()

        def polled(store: Store, of: Sequence[int] = numbers) -> bool:
            return not ready_polls.any_ready(store, of, asked_at)

        done, found = self.wait_until(polled, numbers, timeout) if numbers else (True, ())
        not_asked = [task for task in found if not (done or polled(self._store, [task.number]))]
        failed = [task for task in found if task not in not_asked and task.trouble and not task.is_for_other_email]
        return [*failed, *(task._replace(trouble=None) for task in not_asked)]  # theirs is of an earlier poll

    def _read_state(self, store: Store) -> None:
        # The state that a stopped engine left, or that concerns its own settings alone, does not count.
        state = engine_state.read(store)
        if not state.leaves_work_to(os.getpid()) and state.service != ServiceHealthState.UNTRIED:
            self._state = state

    def _report_outage(self) -> None:
        """Say once what is wrong with the service while it has not responded for some seconds."""
        state = self._state
        if state.message is None or state.service not in _OUTAGES:
            self._outage_since, self._is_outage_reported = None, False
        elif self._outage_since is None:
            self._outage_since = time.monotonic()
        elif not self._is_outage_reported and time.monotonic() - self._outage_since >= REPORT_OUTAGE_AFTER_S:
            self._is_outage_reported = True
            print_message(f"{state.message} Trying again until it responds; ctrl+c ends the wait.")

    def timed_out(
        self, consequence: str, why: str | None = None, *, otherwise: str = NO_RESPONSE, is_recorded: bool = True
    ) -> CommandError:
        """Return the error of a command that got no response in time.

        Args:
            consequence: a sentence on the state now.
            why: why the task's own last call failed; only wrong settings, which stop every call, come before it.
            otherwise: the reason when none is known.
            is_recorded: an engine goes on with what was asked for, and the error says which.
        """
        from bwp_tui.engine.runtime.lease import NOT_RESPONDING, RESUME_ADVICE, is_any_engine_running, misses_heartbeats
        from bwp_tui.store.database.error_translation import is_stopped

        lease_path = self._config.profile.lease_path
        engine = engine_state.read(self._store)
        holder = engine.pid if is_any_engine_running(lease_path) else None
        if holder is not None and (is_stopped(holder) or misses_heartbeats(lease_path)):
            return CommandError(
                f"The engine, process {holder}, {NOT_RESPONDING}. {consequence} {RESUME_ADVICE.format(holder)}",
                ExitCode.TRY_LATER,
            )
        state = self._state
        message = state.message if state.service != ServiceHealthState.REACHED else None
        if state.service in WRONG_SETTINGS:
            why = message or why
        why = why or message or self._trouble or otherwise
        if self.is_interrupted:
            why = "Interrupted."
        # Plain mode, or the console, that runs this command: its engine comes back when this command's has ended.
        is_inside = AS_SENTENCES.get() or CONSOLE_SIZE_VARIABLE in os.environ
        goes_on = NO_ENGINE_LEFT
        if holder in (os.getpid(), os.getppid()) or (holder is None and is_inside):
            goes_on = "This bwp-tui goes on until you quit."
        elif holder is not None:
            goes_on = f"Process {holder} is the engine, and goes on until it ends."
        left = unfinished_work(self._store)
        sends_nothing = self._config.profile.read_only and (holder is None or engine.max_ability is Ability.POLLS)
        if sends_nothing and left is not None and left.needs_sending_engine:
            goes_on = SENDS_NOTHING
        code = ExitCode.USAGE if state.service in WRONG_SETTINGS else ExitCode.TRY_LATER
        sentence = f"{why} {consequence} {goes_on}" if is_recorded else f"{why} {consequence}"
        return CommandError(sentence, ExitCode.INTERRUPTED if self.is_interrupted else code)


def wait_for_response(
    session: CommandSession, waiter: EngineWaiter, numbers: Sequence[int], arguments: Namespace, *, prints: bool = True
) -> ExitCode:
    """Wait for the service's response to recorded requests, print their tasks, and report what became of them.

    Args:
        prints: whether tasks that were submitted are printed, besides those that were not.
    """
    single = len(numbers) == 1
    print_earlier_requests(tasks.by_numbers(session.store, numbers))

    def show(sent: Sequence[Task]) -> None:
        if prints or any(task.status in (*_REFUSED, Status.QUEUED) for task in sent):
            print_tasks(sent, as_json=arguments.json)
            sys.stdout.flush()

    is_sent, sent = waiter.wait_until(
        lambda store: not tasks.any_queued(store, numbers), numbers, arguments.timeout, show=show
    )
    refused = [task for task in sent if task.status in _REFUSED]
    not_accepted = f"{counted(len(refused), 'request')} not accepted; see: bwp-tui list is:failed."
    if not is_sent:
        if refused:
            print_message(not_accepted)
        queued = [task for task in sent if task.status == Status.QUEUED]
        raise waiter.timed_out(_describe_queued(queued), sent[0].trouble if single else None)
    if not refused:
        return ExitCode.DONE
    if single:
        raise CommandError(_refused_reason(refused[0]), ExitCode.FAILED)
    raise CommandError(not_accepted, ExitCode.FAILED)


def wait_for_end(
    waiter: EngineWaiter, numbers: Sequence[int], arguments: Namespace, *, prints: bool = True
) -> ExitCode:
    """Wait until tasks have ended at the service, and print them; return DONE where all are COMPLETED.

    Args:
        prints: whether tasks are printed where all are COMPLETED.
    """

    def is_over(task: Task) -> bool:
        # Only an operator has what is withheld, or is to be checked, sent.
        is_to_check = task.status == Status.QUEUED and not task.is_outcome_unknown and TO_CHECK in task.tags
        return engine_is_done_with(task.status) or task.status in WITHHELD_STATUSES or is_to_check

    def have_ended(store: Store) -> bool:
        return all(map(is_over, tasks.by_numbers(store, numbers)))

    def are_completed(waited: Sequence[Task]) -> bool:
        return all(task.status == Status.COMPLETED for task in waited)

    def show(waited: Sequence[Task]) -> None:
        if prints or not are_completed(waited):
            print_tasks(waited, as_json=arguments.json, read_only=waiter.read_only)
            sys.stdout.flush()

    ended, waited = waiter.wait_until(have_ended, numbers, arguments.timeout, waits_out_failures=True, show=show)
    if not ended:
        left = counted(sum(not is_over(task) for task in waited), "task")
        raise waiter.timed_out(
            f"{left} not finished; wait again, or see: bwp-tui list is:active.", otherwise="Timed out."
        )
    for task in waited:
        if not engine_is_done_with(task.status):
            print_message(f"#{task.number} is {task.status} and not sent; what to do: bwp-tui show {task.number}.")
    return ExitCode.DONE if are_completed(waited) else ExitCode.FAILED


def print_earlier_requests(recorded: Sequence[Task]) -> None:
    """Print which of the requests have an earlier one with the same email and kind."""
    for task in recorded:
        if task.earlier_number is not None and task.resubmit_of is None:
            print_message(
                f"#{task.earlier_number} has the same email and kind; see: bwp-tui show {task.earlier_number}."
            )


def _describe_queued(queued: Sequence[Task]) -> str:
    without_response = sum(task.is_outcome_unknown for task in queued)
    if len(queued) == 1:
        missing = "has no response" if without_response else "not submitted"
        return f"Request #{queued[0].number} is recorded and {missing} yet."
    unsent = len(queued) - without_response
    parts = (
        (f"{unsent} {'is' if unsent == 1 else 'are'} not submitted yet", unsent),
        (f"{without_response} {'has' if without_response == 1 else 'have'} no response yet", without_response),
    )
    return f"{len(queued)} requests are recorded: {', '.join(part for part, count in parts if count)}."


def _refused_reason(task: Task) -> str:
    if task.status == Status.REJECTED:
        reasons = "; ".join(error.message for error in task.errors) or "It gave no reason."
        return f"The service rejected the request: {reasons}"
    why = task.trouble or "No response came while its client token protected it."
    return f"{why} Request #{task.number} is UNCONFIRMED; what to do: bwp-tui show {task.number}."


def wait_for_cancellations(
    session: CommandSession, waiter: EngineWaiter, numbers: Sequence[int], timeout: float | None, *, as_json: bool
) -> Sequence[Task]:
    """Wait until the service has confirmed or refused cancellations; print their tasks, and return them."""
    are_ended, cancelled = waiter.wait_until(
        lambda store: not tasks.any_being_cancelled(store, numbers), numbers, timeout
    )
    print_tasks(cancelled, as_json=as_json)
    pending = [task for task in cancelled if task.is_being_cancelled]
    if not are_ended and pending:
        print_refused_cancellations(session.store, [task for task in cancelled if not task.is_being_cancelled])
        trouble = cancelled[0].trouble if len(numbers) == 1 else None
        raise waiter.timed_out(_describe_pending_cancellations(pending), trouble)
    return cancelled


def print_refused_cancellations(store: Store, asked: Sequence[Task]) -> int:
    """Print why tasks of which the cancellation is settled were not cancelled; return how many these are."""
    left = [task for task in asked if task.status not in (Status.CANCELLED, Status.DECLINED)]
    for task in left:
        why = cancel_refused_reason(store, task.number)
        print_message(f"#{task.number} is {task.status}{f': {why}' if why else '.'}")
    return len(left)


def _describe_pending_cancellations(pending: Sequence[Task]) -> str:
    declined = any(task.declined_on is not None for task in pending)
    if len(pending) == 1:
        then = "; the decline comes into effect with it" if declined else ""
        return f"The cancellation of #{pending[0].number} is recorded and not confirmed yet{then}."
    then = "; the declines come into effect with them" if declined else ""
    return f"{len(pending)} cancellations are recorded and not confirmed yet{then}."
