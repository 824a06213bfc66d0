"""Verify that an archive is whole, and collect remarks on it for its unpacking.

A whole archive is kept, whatever it claims: limits, odd names and bombs concern only unpacking.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from bwp_tui.archive.archive_file import open_file, read_blocks, unreadable_error
from bwp_tui.archive.directory import Directory, contradiction_error, entry_headers, find_directory, overlap
from bwp_tui.archive.entry import NOT_UNPACKED, Entry, entries_of
from bwp_tui.archive.limits import LIMITS, Limits
from bwp_tui.domain.text import counted, format_size

_MAX_DIRECTORY: Final = 64 << 20
"""Bytes of a directory that is still verified."""

_MIN_INFLATED: Final = 4 << 30
_MAX_GROWTH: Final = 40
"""An archive is inflated up to so many times its size, or to `_MIN_INFLATED` bytes, to be verified."""

_MAX_NAME: Final = 80
_BEGINNING_BYTES: Final = 64


def verify_archive(path: Path, limits: Limits = LIMITS, stopped: Callable[[], bool] = lambda: False) -> tuple[str, ...]:
    """Read the archive at `path` from end to end and return remarks on it, a sentence each.

    Every entry's size and CRC is verified; blocks for a second or two per 200 MB of deflated text, a twentieth of that
    where it is stored. What is encrypted or packed in an unknown way is not read, and said.

    Args:
        limits: what unpacking allows; to exceed it is a remark.
        stopped: returns whether to give up; then there are no remarks.

    Raises:
        BadArchive: it is no zip, or not a whole one.
    """
    with open_file(path) as file:
        try:
            size = os.fstat(file.fileno()).st_size
            return tuple(f"{remark}." for remark in _remarks(file.fileno(), size, limits, stopped))
        except OSError as error:
            raise unreadable_error(error) from error


def _remarks(descriptor: int, size: int, limits: Limits, stopped: Callable[[], bool]) -> Iterator[str]:
    directory = find_directory(descriptor, size)
    if directory.bytes_behind:
        yield f"{counted(directory.bytes_behind, 'byte')} behind the archive's end"
    if directory.size > _MAX_DIRECTORY:
        yield f"Its list of entries has {format_size(directory.size)} and was not verified"
        return
    survey = _ArchiveSurvey(limits)
    for entry in entries_of(entry_headers(descriptor, directory)):
        survey.add(entry)
    before = min((start for start, _ in survey.spans), default=directory.at)
    if before and directory.bytes_behind and b"PK\x03\x04" in os.pread(descriptor, _BEGINNING_BYTES, 0):
        raise contradiction_error()  # an archive in an archive of which the end is missing
    if before:
        yield f"{counted(before, 'byte')} before the archive's first entry"
    yield from survey.remarks(directory, size)
    unverified = _verify(descriptor, directory, size, stopped)
    if unverified:
        yield f"The content of {unverified} of {len(survey.spans)} entries could not be verified"


def _verify(descriptor: int, directory: Directory, size: int, stopped: Callable[[], bool]) -> int:
    """Inflate the entries; return how many were skipped."""
    left, skipped = max(_MIN_INFLATED, _MAX_GROWTH * size), 0
    for entry in entries_of(entry_headers(descriptor, directory)):
        left -= entry.size
        if not entry.is_readable or left < 0:
            skipped += 1
            continue
        for _ in read_blocks(descriptor, entry):
            if stopped():
                return skipped
    return skipped


class _ArchiveSurvey:
    """Counts the flaws that prevent unpacking, with the first entry of each."""

    def __init__(self, limits: Limits) -> None:
        self.spans: list[tuple[int, int]] = []
        self._limits = limits
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self._inflated = 0

    def add(self, entry: Entry) -> None:
        self.spans.append((entry.header.local_header_at, entry.header.end))
        self._inflated += entry.size
        flaws = [str(flaw) for flaw in NOT_UNPACKED if flaw in entry.flaws]
        if self._limits.inflates_too_much(entry.size, entry.packed):
            flaws.append(f"would grow more than {self._limits.max_ratio} times")
        for flaw in flaws:
            self._counts[flaw] += 1
            self._first.setdefault(flaw, entry.name[:_MAX_NAME])

    def remarks(self, directory: Directory, size: int) -> Iterator[str]:
        """Yield why the archive is not listed or unpacked here."""
        limits, count = self._limits, len(self.spans)
        if count > limits.max_entries:
            yield f"It holds {count} entries, too many to be listed or unpacked here"
        elif directory.size > limits.max_directory:
            yield f"Its list of entries has {format_size(directory.size)}, too much to be listed or unpacked here"
        if overlap(self.spans):
            yield "Its entries share their bytes, as those of a zip bomb do: do not unpack it"
        if self._inflated > limits.max_inflated(size):
            yield f"It would grow to {format_size(self._inflated)}, too much to be unpacked here"
        for flaw, times in self._counts.items():
            more = f" (and so on for {times - 1} more)" if times > 1 else ""
            yield f"“{self._first[flaw]}” {flaw}{more}"
