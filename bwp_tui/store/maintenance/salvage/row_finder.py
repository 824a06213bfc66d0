"""Find the rows of a damaged history in its pages, independently of its schema, and mark doubtful ones."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from bwp_tui.store.database.connection import SqlValue
from bwp_tui.store.maintenance.salvage.damaged_file import DamagedFile
from bwp_tui.store.maintenance.salvage.page_decoder import (
    INTERIOR,
    LEAF,
    PAGE_BYTES,
    RowHeader,
    cell_offsets,
    children,
    row_header_at,
    start_of,
    value_bytes_of,
    values_of,
    varint,
)
from bwp_tui.store.maintenance.salvage.table_shapes import SCHEMA, SEQUENCE, UUID_PATTERN, RowValues, TableShape, shapes

_INDEX: Final = (2, 10)
_NO_LEAVES: Final = (0, *_INDEX)
"""First bytes of pages that hold no rows: empty ones, continued ones, and those of indexes."""

_TOKEN: Final = re.compile(UUID_PATTERN.encode())

_NO_BOUND: Final = 1 << 62
_MAX_TRIALS: Final = 2_000
"""Rows for which each bit of their header is tried at most: about 20 ms each."""
_LONGEST_HEADER: Final = 96


class SalvagedRow(NamedTuple):
    """A row that was found; `key` is its key in the table, None if unknown."""

    key: int | None
    values: RowValues
    damaged_columns: tuple[str, ...] = ()
    """Columns whose values were damaged."""
    is_key_guessed: bool = False
    """Whether its key was guessed."""
    is_stale: bool = False
    """Whether no page points to its page: it may be an older copy."""
    written_key: int | None = None
    """The key that the file has, where it is not in order: it was guessed, or left out."""


class _Leaf(NamedTuple):
    """A page with rows of one table: its number, and the keys that determine its place among the others."""

    page_number: int
    from_wal: bool
    first: int
    second: int
    middle: int
    penultimate: int
    last: int


class _LeafBounds(NamedTuple):
    """A leaf, the keys before and after which its own must lie, and whether its rows may be older copies."""

    leaf: _Leaf
    low: int
    high: int
    is_stale: bool


class _Cell(NamedTuple):
    header: RowHeader | None
    values: Sequence[SqlValue] = ()
    is_whole: bool = False
    is_sound: bool = False


class Salvage:
    """The rows of a damaged file, whose pages are scanned once by the constructor and once by `rows`."""

    def __init__(self, file: DamagedFile, now: str) -> None:
        self.file = file
        self._now = now
        self._shapes = shapes()
        self._by_count: dict[int, list[TableShape]] = defaultdict(list)
        for shape in self._shapes.values():
            for count in range(shape.min_columns, len(shape.columns) + 1):
                self._by_count[count].append(shape)
        self._leaves: dict[str, list[_Leaf]] = defaultdict(list)
        self._children: dict[int, list[int]] = {}
        self._roots: dict[str, int] = {}
        self._leaves_with_doubtful_rows: dict[str, list[_LeafBounds]] = defaultdict(list)
        self._trials = _MAX_TRIALS
        self._free = frozenset(file.free_pages())
        self.unreadable: Counter[str] = Counter()
        """Rows of each table that were found but cannot be read."""
        for page_number in range(1, file.page_count + 1):
            self._classify_page(page_number, from_wal=True)
            if file.is_in_wal(page_number):
                self._classify_page(page_number, from_wal=False)
        self.highest_keys = {str(row.values["name"]): int(str(row.values["seq"])) for row in self.rows(SEQUENCE)}
        """The highest key that was ever given in a table, as far as that can be read."""
        objects = [row.values for row in self.rows(SCHEMA)]
        roots = {(str(each["type"]), str(each["name"])): int(str(each["rootpage"])) for each in objects}
        self._roots = {name: page_number for (kind, name), page_number in roots.items() if kind == "table"}
        self.index_roots = {name: page_number for (kind, name), page_number in roots.items() if kind == "index"}
        """The pages where indexes begin, as far as the schema can be read."""

    @property
    def tables(self) -> list[str]:
        """The tables whose rows are kept, the timeline first: it says which of two tasks has a task id."""
        own = [table for table in self._shapes if table not in (SCHEMA, SEQUENCE)]
        return sorted(own, key=lambda table: table != "timeline")

    def rows(self, table: str) -> Iterator[SalvagedRow]:
        """Yield the intact rows in the order of their keys; possibly outdated ones come last."""
        live, others = self._split_live_and_stale(table)
        shape = self._shapes[table]
        self._leaves_with_doubtful_rows[table] = []
        highest = None if table in (SCHEMA, SEQUENCE) else self.highest_keys.get(table)
        for bounds in [bounds for group in live for bounds in _in_order(group, highest, is_stale=False)]:
            yield from self._sound_rows(shape, bounds)
        if not self._leaves_with_doubtful_rows[table] and self._reachable_pages(table) is not None:
            others = [leaf for leaf in others if leaf.from_wal]  # which no page points to any more
        for bounds in _in_order(others, None, is_stale=True):
            yield from self._sound_rows(shape, bounds)

    def doubtful_rows(self, table: str) -> Iterator[SalvagedRow]:
        """Yield the rows that `rows` left out, repaired as far as possible; count those that cannot be."""
        shape = self._shapes[table]
        for bounds in self._leaves_with_doubtful_rows[table]:
            page = self._page(bounds.leaf)
            offsets, count = cell_offsets(page, start_of(bounds.leaf.page_number))
            cells = [self._cell(shape, page, offset) for offset in offsets]
            sound = _sound_in_order(shape, cells, bounds, count)
            below = bounds.low
            for index in range(count):
                if index in sound:
                    below = _key(cells[index]) or below
                    continue
                following, end = next(
                    ((later, key) for later in sound if later > index and (key := _key(cells[later]))),
                    (count, bounds.high),
                )
                above = end - (following - index) + 1
                if above <= below + 1:  # there is no room: the count is damaged, or one of the keys
                    above = end
                row = self._repair(
                    shape, page, _DoubtfulCell(offsets, index, below, above, start_of(bounds.leaf.page_number))
                )
                below = (row and row.key) or below + 1
                if row is None:
                    self.unreadable[table] += 1
                else:
                    yield row._replace(is_stale=bounds.is_stale)

    def indexed_tokens(self) -> Iterator[str]:
        """Yield the client tokens in the indexes: a second copy of those in the rows."""
        for page_number in range(1, self.file.page_count + 1):
            page = self.file.page(page_number)
            if page[start_of(page_number)] in _INDEX:
                yield from (token.decode() for token in _TOKEN.findall(page))

    def _classify_page(self, page_number: int, *, from_wal: bool) -> None:
        """Record a page that points to others, or a page with rows and their table."""
        page, start = self.file.page(page_number, from_wal=from_wal), start_of(page_number)
        if page[start] in _NO_LEAVES:
            return
        if page[start] == INTERIOR and from_wal:
            self._children[page_number] = children(page, start)
        offsets, count = cell_offsets(page, start)
        table = self._table_of(page, offsets, is_leaf=page[start] == LEAF)
        if table is not None:
            row_ids = [self._rowid(page, offset) for offset in offsets[:count] or offsets]
            keys = [row_ids[index] for index in _in_sequence(dict(enumerate(row_ids)))]
            edges = keys[0], keys[min(1, len(keys) - 1)], keys[len(keys) // 2], keys[max(-2, -len(keys))], keys[-1]
            self._leaves[table].append(_Leaf(page_number, from_wal, *edges))

    def _table_of(self, page: bytes, offsets: list[int], *, is_leaf: bool) -> str | None:
        """Return the table that the rows of a page fit best."""
        votes: Counter[str] = Counter()
        for offset in offsets:
            header = row_header_at(page, offset)
            fitting = self._by_count.get(len(header.types), ()) if header is not None else ()
            if header is None or not fitting:
                continue
            values = values_of(header.types, value_bytes_of(page, header, self.file.overflow)[0])
            for shape in fitting:
                if shape.fits(header.rowid, values):
                    votes[shape.table] += _VOTES_OF_INTACT_ROW
                    break
                votes[shape.table] += is_leaf and shape.is_like(values)
            if votes.total() >= _ENOUGH_VOTES:
                break
        return next((table for table, weight in votes.most_common(1) if weight), None)

    def _split_live_and_stale(self, table: str) -> tuple[list[list[_Leaf]], list[_Leaf]]:
        """Return the leaves of a table, grouped so that each key is in a group once, and those that may be outdated."""
        leaves = self._leaves[table]
        if self.file.wal_is_unrelated:
            groups: tuple[list[_Leaf], list[_Leaf]] = [], []
            for leaf in leaves:
                groups[leaf.from_wal and self.file.is_in_wal(leaf.page_number)].append(leaf)
            return list(groups), []
        reached = self._reachable_pages(table)
        live = [
            leaf
            for leaf in leaves
            if leaf.from_wal
            and (leaf.page_number not in self._free if reached is None else leaf.page_number in reached)
        ]
        taken = {(leaf.page_number, leaf.from_wal) for leaf in live}
        return [live], [
            leaf
            for leaf in leaves
            if (leaf.page_number, leaf.from_wal) not in taken and leaf.page_number not in self._free
        ]

    def _reachable_pages(self, table: str) -> set[int] | None:
        """Return the pages of a table, or None if one of them is missing."""
        leaves = {leaf.page_number for leaf in self._leaves[table] if leaf.from_wal}
        waiting, reached = [self._roots.get(table, 0)], set[int]()
        while waiting:
            page_number = waiting.pop()
            if page_number in reached or (page_number not in leaves and page_number not in self._children):
                return None
            reached.add(page_number)
            if page_number not in leaves:
                waiting.extend(self._children[page_number])
        return reached

    def _sound_rows(self, shape: TableShape, bounds: _LeafBounds) -> Iterator[SalvagedRow]:
        page = self._page(bounds.leaf)
        offsets, count = cell_offsets(page, start_of(bounds.leaf.page_number))
        cells = [self._cell(shape, page, offset) for offset in offsets]
        sound = _sound_in_order(shape, cells, bounds, count)
        if any(index not in sound for index in range(count)):
            self._leaves_with_doubtful_rows[shape.table].append(bounds)
        for index in sound:
            values = shape.sound_values(cells[index].values)
            yield SalvagedRow(_key(cells[index]) if shape.key else None, values, is_stale=bounds.is_stale)

    def _page(self, leaf: _Leaf) -> bytes:
        return self.file.page(leaf.page_number, from_wal=leaf.from_wal)

    def _cell(self, shape: TableShape, page: bytes, offset: int) -> _Cell:
        header = row_header_at(page, offset)
        if header is None:
            return _Cell(None)
        body, is_whole = value_bytes_of(page, header, self.file.overflow)
        values = values_of(header.types, body)
        return _Cell(header, values, is_whole, is_whole and shape.fits(header.rowid, values))

    def _rowid(self, page: bytes, offset: int) -> int:
        try:
            return varint(page, varint(page, offset)[1])[0]
        except IndexError:
            return 0

    def _repair(self, shape: TableShape, page: bytes, place: _DoubtfulCell) -> SalvagedRow | None:
        """Return the row before one bit changed, if that can be found; or else what can be read of it."""
        cell = self._cell(shape, page, place.offsets[place.at])
        is_between = cell.header is not None and (shape.key is None or place.below < cell.header.rowid < place.above)
        if not (cell.is_whole and is_between) and self._trials:
            self._trials -= 1
            candidates = {}
            for near, offset in _pages_one_bit_away(page, place, cell.header):
                other = self._cell(shape, near, offset)
                key = _key(other)
                if other.is_sound and key is not None and (shape.key is None or place.below < key < place.above):
                    candidates[key, tuple(other.values)] = other
            if candidates:
                key, likeliest = max(candidates, key=lambda one: shape.rank(one[1], cell.values))
                return SalvagedRow(
                    key if shape.key else None, shape.sound_values(likeliest), is_key_guessed=len(candidates) > 1
                )
        if cell.header is None or not shape.is_like(cell.values):
            return None
        values = cell.values if cell.is_whole else shape.values_before_shift(cell.values)
        repaired, damaged = shape.repaired_values(values, self._now)
        only = place.below + 1 if place.above - place.below == 2 else None
        key = cell.header.rowid if is_between else only
        written = None if is_between else cell.header.rowid
        return SalvagedRow(key if shape.key else None, repaired, tuple(damaged), not is_between, written_key=written)


_VOTES_OF_INTACT_ROW: Final = 100
_ENOUGH_VOTES: Final = 3 * _VOTES_OF_INTACT_ROW


class _DoubtfulCell(NamedTuple):
    """A doubtful cell: its place in its page, and the keys between which its own must lie."""

    offsets: list[int]
    at: int
    below: int
    above: int
    start: int


def _key(cell: _Cell) -> int | None:
    return None if cell.header is None else cell.header.rowid


def _in_order(leaves: list[_Leaf], highest: int | None, *, is_stale: bool) -> Iterator[_LeafBounds]:
    """Yield leaves in the order of their keys, with the bounds that their neighbours set.

    Where two neighbours overlap, an edge key of one is wrong: the one without which they do not overlap. Where they
    overlap by more, one is an older copy of a page that was split since: neither bounds the other.
    """
    ordered = sorted(leaves, key=lambda leaf: leaf.middle)
    firsts, lasts = [leaf.first for leaf in ordered], [leaf.last for leaf in ordered]
    copies = set[int]()
    for index, (left, right) in enumerate(pairwise(ordered)):
        if left.last < right.first:
            continue
        if left.penultimate >= right.second:
            copies.add(index)
        elif left.penultimate + 1 < right.first or left.last + 1 >= right.second:
            lasts[index] = left.penultimate
        else:
            firsts[index + 1] = right.second
    end = _NO_BOUND
    if ordered and highest is not None and ordered[-1].penultimate <= highest:
        lasts[-1], end = min(lasts[-1], highest), highest + 1
    for index, leaf in enumerate(ordered):
        low = lasts[index - 1] if index else 0
        high = firsts[index + 1] if index + 1 < len(ordered) else end
        if index - 1 in copies:
            low = min(low, leaf.first - 1)
        if index in copies:
            high = max(high, leaf.last + 1)
        yield _LeafBounds(leaf, low, high, is_stale)


def _sound_in_order(shape: TableShape, cells: list[_Cell], bounds: _LeafBounds, count: int) -> list[int]:
    """Return the indexes of the sound cells whose keys are far enough apart for the cells between them."""
    sound = [index for index, cell in enumerate(cells) if cell.is_sound]
    if shape.key is None:
        return sound
    keys = {index: key for index in sound if bounds.low < (key := _key(cells[index]) or 0) < bounds.high}
    in_sequence = _in_sequence(keys)
    with_room = _in_sequence(
        {index: key for index, key in keys.items() if bounds.low + index < key <= bounds.high - max(count - index, 1)}
    )
    # A single damaged key costs one of them; a count or a neighbour that is damaged costs most.
    return with_room if len(with_room) >= len(in_sequence) - 1 else in_sequence


def _in_sequence(keys: Mapping[int, int]) -> list[int]:
    """Return the longest series of cells whose keys, by their places, increase and leave room for those between."""
    ends: list[int] = []
    places: list[int] = []
    before: dict[int, int | None] = {}
    for place, key in keys.items():
        at = bisect_right(ends, key - place)
        before[place] = places[at - 1] if at else None
        ends[at : at + 1], places[at : at + 1] = [key - place], [place]
    series: list[int] = []
    last = places[-1] if places else None
    while last is not None:
        series.append(last)
        last = before[last]
    return series[::-1]


def _pages_one_bit_away(page: bytes, place: _DoubtfulCell, header: RowHeader | None) -> Iterator[tuple[bytes, int]]:
    """Return the page with one bit changed in the pointer to a cell or in its header, and where the cell then is."""
    pointer, offset = place.start + 8 + 2 * place.at, place.offsets[place.at]
    length = min(header.values_at - offset if header is not None else _LONGEST_HEADER, _LONGEST_HEADER)
    for at in (pointer, pointer + 1, *range(offset, min(offset + length, PAGE_BYTES))):
        for bit in range(8):
            near = bytearray(page)
            near[at] ^= 1 << bit
            near_offset = int.from_bytes(near[pointer : pointer + 2], "big")
            if near_offset == offset or near_offset not in place.offsets:
                yield bytes(near), near_offset
