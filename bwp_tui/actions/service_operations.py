"""Declare the operations that the engine carries out at the service, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from bwp_tui.actions.operation import Argument, FlagAlternative, IfOmitted, TaskOperation, Values
from bwp_tui.domain.advice import is_shopper_unknown
from bwp_tui.domain.deadlines import HoldRule, fitting_hold, fixed_hold, same_hold
from bwp_tui.domain.statuses import WITHHELD_STATUSES, DownloadState, Status
from bwp_tui.domain.task import LONGEST_HOLDING_PERIOD, Task, TimelineEvent, cannot_change_purged
from bwp_tui.domain.text import clean_line, counted
from bwp_tui.domain.times import local_day, utc_now
from bwp_tui.store.commands import requests, work_records
from bwp_tui.store.commands.bulk import TaskChange, TaskCheck, unchanged_check
from bwp_tui.store.commands.decisions import approve, cannot_approve, cannot_approve_own
from bwp_tui.store.commands.request_validation import Reason, request_mistakes
from bwp_tui.store.commands.requests import (
    cancellation_phrase,
    cannot_cancel,
    cannot_download,
    cannot_resubmit,
    cannot_send,
    original_clause,
)
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.queries.saved_results import saved_path
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog.insert_request import status_to_send


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ServiceOperation(TaskOperation):
    """An operation that is asked for here and carried out by the engine.

    Attributes:
        noun: what is asked for; `nouns` is an irregular plural.
        apply: asks for it on one task, given the actor, the folder for downloads and the arguments' values by name; a
            task that it returns is the one to look at now.
        question: asked before it is done to a single task, given the task's name and whom it is about; empty for none.
            Of a submission the console asks anyway.
        result: the sentence about a single task, as it and its timeline are afterwards.
    """

    noun: str
    nouns: str | None = None
    apply: Callable[..., Task | None]
    alternative: FlagAlternative[ServiceOperation] | None = None
    question: Callable[[Task, str], str] = lambda *_: ""
    result: Callable[[Task, Sequence[TimelineEvent]], str] = lambda *_: ""

    def outcome(self, count: int) -> str:
        """Return what was asked for."""
        return f"{counted(count, self.noun, self.nouns)} asked for"

    def check_for(self, seen: Task, today: date) -> TaskCheck:
        """Return the check that refuses a task where it is impossible now, or changed since the question about it."""

        def confirmed(now: Task) -> object:
            return self.submits and (now.may_have_started, now.email, now.holding_period, now.due_on)

        return unchanged_check(
            seen, lambda now: self.disabled_reason(now, today), lambda now: self.question(now, now.email), confirmed
        )

    def change_for(self, actor: str, folder: str = "", **values: Any) -> TaskChange:
        """Return the change that asks for it on a task."""

        def run(_transaction: Transaction, store: Store, number: int) -> int:
            task = self.apply(store, number, actor, folder, **values)
            return number if task is None else task.number

        return run


def _cannot_download_first(task: Task, _today: date) -> str | None:
    """Return why `task` is skipped: as `cannot_download` does, or since its result is saved."""
    if (saved := saved_path(task.download)) is None:
        return cannot_download(task)
    return Reason("saved already", f"The result of {task.name} is saved already as {saved}.")


def _question_of_download(task: Task, _subject: str) -> str:
    saved = saved_path(task.download)
    return "" if saved is None else f"Already downloaded as {saved.name}. Download it again?"


def _request_download(store: Store, number: int, actor: str, folder: str) -> None:
    requests.download(store, number, folder, actor)


DOWNLOAD_AGAIN: Final = ServiceOperation(
    name="download again",
    noun="download",
    disabled_reason=lambda task, _: cannot_download(task),
    apply=_request_download,
    result=lambda task, _: f"The download of #{task.number} was asked for.",
    is_harmless=True,
)

DOWNLOAD: Final = replace(
    DOWNLOAD_AGAIN,
    name="download",
    keys=("d",),
    label="download",
    is_next_step=lambda task: task.download is None or task.download.state != DownloadState.DONE,
    help="Download the result",
    group="work",
    purpose="download results and print their paths",
    keywords="fetch save get",
    alternative=FlagAlternative("--again", "download again what is already downloaded", DOWNLOAD_AGAIN),
    skip_reason=_cannot_download_first,
    question=_question_of_download,
)


def _cannot_submit_with(task: Task, values: Values, _today: date) -> Reason | None:
    """Return what the service would refuse of the request, such as an adopted task's email."""
    for mistake in request_mistakes(requests.resubmission(task, values.get("hold_rule", same_hold))):
        return Reason(f"whose {mistake.field.replace('_', ' ')} the service would refuse", str(mistake))
    return None


def _hold_mistake(text: str) -> str | None:
    if text == "fit" or (text.isascii() and text.isdigit() and int(text) <= LONGEST_HOLDING_PERIOD):
        return None
    return f"“{clean_line(text)}” is neither fit nor a number of days from 0 to {LONGEST_HOLDING_PERIOD}."


def _read_hold(words: Sequence[str], _task: Task | None) -> Values:
    (text,) = words
    if text != "fit":
        return {"hold_rule": fixed_hold(int(text))}
    return {"hold_rule": lambda task: fitting_hold(local_day(utc_now()))(task)}  # the zone may not be set yet


def _resubmit(
    store: Store, number: int, actor: str, _folder: str, note: str = "", hold_rule: HoldRule = same_hold
) -> Task:
    """Resubmit a failed task, with a note on the new one if there is one."""
    with store.write() as transaction:
        new = requests.resubmit(store, number, actor, hold_rule)
        if note:
            work_records.note(
                work_records.TaskEdit(transaction, store, new.number, actor, local_day(transaction.now)), note
            )
    return new


_HOLD: Final = Argument(
    name="hold_rule",
    option_name="holding-period",
    metavar="DAYS",
    help="hold of deletions in days, or fit: the longest that ends by the due date (default: unchanged)",
    mistake=_hold_mistake,
    read=_read_hold,
    if_omitted=IfOmitted.USE_DEFAULT,
)


def _unapproved_notice(task: Task) -> str:
    """Return that a deletion is not sent yet, if another person has to approve it."""
    waits = f"#{task.number} is UNAPPROVED: nothing is sent before another person approves it."
    return waits if task.status == Status.UNAPPROVED else ""


def withheld_clause(tasks: Sequence[Task]) -> str:
    """Return how many requests are not sent yet since a person has to do something first, or nothing."""
    counts = Counter(task.status for task in tasks if task.status in WITHHELD_STATUSES)
    return "".join(f"; {n} {'is' if n == 1 else 'are'} {status}, not sent yet" for status, n in counts.items())


SEND: Final = ServiceOperation(
    name="send",
    noun="submission",
    keys=("S",),
    label="send",
    is_next_step=lambda _: True,
    help="Send a received request, once its requester is verified",
    group="send",
    purpose="send received requests whose requesters are verified",
    keywords="submit release verified",
    arguments=(_HOLD,),
    disabled_reason=lambda task, _: cannot_send(task),
    wrong_values_reason=_cannot_submit_with,
    resulting_status=lambda store, task: status_to_send(store, task.kind),
    apply=lambda store, number, actor, _, hold_rule=same_hold: requests.send(store, number, actor, hold_rule),
    result=lambda task, _: (
        _unapproved_notice(task) or f"The submission of #{task.number} is recorded, with a client token of its own."
    ),
    submits=True,
)

APPROVE: Final = replace(
    SEND,
    name="approve",
    noun="approval",
    keys=("plus",),
    label="approve",
    help="Approve a deletion that another person asked for",
    purpose="approve deletions that another person of the team asked for",
    keywords="four eyes release confirm",
    disabled_reason=lambda task, _: cannot_approve(task),
    wrong_actor_reason=cannot_approve_own,
    resulting_status=lambda *_: None,
    apply=lambda store, number, actor, _, hold_rule=same_hold: approve(store, number, actor, hold_rule),
)


def _question_of_resubmit(task: Task, name: str) -> str:
    is_doubtful = task.may_have_started or task.answered_on is not None
    return f"Resubmit {name} all the same?" if is_doubtful else ""


def _is_to_be_resubmitted(task: Task) -> bool:
    return task.status != Status.UNCONFIRMED and task.answered_on is None and not is_shopper_unknown(task)


def _result_of_resubmit(task: Task, _events: Sequence[TimelineEvent]) -> str:
    if task.status == Status.RECEIVED:
        return f"Recorded as #{task.number}, which is RECEIVED: nothing is sent yet."
    return _unapproved_notice(task) or f"Recorded as #{task.number} with a client token of its own."


RESUBMIT: Final = ServiceOperation(
    name="resubmit",
    noun="resubmission",
    keys=("R",),
    label="resubmit",
    is_next_step=_is_to_be_resubmitted,
    help="Resubmit a failed request",
    group="send",
    purpose="resubmit failed tasks as new ones",
    example="An UNCONFIRMED or GIVEN_UP request may already run at the service: --yes resubmits it too.",
    keywords="again retry repeat",
    arguments=(
        Argument(name="note", metavar="TEXT", help="note for the new tasks", if_omitted=IfOmitted.USE_DEFAULT),
        _HOLD,
    ),
    disabled_reason=lambda task, _: cannot_resubmit(task),
    wrong_values_reason=_cannot_submit_with,
    resulting_status=requests.status_if_resubmitted,
    apply=_resubmit,
    question=_question_of_resubmit,
    result=_result_of_resubmit,
    submits=True,
)


_CANCELLATION: Final = (
    *(EventKind.CANCELLED_UNSENT, EventKind.CANCEL_REQUESTED),
    *(EventKind.CANCELLED, EventKind.CANCEL_REFUSED),
)
"""The events of a cancellation and of its outcome."""


def _result_of_cancel(task: Task, events: Sequence[TimelineEvent]) -> str:
    """Return what the timeline says of the cancellation: another process may have carried it out already."""
    newest = next((event for event in reversed(events) if event.what in _CANCELLATION), None)
    if newest is None or newest.what == EventKind.CANCEL_REQUESTED:
        later = " It is sent once the task id is known." if task.cancel_asked and task.task_id is None else ""
        return f"The cancellation of {task.name} is recorded.{later}"
    if newest.what == EventKind.CANCELLED_UNSENT:
        return f"{task.name} is cancelled; it is not sent."
    return f"{task.name} is cancelled." if newest.what == EventKind.CANCELLED else f"{task.name}: {newest.detail}"


CANCEL: Final = ServiceOperation(
    name="cancel",
    noun="cancellation",
    keys=("x",),
    label="cancel",
    is_next_step=lambda task: task.status not in WITHHELD_STATUSES,
    help="Cancel a deletion on hold, or what was never sent",
    group="send",
    purpose="cancel deletions while they are on hold, and what was never sent",
    keywords="stop abort",
    disabled_reason=lambda task, _: cannot_cancel(task),
    apply=lambda store, number, actor, _: requests.cancel(store, number, actor),
    question=lambda task, name: f"{cancellation_phrase(task)} {name}?{original_clause(task)}",
    result=_result_of_cancel,
)


def cannot_refresh(task: Task) -> str | None:
    if reason := cannot_change_purged(task):
        return reason
    if task.task_id is None:
        sentence = f"{task.name} has no task id, so the service cannot be asked about it."
        return Reason("without task id", sentence)
    if task.status == Status.CANCELLED:
        return f"{task.name} was cancelled here; the service has no more to say of it."
    return None


REFRESH: Final = ServiceOperation(
    name="refresh",
    noun="refresh",
    nouns="refreshes",
    keys=("u",),
    label="refresh",
    help="Refresh the status from the API",
    group="work",
    purpose="refresh the status of tasks from the API",
    keywords="poll update sync",
    disabled_reason=lambda task, _: cannot_refresh(task),
    apply=lambda store, number, *_: requests.poll_now(store, [number]),
    result=lambda task, _: f"A refresh of {task.name} was asked for.",
    is_harmless=True,
    writes=False,
)

SERVICE_OPERATIONS: Final = (DOWNLOAD, SEND, APPROVE, RESUBMIT, CANCEL, REFRESH)
"""Those with a key, a `:` command and a CLI command."""
