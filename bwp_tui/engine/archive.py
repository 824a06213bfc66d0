"""Whether what was downloaded is a whole zip. Nothing is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

MOST_ENTRIES: Final = 10_000


class BadArchive(Exception):
    """The file is no sound zip; `str()` says so."""


def check_structure(path: Path) -> None:
    """Read the directory of the zip at `path`.

    Raises:
        BadArchive: there is none, or it is not to be believed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = len(archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise BadArchive("What came is not a whole zip archive; it was not kept. Download it again.") from error
    if entries > MOST_ENTRIES:
        raise BadArchive(f"The archive claims {entries} entries; it was not kept. Report it to Buy with Prime support.")
