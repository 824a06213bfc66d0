"""`bwp-tui letter`: print, copy or write a letter to a shopper; nothing is sent."""

from __future__ import annotations

import asyncio
import base64
from argparse import Namespace
from pathlib import Path

from bwp_tui.actions import letters
from bwp_tui.cli.exit_codes import CommandError
from bwp_tui.cli.support.days import today
from bwp_tui.cli.support.new_text_file import check_is_new
from bwp_tui.cli.support.session import open_session
from bwp_tui.cli.support.streams import print_message
from bwp_tui.cli.support.task_output import print_result
from bwp_tui.console.terminal.clipboard import copy
from bwp_tui.domain.letters import LetterKind
from bwp_tui.store.queries import tasks

_TERMINAL = Path("/dev/tty")


def letter(arguments: Namespace) -> None:
    """Draft a letter from its template, record it, and print, copy or write it."""
    with open_session(arguments) as session:
        task = tasks.find_by_name(session.store, arguments.task)
        kind = LetterKind(arguments.kind)
        drafted = letters.draft(session.store, session.profile, task, kind, session.actor, today())
        copied, lines = None, [drafted.text.rstrip("\n")]
        if arguments.to is not None:
            check_is_new(arguments.to)
            letters.write(session.store, drafted, arguments.to, session.actor)
            lines = [str(arguments.to)]
        else:
            if arguments.copy:
                copied = asyncio.run(copy(drafted.text, _copy_to_terminal, session.profile.folder))
                lines = [f"The {kind} of {task.name}: {copied}."]
            letters.record(session.store, drafted, session.actor)
    for remark in drafted.remarks:
        print_message(remark)
    json_object = {
        "task": task.number,
        "kind": kind.value,
        "template": drafted.template,
        "text": drafted.text,
        "sha256": drafted.sha256,
        "path": arguments.to and str(arguments.to),
        "copied": copied,
        "remarks": list(drafted.remarks),
    }
    print_result(arguments, json_object, lines)


def _copy_to_terminal(text: str) -> None:
    """Send OSC 52 to the terminal, wherever the output goes."""
    try:
        with _TERMINAL.open("w") as terminal:
            terminal.write(f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a")
    except OSError:
        raise CommandError("There is no terminal to copy to: use --to FILE. Nothing was done.") from None
