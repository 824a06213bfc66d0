"""Sizes at which a screen's layout changes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from textual.geometry import Size

from bwp_tui.settings.profile import LIST_SIZE, MINIMUM_SIZE

NARROW: Final = 76
"""Columns of the terminal below which bars are shortened as far as they can be."""

WIDE: Final = 100
"""Columns from which two columns of text fit side by side."""

TASK_WIDE: Final = 110
"""Columns of the terminal from which a task's timeline is beside its facts."""

DOWNLOAD_WIDE: Final = 116
"""Columns of the terminal from which a download's timeline is beside its facts, where a hash takes 74."""

DOWNLOAD_LOW: Final = 20
"""Lines of the terminal below which there is room for the facts of a download alone."""

SIDE_BY_SIDE: Final = 160
"""Columns of the terminal from which the details are beside the list."""

LIST_NARROW: Final = 74
"""Cells of a list's line below which a column is left out."""

LIST_WIDE: Final = 98
"""Cells of a list's line from which it has all its columns."""

LOW: Final = 18
"""Lines of the terminal below which no line is left blank."""

TALL: Final = 28
"""Lines of the terminal from which details are shown under a list, else instead of it."""

_LEAST_DETAIL: Final = 60
"""Columns of the details beside the list; the table then has all of its own."""


class DetailPlace(StrEnum):
    """Where the details are."""

    BELOW = "below"
    BESIDE = "beside"
    ALONE = "alone"
    NOWHERE = "nowhere"


def tab_gap(size: Size) -> str:
    """Return the blanks between the names of pages."""
    return " " if size.width < NARROW else "   "


def has_size(size: Size, least: tuple[int, int]) -> bool:
    return size.width >= least[0] and size.height >= least[1]


def is_list_alone(size: Size) -> bool:
    """Return whether a terminal has room for the task table, the name of its view and a sentence."""
    return has_size(size, LIST_SIZE) and not has_size(size, MINIMUM_SIZE)


def is_split(size: Size) -> bool:
    """Return whether a terminal has room for the task table and something under it."""
    return size.width >= WIDE and size.height >= TALL


def detail_place(size: Size, wanted: DetailPlace | None) -> DetailPlace:
    """Return where a terminal of this size has the details; `wanted` is None where the size decides."""
    if is_list_alone(size):
        return DetailPlace.NOWHERE
    if wanted is not None:
        return wanted
    if size.width >= SIDE_BY_SIDE:
        return DetailPlace.BESIDE
    return DetailPlace.BELOW if is_split(size) else DetailPlace.NOWHERE


def detail_width(size: Size, place: DetailPlace) -> int:
    """Return the columns of the details: beside the list three of eight."""
    return max(_LEAST_DETAIL, size.width * 3 // 8) if place is DetailPlace.BESIDE else size.width


def layout_classes(size: Size, wanted: DetailPlace | None) -> dict[str, bool]:
    """Return the classes of the main screen, and whether it has each."""
    here = detail_place(size, wanted)
    places = {f"-{place}": place is here for place in DetailPlace}
    return {"-split": is_split(size), "-low": size.height < LOW, "-list-alone": is_list_alone(size), **places}
