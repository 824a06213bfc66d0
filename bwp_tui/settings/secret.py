"""Provide the client secret, which is read only when it is sent."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from bwp_tui.domain.text import clean_line

if TYPE_CHECKING:
    from types import ModuleType

COMMAND_TIMEOUT_S: Final = 10
"""Seconds that a secret command may take; a locked key store would block for ever."""

_LONGEST_OUTPUT: Final = 64 * 1024
"""Most bytes that a secret command may print, or a secret's file may have; key stores print notes after the secret."""

KEYRING: Final = "keyring"
"""Value of the setting `client_secret_from` of a secret in the keyring of the operating system."""

KEYRING_SERVICE: Final = "bwp-tui"
"""The service under which the keyring has the secrets; the user name there is the profile's."""

_CHARACTERS: Final = r"[ -~]+"
_QUOTES: Final = ("''", '""', "``", "“”", "‘’")  # noqa: RUF001  the typographic ones come with a paste


class SettingsError(Exception):
    """One or more mistakes, each a sentence; `str()` has one per line."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class SecretSource(Protocol):
    """A source of the client secret."""

    def read(self) -> str:
        """Return the secret.

        Raises:
            SettingsError: it is not available; the message does not contain it.
        """
        ...


class LiteralSecret:
    """A secret from the environment or the practice API."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self) -> str:
        return self._text


class CommandSecret(NamedTuple):
    """A secret from the first line of a command's output, such as `pass show shop`."""

    command: tuple[str, ...]

    def read(self) -> str:
        """Run the command without a shell and return the first line of its output.

        Raises:
            SettingsError: it cannot be run, fails, prints nothing, or takes longer than `COMMAND_TIMEOUT_S`.
        """
        from bwp_tui.settings.child_output import read_until_end

        program = clean_line(self.command[0])
        try:
            # Its stderr is discarded, since it may contain the secret.
            with subprocess.Popen(  # noqa: S603  the operator's own command, without a shell
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment_of_children(without=("BWP_",)),  # it may be a command of AWS
            ) as process:
                output, why_killed = read_until_end(process, COMMAND_TIMEOUT_S, _LONGEST_OUTPUT)
                process.kill()
        except (OSError, ValueError) as error:
            raise SettingsError(f"The secret command {program} cannot be run: {start_failed_reason(error)}.") from None
        if why_killed:
            raise SettingsError(f"The secret command {program} {why_killed}; unlock its key store, or run it yourself.")
        if process.returncode != 0:
            raise SettingsError(
                f"The secret command {program} failed with exit code {process.returncode}; run it yourself to see why."
            )
        return _first_line(output, f"command {program}", "printed")


class FileSecret(NamedTuple):
    """A secret from the first line of a file that only this user can read."""

    path: Path

    def read(self) -> str:
        """Return the first line of the file.

        Raises:
            SettingsError: it cannot be read, is not a file of this user, or others can read it.
        """
        try:
            # A pipe would block.
            with os.fdopen(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                self._check_access(os.fstat(file.fileno()))
                content = file.read(_LONGEST_OUTPUT)
        except OSError as error:
            raise SettingsError(f"The secret's file {self.path} cannot be read: {error.strerror}.") from None
        return _first_line(content, f"file {self.path}", "contains")

    def _check_access(self, status: os.stat_result) -> None:
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")  # systemd keeps its files from others by an ACL
        if credentials and self.path.parent == Path(credentials):
            return
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise SettingsError(f"The secret's file {self.path} must be a file that belongs to you.")
        if status.st_mode & 0o077:
            raise SettingsError(f"Other users can access the secret's file {self.path}; run: chmod 600 {self.path}")


class KeyringSecret(NamedTuple):
    """A secret in the keyring of the operating system, which `bwp-tui login` put there."""

    profile: str

    def read(self) -> str:
        """Return the secret.

        Raises:
            SettingsError: the keyring is not installed, locked, or has no secret of this profile.
        """
        keyring = import_keyring()
        if keyring is None:
            raise SettingsError("The secret is in the keyring; run in the clone: pip install '.[keyring]'")
        try:
            secret: str | None = keyring.get_password(KEYRING_SERVICE, self.profile)
        except Exception as error:  # noqa: BLE001  each backend has errors of its own
            raise SettingsError(f"The keyring cannot be read ({type(error).__name__}); unlock it.") from None
        if secret is None:
            raise SettingsError(
                f"The keyring has no secret of profile {self.profile}; run: "
                f"bwp-tui login --rotate --profile {self.profile}"
            )
        return secret


def import_keyring() -> ModuleType | None:
    """Import the package `keyring`, which is slow; None where it is not installed."""
    try:
        import keyring
    except ModuleNotFoundError:
        return None
    return keyring


def secret_mistake(text: str) -> str | None:
    """Return the end of a sentence about a mistake in a client secret, or None.

    A secret has printable characters and spaces (RFC 6749, appendix A.2), and no quotation marks around it.
    """
    if not text:
        return "is empty"
    if text[:1] + text[-1:] in _QUOTES and len(text) > 1:
        return "is in quotation marks; remove them"
    return None if re.fullmatch(_CHARACTERS, text) else "has characters that no client secret has; copy it again"


def environment_of_children(*, without: tuple[str, ...] = ("BWP_", "AWS_")) -> dict[str, str]:
    """Return the environment for child processes, without variables that may hold secrets: those of these prefixes."""
    return {name: value for name, value in os.environ.items() if not name.startswith(without)}


def start_failed_reason(error: OSError | ValueError) -> str:
    """Return why a program could not be started, as a clause."""
    return str(error.strerror) if isinstance(error, OSError) else "it has a character that no command line can have"


def _first_line(content: bytes, source: str, has: str) -> str:
    lines = content.strip().splitlines()
    if not lines:
        raise SettingsError(f"The secret {source} {has} nothing; its first line must be the client secret.")
    secret = lines[0].strip().decode("ascii", "replace")
    mistake = secret_mistake(secret)
    if mistake:
        raise SettingsError(f"What the secret {source} {has} is not a client secret: it {mistake}.")
    return secret
