"""What the parts of the command line's grammar share."""

from __future__ import annotations

import argparse
from argparse import SUPPRESS
from typing import Final, NoReturn

from bwp_tui.cli.argument_types import seconds
from bwp_tui.cli.exit_codes import Effect
from bwp_tui.domain.text import clean_line
from bwp_tui.settings.profile import THEMES

ANSWER_TIMEOUT_S: Final = 30.0
"""Seconds a command waits for the service unless it is told otherwise."""

TASK_HELP: Final = "a task id, its first characters (4 or more), or the local number"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of printing its usage."""

    def error(self, message: str) -> NoReturn:
        """End the program with exit code 2."""
        self.exit(2, f"{self.prog}: {clean_line(message)} (see {self.prog} --help)\n")


class Commands:
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
        effect: Effect = Effect.CHANGES,
    ) -> Parser:
        parser = self._sub.add_parser(
            name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.", epilog=note, allow_abbrev=False
        )
        parser.set_defaults(command=(module, function or name), chosen=name, effect=effect)
        add_common(parser, json=json)
        self.parsers[name] = parser
        return parser


def add_common(parser: Parser, *, json: bool) -> None:
    """Add the options that may stand behind a command as well as before it."""
    parser.add_argument("--profile", metavar="NAME", default=SUPPRESS, help="the shop to work with (BWP_PROFILE)")
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON, with addresses in full")


def add_masking(parser: Parser) -> None:
    masking = parser.add_mutually_exclusive_group()
    masking.add_argument("--unmask", action="store_true", help="show addresses in full")
    masking.add_argument("--mask", action="store_true", help="mask addresses in JSON too")


def add_theme(parser: Parser, default: str | None = None) -> None:
    parser.add_argument(
        "--theme", metavar="NAME", choices=THEMES, default=default, help=f"the console's colours: {', '.join(THEMES)}"
    )


def add_timeout(parser: Parser, default: float | None) -> None:
    known = "for ever" if default is None else f"{default:g}"
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=default, help=f"wait at most so many seconds ({known})"
    )
