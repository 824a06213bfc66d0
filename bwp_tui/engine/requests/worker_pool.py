"""Calls side by side, no wider than a few: a lane whose call has ended takes the next one at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Final, Generic, TypeVar

POOL_SIZE: Final = 4
"""Calls of one desk under way at a time: a backlog, however long, is worked off at this width and no wider."""

WorkerCoroutine = Coroutine[None, None, None]
_Piece = TypeVar("_Piece")


class WorkQueue(Generic[_Piece]):
    """What is due, read some pieces ahead; what is under way is not handed out again.

    Args:
        read: returns as many pieces that are due as it is asked for, the most urgent first.
        key: names a piece.
    """

    def __init__(self, read: Callable[[int], list[_Piece]], key: Callable[[_Piece], int]) -> None:
        self._read = read
        self._key = key
        self._pieces: list[_Piece] = []
        self._under_way: set[int] = set()

    def take(self, most: int, ahead: int) -> list[_Piece]:
        """Return up to `most` pieces, to be put away once they are settled; where it must be, `ahead` are read."""
        if len(self._pieces) < most:
            self._pieces = self._free(self._read, ahead)
        taken, self._pieces = self._pieces[:most], self._pieces[most:]
        self._under_way.update(map(self._key, taken))
        return taken

    def take_early(self, most: int, read: Callable[[int], list[_Piece]]) -> list[_Piece]:
        """Return up to `most` pieces that are not due yet, as `read` finds them; they are to be put away as well."""
        taken = self._free(read, most)[:most]
        self._under_way.update(map(self._key, taken))
        return taken

    def _free(self, read: Callable[[int], list[_Piece]], most: int) -> list[_Piece]:
        found = read(most + len(self._under_way))
        return [piece for piece in found if self._key(piece) not in self._under_way]

    def done(self, pieces: Sequence[_Piece]) -> None:
        """Note that these are settled, or put off: the history tells from here on whether they are due."""
        self._under_way.difference_update(map(self._key, pieces))

    def drop_read_ahead(self) -> None:
        """Drop what was read ahead: something may have become more urgent."""
        self._pieces = []

    def reset(self) -> None:
        """Drop what was read ahead, and take nothing for under way."""
        self._pieces = []
        self._under_way.clear()


class WorkerPool:
    """Keeps up to `POOL_SIZE` lanes going: each a coroutine that takes one call after another.

    Args:
        wake: is set when there may be something to begin; a lane that ends sets it.
    """

    def __init__(self, wake: asyncio.Event) -> None:
        self._wake = wake
        self._failure: BaseException | None = None

    @property
    def may_continue(self) -> bool:
        """Whether a lane may take another call: not once one of them has failed."""
        return self._failure is None

    async def run(self, start: Callable[[int], Sequence[WorkerCoroutine]]) -> None:
        """Keep lanes going until none is left and none begins.

        Args:
            begin: returns up to so many new lanes, as far as something is due and calls may begin.

        Raises:
            Exception: what the first lane that failed, or `start`, has raised; the others have ended before.
        """
        self._failure = None
        lanes: set[asyncio.Task[None]] = set()
        try:
            while True:
                self._wake.clear()
                lanes = self._unfinished(lanes)
                if self.may_continue and len(lanes) < POOL_SIZE:
                    lanes |= self._start(start, POOL_SIZE - len(lanes))
                if not lanes:
                    break
                await self._wake.wait()
        finally:
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    def _unfinished(self, lanes: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        ended = {lane for lane in lanes if lane.done()}
        for lane in ended:
            failure = lane.exception()  # each is asked for, or Python complains of it on the screen
            self._failure = self._failure or failure
        return lanes - ended

    def _start(self, begin: Callable[[int], Sequence[WorkerCoroutine]], most: int) -> set[asyncio.Task[None]]:
        try:
            begun = {asyncio.create_task(lane) for lane in begin(most)}
        except Exception as error:  # noqa: BLE001  # raised once the lanes under way have ended
            self._failure = error
            return set()
        for lane in begun:
            lane.add_done_callback(lambda _ended: self._wake.set())
        return begun
