"""The grammar of the command line. What a command does is imported when it is the one that was typed."""

from __future__ import annotations

import argparse
import math
from argparse import SUPPRESS, ArgumentTypeError, Namespace
from collections.abc import Sequence
from datetime import date
from typing import Final, NoReturn

from bwp_tui import VERSION
from bwp_tui.domain.deadlines import REGULATIONS
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, LONGEST_HOLDING_PERIOD
from bwp_tui.domain.text import clean_line, nearest
from bwp_tui.domain.times import local_day, utc_now

ANSWER_TIMEOUT_S: Final = 30.0
"""Seconds a command waits for the service unless it is told otherwise."""

SHOWN: Final = 100
"""Tasks that `list` prints unless it is told otherwise."""

_TASK_HELP: Final = "a task id, its first characters (4 or more), or the local number"
_EPILOG: Final = (
    "Without a command the console opens. Exit codes: 0 done, 1 failed, 2 usage or settings, 3 no answer: try again "
    "later, 4 not found, 130 interrupted."
)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of printing its usage."""

    def error(self, message: str) -> NoReturn:
        """End the program with exit code 2."""
        self.exit(2, f"{self.prog}: {clean_line(message)} (see {self.prog} --help)\n")


def parse(words: Sequence[str]) -> Namespace:
    """Return the parsed command line; `command` is the module of this room and the function that carry it out.

    Raises:
        SystemExit: it is wrong (2), or asked for help or the version (0); the text has been printed.
    """
    parser, commands = _parser()
    _check_command(parser, words, tuple(commands))
    arguments, rest = parser.parse_known_args(words)
    if rest:
        # Only the names: a value may be a secret that someone tried to give as an option.
        names = ", ".join(word.split("=")[0] for word in rest if word.startswith("-")) or "one argument too many"
        chosen = commands.get(getattr(arguments, "chosen", None) or "", parser)
        chosen.error(f"not understood: {names}")
    return arguments


def _check_command(parser: Parser, words: Sequence[str], known: tuple[str, ...]) -> None:
    """Refuse a command that there is not, with the nearest that there is."""
    values_of = ("--profile", "--theme")
    previous = ""
    for word in words:
        if not word.startswith("-") and previous not in values_of:
            if word not in known:
                guess = nearest(word, known)
                parser.error(f"there is no command “{word}”{f'; did you mean {guess}?' if guess else ''}")
            return
        previous = word


def _parser() -> tuple[Parser, dict[str, Parser]]:
    parser = Parser(
        prog="bwp-tui",
        description="Privacy requests with Amazon's Buy with Prime API, from a terminal.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"bwp-tui {VERSION}")
    parser.add_argument("--profile", metavar="NAME", help="the shop to work with (BWP_PROFILE)")
    parser.add_argument("--theme", metavar="NAME", help="the console's colours")
    parser.set_defaults(command=("opening", "console"), chosen=None)
    commands = _Commands(parser)
    _add_requests(commands)
    _add_reading(commands)
    _add_working(commands)
    _add_practice(commands)
    return parser, commands.parsers


class _Commands:
    """Adds commands to the grammar, each with the options that all have."""

    def __init__(self, parser: Parser) -> None:
        self.parsers: dict[str, Parser] = {}
        self._sub = parser.add_subparsers(metavar="COMMAND", title="commands", parser_class=Parser)

    def add(
        self,
        name: str,
        module: str,
        purpose: str,
        *,
        function: str | None = None,
        json: bool = True,
        note: str | None = None,
    ) -> Parser:
        parser = self._sub.add_parser(
            name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.", epilog=note, allow_abbrev=False
        )
        parser.set_defaults(command=(module, function or name), chosen=name)
        add_common(parser, json=json)
        self.parsers[name] = parser
        return parser


def add_common(parser: Parser, *, json: bool) -> None:
    """Add the options that may stand behind a command as well as before it."""
    parser.add_argument("--profile", metavar="NAME", default=SUPPRESS, help="the shop to work with (BWP_PROFILE)")
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON, with addresses in full")


def _add_requests(commands: _Commands) -> None:
    submit = commands.add("submit", "requests", "record a request, send it, and print its task", json=False)
    kinds = submit.add_subparsers(metavar="KIND", dest="kind", required=True, parser_class=Parser)
    retrieval = kinds.add_parser("retrieval", help="a copy of a shopper's data", allow_abbrev=False)
    _add_request(retrieval)
    deletion = kinds.add_parser("deletion", help="the erasure of a shopper's data", allow_abbrev=False)
    _add_request(deletion)
    deletion.add_argument(
        "--holding-period",
        metavar="DAYS",
        type=int,
        help=f"days in which it can be cancelled, 0 to {LONGEST_HOLDING_PERIOD} (default {DEFAULT_HOLDING_PERIOD})",
    )
    deletion.add_argument("--reason", metavar="TEXT", type=one_line, help="kept by the service for auditing")
    deletion.add_argument("--yes", action="store_true", help="do not ask for the address once more")

    track = commands.add("track", "requests", "adopt a task that was submitted elsewhere")
    track.add_argument("kind", metavar="KIND", choices=("retrieval", "deletion"), help="retrieval or deletion")
    track.add_argument("task_id", metavar="TASK_ID", type=task_id, help="the whole task id")
    _add_receipt(track)
    _add_timeout(track, ANSWER_TIMEOUT_S)

    resubmit = commands.add("resubmit", "requests", "submit a failed task again, as a new one")
    resubmit.add_argument("task", metavar="TASK", help=_TASK_HELP)
    resubmit.add_argument("--yes", action="store_true", help="do not ask before a deletion")
    _add_timeout(resubmit, ANSWER_TIMEOUT_S)

    cancel = commands.add("cancel", "requests", "cancel a deletion while it is on hold")
    cancel.add_argument("task", metavar="TASK", help=_TASK_HELP)
    cancel.add_argument("--yes", action="store_true", help="do not ask")
    _add_timeout(cancel, ANSWER_TIMEOUT_S)


def _add_request(parser: Parser) -> None:
    add_common(parser, json=True)
    parser.add_argument("email", metavar="EMAIL", help="the shopper's address")
    _add_receipt(parser)
    parser.add_argument("--note", metavar="TEXT", type=one_line, default="", help="kept here, never sent")
    parser.add_argument(
        "--tag", metavar="TEXT", type=one_line, action="append", default=[], help="a word to find it by; repeatable"
    )
    _add_timeout(parser, ANSWER_TIMEOUT_S)


def _add_receipt(parser: Parser) -> None:
    parser.add_argument("--received", metavar="DATE", type=day, help="when the shopper asked, YYYY-MM-DD (today)")
    parser.add_argument(
        "--regulation", choices=tuple(REGULATIONS), default="gdpr", help="which law sets the due date (gdpr)"
    )


def _add_reading(commands: _Commands) -> None:
    listing = commands.add(
        "list",
        "reading",
        "print the tasks that fit a filter, the newest first",
        function="list_tasks",
        note='A filter: status:failed,on_hold kind:deletion age>2d due<7d tag:vip note:"left message" jane. '
        "Quote it; one that begins with - goes behind --. JSON holds addresses in full unless --mask is given.",
    )
    listing.add_argument("filter", metavar="FILTER", nargs="*", help="which tasks (all)")
    listing.add_argument("--limit", metavar="N", type=count, default=SHOWN, help=f"at most so many ({SHOWN})")
    _add_masking(listing)

    show = commands.add("show", "reading", "print all that is known of a task")
    show.add_argument("task", metavar="TASK", help=_TASK_HELP)
    _add_masking(show)


def _add_masking(parser: Parser) -> None:
    masking = parser.add_mutually_exclusive_group()
    masking.add_argument("--unmask", action="store_true", help="show addresses in full")
    masking.add_argument("--mask", action="store_true", help="mask addresses in JSON too")


def _add_working(commands: _Commands) -> None:
    refresh = commands.add("refresh", "working", "ask the service about tasks now")
    refresh.add_argument("tasks", metavar="TASK", nargs="*", help=f"{_TASK_HELP} (all active ones)")
    _add_timeout(refresh, ANSWER_TIMEOUT_S)

    wait = commands.add("wait", "working", "wait until tasks have ended; 0 when all are COMPLETED")
    wait.add_argument("tasks", metavar="TASK", nargs="+", help=_TASK_HELP)
    _add_timeout(wait, None)

    download = commands.add("download", "working", "download the results of retrievals and print where they lie")
    download.add_argument("tasks", metavar="TASK", nargs="+", help=_TASK_HELP)
    download.add_argument("--output", metavar="DIR", help="the folder to put them in (BWP_DOWNLOAD_DIR)")
    _add_timeout(download, None)

    run = commands.add("run", "working", "be the engine, without a screen", json=False)
    run.add_argument("--once", action="store_true", help="do all that is due, then end")

    commands.add("doctor", "checking", "check settings, credentials, service, clock, files and terminal")


def _add_practice(commands: _Commands) -> None:
    sandbox = commands.add("sandbox", "practice", "practise on an API of our own, with made-up shoppers", json=False)
    sandbox.add_argument("--theme", metavar="NAME", default=SUPPRESS, help="the console's colours")
    sandbox.add_argument("--serve", action="store_true", help="the API alone; prints the BWP_* variables")
    sandbox.add_argument("--port", metavar="N", type=port, default=0, help="where it listens (any free one)")
    sandbox.add_argument("--tasks", metavar="N", type=count, default=60, help="tasks of the past (60)")
    sandbox.add_argument(
        "--speed",
        metavar="X",
        type=factor,
        default=1.0,
        help="days of hold go X times faster; 86400 makes a day a second",
    )
    sandbox.add_argument("--seed", metavar="N", type=int, default=1, help="another one makes other shoppers (1)")
    sandbox.add_argument(
        "--fault", metavar="NAME[=RATE]", action="append", default=[], help="something that goes wrong; repeatable"
    )


def _add_timeout(parser: Parser, default: float | None) -> None:
    known = "for ever" if default is None else f"{default:g}"
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=default, help=f"wait at most so many seconds ({known})"
    )


def day(text: str) -> date:
    """Read a date that is not in the future."""
    try:
        read = date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"“{text}” is no date such as 2026-12-31") from None
    if read > local_day(utc_now()):
        raise ArgumentTypeError(f"{read} is in the future")
    return read


def seconds(text: str) -> float:
    """Read a length of time in seconds, 0 or more."""
    number = _number(text)
    if not 0 <= number <= 1e9:
        raise ArgumentTypeError(f"“{text}” is no number of seconds")
    return number


def factor(text: str) -> float:
    """Read a number above 0."""
    number = _number(text)
    if not 0 < number <= 1e9:
        raise ArgumentTypeError(f"“{text}” is no number above 0")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def count(text: str) -> int:
    """Read a whole number, 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ArgumentTypeError(f"“{text}” is no whole number, 0 or more")
    return int(text)


def port(text: str) -> int:
    """Read a TCP port; 0 is any free one."""
    number = count(text)
    if number > 65_535:
        raise ArgumentTypeError(f"“{text}” is no port, 0 to 65535")
    return number


def one_line(text: str) -> str:
    """Read a text: one line, nothing in it that steers a terminal."""
    return clean_line(text)


def task_id(text: str) -> str:
    """Read a whole task id."""
    if not (text.isascii() and text.isprintable() and " " not in text and 4 <= len(text) <= 128):
        raise ArgumentTypeError(f"“{text}” is no task id")
    return text
