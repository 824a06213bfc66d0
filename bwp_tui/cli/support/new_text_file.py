"""Create private text files without replacing existing ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.file_access import new_file


def check_is_new(path: Path) -> None:
    """Check that `path` does not exist."""
    if os.path.lexists(path):
        raise CommandError(f"{path} exists already; name another file.", ExitCode.FAILED)


@contextmanager
def new_text_file(path: Path) -> Iterator[TextIO]:
    """Create a text file, 0600; it is deleted again when the block raises."""
    check_is_new(path)
    with new_file(path) as file:
        text = TextIOWrapper(file, encoding="utf-8", newline="")
        try:
            yield text
        finally:
            text.detach()
