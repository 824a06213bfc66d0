"""Compute the SHA-256 of a growing file in its own thread."""

from __future__ import annotations

import hashlib
import threading
from queue import SimpleQueue
from typing import Final

QUEUED_CHUNKS: Final = 16
"""The highest number of chunks waiting to be hashed; `update` blocks beyond it."""


class ThreadedHash:
    """Hashes in a thread of its own. In the reading thread, hashing slowed TLS down by a third; both release the GIL.

    Not for concurrent callers. `close` ends the thread once everything is hashed.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._chunks: SimpleQueue[bytes | None] = SimpleQueue()
        self._free_places = threading.Semaphore(QUEUED_CHUNKS)
        threading.Thread(target=self._run, name="hasher", daemon=True).start()

    def update(self, chunk: bytes) -> None:
        """Queue `chunk` to be hashed; block while the queue is full."""
        self._free_places.acquire()
        self._chunks.put(chunk)

    def hexdigest(self) -> str:
        """Return the hash of all chunks so far, in hex."""
        for _ in range(QUEUED_CHUNKS):  # once all places are taken, nothing is left to hash
            self._free_places.acquire()
        self._free_places.release(QUEUED_CHUNKS)
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread; `hexdigest` may still be called, `update` not."""
        self._chunks.put(None)

    def _run(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            self._hash.update(chunk)
            self._free_places.release()
