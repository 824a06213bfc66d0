"""The lease: which process is a profile's engine, and when another takes it over.

Two parts. A row of the history says who holds it and in which term; a transaction of an earlier term fails. A locked
file beside the history says that the holder lives: the system frees the lock when its process ends, and the heartbeat
written into it tells of a process that is stopped. The heartbeat is not in the history, where each would wake every
console and wait for the disk.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import socket
import time
from pathlib import Path
from typing import Final, NamedTuple

from bwp_tui.domain.uptime import read_uptime
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import EngineSuperseded, StoreMoved, StoreUnavailable
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import Ability, EngineState

BEAT_S: Final = 5.0
SILENT_S: Final = 30.0
"""Without a heartbeat for so long, an engine is superseded."""

_WATCHED_S: Final = 2 * BEAT_S
"""For so long the same heartbeat must be seen before its age counts: whatever the clocks say, a living one beats."""

_LONGEST_SIGN: Final = 128


class LeaseUnusable(Exception):
    """The lock file cannot be used; `str()` says why and what to do."""

    def __init__(self, path: Path, error: OSError) -> None:
        reason = error.strerror or type(error).__name__
        todo = "Move it away."
        if error.errno in (errno.EACCES, errno.EPERM):
            todo = "Give it to this user (chown), or remove it once no bwp-tui runs as another user."
        elif error.errno == errno.EROFS:
            todo = "Make the file system writable."
        elif error.errno == errno.ENOSPC:
            todo = "Free some space."
        elif error.errno == errno.ELOOP:
            reason = "it is a link"
        super().__init__(f"This process cannot be the engine: {path} cannot be opened ({reason}). {todo}")


class Lease:
    """An exclusive lock on a file of the profile. The system frees it when its process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._sign = b""
        self._seen_at = 0.0

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def take(self) -> bool:
        """Take the lock if it is free; say whether it is held now.

        Raises:
            LeaseUnusable: the file cannot be made or opened.
        """
        if self._descriptor is not None:
            return True
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = _opened(self._path, os.O_CREAT)
        except OSError as error:
            raise LeaseUnusable(self._path, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = self._is_in_place(descriptor)
            if taken:
                os.ftruncate(descriptor, 0)
        except BlockingIOError:
            taken = False
        except BaseException:
            os.close(descriptor)
            raise
        if not taken:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def replace(self) -> None:
        """Take the lease from whoever holds it, by a new file in the place of the one that is locked.

        To be called inside the transaction that begins the new term, so that no two do it at a time.

        Raises:
            LeaseUnusable: the file cannot be made.
        """
        new = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        try:
            descriptor = _opened(new, os.O_CREAT | os.O_EXCL)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                new.replace(self._path)
            except BaseException:
                os.close(descriptor)
                new.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise LeaseUnusable(self._path, error) from None
        self._descriptor = descriptor

    def beat(self) -> None:
        """Write a sign of life.

        Raises:
            EngineSuperseded: the lease is another process's now, or its file is gone.
        """
        if self._descriptor is None or not self._is_in_place(self._descriptor):
            raise EngineSuperseded
        sign = f"{read_uptime().boot or '-'} {time.monotonic():.3f}"
        with contextlib.suppress(OSError):  # a full disk: the history says so
            os.pwrite(self._descriptor, sign.ljust(_LONGEST_SIGN - 1).encode() + b"\n", 0)

    def silent_for(self) -> float | None:
        """Return for how many seconds its holder has given no sign of life, as far as this process can tell.

        The monotonic clock is one for all processes of a machine and stands still while the machine sleeps. None for
        a holder that never gave a sign: it is no engine but a restore, say, or the engine of an earlier program.
        """
        now, sign = time.monotonic(), _sign_at(self._path)
        if sign != self._sign:
            self._sign, self._seen_at = sign, now
        watched = now - self._seen_at
        if not sign:
            return None
        return 0.0 if watched < _WATCHED_S else max(watched, _age(sign))

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _is_in_place(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        except OSError:
            return False


def _opened(path: Path, more: int) -> int:
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | more, 0o600)


def _sign_at(path: Path) -> bytes:
    """Return the newest sign of life, or nothing where none was given."""
    try:
        descriptor = _opened(path, 0)
    except OSError:
        return b""
    try:
        return os.pread(descriptor, _LONGEST_SIGN, 0)
    finally:
        os.close(descriptor)


def seems_stopped(path: Path) -> bool:
    """Say whether the newest sign of life is so old that its engine is going to be superseded."""
    return _age(_sign_at(path)) > SILENT_S


def _age(sign: bytes) -> float:
    """Return how old a sign of life is by this machine's clock; 0 where it is another machine's."""
    boot, _, instant = sign.decode("ascii", "replace").strip().partition(" ")
    try:
        return time.monotonic() - float(instant) if boot == read_uptime().boot else 0.0
    except ValueError:
        return 0.0


def is_held(path: Path) -> bool:
    """Say whether a process is the profile's engine just now; one that was killed is not."""
    lease = Lease(path)
    try:
        return not lease.take()
    except LeaseUnusable:
        return False
    finally:
        lease.release()


class Begun(NamedTuple):
    """A term that has begun. `superseded` is the engine that was to end for it, None where there was none."""

    term: int
    superseded: EngineState | None


def begin_term(store: Store, lease: Lease, ability: Ability) -> Begun | None:
    """Make this process the engine and return its term, or None while another one is the engine.

    One that can do less than this process could, or is silent, is superseded.

    Raises:
        LeaseUnusable: the lock file cannot be used.
        HistoryError: the history cannot be written.
    """
    superseded, holder = not lease.take(), engine_state.read(store)
    silence = lease.silent_for() if superseded else 0.0
    if silence is None or (superseded and holder.ability >= ability and silence <= SILENT_S):
        return None
    try:
        with store.write():
            if superseded:
                if engine_state.read(store).term != holder.term:
                    return None
                lease.replace()
            lease.beat()
            term = engine_state.announce(store, os.getpid(), socket.gethostname(), ability)
    except StoreUnavailable as error:
        if silence <= SILENT_S or isinstance(error, StoreMoved):
            raise
        raise StoreUnavailable(
            f"The engine, process {holder.pid}, gives no sign of life: it may be stopped amid a write. {error}"
            f" Have it go on (kill -CONT {holder.pid}), or end it."
        ) from error
    return Begun(term, holder if superseded else None)
