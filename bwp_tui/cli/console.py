"""`bwp-tui` without a command: open the console."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from bwp_tui.cli.exit_codes import CommandError
from bwp_tui.settings import Profile, load_profile

if TYPE_CHECKING:
    from argparse import Namespace


def console(arguments: Namespace) -> int:
    """Open the console, or plain mode, with the chosen profile."""
    if arguments.plain:
        from bwp_tui.cli.plain.repl import open_plain

        return open_plain(load_profile(arguments.profile, os.environ))
    require_terminal()
    profile = load_profile(arguments.profile, os.environ)
    return open_console(profile, arguments.theme)


def require_terminal(instead: str = "bwp-tui --plain or a command, such as: bwp-tui list") -> None:
    """Check that the terminal can show the console; `instead` is what needs none."""
    kind = os.environ.get("TERM", "")
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if kind in ("", "dumb") or not all(stream is not None and stream.isatty() for stream in streams):
        raise CommandError(f"The console needs an interactive terminal. Use {instead}.")


def open_console(profile: Profile, theme: str | None) -> int:
    """Run the console and return its exit code."""
    gc.disable()  # the app enables it after the first frame, which it would delay by a twentieth
    from bwp_tui.console.store_access.snapshot_feed import start_feed

    feed = start_feed(profile)  # reads while Textual is imported, which takes as long
    from bwp_tui.console.run import run_console

    return run_console(profile, theme=theme or profile.theme, feed=feed)
