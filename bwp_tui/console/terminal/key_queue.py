"""Deliver keys one at a time, each after the last one was handled.

Textual hands a key to the widget that has the focus when the key arrives. Over a slow line keys arrive in bunches:
without this, what is typed behind the `n` of a new request would reach the table, where `q` quits and `x` cancels.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeGuard

from textual import events
from textual.app import App, ScreenStackError
from textual.message_pump import MessagePump

from bwp_tui.console.terminal.key_bursts import Burst, Key
from bwp_tui.console.terminal.textual_compat import is_forwarded

if TYPE_CHECKING:
    from textual.widgets import Input

_QUEUE_ROUNDS: Final = 3
"""A key may start a worker, which asks for the focus, which the app then moves: three turns of the queues."""

_TIMEOUT_S: Final = 1.0
_ACCEPT_TIMEOUT_S: Final = 5.0
"""Seconds that a key waits for what it is meant for: the plan of an action on many tasks takes some."""

_MAX_UNPAINTED_S: Final = 0.1
_POLL_S: Final = 0.01

_FRAME_S: Final = 0.004
"""For a key's own frame, which looking after the queues would delay."""

Deliver = Callable[[events.Event], Awaitable[None]]


class KeyQueue:
    """Queues the keys that arrive while one is being handled.

    Args:
        deliver: does with a key what Textual would have done with it.
        accepts_now: returns whether a key may be delivered now; after `_ACCEPT_TIMEOUT_S` it is delivered all the same.
        may_act: returns whether a key or paste may act at all, both when it arrives and when it is its turn; one that
            may not is dropped.
        only_moves: returns whether a key only moves the cursor, so that it need not wait for the end of its burst.
        opens_field: returns whether a key opens a field for the characters typed after it.
        paste_dropped: is called once for each paste that is dropped.
    """

    def __init__(
        self,
        app: App[int],
        deliver: Deliver,
        accepts_now: Callable[[events.Event], bool],
        *,
        may_act: Callable[[events.Event], bool] = lambda _event: True,
        only_moves: Callable[[str], bool] = lambda _key: False,
        opens_field: Callable[[str], bool] = lambda _key: False,
        paste_dropped: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self._deliver = deliver
        self._accepts_now = accepts_now
        self._may_act = may_act
        self._only_moves = only_moves
        self._opens_field = opens_field
        self._paste_dropped = paste_dropped
        # None stands for one that was delivered at once: those behind it wait until it has been handled.
        self._waiting: asyncio.Queue[events.Event | None] = asyncio.Queue()
        self._taken_early: list[events.Event | None] = []
        self._is_idle = False
        self._painted_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._opened = asyncio.Event()

    def takes(self, event: events.Event) -> bool:
        """Return whether an event is a key or paste that has not been delivered yet, and is to be `put` here."""
        is_typed = isinstance(event, events.Key | events.Paste)
        return is_typed and self._task is not None and not is_forwarded(event)

    async def put(self, event: events.Event) -> None:
        """Deliver `event` once all before it have been handled."""
        if not self._may_act(event):
            return
        is_first = self._is_idle and self._waiting.empty()
        if is_first and self._accepts_now(event) and not self._may_be_pasted(event):
            self._is_idle = False
            await self._deliver(event)
            self._waiting.put_nowait(None)
        else:
            self._waiting.put_nowait(event)

    def start(self) -> None:
        """Start, in the app's loop and context."""
        self._task = asyncio.create_task(self._run(), name="type-ahead")

    def open(self) -> None:
        """Deliver keys from now on: before, their targets did not exist."""
        self._opened.set()

    def stop(self) -> None:
        """Drop what has not been delivered."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        await self._opened.wait()
        while True:
            self._is_idle = self._waiting.empty() and not self._taken_early
            event = self._taken_early.pop() if self._taken_early else await self._waiting.get()
            self._is_idle = False
            with contextlib.suppress(ScreenStackError), self._painting_delayed():  # the app ends: no screen is left
                await self._handle(event)

    async def _handle(self, event: events.Event | None) -> None:
        if event is not None:
            if not self._accepts_now(event):
                await _with_timeout(self._wait_until_accepted(event), _ACCEPT_TIMEOUT_S)
                # It may have opened a question, which is not focused yet.
                await _with_timeout(self._wait_until_handled())
            if not self._may_act(event):
                return
            field = self._focused_field
            if isinstance(event, events.Paste) and field is None:
                self._paste_dropped()
                return
            if self._is_text(event) and field is not None:
                field.replace(self._with_text_behind(event), *field.selection)
            elif not isinstance(event, Key) or not await self._wait_until_paste_is_known(event):
                await self._deliver(event)
            elif not self._waiting.empty():
                return  # a dropped key has set nothing off that the next one would wait for
        if self._waiting.empty():
            await asyncio.sleep(_FRAME_S)
        await _with_timeout(self._wait_until_handled())

    @property
    def _focused_field(self) -> Input | None:
        """The text field that has the focus."""
        from textual.widgets import Input  # not before the first frame

        focused = self._app.focused
        return focused if isinstance(focused, Input) else None

    @staticmethod
    def _is_text(event: events.Event | None) -> TypeGuard[Key]:
        return isinstance(event, Key) and event.is_printable and not event.burst.is_dropped

    def _with_text_behind(self, event: Key) -> str:
        """Return the character of a key and of those waiting directly behind it: one by one, thousands take seconds."""
        text = [event.character or ""]
        while not self._waiting.empty():
            behind = self._waiting.get_nowait()
            if not self._is_text(behind):
                self._taken_early.append(behind)
                break
            text.append(behind.character or "")
        return "".join(text)

    @contextlib.contextmanager
    def _painting_delayed(self) -> Iterator[None]:
        """Delay painting while another key waits, but not for long."""
        now = time.monotonic()
        if self._waiting.empty() or now - self._painted_at > _MAX_UNPAINTED_S:
            self._painted_at = now
            yield
            return
        with self._app.batch_update():
            yield
        if self._waiting.empty():  # its characters were typed all at once: no key follows that has them painted
            self._app.screen.check_idle()

    async def _wait_until_accepted(self, event: events.Event) -> None:
        while not self._accepts_now(event):  # noqa: ASYNC110  # a key waits too rarely for an event of its own
            await asyncio.sleep(_POLL_S)

    def _may_be_pasted(self, event: events.Event) -> bool:
        """Return whether a key is part of a paste, or may turn out to be, or a paste is meant for no field."""
        if isinstance(event, events.Paste):
            return self._focused_field is None
        if not isinstance(event, Key) or not (event.burst.is_dropped or self._focused_field is None):
            return False
        if event.key == event.burst.first and self._opens_field(event.key):
            return False
        return event.burst.is_paste or (event.burst.seconds_left >= 0 and not self._only_moves(event.key))

    async def _wait_until_paste_is_known(self, event: Key) -> bool:
        """Wait until it is known whether a key is part of a paste to drop (see `Burst`)."""
        burst: Burst = event.burst
        while self._may_be_pasted(event):
            if burst.is_paste:
                if not burst.is_dropped:
                    burst.is_dropped = True
                    self._paste_dropped()
                return True
            await asyncio.sleep(burst.seconds_left)
        return False

    async def _wait_until_handled(self) -> None:
        """Wait until the queues that a key passes through are empty."""
        for _ in range(_QUEUE_ROUNDS):
            for pump in (self._app.focused, self._app.screen, self._app):
                await self._wait_until_processed(pump)

    async def _wait_until_processed(self, pump: MessagePump | None) -> None:
        done = asyncio.Event()
        if pump is not None and pump.is_running and pump.call_later(done.set):
            await done.wait()


async def _with_timeout(wait: Awaitable[None], timeout_s: float = _TIMEOUT_S) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(wait, timeout_s)
