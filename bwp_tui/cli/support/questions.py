"""Ask the operator on the terminal, and end the command unless the answer confirms it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.domain.text import clean_line


def can_ask() -> bool:
    """Return whether stdin is a terminal, so that a question can be answered."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> str | None:
    """Ask on the terminal and return the answer; None at the end of input."""
    print(clean_line(question), end=" ", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    return line.strip() if line else None


def ask_yes_no(question: str) -> bool:
    """Ask on the terminal; enter means no."""
    return (ask(f"{question} [y/N]") or "").casefold() in ("y", "yes")


@contextmanager
def interrupt_as_abort() -> Iterator[None]:
    """Abort the command at ctrl+c in the block."""
    try:
        yield
    except KeyboardInterrupt:
        print(file=sys.stderr)  # behind the question
        raise CommandError("Aborted. Nothing was changed.", ExitCode.INTERRUPTED) from None


def require_yes(question: str) -> None:
    """Have a question answered with yes; enter means no."""
    require_interactive("use --yes to confirm")
    with interrupt_as_abort():
        is_yes = ask_yes_no(question)
    if not is_yes:
        raise CommandError("Aborted. Nothing was changed.", ExitCode.FAILED)


def require_typed(question: str, expected: str, instead: str = "use --yes to confirm") -> None:
    """Have `expected` typed to confirm `question`; `instead` is what to do where no terminal is there."""
    require_interactive(instead)
    with interrupt_as_abort():
        typed = ask(f"{question} Type {expected} to confirm:")
    if typed != expected:
        raise CommandError("Aborted: the confirmation did not match. Nothing was changed.", ExitCode.FAILED)


def deletion_question(email: str, *, is_sent_at_once: bool) -> str:
    """Return what a deletion does that is to be confirmed by typing the email."""
    return f"This {'deletes' if is_sent_at_once else 'records a request to delete'} the data of {email}."


def require_interactive(instead: str) -> None:
    """Refuse to go on where stdin is no terminal to ask on; `instead` is what to do there."""
    if not can_ask():
        raise CommandError(f"Not a terminal: {instead}. Nothing was changed.")
