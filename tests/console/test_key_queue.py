"""Keys that come in a bunch, as over a slow line: each is handled before the next, and all are painted as one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest
from textual import events
from textual.app import App

from bwp_tui.console.terminal import key_queue
from bwp_tui.console.terminal.key_bursts import Burst, Key
from bwp_tui.console.terminal.key_queue import KeyQueue
from tests.waiting import eventually_in_loop

_BUNCH = "abcdefghijklmnopqrst"


class TypingApp(App[int]):
    """Adds a letter per key, a turn of the loop later, and keeps which of them were not to be painted."""

    def __init__(self) -> None:
        super().__init__()
        self.typed = self.unpainted = ""
        self._is_held_back = False
        self._type_ahead = KeyQueue(self, super().on_event, lambda _: True)

    def on_mount(self) -> None:
        self._type_ahead.start()
        self._type_ahead.open()

    def on_unmount(self) -> None:
        self._type_ahead.stop()

    @contextmanager
    def batch_update(self) -> Generator[None, None, None]:
        with super().batch_update():
            self._is_held_back = True
            yield
        self._is_held_back = False

    async def on_event(self, event: events.Event) -> None:
        if self._type_ahead.takes(event):
            await self._type_ahead.put(event)
        else:
            await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        self.call_later(self._add, event.character or "")

    def _add(self, letter: str) -> None:
        self.typed += letter
        if self._is_held_back:
            self.unpainted += letter


async def _unpainted(app: TypingApp) -> str:
    async with app.run_test():
        for letter in _BUNCH:
            app.post_message(events.Key(letter, letter))
        await eventually_in_loop(lambda: app.typed == _BUNCH)
    return app.unpainted


async def test_a_bunch_is_painted_with_its_first_key_and_its_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_queue, "_MAX_UNPAINTED_S", 60.0)
    unpainted = await _unpainted(TypingApp())
    assert unpainted.endswith(_BUNCH[3:-1])
    assert _BUNCH[-1] not in unpainted


async def test_a_bunch_that_takes_long_is_seen_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_queue, "_MAX_UNPAINTED_S", 0.0)
    assert await _unpainted(TypingApp()) == ""


async def test_a_key_that_only_moves_does_not_overtake_the_one_before_it() -> None:
    """The first one waits for the end of its burst: it must not act on the row that the second one goes to."""
    app = TypingApp()
    delivered: list[str] = []

    async def deliver(event: events.Event) -> None:
        assert isinstance(event, Key)
        delivered.append(event.key)

    async with app.run_test():
        queue = KeyQueue(app, deliver, lambda _: True, only_moves=lambda key: key == "down")
        queue.start()
        queue.open()
        await eventually_in_loop(lambda: queue._is_idle)
        burst = Burst()
        for key, character in (("x", "x"), ("down", None)):
            burst.count(typed := events.Key(key, character))
            await queue.put(Key(typed, burst))
        await eventually_in_loop(lambda: len(delivered) == 2)
        queue.stop()
    assert delivered == ["x", "down"]
