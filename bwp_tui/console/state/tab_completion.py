"""Help with a line that is being typed: what may stand at the cursor, and what is wrong with it and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InputError:
    """What is wrong with a typed line, in a sentence, from `start` to `end` of it, and what was probably meant."""

    sentence: str
    start: int
    end: int
    suggestion: str | None = None


Completer = Callable[[str, int], list[tuple[int, int, str]]]
"""Given a line and the cursor in it, what may stand there: from where, to where, which text."""


class TabCompleter:
    """The completions of one line: tab takes the first one, and tab again the next one in its place."""

    def __init__(self, offered: Completer) -> None:
        self._offered = offered
        self._round: list[tuple[str, int]] = []

    def at(self, text: str, cursor: int) -> list[str]:
        """Return the texts that tab would put in, in the order in which it does."""
        return [insert for _, _, insert in self._offered(text, cursor)]

    def take(self, text: str, cursor: int) -> tuple[str, int]:
        """Return the line and the cursor that tab makes of these; the same where nothing is offered."""
        if (text, cursor) in self._round:
            self._round = [*self._round[1:], self._round[0]]
        else:
            self._round = [
                (f"{text[:start]}{insert}{text[end:]}", start + len(insert))
                for start, end, insert in self._offered(text, cursor)
            ]
        return self._round[0] if self._round else (text, cursor)
