"""Declare the actions of the screens in front of the main one, and those of all screens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from textual.binding import Binding, BindingType

from bwp_tui.console.bindings.actions import (
    ACTIONS,
    ACTIONS_BY_NAME,
    LETTER_KINDS,
    MARK_GROUP,
    MOVE_GROUP,
    MOVES,
    PROGRAM_GROUP,
    REQUEST_GROUP,
    TASK_GROUP,
    VIEW_GROUP,
    Action,
    ActionContext,
    DisabledReason,
    Scope,
    read_only_reason,
)
from bwp_tui.console.store_access.write_guard import READ_ONLY
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import DownloadState
from bwp_tui.store.commands.download_queue import (
    cannot_cancel,
    cannot_move,
    cannot_pause,
    cannot_resume,
    cannot_retry,
    current_state,
    end_of_queue_reason,
)

_SCREEN: Final = "This screen"
_QUEUE: Final = "This download, or the marked ones"
_FILE: Final = "The saved file"
_APP: Final = "Everywhere"

GROUPS: Final = (
    _SCREEN,
    REQUEST_GROUP,
    TASK_GROUP,
    _QUEUE,
    _FILE,
    MARK_GROUP,
    VIEW_GROUP,
    MOVE_GROUP,
    PROGRAM_GROUP,
    _APP,
)
"""What the actions are about, in the order of the help."""


def cannot_toggle_pause(download: Download) -> str | None:
    """Return why `download` can neither be paused nor resumed, or None when it can."""
    return None if cannot_resume(download) is None else cannot_pause(download)


def cannot_open(download: Download) -> str | None:
    """Return why `download` has no file to open, or None when it has one."""
    if download.state == DownloadState.DONE and download.path is not None:
        return None
    if download.is_purged:
        return f"The download of #{download.task_number} was purged, and so was the path of its file."
    return f"The download of #{download.task_number} {current_state(download)}; it has no file yet."


def cannot_copy_hash(download: Download) -> str | None:
    """Return why `download` has no sha256, or None when it has one, which a purge leaves."""
    return None if download.sha256 is not None else cannot_open(download)


def _needs_download(
    cannot_do: Callable[[Download], str | None] | None = None, *, writes: bool = False, bulk: bool = False
) -> DisabledReason:
    """Return what disables an action on a download; `bulk` where it is done to the marked ones if there are some."""

    def disabled_reason(context: ActionContext) -> str | None:
        if writes and context.read_only:
            return READ_ONLY
        chosen = (bulk and context.marked_downloads) or [each for each in (context.download,) if each is not None]
        if not chosen:
            return "No download is selected."
        reasons: list[str] = []
        for download in chosen:
            if cannot_do is None or (reason := cannot_do(download)) is None:
                return None
            reasons.append(reason)
        return reasons[0] if len(reasons) == 1 else f"It is possible with none of the {len(reasons)} marked downloads."

    return disabled_reason


def _cannot_browse(context: ActionContext) -> str | None:
    download = context.download
    if (reason := _needs_download(cannot_open)(context)) is not None or download is None:
        return reason
    if download.id not in context.gone_results:
        return None
    retry = "" if context.read_only or download.is_declined else "; retry downloads it again"
    then = "; its result was asked for again since" if download.has_newer else retry
    return f"The file of the download of #{download.task_number} is gone or changed{then}."


def _moves_download(*, up: bool) -> DisabledReason:
    needs_waiting = _needs_download(cannot_move, writes=True)

    def disabled_reason(context: ActionContext) -> str | None:
        download = context.download
        if (reason := needs_waiting(context)) is not None or download is None or not context.queue:
            return reason
        return end_of_queue_reason(download, is_first=up) if context.queue[0 if up else -1] == download.id else None

    return disabled_reason


def _in_queue(
    name: str, keys: tuple[str, ...], label: str, help: str, disabled_reason: DisabledReason, verb: str = ""
) -> Action:
    """Return an action that changes a download in the queue; `verb` is that of the CLI, where it does the same."""
    return Action(name, keys, help, _QUEUE, f"downloads {verb} TASK" if verb else None, disabled_reason, label=label)


def _in_queue_in_bulk(
    name: str, keys: tuple[str, ...], label: str, help: str, cannot_do: Callable[[Download], str | None]
) -> Action:
    """Return an action that changes the marked downloads where there are some, with the verb of the CLI as its name."""
    return _in_queue(name, keys, label, help, _needs_download(cannot_do, writes=True, bulk=True), name)


def _with_main_keys(
    name: str, label: str, help: str, group: str, disabled_reason: DisabledReason = lambda _: None
) -> Action:
    """Return an action that has name and keys of one of the main screen's."""
    keys = ACTIONS_BY_NAME[name].keys
    return Action(name, keys, help, group, disabled_reason=disabled_reason, label=label)


_BACK: Final = (
    _with_main_keys("help", "help", "Show every key", _SCREEN),
    _with_main_keys("back", "back", "Go back", _SCREEN),
    Action("leave", ("q",), "Go back", _SCREEN),
)
_PAGE: Final = (
    *MOVES,
    Action("scroll", ("space",), "A page down", MOVE_GROUP),
    *_BACK,
    Action("close", ("enter",), "Close this page", _SCREEN),
)
"""The actions of a page of text."""

_FIND: Final = (
    _with_main_keys("filter", "find", "Find a text", _SCREEN),
    Action("next_match", ("n",), "The next match of the text that is searched for", _SCREEN),
    Action("previous_match", ("N",), "The match before", _SCREEN),
)
_FILTER: Final = _with_main_keys("filter", "filter", "List only what has the words", _SCREEN)

_FOLDER: Final = Action("folder", ("o",), "Show and copy the folder path", _FILE, label="folder")
_BULK: Final = (
    _in_queue_in_bulk(
        "pause", ("p",), "pause/resume", "Pause or resume it; the partial file is kept", cannot_toggle_pause
    ),
    _in_queue_in_bulk(
        "cancel", ACTIONS_BY_NAME["cancel"].keys, "cancel", "Cancel it and delete the partial file", cannot_cancel
    ),
    _in_queue_in_bulk("retry", ("R",), "retry", "Download again what ended without a file, or is gone", cannot_retry),
)
BULK_ACTIONS: Final = frozenset(action.name for action in _BULK)
"""The actions of the downloads that are done to the marked ones where there are some."""

_DOWNLOADS: Final = (
    *_BULK,
    _with_main_keys("copy", "sha256", "Copy the sha256", _FILE, _needs_download(cannot_copy_hash)),
    _with_main_keys("mark", "mark", "Mark this download, or unmark it", MARK_GROUP, _needs_download()),
    _in_queue("move_up", ("K", "shift+up"), "move up", "Move it up in the queue", _moves_download(up=True)),
    _in_queue("move_down", ("J", "shift+down"), "", "Move it down in the queue", _moves_download(up=False)),
    _in_queue("move_first", ("f",), "", "Bring it to the front of the queue", _moves_download(up=True), "first"),
    _FOLDER._replace(disabled_reason=_needs_download(cannot_open)),
    _with_main_keys("mark_all", "", "Mark all that have not ended, or none", MARK_GROUP, _needs_download()),
    *MOVES,
    _FILTER,
    Action(
        "open",
        ("enter",),
        "Browse the downloaded archive",
        _FILE,
        "inspect TASK",
        _cannot_browse,
        label="open",
    ),
    *_BACK,
    _with_main_keys("downloads", "", "Go back to the tasks", _SCREEN),
)
_ARCHIVE: Final = (
    Action("choose", ("enter", "space"), "Open this entry; fold or unfold JSON", _SCREEN),
    Action("left", ("h", "left"), "Columns to the left", MOVE_GROUP),
    Action("right", ("l", "right"), "Columns to the right", MOVE_GROUP),
    _FOLDER,
    _with_main_keys("pager", "pager", "Show the previewed file in $PAGER", _FILE),
    Action(
        "unpack",
        ("X",),
        "Extract into a new folder beside the archive",
        _FILE,
        disabled_reason=read_only_reason,
        label="extract",
    ),
    *MOVES,
    _FIND[0]._replace(help="List only the entries that have the words; find a text in an entry"),
    *_FIND[1:],
    *_BACK,
)
_LETTER: Final = (
    Action("next_page", ("tab", "right"), "The next letter", _SCREEN),
    Action("previous_page", ("shift+tab", "left"), "The letter before", _SCREEN),
    *(Action(f"page_{key}", (str(key),), f"Letter: {kind}", _SCREEN) for key, kind in enumerate(LETTER_KINDS, 1)),
    _with_main_keys("copy", "copy", "Copy the letter", _SCREEN, read_only_reason),
    Action("write", ("w",), "Write the letter to a new file", _SCREEN, disabled_reason=read_only_reason, label="write"),
    Action("edit", ("f4",), "Edit the letter in $EDITOR", _SCREEN, disabled_reason=read_only_reason, label="edit"),
    _with_main_keys("mask", "mask", "Show or mask the email", _SCREEN),
    *_FIND,
    *_PAGE,
)
_INTENT_LOG: Final = (
    Action("read", ("enter",), "Open the task", _SCREEN, label="open the task"),
    *MOVES,
    _FILTER,
    *_BACK,
    _with_main_keys("sent", "", "Go back to the tasks", _SCREEN),
)
_PROFILES: Final = (
    Action(
        "open",
        ("enter",),
        "Switch to this shop",
        _SCREEN,
        "--profile NAME",
        lambda context: context.switch_reason or None,
        label="switch",
    ),
    *MOVES,
    *_BACK,
    _with_main_keys("profiles", "", "Go back to the tasks", _SCREEN),
)
PAGE_NAMES: Final = ("overview", "errors", "timeline", "requests", "notes")
"""The names of the pages of a task."""
_TASK: Final = (
    Action("next_page", ("tab", "right"), "The next page", _SCREEN),
    Action("previous_page", ("shift+tab", "left"), "The page before", _SCREEN),
    *(Action(f"page_{key}", (str(key),), f"Page: {page}", _SCREEN) for key, page in enumerate(PAGE_NAMES, 1)),
    Action("next_task", ("right_square_bracket",), "The next task of the view", _SCREEN),
    Action("previous_task", ("left_square_bracket",), "The task before it in the view", _SCREEN),
    *_FIND,
    *_PAGE,
    *(
        action
        for action in ACTIONS
        if (action.group == TASK_GROUP and action.name != "detail") or action.name in ("undo", "mask")
    ),
)
_DASHBOARD: Final = (
    Action("list_tasks", ("enter",), "List the tasks that the line counts", _SCREEN, label="list these tasks"),
    *(action for action in _PAGE if action.name not in ("close", "scroll")),
    _with_main_keys("dashboard", "", "Go back to the tasks", _SCREEN),
)
_APP_ACTIONS: Final = (
    Action("interrupt", ("ctrl+c",), "Close the prompt, or say how to quit", _APP),
    Action("repaint", ("ctrl+l",), "Redraw the screen", _APP),
    Action("suspend", ("ctrl+z",), "Go back to the shell; fg returns", _APP),
)

REGISTRY: Final = tuple(
    action._replace(scope=scope)
    for scope, actions in {
        Scope.MAIN: ACTIONS,
        Scope.TASK: _TASK,
        Scope.DOWNLOADS: _DOWNLOADS,
        Scope.ARCHIVE: _ARCHIVE,
        Scope.LETTER: _LETTER,
        Scope.INTENT_LOG: _INTENT_LOG,
        Scope.DASHBOARD: _DASHBOARD,
        Scope.PROFILES: _PROFILES,
        Scope.MESSAGES: (*_FIND, *_PAGE, _with_main_keys("messages", "", "Go back to the tasks", _SCREEN)),
        Scope.HELP: (
            *_FIND,
            *(action for action in _PAGE if action.name != "help"),
            _with_main_keys("help", "", "Go back", _SCREEN),
        ),
        Scope.OUTPUT: (
            *_FIND,
            _with_main_keys("mask", "mask", "Show or mask emails", _SCREEN),
            _with_main_keys("copy", "copy", "Copy the output", _SCREEN),
            _with_main_keys("pager", "pager", "Show the output in $PAGER", _SCREEN),
            *_PAGE,
        ),
        Scope.MISSING_CREDENTIALS: (
            Action("login", ("l",), "Set this shop up", _SCREEN, "login", label="log in"),
            *(action for action in _PAGE if action.name != "help"),
        ),
        Scope.APP: _APP_ACTIONS,
    }.items()
    for action in actions
)
"""Every action of every screen."""

NAMES: Final = tuple(dict.fromkeys(action.name for action in REGISTRY))


def actions_of(actions: Iterable[Action], scope: Scope) -> tuple[Action, ...]:
    """Return the actions of a screen, in the order of its footer."""
    return tuple(action for action in actions if action.scope is scope)


def bindings_of(scope: Scope) -> list[BindingType]:
    """Return what a screen binds to its actions' default keys; the operator's keys replace them by their ids."""
    return [
        Binding(
            ",".join(action.keys),
            f"perform('{action.name}')",
            action.help,
            show=False,
            id=action.name,
            priority=scope is Scope.APP or action.name in ("next_page", "previous_page"),  # else the focus would move
        )
        for action in actions_of(REGISTRY, scope)
    ]
