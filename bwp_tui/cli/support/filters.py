"""Read filters and sort orders of the command line."""

from __future__ import annotations

from bwp_tui.cli.exit_codes import CommandError
from bwp_tui.domain.filter import Filter, FilterError, parse
from bwp_tui.domain.text import clean
from bwp_tui.store.queries.orders import SORTS, unknown_order


def sort_of(name: str | None) -> str:
    """Return a sort order; the default is the newest first."""
    sort = "newest" if name is None else name.casefold()
    if sort not in SORTS:
        raise CommandError(unknown_order(sort))
    return sort


def filter_of(text: str) -> Filter:
    """Read a filter; the message about a wrong one marks where it is wrong."""
    try:
        return parse(text, is_whole=True)
    except FilterError as error:
        # Cleaning makes escapes of some characters, which would push the marks to the right.
        start, end = len(clean(text[: error.start])), len(clean(text[: error.end]))
        marks = " " * start + "^" * max(1, end - start)
        raise CommandError(f"{error}\n  {clean(text)}\n  {marks}") from None
