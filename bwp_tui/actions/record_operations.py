"""Declare the operations that record the shop's own work on tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bwp_tui.actions.decision_operations import APPEAL, DECLINE
from bwp_tui.actions.legal_operations import LEGAL_OPERATIONS
from bwp_tui.actions.operation import Argument, ChosenTasks, Position, RecordOperation, Values
from bwp_tui.domain.filter_fields import NOBODY
from bwp_tui.domain.task import WATCHED, Task, cannot_change_purged, tag_mistake
from bwp_tui.store.commands import work_records
from bwp_tui.store.commands.request_validation import Reason
from bwp_tui.store.queries.timeline import TaskPart


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
            question=lambda chosen: f"Note on {chosen.name}:",
            initial=lambda chosen: chosen.task.note if chosen.task else "",
            read=_read_note,
            position=Position.TRAILING_TEXT,
        ),
    ),
    apply=work_records.note,
    result=lambda chosen, values: f"Note of {chosen.name} {'saved' if values['text'].strip() else 'removed'}.",
    is_confirmed_by_count=False,
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


def _tags_question(chosen: ChosenTasks) -> str:
    replaced = "; without + or -, these replace all" if _own_tags(chosen.task) else ""
    return f"Tags on {chosen.name} (+vip -old{replaced}):"


def _tags_changed(chosen: ChosenTasks, values: Values) -> str:
    are_left = values["add"] or set(_own_tags(chosen.task)).difference(values["remove"])
    return f"Tags of {chosen.name} {'saved' if are_left else 'removed'}."


def _cannot_add(task: Task) -> Reason | None:
    """Return why no tag can be added to a task, or None. From a purged one tags can be removed: a merge adds some."""
    reason = cannot_change_purged(task)
    return None if reason is None else Reason("purged", reason)


TAG: Final = RecordOperation(
    name="tag",
    participle=lambda values: "tagged" if values["add"] else "changed",
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
            initial=lambda chosen: "".join(f"{_quoted(tag)} " for tag in _own_tags(chosen.task)),
            mistake=_tag_mistake,
            read=_read_tags,
            position=Position.SIGNED_WORDS,
        ),
    ),
    disabled_reason=lambda task, _today: None if task.tags else cannot_change_purged(task),
    wrong_values_reason=lambda task, values, _today: _cannot_add(task) if values.get("add") else None,
    apply=work_records.tag,
    result=_tags_changed,
    is_confirmed_by_count=False,
    undo_part=TaskPart.TAGS,
)


def _read_assignee(words: Sequence[str], _task: Task | None) -> Values:
    name = " ".join(words).strip()
    return {"assignee": None if name.casefold() in ("", NOBODY) else name}


ASSIGN: Final = RecordOperation(
    name="assign",
    participle=lambda values: "assigned" if values["assignee"] else "assigned to nobody",
    keys=("a",),
    help="Assign the task to a person",
    purpose="assign tasks to a person",
    keywords="owner assignee responsible",
    arguments=(
        Argument(
            name="assignee",
            metavar="WHO",
            help="a name, or none for nobody",
            question=lambda chosen: f"Assign {chosen.name} to (empty for nobody):",
            initial=lambda chosen: (chosen.task.assigned_to if chosen.task else None) or "",
            read=_read_assignee,
            position=Position.LAST_WORD,
        ),
    ),
    apply=work_records.assign,
    result=lambda chosen, values: f"{chosen.name} is assigned to {values['assignee'] or 'nobody'}.",
    is_confirmed_by_count=False,
    undo_part=TaskPart.ASSIGNMENT,
)

WATCH: Final = RecordOperation(
    name="watch",
    participle="watched",
    keys=("W",),
    help="Notify me when this task finishes",
    apply=lambda edit: work_records.tag(edit, [WATCHED]),
    result=lambda chosen, _: f"{chosen.name} is watched: a notice when it ends.",
    disabled_reason=lambda task, _: None if WATCHED in task.tags else work_records.cannot_watch(task),
    skip_reason=lambda task, _: work_records.cannot_watch(task),
    is_confirmed_by_count=False,
    undo_part=TaskPart.TAGS,
    cli_usage_override=f"tag TASK +{WATCHED}",
    keywords="follow notify alert remind",
)

UNWATCH: Final = RecordOperation(
    name="unwatch",
    participle="watched no longer",
    apply=lambda edit: work_records.tag(edit, remove=[WATCHED]),
    result=lambda chosen, _: f"{chosen.name} is watched no longer.",
    is_confirmed_by_count=False,
    undo_part=TaskPart.TAGS,
)

RECORD_OPERATIONS: Final = (NOTE, TAG, ASSIGN, *LEGAL_OPERATIONS, DECLINE, APPEAL)
"""The operations with a key, a `:` command and a CLI command, in the order of the help."""

WITHDRAWALS: Final = tuple(
    (operation, operation.alternative.operation) for operation in RECORD_OPERATIONS if operation.alternative
)
"""The records that can be withdrawn, each with what withdraws it."""
