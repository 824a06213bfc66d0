"""Find the indexes of a damaged history in its pages, independently of its schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bwp_tui.store.database.connection import SqlValue
from bwp_tui.store.maintenance.salvage.damaged_file import DamagedFile
from bwp_tui.store.maintenance.salvage.page_decoder import INDEX_INTERIOR, INDEX_LEAF, children, index_entries_of

IndexEntry = Sequence[SqlValue]
"""The values of the columns of an index, and the key of the row that has them."""


def indexes(file: DamagedFile) -> Iterator[tuple[int, list[IndexEntry]]]:
    """Yield the page where each index begins, and its entries.

    Where a page that leads to others is lost, each of these counts as an index of its own.
    """
    free = file.free_pages()
    pages = {
        number: page
        for number in range(2, file.page_count + 1)
        if number not in free and (page := file.page(number))[0] in (INDEX_INTERIOR, INDEX_LEAF)
    }
    below = {number: children(page, 0) for number, page in pages.items() if page[0] == INDEX_INTERIOR}
    roots_first = sorted(pages, key={child for found in below.values() for child in found}.__contains__)
    for root in roots_first:
        tree, entries = [root], list[IndexEntry]()
        for number in tree:
            if number in pages:
                tree += below.get(number, [])
                entries += index_entries_of(pages.pop(number), file.overflow)
        if entries:
            yield root, entries
