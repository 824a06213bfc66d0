"""Write letters to shoppers: the built-in texts, and what their placeholders stand for. Nothing is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from string import Template
from typing import Final, NamedTuple

from bwp_tui.domain.advice import is_shopper_unknown
from bwp_tui.domain.deadlines import (
    appeal_deadline,
    is_clock_stopped,
    is_overdue,
    latest_service_end,
    needs_answer,
    task_due_date,
)
from bwp_tui.domain.regulations import NO_REGULATION, REGULATIONS, not_in_force_warning
from bwp_tui.domain.statuses import DeclineReason, Status
from bwp_tui.domain.task import ADOPTED, Kind, Task, cannot_change_purged
from bwp_tui.domain.text import as_sentence, capitalized, clean_line, did_you_mean, escaped
from bwp_tui.domain.times import local_day


class LetterKind(StrEnum):
    """What a letter is for, in the order of a request's life."""

    ACKNOWLEDGEMENT = "acknowledgement"
    EXTENSION = "extension"
    ANSWER = "answer"
    DECLINE = "decline"
    APPEAL = "appeal"


_BEGINNING: Final = """\
$today

Dear customer,

On $received_on we received your request for $request. It concerns the email address $email.
"""

_END: Final = """\
If you have any questions, please reply to this message and mention our reference $reference.

Kind regards,
$shop_name
"""

BUILT_IN_TEMPLATES: Final = {
    "acknowledgement": f"""\
{_BEGINNING}
$identity

$deadline

{_END}""",
    "extension": f"""\
{_BEGINNING}
We are sorry that we need more time to answer it. The reason: $reason

$deadline

{_END}""",
    "answer-retrieval": f"""\
{_BEGINNING}
With this message we send you that copy. It is the personal data that was collected about you when you shopped with us \
through Buy with Prime.

$left_out

$basis

{_END}""",
    "answer-deletion": f"""\
{_BEGINNING}
The personal data that was collected about you when you shopped with us through Buy with Prime has been deleted. The \
deletion was completed on $completed_on.

$left_out

$basis

We keep a record of your request and of this answer, so that we can show that it was fulfilled.

{_END}""",
    "decline": f"""\
{_BEGINNING}
$decision

$explanation

$basis

$appeal_rights

{_END}""",
    "appeal": f"""\
{_BEGINNING}
On $appealed_on we received your appeal against our decision of $declined_on.

$appeal_outcome

{_END}""",
}
"""The built-in templates by name."""

PLACEHOLDERS: Final = {
    "shop_name": "the profile's setting shop_name",
    "operator": "who writes the letter, as on the timeline",
    "today": "the date of the letter",
    "email": "the shopper's email",
    "reference": "the task number, such as #17",
    "task_id": "the service's task id",
    "request": "what was asked for: a copy, or the deletion, of your personal data",
    "note": "the task's note",
    "received_on": "the day of receipt",
    "due_on": "the due date of the answer",
    "regulation": "the regulation's title and citation",
    "citation": "the citation alone",
    "identity": "a sentence: whether the identity was verified",
    "verified_on": "the day of the verification",
    "deadline": "a sentence: by when the answer comes, and under which law",
    "basis": "a sentence: under which law this is the answer; an apology where it is late",
    "left_out": "a sentence: what the answer leaves out; nothing where it is whole",
    "extended_on": "the day of the extension",
    "reason": "the reason of the extension",
    "completed_on": "the day on which the service completed the task",
    "declined_on": "the day on which the request was declined",
    "decision": "a sentence: that the request is declined, and for which reason",
    "explanation": "the text that was recorded with the decline",
    "appeal_rights": "sentences: how to appeal or to complain; nothing without a way, or once an appeal was received",
    "appealed_on": "the day of receipt of the appeal",
    "appeal_due_on": "the due date of the answer to the appeal",
    "appeal_answered_on": "the day of the answer to the appeal",
    "appeal_outcome": "sentences: whether the appeal is granted, or by when it is decided",
}
"""What a template may use, with what each stands for."""

_DECISIONS: Final[dict[str, str]] = {
    DeclineReason.NOT_VERIFIED: ", because we could not verify that it comes from the person whom it concerns",
    DeclineReason.EXEMPT: ", because the law exempts the data that it concerns",
    DeclineReason.FRAUD: ", because we have reason to believe that it was not made in good faith",
    DeclineReason.EXCESSIVE: ", because we consider it manifestly unfounded or excessive",
    DeclineReason.NOT_A_SHOPPER: ", because we have no record of you as a customer of our shop",
    DeclineReason.OTHER: "",
}
"""Why we cannot comply with a request, for each reason to decline one that was not withdrawn."""

_UNNAMED_SHOP: Final = "[name of the shop]"
_OWN_POLICY: Final = "us-policy"
_EMPTY_PARAGRAPHS: Final = re.compile(r"\n{3,}")


class LetterContext(NamedTuple):
    """What a letter is made of, besides the task.

    Attributes:
        shop_name: the shop's name, or None where no setting gives it.
        reason: the recorded reason of the extension.
        is_result_gone: whether the result was saved, and its file is no longer on disk.
        dropped_resubmission: the newest resubmission, where none is open or completed.
    """

    today: date
    actor: str
    shop_name: str | None = None
    reason: str | None = None
    is_result_gone: bool = False
    dropped_resubmission: int | None = None


def template_name(kind: LetterKind, task: Task) -> str:
    return f"{kind}-{task.kind.lower()}" if kind is LetterKind.ANSWER else kind.value


def fitting_kind(task: Task) -> LetterKind:
    """Return the letter that fits a task's state best: the latest one of a request's life that is possible."""
    possible = (kind for kind in reversed(LetterKind) if cannot_write(kind, task) is None)
    return next(possible, LetterKind.ACKNOWLEDGEMENT)


def cannot_write(kind: LetterKind, task: Task) -> str | None:
    """Return why there is no such letter about a task, or None: a letter claims only what is recorded."""
    if reason := cannot_change_purged(task):
        return reason
    if kind is LetterKind.DECLINE and task.is_appeal_upheld:
        return f"The appeal of {task.name} was upheld: the letter about that is the one of the appeal."
    if task.was_resubmitted and not (kind is LetterKind.APPEAL and task.appealed_on is not None):
        other = f" as #{task.resubmitted_as}; write the letter about that one" if task.resubmitted_as else ""
        return f"Task {task.name} was resubmitted{other}."
    state = f"was answered on {task.answered_on}" if task.answered_on else f"is {task.status}"
    if kind is LetterKind.ANSWER:
        if task.status == Status.COMPLETED:
            return None
        instead = " Decline it as not_a_shopper, and the letter of that says so." if is_shopper_unknown(task) else ""
        return f"Task {task.name} is {task.status}: there is no result to answer with.{instead}"
    if kind is LetterKind.DECLINE:
        if task.status == Status.DECLINED:
            return None
        if task.declined_on is not None:
            return f"The decline of {task.name} comes into effect once it is cancelled."
        return f"No decline of {task.name} is recorded: record it with its reason first, and the letter gives both."
    if kind is LetterKind.APPEAL:
        return None if task.appealed_on is not None else f"No appeal of {task.name} is recorded."
    if task.status == Status.DECLINED:
        return f"Task {task.name} was declined: the letters about it are those of the decline and of the appeal."
    if not needs_answer(task):
        return f"Task {task.name} {state}: the shopper awaits no answer."
    if kind is LetterKind.EXTENSION and task.extended_on is None:
        return f"No extension of {task.name} is recorded: record it with its reason first, and the letter gives both."
    return None


def template_mistakes(text: str) -> Iterator[str]:
    """Yield the mistakes in a template, each as the rest of a sentence that begins with its file."""
    for found in Template.pattern.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        name = found["named"] or found["braced"]
        if found["invalid"] is not None:
            yield f"line {line}: a dollar sign alone is written $$."
        elif name and name not in PLACEHOLDERS:
            guess = did_you_mean(name, PLACEHOLDERS, ".")
            yield f"line {line}: ${clean_line(name)} is no placeholder{guess} There are {', '.join(PLACEHOLDERS)}."


def missing_value(text: str, values: Mapping[str, str | None]) -> str | None:
    """Return the first placeholder of a template that has no value for this task, or None."""
    return next((name for name in Template(text).get_identifiers() if values[name] is None), None)


def fill(text: str, values: Mapping[str, str | None]) -> str:
    """Return a template with its values, without control characters; a paragraph that is left empty goes."""
    filled = escaped(Template(text).substitute(values).replace("\t", "    "))
    return _EMPTY_PARAGRAPHS.sub("\n\n", filled).strip() + "\n"


def values_of(kind: LetterKind, task: Task, context: LetterContext) -> dict[str, str | None]:
    """Return what each placeholder stands for in a letter about a task; None where that is not known."""
    law = REGULATIONS.get(task.regulation, REGULATIONS[NO_REGULATION])
    finished = local_day(task.finished_at) if task.finished_at and task.status == Status.COMPLETED else None
    appeal_due_on = task.appealed_on and appeal_deadline(task.regulation, task.appealed_on)
    wanted = "a copy" if task.kind is Kind.RETRIEVAL else "the deletion"
    values = {
        "shop_name": context.shop_name or _UNNAMED_SHOP,
        "operator": context.actor,
        "today": format_date(context.today),
        "email": task.email,
        "reference": f"#{task.number}",
        "task_id": task.task_id,
        "request": f"{wanted} of your personal data",
        "note": task.note,
        "received_on": format_date(task.received_on),
        "due_on": format_date(task.due_on),
        "regulation": law.source if law.citation else None,
        "citation": law.citation,
        "identity": _identity_sentence(task),
        "verified_on": format_date(task.verification.on) if task.verification else None,
        "deadline": _deadline_sentence(kind, task, context.today),
        "basis": _basis_sentence(task, context.today),
        "left_out": _left_out_sentence(task),
        "extended_on": format_date(task.extended_on),
        "reason": context.reason and as_sentence(context.reason),
        "completed_on": format_date(finished),
        "declined_on": format_date(task.declined_on),
        "decision": _decision_sentence(task),
        "explanation": task.decline_text and capitalized(as_sentence(task.decline_text)),
        "appeal_rights": _appeal_rights(task),
        "appealed_on": format_date(task.appealed_on),
        "appeal_due_on": format_date(appeal_due_on),
        "appeal_answered_on": format_date(task.appeal_answered_on),
        "appeal_outcome": _appeal_outcome(task, appeal_due_on, context.today),
    }
    optional = ("basis", "left_out", "appeal_rights")  # these may be empty, and are not unknown then
    return {name: clean_line(value or "") or ("" if name in optional else None) for name, value in values.items()}


def remarks(kind: LetterKind, task: Task, context: LetterContext) -> tuple[str, ...]:
    """Return what the operator checks before a letter is sent, a sentence each."""
    law, is_answer = REGULATIONS.get(task.regulation), kind is LetterKind.ANSWER
    is_of_appeals = kind in (LetterKind.DECLINE, LetterKind.APPEAL)
    parts = (law.unsure if law else "").split("; ")
    unsure = "; ".join(part for part in parts if is_of_appeals or "appeal" not in part)
    is_unsaved = is_answer and task.kind is Kind.RETRIEVAL and not task.was_downloaded
    due, end = task.due_on, None
    if kind in (LetterKind.ACKNOWLEDGEMENT, LetterKind.EXTENSION) and not is_overdue(task, context.today):
        end = latest_service_end(task, context.today)
    dropped = context.dropped_resubmission if task.was_resubmitted else task.number
    is_to_resubmit = kind is LetterKind.APPEAL and task.is_appeal_upheld and dropped is not None
    found = (
        None if context.shop_name else f"Fill in {_UNNAMED_SHOP}: the profile has no shop_name.",
        "The result is not downloaded yet." if is_unsaved else None,
        "The file of the result is gone: download it again." if is_answer and context.is_result_gone else None,
        "Day of receipt and regulation are assumed unless corrected." if ADOPTED in task.tags else None,
        "No verification of the identity is recorded." if is_answer and task.verification is None else None,
        f"The request is not sent by itself once its appeal is granted: resubmit #{dropped}."
        if is_to_resubmit
        else None,
        f"The request is due {due}, but the service may take until {end}." if due and end and end > due else None,
        not_in_force_warning(task.regulation, task.received_on),
        f"Check the law first; unsure of {law.title}: {unsure}." if law and unsure else None,
    )
    return tuple(filter(None, found))


def format_date(day: date | None) -> str | None:
    """Return a day as letters write it: `November 9, 2026`."""
    return None if day is None else f"{day:%B} {day.day}, {day.year}"


def _law_clause(task: Task) -> str:
    """Return under which law a request is answered, as a sentence begins or ends; empty without one."""
    law = REGULATIONS.get(task.regulation)
    if law is None or not law.citation:
        return ""
    if law.id == _OWN_POLICY:
        return "under our privacy policy"
    return f"under the privacy law that applies to your request ({law.source})"


def _left_out_sentence(task: Task) -> str:
    return f"This answer leaves something out: {as_sentence(task.answered_in_part)}" if task.answered_in_part else ""


def _identity_sentence(task: Task) -> str:
    if task.inquired_on is not None and task.replied_on is None:
        asked = f"On {format_date(task.inquired_on)} we asked you for more information about it."
        return f"{asked} Please reply to that, so that we can go on with your request."
    if task.verification is not None:
        return f"We confirmed on {format_date(task.verification.on)} that the request comes from you."
    return (
        "To make sure that a request comes from the person whom it concerns, we compare it with what we already know, "
        "such as an email address and orders. We write to you if we need anything more from you."
    )


def _deadline_sentence(kind: LetterKind, task: Task, today: date) -> str:
    law, due = _law_clause(task), format_date(task.due_on)
    under = f"{capitalized(law)}, " if law else ""
    if is_clock_stopped(task):
        sentence = f"{under}the time until your reply does not count. We will answer as soon as we can after that."
    elif task.due_on is None:
        sentence = "We will answer as soon as we can."
    elif task.due_on < today:
        sentence = f"{under}our answer was due on {due}. We apologize for the delay and will answer as soon as we can."
    elif kind is LetterKind.EXTENSION:
        sentence = f"{under}we may take this additional time, and you can expect our answer by {due}."
    else:
        sentence = f"{under}you can expect our answer by {due}."
    return sentence


def _basis_sentence(task: Task, today: date) -> str:
    law = _law_clause(task)
    basis = f"This is our answer {law}." if law else ""
    due = task_due_date(task._replace(appealed_on=None)) if task.is_appeal_running else task.due_on
    if due is None or due >= (task.answered_on or task.declined_on or today):
        return basis
    return f"{basis} It was due on {format_date(due)}, and we apologize for the delay.".strip()


def _decision_sentence(task: Task) -> str | None:
    if task.decline_reason is None:
        return None
    if task.decline_reason == DeclineReason.WITHDRAWN:
        return "We have closed your request, because it was withdrawn."
    return f"We cannot comply with your request{_DECISIONS.get(task.decline_reason, '')}."


def _appeal_rights(task: Task) -> str:
    """Return how to appeal or to complain against a decline; empty without either way, or once it was appealed."""
    law = REGULATIONS.get(task.regulation)
    if law is None or task.decline_reason == DeclineReason.WITHDRAWN or task.appealed_on is not None:
        return ""
    if law.appeal_days is None:
        return law.complaint
    within = f"We answer an appeal within {law.appeal_days} days of its receipt."
    return f"You can appeal this decision by replying to this message. {within}"


def _appeal_outcome(task: Task, due_on: date | None, today: date) -> str | None:
    law, due = _law_clause(task), format_date(due_on)
    if task.appealed_on is None or due_on is None:
        return None
    if task.appeal_answered_on is None and due_on < today:
        late = (
            f"{law}, our answer to it was due on {due}. We apologize for the delay and will answer as soon as we can."
        )
        return capitalized(late)
    if task.appeal_answered_on is None:
        return capitalized(f"{law}, you can expect our answer to it by {due}.")
    if task.is_appeal_upheld:
        return "Your appeal is granted: we have changed our decision, and will now act on your request."
    attorney = f"you can contact the attorney general of {REGULATIONS[task.regulation].title}"
    reason = f"{_decision_sentence(task)} {capitalized(as_sentence(task.decline_text or ''))}"
    return f"We have reviewed our decision, and it stands. {reason} If you are concerned about this, {attorney}."
