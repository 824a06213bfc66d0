"""Open an archive, and read its entries within their claimed sizes."""

from __future__ import annotations

import errno
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from bwp_tui.archive.directory import incomplete_error, read_directory
from bwp_tui.archive.entry import STORED, Entry, entries_of
from bwp_tui.archive.limits import LIMITS, BadArchive, Limits
from bwp_tui.archive.saved_file import open_plain
from bwp_tui.domain.text import format_size

_BLOCK: Final = 1 << 18


class Archive:
    """The zip at `path`, open for reading.

    Attributes:
        size: bytes of the file.
        inflated_bytes: bytes of all entries, as the archive claims; `read_blocks` yields no more.

    Raises:
        BadArchive: it cannot be read, is no zip, or claims more than `limits`.
    """

    def __init__(self, path: Path, limits: Limits = LIMITS) -> None:
        self._file = open_file(path)
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            self.entries = tuple(entries_of(read_directory(self._file.fileno(), self.size, limits)))
            self.inflated_bytes = sum(entry.size for entry in self.entries)
            self._check_for_bombs(limits)
        except OSError as error:
            self._file.close()
            raise unreadable_error(error) from error
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def blocks(self, entry: Entry) -> Iterator[bytes]:
        """Yield the bytes of a readable entry, as `read_blocks` does."""
        return read_blocks(self._file.fileno(), entry)

    def first_bytes(self, entry: Entry, count: int) -> bytes:
        """Return the first `count` bytes of a readable entry, or all of them where it has fewer."""
        found = bytearray()
        for block in self.blocks(entry):
            found += block
            if len(found) > count:
                break
        return bytes(found[:count])

    def _check_for_bombs(self, limits: Limits) -> None:
        for entry in self.entries:
            if limits.inflates_too_much(entry.size, entry.packed):
                raise BadArchive(f"“{entry.name}” would grow more than {limits.max_ratio} times")
        if self.inflated_bytes > limits.max_inflated(self.size):
            raise BadArchive(f"The archive would grow to {format_size(self.inflated_bytes)}")


def open_file(path: Path) -> io.BufferedReader:
    """Open the plain file at `path`, or raise BadArchive."""
    try:
        return open_plain(path)
    except OSError as error:
        raise unreadable_error(error) from error


def read_blocks(descriptor: int, entry: Entry) -> Iterator[bytes]:
    """Yield the bytes of a readable entry; after the last one its size and CRC were right, or BadArchive is raised."""
    received, crc = 0, 0
    packed = _packed(descriptor, entry)
    try:
        for block in packed if entry.header.method == STORED else _inflated(packed, entry):
            received += len(block)
            if received > entry.size:
                raise BadArchive(f"“{entry.name}” holds more than the archive says")
            crc = zlib.crc32(block, crc)
            yield block
    except zlib.error as error:
        raise _damaged(entry) from error
    except OSError as error:
        raise unreadable_error(error) from error
    if received != entry.size or crc != entry.header.crc:
        raise _damaged(entry)


def _inflated(packed: Iterator[bytes], entry: Entry) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for block in packed:
        while block and not inflater.eof:
            yield inflater.decompress(block, _BLOCK)
            block = inflater.unconsumed_tail
    while not inflater.eof:
        rest = inflater.decompress(b"", _BLOCK)
        if not rest:
            raise _damaged(entry)
        yield rest


def _packed(descriptor: int, entry: Entry) -> Iterator[bytes]:
    at, left = entry.header.data_at, entry.packed
    while left:
        block = os.pread(descriptor, min(left, _BLOCK), at)
        if not block:
            raise incomplete_error()
        at += len(block)
        left -= len(block)
        yield block


def _damaged(entry: Entry) -> BadArchive:
    return BadArchive(f"“{entry.name}” in the archive is damaged")


def unreadable_error(error: OSError) -> BadArchive:
    """Return the error of a file that cannot be read."""
    if error.errno == errno.ENOENT:
        return BadArchive("The file is not there")
    return BadArchive(f"The archive cannot be read ({error.strerror})")
