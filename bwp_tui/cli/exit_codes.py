"""Define exit codes, the effects of commands, and the error that ends one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum, auto
from typing import Final


class ExitCode(IntEnum):
    """Exit codes, an interface to scripts."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """The command line or the settings are wrong."""
    TRY_LATER = 3
    """The service gave no response: try again."""
    NOT_FOUND = 4
    INTERRUPTED = 130


class Effect(Enum):
    """What a command does: it decides whether a read-only profile allows it and whether a closed stdout ends it."""

    READS = auto()  # it only prints
    RUNS = auto()  # the engine works, or files are copied
    CHANGES = auto()  # it records a decision


CONSOLE_DEFAULTS: Final[Mapping[str, object]] = {
    "command": ("console", "console"),
    "command_name": None,
    "effect": Effect.RUNS,
    "profile": None,
    "theme": None,
    "plain": False,
}
"""What a command line without a command is parsed to; it opens the console."""


class CommandError(Exception):
    """Ends a command with a message and an exit code, by default that of wrong usage; any function may raise it."""

    def __init__(self, sentence: str, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(sentence)
        self.code = code
