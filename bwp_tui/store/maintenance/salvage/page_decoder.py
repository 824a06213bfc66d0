"""Decode the pages of an SQLite file without its schema: bytes to records (https://sqlite.org/fileformat2.html)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from bwp_tui.store.database.connection import SqlValue

PAGE_BYTES: Final = 4096
"""Bytes of a page: every history has pages of this size."""

INTERIOR, LEAF = 5, 13
"""The kinds of page that make up a table; both bytes are those of the file."""

INDEX_INTERIOR, INDEX_LEAF = 2, 10
"""The kinds of page that make up an index; both have entries."""

_LARGEST_LOCAL: Final = PAGE_BYTES - 35
_LARGEST_LOCAL_OF_INDEX: Final = (PAGE_BYTES - 12) * 64 // 255 - 23
_SMALLEST_LOCAL: Final = (PAGE_BYTES - 12) * 32 // 255 - 23
_LARGEST_ROW: Final = 1 << 26
_WIDTHS: Final = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)

Overflow = Callable[[int, int], bytes]
"""Called with an overflow page and a size; returns the bytes of its chain, as far as they can be read."""


class RowHeader(NamedTuple):
    """The start of a row as it lies in a page: its key, the serial types of its values, and where these begin."""

    rowid: int
    types: tuple[int, ...]
    record_bytes: int
    """Bytes of the record, as the cell says."""
    record_at: int
    values_at: int
    """Where the record, and the values in it, begin in the page."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Decode the varint at `at`; return it and where it ends. IndexError is raised where the data end before."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value = 0
    for index in range(at, at + 8):
        byte = data[index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, index + 1
    value = value << 8 | data[at + 8]
    return (value - (1 << 64) if value >> 63 else value), at + 9


def start_of(page_number: int) -> int:
    """Return where the header of a b-tree page begins: the first page holds the file's header before it."""
    return 100 if page_number == 1 else 0


def cell_offsets(page: bytes, start: int) -> tuple[list[int], int]:
    """Return where the cells of a leaf lie, in the order of their keys, and how many of them the page says it has.

    The count may be damaged: pointers are read up to the first cell, whatever it says. That is where the header says,
    if that agrees with the count, since a damaged pointer may point before it.
    """
    count, first_cell = struct.unpack_from(">HH", page, start + 3)
    agree = start + 8 + 2 * count <= first_cell <= PAGE_BYTES
    offsets: list[int] = []
    at, end = start + 8, first_cell if agree else PAGE_BYTES
    while at + 2 <= end:
        offset = page[at] << 8 | page[at + 1]
        if len(offsets) >= count and not start + 8 < offset < PAGE_BYTES:
            break
        offsets.append(offset)
        at += 2
        if at <= offset < end and not agree:
            end = offset
    used = next((at for at in range(len(offsets), 0, -1) if start + 8 < offsets[at - 1] < PAGE_BYTES), 0)
    if len(offsets) - used > 1:  # one of them may be a damaged pointer, more are unused space
        del offsets[used:]
    return offsets, min(count, len(offsets))


def children(page: bytes, start: int) -> list[int]:
    """Return the pages that an interior page of a table or an index points to."""
    count = min(int.from_bytes(page[start + 3 : start + 5], "big"), (PAGE_BYTES - start - 12) // 2)
    offsets = struct.unpack_from(f">{count}H", page, start + 12)
    pages = [int.from_bytes(page[offset : offset + 4], "big") for offset in offsets]
    return [*pages, int.from_bytes(page[start + 8 : start + 12], "big")]


def row_header_at(page: bytes, at: int) -> RowHeader | None:
    """Return the start of the row whose cell begins at `at`, or None if there is none."""
    try:
        size, index = varint(page, at)
        rowid, first = varint(page, index)
        length, index = varint(page, first)
    except IndexError:
        return None
    end = first + length
    types = _types(page[index:end]) if 1 < length < PAGE_BYTES and end <= PAGE_BYTES else ()
    return RowHeader(rowid, types, size, first, end) if types else None


def index_entries_of(page: bytes, overflow: Overflow) -> list[list[SqlValue]]:
    """Return the entries of a page of an index, each with the key of its row as the last value, that can be read."""
    is_interior = page[0] == INDEX_INTERIOR
    first, count = 12 if is_interior else 8, int.from_bytes(page[3:5], "big")
    entries = []
    for at in range(first, min(first + 2 * count, PAGE_BYTES - 1), 2):
        try:
            size, begin = varint(page, int.from_bytes(page[at : at + 2], "big") + 4 * is_interior)
            length, index = varint(page, begin)
        except IndexError:
            continue
        types = _types(page[index : begin + length]) if 1 < length <= size < PAGE_BYTES else ()
        body = _payload(page, begin, size, overflow, _LARGEST_LOCAL_OF_INDEX)[length:] if types else b""
        if types and len(body) == _length(types):
            entries.append(values_of(types, body))
    return entries


@lru_cache(maxsize=4096)
def _types(header: bytes) -> tuple[int, ...]:
    """Return the serial types in the header of a record; none if it is damaged."""
    types, index = [], 0
    try:
        while index < len(header):
            kind, index = varint(header, index)
            types.append(kind)
    except IndexError:
        return ()
    return tuple(types) if min(types, default=0) >= 0 else ()


@lru_cache(maxsize=4096)
def _length(types: tuple[int, ...]) -> int:
    return sum(map(width, types))


def value_bytes_of(page: bytes, header: RowHeader, overflow: Overflow) -> tuple[bytes, bool]:
    """Return the bytes of the values, as far as they can be read, and whether their length is what the cell says.

    A length that disagrees with the types is not believed: what follows the header is read.
    """
    length = header.values_at - header.record_at
    total = length + _length(header.types)
    agreed = total == header.record_bytes
    payload = _payload(page, header.record_at, total if agreed else min(total, PAGE_BYTES - header.record_at), overflow)
    return payload[length:], agreed and len(payload) == total


def width(kind: int) -> int:
    """Return how many bytes a value of a serial type takes."""
    return _WIDTHS[kind] if kind < 12 else (kind - 12) >> 1


def values_of(types: Sequence[int], body: bytes) -> list[SqlValue]:
    """Decode the values of a record. What cannot be decoded becomes the bytes that are there."""
    values: list[SqlValue] = []
    at = 0
    for kind in types:
        if kind == 0:
            values.append(None)
            continue
        end = at + width(kind)
        raw = body[at:end]
        at = end
        if kind in (8, 9):
            values.append(kind - 8)
        elif len(raw) < width(kind) or kind in (10, 11):
            values.append(raw)
        elif kind < 7:
            values.append(int.from_bytes(raw, "big", signed=True))
        elif kind == 7:
            values.append(float(struct.unpack(">d", raw)[0]))
        else:
            values.append(_text(raw) if kind & 1 else raw)
    return values


def _text(raw: bytes) -> str | bytes:
    try:
        return raw.decode() if b"\0" not in raw else raw
    except UnicodeDecodeError:
        return raw


def _payload(page: bytes, first: int, size: int, overflow: Overflow, largest_local: int = _LARGEST_LOCAL) -> bytes:
    """Return the record that begins at `first`, as far as it can be read.

    Args:
        largest_local: bytes of the longest record that such a page has whole; the rest of a longer one is elsewhere.
    """
    if size <= largest_local:
        return page[first : first + size]
    local = _SMALLEST_LOCAL + (size - _SMALLEST_LOCAL) % (PAGE_BYTES - 4)
    local = local if local <= largest_local else _SMALLEST_LOCAL
    payload = page[first : first + local]
    if size > _LARGEST_ROW or first + local + 4 > PAGE_BYTES:
        return payload
    return payload + overflow(int.from_bytes(page[first + local : first + local + 4], "big"), size - local)
