"""The hints beside the form's fields, shortened to fit."""

from __future__ import annotations

from typing import Final

from textual.content import Content

from bwp_tui.console.state.request_draft import PROCESSING_HINT
from bwp_tui.domain.deadlines import PROCESSING_DAYS

_SHORTER: Final[dict[str, tuple[str, ...]]] = {
    "the shopper's email address": ("email address",),
    "stored by Amazon for audit": ("stored by Amazon",),
    "retype to confirm: deletion is irreversible": ("retype to confirm",),
    PROCESSING_HINT: (f"then up to {PROCESSING_DAYS} days' work", f"and {PROCESSING_DAYS} more"),
    "needs an ending such as .com": ("needs .com or so",),
    "not a valid email address": ("invalid email",),
    "not a calendar date": ("no such date",),
    "date is in the future": ("in the future",),
    "not the same email": ("not the same",),
}


def shorten_to_fit(words: str, width: int) -> str:
    """Return `words`, or else fewer that mean the same, in `width` cells; an ellipsis where none fit.

    A width of 0 is one that is not known yet.
    """
    if not width:
        return words
    ways = (words, *_SHORTER.get(words, ()))
    fitting = next((way for way in ways if len(way) <= width), ways[-1])
    return Content(fitting).truncate(width, ellipsis=True).plain
