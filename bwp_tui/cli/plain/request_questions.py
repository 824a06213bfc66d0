"""Ask for a request question by question; a wrong answer is asked for again."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Final

from bwp_tui.cli.argument_types import count, day, regulation
from bwp_tui.cli.support.streams import print_message
from bwp_tui.domain.task import LONGEST_HOLDING_PERIOD, Kind
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import DAY_FORMS
from bwp_tui.store.commands.request_validation import BadRequest, check_email, check_holding_period

LEAVE: Final = "quit"
"""Answer that leaves the questions."""

Check = Callable[[str], object]
"""Raises ArgumentTypeError or BadRequest where an answer cannot be used."""


class QuestionsCancelled(Exception):
    """The operator left, or the input ended."""


def ask_request() -> list[str]:
    """Ask for a request and return it as a `submit` command line; QuestionsCancelled: the operator left."""
    kind = _kind(_answer("Retrieval or deletion:", _kind))
    words = ["submit", kind, _answer("Email of the shopper:", check_email)]
    for question, option, check in (*_QUESTIONS, *(_DELETION_QUESTIONS if kind == Kind.DELETION.lower() else ())):
        if answer := _answer(question, check, may_be_empty=True):
            words.append(f"{option}={answer}")
    if _answer(_VERIFIED, _check_yes_or_no, may_be_empty=True).casefold() in _NO:
        words.append("--hold")
    return words


def _answer(question: str, check: Check, *, may_be_empty: bool = False) -> str:
    while True:
        print(question, end=" ", file=sys.stderr, flush=True)
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            print()  # behind the question
            raise QuestionsCancelled from None
        answer = line.strip()
        if not line or answer.casefold() == LEAVE or not (answer or may_be_empty):
            raise QuestionsCancelled
        try:
            if answer:
                check(answer)
        except (ArgumentTypeError, BadRequest) as error:
            print_message(f"{clean_line(str(error)).rstrip('.')}. Try again, or type {LEAVE}.")
        else:
            return answer


def _check_yes_or_no(answer: str) -> None:
    if answer.casefold() not in (*_YES, *_NO):
        raise ArgumentTypeError(f"“{answer}” is neither yes nor no")


def _kind(answer: str) -> str:
    typed = answer.casefold()
    matching = [kind.lower() for kind in Kind if kind.lower().startswith(typed)]
    if len(matching) != 1:
        raise ArgumentTypeError(f"“{answer}” is neither retrieval nor deletion")
    return matching[0]


_YES: Final = ("y", "yes")
_NO: Final = ("n", "no")
_VERIFIED: Final = "Is the requester's identity verified? no: nothing is sent (enter: yes):"

_QUESTIONS: Final[tuple[tuple[str, str, Check], ...]] = (
    (f"Received on, {DAY_FORMS} (enter: today):", "--received", day),
    ("Regulation, such as us-tx or Texas (enter: the profile's):", "--regulation", regulation),
    ("Note (optional):", "--note", str),
)
_DELETION_QUESTIONS: Final[tuple[tuple[str, str, Check], ...]] = (
    (
        f"Days on hold, 0 to {LONGEST_HOLDING_PERIOD} (enter: the profile's):",
        "--holding-period",
        lambda answer: check_holding_period(count(answer)),
    ),
    ("Reason (optional):", "--reason", str),
)
