"""Opens the screens in front of the main one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bwp_tui.console.bindings.actions import Scope, with_views
from bwp_tui.console.protocols import MainScreenProtocol, PromptHost
from bwp_tui.console.screens.archive import ArchiveScreen
from bwp_tui.console.screens.dashboard import DashboardScreen
from bwp_tui.console.screens.downloads import DownloadsScreen
from bwp_tui.console.screens.help import FILTER_NOTES, HelpScreen
from bwp_tui.console.screens.request_log import RequestLogScreen
from bwp_tui.console.screens.task import TaskScreen


class Navigator:
    """Opens the other screens, and moves the main one's cursor for them."""

    def __init__(self, stage: MainScreenProtocol) -> None:
        self._stage = stage
        self.handlers: dict[str, Callable[[], None]] = {
            "detail": self._open_task,
            "earlier": self._go_to_earlier,
            "archive": self._open_archive,
            "downloads": self._open_downloads,
            "sent": self._open_sent,
            "dashboard": self._open_dashboard,
            "help": self._open_help,
        }

    @property
    def current_number(self) -> int | None:
        """Local number of the task under the main screen's cursor."""
        return self._stage.table.current_number

    @property
    def marked(self) -> int:
        """How many tasks are marked."""
        return len(self._stage.table.marks)

    def neighbour(self, number: int, step: int) -> int | None:
        """Return the task that stands `step` rows below another in the view, or None at its ends."""
        numbers = self._stage.table.numbers
        if number not in numbers:
            return None
        row = numbers.index(number) + step
        return numbers[row] if 0 <= row < len(numbers) else None

    def go_to(self, number: int) -> None:
        """Put the cursor on a task, among all tasks where the view lacks it."""
        if not self._stage.table.go_to_task(number):
            self._stage.show_view(0)
            self._stage.select_when_listed(number)

    def perform(self, name: str) -> None:
        """Do an action of the registry on the main screen."""
        self._stage.perform(name)

    def set_prompt_host(self, front: PromptHost | None) -> None:
        """Have prompts and status shown on a screen in front of the main one; None ends that."""
        self._stage.set_prompt_host(front)

    def mask(self, masked: bool) -> None:
        """Mask or show the addresses everywhere."""
        self._stage.mask(masked)

    def _open_task(self) -> None:
        if self.current_number is not None:
            self._read_task(self.current_number)

    def _read_task(self, number: int) -> None:
        self._stage.app.push_screen(TaskScreen(self._stage.session, number, self))

    def _go_to_earlier(self) -> None:
        task = self._stage.current_task
        if task is not None and task.earlier is not None:
            self.go_to(task.earlier)

    def _open_archive(self) -> None:
        task = self._stage.current_task
        if task is not None and task.download is not None and task.download.path is not None:
            self._stage.app.push_screen(ArchiveScreen(self._stage.session, task, Path(task.download.path)))

    def _open_downloads(self) -> None:
        self._stage.app.push_screen(DownloadsScreen(self._stage.session, self._stage.context))

    def _open_sent(self) -> None:
        def read(number: int) -> None:
            self.go_to(number)
            self._read_task(number)

        self._stage.app.push_screen(RequestLogScreen(self._stage.session, read))

    def _open_dashboard(self) -> None:
        session = self._stage.session
        today = session.today()
        self._stage.app.push_screen(DashboardScreen(session.keymap, lambda: session.reader.statistics(today), today))

    def _open_help(self) -> None:
        keymap = self._stage.session.keymap
        actions = with_views(keymap.of(Scope.MAIN), self._stage.views)
        self._stage.app.push_screen(HelpScreen(keymap, self._stage.context, actions, FILTER_NOTES))
