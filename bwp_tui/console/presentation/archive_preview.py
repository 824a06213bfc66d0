"""The lines of the archive browser: entries and previews."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size

from bwp_tui.archive.entry import HOSTILE, Entry
from bwp_tui.archive.json_tree import Node
from bwp_tui.archive.preview import Preview, Table, Text, Tree
from bwp_tui.console.presentation.breakpoints import LIST_WIDE
from bwp_tui.console.presentation.format import pad
from bwp_tui.console.presentation.glyphs import Glyphs
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.domain.text import format_size

Mask = Callable[[str], str]
"""Masks the email in a text, where the screen masks."""

_SIZE: Final = 9
_DATE: Final = 16
_WIDEST_CELL: Final = 40
_BETWEEN: Final = "  "
_INDENT: Final = 2
_HINT: Final = 60
_MAX_INDENTED: Final = 20
"""Levels that are indented; deeper ones are indented as the last of them."""


class EntryRows:
    """The list of entries, for a line of `width` cells."""

    def __init__(self, entries: Sequence[Entry], width: int, mask: Mask) -> None:
        self._entries = entries
        self._mask = mask
        self._shows_packed = width >= LIST_WIDE
        self._name = max(12, width - (_SIZE + 2) * (2 if self._shows_packed else 1) - _DATE - 3)

    @property
    def header(self) -> list[StyledText]:
        packed = f"  {'PACKED':>{_SIZE}}" if self._shows_packed else ""
        return [(f"{'NAME':<{self._name}}  {'SIZE':>{_SIZE}}{packed}  MODIFIED", "muted")]

    def line(self, row: int) -> list[StyledText]:
        entry = self._entries[row]
        name, flaws = self._mask(entry.name), ", ".join(entry.flaws)
        if cell_len(name) > self._name:
            name = f"{set_cell_size(name, self._name - 1)}…"
        hostile = any(flaw in HOSTILE for flaw in entry.flaws)
        remark = f"  {flaws}" if flaws else ""
        room = self._name - cell_len(name)
        bytes_of = "" if entry.is_folder else format_size(entry.size)
        packed = "" if entry.is_folder else format_size(entry.packed)
        modified = f"{entry.modified:%Y-%m-%d %H:%M}" if entry.modified else ""
        return [
            (name, "bad" if hostile else "muted" if entry.is_folder else "plain"),
            (set_cell_size(remark, room), "bad" if hostile else "warn"),
            (f"  {bytes_of:>{_SIZE}}", "plain"),
            (f"  {packed:>{_SIZE}}" if self._shows_packed else "", "muted"),
            (f"  {modified}", "muted"),
        ]


class TreeRows:
    """A foldable JSON tree. Everything below the second level starts folded."""

    def __init__(self, tree: Tree, glyphs: Glyphs, mask: Mask) -> None:
        self._nodes = tree.nodes
        self._mask = mask
        self._signs = ("+ ", "- ") if glyphs.ascii_only else ("▸ ", "▾ ")
        self._folded = {index for index, node in enumerate(tree.nodes) if node.inside and node.depth > 0}
        self._has_matches: set[int] = set()
        self._visible = self._unfolded()

    def __len__(self) -> int:
        return len(self._visible)

    def toggle_fold(self, row: int) -> int:
        """Fold or unfold the row's node, or fold the parent of a value; return the row of the folded node."""
        index = self._visible[row]
        if not self._nodes[index].inside:
            index = self._parent(index)
        if self._is_folded(index):
            self._folded.remove(index)
        else:
            self._folded.add(index)
            self._has_matches.discard(index)
        self._visible = self._unfolded()
        return self._visible.index(index)

    def unfold_matches(self, pattern: re.Pattern[str] | None, row: int) -> int:
        """Show what matches unfolded, until this is called again; return the row of what was at `row`."""
        index, above = self._visible[row], list[int]()
        self._has_matches.clear()
        for at, node in enumerate(self._nodes if pattern is not None else ()):
            while above and self._nodes[above[-1]].end <= at:
                above.pop()
            if pattern is not None and pattern.search(
                self._mask(f"{node.key}: {node.value}" if node.key else node.value)
            ):
                for parent in reversed(above):
                    if parent in self._has_matches:
                        break
                    self._has_matches.add(parent)
            if node.inside:
                above.append(at)
        self._visible = self._unfolded()
        return bisect_right(self._visible, index) - 1

    def _is_folded(self, index: int) -> bool:
        return index in self._folded and index not in self._has_matches

    def line(self, row: int) -> list[StyledText]:
        index = self._visible[row]
        node = self._nodes[index]
        sign = self._signs[not self._is_folded(index)] if node.inside else "  "
        texts: list[StyledText] = [(" " * _INDENT * min(node.depth, _MAX_INDENTED), "plain"), (sign, "accent")]
        if node.key is not None:
            texts += [(self._mask(node.key), "key"), (": ", "muted")]
        if not node.is_container:
            return [*texts, self._value(node)]
        count = f"{node.inside} " if node.inside else ""
        texts.append((f"{node.value} {count}{'}' if node.value == '{' else ']'}", "muted"))
        if self._is_folded(index):
            texts.append((f"  {self._folded_values(index)}", "plain"))
        return texts

    def _folded_values(self, index: int) -> str:
        """Return the first values in a folded node, to distinguish it from the next."""
        node, values, at = self._nodes[index], "", index + 1
        while at < node.end and len(values) < _HINT:
            inner = self._nodes[at]
            values += f"{'  ' if values else ''}{'…' if inner.is_container else self._mask(inner.value)}"
            at = inner.end
        return values

    def _value(self, node: Node) -> StyledText:
        if node.value.startswith('"'):
            return self._mask(node.value), "plain"
        return node.value, "muted" if node.value == "null" else "busy"

    def _parent(self, index: int) -> int:
        """Return the parent of a node, or the node itself at the top."""
        depth = self._nodes[index].depth
        return next((above for above in range(index, -1, -1) if self._nodes[above].depth < depth), index)

    def _unfolded(self) -> list[int]:
        visible, index = [], 0
        while index < len(self._nodes):
            visible.append(index)
            index = self._nodes[index].end if self._is_folded(index) else index + 1
        return visible


def preview_title(preview: Preview) -> str:
    match preview:
        case Tree():
            return "JSON"
        case Table():
            return "table"
        case Text():
            return preview.kind


def columns_of(table: Table) -> int:
    """Return how many columns a table has."""
    return max(len(row) for row in table.rows)


def record_lines(table: Table, row: int, width: int, mask: Mask) -> list[str]:
    """Return all cells of a row, each after its title, wrapped at `width`."""
    titles, cells = table.rows[0], table.rows[row]
    lines: list[str] = []
    for column in range(max(len(titles), len(cells))):
        title = titles[column] if column < len(titles) else f"column {column + 1}"
        cell = cells[column] if column < len(cells) else ""
        lines += chop_cells(mask(f"{title}: {cell}"), width)
    return lines


def table_lines(table: Table, width: int, mask: Mask, first: int = 0) -> list[str]:
    """Return a table's rows from column `first` on, aligned; cells beyond `width` are cut first in wide columns."""
    rows = [[mask(cell) for cell in row[first:]] for row in table.rows]
    whole: list[int] = []
    for row in rows:
        whole += [0] * (len(row) - len(whole))
        for column, cell in enumerate(row):
            whole[column] = max(whole[column], cell_len(cell))
    widths = [min(_WIDEST_CELL, cells) for cells in whole]
    for column, cells in enumerate(whole):
        room = max(0, width - sum(widths) - len(_BETWEEN) * (len(widths) - 1))
        widths[column] = min(cells, widths[column] + room)
    return [_BETWEEN.join(pad(cell, width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]


def text_lines(text: Text, width: int, mask: Mask) -> list[str]:
    """Return the lines of a text, wrapped at `width`."""
    return [piece for line in text.lines for piece in (chop_cells(mask(line), width) or [""])]


def whole_lines(preview: Preview, mask: Mask) -> list[str]:
    """Return all lines of a preview for another program: cells between tabs, JSON unfolded."""
    match preview:
        case Tree():
            texts = [
                f"{' ' * _INDENT * node.depth}{'' if node.key is None else f'{node.key}: '}{node.value}"
                for node in preview.nodes
            ]
        case Table():
            texts = ["\t".join(row) for row in preview.rows]
        case Text():
            texts = list(preview.lines)
    if preview.is_cut:
        texts.append("(The preview ends here; extract the archive for the rest.)")
    return [mask(text) for text in texts]
