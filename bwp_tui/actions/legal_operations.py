"""Declare the operations that record what the law asks for, and correct what its dates follow from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from bwp_tui.actions.operation import (
    Argument,
    ChosenTasks,
    FlagAlternative,
    IfOmitted,
    RecordOperation,
    Values,
    withdrawal,
)
from bwp_tui.domain.deadlines import (
    acknowledgement_deadline,
    due_date_text,
    due_sentence,
    extension_notice_deadline,
    is_clock_stopped,
    needs_answer,
)
from bwp_tui.domain.regulations import REGULATIONS, find_regulation, not_in_force_warning, regulation_id
from bwp_tui.domain.task import Task
from bwp_tui.domain.times import DAY_FORMS
from bwp_tui.store.commands import answers, legal_records
from bwp_tui.store.commands.legal_records import with_due_date
from bwp_tui.store.commands.request_validation import Reason
from bwp_tui.store.queries.timeline import LegalRecord, TaskPart


def withdrawal_of(record: LegalRecord) -> FlagAlternative[RecordOperation]:
    """Return the `--withdraw` variant of the operation that makes a record."""

    def notice(task: Task) -> str:
        is_kept = record is LegalRecord.VERIFICATION and task.replied_on is not None
        return f"The reply of {task.name}, recorded for {task.replied_on}, stays." if is_kept else ""

    def question(task: Task, _values: Values) -> str:
        after, moves = answers.without_record(task, record), ""
        if record is LegalRecord.APPEAL:
            moves = " The decline stands then, and nothing is due."
        elif task.due_on and is_clock_stopped(after):
            moves = f" Its clock is then stopped from {task.inquired_on}."
        elif record is LegalRecord.ANSWER and needs_answer(after):
            moves = f" Its clock runs again; it is due {after.due_on or 'never'}."
        elif after.due_on not in (None, task.due_on) and needs_answer(after):
            moves = f" It is then due on {after.due_on}, not {due_date_text(task)}."
        reply = ", and the reply" if record is LegalRecord.INQUIRY and task.replied_on is not None else ""
        what = f"{record} of {task.name}, recorded for {answers.recorded_on(task, record)}{reply}"
        return " ".join(filter(None, (f"Withdraw the {what}?{moves}", notice(task))))

    return withdrawal(
        record.value,
        lambda edit: answers.withdraw(edit, record),
        lambda task: answers.cannot_withdraw(task, record),
        question,
        record,
        lambda task, *_: answers.without_record(task, record),
        notice,
    )


def day_argument(question: Callable[[ChosenTasks], str]) -> Argument:
    """Return the argument for the day of a record, by default today."""
    return Argument(
        name="on",
        metavar="DATE",
        help=f"when, {DAY_FORMS} (today)",
        question=question,
        if_omitted=IfOmitted.USE_DEFAULT,
        is_day=True,
    )


def cannot_record_with(task: Task, values: Values, today: date) -> Reason | None:
    """Return why a record cannot be for its day, by default today, or None when it can."""
    return legal_records.cannot_record_on(task, values.get("on") or today)


def required_text(sentence: str) -> Callable[[str], str | None]:
    """Return the check that an argument has a text; `sentence` is its mistake."""
    return lambda text: None if text.strip() else sentence


def _how_argument(example: str, question: Callable[[ChosenTasks], str]) -> Argument:
    needed = required_text(f"Say how, such as: {example}.")
    return Argument(name="how", metavar="TEXT", help=f"such as: {example}", question=question, mistake=needed)


def _replaced_verification(task: Task) -> str:
    return f"the verification of {recorded.on}" if (recorded := task.verification) else ""


def _in_place_clause(chosen: ChosenTasks, replaced: Callable[[Task], str]) -> str:
    """Return what a record of a single task replaces, as a clause; empty where that is nothing."""
    return f" (in place of {what})" if chosen.task and (what := replaced(chosen.task)) else ""


def _verify_question(chosen: ChosenTasks) -> str:
    return f"How was the identity of {chosen.name} verified{_in_place_clause(chosen, _replaced_verification)}:"


def _verified(chosen: ChosenTasks, values: Values) -> str:
    after = (before := chosen.task) and legal_records.after_verification(before, values["on"])
    reply = f" It is the reply to the inquiry too.{due_sentence(after)}" if after and after is not before else ""
    return f"The verification of {chosen.name} is recorded.{reply}"


VERIFY: Final = RecordOperation(
    name="verify",
    participle="verified",
    keys=("c",),
    label="verify",
    is_next_step=lambda task: task.intake_step == "verify",
    help="Record how the identity was verified",
    purpose="record how the requester's identity was verified",
    keywords="identity",
    arguments=(
        _how_argument("recent order details", _verify_question),
        Argument(
            name="by",
            metavar="WHO",
            help="who did it (you)",
            question=lambda _: "Verified by:",
            initial=lambda chosen: chosen.actor,
            if_omitted=IfOmitted.USE_DEFAULT,
        ),
        day_argument(lambda _: "Verified on:"),
    ),
    apply=legal_records.verify,
    replaced=_replaced_verification,
    result=_verified,
    disabled_reason=lambda task, _: legal_records.cannot_change_records(task),
    skip_reason=lambda task, _: legal_records.cannot_verify_in_bulk(task),
    values_warning=lambda task, values: legal_records.cannot_record_on(task, values.get("on") or date.max),
    with_new_due_date=lambda task, values, today: legal_records.after_verification(task, values.get("on") or today),
    undo_part=LegalRecord.VERIFICATION,
    alternative=withdrawal_of(LegalRecord.VERIFICATION),
)


def _recorded_clause(day: date | None) -> str:
    return f" (recorded: {day}; another day corrects it)" if day else ""


def _acknowledge_question(chosen: ChosenTasks) -> str:
    task, clause = chosen.task, ""
    if task is not None and task.acknowledged_on is not None:
        clause = _recorded_clause(task.acknowledged_on)
    elif task is not None and (limit := acknowledgement_deadline(task.regulation, task.received_on)):
        clause = f" (by {limit})"
    return f"Date receipt of {chosen.name} was acknowledged{clause}:"


ACKNOWLEDGE: Final = RecordOperation(
    name="acknowledge",
    participle="acknowledged",
    keys=("A",),
    help="Record that receipt was acknowledged",
    purpose="record that receipt was acknowledged to the shoppers",
    keywords="acknowledgement",
    arguments=(day_argument(_acknowledge_question),),
    apply=legal_records.acknowledge,
    replaced=lambda task: f"the acknowledgement of {on}" if (on := task.acknowledged_on) else "",
    result=lambda chosen, values: f"{chosen.name}: receipt confirmed on {values['on']}, recorded.",
    disabled_reason=lambda task, _: legal_records.cannot_change_records(task),
    skip_reason=lambda task, _: legal_records.cannot_acknowledge_in_bulk(task),
    wrong_values_reason=cannot_record_with,
    undo_part=LegalRecord.ACKNOWLEDGEMENT,
    alternative=withdrawal_of(LegalRecord.ACKNOWLEDGEMENT),
)


def inquiry_effect(task: Task) -> str:
    """Return a sentence on what the clock of a task does while its inquiry awaits a reply; empty if none counts."""
    if is_clock_stopped(task):
        return f"The clock is stopped from {task.inquired_on} until the reply is recorded."
    if task.due_on is None or not needs_answer(task):
        return ""
    law = REGULATIONS.get(task.regulation)
    if law is not None and law.stops_for_identity:
        return f"It was due on {task.due_on}: the clock does not stop for an inquiry after that."
    source = f" ({law.citation})" if law is not None and law.citation else ""
    return f"Under {task.regulation}{source} the clock does not stop for an inquiry."


def _inquired(chosen: ChosenTasks, values: Values) -> str:
    effect = inquiry_effect(with_due_date(chosen.task._replace(inquired_on=values["on"]))) if chosen.task else ""
    return f"{chosen.name}: asked on {values['on']}, recorded. {effect}".rstrip()


def _inquiry_question(chosen: ChosenTasks) -> str:
    recorded = _recorded_clause(chosen.task.inquired_on) if chosen.task else ""
    return f"The shopper of {chosen.name} was asked on{recorded}:"


INQUIRE: Final = RecordOperation(
    name="inquire",
    participle="inquired",
    keys=("I",),
    help="Record that the shopper was asked who they are or what they mean",
    purpose="record that shoppers were asked for their identity or a clarification; some laws do not count the wait",
    keywords="clarification pause stop clock ask await",
    arguments=(day_argument(_inquiry_question),),
    apply=legal_records.inquire,
    result=_inquired,
    notice_after=inquiry_effect,
    stops_clock=True,
    wrong_values_reason=cannot_record_with,
    values_warning=lambda task, values: legal_records.inquiry_warning(task, values.get("on")),
    disabled_reason=lambda task, _: legal_records.cannot_inquire(task),
    skip_reason=lambda task, _: legal_records.cannot_inquire_in_bulk(task),
    with_new_due_date=lambda task, values, today: with_due_date(task._replace(inquired_on=values.get("on") or today)),
    undo_part=LegalRecord.INQUIRY,
    alternative=withdrawal_of(LegalRecord.INQUIRY),
)


def _replied(chosen: ChosenTasks, values: Values) -> str:
    task = chosen.task and with_due_date(chosen.task._replace(replied_on=values["on"]))
    return f"{chosen.name}: reply on {values['on']}, recorded.{due_sentence(task) if task else ''}"


REPLY: Final = RecordOperation(
    name="reply",
    participle="replied",
    keys=("Y",),
    label="reply",
    is_next_step=lambda task: task.replied_on is None and needs_answer(task),
    help="Record that the shopper replied to the inquiry",
    purpose="record that shoppers replied to the inquiry, with which the clock runs on; verify does the same",
    keywords="clarification resume clock received",
    arguments=(day_argument(lambda chosen: f"The shopper of {chosen.name} replied on:"),),
    apply=legal_records.reply,
    result=_replied,
    wrong_values_reason=lambda task, values, today: legal_records.cannot_reply_on(task, values.get("on") or today),
    values_warning=lambda task, values: legal_records.reply_warning(task, values.get("on")),
    disabled_reason=lambda task, _: legal_records.cannot_reply(task),
    skip_reason=lambda task, _: legal_records.cannot_reply_in_bulk(task),
    with_new_due_date=lambda task, values, today: with_due_date(task._replace(replied_on=values.get("on") or today)),
    undo_part=LegalRecord.REPLY,
    alternative=withdrawal_of(LegalRecord.REPLY),
)


def _extend_question(chosen: ChosenTasks) -> str:
    task, clause = chosen.task, chosen.due_dates_clause
    if task is not None:
        law, limit = REGULATIONS[task.regulation], extension_notice_deadline(task)
        clause = f" to {legal_records.due_date_if_extended(task)} ({law.citation}, tell by {limit})"
    return f"Extend {chosen.name}{clause}. Reason the shopper is told:"


EXTEND: Final = RecordOperation(
    name="extend",
    participle="extended",
    keys=("E",),
    help="Extend the due date, with the reason",
    purpose="record that shoppers were told of an extension, and move the due dates",
    keywords="deadline postpone longer",
    arguments=(
        Argument(
            name="reason",
            metavar="TEXT",
            help="what the shopper was told",
            question=_extend_question,
            empty_message="Nothing was done: an extension needs a reason.",
        ),
    ),
    apply=legal_records.extend,
    result=lambda chosen, _: (
        f"{chosen.name} is now due on {legal_records.due_date_if_extended(chosen.task) if chosen.task else None}."
    ),
    disabled_reason=legal_records.cannot_extend,
    with_new_due_date=lambda task, *_: task._replace(due_on=legal_records.due_date_if_extended(task)),
    undo_part=LegalRecord.EXTENSION,
    alternative=withdrawal_of(LegalRecord.EXTENSION),
)


def _replaced_answer(task: Task) -> str:
    return f"the answer of {on}{', in part' if task.answered_in_part else ''}" if (on := task.answered_on) else ""


def _answer_question(chosen: ChosenTasks) -> str:
    return f"How was the shopper of {chosen.name} answered{_in_place_clause(chosen, _replaced_answer)}:"


ANSWER: Final = RecordOperation(
    name="answer",
    participle="answered",
    keys=("r",),
    label="answer",
    is_next_step=lambda task: task.is_final and answers.cannot_answer_in_bulk(task) is None,
    help="Record that the shopper was answered",
    purpose="record when and how shoppers were answered, which stops the legal clock",
    keywords="reply respond told close",
    arguments=(
        _how_argument("result sent by email", _answer_question),
        day_argument(lambda chosen: f"Answered on{_recorded_clause(chosen.task.answered_on) if chosen.task else ''}:"),
        Argument(
            name="in_part",
            metavar="WHY",
            help="the answer leaves something out: what and why",
            mistake=required_text("Say what the answer left out, and why."),
            if_omitted=IfOmitted.USE_DEFAULT,
            is_asked=lambda _: False,
        ),
    ),
    apply=answers.answer,
    replaced=_replaced_answer,
    result=lambda chosen, values: f"{chosen.name}: answered on {values['on']}, recorded.",
    wrong_values_reason=cannot_record_with,
    values_warning=lambda task, values: answers.answer_warning(task, values.get("on"), values.get("in_part")),
    disabled_reason=lambda task, _: answers.cannot_answer(task),
    skip_reason=lambda task, _: answers.cannot_answer_in_bulk(task),
    undo_part=LegalRecord.ANSWER,
    alternative=withdrawal_of(LegalRecord.ANSWER),
)


def _read_regulation(words: Sequence[str], _task: Task | None) -> Values:
    found = find_regulation(words[0])
    return {"regulation": found.id if found else None}


def _regulation_mistake(text: str) -> str | None:
    try:
        regulation_id(text)
    except ValueError as error:
        return str(error)
    return None


def _corrected(task: Task, values: Values) -> tuple[date, str]:
    """Return the day of receipt and the regulation of a corrected task."""
    return values.get("received") or task.received_on, values.get("regulation") or task.regulation


def _cannot_correct_with(task: Task, values: Values, _today: date) -> Reason | None:
    return legal_records.cannot_correct(task, *_corrected(task, values)) if values else None


def _after_correction(task: Task, values: Values, _today: date | None = None) -> Task:
    day, law = _corrected(task, values)
    return with_due_date(task._replace(received_on=day, regulation=law))


def _correction_confirmation(task: Task, values: Values) -> str:
    day, law = _corrected(task, values)
    due = f"due {due_date_text(task)} → {due_date_text(_after_correction(task, values))}"
    warning = not_in_force_warning(law, day)
    return f"{f'{warning} ' if warning else ''}{task.name}: received {day} under {law}, {due}. Correct it?"


CORRECT: Final = RecordOperation(
    name="correct",
    participle="corrected",
    keys=("O",),
    help="Correct the day of receipt or the regulation",
    purpose="correct the day of receipt or the regulation, which moves the due dates",
    keywords="edit change regulation",
    arguments=(
        Argument(
            name="received",
            metavar="DATE",
            help=f"when the shopper asked, {DAY_FORMS}",
            question=lambda chosen: f"Day of receipt of {chosen.name}:",
            initial=lambda chosen: chosen.task.received_on.isoformat() if chosen.task else "",
            opt_in_question=lambda chosen: f"Another day of receipt for {chosen.name}?",
            if_omitted=IfOmitted.KEEP_VALUE,
            is_day=True,
        ),
        Argument(
            name="regulation",
            metavar="LAW",
            help="which regulation sets the due date",
            question=lambda _: "Regulation, such as us-tx or Texas:",
            initial=lambda chosen: chosen.task.regulation if chosen.task else "",
            mistake=_regulation_mistake,
            read=_read_regulation,
            if_omitted=IfOmitted.KEEP_VALUE,
        ),
    ),
    apply=legal_records.correct,
    result=lambda chosen, _: f"{chosen.name} is corrected; the timeline keeps what was recorded before.",
    wrong_values_reason=_cannot_correct_with,
    with_new_due_date=_after_correction,
    confirmation=_correction_confirmation,
    notice_after=lambda task: (
        f"Warning: {warning}" if (warning := not_in_force_warning(task.regulation, task.received_on)) else ""
    ),
    undo_part=TaskPart.RECEIPT,
)


LEGAL_OPERATIONS: Final = (VERIFY, ACKNOWLEDGE, INQUIRE, REPLY, EXTEND, ANSWER, CORRECT)
"""Those with a key, a `:` command and a CLI command, in the order of the help."""
