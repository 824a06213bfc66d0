"""Hold the cells as Textual painted them and as the terminal shows them, and compute the bytes that update it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bwp_tui.console.terminal.ansi_writer import AnsiWriter
from bwp_tui.console.terminal.frame_parser import FILLER, FrameParser, NotAFrame, Piece
from bwp_tui.console.terminal.row_diff import STALE, UNKNOWN, Row, changed_runs, find_scroll, find_shift


class ScreenBuffer:
    """The screen in cells, twice: as Textual painted it, and as the terminal shows it."""

    def __init__(self, columns: int, lines: int) -> None:
        self._parser = FrameParser()
        self._resize(columns, lines)

    def _resize(self, columns: int, lines: int) -> None:
        self._columns, self._lines = columns, lines
        self._rows = [Row(UNKNOWN * columns, UNKNOWN * columns)] * lines
        self._shown = list(self._rows)
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
        pattern = re.compile(f"[^{UNKNOWN}]", re.DOTALL)
        self._shown = [Row(pattern.sub(STALE, characters), styles) for characters, styles in self._rows]
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
        characters, styles = self._rows[y]
        before, after = characters[:start], characters[end:]
        if characters[start] == FILLER:  # half a wide character that is covered leaves a blank
            before = before[:-1] + " "
        if after[:1] == FILLER:
            after = " " + after[1:]
        self._rows[y] = Row(before + piece.cells.characters + after, styles[:start] + piece.cells.styles + styles[end:])
        self._changed.add(y)

    def changes(self) -> str:
        """Return the bytes that update the terminal; empty if it is up to date.

        It begins with an absolute position: something else may have written to the terminal and left its cursor there.
        """
        rows, shown = self._rows, self._shown
        changed: Sequence[int] = sorted(y for y in self._changed if rows[y] != shown[y])
        self._shown = list(rows)
        self._changed.clear()
        writer = AnsiWriter(self._parser, self._columns)
        if (scroll := find_scroll(rows, shown, changed)) is not None:
            writer.scroll(scroll)
            shown, changed = scroll.applied(shown), range(self._lines)
        for y in changed:
            if (shift := find_shift(rows[y], shown[y])) is not None:
                writer.shift(y, shift)
                shown[y] = shift.applied(shown[y])
        writer.draw(rows, [(y, *run) for y in changed for run in changed_runs(rows[y], shown[y])])
        if not writer.written and self._target_cursor in (None, self._cursor):
            return ""
        writer.end(self._target_cursor)
        self._cursor = writer.cursor
        return writer.written
