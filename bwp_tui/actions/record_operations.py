"""Declare the operations that record the shop's own work on tasks, declines and appeals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from bwp_tui.actions.legal_operations import (
    LEGAL_OPERATIONS,
    day_argument,
    refusal_of_record_day,
    withdrawal,
    withdrawal_of,
    without_text,
)
from bwp_tui.actions.operation import Argument, IfOmitted, Position, RecordOperation, Target, Values
from bwp_tui.domain.deadlines import appeal_deadline
from bwp_tui.domain.filter_fields import NOBODY
from bwp_tui.domain.regulations import REGULATIONS
from bwp_tui.domain.statuses import WITHHELD_STATUSES, DeclineReason, Status
from bwp_tui.domain.task import WATCHED, Task, tag_mistake
from bwp_tui.domain.times import DAY_FORMS
from bwp_tui.store.commands import decisions, work_records
from bwp_tui.store.commands.request_validation import Refusal
from bwp_tui.store.commands.requests import cancellation_phrase, cannot_cancel
from bwp_tui.store.queries.timeline import LegalRecord, TaskPart


def _read_note(words: Sequence[str], task: Task | None) -> Values | None:
    text = " ".join(words)
    return {"text": text, "replace": task is not None} if task or text.strip() else None


NOTE: Final = RecordOperation(
    name="note",
    participle="noted",
    keys=("e",),
    label="note",
    help="Write a note on this task",
    purpose="add a note to tasks",
    keywords="comment remark write",
    arguments=(
        Argument(
            name="text",
            metavar="TEXT",
            help="a text that is kept here, never sent",
            question=lambda target: f"Note on {target.name}:",
            initial=lambda target: target.task.note if target.task else "",
            read=_read_note,
            position=Position.TRAILING_TEXT,
        ),
    ),
    apply=work_records.note,
    result=lambda target, values: f"Note of {target.name} {'saved' if values['text'].strip() else 'removed'}.",
    undo_part=TaskPart.NOTE,
)


def _own_tags(task: Task | None) -> list[str]:
    return [tag for tag in task.tags if tag != WATCHED] if task else []


def _quoted(tag: str) -> str:
    return f'"{tag}"' if " " in tag or "," in tag else tag


def _read_tags(words: Sequence[str], task: Task | None) -> Values | None:
    """Return the tags that `+vip -old third` adds and removes; without a sign they replace those of a single task."""
    add = [word.removeprefix("+") for word in words if not word.startswith("-")]
    remove = [word[1:] for word in words if word.startswith("-")]
    if not (words and all(word.startswith(("+", "-")) for word in words)):
        remove += [tag for tag in _own_tags(task) if tag not in add]
    add = [tag for tag in add if tag and tag not in remove]
    remove = [tag for tag in remove if tag]
    return {"add": add, "remove": remove} if add or remove else None


def _tag_mistake(word: str) -> str | None:
    # A tag that an earlier version accepted can still be removed.
    return None if word.startswith("-") and len(word) > 1 else tag_mistake(word)


def _tags_question(target: Target) -> str:
    replaced = "; without + or -, these replace all" if _own_tags(target.task) else ""
    return f"Tags on {target.name} (+vip -old{replaced}):"


TAG: Final = RecordOperation(
    name="tag",
    participle="tagged",
    keys=("t",),
    help="Change the tags",
    purpose="add tags to tasks and remove tags from them",
    keywords="label",
    example="Such as: bwp-tui tag 17 18 +vip -phone. With --filter the tags alone are given.",
    arguments=(
        Argument(
            name="tags",
            metavar="+NEW -OLD",
            help="tags to add (+vip) or to remove (-vip)",
            question=_tags_question,
            initial=lambda target: "".join(f"{_quoted(tag)} " for tag in _own_tags(target.task)),
            mistake=_tag_mistake,
            read=_read_tags,
            position=Position.SIGNED_WORDS,
        ),
    ),
    apply=work_records.tag,
    result=lambda target, values: f"Tags of {target.name} {'saved' if values['add'] else 'removed'}.",
    undo_part=TaskPart.TAGS,
)


def _read_assignee(words: Sequence[str], _task: Task | None) -> Values:
    name = " ".join(words).strip()
    return {"assignee": None if name.casefold() in ("", NOBODY) else name}


ASSIGN: Final = RecordOperation(
    name="assign",
    participle="assigned",
    keys=("a",),
    help="Assign the task to a person",
    purpose="assign tasks to a person",
    keywords="owner assignee responsible",
    arguments=(
        Argument(
            name="assignee",
            metavar="WHO",
            help="a name, or none for nobody",
            question=lambda target: f"Assign {target.name} to (empty for nobody):",
            initial=lambda target: (target.task.assigned_to if target.task else None) or "",
            read=_read_assignee,
            position=Position.LAST_WORD,
        ),
    ),
    apply=work_records.assign,
    result=lambda target, values: f"{target.name} is assigned to {values['assignee'] or 'nobody'}.",
    undo_part=TaskPart.ASSIGNMENT,
)


_AT_SERVICE: Final = (Status.ON_HOLD, Status.QUEUED)
_YES_OR_NO: Final = {"yes": True, "y": True, "no": False, "n": False}


def _has_appeal(target: Target) -> bool:
    return target.task is not None and target.task.appealed_on is not None


def _reasons_like(text: str) -> list[str]:
    typed = text.strip().casefold().replace("-", "_").replace(" ", "_")
    return [typed] if typed in set(DeclineReason) else [reason for reason in DeclineReason if reason.startswith(typed)]


def _reason_mistake(text: str) -> str | None:
    if text.strip() and len(_reasons_like(text)) == 1:
        return None
    return f"Give one of the reasons: {', '.join(DeclineReason)}."


def is_cancelled_first(task: Task) -> bool:
    """Return whether a decline of `task` comes into effect only once the service has confirmed its cancellation."""
    is_at_service = task.status in _AT_SERVICE and not task.is_never_sent
    return task.status not in WITHHELD_STATUSES and (task.cancel_asked or is_at_service)


def _declined(target: Target, values: Values) -> str:
    if target.task is not None and is_cancelled_first(target.task):
        return f"{target.name}: its cancellation is recorded; the decline comes into effect with it."
    return f"{target.name}: declined on {values['on']}, recorded. It is not sent any more."


def _review_decline(task: Task, _values: Values) -> str:
    if task.cancel_asked or cannot_cancel(task):
        return ""
    return f"{cancellation_phrase(task)} and decline it?" if task.status not in WITHHELD_STATUSES else ""


DECLINE: Final = RecordOperation(
    name="decline",
    participle="declined",
    keys=("B",),
    help="Decline the request, with a reason and what the shopper was told",
    purpose="decline requests, which are then never sent; those on hold are cancelled first",
    keywords="refuse reject deny unverified fraud",
    arguments=(
        Argument(
            name="reason",
            metavar="REASON",
            help=", ".join(DeclineReason),
            question=lambda target: f"Decline {target.name}, since ({', '.join(DeclineReason)}):",
            mistake=_reason_mistake,
            read=lambda words, _: {"reason": _reasons_like(words[0])[0]},
        ),
        Argument(
            name="text",
            metavar="TEXT",
            help="what the shopper was told",
            question=lambda _: "What was the shopper told:",
            mistake=without_text("Say what the shopper was told."),
        ),
        day_argument(lambda _: "Told on:"),
    ),
    apply=decisions.decline,
    result=_declined,
    confirmation=_review_decline,
    refusal=refusal_of_record_day,
    disabled_reason=lambda task, _: decisions.cannot_decline(task),
    asks_for_count=True,
    alternative=withdrawal(
        "decline",
        decisions.withdraw_decline,
        decisions.cannot_withdraw_decline,
        lambda task, _: f"Withdraw the decline of {task.name}, recorded for {task.declined_on}?",
    ),
)


def _appeal_question(target: Target) -> str:
    days = REGULATIONS[target.task.regulation].appeal_days if target.task else None
    return f"Appeal of {target.name} received on{f' (answer in {days} days)' if days else ''}:"


def _appealed(target: Target, values: Values) -> str:
    if (received := values.get("received")) and values.get("upheld") is None:
        due = appeal_deadline(target.task.regulation, received) if target.task else None
        return f"{target.name}: appeal of {received} recorded, to be answered by {due}."
    return f"{target.name}: the answer to the appeal is recorded, {'upheld' if values.get('upheld') else 'not upheld'}."


def _refusal_of_appeal(task: Task, values: Values, today: date) -> Refusal | None:
    given = (values.get("received"), values.get("answered"), values.get("upheld"))
    if given != (None, None, None):
        return decisions.refusal_of_appeal(task, today, *given)
    # A plan is made before its values are asked for, and only the receipt of several appeals is asked for.
    if task.is_appeal_running:
        sentence = f"An appeal of {task.name} is recorded; :appeal --upheld yes, or no, records its answer."
        return Refusal("appealed already (:appeal --upheld yes, or no, answers)", sentence)
    return decisions.refusal_of_appeal(task, today, today, None, None)


APPEAL: Final = RecordOperation(
    name="appeal",
    participle="recorded",
    keys=("Q",),
    help="Record the appeal against a decline, or its answer",
    purpose="record appeals against declines, with a due date of their own, and the answers to them",
    keywords="objection complaint review",
    example="First: bwp-tui appeal 17 --received DATE. Then: bwp-tui appeal 17 --answered DATE --upheld no.",
    arguments=(
        Argument(
            name="received",
            metavar="DATE",
            help=f"when the appeal was received, {DAY_FORMS}",
            question=_appeal_question,
            if_omitted=IfOmitted.KEEP_VALUE,
            is_day=True,
            is_asked=lambda target: target.task is None or target.task.appealed_on is None,
        ),
        Argument(
            name="answered",
            metavar="DATE",
            help="when it was answered (today)",
            question=lambda target: f"Appeal of {target.name} answered on:",
            if_omitted=IfOmitted.KEEP_VALUE,
            is_day=True,
            is_asked=_has_appeal,
        ),
        Argument(
            name="upheld",
            metavar="yes|no",
            help="whether the shopper was right, so that the decline is reversed",
            question=lambda _: "Was the appeal upheld (yes or no):",
            mistake=lambda text: None if text.strip().casefold() in _YES_OR_NO else "Answer yes or no.",
            read=lambda words, _: {"upheld": _YES_OR_NO.get(words[0].strip().casefold())},
            if_omitted=IfOmitted.KEEP_VALUE,
            is_asked=_has_appeal,
        ),
    ),
    apply=decisions.appeal,
    result=_appealed,
    refusal=_refusal_of_appeal,
    disabled_reason=lambda task, _: decisions.cannot_appeal(task),
    asks_for_count=True,
    undo_part=LegalRecord.APPEAL,
    alternative=withdrawal_of(LegalRecord.APPEAL),
)

WATCH: Final = RecordOperation(
    name="watch",
    participle="watched",
    keys=("W",),
    help="Notify me when this task finishes",
    apply=lambda edit: work_records.tag(edit, [WATCHED]),
    result=lambda target, _: f"{target.name} is watched: a notice when it ends.",
    disabled_reason=lambda task, _: None if WATCHED in task.tags else work_records.cannot_watch(task),
    skip_reason=lambda task, _: work_records.cannot_watch(task),
    undo_part=TaskPart.TAGS,
    cli_usage_override=f"tag TASK +{WATCHED}",
    keywords="follow notify alert remind",
)

UNWATCH: Final = RecordOperation(
    name="unwatch",
    participle="watched no longer",
    apply=lambda edit: work_records.tag(edit, remove=[WATCHED]),
    result=lambda target, _: f"{target.name} is watched no longer.",
    undo_part=TaskPart.TAGS,
)

RECORD_OPERATIONS: Final = (NOTE, TAG, ASSIGN, *LEGAL_OPERATIONS, DECLINE, APPEAL)
"""The operations with a key, a `:` command and a CLI command, in the order of the help."""

WITHDRAWALS: Final = tuple(
    (operation, operation.alternative.operation) for operation in RECORD_OPERATIONS if operation.alternative
)
"""The records that can be withdrawn, each with what withdraws it."""

RECORD_OPERATIONS_BY_NAME: Final = {
    operation.name: operation
    for operation in (*RECORD_OPERATIONS, WATCH, UNWATCH, *(withdrawal for _, withdrawal in WITHDRAWALS))
}
