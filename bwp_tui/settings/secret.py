"""Where the client secret comes from. A secret is read when it is sent, and shows itself nowhere else."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from dataclasses import dataclass, field
from typing import Final, Protocol

from bwp_tui.domain.text import clean_line
from bwp_tui.settings.errors import SettingsError

COMMAND_TIMEOUT_S: Final = 10
"""Seconds a secret command may take: a locked key store would otherwise hold the program for ever."""


_LONGEST_OUTPUT: Final = 64 * 1024
"""Bytes that a secret command may print: key stores keep notes behind the secret."""

_CHARACTERS: Final = re.compile(r"[ -~]+")
_QUOTES: Final = ("''", '""', "``", "“”", "‘’")  # noqa: RUF001  the typographic ones come with a paste


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
            with subprocess.Popen(  # noqa: S603  the operator's own command, and no shell reads it
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment_of_children(),
            ) as process:
                output = _bounded_output(process, program)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it holds a character no command can"
            raise SettingsError(f"The secret command {program} cannot be run: {reason}.") from None
        if process.returncode != 0:
            raise SettingsError(
                f"The secret command {program} failed with exit code {process.returncode}; run it yourself to see why."
            )
        return _first_line(output, program)


def check_secret(text: str) -> str | None:
    """Return what is wrong with a client secret, in words that continue a sentence, or None.

    It has visible characters and blanks (RFC 6749, appendix A.2), and no quotation marks around it.
    """
    if text[:1] + text[-1:] in _QUOTES and len(text) > 1:
        return "stands in quotation marks; take them away"
    return None if _CHARACTERS.fullmatch(text) else "holds characters that no client secret has; copy it once more"


def environment_of_children() -> dict[str, str]:
    """Return this process's environment for a program it starts, without our settings: a secret may be among them."""
    return {name: value for name, value in os.environ.items() if not name.startswith("BWP_")}


def _bounded_output(process: subprocess.Popen[bytes], program: str) -> bytes:
    """Read what a command prints, to its end; kill it when that is too much, or takes too long.

    Raises:
        SettingsError: one of the two.
    """
    output, deadline = b"", time.monotonic() + COMMAND_TIMEOUT_S
    pipe = process.stdout.fileno() if process.stdout is not None else -1
    try:
        while len(output) <= _LONGEST_OUTPUT:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(pipe, _LONGEST_OUTPUT) if ready else None
            if chunk == b"":
                process.wait(max(0.0, deadline - time.monotonic()))
                return output
            if chunk is None:
                break
            output += chunk
        else:
            raise SettingsError(f"The secret command {program} prints more than a client secret and was stopped.")
    except subprocess.TimeoutExpired:
        pass
    finally:
        process.kill()
    raise SettingsError(
        f"The secret command {program} gave no answer within {COMMAND_TIMEOUT_S} s; unlock its key store and try again."
    )


def _first_line(output: bytes, program: str) -> str:
    lines = output.strip().splitlines()
    if not lines:
        raise SettingsError(f"The secret command {program} printed nothing; it must print the client secret.")
    found = lines[0].strip().decode("ascii", "replace")
    wrong = check_secret(found)
    if wrong:
        raise SettingsError(f"What the secret command {program} prints is no client secret: it {wrong}.")
    return found
