"""Shorten the hints beside the form's fields."""

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


def shorten_to_fit(hint: str, width: int) -> str:
    """Return a hint, or a shorter form of it, in `width` cells; cut with an ellipsis where none fits.

    Args:
        width: 0 where it is not known yet.
    """
    if not width:
        return hint
    forms = (hint, *_SHORTER.get(hint, ()))
    fitting = next((form for form in forms if len(form) <= width), forms[-1])
    return Content(fitting).truncate(width, ellipsis=True).plain
