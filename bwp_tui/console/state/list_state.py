"""Which tasks the table lists, in which order, with which columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bwp_tui.console.store_access.snapshot_feed import ListQuery
from bwp_tui.domain.filter import joined, parse
from bwp_tui.domain.views import BUILT_IN_VIEWS, VIEWS, View, view_named


@dataclass(frozen=True, slots=True)
class ListState:
    """The tasks of a view, or of a filter of the operator's own.

    Attributes:
        view: None where the filter is the operator's own.
        filter: a valid filter.
        chosen_sort: the order that the operator chose instead of the view's; a name of `SORTS`.
        columns: ids of the columns that the operator chose for views without their own; empty for the table's choice.
    """

    view: View | None = VIEWS[0]
    filter: str = ""
    chosen_sort: str | None = None
    columns: tuple[str, ...] = ()

    @property
    def query(self) -> ListQuery:
        return ListQuery(parse(self.filter), self.sort)

    @property
    def sort(self) -> str:
        return self.chosen_sort or (self.view.sort if self.view is not None else "newest")

    @property
    def wanted_columns(self) -> tuple[str, ...]:
        """Ids of the columns that the view or the operator wants; empty for the table's choice."""
        return (self.view.columns if self.view is not None else ()) or self.columns

    def index(self, views: Sequence[View]) -> int | None:
        names = [view.name for view in views]
        return names.index(self.view.name) if self.view is not None and self.view.name in names else None

    def of_view(self, view: View) -> ListState:
        return ListState(view, view.filter, columns=self.columns)

    def as_saved(self, views: Callable[[], Sequence[View]]) -> ListState:
        """List what the view lists now, where it was saved anew; where it was deleted, its filter is the operator's.

        `views` is called for a saved view.
        """
        if self.view is None or self.view in BUILT_IN_VIEWS:
            return self
        saved = view_named(views(), self.view.name)
        if saved is None:
            return self.of_filter(self.filter).with_sort(self.sort)
        # Its columns may be others because the operator chose them here.
        if saved._replace(columns=self.view.columns) == self.view:
            return self
        return replace(self, view=saved, filter=saved.filter)

    def of_filter(self, text: str) -> ListState:
        """List the tasks that match a filter; all tasks for an empty one.

        Raises:
            FilterError: it is invalid.
        """
        parse(text)
        return replace(self, view=None if text.strip() else VIEWS[0], filter=text.strip())

    def narrowed_by(self, text: str) -> ListState:
        """List those of the same tasks that match a filter too, in the same order.

        Raises:
            FilterError: both filters together are invalid.
        """
        return self.of_filter(joined(self.filter, text)).with_sort(self.sort)

    def with_sort(self, sort: str) -> ListState:
        """List the same tasks in another order."""
        return replace(self, chosen_sort=sort)

    def with_columns(self, columns: tuple[str, ...]) -> ListState:
        """List the same tasks with other columns; they change the view where it has its own, else all views without."""
        if self.view is not None and self.view.columns:
            return replace(self, view=self.view._replace(columns=columns))
        return replace(self, columns=columns)
