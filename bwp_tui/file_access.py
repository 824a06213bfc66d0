"""Create files and folders, which their user alone can use, or in a team's folder a group.

Each mode is set after the file is made, whatever the umask is, and only where it differs: a file in a team's folder may
be a colleague's, whose mode only that colleague can change.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

HISTORY_RESERVE: Final = 16 << 20
"""Bytes that stay free on the disk of the history when other files are written to it."""


class Access(NamedTuple):
    """The modes of a folder and of a file in it, and the id of the group that owns both; None leaves the group."""

    folder_mode: int
    file_mode: int
    group: int | None = None

    def set_file(self, file: int | Path) -> None:
        """Set mode and group of a file, given as its path or descriptor."""
        _set(file, self.file_mode, self.group)

    def set_folder(self, folder: int | Path) -> None:
        """Set mode and group of a folder, given as its path or descriptor."""
        _set(folder, self.folder_mode, self.group)

    @property
    def forbidden(self) -> int:
        """The bits of a mode that let others in."""
        return 0o777 & ~self.folder_mode


_PRIVATE: Final = Access(0o700, 0o600)
_shared: Final[dict[str, Access]] = {}
"""The folders of teams that this process uses, by path."""


def share(folder: Path, group: int) -> None:
    """Share `folder` and all that this process makes in it with a group from now on."""
    _shared[os.path.abspath(folder)] = Access(0o2770, 0o660, group)  # noqa: PTH100  it removes `..` too


def access_to(path: Path) -> Access:
    """Return the access to a file or folder at `path`: shared in a team's folder, else private."""
    if not _shared:
        return _PRIVATE
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  it removes `..` too
    return next((_shared[str(folder)] for folder in (absolute, *absolute.parents) if str(folder) in _shared), _PRIVATE)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents where they are missing.

    Raises:
        OSError: one cannot be created.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    access = access_to(folder)
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        access.set_folder(path)


def set_all(folder: Path) -> None:
    """Set the access of a folder and, where that differs, first of all that this user owns in it."""
    access = access_to(folder)
    status = folder.stat()
    if access.group is not None and (stat.S_IMODE(status.st_mode), status.st_gid) != (access.folder_mode, access.group):
        for path in folder.rglob("*"):
            if not path.is_symlink() and path.stat().st_uid == os.geteuid():
                (access.set_folder if path.is_dir() else access.set_file)(path)
    access.set_folder(folder)


def _set(target: int | Path, mode: int, group: int | None) -> None:
    status = target.stat() if isinstance(target, Path) else os.fstat(target)
    if group is not None and status.st_gid != group:
        os.chown(target, -1, group)
    elif stat.S_IMODE(status.st_mode) == mode:
        return
    if isinstance(target, Path):
        target.chmod(mode)
    else:
        os.fchmod(target, mode)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Write a new file, which is on the disk when the block ends; when the block fails, it is removed.

    Its mode is 0600, or 0660 in a team's folder.

    Raises:
        FileExistsError: it exists.
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            access_to(path).set_file(descriptor)
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def replace_file(path: Path, content: bytes, mode: int | None = None) -> None:
    """Write a file, also over an older one, which nobody ever finds half written.

    Raises:
        OSError: it cannot be written.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with new_file(new) as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(content)
    new.replace(path)
