"""One line that asks: a text, or yes or no. It takes the place of the status line while it is open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from bwp_tui.console.speech import Line


class Prompt(Horizontal, can_focus=True):
    """Asks one thing at a time; the answer is awaited. None is no answer: it was closed."""

    class Toggled(Message):
        """The prompt has begun or ceased to ask."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._answer: asyncio.Future[str | None] | None = None
        self._changed: Callable[[str], None] | None = None
        self._moved: Callable[[int], None] | None = None
        self._yes_or_no = False

    def compose(self) -> ComposeResult:
        yield Line(id="prompt-label")
        field = Input(id="prompt-input", compact=True, select_on_focus=False)
        field.cursor_blink = False
        yield field
        yield Line(id="prompt-hint")

    def on_mount(self) -> None:
        self.display = False

    @property
    def is_open(self) -> bool:
        """Whether something is being asked."""
        return self._answer is not None

    @property
    def is_yes_or_no(self) -> bool:
        """Whether what is asked takes a single key."""
        return self._yes_or_no

    async def text(
        self,
        label: str,
        value: str = "",
        *,
        changed: Callable[[str], None] | None = None,
        moved: Callable[[int], None] | None = None,
    ) -> str | None:
        """Ask for a text, beginning with `value`.

        Args:
            changed: is told of each change as it is typed.
            moved: is told of the arrows: 1 for down, -1 for up.
        """
        field = self.query_one(Input)
        field.display = True
        with field.prevent(Input.Changed):
            field.value = value
        field.cursor_position = len(value)
        self._changed, self._moved = changed, moved
        self.hint("", "muted")
        return await self._ask(label, yes_or_no=False)

    async def yes(self, question: str) -> bool:
        """Ask a question that `y` or enter answers with yes."""
        self.query_one(Input).display = False
        self._changed = self._moved = None
        self.hint("y yes   n no", "key")
        return await self._ask(question, yes_or_no=True) is not None

    def hint(self, words: str, role: str) -> None:
        """Show what can be typed, or what is wrong with what was."""
        line = self.query_one("#prompt-hint", Line)
        line.show(line.say((f" {words} " if words else "", role)))

    def close(self) -> None:
        """Stop asking; the one who asked gets None."""
        self._settle(None)

    async def _ask(self, label: str, *, yes_or_no: bool) -> str | None:
        self.close()
        line = self.query_one("#prompt-label", Line)
        line.show(line.say((f" {label} ", "strong")))
        self._yes_or_no = yes_or_no
        self._answer = asyncio.get_running_loop().create_future()
        before = self.screen.focused
        self.display = True
        (self if yes_or_no else self.query_one(Input)).focus()
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

    def _settle(self, answer: str | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.close()
        elif self._moved is not None and event.key in ("down", "up"):
            event.stop()
            self._moved(1 if event.key == "down" else -1)
        elif self._yes_or_no:
            event.stop()
            if event.key in ("y", "enter"):
                self._settle("y")
            elif event.key in ("n", "q"):
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
