"""The part file of a download: private, hashed while written, published under its final name when complete."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from bwp_tui.domain.text import part_name
from bwp_tui.engine.downloads.disk_space import DiskSpace
from bwp_tui.engine.downloads.threaded_hash import ThreadedHash
from bwp_tui.file_access import access_to, make_folder

_BLOCK: Final = 1 << 18
_MB: Final = 1_000_000
_CHECK_SPACE_EVERY: Final = 1 << 20  # bytes after which the free space is checked again
_UNSUPPORTED: Final = (
    errno.EINVAL,
    errno.ENOSYS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOTTY,
    errno.ENOLCK,
)
"""Errors of FUSE, SMB, exFAT and NFS for locks, modes or folder syncs they do not support."""

NOT_PRIVATE: Final = "The disk of its folder keeps no permissions: others with access to the folder can read the file."


_OTHER_FOLDER: Final = "Fix that, or download it anew into another folder (--output, or the setting download_dir)"


class FolderError(Exception):
    """The folder or disk cannot store the file; `str()` is the message."""


class PartInUse(FolderError):
    """Another process has the part file open, for example a stopped engine that was superseded."""


class PartGone(FolderError):
    """The part file was removed or moved during the download."""


class PartFile:
    """A `.part` file in the target folder. Bytes are appended; `sha256` covers all that it holds.

    A part file of an earlier run is continued only with the ETag it was written under: its bytes are hashed again and
    the download resumes after them. Otherwise it starts empty.

    Every method, and the constructor, raises `FolderError` when the folder or the part file cannot be used.

    Attributes:
        etag: the archive's strong ETag; None if unknown.
        total: the archive's size in bytes; None if unknown.
        published: the final path of a complete file; set too where an earlier run published it and was then killed.
        has_dropped_bytes: whether it held bytes of an earlier run that could not be continued.
        is_private: whether only its owner, or in a team's folder only the team, can read it.

    Args:
        space: the free disk space, shared with other downloads.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        etag: str | None = None,
        total: int | None = None,
        space: DiskSpace | None = None,
    ) -> None:
        self.folder = folder
        self.is_private = True
        self._space = space or DiskSpace()
        self._bytes_since_space_check = _CHECK_SPACE_EVERY  # at once: the length may be unknown
        self.name = name
        self.etag: str | None = None
        self.total: int | None = None
        self.size = 0
        self.published: Path | None = None
        self.has_dropped_bytes = False
        self._part = part_name(name)
        self._access = access_to(folder)
        self._hash = ThreadedHash()
        # A thread that stops late must not write to another file that got the closed descriptor's number.
        self._guard = threading.Lock()
        self._descriptor = -1
        self._folder_descriptor = -1
        try:
            with self._folder_errors():
                make_folder(folder)
                self._folder_descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                self._claim_part(is_new=self._open_part())
                self._resume_existing(etag, total)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(FolderError):  # an empty file may stay
            if self.size == 0 and self.published is None and self._is_at(self.path, os.fstat(self._descriptor)):
                self.discard()
        self.close()

    @property
    def sha256(self) -> str:
        """The hash of all bytes written, in hex."""
        return self._hash.hexdigest()

    @property
    def path(self) -> Path:
        return self.folder / self._part

    def write(self, chunk: bytes) -> None:
        """Append `chunk`."""
        with self._folder_errors():
            while chunk:
                with self._guard:
                    if self._bytes_since_space_check >= _CHECK_SPACE_EVERY:
                        self._check_reserve()
                    written = os.write(self._descriptor, chunk)
                self._bytes_since_space_check += written
                self._hash.update(chunk[:written])
                self.size += written
                chunk = chunk[written:]

    def restart(self) -> None:
        """Drop all bytes: the archive has changed."""
        with self._folder_errors(), self._guard:
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._hash.close()
        self._hash = ThreadedHash()
        self.size = 0
        self.etag = self.total = None
        self.has_dropped_bytes = False

    def restart_beside_published(self) -> None:
        """Start an empty part file beside the file that an earlier run published."""
        with self._folder_errors(), self._guard:
            os.close(self._descriptor)
            self._descriptor, self.published = -1, None
            os.unlink(self._part, dir_fd=self._folder_descriptor)
            self._claim_part(is_new=self._open_part())
        self.restart()

    def check_space(self, total: int) -> None:
        """Check that the disk has space for an archive of `total` bytes."""
        left = total - self.size
        with self._guard:
            short = None if self._descriptor < 0 else self._space.claim(self, self._folder_descriptor, left)
        if short is None:
            return
        needs = ((left, "for the archive"), (short.others, "for other downloads"), (short.reserve, "for the history"))
        total_need = _megabytes(sum(need for need, _ in needs))
        raise FolderError(
            f"The disk of {self.folder} has {short.free // _MB} MB free and {total_need} MB "
            f"are needed: {', '.join(f'{_megabytes(need)} {what}' for need, what in needs if need)}. "
            "Free some space, then download again."
        )

    def check_not_moved(self) -> None:
        """Check that the part file and its folder were not removed or moved."""
        with self._guard:
            if self._descriptor < 0:
                return
            folder, part = os.fstat(self._folder_descriptor), os.fstat(self._descriptor)
        if not self._is_at(self.folder, folder):
            raise PartGone(
                f"{self.folder} is gone: it was removed or moved during the download. "
                "Download again: it is created again, and the download restarts."
            )
        if not self._is_at(self.path, part):
            raise PartGone(
                f"{self.path} is gone: it was removed or moved during the download. Download again: it restarts."
            )

    def publish(self) -> Path:
        """Give the complete part file its final name, replacing nothing, and return its path.

        Until `discard`, it keeps its part name as well, by which the next run finds it after a crash. A file that is
        already published keeps its name.
        """
        if self.published is not None:
            return self.published
        with self._folder_errors():
            _sync(self._descriptor)
            final = self._link_final_name()
            _sync(self._folder_descriptor)
        self.published = self.folder / final
        return self.published

    def discard(self) -> None:
        """Remove the part name: the bytes are useless, or published."""
        with self._folder_errors(), contextlib.suppress(FileNotFoundError):
            os.unlink(self._part, dir_fd=self._folder_descriptor)

    def close(self) -> None:
        """Close the part file and leave it in place."""
        with self._guard:
            for descriptor in (self._descriptor, self._folder_descriptor):
                if descriptor >= 0:
                    os.close(descriptor)
            self._descriptor = self._folder_descriptor = -1
        self._space.release(self)
        self._hash.close()

    @contextlib.contextmanager
    def _folder_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise FolderError(_error_message(error, self.folder)) from error

    def _open_part(self) -> bool:
        """Open the part file; return whether it is new."""
        flags, folder = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, self._folder_descriptor
        with contextlib.suppress(FileExistsError):
            self._descriptor = os.open(self._part, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
            return True
        try:
            self._descriptor = os.open(self._part, flags, dir_fd=folder)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise FolderError(f"{self.path} is a symbolic link. Remove it, then download again.") from error
        return False

    def _claim_part(self, *, is_new: bool) -> None:
        """Check that the part file is of this program, find its final name, lock it and make it private."""
        status = os.fstat(self._descriptor)
        self.published = self._published_path(status) if status.st_nlink == 2 else None
        links = 1 if self.published is None else 2
        # A disk without owners gives all files to whoever mounted it, the folder among them.
        owners = (os.geteuid(), os.fstat(self._folder_descriptor).st_uid)
        is_team_file = self._access.group is not None and status.st_gid == self._access.group
        is_own = is_new or ((status.st_uid in owners or is_team_file) and status.st_nlink <= links)
        if not stat.S_ISREG(status.st_mode) or not is_own:
            raise FolderError(f"{self.path} is not a file of this program. Remove it, then download again.")
        try:
            with _if_supported():
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PartInUse(f"Another program is writing {self.path}; waiting for it.") from None
        with _if_supported():
            self._access.set_file(self._descriptor)
        self.is_private = not os.fstat(self._descriptor).st_mode & self._access.forbidden

    def _check_reserve(self) -> None:
        """Check after some more bytes that the disk has more space than is reserved for the history."""
        self._bytes_since_space_check = 0
        left = max(0, (self.total or 0) - self.size)
        short = self._space.update(self, self._folder_descriptor, left) if self._folder_descriptor >= 0 else None
        if short is not None:
            raise FolderError(
                f"The disk of {self.folder} has {short.free // _MB} MB free, which stay free for the history. "
                "Free some space, then download again."
            )

    def _published_path(self, status: os.stat_result) -> Path | None:
        """Return the final path of a part file that was published but not discarded, or None."""
        for candidate in self._final_names():
            try:
                found = os.stat(candidate, dir_fd=self._folder_descriptor, follow_symlinks=False)
            except FileNotFoundError:
                return None
            if (found.st_dev, found.st_ino) == (status.st_dev, status.st_ino):
                return self.folder / candidate
        return None

    def _is_at(self, path: Path, status: os.stat_result) -> bool:
        """Return whether `path` is the file or folder described by `status`."""
        with self._folder_errors(), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return os.path.samestat(path.stat(), status)
        return False

    def _resume_existing(self, etag: str | None, total: int | None) -> None:
        if etag is None and self.published is None:
            held_bytes = os.fstat(self._descriptor).st_size > 0
            self.restart()
            self.has_dropped_bytes = held_bytes
            return
        while block := os.read(self._descriptor, _BLOCK):
            self._hash.update(block)
            self.size += len(block)
        self.etag, self.total = etag, total

    def _link_final_name(self) -> str:
        for candidate in self._final_names():
            with contextlib.suppress(FileExistsError):
                self._name_without_replacing(candidate)
                return candidate
        raise AssertionError("there is always another number")

    def _final_names(self) -> Iterator[str]:
        """Yield possible final names, the best one first."""
        yield self.name
        stem = self.name.removesuffix(".zip")
        for copies in itertools.count(2):
            yield f"{stem} ({copies}).zip"

    def _name_without_replacing(self, final: str) -> None:
        folder = self._folder_descriptor
        try:
            os.link(self._part, final, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOSPC, errno.EDQUOT):
                raise
            # A file system without hard links: claim the name first, then move over what was claimed.
            os.close(os.open(final, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=folder))
            try:
                os.rename(self._part, final, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                os.unlink(final, dir_fd=folder)
                raise


@contextlib.contextmanager
def _if_supported() -> Iterator[None]:
    """Ignore errors of calls that a file system does not support."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def _sync(descriptor: int) -> None:
    with _if_supported():
        os.fsync(descriptor)


def _megabytes(size: int) -> int:
    """Return a size in bytes as whole MB, rounded up."""
    return -(-size // _MB)


def _error_message(error: OSError, folder: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {folder} is full. Free some space, then download again: what is there is kept."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{folder} cannot be written. {_OTHER_FOLDER}."
    return f"{folder} does not take the file ({error.strerror}). {_OTHER_FOLDER}."
