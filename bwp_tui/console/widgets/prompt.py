"""One line that asks: a text, or yes or no. It takes the place of the status line while it is open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from bwp_tui.console.speech import Line, Phrase
from bwp_tui.console.widgets.entry import Entry

_FIELD: Final = 24
"""Cells that a text is typed in at least; a question that leaves fewer has a line of its own."""

_YES_OR_NO: Final = {"y": "yes", "n": "no"}


class Prompt(Horizontal, can_focus=True):
    """Asks one thing at a time; the answer is awaited. None is no answer: it was closed."""

    class Toggled(Message):
        """The prompt has begun or ceased to ask."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._answer: asyncio.Future[str | None] | None = None
        self._changed: Callable[[str], None] | None = None
        self._moved: Callable[[int], None] | None = None
        self._completed: Callable[[str], str] | None = None
        self._keys: Mapping[str, str] = {}

    def compose(self) -> ComposeResult:
        yield Line(id="prompt-label")
        yield Entry(id="prompt-input")
        yield Line(id="prompt-hint")

    def on_mount(self) -> None:
        self.display = False

    @property
    def is_open(self) -> bool:
        """Whether something is being asked."""
        return self._answer is not None

    @property
    def keys(self) -> Mapping[str, str]:
        """The keys that answer, with what each means; empty where a text is asked."""
        return self._keys

    async def text(
        self,
        label: str,
        value: str = "",
        *,
        changed: Callable[[str], None] | None = None,
        moved: Callable[[int], None] | None = None,
        completed: Callable[[str], str] | None = None,
        hint: Phrase = ("", "muted"),
    ) -> str | None:
        """Ask for a text, beginning with `value`.

        Args:
            changed: is told of each change as it is typed.
            completed: returns what tab makes of the text.
            moved: is told of the arrows: 1 for down, -1 for up.
            hint: what to say beside it from the beginning.
        """
        field = self.query_one(Input)
        field.display = True
        with field.prevent(Input.Changed):
            field.value = value
        field.cursor_position = len(value)
        self._changed, self._moved, self._completed = changed, moved, completed
        self.hint(*hint)
        return await self._ask(label, {})

    async def yes(self, question: str) -> bool:
        """Ask a question that `y` or enter answers with yes."""
        return await self.key(question, _YES_OR_NO) == "y"

    async def key(self, question: str, keys: Mapping[str, str]) -> str | None:
        """Ask for one of `keys`, which is given with what each means; return it."""
        self.query_one(Input).display = False
        self._changed = self._moved = self._completed = None
        self.hint("   ".join(f"{key} {meaning}" for key, meaning in keys.items()), "key")
        return await self._ask(question, keys)

    def hint(self, words: str, role: str) -> None:
        """Show what can be typed, or what is wrong with what was."""
        line = self.query_one("#prompt-hint", Line)
        line.show(line.say((f" {words} " if words else "", role)))
        line.display = bool(words)

    def close(self) -> None:
        """Stop asking; the one who asked gets None."""
        self._settle(None)

    async def _ask(self, label: str, keys: Mapping[str, str]) -> str | None:
        self.close()
        line = self.query_one("#prompt-label", Line)
        line.show(line.say((f" {label} ", "strong")))
        self.set_class(cell_len(label) + _FIELD > self.app.size.width, "-long")
        self._keys = keys
        self._answer = asyncio.get_running_loop().create_future()
        before = self.screen.focused
        self.display = True
        (self if keys else self.query_one(Input)).focus()
        self.screen.set_class(True, "-asking")
        self.post_message(self.Toggled())
        # When the wait itself is cancelled the console is ending: there is nothing left to put back.
        answer = await self._answer
        self._answer = None
        self.display = False
        self.screen.set_class(False, "-asking")
        self.post_message(self.Toggled())
        if before is not None and before is not self:
            before.focus()
        return answer

    def _complete(self) -> None:
        field = self.query_one(Input)
        if self._completed is not None:
            field.value = self._completed(field.value)
            field.cursor_position = len(field.value)

    def _settle(self, answer: str | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.close()
        elif event.key == "tab":
            event.stop()
            event.prevent_default()
            self._complete()
        elif self._moved is not None and event.key in ("down", "up"):
            event.stop()
            self._moved(1 if event.key == "down" else -1)
        elif self._keys:
            event.stop()
            if event.key == "enter" and "y" in self._keys:
                self._settle("y")
            elif event.key in self._keys:
                self._settle(event.key)
            elif event.key == "q":
                self.close()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._changed is not None and self.is_open:
            self._changed(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._settle(event.value)
