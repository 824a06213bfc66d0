"""The views of the list of tasks, and the columns that a view can name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from bwp_tui.domain.deadlines import DUE_SOON_DAYS
from bwp_tui.domain.filter_fields import STATES
from bwp_tui.domain.task import ADOPTED
from bwp_tui.domain.text import clean_line


class View(NamedTuple):
    """A named filter with a sort order."""

    name: str
    filter: str
    sort: str = "newest"
    columns: tuple[str, ...] = ()
    """Ids of its columns; empty means the default ones."""

    @property
    def short_name(self) -> str:
        """Its name in narrow places."""
        return _SHORT_NAMES.get(self.name, self.name if len(self.name) <= _SHORT else f"{self.name[: _SHORT - 1]}…")


def listed_tasks_clause(view: View) -> str:
    """Return which tasks a view lists that a shortcut alone filters, as the end of `3 tasks …`; else nothing."""
    return STATES.get(view.filter.removeprefix("is:"), "")


def view_named(views: Iterable[View], name: str) -> View | None:
    """Return the view with this name, whatever the case of its letters, or None."""
    return next((view for view in views if view.name.casefold() == name.casefold()), None)


COLUMN_IDS: Final = (
    *("kind", "status", "submitted", "received", "updated", "age", "due", "done_by", "answered", "assigned"),
    *("tags", "id", "problem", "note"),
)
"""The columns of the task table that settings, views and commands can name, in its order."""


def columns_named(text: str) -> tuple[str, ...]:
    """Return the ids of the columns named in `text`, between commas, in the order of the table, or raise ValueError."""
    names = {name for name in text.casefold().replace(" ", "").split(",") if name not in ("", "subject")}
    for name in sorted(names.difference(COLUMN_IDS)):
        raise ValueError(f"There is no column “{clean_line(name)}”; there are {', '.join(COLUMN_IDS)}.")
    return tuple(id for id in COLUMN_IDS if id in names)


VIEWS: Final = (
    View("all", ""),
    View("received", "status:received is:open", sort="due"),
    View("active", "is:active"),
    View("to answer", "is:unanswered", sort="due"),
    View("failed", "is:failed"),
    View("on hold", "status:on_hold"),
    View("due soon", f"is:open due<{DUE_SOON_DAYS + 1}d", sort="due"),
)
"""The built-in views, at the keys 1 to 7."""

ADOPTED_VIEW: Final = View("adopted by event", f"tag:{ADOPTED}")
"""The view of the tasks that were submitted elsewhere, behind all others while there are any."""

APPROVAL_VIEW: Final = View("to approve", "is:unapproved", sort="due")
"""The view of the deletions that wait for another person's approval, behind the built-in ones while any do."""

BUILT_IN_VIEWS: Final = (*VIEWS, ADOPTED_VIEW, APPROVAL_VIEW)

_SHORT: Final = 5
"""Characters of a name in narrow places."""

_SHORT_NAMES: Final = {
    "active": "act",
    "received": "recv",
    "to answer": "answ",
    "failed": "fail",
    "on hold": "hold",
    "due soon": "due",
    ADOPTED_VIEW.name: "adopt",
    APPROVAL_VIEW.name: "appr",
}

MAX_VIEWS: Final = 9
"""Views that have a key, the built-in ones first."""
