"""What an operator can do on the downloads screen: keys, footer and help all read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bwp_tui.console.bindings.actions import Action, ActionContext, DisabledReason
from bwp_tui.console.services.write_guard import READ_ONLY
from bwp_tui.domain.task import Download, DownloadState
from bwp_tui.store.commands.download_queue import (
    cannot_cancel,
    cannot_move,
    cannot_pause,
    cannot_resume,
    cannot_retry,
    current_state,
)


def cannot_toggle_pause(download: Download) -> str | None:
    """Return why `download` can neither be paused nor resumed, or None when it can."""
    return None if cannot_resume(download) is None else cannot_pause(download)


def cannot_open(download: Download) -> str | None:
    """Return why there is no file of `download` to look into, or None when there is."""
    if download.state == DownloadState.DONE and download.path is not None:
        return None
    return f"The download of #{download.number} {current_state(download)}; it has no file yet."


def _on_download(check: Callable[[Download], str | None] | None = None, *, writes: bool = False) -> DisabledReason:
    def why_not(situation: ActionContext) -> str | None:
        if situation.download is None:
            return "There is no download yet."
        if writes and situation.read_only:
            return READ_ONLY
        return check(situation.download) if check else None

    return why_not


_STEER, _FILE, _MARKS, _MOVE, _SCREEN = (
    "This download, or the marked ones",
    "The saved file",
    "Marking",
    "Moving",
    "This screen",
)

DOWNLOAD_GROUPS: Final = (_STEER, _FILE, _MARKS, _MOVE, _SCREEN)
"""What the actions are about, in the order of the help."""

ON_MARKS: Final = frozenset({"pause", "cancel", "retry"})
"""The actions that are done to the marked downloads where there are some."""

DOWNLOAD_ACTIONS: Final = (
    Action(
        "pause",
        ("p",),
        "pause/resume",
        "Pause it, keeping what it has; or let it go on",
        _STEER,
        "downloads pause TASK",
        _on_download(cannot_toggle_pause, writes=True),
    ),
    Action(
        "cancel",
        ("x",),
        "cancel",
        "Cancel it and remove what it has",
        _STEER,
        "downloads cancel TASK",
        _on_download(cannot_cancel, writes=True),
    ),
    Action(
        "retry",
        ("R",),
        "retry",
        "Ask again for one that ended without a file",
        _STEER,
        "downloads retry TASK",
        _on_download(cannot_retry, writes=True),
    ),
    Action("copy", ("y",), "sha256", "Copy the sha256", _FILE, None, _on_download(cannot_open)),
    Action("mark", ("space",), "mark", "Mark this download, or unmark it", _MARKS, None, _on_download()),
    Action(
        "move_up",
        ("K", "shift+up"),
        "up the queue",
        "Move it up in the queue",
        _STEER,
        None,
        _on_download(cannot_move, writes=True),
    ),
    Action(
        "move_down",
        ("J", "shift+down"),
        "",
        "Move it down in the queue",
        _STEER,
        None,
        _on_download(cannot_move, writes=True),
    ),
    Action(
        "move_first",
        ("f",),
        "",
        "Bring it to the front of the queue",
        _STEER,
        "downloads first TASK",
        _on_download(cannot_move, writes=True),
    ),
    Action("folder", ("o",), "folder", "Show the folder's path and copy it", _FILE, None, _on_download(cannot_open)),
    Action("mark_all", ("asterisk",), "", "Mark all that have not ended, or none", _MARKS, None, _on_download()),
    Action("down", ("j", "down"), "", "Down", _MOVE),
    Action("up", ("k", "up"), "", "Up", _MOVE),
    Action("half_page_down", ("ctrl+d",), "", "Half a page down", _MOVE),
    Action("half_page_up", ("ctrl+u",), "", "Half a page up", _MOVE),
    Action("page_down", ("pagedown",), "", "A page down", _MOVE),
    Action("page_up", ("pageup",), "", "A page up", _MOVE),
    Action("first", ("g", "home"), "", "To the first download", _MOVE),
    Action("last", ("G", "end"), "", "To the last download", _MOVE),
    Action(
        "look",
        ("enter",),
        "look",
        "Look inside the saved file",
        _FILE,
        "inspect TASK",
        _on_download(cannot_open),
    ),
    Action("help", ("question_mark",), "help", "Show every key", _SCREEN),
    Action("back", ("escape",), "back", "Take the marks away, or go back to the tasks", _SCREEN),
    Action("leave", ("q", "F"), "", "Go back to the tasks", _SCREEN),
)

MOVES: Final = frozenset(action.name for action in DOWNLOAD_ACTIONS if action.group == _MOVE)
"""The actions that move the cursor and do nothing."""
