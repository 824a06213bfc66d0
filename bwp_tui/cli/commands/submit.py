"""`bwp-tui submit`, `track` and `settle`: commands that record a request, or decide what an unconfirmed one is."""

from __future__ import annotations

import time
from argparse import Namespace

from bwp_tui.actions.decision_operations import ENTER_TASK_ID, SETTLEMENTS
from bwp_tui.cli.argparse_base import RESPONSE_TIMEOUT_S
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.days import checked_day, require_same_day, today
from bwp_tui.cli.support.engine_wait import (
    EngineWaiter,
    print_earlier_requests,
    print_refused_cancellations,
    wait_for_cancellations,
    wait_for_end,
    wait_for_response,
)
from bwp_tui.cli.support.questions import deletion_question, require_typed
from bwp_tui.cli.support.result_downloads import download_results
from bwp_tui.cli.support.session import CommandSession, open_session, require_credentials
from bwp_tui.cli.support.streams import print_message
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.deadlines import late_end, longest_fitting_hold, needs_answer, statutory_due_date
from bwp_tui.domain.regulations import REGULATIONS, not_in_force_warning
from bwp_tui.domain.statuses import Status, engine_is_done_with
from bwp_tui.domain.task import Kind, Request, Task
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.commands.request_validation import check_request
from bwp_tui.store.queries import tasks


def submit(arguments: Namespace) -> ExitCode:
    """Record a request, send it, and print its task; where that is asked for, wait for its end and its result."""
    arguments.wait = arguments.wait or arguments.download
    if arguments.timeout is None and not arguments.wait:
        arguments.timeout = RESPONSE_TIMEOUT_S
    if arguments.awaits_verification and arguments.wait:
        raise CommandError("--hold sends nothing that could be waited for. Nothing was recorded.")
    if arguments.output and not arguments.download:
        raise CommandError("--output needs --download. Nothing was recorded.")
    with open_session(arguments) as session:
        day = today()
        request = _request(arguments, session.profile)
        check_request(request)
        if request.awaits_verification:
            require_credentials(session.profile)
            _warn_of_deadline(request)
            task = requests.submit(session.store, request, session.actor)
            print_earlier_requests([task])
            print_tasks([task], as_json=arguments.json)
            return ExitCode.DONE
        waiter = EngineWaiter(session)
        _warn_of_deadline(request)
        if request.kind is Kind.DELETION and not arguments.yes:
            is_sent_at_once = not session.profile.deletions_need_approval
            require_typed(deletion_question(request.email, is_sent_at_once=is_sent_at_once), request.email)
            require_same_day(day)
        task = requests.submit(session.store, request, session.actor)
        if not arguments.wait:
            return wait_for_response(session, waiter, [task.number], arguments)
        return _wait_and_download(session, waiter, task, arguments)


def _wait_and_download(session: CommandSession, waiter: EngineWaiter, task: Task, arguments: Namespace) -> ExitCode:
    """Wait until the task has ended, and download its result where that is asked for.

    Raises:
        CommandError: the wait ended before; the result is not downloaded then.
    """
    number, deadline = task.number, None if arguments.timeout is None else time.monotonic() + arguments.timeout

    def with_time_left() -> Namespace:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        return Namespace(**{**vars(arguments), "timeout": left})

    try:
        is_to_be_sent = task.status == Status.QUEUED  # else the wait for its end prints the same, at once
        wait_for_response(session, waiter, [number], with_time_left(), prints=is_to_be_sent and not arguments.json)
        ended = wait_for_end(waiter, [number], with_time_left(), prints=not arguments.download)
    except CommandError:
        if arguments.download and not engine_is_done_with(tasks.get(session.store, number).status):
            print_message(f"Its result is not downloaded by itself; once it is COMPLETED: bwp-tui download {number}.")
        raise
    if ended is not ExitCode.DONE or not arguments.download:
        return ended
    return download_results(session, waiter, [number], with_time_left())


def track(arguments: Namespace) -> None:
    """Add a task that was submitted elsewhere by its id, and poll it."""
    kind = Kind(arguments.kind.upper())
    with open_session(arguments) as session:
        earlier = tasks.with_task_id(session.store, arguments.task_id)  # as of a mistaken kind
        received_on, law = today(), session.profile.regulation
        if earlier is not None:
            received_on, law = earlier.received_on, earlier.regulation
        if arguments.received is not None:
            received_on = checked_day(arguments.received)
        request = Request(kind, "", received_on, arguments.regulation or law)
        _warn_if_not_in_force(request)
        waiter = EngineWaiter(session)
        number = requests.track(session.store, kind, arguments.task_id, request, session.actor).number
        if earlier is not None and needs_answer(tasks.get(session.store, earlier.number)):
            print_message(
                f"#{earlier.number}, which had this task id, is given up. If no shopper waits for it: bwp-tui answer "
                f"{earlier.number} --how REASON."
            )
        polled = _wait_for_poll(waiter, number, arguments)
        task = tasks.get(session.store, number)
        if task.is_task_id_unknown:
            (other_kind,) = set(Kind) - {kind}
            raise CommandError(
                f"The service does not know {kind.lower()} {arguments.task_id}. Check the profile, the kind and the "
                f"id; it is polled for another day. To correct the id: bwp-tui settle {number} --task-id ID; the kind: "
                f"bwp-tui track {other_kind.lower()} ID; to drop it: bwp-tui settle {number} --give-up REASON, then, "
                f"if no shopper waits for it, bwp-tui answer {number} --how REASON.",
                ExitCode.NOT_FOUND,
            )
        if (other := tasks.unfinished_for_same(session.store, task)) is not None:
            is_unknown = other.status == Status.UNCONFIRMED
            settle = f"if this is its task: bwp-tui settle {other.number} --task-id {task.task_id}"
            todo = settle if is_unknown else f"see: bwp-tui show {other.number}"
            print_message(f"#{other.number} ({other.status}) has the same email and kind; {todo}.")
        was_submitted_before = task.received_on != received_on
        if arguments.received is None or was_submitted_before:
            day = f"that of #{earlier.number}" if earlier is not None else "today"
            day = "that of its submission" if was_submitted_before else day
            print_message(
                f"The day of receipt is taken to be {day}, {task.received_on}, under {task.regulation}; the due date "
                f"counts from it. If the shopper asked earlier: bwp-tui correct {number} --received DATE."
            )
        print_tasks([task], as_json=arguments.json)
        if not polled:
            raise waiter.timed_out(f"Task #{number} is tracked.")


def settle(arguments: Namespace) -> ExitCode:
    """Enter the task id of an unconfirmed request, or give the request up.

    A cancellation that waits for the task id is waited for: nothing else may be there to send it.
    """
    with open_session(arguments) as session:
        before = tasks.find_by_name(session.store, arguments.task)
        number = before.number
        ((settlement, text),) = (
            (settlement, text)
            for settlement in SETTLEMENTS
            if (text := getattr(arguments, settlement.text.name)) is not None
        )
        waiter = EngineWaiter(session) if settlement is ENTER_TASK_ID else None
        task = settlement.apply(session.store, number, text, session.actor)
        if waiter is None:
            print_tasks([task], as_json=arguments.json)
            print_message(settlement.result(before, text))
            return ExitCode.DONE
        is_to_be_cancelled = task.is_being_cancelled
        polled = _wait_for_poll(waiter, number, arguments)
        task = tasks.get(session.store, number)
        if task.status == Status.UNCONFIRMED or task.is_task_id_unknown:
            raise CommandError(f"{task.trouble} #{number} is {task.status}.", ExitCode.NOT_FOUND)
        if polled and is_to_be_cancelled:
            asked = wait_for_cancellations(session, waiter, [number], arguments.timeout, as_json=arguments.json)
            return ExitCode.FAILED if print_refused_cancellations(session.store, asked) else ExitCode.DONE
        print_tasks([task], as_json=arguments.json)
        if not polled:
            raise waiter.timed_out(f"The task id is recorded with #{number}.")
        return ExitCode.DONE


def _request(arguments: Namespace, profile: Profile) -> Request:
    kind = Kind(arguments.kind.upper())
    deletion = kind is Kind.DELETION
    hold = arguments.holding_period if deletion else None
    if deletion and hold is None:
        hold = profile.holding_period
    return Request(
        kind=kind,
        email=arguments.email,
        received_on=today() if arguments.received is None else checked_day(arguments.received),
        regulation=arguments.regulation or profile.regulation,
        holding_period=hold,
        reason=(arguments.reason or None) if deletion else None,
        note=arguments.note,
        tags=tuple(dict.fromkeys(tag for tag in arguments.tag if tag)),
        awaits_verification=arguments.awaits_verification,
    )


def _warn_of_deadline(request: Request) -> None:
    """Print a warning where the regulation was not in force, or the service may finish after the due date."""
    _warn_if_not_in_force(request)
    due, end = statutory_due_date(request.regulation, request.received_on), late_end(request, today())
    if due is None or end is None:
        return
    fitting = longest_fitting_hold(today(), due) if request.holding_period else None
    advice = "" if fitting is None else f"; --holding-period {fitting} would end by then"
    advice += ", but could not be cancelled" if fitting == 0 else ""
    source = REGULATIONS[request.regulation].source
    when = f"{end} if it is sent today" if request.awaits_verification else end
    print_message(f"Warning: this may take until {when}, after the due date {due} ({source}){advice}.")


def _warn_if_not_in_force(request: Request) -> None:
    if warning := not_in_force_warning(request.regulation, request.received_on):
        print_message(f"Warning: {warning}")


def _wait_for_poll(waiter: EngineWaiter, number: int, arguments: Namespace) -> bool:
    """Wait until the service has said what it knows of a task id; return whether it has."""

    def is_polled(task: Task) -> bool:
        return task.status != Status.QUEUED or task.is_task_id_unknown

    return waiter.wait_until(lambda store: is_polled(tasks.get(store, number)), [number], arguments.timeout)[0]
