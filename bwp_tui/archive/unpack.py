"""Unpack an archive into a new folder that only its owner can read."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path
from typing import Final

from bwp_tui.archive.archive_file import Archive
from bwp_tui.archive.entry import NOT_UNPACKED, Entry
from bwp_tui.domain.text import clean_line, unsafe_at
from bwp_tui.file_access import HISTORY_RESERVE, Access, access_to

_MAX_NAME: Final = 255
_MAX_DEPTH: Final = 32
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class CannotUnpack(Exception):
    """Nothing was left unpacked; `str()` says why in one sentence."""


def unpack(archive: Archive, beside: Path) -> Path:
    """Unpack all of `archive` into a new folder beside the file `beside`, and return the folder.

    Folders are made 0700, files 0600; for the group in a team's folder. After a failure nothing of it is left.

    Raises:
        CannotUnpack: an entry must not be unpacked, or the disk does not take it.
        BadArchive: an entry is damaged.
    """
    _check(archive)
    try:
        parent = os.open(beside.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise CannotUnpack(_sentence(error, beside.parent)) from error
    try:
        return beside.parent / _unpack_into_new_folder(archive, parent, beside.stem, access_to(beside))
    except OSError as error:
        raise CannotUnpack(_sentence(error, beside.parent)) from error
    finally:
        os.close(parent)


def _check(archive: Archive) -> None:
    for entry in archive.entries:
        for flaw in NOT_UNPACKED:
            if flaw in entry.flaws:
                raise CannotUnpack(f"“{entry.name[:200]}” {flaw}, so nothing was unpacked.")
        if len(entry.path) > _MAX_DEPTH:
            raise CannotUnpack(f"“{entry.name[:200]}” lies too deep, so nothing was unpacked.")


def _unpack_into_new_folder(archive: Archive, parent: int, stem: str, access: Access) -> str:
    disk = os.fstatvfs(parent)
    if disk.f_blocks and disk.f_bavail * disk.f_frsize < archive.inflated_bytes + HISTORY_RESERVE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    name = _new_folder(parent, stem)
    try:
        top = os.open(name, _FOLDER, dir_fd=parent)
        try:
            access.set_folder(top)
            for entry in archive.entries:
                _write_entry(archive, entry, top, access)
        finally:
            os.close(top)
    except BaseException:
        shutil.rmtree(name, ignore_errors=True, dir_fd=parent)
        raise
    return name


def _new_folder(parent: int, stem: str) -> str:
    name, copies = stem, 1
    while True:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            copies += 1
            name = f"{stem} ({copies})"
        else:
            return name


def _write_entry(archive: Archive, entry: Entry, top: int, access: Access) -> None:
    parts = [_file_name(part) for part in entry.path]
    folders, name = (parts, None) if entry.is_folder else (parts[:-1], parts[-1])
    with contextlib.ExitStack() as opened:
        folder = top
        for part in folders:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o700, dir_fd=folder)
            folder = os.open(part, _FOLDER, dir_fd=folder)
            opened.callback(os.close, folder)
            access.set_folder(folder)
        if name is not None:
            _write_file(archive, entry, name, folder, access)


def _write_file(archive: Archive, entry: Entry, name: bytes, folder: int, access: Access) -> None:
    with os.fdopen(os.open(name, _NEW_FILE, 0o600, dir_fd=folder), "wb", buffering=0) as file:
        access.set_file(file.fileno())
        for block in archive.blocks(entry):
            view = memoryview(block)
            while view:
                view = view[file.write(view) :]


def _file_name(part: str) -> bytes:
    """Return a part of a name without invisible characters and no longer than a file name may be."""
    visible = "".join("_" if unsafe_at(letter) is not None else letter for letter in part)
    return visible.encode()[:_MAX_NAME].decode(errors="ignore").encode()


def _sentence(error: OSError, folder: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {folder} has no room for it. Free some space, then unpack again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{folder} cannot be written, so nothing was unpacked. Mend its permissions."
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP):
        return "Two entries of the archive want the same name, so nothing was unpacked."
    return f"Nothing was unpacked: {clean_line(error.strerror or 'the disk failed')}."
