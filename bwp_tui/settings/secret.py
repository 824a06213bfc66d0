"""Where the client secret comes from. A secret is read when it is sent, and shows itself nowhere else."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import Final, Protocol

from bwp_tui.domain.text import clean_line
from bwp_tui.settings.errors import SettingsError

COMMAND_TIMEOUT_S: Final = 10
"""Seconds a secret command may take: a locked key store would otherwise hold the program for ever."""


class SecretSource(Protocol):
    """A place that holds the client secret."""

    def read(self) -> str:
        """Return the secret.

        Raises:
            SettingsError: it cannot be had; the sentence does not hold it.
        """
        ...


@dataclass(frozen=True, slots=True)
class GivenSecret:
    """A secret that was handed over: by the environment, or by the practice API."""

    _text: str = field(repr=False)

    def read(self) -> str:
        """Return the secret."""
        return self._text


@dataclass(frozen=True, slots=True)
class CommandSecret:
    """A secret that a command prints, such as `pass show shop`: its first line, as `pass` itself reads it."""

    command: tuple[str, ...]

    def read(self) -> str:
        """Run the command, without a shell, and return the first line of what it prints.

        Raises:
            SettingsError: it cannot be run, fails, prints nothing, or takes longer than `COMMAND_TIMEOUT_S`.
        """
        program = clean_line(self.command[0])
        try:
            # What it writes to stderr is not quoted: a key store in trouble may well print the key.
            ended = subprocess.run(  # noqa: S603  the operator's own command, and no shell reads it
                self.command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=COMMAND_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SettingsError(
                f"The secret command {program} gave no answer within {COMMAND_TIMEOUT_S} s; "
                "unlock its key store and try again."
            ) from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it holds a character no command can"
            raise SettingsError(f"The secret command {program} cannot be run: {reason}.") from None
        if ended.returncode != 0:
            raise SettingsError(
                f"The secret command {program} failed with exit code {ended.returncode}; run it yourself to see why."
            )
        return _first_line(ended.stdout, program)


def _first_line(output: bytes, program: str) -> str:
    lines = output.strip().splitlines()
    if not lines:
        raise SettingsError(f"The secret command {program} printed nothing; it must print the client secret.")
    try:
        return lines[0].strip().decode("ascii")
    except UnicodeDecodeError:
        raise SettingsError(f"The secret command {program} printed something that is no client secret.") from None
