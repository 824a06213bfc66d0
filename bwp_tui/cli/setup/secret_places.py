"""Places that can keep a client secret: the keyring, a program such as `pass`, a private file."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from bwp_tui.file_access import make_folder, replace_file
from bwp_tui.settings import Profile, SettingsError, config_path, environment_of_children
from bwp_tui.settings.secret import (
    COMMAND_TIMEOUT_S,
    KEYRING,
    KEYRING_SERVICE,
    CommandSecret,
    FileSecret,
    KeyringSecret,
    import_keyring,
)


class SecretPlace(NamedTuple):
    """A place for the secret of one profile."""

    description: str
    """What it is, as a sentence goes on after “in”."""
    setting: str
    value: str
    """The setting that names the place in the config file, and its value."""
    keep: Callable[[str], None]
    """Puts a secret there, also over an older one. Raises SettingsError."""
    remove: Callable[[], None] | None
    """Removes the secret, if it is there. Raises SettingsError. None where a program of the operator's own keeps it."""


class _Program(NamedTuple):
    """A program that keeps secrets. The secret is on its stdin; others can see its arguments."""

    name: str
    keep: str
    show: str
    remove: str


_PROGRAMS: Final = (
    _Program("pass", "pass insert -m -f bwp-tui/{}", "pass show bwp-tui/{}", "pass rm -f bwp-tui/{}"),
    _Program(
        "secret-tool",
        "secret-tool store --label bwp-tui service bwp-tui profile {}",
        "secret-tool lookup service bwp-tui profile {}",
        "secret-tool clear service bwp-tui profile {}",
    ),
)


def places(profile: str) -> list[SecretPlace]:
    """Return the places that this machine has for the secret of a profile, the best first."""
    programs = [_program_place(program, profile) for program in _PROGRAMS if shutil.which(program.name)]
    file = config_path(os.environ).with_name(f"{profile}.secret")
    keyring = import_keyring()
    has_keyring = keyring is not None and keyring.get_keyring().priority >= 1
    return [*([_keyring_place(profile)] if has_keyring else []), *programs, _file_place(file)]


def secret_place_of(profile: Profile) -> SecretPlace | None:
    """Return the place of a profile's secret; None if it has none, or it is in the environment."""
    match profile.secret:
        case KeyringSecret():
            return _keyring_place(profile.name)
        case FileSecret(path):
            return _file_place(path)
        case CommandSecret(words):
            own = [_program_place(program, profile.name) for program in _PROGRAMS]
            line = shlex.join(words)
            return next((place for place in own if place.value == line), command_place(line))
    return None


def _keyring_place(profile: str) -> SecretPlace:
    return SecretPlace(
        "the keyring of the operating system",
        "client_secret_from",
        KEYRING,
        lambda secret: _call_keyring("set_password", profile, secret),
        lambda: _call_keyring("delete_password", profile),
    )


def _call_keyring(function: str, *arguments: str) -> None:
    keyring = import_keyring()
    try:
        getattr(keyring, function)(KEYRING_SERVICE, *arguments)
    except Exception as error:  # noqa: BLE001  each backend has errors of its own
        raise SettingsError(f"The keyring refused it ({type(error).__name__}); unlock it and try again.") from None


def _program_place(program: _Program, profile: str) -> SecretPlace:
    keep, show, remove = (line.format(profile) for line in program[1:])
    return SecretPlace(
        f"{program.name} ({show})",
        "client_secret_command",
        show,
        lambda secret: _run_program(keep, secret),
        lambda: _run_program(remove),
    )


def _run_program(line: str, secret: str = "") -> None:
    words = shlex.split(line)
    try:
        subprocess.run(  # noqa: S603  one of the programs above, without a shell
            words,
            input=f"{secret}\n".encode(),
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=COMMAND_TIMEOUT_S * 6,  # it may ask for a passphrase
            env=environment_of_children(),
        )
    except OSError as error:
        raise SettingsError(f"{words[0]} cannot be run: {error.strerror}.") from None
    except subprocess.SubprocessError:
        raise SettingsError(f"{words[0]} has failed; run it yourself to see why: {line}") from None


def _file_place(path: Path) -> SecretPlace:
    return SecretPlace(
        f"the private file {path}",
        "client_secret_file",
        str(path),
        partial(_write_file, path),
        lambda: path.unlink(missing_ok=True),
    )


def _write_file(path: Path, secret: str) -> None:
    try:
        make_folder(path.parent)
        replace_file(path, f"{secret}\n".encode())
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from None


def command_place(line: str) -> SecretPlace:
    """Return the place that a command of the operator's reads, which must have the secret already."""

    def check(secret: str) -> None:
        if CommandSecret(tuple(shlex.split(line))).read() != secret:
            raise SettingsError(f"The command {line} prints another secret; change it there first.")

    return SecretPlace(f"what {line} reads", "client_secret_command", line, check, None)
