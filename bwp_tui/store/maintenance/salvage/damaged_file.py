"""Read the pages of a history and of the WAL beside it as they are on disk, without SQLite."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.store.maintenance.salvage.page_decoder import PAGE_BYTES, row_header_at, value_bytes_of, values_of

SQLITE_MAGIC: Final = b"SQLite format 3\0"
_WAL_HEADER_BYTES: Final = 32
"""Bytes of the header of a WAL, and below of each of its frames, which a page follows."""
_FRAME_HEADER_BYTES: Final = 24
_MAX_LEAVES: Final = PAGE_BYTES // 4 - 2
_META_PAGE: Final = 2
"""The page of `meta`, the first table that was ever made: it has one row, whose second column is the revision."""


@dataclass(slots=True)
class WalIndex:
    """The committed pages of a -wal file: where the newest copy of each lies, and every copy of the page of `meta`."""

    newest_offsets: dict[int, int] = field(default_factory=dict)
    meta_page_offsets: list[int] = field(default_factory=list)
    has_damaged_frame: bool = False
    """Whether committed transactions follow a frame that is damaged: SQLite takes that for the end of the WAL."""
    has_more_frames: bool = False
    """Whether frames follow the last sound commit: they may be of a transaction that was never committed."""


class DamagedFile:
    """The pages of a file that no process writes to; a page that cannot be read is returned as zeros."""

    def __init__(
        self, descriptor: int, wal_descriptor: int | None, sound_frames: int | None, committed_revision: int
    ) -> None:
        self._descriptor = descriptor
        self._wal_descriptor = wal_descriptor
        self._wal = _read_wal(wal_descriptor, sound_frames)
        if self._wal.has_more_frames and _revision(self.page(_META_PAGE)) == committed_revision - 1:
            self._wal = _read_wal(wal_descriptor, sound_frames, is_last_committed=True)
        self._pages_of_file = -(-os.fstat(descriptor).st_size // PAGE_BYTES)
        self.page_count = max(self._pages_of_file, *self._wal.newest_offsets, 0)
        self.wal_is_unrelated = self._is_wal_unrelated()
        """Whether the WAL belongs to another copy of the file, which SQLite cannot know."""
        self.wal_has_damaged_frame = self._wal.has_damaged_frame
        """Whether transactions follow a damaged frame of the WAL, which SQLite takes for its end."""

    def page(self, page_number: int, *, from_wal: bool = True) -> bytes:
        """Return a page as the WAL has it, or as the file itself does."""
        at = self._wal.newest_offsets.get(page_number) if from_wal else None
        if at is not None and self._wal_descriptor is not None:
            return _read(self._wal_descriptor, at)
        return _read(self._descriptor, (page_number - 1) * PAGE_BYTES)

    def version(self, *, from_wal: bool) -> int:
        """Return the number of the schema as the WAL has it, or as the file itself does; 0 where there is none."""
        header = self.page(1, from_wal=from_wal)
        return int.from_bytes(header[60:64], "big", signed=True) if header.startswith(SQLITE_MAGIC) else 0

    def is_in_wal(self, page_number: int) -> bool:
        """Return whether a page of the file is superseded by one of the WAL."""
        return page_number in self._wal.newest_offsets and page_number <= self._pages_of_file

    def overflow(self, page_number: int, size: int) -> bytes:
        """Return the bytes of an overflow chain, up to the first page that does not belong to one."""
        parts: list[bytes] = []
        for _ in range(-(-size // (PAGE_BYTES - 4))):
            if not 1 < page_number <= self.page_count:
                break
            page = self.page(page_number)
            page_number = int.from_bytes(page[:4], "big")
            parts.append(page[4:])
        return b"".join(parts)[:size]

    def free_pages(self) -> set[int]:
        """Return the pages of the free list; none if the list is damaged."""
        header = self.page(1)
        trunk, count = int.from_bytes(header[32:36], "big"), int.from_bytes(header[36:40], "big")
        free: set[int] = set()
        while trunk:
            page = self.page(trunk) if 1 < trunk <= self.page_count and trunk not in free else b""
            leaves = int.from_bytes(page[4:8], "big")
            if not page or leaves > _MAX_LEAVES:
                return set()
            free |= {trunk, *(int.from_bytes(page[at : at + 4], "big") for at in range(8, 8 + 4 * leaves, 4))}
            trunk = int.from_bytes(page[:4], "big")
        return free if len(free) == count and max(free, default=0) <= self.page_count else set()

    def _is_wal_unrelated(self) -> bool:
        """Return whether file and WAL belong to different histories, by their revisions.

        A WAL begins with the transaction after the one that the file holds, and each transaction writes its revision.
        """
        own = _revision(self.page(_META_PAGE, from_wal=False))
        first, last = (
            self._first_revision(self._wal.meta_page_offsets),
            self._first_revision(reversed(self._wal.meta_page_offsets)),
        )
        return own is not None and first is not None and last is not None and not first - 1 <= own <= last

    def _first_revision(self, offsets: Iterable[int]) -> int | None:
        revisions = (_revision(_read(self._wal_descriptor, at)) for at in offsets)
        return next((revision for revision in revisions if revision is not None), None)


def is_wal_damaged(path: Path, committed_revision: int = 0) -> bool:
    """Return whether the WAL of a history that no connection uses is damaged, or belongs to another copy of the file.

    Every start after a crash asks this, so SQLite computes the checksums: here they would take a tenth of a second.
    """
    with open_damaged(path, _sound_frames(path), committed_revision=committed_revision) as file:
        return file.wal_is_unrelated or file.wal_has_damaged_frame


def is_first_page_unreadable(path: Path) -> bool:
    """Return whether the disk cannot read the first page of a history, which no connection uses."""
    try:
        with path.open("rb", buffering=0) as file:
            os.pread(file.fileno(), PAGE_BYTES, 0)
    except OSError as error:
        return error.errno == errno.EIO
    return False


def _sound_frames(path: Path) -> int | None:
    """Return the frames of the WAL up to the last commit that SQLite accepts; None where SQLite cannot read the file.

    Neither the file nor the WAL is changed.
    """
    try:
        with closing(apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READWRITE)) as db:
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            db.pragma("schema_version")  # SQLite opens the WAL when it first reads
            frames, _ = db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
            return None if frames < 0 else frames
    except apsw.Error:
        return None


@contextmanager
def open_damaged(path: Path, sound_frames: int | None = None, *, committed_revision: int = 0) -> Iterator[DamagedFile]:
    """Open a history that no connection uses, and the WAL beside it.

    Args:
        sound_frames: the frames of the WAL up to the last sound commit, where that is known.
        committed_revision: the revision that is known to be committed, by the lock file; 0 where that is not known.
    """
    with ExitStack() as opened_files:
        descriptor = opened_files.enter_context(path.open("rb", buffering=0)).fileno()
        wal = None
        with suppress(FileNotFoundError):
            wal = opened_files.enter_context(path.with_name(f"{path.name}-wal").open("rb", buffering=0)).fileno()
        yield DamagedFile(descriptor, wal, sound_frames, committed_revision)


def _read(descriptor: int | None, at: int) -> bytes:
    try:
        page = b"" if descriptor is None else os.pread(descriptor, PAGE_BYTES, at)
    except OSError:  # a sector that the disk cannot read any more
        page = b""
    return page.ljust(PAGE_BYTES, b"\0")


def _revision(page: bytes) -> int | None:
    header = row_header_at(page, int.from_bytes(page[8:10], "big"))
    if header is None:
        return None
    body, is_whole = value_bytes_of(page, header, lambda _page, _size: b"")
    values = values_of(header.types, body) if is_whole else []
    return values[1] if len(values) > 1 and isinstance(values[1], int) else None


def _read_wal(descriptor: int | None, sound_frames: int | None, *, is_last_committed: bool = False) -> WalIndex:
    """Find the committed pages of a WAL.

    After a damaged frame come only more frames of the same transaction, if power failed while it was written: it was
    never acknowledged. Where other transactions follow, or this one is known to be committed, the frame was damaged
    later, and all of them count.
    """
    wal = WalIndex()
    if descriptor is None:
        return wal
    header = os.pread(descriptor, _WAL_HEADER_BYTES, 0).ljust(_WAL_HEADER_BYTES, b"\0")
    size = os.fstat(descriptor).st_size
    starts = range(_WAL_HEADER_BYTES, size - _FRAME_HEADER_BYTES - PAGE_BYTES + 1, _FRAME_HEADER_BYTES + PAGE_BYTES)
    frame_headers = [os.pread(descriptor, _FRAME_HEADER_BYTES, at) for at in starts]
    salts = header[16:24]
    if frame_headers and all(head[8:16] != salts for head in frame_headers):
        salts = frame_headers[0][8:16]
    frames = [(at, head) for at, head in zip(starts, frame_headers, strict=True) if head[8:16] == salts]
    if sound_frames is None:
        sound_frames = _count_sound_frames(descriptor, header, frames)
    committed = [place for place, (_, head) in enumerate(frames[:sound_frames], start=1) if any(head[4:8])]
    wal.has_more_frames = len(frames) > max(committed, default=0)
    wal.has_damaged_frame = is_last_committed or sum(any(head[4:8]) for _, head in frames[sound_frames:]) > 1
    pending = _add_pages(wal, frames if wal.has_damaged_frame else frames[:sound_frames])
    if is_last_committed:
        wal.newest_offsets.update(pending)
    return wal


def _count_sound_frames(descriptor: int, header: bytes, frames: list[tuple[int, bytes]]) -> int:
    order = ">" if header[3] & 1 else "<"
    if _checksum(header[:24], bytes(8), order) != header[24:32]:
        return 0
    sums = header[24:32]
    for index, (at, head) in enumerate(frames):
        if _checksum(head[:8] + _read(descriptor, at + _FRAME_HEADER_BYTES), sums, order) != head[16:24]:
            return index
        sums = head[16:24]
    return len(frames)


def _add_pages(wal: WalIndex, frames: list[tuple[int, bytes]]) -> dict[int, int]:
    """Add the pages of all transactions that end in these frames; return those of one that does not."""
    pending: dict[int, int] = {}
    for at, head in frames:
        page_number = int.from_bytes(head[:4], "big")
        pending[page_number] = at + _FRAME_HEADER_BYTES
        if page_number == _META_PAGE:
            wal.meta_page_offsets.append(at + _FRAME_HEADER_BYTES)
        if any(head[4:8]):
            wal.newest_offsets.update(pending)
            pending.clear()
    return pending


def _checksum(data: bytes, before: bytes, order: str) -> bytes:
    """Return the WAL's checksum of `data`, continued from the checksum `before`."""
    first, second = struct.unpack(">2I", before)
    for left, right in struct.iter_unpack(f"{order}2I", data):
        first = first + left + second & 0xFFFFFFFF
        second = second + right + first & 0xFFFFFFFF
    return struct.pack(">2I", first, second)
