"""Parse the frames that Textual writes, cursor addresses and styled text, into cells of one character each."""

from __future__ import annotations

import re
from typing import Final, Generic, NamedTuple, TypeVar

from rich.cells import cell_len

from bwp_tui.console.terminal.sgr import DEFAULT_STYLE, CellStyle, blank_style, parse_style

FILLER: Final = "\x00"
"""The second cell of a character that is two cells wide."""

CLUSTERS: Final = 0x100000
"""Code points from here on encode clusters: a character with combining marks, or one of the private plane itself."""

_ADDRESS: Final = re.compile(r"\x1b\[(\d+);(\d+)H")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PARAMETERS: Final = re.compile(r"[\d;]*")
_MAX_CACHED: Final = 1024
_MAX_VALUES: Final = 50_000

Value = TypeVar("Value")


class CodeTable(Generic[Value]):
    """Encodes each value as one character, so that rows of them compare and slice as fast as text."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._characters: dict[Value, str] = {}
        self._values: list[Value] = []

    @property
    def is_full(self) -> bool:
        """Whether it holds so many values that a new one should replace it."""
        return len(self._values) >= _MAX_VALUES

    def encode(self, value: Value) -> str:
        character = self._characters.get(value)
        if character is None:
            character = self._characters[value] = chr(self._first + len(self._values))
            self._values.append(value)
        return character

    def decode(self, character: str) -> Value:
        return self._values[ord(character) - self._first]


class CellRun(NamedTuple):
    """Adjacent cells of one line: the character and the encoded style of each."""

    characters: str
    styles: str


class Piece(NamedTuple):
    """Cells at a position, counted from 0. Textual ends a frame with an empty piece: the cursor's position."""

    y: int
    x: int
    cells: CellRun


class NotAFrame(Exception):
    """A write holds more than cursor addresses, styles and text."""


class FrameParser:
    """Parses frames, with a cache: most lines of most frames come again."""

    def __init__(self) -> None:
        self.styles: CodeTable[CellStyle] = CodeTable(0)
        self.clusters: CodeTable[str] = CodeTable(CLUSTERS)
        self._cache: dict[str, CellRun] = {}
        self.styles.encode(DEFAULT_STYLE)

    @property
    def is_full(self) -> bool:
        """Whether a new parser, and with it a new screen buffer, should replace this one."""
        return self.styles.is_full or self.clusters.is_full

    def parse(self, data: str) -> list[Piece]:
        """Return the pieces of a frame.

        Raises:
            NotAFrame: it is no frame, or holds an unknown sequence.
        """
        before, *rest = _ADDRESS.split(data)
        if before or not rest:
            raise NotAFrame
        places = zip(rest[::3], rest[1::3], rest[2::3], strict=True)
        return [Piece(int(y) - 1, int(x) - 1, self._cells(content)) for y, x, content in places]

    def _cells(self, content: str) -> CellRun:
        cells = self._cache.get(content)
        if cells is None:
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            cells = self._cache[content] = self._parse(content.removesuffix("\n"))
        return cells

    def _parse(self, content: str) -> CellRun:
        first, *parts = content.split("\x1b[")
        characters = [self._characters(first)]
        styles = [self.styles.encode(DEFAULT_STYLE) * len(characters[0])]
        parameters = ""
        for part in parts:
            codes, m, text = part.partition("m")
            if not m or not _PARAMETERS.fullmatch(codes):
                raise NotAFrame
            parameters = "" if codes in ("", "0") else f"{parameters};{codes}" if parameters else codes
            if text:
                characters.append(self._characters(text))
                styles.append(self._styles(parameters, characters[-1]))
        if parameters:
            raise NotAFrame
        return CellRun("".join(characters), "".join(styles))

    def _styles(self, parameters: str, characters: str) -> str:
        """Return the encoded style of each character; one blank equals another that looks the same."""
        style = parse_style(parameters)
        if style is None:
            raise NotAFrame
        code, blank = self.styles.encode(style), self.styles.encode(blank_style(style))
        return "".join(blank if character == " " else code for character in characters)

    def _characters(self, text: str) -> str:
        """Return a character for each cell that `text` takes by Textual's measure."""
        if text.isascii() and text.isprintable():
            return text
        if _CONTROL.search(text):
            raise NotAFrame
        characters: list[str] = []
        for character in text:
            width = cell_len(character)
            if width:
                encoded = character if ord(character) < CLUSTERS else self.clusters.encode(character)
                characters += [encoded, FILLER][:width]
            else:
                self._add_combining_mark(characters, character)
        if len(characters) != cell_len(text):
            raise NotAFrame
        return "".join(characters)

    def _add_combining_mark(self, characters: list[str], mark: str) -> None:
        """Encode the last character with a combining mark as one cluster."""
        if not characters:
            raise NotAFrame
        index = -2 if characters[-1] == FILLER else -1
        characters[index] = self.clusters.encode(self.text(characters[index]) + mark)

    def text(self, characters: str) -> str:
        """Return the text to send to a terminal for `characters`."""
        if characters.isascii() and FILLER not in characters:
            return characters
        return "".join(
            character if ord(character) < CLUSTERS else self.clusters.decode(character)
            for character in characters
            if character != FILLER
        )
