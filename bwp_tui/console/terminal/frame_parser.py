"""Reading what Textual writes: cursor addresses, and text with its looks, as cells of one character each."""

from __future__ import annotations

import re
from typing import Final, Generic, NamedTuple, TypeVar

from rich.cells import cell_len

from bwp_tui.console.terminal.sgr import DEFAULT_STYLE, CellStyle, read

FILLER: Final = "\x00"
"""Stands in the second cell of a character that is two cells wide."""

CLUSTERS: Final = 0x100000
"""From here on a letter stands for a cluster: a character with marks on it, or one of the private plane itself."""

_ADDRESS: Final = re.compile(r"\x1b\[(\d+);(\d+)H")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PARAMETERS: Final = re.compile(r"[\d;]*")
_MOST_KEPT: Final = 1024
_MOST_LETTERS: Final = 50_000

Thing = TypeVar("Thing")


class Alphabet(Generic[Thing]):
    """Gives each thing a character of its own, so that many of them compare and slice as fast as text."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._letters: dict[Thing, str] = {}
        self._things: list[Thing] = []

    @property
    def is_full(self) -> bool:
        """Whether it has grown so large that it should be given up."""
        return len(self._things) >= _MOST_LETTERS

    def letter(self, thing: Thing) -> str:
        """Return the character of `thing`."""
        letter = self._letters.get(thing)
        if letter is None:
            letter = self._letters[thing] = chr(self._first + len(self._things))
            self._things.append(thing)
        return letter

    def thing(self, letter: str) -> Thing:
        """Return what a character stands for."""
        return self._things[ord(letter) - self._first]


class Cells(NamedTuple):
    """Cells of one line, side by side: a letter each, and a letter each for how it looks."""

    letters: str
    styles: str


class Piece(NamedTuple):
    """Cells at a place on the screen, counted from 0. Textual ends a frame with an empty one: the cursor's place."""

    y: int
    x: int
    cells: Cells


class NotUnderstood(Exception):
    """What was written holds more than addresses, looks and text."""


class FrameParser:
    """Reads frames. What it has read once, as most lines of most frames, it knows again."""

    def __init__(self) -> None:
        self.looks: Alphabet[CellStyle] = Alphabet(0)
        self.clusters: Alphabet[str] = Alphabet(CLUSTERS)
        self._known: dict[str, Cells] = {}
        self.looks.letter(DEFAULT_STYLE)

    @property
    def is_full(self) -> bool:
        """Whether it knows so much that a new reader should take its place, and with it a new picture."""
        return self.looks.is_full or self.clusters.is_full

    def read(self, data: str) -> list[Piece]:
        """Return the pieces of a frame.

        Raises:
            NotUnderstood: it is none, or holds what this class does not know.
        """
        before, *rest = _ADDRESS.split(data)
        if before or not rest:
            raise NotUnderstood
        places = zip(rest[::3], rest[1::3], rest[2::3], strict=True)
        return [Piece(int(y) - 1, int(x) - 1, self._cells(content)) for y, x, content in places]

    def _cells(self, content: str) -> Cells:
        cells = self._known.get(content)
        if cells is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            cells = self._known[content] = self._parse(content.removesuffix("\n"))
        return cells

    def _parse(self, content: str) -> Cells:
        head, *parts = content.split("\x1b[")
        letters = [self._letters(head)]
        looks = [self.looks.letter(DEFAULT_STYLE) * len(letters[0])]
        parameters = ""
        for part in parts:
            codes, m, text = part.partition("m")
            if not m or not _PARAMETERS.fullmatch(codes):
                raise NotUnderstood
            parameters = "" if codes in ("", "0") else f"{parameters};{codes}" if parameters else codes
            if text:
                letters.append(self._letters(text))
                looks.append(self._look(parameters) * len(letters[-1]))
        if parameters:
            raise NotUnderstood
        return Cells("".join(letters), "".join(looks))

    def _look(self, parameters: str) -> str:
        look = read(parameters)
        if look is None:
            raise NotUnderstood
        return self.looks.letter(look)

    def _letters(self, text: str) -> str:
        """Return a letter for each cell that `text` takes by Textual's measure."""
        if text.isascii() and text.isprintable():
            return text
        if _CONTROL.search(text):
            raise NotUnderstood
        letters: list[str] = []
        for character in text:
            width = cell_len(character)
            if width:
                own = character if ord(character) < CLUSTERS else self.clusters.letter(character)
                letters += [own, FILLER][:width]
            else:
                self._put_mark(letters, character)
        if len(letters) != cell_len(text):
            raise NotUnderstood
        return "".join(letters)

    def _put_mark(self, letters: list[str], mark: str) -> None:
        """Make the last character and a mark on it one letter."""
        if not letters:
            raise NotUnderstood
        at = -2 if letters[-1] == FILLER else -1
        letters[at] = self.clusters.letter(self.text(letters[at]) + mark)

    def text(self, letters: str) -> str:
        """Return what a terminal is sent for `letters`."""
        if letters.isascii() and FILLER not in letters:
            return letters
        return "".join(
            letter if ord(letter) < CLUSTERS else self.clusters.thing(letter) for letter in letters if letter != FILLER
        )
