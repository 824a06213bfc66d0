"""`bwp-tui` without a command: the console."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.settings import Profile, load_profile


def console(arguments: Namespace) -> int:
    """Open the console on the chosen profile, or a conversation line by line."""
    if arguments.plain:
        from bwp_tui.cli.main import run
        from bwp_tui.cli.plain.repl import plain

        return plain(arguments, run)
    require_terminal()
    profile = load_profile(arguments.profile, os.environ)
    return open_console(profile, arguments.theme)


def require_terminal() -> None:
    """Check that there is a terminal that the console can be drawn on.

    Raises:
        Stop: there is none; the sentence says what works without.
    """
    kind = os.environ.get("TERM", "")
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if kind in ("", "dumb") or not all(stream is not None and stream.isatty() for stream in streams):
        raise CommandError(
            ExitCode.USAGE,
            "The console needs a terminal that can be drawn on; without one use: bwp-tui --plain, or the commands, "
            "such as: bwp-tui list.",
        )


def open_console(profile: Profile, theme: str | None) -> int:
    """Run the console and return its exit code."""
    from bwp_tui.console.services.snapshot_feed import start_feed

    feed = start_feed(profile)  # it reads while Textual is being imported, which takes as long
    from bwp_tui.console.app import run_console

    return run_console(profile, theme=theme or profile.theme, feed=feed)
