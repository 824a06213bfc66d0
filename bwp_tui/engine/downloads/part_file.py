"""The file a download grows in: private, hashed while it is written, and never taken for a finished one."""

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
from types import TracebackType
from typing import Final, Self

from bwp_tui.domain.archive_names import part_name
from bwp_tui.engine.downloads.disk_space import DiskSpace
from bwp_tui.engine.downloads.threaded_hash import ThreadedHash

_BLOCK: Final = 1 << 18
_MB: Final = 1_000_000
_WATCH: Final = 1 << 20  # bytes after which the free space is looked at again
_NO_SUCH_CALL: Final = (
    errno.EINVAL,
    errno.ENOSYS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOTTY,
    errno.ENOLCK,
)
"""How FUSE, SMB, exFAT and NFS say that they do not know locks, modes, or the syncing of a folder."""

NOT_PRIVATE: Final = "Its folder's disk keeps no permissions: others who reach the folder can read the file."


class FolderError(Exception):
    """The folder or disk does not take the file; `str()` says why and what to do."""


class PartInUse(FolderError):
    """Another process has the part open, as an engine that is stopped and was superseded has."""


class PartFile:
    """A `.part` file in the target folder. Bytes are appended; `sha256` covers all that it holds.

    `etag` and `total` (bytes) are those of the archive that it is a part of, each None where it is not known.

    Opening a part that an earlier run left is only possible with the ETag it came under: its bytes are hashed
    again and the download goes on behind them. Otherwise it starts empty. `published` is the part's final path where
    an earlier run ended between publishing and discarding it: then it is whole. `private` says that its owner alone can
    read it.

    Args:
        space: the free space, shared with the other downloads.

    Raises:
        FolderError: the folder or the part cannot be used.
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
        self.private = True
        self._space = space or DiskSpace()
        self._unwatched = _WATCH  # at once: the length may not be told
        self.name = name
        self.etag: str | None = None
        self.total: int | None = None
        self.size = 0
        self.published: Path | None = None
        self._part = part_name(name)
        self._hash = ThreadedHash()
        # A transfer that is late to stop must not write where the closed descriptor's number has found another file.
        self._guard = threading.Lock()
        self._descriptor = -1
        self._folder_descriptor = -1
        try:
            self._open()
            self._adopt_existing(etag, total)
        except OSError as error:
            self.close()
            raise FolderError(_sentence(error, folder)) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(FolderError):  # an empty file in the way is no loss
            if self.size == 0 and self.published is None and self._is_at(self.path, os.fstat(self._descriptor)):
                self.discard()
        self.close()

    @property
    def sha256(self) -> str:
        """The hash of all bytes written, in hex."""
        return self._hash.hexdigest()

    @property
    def path(self) -> Path:
        """Where the part lies."""
        return self.folder / self._part

    def write(self, chunk: bytes) -> None:
        """Append `chunk`.

        Raises:
            FolderError: the disk does not take it.
        """
        try:
            while chunk:
                with self._guard:
                    if self._unwatched >= _WATCH:
                        self._watch()
                    written = os.write(self._descriptor, chunk)
                self._unwatched += written
                self._hash.update(chunk[:written])
                self.size += written
                chunk = chunk[written:]
        except OSError as error:
            raise FolderError(_sentence(error, self.folder)) from error

    def restart(self) -> None:
        """Forget every byte: the archive behind them is another one now.

        Raises:
            FolderError: the disk does not take it.
        """
        try:
            with self._guard:
                os.ftruncate(self._descriptor, 0)
                os.lseek(self._descriptor, 0, os.SEEK_SET)
        except OSError as error:
            raise FolderError(_sentence(error, self.folder)) from error
        self._hash.close()
        self._hash = ThreadedHash()
        self.size = 0
        self.etag = self.total = None

    def restart_named(self) -> None:
        """Leave what an earlier run has published, and begin an empty part: writing must not change the former.

        Raises:
            FolderError: the folder does not take it.
        """
        try:
            with self._guard:
                os.close(self._descriptor)
                self._descriptor, self.published = -1, None
                os.unlink(self._part, dir_fd=self._folder_descriptor)
                self._check_ours(is_new=self._open_part())
        except OSError as error:
            raise FolderError(_sentence(error, self.folder)) from error
        self.restart()

    def check_space(self, total: int) -> None:
        """Check that an archive of `total` bytes fits.

        Raises:
            FolderError: it does not.
        """
        left = total - self.size
        with self._guard:
            short = None if self._descriptor < 0 else self._space.claim(self, self._folder_descriptor, left)
        if short is None:
            return
        needs = ((left, "for the archive"), (short.others, "for other downloads"), (short.reserve, "for the history"))
        raise FolderError(
            f"The disk of {self.folder} has {short.free // _MB} MB free and {_up(sum(need for need, _ in needs))} MB "
            f"are needed: {', '.join(f'{_up(need)} {what}' for need, what in needs if need)}. "
            "Free some space, then download again."
        )

    def check_in_place(self) -> None:
        """Check that the part and its folder are still where an operator would look for them.

        Raises:
            FolderError: one of them was removed or moved.
        """
        with self._guard:
            if self._descriptor < 0:
                return
            folder, part = os.fstat(self._folder_descriptor), os.fstat(self._descriptor)
        if not self._is_at(self.folder, folder):
            raise FolderError(
                f"{self.folder} is gone: it was removed or moved during the download. "
                "Download again: it is created again, and the download restarts."
            )
        if not self._is_at(self.path, part):
            raise FolderError(
                f"{self.path} is gone: it was removed or moved during the download. Download again: it restarts."
            )

    def publish(self) -> Path:
        """Give the part its final name, replacing nothing, and return where it lies. The part must be whole.

        It keeps the name of a part beside it until it is discarded, for whoever finds it after a crash. One that is
        published already keeps its name.

        Raises:
            FolderError: the folder does not take it.
        """
        if self.published is not None:
            return self.published
        try:
            _sync(self._descriptor)
            final = self._link_free_name()
            _sync(self._folder_descriptor)
        except OSError as error:
            raise FolderError(_sentence(error, self.folder)) from error
        self.published = self.folder / final
        return self.published

    def discard(self) -> None:
        """Remove the part's own name: nothing in it is of use, or it has been published.

        Raises:
            FolderError: the folder does not let it go.
        """
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._part, dir_fd=self._folder_descriptor)
        except OSError as error:
            raise FolderError(_sentence(error, self.folder)) from error

    def close(self) -> None:
        """Close the part and leave it where it is."""
        with self._guard:
            for descriptor in (self._descriptor, self._folder_descriptor):
                if descriptor >= 0:
                    os.close(descriptor)
            self._descriptor = self._folder_descriptor = -1
        self._space.release(self)
        self._hash.close()

    def _open(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder_descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._check_ours(is_new=self._open_part())

    def _open_part(self) -> bool:
        """Open the part, and say whether it is a new one."""
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._descriptor = os.open(
                self._part, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self._folder_descriptor
            )
        except FileExistsError:
            self._descriptor = self._open_existing(flags)
            return False
        return True

    def _open_existing(self, flags: int) -> int:
        try:
            return os.open(self._part, flags, dir_fd=self._folder_descriptor)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise FolderError(
                f"{self.path} is a link, and nothing is written through a link. Remove it, then download again."
            ) from error

    def _check_ours(self, *, is_new: bool) -> None:
        facts = os.fstat(self._descriptor)
        self.published = self._other_name(facts) if facts.st_nlink == 2 else None
        links = 1 if self.published is None else 2
        # A disk without owners gives all files to whoever mounted it, the folder among them.
        owners = (os.geteuid(), os.fstat(self._folder_descriptor).st_uid)
        ours = is_new or (facts.st_uid in owners and facts.st_nlink <= links)
        if not stat.S_ISREG(facts.st_mode) or not ours:
            raise FolderError(f"{self.path} is not a file of this program. Remove it, then download again.")
        try:
            with _where_known():
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PartInUse(f"Another program is writing {self.path}; it is waited for.") from None
        with _where_known():
            os.fchmod(self._descriptor, 0o600)
        self.private = not os.fstat(self._descriptor).st_mode & 0o077

    def _watch(self) -> None:
        """Look at the free space, as often as some more bytes have come.

        Raises:
            FolderError: what is left of it is for the history.
        """
        self._unwatched = 0
        left = max(0, (self.total or 0) - self.size)
        short = self._space.watch(self, self._folder_descriptor, left) if self._folder_descriptor >= 0 else None
        if short is not None:
            raise FolderError(
                f"The disk of {self.folder} has {short.free // _MB} MB free, which stay free for the history. "
                "Free some space, then download again."
            )

    def _other_name(self, facts: os.stat_result) -> Path | None:
        """Return the final name of a part that has been published and not been discarded, or None."""
        for candidate in self._final_names():
            try:
                found = os.stat(candidate, dir_fd=self._folder_descriptor, follow_symlinks=False)
            except FileNotFoundError:
                return None
            if (found.st_dev, found.st_ino) == (facts.st_dev, facts.st_ino):
                return self.folder / candidate
        return None

    def _is_at(self, path: Path, facts: os.stat_result) -> bool:
        """Say whether `path` is the very file or folder that `facts` are of.

        Raises:
            FolderError: there is no telling.
        """
        try:
            return os.path.samestat(path.stat(), facts)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise FolderError(_sentence(error, self.folder)) from error

    def _adopt_existing(self, etag: str | None, total: int | None) -> None:
        if etag is None and self.published is None:
            self.restart()
            return
        while block := os.read(self._descriptor, _BLOCK):
            self._hash.update(block)
            self.size += len(block)
        self.etag, self.total = etag, total

    def _link_free_name(self) -> str:
        for candidate in self._final_names():
            with contextlib.suppress(FileExistsError):
                self._name_without_replacing(candidate)
                return candidate
        raise AssertionError("there is always another number")

    def _final_names(self) -> Iterator[str]:
        """Yield the names that the archive may get, the best one first."""
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
def _where_known() -> Iterator[None]:
    """Let pass that a disk does not know a call that the file's bytes do not depend on."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_SUCH_CALL:
            raise


def _sync(descriptor: int) -> None:
    with _where_known():
        os.fsync(descriptor)


def _up(size: int) -> int:
    """Return a size in bytes as whole MB, rounded up."""
    return -(-size // _MB)


def _sentence(error: OSError, folder: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {folder} is full. Free some space, then download again: what is there is kept."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{folder} cannot be written. Choose another folder (BWP_DOWNLOAD_DIR), then download again."
    return f"{folder} does not take the file ({error.strerror}). Fix it or choose another folder (BWP_DOWNLOAD_DIR)."
