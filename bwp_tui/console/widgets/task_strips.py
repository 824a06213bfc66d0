"""Lines of the task table, painted: as few runs of one colour as it takes, for each costs some 45 bytes on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from bwp_tui.console.widgets.columns import Cell, Glyphs, Placed, fit

StyleOf = Callable[..., Style]
"""Gives the style of component classes (`task-table--<name>`), the later ones above the earlier."""


def row_strip(
    cells: Sequence[Cell], placed: Sequence[Placed], width: int, glyphs: Glyphs, style_of: StyleOf, *, current: bool
) -> Strip:
    """Return one task's line; `current` is the row the cursor is on."""
    pieces = [(0, Cell(glyphs.cursor if current else " ", "pointer" if current else "row"))]
    pieces += [(place.x, cell) for place, cell in zip(placed, cells, strict=True)]
    return _strip(pieces, width, lambda style: style_of(*_names(style, current=current)))


def _names(style: str, *, current: bool) -> Iterator[str]:
    yield style
    if current:
        yield "cursor"
        if style == "subject":
            yield "cursor-subject"


def header_strip(placed: Sequence[Placed], width: int, glyphs: Glyphs, style_of: StyleOf) -> Strip:
    """Return the line of the column titles."""
    pieces = [(0, Cell("", "header"))]
    for place in placed:
        title = fit(place.column.title.upper(), place.width, glyphs, right=place.column.right)
        pieces.append((place.x, Cell(title, "header")))
    return _strip(pieces, width, style_of)


def _strip(pieces: Sequence[tuple[int, Cell]], width: int, style_of: Callable[[str], Style]) -> Strip:
    """Join pieces of text at their places. Blanks between two belong to the left one: they show its background only."""
    runs: list[tuple[str, Style]] = []
    ends = [x for x, _ in pieces[1:]] + [width]
    for (x, cell), end in zip(pieces, ends, strict=True):
        text = cell.text + " " * (end - x - cell_len(cell.text))
        style = style_of(cell.style)
        if runs and (style == runs[-1][1] or not cell.text.strip()):
            runs[-1] = (runs[-1][0] + text, runs[-1][1])
        else:
            runs.append((text, style))
    return Strip([Segment(text, style) for text, style in runs]).adjust_cell_length(width, runs[-1][1])
