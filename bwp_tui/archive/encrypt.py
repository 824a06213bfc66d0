"""Encrypt a copy of a file for one recipient with age (age-encryption.org/v1)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bwp_tui.archive.saved_file import open_plain
from bwp_tui.file_access import new_file


class AgeNotInstalled(Exception):
    """The extra that encrypts is not installed; `str()` says how to get it."""


class BadRecipient(Exception):
    """The recipient is no public key; `str()` says so."""


class SourceChanged(Exception):
    """The file is not the one that was downloaded; no copy was made, and `str()` says so."""


@dataclass(frozen=True, slots=True)
class EncryptedFile:
    """Sizes in bytes and hashes in hex of the original and of its encrypted copy."""

    plain_bytes: int
    plain_sha256: str
    bytes: int
    sha256: str


def encrypt(source: Path, target: Path, recipient: str, expected_sha256: str) -> EncryptedFile:
    """Write an encrypted copy of `source` to the new file `target` (0600), holding no more than a block in memory.

    Args:
        recipient: a public key, `age1…`.
        expected_sha256: the SHA-256 that `source` must have.

    Raises:
        AgeNotInstalled: the extra `pack` is missing.
        BadRecipient: `recipient` is no age public key.
        SourceChanged: `source` has another hash; nothing is left of the copy.
        FileExistsError: `target` is there already; it is not touched.
        OSError: a file cannot be read or written; nothing is left of the copy.
    """
    encrypt = _encryption(recipient)
    with open_plain(source) as plain, new_file(target) as copy:
        original, encrypted = _HashingFile(plain), _HashingFile(copy)
        encrypt(original, encrypted)
        if original.sha256 != expected_sha256:
            raise SourceChanged(f"{source} is not the file that was downloaded.")
    return EncryptedFile(original.count, original.sha256, encrypted.count, encrypted.sha256)


class _HashingFile:
    """A file that hashes and counts the bytes read from it or written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.count = 0
        self.failure: OSError | None = None
        """Why the file could not be written to, which the encryption says in a way of its own."""

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._file.read(size))

    def write(self, data: bytes) -> int:
        self._counted(data)
        try:
            return self._file.write(data)
        except OSError as error:
            self.failure = error
            raise

    def flush(self) -> None:
        self._file.flush()

    def _counted(self, data: bytes) -> bytes:
        self._hash.update(data)
        self.count += len(data)
        return data


def _encryption(recipient: str) -> Callable[[_HashingFile, _HashingFile], None]:
    """Return the function that encrypts one file into another for `recipient`."""
    try:
        import pyrage
    except ImportError:
        raise AgeNotInstalled("Encryption needs an extra: run in the clone: pip install '.[pack]'") from None
    try:
        key = pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError:
        raise BadRecipient("The recipient is no whole age public key, which begins with age1.") from None

    def encrypt(source: _HashingFile, target: _HashingFile) -> None:
        try:
            pyrage.encrypt_io(source, target, [key])
        except pyrage.EncryptError:
            raise target.failure or OSError("The copy cannot be encrypted") from None

    return encrypt
