"""The saved views."""

from __future__ import annotations

import pytest

from bwp_tui.domain.views import VIEWS, View
from bwp_tui.store.commands import saved_views
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.open_store import open_store

MINE = View("mine", "assigned:jane is:open", "due", ("subject", "due"))


def test_a_saved_view_comes_after_the_built_in_ones_and_outlives_the_connection(store: Store) -> None:
    saved_views.save(store, MINE)
    again = open_store(store.path)
    assert saved_views.all_views(again) == (*VIEWS, MINE)
    assert saved_views.get(again, "MINE") == MINE
    again.close()


def test_a_view_of_the_same_name_is_replaced_in_its_place(store: Store) -> None:
    for name in ("mine", "Éva", "last"):
        saved_views.save(store, MINE._replace(name=name))
    saved_views.save(store, MINE._replace(name="éva", filter="tag:vip"))
    assert [view.name for view in saved_views.saved(store)] == ["mine", "éva", "last"]


@pytest.mark.parametrize(
    "wrong",
    [
        MINE._replace(name=" "),
        MINE._replace(name="Failed"),
        MINE._replace(name="x" * 31),
        MINE._replace(filter="statsu:failed"),
        MINE._replace(sort="colour"),
    ],
)
def test_a_view_that_could_not_be_shown_is_not_saved(store: Store, wrong: View) -> None:
    with pytest.raises(NotPossible):
        saved_views.save(store, wrong)
    assert saved_views.saved(store) == ()


def test_a_saved_view_is_deleted_and_a_built_in_one_is_not(store: Store) -> None:
    saved_views.save(store, MINE)
    assert saved_views.delete(store, "Mine") == MINE
    assert saved_views.saved(store) == ()
    saved_views.save(store, MINE)
    store.rows("UPDATE views SET name = 'Received'")  # as an earlier version allowed
    assert saved_views.delete(store, "received").filter == MINE.filter
    for name in ("mine", "failed", "received"):
        with pytest.raises(NotPossible):
            saved_views.delete(store, name)
    with pytest.raises(NotPossible, match="did you mean failed"):
        saved_views.get(store, "faild")
