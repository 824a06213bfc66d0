"""What the table lists: which tasks, in which order, with which columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bwp_tui.console.services.snapshot_feed import ListQuery
from bwp_tui.domain.filter import VIEWS, View, parse


@dataclass(frozen=True, slots=True)
class ListState:
    """The tasks of a view, or of a filter of the operator's own.

    Attributes:
        view: None where the filter is the operator's own.
        filter: one without a mistake.
        order: what the operator chose over the view's own order; a name of `history.search.SORTS`.
        columns: ids of those the operator chose for every view that brings none; empty is the table's own choice.
    """

    view: View | None = VIEWS[0]
    filter: str = ""
    order: str | None = None
    columns: tuple[str, ...] = ()

    @property
    def query(self) -> ListQuery:
        """What the history is to be asked."""
        return ListQuery(parse(self.filter), self.sort)

    @property
    def sort(self) -> str:
        """The order of the rows."""
        return self.order or (self.view.sort if self.view is not None else "newest")

    @property
    def shown_columns(self) -> tuple[str, ...]:
        """Ids of the columns to show; empty is the table's own choice."""
        return (self.view.columns if self.view is not None else ()) or self.columns

    def index(self, views: Sequence[View]) -> int | None:
        """Return the place of the view among `views`, or None where it has none."""
        names = [view.name for view in views]
        return names.index(self.view.name) if self.view is not None and self.view.name in names else None

    def of_view(self, view: View) -> ListState:
        """Return the listing of a view."""
        return ListState(view, view.filter, columns=self.columns)

    def of_filter(self, text: str) -> ListState:
        """Return the listing of a filter; without one it is that of all tasks.

        Raises:
            FilterError: it has a mistake.
        """
        parse(text)
        return replace(self, view=None if text.strip() else VIEWS[0], filter=text.strip())

    def ordered(self, sort: str) -> ListState:
        """Return the same tasks in another order."""
        return replace(self, order=sort)

    def with_columns(self, columns: tuple[str, ...]) -> ListState:
        """Return the same tasks with other columns: of this view alone, where it brings its own."""
        if self.view is not None and self.view.columns:
            return replace(self, view=replace(self.view, columns=columns))
        return replace(self, columns=columns)
