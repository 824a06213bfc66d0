"""The list of entries at the end of a zip, read from its bytes (PKWARE APPNOTE 6.3: 4.3.6 to 4.3.16).

Not `zipfile`: it takes the whole list into memory whatever its length, does not see entries that share their bytes
(Python 3.11), and leaves `..` and control characters to its caller.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Final

from bwp_tui.archive.limits import BadArchive, Limits

_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64: Final = struct.Struct("<4sLQL")
_CENTRAL: Final = struct.Struct("<4s4B4H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT: Final = 0xFFFF
_IN_ZIP64: Final = 0xFFFFFFFF
_COUNT_IN_ZIP64: Final = 0xFFFF
_ZIP64_EXTRA: Final = 0x0001


@dataclass(frozen=True, slots=True)
class Record:
    """One entry as the list has it. Sizes and places in bytes of the file; `end` is behind its last packed byte."""

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
    header_at: int
    data_at: int

    @property
    def end(self) -> int:
        return self.data_at + self.packed


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the list lies: its entries, its bytes, where it begins, and how far the file was moved from byte 0."""

    count: int
    size: int
    at: int
    shift: int


def not_whole() -> BadArchive:
    """Return the error of a file that is no zip, or only a part of one."""
    return BadArchive("This is not a whole zip archive")


def contradicts() -> BadArchive:
    """Return the error of an archive of which two parts say different things."""
    return BadArchive("The archive is damaged: its list of entries does not fit what it holds")


def read_directory(descriptor: int, size: int, limits: Limits) -> list[Record]:
    """Return the entries of the zip of `size` bytes behind `descriptor`, none of which share a byte.

    Raises:
        BadArchive: it is no zip, contradicts itself, or claims more than `limits`.
        OSError: it cannot be read.
    """
    place = _find(descriptor, size)
    if place.count > limits.entries:
        raise BadArchive(f"The archive claims {place.count} entries", hostile=True)
    if place.size > limits.directory:
        raise BadArchive(f"The archive's list of entries has {place.size >> 20} MiB", hostile=True)
    found = _records(descriptor, os.pread(descriptor, place.size, place.at), place)
    if len(found) != place.count:
        raise contradicts()
    _refuse_overlap(found, place.at)
    return found


def _find(descriptor: int, size: int) -> _Place:
    tail_at = max(0, size - _END.size - _LONGEST_COMMENT)
    tail = os.pread(descriptor, size - tail_at, tail_at)
    at = len(tail)
    while (at := tail.rfind(b"PK\x05\x06", 0, at)) >= 0:
        if at + _END.size <= len(tail):
            _, disk, first_disk, _, count, length, start, comment = _END.unpack_from(tail, at)
            if at + _END.size + comment <= len(tail):
                break
    else:
        raise not_whole()
    end_at = tail_at + at
    if _LOCATOR_64.size <= end_at and (count == _COUNT_IN_ZIP64 or _IN_ZIP64 in (length, start)):
        found = _find_64(descriptor, end_at - _LOCATOR_64.size)
        if found is not None:
            return found
    if disk or first_disk:
        raise BadArchive("The archive is one part of several")
    return _placed(count, length, start, end_at)


def _find_64(descriptor: int, locator_at: int) -> _Place | None:
    signature, disk, at, _ = _LOCATOR_64.unpack(_read(descriptor, locator_at, _LOCATOR_64.size))
    if signature != b"PK\x06\x07":
        return None
    end_at = locator_at - _END_64.size
    if disk or at > end_at or end_at < 0:
        raise contradicts()
    signature, _, _, _, disk, first_disk, _, count, length, start = _END_64.unpack(
        _read(descriptor, end_at, _END_64.size)
    )
    if signature != b"PK\x06\x06" or disk or first_disk:
        raise contradicts()
    return _placed(count, length, start, end_at)


def _placed(count: int, length: int, start: int, end_at: int) -> _Place:
    shift = end_at - length - start
    if shift < 0:
        raise not_whole()
    return _Place(count, length, start + shift, shift)


def _records(descriptor: int, listed: bytes, place: _Place) -> list[Record]:
    found: list[Record] = []
    at = 0
    while at < len(listed) and len(found) <= place.count:
        if len(listed) - at < _CENTRAL.size:
            raise contradicts()
        fields = _CENTRAL.unpack_from(listed, at)
        name_length, extra_length, comment_length = fields[12:15]
        name_at = at + _CENTRAL.size
        extra_at = name_at + name_length
        at = extra_at + extra_length + comment_length
        if fields[0] != b"PK\x01\x02" or at > len(listed) or fields[15]:
            raise contradicts()
        name, extra = listed[name_at:extra_at], listed[extra_at : extra_at + extra_length]
        found.append(_record(descriptor, fields, name, extra, place))
    return found


def _record(descriptor: int, fields: tuple[int, ...], name: bytes, extra: bytes, place: _Place) -> Record:
    size, packed, header_at = _wide(extra, fields[11], fields[10], fields[18])
    header_at += place.shift
    if header_at + _LOCAL.size + len(name) > place.at:
        raise contradicts()
    local = _read(descriptor, header_at, _LOCAL.size + len(name))
    signature, _, flags, method, *_, name_length, extra_length = _LOCAL.unpack_from(local)
    if (signature, flags & 1, method, name_length) != (b"PK\x03\x04", fields[5] & 1, fields[6], len(name)):
        raise contradicts()
    if local[_LOCAL.size :] != name:
        raise contradicts()
    return Record(
        raw_name=name,
        system=fields[2],
        flags=fields[5],
        method=fields[6],
        time=fields[7],
        day=fields[8],
        crc=fields[9],
        packed=packed,
        size=size,
        attributes=fields[17],
        header_at=header_at,
        data_at=header_at + len(local) + extra_length,
    )


def _wide(extra: bytes, size: int, packed: int, header_at: int) -> tuple[int, int, int]:
    """Return the three numbers, each from the zip64 field where there was no room for it (APPNOTE 4.5.3)."""
    numbers = [size, packed, header_at]
    if _IN_ZIP64 not in numbers:
        return size, packed, header_at
    wide = iter(struct.iter_unpack("<Q", _zip64_field(extra)))
    for index, number in enumerate(numbers):
        if number == _IN_ZIP64:
            numbers[index] = next(wide, (number,))[0]
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


def _refuse_overlap(records: list[Record], directory_at: int) -> None:
    free_from = 0
    for record in sorted(records, key=lambda record: record.header_at):
        if record.header_at < free_from:
            raise BadArchive("The archive's entries share their bytes, as those of a zip bomb do", hostile=True)
        free_from = record.end
        if free_from > directory_at:
            raise contradicts()


def _read(descriptor: int, at: int, count: int) -> bytes:
    found = os.pread(descriptor, count, at)
    if len(found) != count:
        raise not_whole()
    return found
