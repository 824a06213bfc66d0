from __future__ import annotations

import hashlib
import threading

import pytest

from bwp_tui.engine.downloads.threaded_hash import QUEUED_CHUNKS, ThreadedHash
from tests.waiting import eventually


class GatedHash:
    """A hash that takes nothing in until the gate is open."""

    def __init__(self, gate: threading.Event) -> None:
        self._gate = gate
        self.taken = 0

    def update(self, _chunk: bytes) -> None:
        assert self._gate.wait(30)
        self.taken += 1

    def hexdigest(self) -> str:
        return str(self.taken)


def test_the_hash_is_that_of_all_chunks_in_order() -> None:
    chunks = [bytes([number]) * (number * 997 % 70_000) for number in range(200)]
    hasher = ThreadedHash()
    for chunk in chunks:
        hasher.update(chunk)
    assert hasher.hexdigest() == hashlib.sha256(b"".join(chunks)).hexdigest()
    hasher.close()


def test_the_hash_may_be_asked_in_between_and_at_the_end() -> None:
    hasher = ThreadedHash()
    assert hasher.hexdigest() == hashlib.sha256().hexdigest()
    hasher.update(b"PK")
    assert hasher.hexdigest() == hashlib.sha256(b"PK").hexdigest()
    hasher.update(b"ab")
    hasher.close()
    assert hasher.hexdigest() == hashlib.sha256(b"PKab").hexdigest()


def test_what_comes_in_faster_than_it_is_hashed_waits_so_that_memory_stays_flat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(hashlib, "sha256", lambda: GatedHash(gate))
    hasher, given = ThreadedHash(), []

    def feed() -> None:
        for number in range(3 * QUEUED_CHUNKS):
            hasher.update(b"PK")
            given.append(number)

    feeder = threading.Thread(target=feed)
    feeder.start()
    eventually(lambda: len(given) == QUEUED_CHUNKS)
    feeder.join(0.1)
    assert len(given) == QUEUED_CHUNKS
    gate.set()
    feeder.join()
    assert hasher.hexdigest() == str(3 * QUEUED_CHUNKS)
    hasher.close()


def test_the_thread_ends_when_it_is_closed_after_what_it_was_given() -> None:
    before = set(threading.enumerate())
    hasher = ThreadedHash()
    [thread] = set(threading.enumerate()) - before
    hasher.update(b"PK" * 100_000)
    hasher.close()
    thread.join(30)
    assert not thread.is_alive()
    assert hasher.hexdigest() == hashlib.sha256(b"PK" * 100_000).hexdigest()
