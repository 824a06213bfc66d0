"""The dashboard: counts, due dates, durations, failures and downloads, and the tasks behind each count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Final

from textual import on
from textual.app import ComposeResult

from bwp_tui.console.background import read_after_changes
from bwp_tui.console.bindings.actions import Scope
from bwp_tui.console.presentation.dashboard import dashboard_columns
from bwp_tui.console.screens.front_screens import FrontScreen
from bwp_tui.console.session import Session
from bwp_tui.console.store_access.snapshot_feed import Snapshot
from bwp_tui.console.widgets.figure_list import FigureList
from bwp_tui.console.widgets.styled_line import Heading
from bwp_tui.store.queries.dashboard import Statistics

_DAY_CHECK_S: Final = 30.0


class DashboardScreen(FrontScreen):
    """Shows figures, and reads them again after a change of the history.

    Args:
        list_tasks: lists the tasks of a filter; called once the screen is gone.
    """

    AUTO_FOCUS = "FigureList"
    scope = Scope.DASHBOARD

    def __init__(self, session: Session, list_tasks: Callable[[str], None]) -> None:
        super().__init__(session)
        self.handlers["list_tasks"] = self._list_tasks
        self._list = list_tasks
        self._figures: Statistics | None = None
        self._day: date | None = None
        self._changed = asyncio.Event()

    def compose_content(self) -> ComposeResult:
        yield FigureList(id="dashboard-figures")

    def on_mount(self) -> None:
        read_after_changes(self, self._fill, self._changed)
        self.set_interval(_DAY_CHECK_S, self._follow_day)

    def _follow_day(self) -> None:
        """Read the figures again once it is another day: what is overdue changes without the history."""
        if self._day not in (None, self.session.today()):
            self._changed.set()

    def show_snapshot(self, update: Snapshot | str) -> None:
        """Have the figures read again after a change."""
        if isinstance(update, str):
            self.show_notice(update, "bad")
        else:  # a purge that removes tasks leaves none that has changed
            self._changed.set()

    async def _fill(self) -> None:
        self._day = self.session.today()
        self._figures = await asyncio.to_thread(self.session.reader.statistics, self._day)
        self.show_status("")
        self._show()

    def _show(self) -> None:
        rows = self.query_one(FigureList)
        self.query_one(Heading).set_text([("dashboard", "strong")], str(self._day or ""))
        if self._figures is not None and self._day is not None:
            rows.set_columns(dashboard_columns(self._figures, self._day, rows.scrollable_size.width))

    @on(FigureList.Chosen)
    def _list_tasks(self) -> None:
        line = self.query_one(FigureList).current
        if line is not None:
            self.dismiss(None)
            self._list(line.filter)
