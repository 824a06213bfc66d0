"""Find a text in a page, whose matches are underlined, or in a list, which then shows only the lines that match."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.widget import Widget

from bwp_tui.console.bindings.keymap import Keymap
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.protocols import PromptHost
from bwp_tui.console.widgets.styled_line import Paragraphs, Place


class Searchable(Protocol):
    """What is searched. A place is a line and a character or column in it; a match is the place where it begins."""

    def matches(self, pattern: re.Pattern[str]) -> Sequence[Place]:
        """Return the matches in their order."""

    def place(self, current: Place | None) -> Place:
        """Return the place that is read: the current match where it is in sight, else the first line there."""

    def go_to(self, place: Place) -> None:
        """Bring a place into sight."""

    def underline(self, pattern: re.Pattern[str] | None, current: Place | None) -> None:
        """Underline what matches, and show the current match in another way."""


class ScrolledText:
    """The paragraphs of a scrolled page, one after the other.

    Args:
        scroll: returns what they are in.
    """

    def __init__(self, scroll: Callable[[], VerticalScroll]) -> None:
        self._scroll = scroll

    def matches(self, pattern: re.Pattern[str]) -> Sequence[Place]:
        lines = (line for _, paragraphs in self._paragraphs() for line in paragraphs.lines)
        return [(number, found.start()) for number, line in enumerate(lines) for found in pattern.finditer(line)]

    def place(self, current: Place | None) -> Place:
        if current is not None and self._is_in_sight(self._y_of(current)):
            return current
        ends = [first + len(paragraphs.lines) for first, paragraphs in self._paragraphs()]
        places = ((line, 0) for line in range(max(ends, default=0)))
        return next((place for place in places if self._is_in_sight(self._y_of(place))), (0, 0))

    def go_to(self, place: Place) -> None:
        y = self._y_of(place)
        if not self._is_in_sight(y):
            self._scroll().scroll_to(y=max(0, y - self._scroll().size.height // 2), animate=False, immediate=True)

    def underline(self, pattern: re.Pattern[str] | None, current: Place | None) -> None:
        for first, paragraphs in self._paragraphs():
            paragraphs.underline(pattern, None if current is None else (current[0] - first, current[1]))

    def _paragraphs(self) -> Iterator[tuple[int, Paragraphs]]:
        """Yield the paragraphs that are shown, each with the number of its first line."""
        first = 0
        for paragraphs in self._scroll().query(Paragraphs):
            if paragraphs.display:
                yield first, paragraphs
                first += len(paragraphs.lines)

    def _y_of(self, place: Place) -> int:
        line, character = place
        for first, paragraphs in self._paragraphs():
            if line < first + len(paragraphs.lines):
                return self._top_of(paragraphs) + paragraphs.y_of(line - first, character)
        return 0

    def _top_of(self, paragraphs: Paragraphs) -> int:
        """Return the line of the page at which paragraphs begin, wherever the page is scrolled to.

        Their place on the screen will not do: until the next layout it is that before the latest scrolling.
        """
        scroll, y = self._scroll(), 0
        widget: DOMNode | None = paragraphs
        while isinstance(widget, Widget) and widget is not scroll:
            y += widget.virtual_region.y + widget.gutter.top
            widget = widget.parent
        return y

    def _is_in_sight(self, y: int) -> bool:
        top = self._scroll().scroll_offset.y
        return top <= y < top + self._scroll().size.height


class TextFinder:
    """Asks for a text and goes to its first match at each key, then from one match to the next, and round.

    Args:
        changed: called after each change of what `with_keys` returns.
    """

    def __init__(self, screen: PromptHost, keymap: Keymap, searchable: Searchable, changed: Callable[[], None]) -> None:
        self._screen = screen
        self._keymap = keymap
        self._searchable = searchable
        self._changed = changed
        self._pattern: re.Pattern[str] | None = None
        self._matches: Sequence[Place] = ()
        self._current: Place | None = None

    def with_keys(self, *keys: StyledText, back: str = "back") -> Sequence[StyledText]:
        """Return `keys` for the footer, with the keys of the matches before them and the key "back" behind them.

        Args:
            back: what the key "back" does while no text is searched for.
        """
        hint = self._keymap.hint
        if self._pattern is None:
            return (*keys, hint(back, "back"))
        matches = hint(self._position, "next_match", "previous_match") if self._matches else ("", "no match")
        return (matches, *keys, hint("end search", "back"))

    async def ask(self) -> None:
        """Ask for a text; without one the earlier search goes on."""
        pattern, current, start = self._pattern, self._current, self._searchable.place(self._current)

        def typed(text: str, _cursor: int) -> None:
            self._search(re.compile(re.escape(text), re.IGNORECASE) if text else None, start)
            count = self._position if self._matches else "no match"
            self._screen.prompt.hint(count if text else "", "key" if self._matches else "warn")

        if not await self._screen.prompt.ask_text("/", on_change=typed, enter="find"):
            self._search(pattern, current or start)
            self._searchable.go_to(start)

    def step(self, matches: int) -> None:
        """Go to the next match, or to the one before."""
        if self._pattern is None:
            self._screen.show_status(f"Nothing is searched for: press {self._keymap.key('filter')}.", "warn")
        elif self._matches:
            here = self._searchable.place(self._current)
            at = bisect_left(self._matches, here)
            if here in self._matches[at : at + 1] or matches < 0:
                at += matches
            self._current = self._matches[at % len(self._matches)]
            self._show_current()

    def update(self) -> None:
        """Search again in a text that has changed."""
        if self._pattern is not None:
            self._find(self._current or self._searchable.place(None))

    def clear(self) -> bool:
        """End the search; return whether there was one."""
        was_searching = self._pattern is not None
        if was_searching:
            self._search(None, (0, 0))
        return was_searching

    @property
    def _position(self) -> str:
        return f"{self._matches.index(self._current) + 1 if self._current else 0}/{len(self._matches)}"

    def _search(self, pattern: re.Pattern[str] | None, start: Place) -> None:
        self._pattern = pattern
        self._find(start)
        if self._current is not None:
            self._searchable.go_to(self._current)

    def _find(self, start: Place) -> None:
        """Find the matches; the current one is the first at `start` or behind it, else the first of all."""
        self._matches = () if self._pattern is None else self._searchable.matches(self._pattern)
        at = bisect_left(self._matches, start)
        self._current = self._matches[at % len(self._matches)] if self._matches else None
        self._searchable.underline(self._pattern, self._current)
        self._changed()

    def _show_current(self) -> None:
        self._searchable.underline(self._pattern, self._current)
        if self._current is not None:
            self._searchable.go_to(self._current)
        self._changed()


class ListFilter:
    """Asks for words, and has a list show only the lines that have all of them.

    Args:
        changed: shows the lines that fit, after each change of `text`.
    """

    def __init__(self, screen: PromptHost, changed: Callable[[], None]) -> None:
        self.text = ""
        self._screen = screen
        self._changed = changed

    @property
    def words(self) -> Sequence[str]:
        return self.text.casefold().split()

    async def ask(self) -> None:
        """Ask for words, beginning with the present ones; without an answer these hold again."""
        before = self.text
        answer = await self._screen.prompt.ask_text(
            "/", f"{before} " if before else "", on_change=lambda text, _: self._set(text), enter="keep"
        )
        self._set(before if answer is None else answer)

    def fits(self, text: str) -> bool:
        """Return whether a text has all words."""
        folded = text.casefold()
        return all(word in folded for word in self.words)

    def title(self, listed: int) -> str:
        """Return the words and how many lines have them, for a heading; empty without words."""
        return f"/ {self.text}: {listed} · " if self.text else ""

    def clear(self) -> bool:
        """Show all lines again; return whether they were filtered."""
        was_filtered = bool(self.text)
        self._set("")
        return was_filtered

    def _set(self, text: str) -> None:
        if text.strip() != self.text:
            self.text = text.strip()
            self._changed()
