"""The lease: which process is a profile's engine, and when another one supersedes it.

It has two parts. A row of the history names the holder and its term; a transaction of an earlier term fails. A locked
file beside the history shows that the holder is alive: the system frees the lock when the process ends, and a heartbeat
in the file shows when the process is stopped. The heartbeat is not in the history, where each one would wake every
console and wait for the disk.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from pathlib import Path
from typing import Final, NamedTuple

from bwp_tui.domain.times import read_uptime
from bwp_tui.file_access import access_to
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import EngineSuperseded, StoreMoved, StoreUnavailable
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import Ability, EngineState

HEARTBEAT_S: Final = 5.0
SILENCE_LIMIT_S: Final = 30.0
"""Seconds without a heartbeat after which an engine is superseded."""

_MIN_OBSERVED_S: Final = 2 * HEARTBEAT_S
"""Seconds one heartbeat must be seen unchanged before its age counts, so that a wrong clock supersedes nobody."""

_HEARTBEAT_BYTES: Final = 128


class LeaseUnusable(Exception):
    """The lock file cannot be used; `str()` is the message."""

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
    """An exclusive lock on a file of the profile. The system frees it when its process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._heartbeat = b""
        self._seen_at = 0.0

    def acquire(self) -> bool:
        """Acquire the lock if it is free; return whether it is held. LeaseUnusable says why it cannot be."""
        if self._descriptor is not None:
            return True
        try:
            descriptor = _open(self._path, os.O_CREAT)
        except OSError as error:
            raise LeaseUnusable(self._path, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = _is_at_path(self._path, descriptor)
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

    def take_over(self) -> None:
        """Take the lease from its holder: put a new file in the place of the locked one.

        Call it inside the transaction that begins the new term: only one process at a time can take over.
        """
        new = self._path.with_name(f".{self._path.name}.{os.urandom(4).hex()}")
        try:
            descriptor = _open(new, os.O_CREAT | os.O_EXCL)
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

    def write_heartbeat(self) -> None:
        """Write a heartbeat; raise EngineSuperseded if the lease is another process's now, or its file is gone."""
        if self._descriptor is None or not _is_at_path(self._path, self._descriptor):
            raise EngineSuperseded
        heartbeat = f"{read_uptime().boot or '-'} {time.monotonic():.3f}"
        with contextlib.suppress(OSError):  # a full disk: the history says so
            os.pwrite(self._descriptor, heartbeat.ljust(_HEARTBEAT_BYTES - 1).encode() + b"\n", 0)

    def seconds_of_silence(self) -> float | None:
        """Return for how many seconds the holder has written no heartbeat, as far as calls so far have seen.

        None if it never wrote one: it is a command, such as `restore`, or an engine of an earlier version. All
        processes of a machine share the monotonic clock, which stops while the machine sleeps.
        """
        now, heartbeat = time.monotonic(), _read_heartbeat(self._path)
        if heartbeat != self._heartbeat:
            self._heartbeat, self._seen_at = heartbeat, now
        observed_s = now - self._seen_at
        if not heartbeat:
            return None
        return 0.0 if observed_s < _MIN_OBSERVED_S else max(observed_s, _age(heartbeat))

    def release(self) -> None:
        """Release the lock if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _is_at_path(path: Path, descriptor: int) -> bool:
    """Return whether the open file is still the one at the path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except OSError:
        return False


def _open(path: Path, extra_flags: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | extra_flags, 0o600)
    if extra_flags:
        access_to(path).set_file(descriptor)
    return descriptor


def _read_heartbeat(path: Path) -> bytes:
    """Return the newest heartbeat, empty if there is none."""
    try:
        descriptor = _open(path, 0)
    except OSError:
        return b""
    try:
        return os.pread(descriptor, _HEARTBEAT_BYTES, 0)
    finally:
        os.close(descriptor)


NOT_RESPONDING: Final = "is not responding: it may be stopped"
"""What is said of an engine that misses heartbeats."""

RESUME_ADVICE: Final = "Have it go on (kill -CONT {}), or end it."
"""What to do about it, with the number of its process."""


def misses_heartbeats(path: Path) -> bool:
    """Return whether two heartbeats or more are missing, so that the engine may be stopped."""
    return _age(_read_heartbeat(path)) > _MIN_OBSERVED_S


def _age(heartbeat: bytes) -> float:
    """Return the age of a heartbeat in seconds; 0 if another machine wrote it."""
    boot, _, instant = heartbeat.decode("ascii", "replace").strip().partition(" ")
    try:
        return time.monotonic() - float(instant) if boot == read_uptime().boot else 0.0
    except ValueError:
        return 0.0


def is_any_engine_running(path: Path) -> bool:
    """Return whether a process is the profile's engine now."""
    try:
        descriptor = _open(path, 0)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return not _is_at_path(path, descriptor)  # else another process has put its own file there meanwhile
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


class Term(NamedTuple):
    """A new term. `superseded` is the engine that lost the lease, or None."""

    number: int
    superseded: EngineState | None


def begin_term(store: Store, lease: Lease, ability: Ability) -> Term | None:
    """Make this process the engine and return its term, or None while another process is the engine.

    An engine that can do less than this process, or is silent, is superseded.
    """
    store.check_not_moved()  # before a lock file is created: none belongs where the history is not
    is_held, holder = not lease.acquire(), engine_state.read(store)
    silence = lease.seconds_of_silence() if is_held else 0.0
    if silence is None or (is_held and holder.present_ability >= ability and silence <= SILENCE_LIMIT_S):
        return None
    try:
        with store.write():
            if is_held:
                if engine_state.read(store).term != holder.term:
                    return None
                lease.take_over()
            lease.write_heartbeat()
            term = engine_state.record_new_term(store, os.getpid(), socket.gethostname(), ability)
    except StoreUnavailable as error:
        if silence <= SILENCE_LIMIT_S or isinstance(error, StoreMoved):
            raise
        raise StoreUnavailable(
            f"The engine, {holder.process}, {NOT_RESPONDING} in the middle of a write. {error}"
            f" {RESUME_ADVICE.format(holder.pid)}"
        ) from error
    return Term(term, holder if is_held else None)


def silence_message(holder: EngineState) -> str:
    """Return that the engine `holder` does not respond, and when another process takes over."""
    return (
        f"The engine, {holder.process}, {NOT_RESPONDING}. Another process takes over"
        f" {SILENCE_LIMIT_S:.0f} s after its last heartbeat."
    )
