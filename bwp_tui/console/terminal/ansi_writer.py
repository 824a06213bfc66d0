"""Write the bytes that make a terminal show other cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bwp_tui.console.terminal.frame_parser import FrameParser
from bwp_tui.console.terminal.row_diff import AMBIGUOUS_WIDTH, UNKNOWN, Row, Scroll, Shift
from bwp_tui.console.terminal.sgr import DEFAULT_STYLE, CellStyle, blank_style, style_change

_SAME_STYLE: Final = re.compile(r"(.)\1*", re.DOTALL)
_MOST_REWRITTEN: Final = 6
"""Unchanged cells between two changed ones that may be as cheap to write as to skip."""

Run = tuple[int, int, int]
"""Adjacent cells: their line, the first column, and the one after the last."""


class AnsiWriter:
    """Writes cells with the shortest moves and style changes that every terminal understands.

    Attributes:
        cursor: line and column; None where terminals differ in it.
    """

    def __init__(self, parser: FrameParser, columns: int) -> None:
        self.cursor: tuple[int, int] | None = None
        self._parser = parser
        self._columns = columns
        self._style: CellStyle = DEFAULT_STYLE
        self._parts: list[str] = []

    @property
    def written(self) -> str:
        return "".join(self._parts)

    def scroll(self, scroll: Scroll) -> None:
        """Move lines: delete some at one end and insert as many at the other."""
        count = abs(scroll.lines)
        ends = (scroll.top, scroll.bottom + 1 - count)
        deleted, inserted = ends if scroll.lines > 0 else reversed(ends)
        self._parts.append(f"\x1b[{deleted + 1};1H\x1b[{count}M\x1b[{inserted + 1};1H\x1b[{count}L")
        self.cursor = None

    def shift(self, y: int, shift: Shift) -> None:
        """Move the end of a line: insert or delete cells."""
        self._move(y, shift.x)
        self._parts.append(f"\x1b[{abs(shift.cells)}{'@' if shift.cells > 0 else 'P'}")

    def draw(self, rows: Sequence[Row], runs: Iterable[Run]) -> None:
        """Write the cells of runs: all of a style together, since a move takes fewer bytes than a change of style."""
        segments: dict[str, dict[CellStyle, list[Run]]] = {}
        for run in runs:
            for style, segment in self._segments(rows[run[0]], run):
                segments.setdefault(style.background, {}).setdefault(style, []).append(segment)
        for styles in segments.values():
            for same in styles.values():
                for y, start, end in same:
                    self._move(y, start, rows[y])
                    self._parts.append(self._encoded(rows[y], start, end))
                    is_known = end < self._columns and not AMBIGUOUS_WIDTH.search(rows[y].characters, start, end)
                    self.cursor = (y, end) if is_known else None

    def end(self, cursor: tuple[int, int] | None) -> None:
        """Reset the style, and move the cursor to its position."""
        self._parts.append(style_change(self._style, DEFAULT_STYLE))
        self._style = DEFAULT_STYLE
        if cursor is not None:
            self._move(*cursor)

    def _segments(self, row: Row, run: Run) -> Iterator[tuple[CellStyle, Run]]:
        """Yield the parts of a run that are of one style; blanks are of that beside them."""
        y, start, end = run
        if AMBIGUOUS_WIDTH.search(row.characters):  # only the start of such a run is certain
            yield self._parser.styles.decode(row.styles[start]), run
            return
        last: CellStyle | None = None
        is_blank = True
        for match in _SAME_STYLE.finditer(row.styles, start, end):
            style = self._parser.styles.decode(match[1])
            here = row.characters[match.start() : match.end()].isspace()
            if last is not None:
                if here and blank_style(style, last) == last:
                    continue
                if not (is_blank and blank_style(last, style) == style):
                    yield last, (y, start, match.start())
                    start = match.start()
            last, is_blank = style, here
        if last is not None:
            yield last, (y, start, end)

    def _encoded(self, row: Row, start: int, end: int) -> str:
        """Return the text of cells with the changes of style that they need."""
        parts: list[str] = []
        for match in _SAME_STYLE.finditer(row.styles, start, end):
            style, text = self._parser.styles.decode(match[1]), row.characters[match.start() : match.end()]
            if text.isspace():
                style = blank_style(style, self._style)
            if style != self._style:
                parts.append(style_change(self._style, style))
                self._style = style
            parts.append(self._parser.text(text))
        return "".join(parts)

    def _move(self, y: int, x: int, row: Row | None = None) -> None:
        """Move to a cell; across a few unchanged ones of its line by writing these, where that is as short."""
        if (y, x) == self.cursor:
            return
        moves = [f"\x1b[{y + 1};{x + 1}H"]
        if self.cursor is not None and self.cursor[0] == y:
            moves.append(f"\x1b[{x + 1}G")
            start = self.cursor[1]
            if (steps := x - start) > 0:
                moves.append(f"\x1b[{steps if steps > 1 else ''}C")
            if row is not None and 0 < steps <= _MOST_REWRITTEN and UNKNOWN not in row.characters[start:x]:
                style, text = self._style, self._encoded(row, start, x)
                if self._style == style:
                    moves.insert(0, text)
                self._style = style
        self._parts.append(min(moves, key=len))
        self.cursor = (y, x)
