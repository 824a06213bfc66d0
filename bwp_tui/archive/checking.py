"""Whether an archive is whole and honest: every byte of it is unpacked once, and none of them kept."""

from __future__ import annotations

from pathlib import Path

from bwp_tui.archive.entry import HOSTILE
from bwp_tui.archive.limits import LIMITS, BadArchive, Limits
from bwp_tui.archive.reading import Archive


def check(path: Path, limits: Limits = LIMITS, *, alone: bool = False) -> None:
    """Read the archive at `path` from end to end; blocks for a second or two per 200 MB of
    deflated text, a twentieth of that where it is stored. What is encrypted is not read.

    Args:
        alone: nothing may stand before its first entry, as it may in a file of somebody's own: a program that
            unpacks itself.

    Raises:
        BadArchive: it is cut, damaged, made to do harm, or larger than `limits`.
    """
    with Archive(path, limits) as archive:
        if alone and min((entry.record.header_at for entry in archive.entries), default=0) > 0:
            raise BadArchive("Something stands before the archive's first entry")
        for entry in archive.entries:
            for flaw in HOSTILE:
                if flaw in entry.flaws:
                    raise BadArchive(f"“{entry.name[:200]}” in the archive {flaw}", hostile=True)
        for entry in archive.entries:
            if entry.readable:
                for _ in archive.blocks(entry):
                    pass
