"""Run the console, and print its last messages once its screen is gone."""

from __future__ import annotations

import os
import sys
from typing import Final

from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.store_access.snapshot_feed import SnapshotFeed
from bwp_tui.console.terminal.diff_driver import driver_class
from bwp_tui.console.terminal.textual_compat import changed_names
from bwp_tui.engine.runtime.exit_message import exit_message
from bwp_tui.settings import Profile

_SWITCH_INTERVAL_S: Final = 0.001
"""Seconds between two switches of threads; with Python's 5 ms a key would wait for a reading thread many times."""


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
            # It stays on the terminal after the next console, and has to be true then too.
            print(f"Switched to the shop {app.next_profile}.", file=sys.stderr, flush=True)
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
