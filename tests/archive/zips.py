"""Zips made by hand, so that each can lie in one place."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DATA = b"personal data of one shopper " * 40


def plain(path: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """An honest zip by the standard library."""
    with zipfile.ZipFile(path, "w", method) as bundle:
        for name, content in members.items():
            bundle.writestr(zipfile.ZipInfo(name, (2024, 11, 1, 12, 30, 0)), content, method)
    return path


@dataclass(frozen=True)
class Part:
    """One entry, each of whose claims can be another than the truth."""

    name: bytes = b"file.txt"
    data: bytes = DATA
    claimed: int | None = None
    crc: int | None = None
    mode: int = 0o100644
    flags: int = 0
    method: int = 8
    listed_name: bytes | None = None
    at: int | None = None
    """Where the list says the entry begins; None is the truth."""

    @property
    def packed(self) -> bytes:
        if self.method != 8:
            return self.data
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        return packer.compress(self.data) + packer.flush()

    @property
    def size(self) -> int:
        return len(self.data) if self.claimed is None else self.claimed

    @property
    def checksum(self) -> int:
        return zlib.crc32(self.data) if self.crc is None else self.crc


def forged(path: Path, *parts: Part, count: int | None = None, zip64: bool = False) -> Path:
    """A zip of these parts; `count` is what its end says of them."""
    body, listed = bytearray(), bytearray()
    for part in parts:
        at = len(body) if part.at is None else part.at
        if part.at is None:
            body += _local(part)
        listed += _central(part, at, zip64=zip64)
    end = bytes(body) + bytes(listed)
    number = len(parts) if count is None else count
    if zip64:
        at = len(end)
        end += struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, number, number, len(listed), len(body))
        end += struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
        end += struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    else:
        end += struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, number, number, len(listed), len(body), 0)
    path.write_bytes(end)
    return path


def _local(part: Part) -> bytes:
    head = (b"PK\x03\x04", 20, part.flags, part.method, 0, 0x5961, part.checksum, len(part.packed), part.size)
    return struct.pack("<4s5H3L2H", *head, len(part.name), 0) + part.name + part.packed


def _central(part: Part, at: int, *, zip64: bool) -> bytes:
    name = part.name if part.listed_name is None else part.listed_name
    extra, size, packed, place = b"", part.size, len(part.packed), at
    if zip64:
        extra = struct.pack("<HH3Q", 1, 24, size, packed, place)
        size = packed = place = 0xFFFFFFFF
    head = struct.pack("<4s4B4H", b"PK\x01\x02", 45, 3, 45, 0, part.flags, part.method, 0, 0x5961)
    sizes = struct.pack("<3L5H2L", part.checksum, packed, size, len(name), len(extra), 0, 0, 0, part.mode << 16, place)
    return head + sizes + name + extra


def bomb_of_overlaps(path: Path, entries: int = 250) -> Path:
    """Many entries that all are the same packed megabyte of zeros, as in the bombs of 42 kB."""
    part = Part(name=b"0", data=bytes(100_000))
    return forged(path, part, *(Part(name=b"0", data=part.data, at=0) for _ in range(entries - 1)))


def quoted_bomb(path: Path, entries: int = 50) -> Path:
    """Entries that quote the headers of those behind them: each begins inside the one before."""
    kernel = Part(name=b"k", data=bytes(200_000))
    body = _local(kernel)
    listed = [(kernel, 0)]
    for number in range(entries - 1):
        name = b"%03d" % number
        quote = b"\x00" + struct.pack("<HH", len(body) & 0xFFFF, ~len(body) & 0xFFFF)
        head = (b"PK\x03\x04", 20, 0, 8, 0, 0x5961, 0, len(quote) + len(body), 200_000)
        part = Part(name=name, data=bytes(200_000))
        body = struct.pack("<4s5H3L2H", *head, len(name), 0) + name + quote + body
        listed = [(part, 0), *((old, at + 30 + len(name) + len(quote)) for old, at in listed)]
    central = b"".join(_central(part, at, zip64=False) for part, at in listed)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(listed), len(listed), len(central), len(body), 0)
    path.write_bytes(body + central + end)
    return path
