"""How a command ends."""

from __future__ import annotations

from enum import Enum, IntEnum, auto


class ExitCode(IntEnum):
    """Exit codes, an interface to scripts."""

    DONE = 0
    FAILED = 1
    USAGE = 2  # the command line or the settings are wrong
    LATER = 3  # the service gave no answer: try again
    NOT_FOUND = 4
    INTERRUPTED = 130


class Effect(Enum):
    """What a command is for, which says whether a read-only profile has it, and whether it outlives its output."""

    READS = auto()  # what it prints is all there is of it
    WORKS = auto()  # the engine does what was decided before, or files are copied
    CHANGES = auto()  # it records what someone decides now


class CommandError(Exception):
    """Ends a command with a sentence for the operator and an exit code."""

    def __init__(self, code: ExitCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
