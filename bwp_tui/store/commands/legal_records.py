"""Record what the law asks for before the answer: verification, acknowledgement, inquiry, reply, extension.

`on` is the day of what is recorded; today where it is None. NotPossible says why it cannot be recorded.
"""

from __future__ import annotations

from datetime import date

from bwp_tui.domain.deadlines import (
    acknowledgement_deadline,
    appeal_deadline,
    extension_notice_deadline,
    is_clock_stopped,
    late_clause,
    needs_answer,
    recomputed_due_date,
    task_due_date,
)
from bwp_tui.domain.regulations import REGULATIONS, stored_names
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Task, Verification, cannot_change_purged
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import iso_day, local_day
from bwp_tui.store.commands.request_validation import Reason, receipt_mistake, refuse
from bwp_tui.store.commands.work_records import TaskEdit
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries.timeline import EventKind


def verify(edit: TaskEdit, how: str, by: str = "", on: date | None = None) -> None:
    """Record how the identity of the person who asks was verified. Another record replaces the first.

    It is also the reply to an inquiry that awaits one. `by` is who verified it; the actor where it is empty.
    """
    how, by, day = clean_line(how), clean_line(by) or edit.actor, on or edit.today
    if not how:
        raise NotPossible("A verification must say how it was made.")
    task = edit.task
    refuse(cannot_change_records(task))
    after = after_verification(task, day)
    if task.verification == Verification(day, by, how) and after is task:
        raise NotPossible(f"This verification of {task.name} was already recorded for {day}.")
    reply = {"replied_on": day.isoformat(), "due_on": iso_day(after.due_on)} if after is not task else {}
    edit.set(verified_on=day.isoformat(), verified_by=by, verified_how=how, **reply)
    edit.add_event(EventKind.VERIFIED, f"on {day} by {by}: {how}", (task.due_on, after.due_on))


def after_verification(task: Task, day: date) -> Task:
    """Return a task as its clock is once a verification of a day is recorded, which is the reply to an inquiry."""
    is_reply = task.inquired_on is not None and task.replied_on is None and task.inquired_on <= day
    return with_due_date(task._replace(replied_on=day)) if is_reply else task


def with_due_date(task: Task) -> Task:
    """Return a task with the due date that follows from its days of receipt, extension, inquiry, reply and answer."""
    return task._replace(due_on=recomputed_due_date(task))


def cannot_verify_in_bulk(task: Task) -> str | None:
    """Return why a bulk plan records no verification of `task`, or None when it does: it replaces none."""
    if task.verification is not None:
        sentence = f"The identity for {task.name} was already verified on {task.verification.on}."
        return Reason("verified already", sentence)
    return cannot_change_records(task)


def acknowledge(edit: TaskEdit, on: date | None = None) -> None:
    """Record that receipt of the request was confirmed to the shopper; another day corrects the recorded one."""
    task, day = edit.task, on or edit.today
    before = task.acknowledged_on
    refuse(cannot_acknowledge_in_bulk(task) if day == before else cannot_change_records(task))
    refuse(cannot_record_on(task, day))
    edit.set(acknowledged_on=day.isoformat())
    limit = acknowledgement_deadline(task.regulation, task.received_on)
    edit.add_event(EventKind.ACKNOWLEDGED, f"on {day}{late_clause(day, limit)}{corrected_clause(before)}")


def cannot_acknowledge_in_bulk(task: Task) -> str | None:
    """Return why a bulk plan does not acknowledge receipt of `task`, or None when it does: it corrects no record."""
    if task.acknowledged_on is not None:
        sentence = f"Receipt of {task.name} was already acknowledged on {task.acknowledged_on}."
        return Reason("acknowledged already", sentence)
    return cannot_change_records(task)


def corrected_clause(before: date | None) -> str:
    """Return which recorded day a new one corrects, as a clause; empty where none was recorded."""
    return "" if before is None else f", corrected from {before}"


def cannot_record_on(task: Task, day: date) -> Reason | None:
    """Return why nothing can have been said to the shopper on that day, or None when it can."""
    if day >= task.received_on:
        return None
    return Reason("received after that day", f"Task {task.name} was received on {task.received_on}, after {day}.")


def cannot_change_resubmitted(task: Task) -> Reason | None:
    """Return why nothing is recorded on a resubmitted task, or None for any other.

    To the shopper both are one request, of which the newest task has the records and the clock.
    """
    if not task.was_resubmitted:
        return None
    new = task.resubmitted_as
    then = "; a purge has removed the new task" if new is None else f" as #{new}; do that with #{new}"
    return Reason("resubmitted already", f"Task {task.name} was resubmitted{then}.")


def cannot_change_records(task: Task) -> str | None:
    """Return why nothing that a resubmission inherits can be recorded on a task or withdrawn from it, or None."""
    return cannot_change_resubmitted(task) or cannot_change_purged(task)


def cannot_change_declined(task: Task) -> Reason | None:
    """Return why nothing can be recorded on a declined task, or None for any other."""
    if task.declined_on is None:
        return None
    if task.status != Status.DECLINED:
        state = "the service has not responded to that yet"
        if task.is_cancellation_waiting:
            state = "that is sent once its task id is entered"
        return Reason(
            "to be declined once cancelled", f"The decline of {task.name} waits for its cancellation; {state}."
        )
    if task.is_appeal_running:
        return Reason("appealed", f"The appeal of {task.name} waits for its answer: record that.")
    if task.is_appeal_upheld:
        return Reason("appeal upheld", f"The appeal of {task.name} was upheld: resubmit it first.")
    return Reason("declined already", f"Task {task.name} was declined on {task.declined_on}, which is its answer.")


def inquire(edit: TaskEdit, on: date | None = None) -> None:
    """Record that the shopper was asked who they are or what they mean; its reply is awaited from then on.

    Another day corrects the recorded one while the reply is awaited.
    """
    task, day = edit.task, on or edit.today
    refuse(cannot_inquire_in_bulk(task) if day == task.inquired_on else cannot_inquire(task))
    refuse(cannot_record_on(task, day))
    due = with_due_date(task._replace(inquired_on=day)).due_on
    edit.set(inquired_on=day.isoformat(), due_on=iso_day(due))
    stops = ", which stops the clock" if due is None and task.due_on is not None else ""
    edit.add_event(EventKind.INQUIRED, f"on {day}{corrected_clause(task.inquired_on)}{stops}", (task.due_on, due))


def cannot_inquire(task: Task) -> str | None:
    """Return why no inquiry of task can be recorded, or None: a second would take the first one's place."""
    if reason := cannot_change_records(task):
        return reason
    if task.replied_on is not None:
        asked = f"The shopper of {task.name} was asked on {task.inquired_on} and replied on {task.replied_on}."
        return Reason("asked already", f"{asked} Withdraw that inquiry to record another.")
    return None


def cannot_inquire_in_bulk(task: Task) -> str | None:
    """Return why a bulk plan records no inquiry of task, or None when it does: it corrects none."""
    if task.inquired_on is not None and task.replied_on is None:
        sentence = f"The shopper of {task.name} was already asked on {task.inquired_on}; the reply is awaited."
        return Reason("asked already", sentence)
    return cannot_inquire(task)


def inquiry_warning(task: Task, day: date | None) -> Reason | None:
    """Return why another inquiry is probably a mistake, or None: it takes the place of one that waits for its reply."""
    if task.inquired_on is None or task.replied_on is not None or day == task.inquired_on:
        return None
    sentence = (
        f"The shopper of {task.name} was asked on {task.inquired_on}, and has not replied: this replaces that day."
    )
    return Reason("asked already", sentence)


def reply(edit: TaskEdit, on: date | None = None) -> None:
    """Record that the shopper replied to the inquiry; another day corrects the recorded one."""
    task, day = edit.task, on or edit.today
    refuse(cannot_reply_in_bulk(task) if day == task.replied_on else cannot_reply(task))
    refuse(cannot_reply_on(task, day))
    due = with_due_date(task._replace(replied_on=day)).due_on
    edit.set(replied_on=day.isoformat(), due_on=iso_day(due))
    edit.add_event(EventKind.REPLIED, f"on {day}{corrected_clause(task.replied_on)}", (task.due_on, due))


def cannot_reply(task: Task) -> str | None:
    if task.inquired_on is None:
        return Reason("without inquiry", f"No inquiry of {task.name} is recorded, so there is nothing to reply to.")
    return cannot_change_records(task)


def cannot_reply_in_bulk(task: Task) -> str | None:
    """Return why a bulk plan records no reply of task, or None when it does: it corrects none."""
    if task.replied_on is not None:
        return Reason("replied already", f"The reply of {task.name} was already recorded for {task.replied_on}.")
    return cannot_reply(task)


def reply_warning(task: Task, day: date | None) -> Reason | None:
    """Return that a reply on a day (None is today) replaces the recorded one and moves the due date, or None."""
    if task.replied_on is None or day == task.replied_on:
        return None
    sentence = f"The reply of {task.name} is recorded for {task.replied_on}; another day moves its due date."
    return Reason("replied already", sentence)


def cannot_reply_on(task: Task, day: date) -> Reason | None:
    """Return why the reply cannot have come on that day, or None when it can."""
    if task.inquired_on is None or day >= task.inquired_on:
        return None
    return Reason("asked after that day", f"The shopper of {task.name} was asked on {task.inquired_on}, after {day}.")


def extend(edit: TaskEdit, reason: str) -> None:
    """Record that the shopper was told, today and with the reason, that the answer takes longer."""
    why = clean_line(reason)
    if not why:
        raise NotPossible("An extension needs the reason that the shopper is told.")
    task = edit.task
    refuse(cannot_extend(task, edit.today))
    due = due_date_if_extended(task)
    if due is None:
        raise NotPossible(_no_extension_reason(task))
    edit.set(due_on=due.isoformat(), extended_on=edit.today.isoformat())
    edit.add_event(EventKind.EXTENDED, why, (task.due_on, due))


def cannot_extend(task: Task, today: date) -> str | None:
    """Return why the due date of task cannot be extended today, or None when it can.

    Once, and only while the shopper can still be told in time (`deadlines.extension_notice_deadline`).
    """
    if task.extended_on is not None:
        sentence = f"Task {task.name} was extended on {task.extended_on}; the law allows that once."
        return Reason("extended already", sentence)
    if reason := cannot_change_resubmitted(task):
        return reason
    if (reason := cannot_change_declined(task)) is not None:
        law = REGULATIONS.get(task.regulation)
        if task.is_appeal_running and law is not None and law.appeal_extension_days is not None:
            more = f"{law.appeal_extension_days} days under {law.id}"
            sentence = f"The extension of an appeal ({more}) is not counted here: note it on {task.name}."
            reason = Reason(reason.short, sentence)
        return cannot_change_purged(task) or reason
    if task.answered_on is not None:
        sentence = f"Task {task.name} was answered on {task.answered_on}: nothing is left to be extended."
        return cannot_change_purged(task) or Reason("answered already", sentence)
    if not needs_answer(task) or task.status == Status.DECLINED:  # as in a row that was rebuilt from its timeline
        return cannot_change_purged(task) or f"Task {task.name} is {task.status}: nothing is left to be extended."
    if is_clock_stopped(task):
        stopped = f"The clock of {task.name} is stopped from {task.inquired_on}"
        return Reason("awaiting a reply", f"{stopped}; extend it once the reply is recorded.")
    limit = extension_notice_deadline(task)
    if limit is None:
        return _no_extension_reason(task)
    if today > limit:
        source = REGULATIONS[task.regulation].source
        sentence = f"The shopper of {task.name} had to be told of an extension by {limit} ({source})."
        return Reason("too late to be extended", sentence)
    return None


def due_date_if_extended(task: Task) -> date | None:
    """Return the day by which the shopper of an extended task must be answered, or None where no law sets one."""
    return task_due_date(task._replace(extended_on=task.extended_on or date.max))  # the due date asks only for a day


def _no_extension_reason(task: Task) -> Reason:
    if task.due_on is not None and task.regulation in REGULATIONS:
        sentence = f"{task.regulation} knows no extension: {task.name} stays due on {task.due_on}."
        return Reason("without extension by law", sentence)
    return Reason("without deadline", f"Task {task.name} has no legal deadline that could be extended.")


def correct(edit: TaskEdit, received: date | None = None, regulation: str | None = None) -> None:
    """Correct the day of receipt or the regulation of a task, which moves its due date; None leaves one as it is."""
    task = edit.task
    day, law = received or task.received_on, regulation or task.regulation
    refuse(cannot_correct(task, day, law))
    due = with_due_date(task._replace(received_on=day, regulation=law)).due_on
    edit.set(received_on=day.isoformat(), regulation=law, due_on=iso_day(due))
    changes = [("received", str(task.received_on), str(day)), ("law", task.regulation, law)]
    detail = ", ".join(f"{what} {before} → {after}" for what, before, after in changes if before != after)
    edit.add_event(EventKind.CORRECTED, detail, (task.due_on, due))


def cannot_correct(task: Task, received_on: date, regulation: str) -> Reason | None:
    """Return why day of receipt and regulation cannot be these, or None when they can."""
    if reason := cannot_change_purged(task):
        return Reason("purged", reason)
    if reason := cannot_change_resubmitted(task):
        return reason
    if received_on == task.received_on and task.regulation in stored_names(regulation):
        sentence = f"Task {task.name} was received on {received_on} under {regulation} already."
        return Reason("received then under that law already", sentence)
    if (first := task.acknowledged_on) is not None and first < received_on:
        sentence = f"Receipt of {task.name} was acknowledged on {first}; withdraw or correct that first."
        return Reason("acknowledged before that day", sentence)
    if (first := task.inquired_on) is not None and first < received_on:
        sentence = f"The shopper of {task.name} was asked on {first}; withdraw that inquiry first."
        return Reason("asked before that day", sentence)
    if (first := task.declined_on) is not None and first < received_on:
        sentence = f"Task {task.name} was declined on {first}; withdraw that first."
        return Reason("declined before that day", sentence)
    if task.appealed_on is not None and regulation != task.regulation:
        # A row that was rebuilt from its timeline has an appeal, but has lost its law.
        if appeal_deadline(task.regulation, task.appealed_on) is not None:
            sentence = f"An appeal of {task.name} under {task.regulation} is recorded; withdraw that first."
            return Reason("appealed under another law", sentence)
        if appeal_deadline(regulation, task.appealed_on) is None:
            sentence = f"An appeal of {task.name} is recorded, and {regulation} knows none; withdraw that first."
            return Reason("without appeal by law", sentence)
    if (first := task.answered_on) is not None and first < received_on:
        sentence = f"Task {task.name} was answered on {first}; withdraw or correct that first."
        return Reason("answered before that day", sentence)
    sent_on = task.submitted_at and local_day(task.submitted_at)
    if sent_on is not None and received_on > sent_on and received_on != task.received_on:
        sentence = f"Task {task.name} was sent to the service on {sent_on}: it was received by then."
        return Reason("sent before that day", sentence)
    if task.extended_on is not None:
        corrected = task._replace(regulation=regulation, received_on=received_on)
        if task.inquired_on is not None and task.replied_on is None:  # an extension was told before the stop
            corrected = corrected._replace(inquired_on=None)
        limit = extension_notice_deadline(corrected)
        if limit is None:
            sentence = f"Task {task.name} is extended, which {regulation} does not allow; withdraw the extension first."
            return Reason(f"extended, which {regulation} does not allow", sentence)
        if task.extended_on > limit:
            told = f"the shopper was told of the extension on {task.extended_on}, after {limit}"
            sentence = f"If {task.name} was received on {received_on}, {told}: too late. Withdraw the extension first."
            return Reason("extended too late for that day", sentence)
    return receipt_mistake(received_on, regulation, extended=task.extended_on is not None)
