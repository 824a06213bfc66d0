"""Create private files without replacing existing ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bwp_tui.cli.exit_codes import CommandError, ExitCode


def refuse_existing(path: Path) -> None:
    """Check that `path` does not exist.

    Raises:
        CommandError: it does.
    """
    if os.path.lexists(path):
        raise CommandError(ExitCode.FAILED, f"{path} exists already; name another file.")


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """Create a text file, 0600; it is deleted again when the block raises.

    Raises:
        CommandError: `path` exists.
        OSError: it cannot be created.
    """
    refuse_existing(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
