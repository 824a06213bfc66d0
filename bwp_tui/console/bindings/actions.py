"""Declare the actions of the main screen, and what the actions of every screen consist of."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Sequence
from datetime import date
from enum import Enum, auto
from typing import Final, NamedTuple

from bwp_tui.actions.decision_operations import SETTLEMENTS
from bwp_tui.actions.operation import TaskOperation
from bwp_tui.actions.record_operations import RECORD_OPERATIONS, WATCH, WITHDRAWALS
from bwp_tui.actions.service_operations import SERVICE_OPERATIONS
from bwp_tui.console.store_access.write_guard import READ_ONLY
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.task import Task, cannot_change_purged
from bwp_tui.domain.views import MAX_VIEWS, VIEWS, View, listed_tasks_clause
from bwp_tui.settings.profile import CustomCommand
from bwp_tui.store.commands import decisions
from bwp_tui.store.commands.work_records import cannot_open_result


class Scope(Enum):
    """Where an action's keys work: on one screen, or on all of them."""

    MAIN = auto()
    TASK = auto()
    DOWNLOADS = auto()
    ARCHIVE = auto()
    LETTER = auto()
    INTENT_LOG = auto()
    OUTPUT = auto()
    DASHBOARD = auto()
    MESSAGES = auto()
    PROFILES = auto()
    HELP = auto()
    MISSING_CREDENTIALS = auto()
    APP = auto()


class ActionContext(NamedTuple):
    """What decides whether an action is possible now, and is shown in the footer.

    Attributes:
        gone_results: ids of the downloads whose saved files were gone when they were looked for.
        mark_count: how many tasks or downloads are marked.
        marked: the marked tasks that are in sight; where none is, some of the others.
        marked_downloads: the marked ones.
        queue: ids of the downloads that wait, in the order of the queue.
        wrong_actor_reason: why the operator cannot do an operation on a task, which the timeline says.
        switch_reason: why the shop under the cursor cannot be opened here; empty where it can.
    """

    task: Task | None = None
    read_only: bool = False
    today: date = date.min
    view_count: int = len(VIEWS)
    gone_results: Collection[int] = ()
    download: Download | None = None
    mark_count: int = 0
    marked: Sequence[Task] = ()
    marked_downloads: Sequence[Download] = ()
    queue: Sequence[int] = ()
    wrong_actor_reason: Callable[[TaskOperation, Task], str | None] = lambda *_: None
    switch_reason: str = ""


NO_TASK: Final = "No task is selected."

DisabledReason = Callable[[ActionContext], str | None]


class Action(NamedTuple):
    """Something an operator can do on a screen.

    Attributes:
        name: its name in the `[keys]` table, and the id of its binding; actions of several screens that have the same
            name have the same keys.
        keys: in Textual's spelling; the first one is shown.
        help: a sentence for the help screen and the prompt.
        cli_usage: the CLI command that does the same, where there is one.
        disabled_reason: returns why it is not possible now, or None.
        label: one or two words for the footer; empty keeps it out of there.
        keywords: more words that find it in the prompt, besides those of its name and its sentences.
        is_next_step: as in `TaskOperation`.
    """

    name: str
    keys: tuple[str, ...]
    help: str
    group: str
    cli_usage: str | None = None
    disabled_reason: DisabledReason = lambda _: None
    label: str = ""
    keywords: str = ""
    is_next_step: Callable[[Task], bool] | None = None
    scope: Scope = Scope.MAIN

    @property
    def writes(self) -> bool:
        """Whether it is refused where nothing may be changed."""
        return self.disabled_reason(ActionContext(read_only=True)) == READ_ONLY

    def is_next_step_here(self, context: ActionContext) -> bool:
        """Return whether it is possible with the task, or with one of `marked`, and the next step of that."""
        is_next_step, gone = self.is_next_step, context.gone_results
        tasks = [
            task._replace(download=None) if task.download is not None and task.download.id in gone else task
            for task in context.marked or ([] if context.task is None else [context.task])
        ]
        return is_next_step is not None and any(
            is_next_step(task) and self.disabled_reason(context._replace(task=task)) is None for task in tasks
        )


def footer_actions(
    actions: Sequence[Action], context: ActionContext, acts_on_marks: Callable[[str], bool]
) -> list[Action]:
    """Return the actions for the footer: the next steps of the task, then what is possible with any task.

    Args:
        acts_on_marks: says of an action, by its name, whether it is done to what is marked. While something is marked,
            the footer has these actions only, those that change the marks, those of the program, and the help.
    """
    labelled = [action for action in actions if action.label]
    if context.mark_count:
        labelled = [
            each
            for each in labelled
            if acts_on_marks(each.name) or each.group in (MARK_GROUP, PROGRAM_GROUP) or each.name == "help"
        ]
    others = [action for action in labelled if action.is_next_step is None]
    marks_decide = bool(context.mark_count) and not context.marked_downloads and not context.read_only

    def is_possible(action: Action) -> bool:
        if not marks_decide:
            return action.disabled_reason(context) is None
        is_for_some = (action.disabled_reason(context._replace(task=task)) is None for task in context.marked)
        return not acts_on_marks(action.name) or not context.marked or any(is_for_some)

    possible = filter(is_possible, others)
    return [*(action for action in labelled if action.is_next_step_here(context)), *possible]


def _needs_task(cannot_do: Callable[[Task], str | None] | None = None, *, writes: bool = False) -> DisabledReason:
    def disabled_reason(context: ActionContext) -> str | None:
        if writes and context.read_only:
            return READ_ONLY
        if context.task is None:
            return NO_TASK
        return cannot_do(context.task) if cannot_do else None

    return disabled_reason


def _cannot_withdraw_any(task: Task) -> str | None:
    if any(withdrawal.disabled_reason(task, date.min) is None for _, withdrawal in WITHDRAWALS):
        return None
    reason = cannot_change_purged(task) or (task.declined_on and decisions.cannot_withdraw_decline(task))
    return reason or f"Nothing that could be withdrawn is recorded for {task.name}."


def _cannot_go_to_earlier(task: Task) -> str | None:
    return None if task.earlier_number else f"No previous request of the email and kind of {task.name} is known."


def read_only_reason(context: ActionContext) -> str | None:
    """Return why nothing can be changed, or None where it can."""
    return READ_ONLY if context.read_only else None


def _has_view(key: int) -> DisabledReason:
    def disabled_reason(context: ActionContext) -> str | None:
        return None if key <= context.view_count else "No view is saved here yet."

    return disabled_reason


def _list_command(filter_text: str) -> str:
    """Return the line that lists what fits a filter, as a shell takes it: `<` would read a file."""
    return f"list {shlex.quote(filter_text)}" if filter_text else "list"


def _view_help(view: View) -> str:
    return f"View: {view.name}{f', tasks {what}' if (what := listed_tasks_clause(view)) else ''}"


REQUEST_GROUP: Final = "Requests"
VIEW_GROUP: Final = "Views"
PROGRAM_GROUP: Final = "Program"
TASK_GROUP: Final = "This task, or the marked ones"
MARK_GROUP: Final = "Marking"
MOVE_GROUP: Final = "Moving"


def _action_of(operation: TaskOperation) -> Action:
    def disabled_reason(context: ActionContext) -> str | None:
        def cannot_do(task: Task) -> str | None:
            if context.marked:  # the plan that the key would show may skip more
                from bwp_tui.actions.bulk_plan import plan_check  # not needed by the first frame

                reason = plan_check(operation, context.today)(task)
            else:
                reason = operation.disabled_reason(task, context.today)
            return reason or context.wrong_actor_reason(operation, task)

        return _needs_task(cannot_do, writes=operation.writes)(context)

    return Action(
        operation.name,
        operation.keys,
        operation.help,
        TASK_GROUP,
        operation.cli_usage,
        disabled_reason,
        label=operation.label,
        keywords=operation.keywords,
        is_next_step=operation.is_next_step,
    )


def _of_task(
    name: str,
    key: str,
    help: str,
    cli_usage: str | None = None,
    cannot_do: Callable[[Task], str | None] | None = None,
    *,
    label: str = "",
    keywords: str = "",
) -> Action:
    """Return an action on the task under the cursor that changes nothing in the history."""
    return Action(name, (key,), help, TASK_GROUP, cli_usage, _needs_task(cannot_do), label, keywords)


MOVES: Final = (
    Action("down", ("j", "down"), "Down", MOVE_GROUP),
    Action("up", ("k", "up"), "Up", MOVE_GROUP),
    Action("half_page_down", ("ctrl+d",), "Half a page down", MOVE_GROUP),
    Action("half_page_up", ("ctrl+u",), "Half a page up", MOVE_GROUP),
    Action("page_down", ("pagedown",), "A page down", MOVE_GROUP),
    Action("page_up", ("pageup",), "A page up", MOVE_GROUP),
    Action("first", ("g", "home"), "To the first line", MOVE_GROUP),
    Action("last", ("G", "end"), "To the last line", MOVE_GROUP),
)
"""The actions that move the cursor, or scroll a page of text."""

LETTER_KINDS: Final = ("acknowledgement", "extension", "answer", "decline", "appeal")
"""The letters to shoppers, as `domain.letters.LetterKind`, which the first frame does not need."""

ACTIONS: Final = (
    Action(
        "new", ("n",), "Submit a new retrieval", REQUEST_GROUP, "submit retrieval EMAIL", read_only_reason, label="new"
    ),
    Action("new_deletion", ("N",), "Submit a new deletion", REQUEST_GROUP, "submit deletion EMAIL", read_only_reason),
    Action(
        "filter",
        ("slash",),
        "Show only the tasks that match",
        VIEW_GROUP,
        "list FILTER",
        label="filter",
        keywords="search find query",
    ),
    _of_task("detail", "enter", "Open the task's page", "show TASK", label="detail"),
    *map(_action_of, (*SERVICE_OPERATIONS, *SETTLEMENTS)),
    _of_task(
        "archive", "o", "Browse the downloaded archive", "inspect TASK", cannot_open_result, label="open"
    )._replace(is_next_step=lambda _: True),
    _of_task("earlier", "b", "Go to the previous request of this email and kind", "show TASK", _cannot_go_to_earlier),
    _of_task(
        "letter",
        "L",
        "Write a letter to the shopper, to copy or to save",
        "letter answer TASK",
        cannot_change_purged,
        keywords="template mail reply text",
    ),
    *map(_action_of, RECORD_OPERATIONS),
    Action(
        "withdraw",
        ("w",),
        "Withdraw a record of the legal clock, a decline or an appeal",
        TASK_GROUP,
        "acknowledge TASK --withdraw",
        _needs_task(_cannot_withdraw_any, writes=True),
        keywords="revoke",
    ),
    _action_of(WATCH),
    Action("undo", ("U",), "Undo the last record or mark", PROGRAM_GROUP, keywords="revert"),
    _of_task(
        "copy", "y", "Copy its id, email, error, path, row, record or letter", keywords="clipboard yank as-csv as-json"
    ),
    _of_task("pager", "vertical_line", "Show the record or the timeline in $PAGER", "show TASK", keywords="less"),
    Action("mark", ("space",), "Mark this task, or unmark it", MARK_GROUP, None, _needs_task(), "mark", "select"),
    Action("mark_range", ("v",), "Mark the range from the last mark to here", MARK_GROUP, None, _needs_task()),
    Action("mark_all", ("asterisk",), "Mark all tasks of the view, or none", MARK_GROUP),
    Action(
        "mark_others", ("exclamation_mark",), "Mark the other tasks of the view instead", MARK_GROUP, keywords="invert"
    ),
    Action(
        "sort",
        ("s",),
        "Sort by a column; the same one again reverses",
        VIEW_GROUP,
        "list --sort COLUMN",
        keywords="order",
    ),
    Action("columns", ("C",), "Show and hide columns", VIEW_GROUP, keywords="fields"),
    Action("zoom_details", ("z",), "Show the details alone, or with the list", VIEW_GROUP, keywords="zoom pane full"),
    Action("hide_details", ("Z",), "Hide the details, or show them", VIEW_GROUP, keywords="pane toggle preview"),
    Action("freeze", ("p",), "Pause or resume live updates", VIEW_GROUP),
    Action("mask", ("m",), "Show or mask emails", VIEW_GROUP, "list --unmask", keywords="hide emails"),
    Action("failed", ("f",), "Show failed tasks", VIEW_GROUP, "list is:failed", keywords="errors"),
    *(
        Action(f"view_{key}", (str(key),), _view_help(view), VIEW_GROUP, _list_command(view.filter))
        for key, view in enumerate(VIEWS, start=1)
    ),
    *(
        Action(f"view_{key}", (str(key),), f"Saved view {key}", VIEW_GROUP, "list --view NAME", _has_view(key))
        for key in range(len(VIEWS) + 1, MAX_VIEWS + 1)
    ),
    Action(
        "save_view",
        ("V",),
        "Save the filter as a view, or delete the current view",
        VIEW_GROUP,
        "views save NAME FILTER",
        read_only_reason,
        keywords="store",
    ),
    Action("back", ("escape",), "Close the panel, or clear the filter", VIEW_GROUP),
    *MOVES,
    Action("scroll_left", ("h", "shift+left"), "Columns to the left", MOVE_GROUP),
    Action("scroll_right", ("l", "shift+right"), "Columns to the right", MOVE_GROUP),
    Action("detail_down", ("J", "shift+down"), "Scroll the details down", MOVE_GROUP),
    Action("detail_up", ("K", "shift+up"), "Scroll the details up", MOVE_GROUP),
    Action("dashboard", ("D",), "Dashboard: totals, due dates, durations, failures", VIEW_GROUP, "dashboard"),
    Action("downloads", ("F",), "Downloads: pause, resume, cancel, retry, reorder", VIEW_GROUP, "downloads"),
    Action("sent", ("H",), "Submissions and cancellations", VIEW_GROUP, "sent"),
    Action("profiles", ("P",), "Shops: what is due in each; switch to another", VIEW_GROUP, "--profile NAME"),
    Action("messages", ("M",), "Messages of this session", VIEW_GROUP, keywords="notices said"),
    Action(
        "command", ("colon", "ctrl+p"), "Find or type a command; go to a task or a day", PROGRAM_GROUP, label="command"
    ),
    Action("theme", ("T",), "Next theme: dark, light, the terminal's own colours", PROGRAM_GROUP, "--theme NAME"),
    Action("help", ("question_mark",), "Show every key", PROGRAM_GROUP, label="help", keywords="keys shortcuts"),
    Action(
        "quit",
        ("q",),
        "Quit; another engine, or the next start, goes on",
        PROGRAM_GROUP,
        label="quit",
        keywords="exit",
    ),
)


def with_view_names(actions: Sequence[Action], views: Sequence[View]) -> tuple[Action, ...]:
    """Return the actions, those that open a saved view with its name."""
    helps = {f"view_{key}": _view_help(view) for key, view in enumerate(views, start=1)}
    return tuple(action._replace(help=helps[action.name]) if action.name in helps else action for action in actions)


def custom_action_name(command: CustomCommand) -> str:
    """Return the name of the action that runs a command of the operator."""
    return f"command_{command.name}"


def custom_action(command: CustomCommand, key: str, scope: Scope) -> Action:
    """Return the action that runs a command of the operator."""
    reason = _needs_task(writes=True)
    return Action(custom_action_name(command), (key,), command.title, TASK_GROUP, disabled_reason=reason, scope=scope)


ACTIONS_BY_NAME: Final = {action.name: action for action in ACTIONS}

MOVE_ACTIONS: Final = frozenset(action.name for action in ACTIONS if action.group == MOVE_GROUP)
"""The names of the actions that only move the cursor or scroll."""
