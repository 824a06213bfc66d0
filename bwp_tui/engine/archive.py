"""Whether what was downloaded may be given its name. Nothing is unpacked."""

from __future__ import annotations

from pathlib import Path

from bwp_tui.archive import checking, limits


class BadArchive(Exception):
    """The file is no sound zip; `str()` says so."""


def check_structure(path: Path) -> None:
    """Read the zip at `path` from end to end, its entries' sizes and CRCs included.

    The service sends a zip and nothing else (contract: Link and archive): bytes before it are the trace of a fault.

    Raises:
        BadArchive: it is not whole, or not to be believed.
    """
    try:
        checking.check(path, alone=True)
    except limits.BadArchive as error:
        remedy = "Report it to Buy with Prime support." if error.hostile else "Download it again."
        raise BadArchive(f"{error.reason}; it was not kept. {remedy}") from error
