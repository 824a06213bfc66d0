"""An entry of an archive, and its flaws."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bwp_tui.archive.directory import EntryHeader
from bwp_tui.domain.text import clean_line, unsafe_at

STORED: Final = 0
DEFLATED: Final = 8

_ENCRYPTED_FLAGS: Final = 0x2041  # traditional, strong, and a masked directory
_UTF8_FLAG: Final = 0x800
_UNIX: Final = 3
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ARCHIVES: Final = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".jar")


class EntryFlaw(StrEnum):
    """A flaw of an entry, as the predicate of a sentence about it."""

    OUTSIDE = "leads outside its folder"
    LINK = "is a link"
    SPECIAL = "is no plain file"
    CONTROL = "has control characters in its name"
    HIDDEN = "has hidden characters"
    DUPLICATE = "has the name of another entry"
    ENCRYPTED = "is encrypted"
    METHOD = "is packed in a way this program does not read"
    AMBIGUOUS = "is named or packed in one way in the list of entries and in another beside its data"
    NESTED = "is an archive, never opened"


HOSTILE: Final = (EntryFlaw.OUTSIDE, EntryFlaw.LINK, EntryFlaw.SPECIAL, EntryFlaw.CONTROL)
"""Flaws that are never written to a folder of this machine."""

NOT_UNPACKED: Final = (*HOSTILE, EntryFlaw.DUPLICATE, EntryFlaw.ENCRYPTED, EntryFlaw.METHOD, EntryFlaw.AMBIGUOUS)
"""Flaws for each of which nothing of the archive is unpacked."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder in an archive. `name` is cleaned, sizes are in bytes, `modified` has no zone.

    Attributes:
        path: the raw parts of the name: never shown, and used only where no flaw is hostile.
    """

    name: str
    path: tuple[str, ...]
    is_folder: bool
    size: int
    packed: int
    modified: datetime | None
    flaws: tuple[EntryFlaw, ...]
    header: EntryHeader

    @property
    def is_readable(self) -> bool:
        """Whether its bytes can be read."""
        return EntryFlaw.ENCRYPTED not in self.flaws and EntryFlaw.METHOD not in self.flaws


def entries_of(headers: Iterable[EntryHeader]) -> Iterator[Entry]:
    """Yield the entries, in the order of the directory."""
    seen: set[int] = set()  # of hashes, since there may be many
    for header in headers:
        yield _entry(header, seen)


def _entry(header: EntryHeader, seen: set[int]) -> Entry:
    raw = header.raw_name.decode("utf-8" if header.flags & _UTF8_FLAG else "cp437", "replace")
    posix = raw.replace("\\", "/")  # some packers of Windows part folders so
    path = tuple(part for part in posix.split("/") if part not in ("", "."))
    flaws = list(_flaws(header, raw, posix, path))
    key = hash(tuple(part.casefold() for part in path))
    if key in seen:
        flaws.append(EntryFlaw.DUPLICATE)
    seen.add(key)
    return Entry(
        name=clean_line(raw) or "(no name)",
        path=path,
        is_folder=posix.endswith("/"),
        size=header.size,
        packed=header.packed,
        modified=_modified(header),
        flaws=tuple(flaws),
        header=header,
    )


def _flaws(header: EntryHeader, raw: str, posix: str, path: tuple[str, ...]) -> list[EntryFlaw]:
    mode = header.attributes >> 16 if header.system == _UNIX else 0
    special = stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR)
    control = _CONTROL.search(raw) is not None
    named = path or posix.endswith("./")  # the folder itself, as some packers list it
    checks = (
        (EntryFlaw.OUTSIDE, posix.startswith("/") or not named or ".." in path or _DRIVE.match(posix) is not None),
        (EntryFlaw.LINK, stat.S_ISLNK(mode)),
        (EntryFlaw.SPECIAL, special and not stat.S_ISLNK(mode)),
        (EntryFlaw.CONTROL, control),
        (EntryFlaw.HIDDEN, not control and unsafe_at(raw) is not None),
        (EntryFlaw.ENCRYPTED, bool(header.flags & _ENCRYPTED_FLAGS)),
        (EntryFlaw.METHOD, header.method not in (STORED, DEFLATED)),
        (EntryFlaw.AMBIGUOUS, header.is_ambiguous),
        (EntryFlaw.NESTED, posix.casefold().endswith(_ARCHIVES)),
    )
    return [flaw for flaw, found in checks if found]


def _modified(header: EntryHeader) -> datetime | None:
    day, time = header.day, header.time
    try:
        return datetime(
            1980 + (day >> 9), day >> 5 & 15, day & 31, time >> 11, time >> 5 & 63, min(59, (time & 31) * 2)
        )
    except ValueError:
        return None
