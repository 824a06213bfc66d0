"""Read and save views: filters with an order and columns, shared by console and command line.

NoSuchView says that there is no such view, NotPossible why one cannot be saved or deleted.
"""

from __future__ import annotations

import json
from typing import Final

from bwp_tui.domain.filter import FilterError, parse
from bwp_tui.domain.text import clean_line, did_you_mean
from bwp_tui.domain.views import ADOPTED_VIEW, APPROVAL_VIEW, BUILT_IN_VIEWS, VIEWS, View, view_named
from bwp_tui.store.database.connection import Row, Store, as_text, unreadable
from bwp_tui.store.database.shared_sql import IS_ADOPTED
from bwp_tui.store.errors import NoSuchView, NotPossible
from bwp_tui.store.queries.orders import SORTS, unknown_order

LONGEST_NAME: Final = 30
_LAST_POSITION: Final = 1 << 31
"""A position behind those of all saved views."""


def saved(store: Store) -> tuple[View, ...]:
    """Return the saved views in their order."""
    return tuple(map(_view, store.rows("SELECT name, filter, sort, columns FROM views ORDER BY position, name")))


def all_views(store: Store) -> tuple[View, ...]:
    """Return the built-in and the saved views and, if there are any, those of adopted and UNAPPROVED tasks, by key."""
    rows = store.rows(
        f"SELECT name, filter, sort, columns, position FROM views UNION ALL SELECT ?, ?, ?, '[]', {_LAST_POSITION}"
        f" WHERE EXISTS (SELECT 1 FROM tasks WHERE {IS_ADOPTED}) UNION ALL SELECT ?, ?, ?, '[]', -1"
        " WHERE EXISTS (SELECT 1 FROM tallies WHERE status = 'UNAPPROVED' AND open = 1 AND tasks > 0)"
        " ORDER BY position, name",
        [text for view in (ADOPTED_VIEW, APPROVAL_VIEW) for text in (view.name, view.filter, view.sort)],
    )
    return (*VIEWS, *map(_view, rows))


def get(store: Store, name: str) -> View:
    """Return the view with this name, ignoring case."""
    views, cleaned = all_views(store), clean_line(name)
    view = view_named(views, cleaned)
    if view is None:
        hint = did_you_mean(cleaned, (known.name.casefold() for known in views), "; see: bwp-tui views.")
        raise NoSuchView(f"There is no view “{cleaned}”{hint}")
    return view


def save(store: Store, view: View) -> None:
    """Save a view: in the place of one of the same name, else after the others."""
    check_view(view)
    name = clean_line(view.name)
    values = (name, view.filter.strip(), view.sort, json.dumps(list(view.columns)))
    with store.write() as transaction:
        names = [as_text(row[0]) for row in transaction.run("SELECT name FROM views")]
        same = [known for known in names if known.casefold() == name.casefold()]
        if same:
            transaction.run(
                "UPDATE views SET name = ?, filter = ?, sort = ?, columns = ? WHERE name = ?", (*values, same[0])
            )
        else:
            transaction.run(
                "INSERT INTO views (name, filter, sort, columns, position)"
                " VALUES (?, ?, ?, ?, (SELECT coalesce(max(position), -1) + 1 FROM views))",
                values,
            )


def delete(store: Store, name: str) -> View:
    """Remove a saved view and return it."""
    with store.write() as transaction:
        # An earlier version may have saved one with the name of a view that is built in now.
        view = view_named(saved(store), clean_line(name)) or get(store, name)
        if view in BUILT_IN_VIEWS:
            raise NotPossible(f"The view “{view.name}” is built in and cannot be deleted.")
        transaction.run("DELETE FROM views WHERE name = ?", (view.name,))
    return view


def check_view(view: View) -> None:
    """Check that a view can be saved."""
    name = clean_line(view.name)
    if not name or len(name) > LONGEST_NAME:
        raise NotPossible(f"The name of a view has 1 to {LONGEST_NAME} characters.")
    if name.casefold() in {built_in.name for built_in in BUILT_IN_VIEWS}:
        raise NotPossible(f"The view “{name}” is built in; choose another name.")
    if view.sort not in SORTS:
        raise NotPossible(unknown_order(view.sort))
    try:
        parse(view.filter, is_whole=True)
    except FilterError as error:
        raise NotPossible(f"The filter of the view is wrong: {error}") from None


def _view(row: Row) -> View:
    name = as_text(row[0])
    try:
        columns = tuple(str(column) for column in json.loads(as_text(row[3])))
    except (ValueError, TypeError) as error:
        raise unreadable(f"a view “{clean_line(name)}” that cannot be read") from error
    return View(name, as_text(row[1]), as_text(row[2]), columns)
