"""The sha256 of a growing file, computed beside the thread that reads it from the line."""

from __future__ import annotations

import hashlib
import threading
from queue import SimpleQueue
from typing import Final

QUEUED_CHUNKS: Final = 16
"""Chunks that wait to be hashed, at most: what brings them in faster is held up."""


class ThreadedHash:
    """A sha256 in a thread of its own: in the one that reads, it held TLS up by a third (both release the GIL).

    For one thread to call at a time; `close` ends the thread once it has hashed what was given.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._chunks: SimpleQueue[bytes | None] = SimpleQueue()
        self._room = threading.Semaphore(QUEUED_CHUNKS)
        threading.Thread(target=self._run, name="hasher", daemon=True).start()

    def update(self, chunk: bytes) -> None:
        """Hash `chunk`, soon; waits while too many are to be hashed before it."""
        self._room.acquire()
        self._chunks.put(chunk)

    def hexdigest(self) -> str:
        """Return the hash of all that was given, in hex."""
        for _ in range(QUEUED_CHUNKS):  # with all the room taken, nothing is left to be hashed
            self._room.acquire()
        self._room.release(QUEUED_CHUNKS)
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread; `hexdigest` may still be asked, `update` not."""
        self._chunks.put(None)

    def _run(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            self._hash.update(chunk)
            self._room.release()
