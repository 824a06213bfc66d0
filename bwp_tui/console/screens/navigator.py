"""Opens the screens in front of the main one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bwp_tui.console.bindings.actions import Scope, with_view_names
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.screens.archive import ArchiveScreen
from bwp_tui.console.screens.dashboard import DashboardScreen
from bwp_tui.console.screens.downloads import DownloadsScreen
from bwp_tui.console.screens.help import FILTER_NOTES, HelpScreen
from bwp_tui.console.screens.request_log import RequestLogScreen
from bwp_tui.console.screens.task import TaskScreen


class Navigator:
    """Opens the other screens for the actions of the main one."""

    def __init__(self, screen: MainScreenProtocol) -> None:
        self._screen = screen
        self.handlers: dict[str, Callable[[], None]] = {
            "detail": self._open_task,
            "earlier": self._go_to_earlier,
            "archive": self._open_archive,
            "downloads": self._open_downloads,
            "sent": self._open_sent,
            "dashboard": self._open_dashboard,
            "help": self._open_help,
        }

    def _open_task(self) -> None:
        number = self._screen.table.current_number
        if number is not None:
            self._screen.app.push_screen(TaskScreen(self._screen, number))

    def _go_to_earlier(self) -> None:
        task = self._screen.current_task
        if task is not None and task.earlier_number is not None:
            self._screen.go_to(task.earlier_number)

    def _open_archive(self) -> None:
        task = self._screen.current_task
        if task is not None and task.download is not None and task.download.path is not None:
            self._screen.app.push_screen(ArchiveScreen(self._screen.session, task, Path(task.download.path)))

    def _open_downloads(self) -> None:
        self._screen.app.push_screen(DownloadsScreen(self._screen.session, self._screen.context))

    def _open_sent(self) -> None:
        def open_task(number: int) -> None:
            self._screen.go_to(number)
            self._screen.app.push_screen(TaskScreen(self._screen, number))

        self._screen.app.push_screen(RequestLogScreen(self._screen.session, open_task))

    def _open_dashboard(self) -> None:
        session = self._screen.session
        today = session.today()
        self._screen.app.push_screen(DashboardScreen(session.keymap, lambda: session.reader.statistics(today), today))

    def _open_help(self) -> None:
        keymap = self._screen.session.keymap
        actions = with_view_names(keymap.actions_of(Scope.MAIN), self._screen.views)
        self._screen.app.push_screen(HelpScreen(keymap, self._screen.context, actions, FILTER_NOTES))
