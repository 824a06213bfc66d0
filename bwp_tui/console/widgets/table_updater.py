"""The rows of the main screen's table: their query, and the task that gets the cursor once it is listed."""

from __future__ import annotations

from typing import Final, NamedTuple

from textual.screen import Screen

from bwp_tui.console.bindings.actions import MARK_GROUP, TASK_GROUP, Action
from bwp_tui.console.store_access.snapshot_feed import ListQuery, Snapshot
from bwp_tui.console.widgets.task_table import TaskTable
from bwp_tui.domain.filter import highlighted_texts
from bwp_tui.store.queries.view_rows import AnchorRow

_MANY_ROW_ACTIONS: Final = ("mark_range", "mark_all", "mark_others")
"""Actions on many rows: they wait until the table holds all of the view."""


class AwaitedTask(NamedTuple):
    """A task that gets the cursor once it is listed.

    Attributes:
        then: the action that follows.
        read: the first read of the feed that has the task, if the view has it.
    """

    number: int
    then: str | None
    read: int


class TableUpdater:
    """Shows the rows of snapshots.

    Attributes:
        query: the query of the rows; None before the first snapshot.
        is_partial: whether they are only the first ones of it.
        is_paused: whether live updates are paused.
        task_to_select: the task that gets the cursor once it is listed.
    """

    def __init__(self, screen: Screen[None], last_task: int | None) -> None:
        self.query: ListQuery | None = None
        self.is_partial = False
        self.task_to_select = None if last_task is None else AwaitedTask(last_task, None, 0)
        self.is_paused = False
        self._held_back: Snapshot | None = None
        self._screen = screen

    def has_all_rows_of(self, query: ListQuery) -> bool:
        """Return whether the table holds all rows of `query`."""
        return self.query == query and not self.is_partial

    def are_ready_for(self, action: Action, query: ListQuery) -> bool:
        """Return whether the rows are those an action is meant for, which marks or acts on tasks of `query`."""
        if self.has_all_rows_of(query) or action.group not in (TASK_GROUP, MARK_GROUP):
            return True
        is_of_many = action.name in _MANY_ROW_ACTIONS or (self._table.marks and action.group == TASK_GROUP)
        return not is_of_many and self.query == query

    def show(self, snapshot: Snapshot) -> bool:
        """Show a snapshot's rows; return whether they are others than before.

        The cursor goes to the top where another query is listed that lacks its task.
        """
        table = self._table
        before, listed = table.current_number, table.numbers
        was_at_end = self.is_partial and table.cursor_row == table.row_count - 1
        table.highlights, table.sort = highlighted_texts(snapshot.query.filter), snapshot.query.sort
        table.show(snapshot.numbers)
        self.is_partial = not snapshot.is_whole
        if was_at_end:
            table.moves["last"]()  # the operator asked for the end before it was known
        if snapshot.query != self.query:
            self.query = snapshot.query
            if table.current_number != before:
                table.go_to(0)
        return table.numbers is not listed

    def toggle_pause(self) -> Snapshot | None:
        """Pause or resume live updates; return the snapshot that was held back, if any."""
        self.is_paused = not self.is_paused
        held_back, self._held_back = self._held_back, None
        return held_back

    def hold_back(self, snapshot: Snapshot) -> bool:
        """While live updates are paused, hold back a snapshot of what is listed; return whether it is held."""
        if not self.is_paused or not self.has_all_rows_of(snapshot.query):
            return False
        seen = self._held_back.changed if self._held_back is not None else ()
        self._held_back = snapshot._replace(changed=tuple({*seen, *snapshot.changed}))
        return True

    def anchor_row(self, listed: ListQuery, query: ListQuery) -> AnchorRow | None:
        """Return the cursor's row, to be read first where `query` lists the same tasks in another order."""
        here = self._table.current_number
        if not here or not self.has_all_rows_of(listed) or listed.filter != query.filter:
            return None
        return AnchorRow(here, self._table.row_count)

    def select_task(self, snapshot: Snapshot, listed: ListQuery) -> str | None:
        """Put the cursor on the awaited task once it is listed, and return the action that follows.

        Where the view lacks it, it is awaited no longer: the cursor would leave the operator's task later on.
        """
        awaited = self.task_to_select
        if awaited is None:
            return None
        is_listed = self._table.go_to_task(awaited.number)
        if is_listed or (snapshot.is_whole and snapshot.query == listed and snapshot.read >= awaited.read):
            self.task_to_select = None
        return awaited.then if is_listed else None

    @property
    def _table(self) -> TaskTable:
        return self._screen.query_one(TaskTable)
