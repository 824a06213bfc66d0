"""Read the central directory at the end of a zip (PKWARE APPNOTE 6.3: 4.3.6 to 4.3.16).

Not `zipfile`: it takes the whole list into memory whatever its length, does not see entries that share their bytes
(Python 3.11), and leaves `..` and control characters to its caller.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bwp_tui.archive.limits import BadArchive, Limits
from bwp_tui.domain.text import format_size

_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64: Final = struct.Struct("<4sLQL")
_CENTRAL: Final = struct.Struct("<4s4B4H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_MAX_COMMENT: Final = 0xFFFF
_IN_ZIP64: Final = 0xFFFFFFFF
_COUNT_IN_ZIP64: Final = 0xFFFF
_ZIP64_EXTRA: Final = 0x0001
_ENCRYPTED: Final = 1
_BLOCK: Final = 1 << 18
_MAX_HEADER_BYTES: Final = _CENTRAL.size + 3 * 0xFFFF


@dataclass(frozen=True, slots=True)
class EntryHeader:
    """One entry of the central directory. Sizes and offsets are in bytes; `end` follows its last packed byte.

    `is_ambiguous`: the entry's own header gives another name, method or encryption.
    """

    raw_name: bytes
    system: int
    flags: int
    method: int
    time: int
    day: int
    crc: int
    packed: int
    size: int
    attributes: int
    local_header_at: int
    data_at: int
    is_ambiguous: bool

    @property
    def end(self) -> int:
        return self.data_at + self.packed


@dataclass(frozen=True, slots=True)
class Directory:
    """The central directory.

    Attributes:
        archive_offset: where in the file the archive begins.
        bytes_behind: how many bytes of the file follow the archive.
    """

    count: int
    size: int
    at: int
    archive_offset: int
    bytes_behind: int


def incomplete_error() -> BadArchive:
    """Return the error of a file that is no zip, or only a part of one."""
    return BadArchive("This is not a whole zip archive")


def contradiction_error() -> BadArchive:
    """Return the error of an archive whose parts contradict each other."""
    return BadArchive("The archive is damaged: its list of entries does not fit what it holds")


def read_directory(descriptor: int, size: int, limits: Limits) -> list[EntryHeader]:
    """Return the entries of the zip of `size` bytes behind `descriptor`, none of which share a byte.

    BadArchive is raised if it is no zip, contradicts itself, or claims more than `limits`.
    """
    directory = find_directory(descriptor, size)
    if directory.size > limits.max_directory:
        raise BadArchive(f"The archive's list of entries has {format_size(directory.size)}")
    if directory.count > limits.max_entries:
        raise BadArchive(f"The archive claims {directory.count} entries")
    found: list[EntryHeader] = []
    for header in entry_headers(descriptor, directory):
        found.append(header)
        if len(found) > limits.max_entries:
            raise BadArchive(f"The archive holds more than {limits.max_entries} entries")
    if overlap([(header.local_header_at, header.end) for header in found]):
        raise BadArchive("The archive's entries share their bytes, as those of a zip bomb do")
    return found


def find_directory(descriptor: int, size: int) -> Directory:
    """Find the central directory; bytes before and after the archive are skipped."""
    tail_at = max(0, size - _END.size - _MAX_COMMENT)
    tail = os.pread(descriptor, size - tail_at, tail_at)
    at, error_found = len(tail), incomplete_error()
    while (at := tail.rfind(b"PK\x05\x06", 0, at)) >= 0:
        end = tail[at : at + _END.size]
        if len(end) < _END.size or at + _END.size + (comment := _END.unpack(end)[7]) > len(tail):
            continue
        trailing = len(tail) - at - _END.size - comment
        try:
            return _directory(descriptor, end, tail_at + at, trailing)
        except BadArchive as error:  # the mark may stand in a comment, or in what follows the archive
            error_found = error
    raise error_found


def entry_headers(descriptor: int, directory: Directory) -> Iterator[EntryHeader]:
    """Yield the entries in the order of the directory, which is never in memory as a whole."""
    next_at, left, found, listed, at = directory.at, directory.size, 0, b"", 0
    while left or at < len(listed):
        if left and len(listed) - at < _MAX_HEADER_BYTES:
            more = _read(descriptor, next_at, min(left, _BLOCK))
            next_at, left, listed, at = next_at + len(more), left - len(more), listed[at:] + more, 0
        if len(listed) - at < _CENTRAL.size:
            raise contradiction_error()
        fields = _CENTRAL.unpack_from(listed, at)
        name_at = at + _CENTRAL.size
        extra_at = name_at + fields[12]
        comment_at = extra_at + fields[13]
        at = comment_at + fields[14]
        if fields[0] != b"PK\x01\x02" or at > len(listed):
            raise contradiction_error()
        yield _entry_header(descriptor, fields, listed[name_at:extra_at], listed[extra_at:comment_at], directory)
        found += 1
    # Some writers keep the last 16 bits of a count that has more.
    if found < directory.count or (found - directory.count) % (_COUNT_IN_ZIP64 + 1):
        raise contradiction_error()


def overlap(spans: list[tuple[int, int]]) -> bool:
    """Return whether two of the spans, each from its first byte to after its last, share a byte."""
    free_from = 0
    for start, end in sorted(spans):
        if start < free_from:
            return True
        free_from = end
    return False


def _directory(descriptor: int, end: bytes, end_at: int, trailing: int) -> Directory:
    _, disk, first_disk, _, count, length, start, _ = _END.unpack(end)
    is_zip64 = _COUNT_IN_ZIP64 in (count, disk, first_disk) or _IN_ZIP64 in (length, start)
    if is_zip64 and end_at >= _LOCATOR_64.size:
        found = _directory_64(descriptor, end_at - _LOCATOR_64.size, trailing)
        if found is not None:
            return found
    if disk or first_disk:
        raise BadArchive("The archive is one part of several")
    return _located(descriptor, Directory(count, length, start, 0, trailing), end_at)


def _directory_64(descriptor: int, locator_at: int, trailing: int) -> Directory | None:
    signature, _, claimed_at, _ = _LOCATOR_64.unpack(_read(descriptor, locator_at, _LOCATOR_64.size))
    if signature != b"PK\x06\x07":
        return None
    for at in (locator_at - _END_64.size, claimed_at):
        if 0 <= at <= locator_at - _END_64.size:
            signature, *_, count, length, start = _END_64.unpack(_read(descriptor, at, _END_64.size))
            if signature == b"PK\x06\x06":
                return _located(descriptor, Directory(count, length, start, 0, trailing), at)
    raise contradiction_error()


def _located(descriptor: int, claimed: Directory, end_at: int) -> Directory:
    """Return the directory at its real offset: directly before `end_at`, or at the offset that it claims."""
    for shift in (end_at - claimed.size - claimed.at, 0):
        at = claimed.at + shift
        if shift < 0 or at + claimed.size > end_at:
            continue
        if not claimed.size or os.pread(descriptor, 4, at) == b"PK\x01\x02":
            return Directory(claimed.count, claimed.size, at, shift, claimed.bytes_behind)
    raise incomplete_error()


def _entry_header(
    descriptor: int, fields: tuple[int, ...], name: bytes, extra: bytes, directory: Directory
) -> EntryHeader:
    size, packed, header_at = _zip64_numbers(extra, fields[11], fields[10], fields[18])
    header_at += directory.archive_offset
    if header_at + _LOCAL.size > directory.at:
        raise contradiction_error()
    local = _read(descriptor, header_at, _LOCAL.size + len(name))
    signature, _, flags, method, *_, name_length, extra_length = _LOCAL.unpack_from(local)
    data_at = header_at + _LOCAL.size + name_length + extra_length
    if signature != b"PK\x03\x04" or data_at + packed > directory.at:
        raise contradiction_error()
    same = (local[_LOCAL.size :], name_length, method) == (name, len(name), fields[6])
    return EntryHeader(
        raw_name=name,
        system=fields[2],
        flags=fields[5] | flags & _ENCRYPTED,
        method=fields[6],
        time=fields[7],
        day=fields[8],
        crc=fields[9],
        packed=packed,
        size=size,
        attributes=fields[17],
        local_header_at=header_at,
        data_at=data_at,
        is_ambiguous=not same or (flags ^ fields[5]) & _ENCRYPTED != 0,
    )


def _zip64_numbers(extra: bytes, size: int, packed: int, header_at: int) -> tuple[int, int, int]:
    """Return the three numbers, each from the zip64 field where it is too large for 32 bits (APPNOTE 4.5.3)."""
    numbers = [size, packed, header_at]
    if _IN_ZIP64 not in numbers:
        return size, packed, header_at
    zip64 = iter(struct.iter_unpack("<Q", _zip64_field(extra)))
    for index, number in enumerate(numbers):
        if number == _IN_ZIP64:
            numbers[index] = next(zip64, (number,))[0]
    return numbers[0], numbers[1], numbers[2]


def _zip64_field(extra: bytes) -> bytes:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == _ZIP64_EXTRA:
            field = extra[at + 4 : at + 4 + length]
            return field[: len(field) & ~7]
        at += 4 + length
    return b""


def _read(descriptor: int, at: int, count: int) -> bytes:
    found = os.pread(descriptor, count, at)
    if len(found) != count:
        raise incomplete_error()
    return found
