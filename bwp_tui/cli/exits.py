"""How a command ends."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes, an interface to scripts."""

    DONE = 0
    FAILED = 1
    USAGE = 2  # the command line or the settings are wrong
    LATER = 3  # the service gave no answer: try again
    NOT_FOUND = 4
    INTERRUPTED = 130


class Stop(Exception):
    """Ends a command with a sentence for the operator and an exit code."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
