"""Ask for a request question by question; a wrong answer is asked for again."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from typing import Final

from bwp_tui.cli.argument_types import count, day, regulation
from bwp_tui.cli.support.streams import print_message
from bwp_tui.domain.task import LONGEST_HOLDING_PERIOD, Kind
from bwp_tui.domain.text import as_sentence, clean_line
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
    if _when_to_send(_answer(_SEND, _when_to_send, may_be_empty=True)) == _LATER:
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
            print_message(f"{as_sentence(clean_line(str(error)))} Try again, or type {LEAVE}.")
        else:
            return answer


def _one_of(answer: str, words: Sequence[str]) -> str:
    """Return the only one of the words that begins with an answer; the first word if that is empty."""
    matching = [word for word in words if word.startswith(answer.casefold())]
    if answer and len(matching) != 1:
        raise ArgumentTypeError(f"“{answer}” is neither {' nor '.join(words)}")
    return matching[0]


def _kind(answer: str) -> str:
    return _one_of(answer, [kind.lower() for kind in Kind])


def _when_to_send(answer: str) -> str:
    return _one_of(answer, ("now", _LATER))


_LATER: Final = "later"
_SEND: Final = "Send now, or later once the requester is verified (enter: now):"

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
