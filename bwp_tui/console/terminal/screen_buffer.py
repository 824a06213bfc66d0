"""What the screen is to show, what it shows, and the bytes that lead from one to the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from bwp_tui.console.terminal.frame_parser import CLUSTERS, FILLER, FrameParser, NotUnderstood, Piece
from bwp_tui.console.terminal.sgr import DEFAULT_STYLE, CellStyle, change

_UNKNOWN: Final = "\x01"
"""A cell of which nothing is known: Textual has not painted it since the screen was last lost."""

_LOST: Final = "\x02"
"""A cell that is known, and of which the terminal may show anything."""

_UNSURE: Final = re.compile(f"[{FILLER}{chr(CLUSTERS)}-\U0010ffff]")
"""Terminals differ in how wide they draw such letters."""

_SAME_LOOK: Final = re.compile(r"(.)\1*", re.DOTALL)
_JOINED: Final = 4
"""Unchanged cells between two changed ones that cost no more than to move the cursor over them."""


class ScreenBuffer:
    """The screen in cells, twice: as Textual wants it, and as the terminal has it."""

    def __init__(self, columns: int, lines: int) -> None:
        self._reader = FrameParser()
        self._resize(columns, lines)

    def _resize(self, columns: int, lines: int) -> None:
        self._columns, self._lines = columns, lines
        self._letters = [_UNKNOWN * columns] * lines
        self._looks = [_UNKNOWN * columns] * lines
        self._shown_letters = list(self._letters)
        self._shown_looks = list(self._looks)
        self._changed: set[int] = set()
        self._cursor: tuple[int, int] | None = None
        self._wanted_cursor: tuple[int, int] | None = None

    def invalidate(self) -> None:
        """Know nothing any more of what is wanted and shown: all that Textual paints from now on is sent."""
        if self._reader.is_full:
            self._reader = FrameParser()
        self._resize(self._columns, self._lines)

    def resize(self, columns: int, lines: int) -> None:
        """Take note that the terminal has, or may have, another size; it may show anything now."""
        if (columns, lines) == (self._columns, self._lines):
            self.repaint_all()
        else:
            self._resize(columns, lines)

    def repaint_all(self) -> None:
        """Send the whole screen with the next changes: the terminal may show anything."""
        self._shown_letters = [re.sub(f"[^{_UNKNOWN}]", _LOST, row, flags=re.DOTALL) for row in self._letters]
        self._changed = set(range(self._lines))
        self._cursor = None

    def apply_frame(self, data: str) -> None:
        """Take over a frame as Textual writes it.

        Raises:
            NotUnderstood: it is none, or paints outside the screen; nothing was taken over.
        """
        pieces = self._reader.read(data)
        self._check(pieces)
        for piece in pieces:
            if piece.cells.letters:
                self._put(piece)
        last = pieces[-1]
        self._wanted_cursor = None if last.cells.letters else (last.y, last.x)

    def _check(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if piece.y >= self._lines or piece.x + len(piece.cells.letters) > self._columns:
                raise NotUnderstood

    def _put(self, piece: Piece) -> None:
        y, start, end = piece.y, piece.x, piece.x + len(piece.cells.letters)
        letters, looks = self._letters[y], self._looks[y]
        before, after = letters[:start], letters[end:]
        if letters[start] == FILLER:  # half a wide character that is covered leaves a blank
            before = before[:-1] + " "
        if after[:1] == FILLER:
            after = " " + after[1:]
        self._letters[y] = before + piece.cells.letters + after
        self._looks[y] = looks[:start] + piece.cells.styles + looks[end:]
        self._changed.add(y)

    def changes(self) -> str:
        """Return what leads the terminal from what it shows to what it is to show; nothing where that is the same.

        It begins with an absolute position: something else may have written to the terminal and left its cursor there.
        """
        pen = _Pen(self._reader, self._columns)
        for y in sorted(self._changed):
            for start, end in self._runs(y):
                pen.draw(y, start, self._letters[y][start:end], self._looks[y][start:end])
            self._shown_letters[y], self._shown_looks[y] = self._letters[y], self._looks[y]
        self._changed.clear()
        if not pen.written and self._wanted_cursor in (None, self._cursor):
            return ""
        pen.end(self._wanted_cursor)
        self._cursor = pen.cursor
        return pen.written

    def _runs(self, y: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of a line, from and to, that are to be written."""
        letters, looks = self._letters[y], self._looks[y]
        shown, shown_looks = self._shown_letters[y], self._shown_looks[y]
        if letters == shown and looks == shown_looks:
            return
        if _UNSURE.search(letters) or _UNSURE.search(shown):
            yield from (match.span() for match in re.finditer(f"[^{_UNKNOWN}]+", letters))
            return
        start = end = -1
        quads = zip(letters, shown, looks, shown_looks, strict=True)
        for x in (x for x, (new, old, look, old_look) in enumerate(quads) if new != old or look != old_look):
            if start < 0:
                start = x
            elif x > end and not self._is_bridge(y, end, x):
                yield start, end
                start = x
            end = x + 1
        yield start, end

    def _is_bridge(self, y: int, start: int, end: int) -> bool:
        """Whether what stands between two runs is better written than passed over."""
        if end - start > _JOINED or _UNKNOWN in self._letters[y][start:end]:
            return False
        return len(set(self._looks[y][start - 1 : end])) == 1


class _Pen:
    """Writes cells, moving the cursor and changing the look as cheaply as is safe everywhere."""

    def __init__(self, reader: FrameParser, columns: int) -> None:
        self.cursor: tuple[int, int] | None = None
        self._reader = reader
        self._columns = columns
        self._look: CellStyle = DEFAULT_STYLE
        self._parts: list[str] = []

    @property
    def written(self) -> str:
        """The bytes up to now."""
        return "".join(self._parts)

    def draw(self, y: int, x: int, letters: str, looks: str) -> None:
        """Write cells of one line."""
        self._move(y, x)
        for match in _SAME_LOOK.finditer(looks):
            look = self._reader.looks.thing(match[1])
            self._parts.append(change(self._look, look))
            self._parts.append(self._reader.text(letters[match.start() : match.end()]))
            self._look = look
        end = x + len(letters)
        # After the last column terminals differ in where the cursor is; after letters of doubtful width too.
        self.cursor = None if end >= self._columns or _UNSURE.search(letters) else (y, end)

    def end(self, cursor: tuple[int, int] | None) -> None:
        """Leave the terminal with a plain look, and the cursor where it is wanted."""
        self._parts.append(change(self._look, DEFAULT_STYLE))
        self._look = DEFAULT_STYLE
        if cursor is not None:
            self._move(*cursor)

    def _move(self, y: int, x: int) -> None:
        if (y, x) == self.cursor:
            return
        ways = [f"\x1b[{y + 1};{x + 1}H"]
        if self.cursor is not None and self.cursor[0] == y:
            ways.append(f"\x1b[{x + 1}G")
            if (steps := x - self.cursor[1]) > 0:
                ways.append(f"\x1b[{steps if steps > 1 else ''}C")
        self._parts.append(min(ways, key=len))
        self.cursor = (y, x)
