"""The operations that record the shop's own work on tasks, each declared once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bwp_tui.actions.clock_operations import CLOCK_OPERATIONS
from bwp_tui.actions.operation import Argument, Operation, Place, Target, Values
from bwp_tui.domain.filter_fields import NOBODY
from bwp_tui.domain.task import WATCHED, Task, tag_mistake
from bwp_tui.store.commands import records
from bwp_tui.store.commands.records import Field


def _read_note(words: Sequence[str], task: Task | None) -> Values | None:
    text = " ".join(words)
    return {"text": text, "replace": task is not None} if task or text.strip() else None


NOTE: Final = Operation(
    name="note",
    done="noted",
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
            place=Place.TRAILING_TEXT,
        ),
    ),
    apply=records.note,
    result=lambda target, values: f"Note of {target.name} {'saved' if values['text'].strip() else 'removed'}.",
    field=Field.NOTE,
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


TAG: Final = Operation(
    name="tag",
    done="tagged",
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
            place=Place.SIGNED_WORDS,
        ),
    ),
    apply=records.tag,
    result=lambda target, values: f"Tags of {target.name} {'saved' if values['add'] else 'removed'}.",
    field=Field.TAGS,
)


def _read_assignee(words: Sequence[str], _task: Task | None) -> Values:
    name = " ".join(words).strip()
    return {"assignee": None if name.casefold() in ("", NOBODY) else name}


ASSIGN: Final = Operation(
    name="assign",
    done="assigned",
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
            place=Place.LAST_WORD,
        ),
    ),
    apply=records.assign,
    result=lambda target, values: f"{target.name} is assigned to {values['assignee'] or 'nobody'}.",
    field=Field.ASSIGNMENT,
)


WATCH: Final = Operation(
    name="watch",
    done="watched",
    keys=("W",),
    help="Notify me when this task finishes",
    apply=lambda edit: records.tag(edit, [WATCHED]),
    result=lambda target, _: f"{target.name} is watched: a notice when it ends.",
    disabled_reason=lambda task, _: None if WATCHED in task.tags else records.cannot_watch(task),
    skip_reason=lambda task, _: records.cannot_watch(task),
    field=Field.TAGS,
    shell_command=f"tag TASK +{WATCHED}",
    keywords="follow notify alert",
)

UNWATCH: Final = Operation(
    name="unwatch",
    done="watched no longer",
    apply=lambda edit: records.tag(edit, remove=[WATCHED]),
    result=lambda target, _: f"{target.name} is watched no longer.",
    field=Field.TAGS,
)

RECORDS: Final = (NOTE, TAG, ASSIGN, *CLOCK_OPERATIONS)
"""The operations with a key, a `:` command and a CLI command, in the order of the help."""

WITHDRAWALS: Final = tuple((operation, operation.variant.operation) for operation in RECORDS if operation.variant)
"""The records that can be withdrawn, each with what withdraws it."""

BY_NAME: Final = {
    operation.name: operation
    for operation in (*RECORDS, WATCH, UNWATCH, *(withdrawal for _, withdrawal in WITHDRAWALS))
}
