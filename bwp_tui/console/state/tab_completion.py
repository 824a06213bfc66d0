"""Complete a line with tab, and describe a mistake in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MAX_OFFERED: Final = 4
"""Completions that are shown at once."""


@dataclass(frozen=True, slots=True)
class InputMistake:
    """A mistake in a typed line, from `start` to `end`, in a sentence, and what was probably meant."""

    sentence: str
    start: int
    end: int
    suggestion: str | None = None


Completer = Callable[[str, int], list[tuple[int, int, str]]]
"""Returns the completions at the cursor of a line: from where, to where, which text."""


class TabCompleter:
    """The completions of one line: tab inserts the first one, and tab again replaces it by the next."""

    def __init__(self, complete: Completer) -> None:
        self._complete = complete
        self._cycle: list[tuple[str, int]] = []

    def hint_text(self, text: str, cursor: int) -> str:
        """Return the tab key and the first texts that it inserts; empty without any."""
        inserts = [insert for _, _, insert in self._complete(text, cursor)]
        return f"tab {'  '.join(inserts[:_MAX_OFFERED])}" if inserts else ""

    def complete(self, text: str, cursor: int) -> tuple[str, int]:
        """Return the line and the cursor after tab; the same where there is no completion."""
        if (text, cursor) in self._cycle:
            self._cycle = [*self._cycle[1:], self._cycle[0]]
        else:
            self._cycle = [
                (f"{text[:start]}{insert}{text[end:]}", start + len(insert))
                for start, end, insert in self._complete(text, cursor)
            ]
        return self._cycle[0] if self._cycle else (text, cursor)
