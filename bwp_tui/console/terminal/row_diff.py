"""Compare what a line should show with what it shows: the cells that differ, and text that the terminal can move."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from operator import ne, or_
from typing import Final, NamedTuple

from bwp_tui.console.terminal.frame_parser import CLUSTERS, FILLER

UNKNOWN: Final = "\x01"
"""A cell that Textual has not painted since the buffer was invalidated."""

STALE: Final = "\x02"
"""A known cell that the terminal may show differently."""

AMBIGUOUS_WIDTH: Final = re.compile(f"[{FILLER}{chr(CLUSTERS)}-\U0010ffff]")
"""Characters whose width differs between terminals."""

_MOVE_COST: Final = 10
"""Bytes that a position and a change of style take, about."""

_MIN_COST: Final = 50
"""Bytes of a line's changes from which on its text is looked for further left or right."""

_FEWEST_LINES: Final = 4
"""Changed lines from which on text is looked for above and below."""

_MOST_LINES: Final = 3
"""How far it is looked for."""

_COMPARED: Final = 12
"""Characters of a line by which text is found further left or right."""


class Row(NamedTuple):
    """A line of the screen: the character and the encoded style of each cell."""

    characters: str
    styles: str


class Scroll(NamedTuple):
    """Lines from `top` to `bottom` whose text moves up, or down by a negative number of lines."""

    top: int
    bottom: int
    lines: int

    def applied(self, rows: Sequence[Row]) -> list[Row]:
        """Return what a terminal shows after it."""
        part, new = rows[self.top : self.bottom + 1], [_stale(len(rows[0].characters))] * abs(self.lines)
        part = [*part[self.lines :], *new] if self.lines > 0 else [*new, *part[: self.lines]]
        return [*rows[: self.top], *part, *rows[self.bottom + 1 :]]


class Shift(NamedTuple):
    """The text of a line from column `x` on, which moves right, or left by a negative number of cells."""

    x: int
    cells: int

    def applied(self, row: Row) -> Row:
        """Return what a terminal shows after it."""
        parts = []
        for each, new in zip(row, _stale(abs(self.cells)), strict=True):
            start, end = each[: self.x], each[self.x :]
            parts.append(start + (new + end[: -self.cells] if self.cells > 0 else end[-self.cells :] + new))
        return Row(*parts)


def find_scroll(rows: Sequence[Row], shown: Sequence[Row], changed: Sequence[int]) -> Scroll | None:
    """Return the lines that are cheapest to write once their text has been moved up or down; None where none are."""
    if len(changed) < _FEWEST_LINES or any(UNKNOWN in row.characters for row in (*rows, *shown)):
        return None
    costs = {y: _cost(rows[y], shown[y]) for y in changed}
    columns = len(rows[0].characters)
    most, best = 2 * _MOVE_COST, None
    for lines in (*range(1, _MOST_LINES + 1), *range(-_MOST_LINES, 0)):
        gain = top = 0
        for y in range(max(0, changed[0], -lines), min(changed[-1] + 1, len(rows) - lines)):
            if gain <= 0:
                gain, top = 0, y
            gain += costs[y] - _cost(rows[y], shown[y + lines]) if y in costs else -columns
            new = range(y + 1, y + lines + 1) if lines > 0 else range(top + lines, top)
            if (total := gain - sum(columns - costs.get(each, 0) for each in new)) > most:
                most, best = total, Scroll(min(top, top + lines), max(y, y + lines), lines)
    return best


def find_shift(row: Row, shown: Row) -> Shift | None:
    """Return how the text that follows the first change has moved, where the line is cheaper to write after it."""
    new, old = row.characters, shown.characters
    if UNKNOWN in old or STALE in old or AMBIGUOUS_WIDTH.search(new + old) or (cost := _cost(row, shown)) < _MIN_COST:
        return None
    x = next((x for x, (one, other) in enumerate(zip(new, old, strict=True)) if one != other), len(new))
    for place in range(x, x + 3 * _COMPARED, _COMPARED):
        sample = old[place : place + _COMPARED]
        found = new.find(sample, x) if sample.strip() else -1
        if found not in (-1, place) and _cost(row, Shift(x, found - place).applied(shown)) + _MOVE_COST < cost:
            return Shift(x, found - place)
    return None


def changed_runs(row: Row, shown: Row) -> Iterator[tuple[int, int]]:
    """Yield start and end of each part of a line to write."""
    if row == shown:
        return
    if any(AMBIGUOUS_WIDTH.search(each.characters) for each in (row, shown)):
        yield from (match.span() for match in re.finditer(f"[^{UNKNOWN}]+", row.characters))
    else:
        characters, styles = (map(ne, *each) for each in zip(row, shown, strict=True))
        yield from (match.span() for match in re.finditer(rb"\x01+", bytes(map(or_, characters, styles))))


def _cost(row: Row, shown: Row) -> int:
    """Return about how many bytes it takes to change a line's characters to others."""
    differences = bytes(map(ne, row.characters, shown.characters))
    return min(len(differences), differences.count(1) + _MOVE_COST * differences.count(b"\0\0\0\1"))


def _stale(cells: int) -> Row:
    return Row(STALE * cells, STALE * cells)
