"""Hold the cells that the screen should show and those that it shows, and compute the bytes from one to the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from bwp_tui.console.terminal.frame_parser import CLUSTERS, FILLER, FrameParser, NotAFrame, Piece
from bwp_tui.console.terminal.sgr import DEFAULT_STYLE, CellStyle, style_change

_UNKNOWN: Final = "\x01"
"""A cell that Textual has not painted since the buffer was invalidated."""

_STALE: Final = "\x02"
"""A known cell that the terminal may show differently."""

_AMBIGUOUS_WIDTH: Final = re.compile(f"[{FILLER}{chr(CLUSTERS)}-\U0010ffff]")
"""Characters whose width differs between terminals."""

_SAME_STYLE: Final = re.compile(r"(.)\1*", re.DOTALL)
_MAX_REWRITTEN: Final = 4
"""Unchanged cells between two changed ones that are as cheap to write as to skip."""


class ScreenBuffer:
    """The screen in cells, twice: as Textual painted it, and as the terminal shows it."""

    def __init__(self, columns: int, lines: int) -> None:
        self._parser = FrameParser()
        self._resize(columns, lines)

    def _resize(self, columns: int, lines: int) -> None:
        self._columns, self._lines = columns, lines
        self._characters = [_UNKNOWN * columns] * lines
        self._styles = [_UNKNOWN * columns] * lines
        self._shown_characters = list(self._characters)
        self._shown_styles = list(self._styles)
        self._changed: set[int] = set()
        self._cursor: tuple[int, int] | None = None
        self._target_cursor: tuple[int, int] | None = None

    def invalidate(self) -> None:
        """Forget all cells: everything that Textual paints from now on is sent."""
        if self._parser.is_full:
            self._parser = FrameParser()
        self._resize(self._columns, self._lines)

    def resize(self, columns: int, lines: int) -> None:
        """Set the terminal's size, after which it may show anything."""
        if (columns, lines) == (self._columns, self._lines):
            self.repaint_all()
        else:
            self._resize(columns, lines)

    def repaint_all(self) -> None:
        """Send the whole screen with the next changes: the terminal may show something else."""
        self._shown_characters = [re.sub(f"[^{_UNKNOWN}]", _STALE, row, flags=re.DOTALL) for row in self._characters]
        self._changed = set(range(self._lines))
        self._cursor = None

    def apply_frame(self, data: str) -> None:
        """Apply a frame as Textual writes it.

        Raises:
            NotAFrame: it is no frame, or paints outside the screen; nothing was applied.
        """
        pieces = self._parser.parse(data)
        self._check(pieces)
        for piece in pieces:
            if piece.cells.characters:
                self._apply_piece(piece)
        last = pieces[-1]
        self._target_cursor = None if last.cells.characters else (last.y, last.x)

    def _check(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if piece.y >= self._lines or piece.x + len(piece.cells.characters) > self._columns:
                raise NotAFrame

    def _apply_piece(self, piece: Piece) -> None:
        y, start, end = piece.y, piece.x, piece.x + len(piece.cells.characters)
        characters, styles = self._characters[y], self._styles[y]
        before, after = characters[:start], characters[end:]
        if characters[start] == FILLER:  # half a wide character that is covered leaves a blank
            before = before[:-1] + " "
        if after[:1] == FILLER:
            after = " " + after[1:]
        self._characters[y] = before + piece.cells.characters + after
        self._styles[y] = styles[:start] + piece.cells.styles + styles[end:]
        self._changed.add(y)

    def changes(self) -> str:
        """Return the bytes that update the terminal; empty if it is up to date.

        It begins with an absolute position: something else may have written to the terminal and left its cursor there.
        """
        writer = _AnsiWriter(self._parser, self._columns)
        for y in sorted(self._changed):
            for start, end in self._changed_runs(y):
                writer.draw(y, start, self._characters[y][start:end], self._styles[y][start:end])
            self._shown_characters[y], self._shown_styles[y] = self._characters[y], self._styles[y]
        self._changed.clear()
        if not writer.written and self._target_cursor in (None, self._cursor):
            return ""
        writer.end(self._target_cursor)
        self._cursor = writer.cursor
        return writer.written

    def _changed_runs(self, y: int) -> Iterator[tuple[int, int]]:
        """Yield start and end of each part of a line to write."""
        characters, styles = self._characters[y], self._styles[y]
        shown, shown_styles = self._shown_characters[y], self._shown_styles[y]
        if characters == shown and styles == shown_styles:
            return
        if _AMBIGUOUS_WIDTH.search(characters) or _AMBIGUOUS_WIDTH.search(shown):
            yield from (match.span() for match in re.finditer(f"[^{_UNKNOWN}]+", characters))
            return
        start = end = -1
        quads = zip(characters, shown, styles, shown_styles, strict=True)
        for x in (x for x, (new, old, style, old_style) in enumerate(quads) if new != old or style != old_style):
            if start < 0:
                start = x
            elif x > end and not self._is_bridge(y, end, x):
                yield start, end
                start = x
            end = x + 1
        yield start, end

    def _is_bridge(self, y: int, start: int, end: int) -> bool:
        """Return whether the cells between two runs are cheaper to write than to skip."""
        if end - start > _MAX_REWRITTEN or _UNKNOWN in self._characters[y][start:end]:
            return False
        return len(set(self._styles[y][start - 1 : end])) == 1


class _AnsiWriter:
    """Writes cells with the shortest moves and style changes that every terminal understands."""

    def __init__(self, parser: FrameParser, columns: int) -> None:
        self.cursor: tuple[int, int] | None = None
        self._parser = parser
        self._columns = columns
        self._style: CellStyle = DEFAULT_STYLE
        self._parts: list[str] = []

    @property
    def written(self) -> str:
        return "".join(self._parts)

    def draw(self, y: int, x: int, characters: str, styles: str) -> None:
        """Write cells of one line."""
        self._move(y, x)
        for match in _SAME_STYLE.finditer(styles):
            style = self._parser.styles.decode(match[1])
            self._parts.append(style_change(self._style, style))
            self._parts.append(self._parser.text(characters[match.start() : match.end()]))
            self._style = style
        end = x + len(characters)
        # After the last column terminals differ in where the cursor is; after characters of doubtful width too.
        self.cursor = None if end >= self._columns or _AMBIGUOUS_WIDTH.search(characters) else (y, end)

    def end(self, cursor: tuple[int, int] | None) -> None:
        """Reset the style, and move the cursor to its position."""
        self._parts.append(style_change(self._style, DEFAULT_STYLE))
        self._style = DEFAULT_STYLE
        if cursor is not None:
            self._move(*cursor)

    def _move(self, y: int, x: int) -> None:
        if (y, x) == self.cursor:
            return
        moves = [f"\x1b[{y + 1};{x + 1}H"]
        if self.cursor is not None and self.cursor[0] == y:
            moves.append(f"\x1b[{x + 1}G")
            if (steps := x - self.cursor[1]) > 0:
                moves.append(f"\x1b[{steps if steps > 1 else ''}C")
        self._parts.append(min(moves, key=len))
        self.cursor = (y, x)
