"""Limits on what is listed, shown and unpacked of an archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MIB: Final = 1 << 20


class BadArchive(Exception):
    """The archive cannot be used; `str()` is the reason as a sentence, `reason` the same without its full stop."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}.")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on what is listed, shown and unpacked of one archive; it is saved in any case.

    Attributes:
        max_directory: bytes of the list of entries.
        max_ratio: inflated by packed bytes of an entry with more than `small_entry` inflated bytes.
        max_growth: inflated bytes of all entries, in archive sizes; `modest_total` bytes are never too many.
    """

    max_entries: int = 10_000
    max_directory: int = 16 * _MIB
    max_ratio: int = 200
    small_entry: int = _MIB
    max_growth: int = 10
    modest_total: int = 1024 * _MIB

    def inflates_too_much(self, size: int, packed: int) -> bool:
        """Return whether an entry inflates beyond the limit."""
        return size > max(self.small_entry, self.max_ratio * packed)

    def max_inflated(self, size: int) -> int:
        """Return how many bytes an archive of `size` bytes may inflate to."""
        return max(self.max_growth * size, self.modest_total)


LIMITS: Final = Limits()
