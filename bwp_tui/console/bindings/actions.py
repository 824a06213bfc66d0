"""The registry of the main screen's actions: its keys, footer, help and prompt all read it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, NamedTuple

from bwp_tui.console.services.write_guard import READ_ONLY
from bwp_tui.domain.filter import MOST_VIEWS, VIEWS, View
from bwp_tui.domain.task import Download, Task, why_purged
from bwp_tui.store.commands.operation import Operation
from bwp_tui.store.commands.record_operations import RECORDS, WATCH
from bwp_tui.store.commands.records import records_of
from bwp_tui.store.commands.requests import cannot_cancel, cannot_download, cannot_resubmit
from bwp_tui.store.commands.result_files import cannot_open_result
from bwp_tui.store.commands.unconfirmed import cannot_adopt, cannot_give_up


class ActionContext(NamedTuple):
    """What decides whether an action is possible now."""

    task: Task | None
    read_only: bool
    today: date
    views: int = len(VIEWS)
    download: Download | None = None


DisabledReason = Callable[[ActionContext], str | None]


def _always(_situation: ActionContext) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Action:
    """Something an operator can do.

    Attributes:
        name: the id of its binding; `ActionDispatcher` carries it out by this name.
        keys: in Textual's spelling; the first one is shown.
        label: one or two words for the footer; empty keeps it out of there.
        what: a sentence for the help and the prompt.
        command: the CLI command that does the same, where there is one.
        disabled_reason: returns why it is not possible now, or None.
        keywords: words that find it in the prompt and stand neither in its name nor in its sentences.
    """

    name: str
    keys: tuple[str, ...]
    label: str
    what: str
    group: str
    command: str | None = None
    disabled_reason: DisabledReason = _always
    keywords: str = ""


def _on_task(check: Callable[[Task], str | None] | None = None, *, writes: bool = False) -> DisabledReason:
    def why_not(situation: ActionContext) -> str | None:
        if situation.task is None:
            return "No task is selected."
        if writes and situation.read_only:
            return READ_ONLY
        return check(situation.task) if check else None

    return why_not


def _not_sent(task: Task) -> str | None:
    return None if task.task_id else f"Task {task.name} has not reached the service yet."


def _nothing_to_withdraw(task: Task) -> str | None:
    if records_of(task):
        return why_purged(task)
    return f"Nothing is recorded of {task.name} that could be withdrawn."


def _no_earlier(task: Task) -> str | None:
    return None if task.earlier else f"No earlier request for the same address is known beside {task.name}."


def _writable(situation: ActionContext) -> str | None:
    return READ_ONLY if situation.read_only else None


def _has_view(key: int) -> DisabledReason:
    def why_not(situation: ActionContext) -> str | None:
        return None if key <= situation.views else "No view is saved here yet."

    return why_not


def _listing(filter_text: str) -> str:
    """Return the line that lists what fits a filter, as a shell takes it: `<` would read a file."""
    return f"list {shlex.quote(filter_text)}" if filter_text else "list"


_TASK, _MARKS, _REQUEST, _VIEW, _MOVE, _PROGRAM = (
    "This task, or the marked ones",
    "Marking",
    "Requests",
    "Views",
    "Moving",
    "Program",
)

TASK_GROUP: Final = _TASK
"""What is done to a task."""

MARK_GROUP: Final = _MARKS
"""What marks tasks."""

GROUPS: Final = (_REQUEST, _TASK, _MARKS, _VIEW, _MOVE, _PROGRAM)
"""What the actions are about, in the order of the help."""


def _action_of(operation: Operation) -> Action:
    def why_not(context: ActionContext) -> str | None:
        return _on_task(lambda task: operation.disabled_reason(task, context.today), writes=True)(context)

    return Action(
        operation.name,
        operation.keys,
        operation.label,
        operation.help,
        _TASK,
        operation.command,
        why_not,
        operation.keywords,
    )


ACTIONS: Final = (
    Action("new", ("n",), "new", "File a new request", _REQUEST, "submit KIND EMAIL", _writable),
    Action("new_deletion", ("N",), "", "File a new deletion", _REQUEST, "submit deletion EMAIL", _writable),
    Action(
        "filter",
        ("slash",),
        "filter",
        "Show only the tasks that match",
        _VIEW,
        "list FILTER",
        keywords="search find query",
    ),
    Action("detail", ("enter",), "detail", "Read all about this task", _TASK, "show TASK", _on_task()),
    Action(
        "download",
        ("d",),
        "download",
        "Download the result",
        _TASK,
        "download TASK",
        _on_task(cannot_download, writes=True),
    ),
    Action("archive", ("o",), "", "Look inside the saved result", _TASK, "inspect TASK", _on_task(cannot_open_result)),
    Action(
        "resubmit",
        ("R",),
        "resubmit",
        "Submit a failed request again",
        _TASK,
        "resubmit TASK",
        _on_task(cannot_resubmit, writes=True),
    ),
    Action(
        "cancel",
        ("x",),
        "cancel",
        "Cancel a deletion that is on hold",
        _TASK,
        "cancel TASK",
        _on_task(cannot_cancel, writes=True),
    ),
    Action(
        "adopt",
        ("i",),
        "",
        "Enter an unconfirmed request's task id",
        _TASK,
        "settle TASK --task-id ID",
        _on_task(cannot_adopt, writes=True),
    ),
    Action(
        "give_up",
        ("X",),
        "",
        "Give up an unconfirmed request",
        _TASK,
        "settle TASK --give-up REASON",
        _on_task(cannot_give_up, writes=True),
    ),
    Action("poll", ("u",), "poll", "Ask the service about this task now", _TASK, "refresh TASK", _on_task(_not_sent)),
    Action("earlier", ("b",), "", "Go to the earlier request for the same", _TASK, "show TASK", _on_task(_no_earlier)),
    *map(_action_of, RECORDS),
    Action(
        "withdraw",
        ("w",),
        "",
        "Withdraw a confirmation, verification or extension",
        _TASK,
        "acknowledge TASK --withdraw",
        _on_task(_nothing_to_withdraw, writes=True),
        keywords="revoke",
    ),
    _action_of(WATCH),
    Action("undo", ("U",), "", "Take back what was recorded or marked last", _PROGRAM, keywords="revert"),
    Action("copy", ("y",), "", "Copy the task id", _TASK, None, _on_task(_not_sent), keywords="clipboard yank"),
    Action("mark", ("space",), "mark", "Mark this task, or unmark it", _MARKS, None, _on_task(), keywords="select"),
    Action("mark_range", ("v",), "", "Mark all from the last mark to here", _MARKS, None, _on_task()),
    Action("mark_all", ("asterisk",), "", "Mark all of the view, or none", _MARKS),
    Action("sort", ("s",), "", "Sort by a column", _VIEW, "list --sort COLUMN", keywords="order"),
    Action("columns", ("C",), "", "Show and hide columns", _VIEW, keywords="fields"),
    Action("freeze", ("p",), "", "Freeze the rows, and let them go again", _VIEW, keywords="pause"),
    Action("mask", ("m",), "", "Show or mask the addresses", _VIEW, "list --unmask", keywords="hide emails"),
    Action("failed", ("f",), "", "Show what failed", _VIEW, "list is:failed", keywords="errors"),
    *(
        Action(f"view_{key}", (str(key),), "", f"View: {view.name}", _VIEW, _listing(view.filter))
        for key, view in enumerate(VIEWS, start=1)
    ),
    *(
        Action(f"view_{key}", (str(key),), "", f"Saved view {key}", _VIEW, "list --view NAME", _has_view(key))
        for key in range(len(VIEWS) + 1, MOST_VIEWS + 1)
    ),
    Action(
        "save_view",
        ("V",),
        "",
        "Save as a view, or delete the shown one",
        _VIEW,
        "views save NAME FILTER",
        _writable,
        keywords="store",
    ),
    Action("back", ("escape",), "", "Close what is open, or clear the filter", _VIEW),
    Action("down", ("j", "down"), "", "Down", _MOVE),
    Action("up", ("k", "up"), "", "Up", _MOVE),
    Action("half_page_down", ("ctrl+d",), "", "Half a page down", _MOVE),
    Action("half_page_up", ("ctrl+u",), "", "Half a page up", _MOVE),
    Action("page_down", ("pagedown",), "", "A page down", _MOVE),
    Action("page_up", ("pageup",), "", "A page up", _MOVE),
    Action("first", ("g", "home"), "", "To the first task", _MOVE),
    Action("last", ("G", "end"), "", "To the last task", _MOVE),
    Action("detail_down", ("J", "shift+down"), "", "Scroll the details down", _MOVE),
    Action("detail_up", ("K", "shift+up"), "", "Scroll the details up", _MOVE),
    Action("dashboard", ("D",), "", "The whole history at a glance", _VIEW, "dashboard"),
    Action("downloads", ("F",), "", "Downloads: pause, resume, cancel, retry, reorder", _VIEW, "downloads"),
    Action("sent", ("H",), "", "The history of what was sent", _VIEW, "sent"),
    Action("command", ("colon", "ctrl+p"), "command", "Find a command, or type it as in the command line", _PROGRAM),
    Action("theme", ("T",), "", "Next theme: dark, light, the terminal's own colours", _PROGRAM, "--theme NAME"),
    Action("help", ("question_mark",), "help", "Show every key", _PROGRAM, keywords="keys shortcuts"),
    Action("quit", ("q",), "quit", "Leave; downloads and requests go on at the next start", _PROGRAM, keywords="exit"),
)


def with_views(actions: Sequence[Action], views: Sequence[View]) -> tuple[Action, ...]:
    """Return the actions, those that open a saved view with its name."""
    names = {f"view_{key}": view.name for key, view in enumerate(views, start=1)}
    return tuple(
        replace(action, what=f"View: {names[action.name]}") if action.name in names else action for action in actions
    )


BY_NAME: Final = {action.name: action for action in ACTIONS}

MOVE_ACTIONS: Final = frozenset(action.name for action in ACTIONS if action.group == _MOVE)
"""The actions that move the cursor, or what is in sight, and do nothing."""
