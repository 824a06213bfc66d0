"""Sign documents with an operator's SSH key, by OpenSSH's own program."""

from __future__ import annotations

import base64
import shlex
import subprocess
from pathlib import Path
from typing import Final

from bwp_tui.cli.exit_codes import CommandError, ExitCode

_NAMESPACE: Final = "bwp-tui"
"""What a signature is for, and the name that stands for its key where it is verified."""

_MAGIC: Final = b"SSHSIG"
_VERSION_BYTES: Final = 4
_LENGTH_BYTES: Final = 4


def sign(document: bytes, key: Path) -> bytes:
    """Return the detached signature of a document; a passphrase is asked for on the terminal.

    `key` is the file of a private key, or of the public key of one in the ssh-agent.
    """
    try:
        with key.open("rb"):
            pass
    except OSError as error:
        raise _failure(f"The key {key} cannot be read: {error.strerror}.") from error
    try:
        signed = subprocess.run(  # noqa: S603  no shell
            ["ssh-keygen", "-q", "-Y", "sign", "-n", _NAMESPACE, "-f", key],  # noqa: S607  the one of the operator
            input=document,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise _failure("ssh-keygen is missing: install OpenSSH.") from error
    except OSError as error:
        raise _failure(f"ssh-keygen cannot be run: {error.strerror}.") from error
    if signed.returncode or not signed.stdout:
        lines = signed.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _failure(f"ssh-keygen cannot sign with the key {key}: {lines[-1] if lines else 'it gave no reason'}.")
    return signed.stdout


def _failure(sentence: str) -> CommandError:
    return CommandError(f"{sentence} No file was written.", ExitCode.FAILED)


def integrity_command(name: str) -> str:
    """Return the command that verifies the document `name` in its folder, and prints the fingerprint of the key."""
    return f"ssh-keygen -Y check-novalidate -n {_NAMESPACE} -s {shlex.quote(f'{name}.sig')} < {shlex.quote(name)}"


def verify_command(document: Path, signature: bytes) -> str:
    """Return the command that verifies a document against the key of its signature, in any shell."""
    quoted, beside = shlex.quote(str(document)), shlex.quote(f"{document}.sig")
    return (
        f"echo '{_NAMESPACE} {_public_key(signature)}' |"
        f" ssh-keygen -Y verify -f /dev/fd/3 -I {_NAMESPACE} -n {_NAMESPACE} -s {beside} 3<&0 < {quoted}"
    )


def _public_key(signature: bytes) -> str:
    """Return the public key that a signature holds, as a line of an `allowed_signers` file has it."""
    blob = base64.b64decode(b"".join(signature.splitlines()[1:-1]))
    key = _string(blob[len(_MAGIC) + _VERSION_BYTES :])
    return f"{_string(key).decode()} {base64.b64encode(key).decode()}"


def _string(data: bytes) -> bytes:
    """Return the string at the start of SSH's binary encoding."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "big")
    return data[_LENGTH_BYTES : _LENGTH_BYTES + length]
