"""Run the console, and print its last messages once its screen is gone."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from typing import Final

from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.store_access.snapshot_feed import SnapshotFeed
from bwp_tui.console.terminal.diff_driver import driver_class
from bwp_tui.console.terminal.textual_compat import changed_names
from bwp_tui.domain.text import counted
from bwp_tui.engine.runtime.lease import is_any_engine_running
from bwp_tui.settings import Profile
from bwp_tui.store.errors import StoreError
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.engine_state import NO_ENGINE_LEFT
from bwp_tui.store.worklog.intents import unfinished_work

_SWITCH_INTERVAL_S: Final = 0.001
"""Seconds between two switches of threads; with Python's 5 ms a key would wait for a reading thread many times."""


def exit_message(profile: Profile) -> str | None:
    """Return what is to be said at the end; None where that is nothing.

    It is what waits for the next start, unless another engine does it now or the profile is read-only, and what was
    recovered of a history that the console found damaged.
    """
    if profile.is_sandbox or not profile.history_path.exists():
        return None  # the practice begins anew at each start; a history that was moved or removed would be made new
    try:
        with closing(open_store(profile.history_path)) as store:
            count = sum(not download.paused for download in downloads.unfinished(store))
            work = unfinished_work(store)
    except StoreError:
        return None
    sentences = [store.opening_report] if store.opening_report else []
    if not profile.read_only and not is_any_engine_running(profile.lease_path):
        if count:
            sentences.append(f"{counted(count, 'download')} {'goes' if count == 1 else 'go'} on at the next start.")
        if work is not None and (waiting := work._replace(failed_polls=0).counts_text):
            sentences.append(f"{waiting}. {NO_ENGINE_LEFT}")
    return "\n".join(sentences) or None


def restart(*words: str) -> None:
    """Replace this process by the same program with other words: nothing of this shop's is left in its memory."""
    program = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    os.execv(sys.executable, [sys.executable, *program, *words])  # noqa: S606  no shell is wanted


def run_console(profile: Profile, *, theme: str | None, feed: SnapshotFeed | None = None) -> int:
    """Open the console on a profile and return its exit code.

    Args:
        feed: reads the profile's history already.

    Raises:
        StoreError: the history cannot be used.
    """
    if (changed := changed_names()) is not None:
        if feed is not None:
            feed.stop()
        print(f"bwp-tui: {changed}", file=sys.stderr)
        return 1
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    for name in ("COLUMNS", "LINES"):  # exported into a container, they would be believed before the terminal
        os.environ.pop(name, None)
    app = ConsoleApp(profile, theme=theme, driver_class=driver_class(os.environ), feed=feed)
    try:
        app.run(mouse=profile.uses_mouse(os.environ))
        if app.next_profile is not None and not app.crash:
            print(f"Opening the shop {app.next_profile}; keys are read once it is there.", file=sys.stderr, flush=True)
    finally:
        app.close()
    from bwp_tui.console.screens.missing_credentials import LOG_IN  # not before the first frame

    if app.next_profile is not None and not app.crash:
        restart("--profile", app.next_profile)
    if app.return_code == LOG_IN:
        restart("login", "--profile", profile.name)
    for message in filter(None, (exit_message(profile), app.opening_report, app.crash)):
        print(message, file=sys.stderr)
    return 1 if app.crash else app.return_code or 0
