"""The one registry of what an operator can do: keys, footer, help and palette all read it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bwp_tui.domain.filter import VIEWS
from bwp_tui.domain.task import Task
from bwp_tui.history.actions import cannot_cancel, cannot_download, cannot_resubmit


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides whether an action is possible now."""

    task: Task | None
    read_only: bool


WhyNot = Callable[[Situation], str | None]


def _always(_situation: Situation) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Action:
    """Something an operator can do.

    Attributes:
        name: the id of its binding, and `do_<name>` of the main screen.
        keys: in Textual's spelling; the first one is shown.
        label: one or two words for the footer; empty keeps it out of there.
        what: a sentence for the help and the palette.
        command: the line of the command line that does the same, where there is one.
        why_not: returns why it is not possible now, or None.
    """

    name: str
    keys: tuple[str, ...]
    label: str
    what: str
    group: str
    command: str | None = None
    why_not: WhyNot = _always


def _on_task(check: Callable[[Task], str | None] | None = None, *, writes: bool = False) -> WhyNot:
    def why_not(situation: Situation) -> str | None:
        if situation.task is None:
            return "No task is selected."
        if writes and situation.read_only:
            return "This profile is read-only."
        return check(situation.task) if check else None

    return why_not


def _not_sent(task: Task) -> str | None:
    return None if task.task_id else f"Task {task.name} has not reached the service yet."


def _writable(situation: Situation) -> str | None:
    return "This profile is read-only." if situation.read_only else None


def _listing(filter_text: str) -> str:
    """Return the line that lists what fits a filter, as a shell takes it: `<` would read a file."""
    return f"list {shlex.quote(filter_text)}" if filter_text else "list"


_TASK, _REQUEST, _VIEW, _MOVE, _PROGRAM = "This task", "Requests", "Views", "Moving", "Program"

ACTIONS: Final = (
    Action("new", ("n",), "new", "File a new request", _REQUEST, "submit KIND EMAIL", _writable),
    Action("new_deletion", ("N",), "", "File a new deletion", _REQUEST, "submit deletion EMAIL", _writable),
    Action("filter", ("slash",), "filter", "Show only the tasks that match", _VIEW, "list FILTER"),
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
    Action("poll", ("u",), "poll", "Ask the service about this task now", _TASK, "refresh TASK", _on_task(_not_sent)),
    Action("note", ("e",), "note", "Write a note on this task", _TASK, None, _on_task()),
    Action("copy", ("y",), "", "Copy the task id", _TASK, None, _on_task(_not_sent)),
    Action("mask", ("m",), "mask", "Show or mask the addresses", _VIEW),
    Action("failed", ("f",), "", "Show what failed", _VIEW, "list is:failed"),
    *(
        Action(f"view_{key}", (str(key),), "", f"View: {view.name}", _VIEW, _listing(view.filter))
        for key, view in enumerate(VIEWS, start=1)
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
    Action("dashboard", ("D",), "", "The whole register at a glance", _VIEW),
    Action("palette", ("colon", "ctrl+p"), "commands", "Find a command by its name", _PROGRAM),
    Action("theme", ("T",), "", "Next theme: dark, light, the terminal's own colours", _PROGRAM),
    Action("help", ("question_mark",), "help", "Show every key", _PROGRAM),
    Action("quit", ("q",), "quit", "Leave; downloads and requests go on at the next start", _PROGRAM),
)

BY_NAME: Final = {action.name: action for action in ACTIONS}

_SHOWN: Final = {
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "shift+down": "⇧↓",
    "shift+up": "⇧↑",
    "down": "↓",
    "up": "↑",
}


def shown_key(key: str) -> str:
    """Return a key as operators know it."""
    return _SHOWN.get(key, key)
