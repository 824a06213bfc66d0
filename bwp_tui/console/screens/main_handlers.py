"""Carry out the actions of the main screen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from bwp_tui.console.command_bar.controller import CommandBar
from bwp_tui.console.command_bar.task_lines import TaskLineCommands
from bwp_tui.console.controllers.column_chooser import choose_columns, choose_sort
from bwp_tui.console.controllers.copy import CopyController
from bwp_tui.console.controllers.filter_prompt import FilterPrompt
from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.controllers.marking import Marking
from bwp_tui.console.controllers.record_operations import RecordController
from bwp_tui.console.controllers.saved_views import SavedViewController
from bwp_tui.console.controllers.service_operations import ServiceController
from bwp_tui.console.controllers.undo import UndoController
from bwp_tui.console.presentation.task_detail import subject
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.screens.navigator import Navigator
from bwp_tui.console.workers import Work, run_in_thread_and_report
from bwp_tui.domain.filter import MAX_VIEWS, VIEWS
from bwp_tui.domain.task import Kind, Request

_DETAIL_LINES: Final = 3


class MainHandlers:
    """Carries out the actions of the main screen, one question to the operator at a time.

    Attributes:
        by_name: what each action does: to the marked tasks where there are some, else to the one under the cursor.
    """

    def __init__(self, screen: MainScreenProtocol) -> None:
        self._screen = screen
        self._marked = MarkedTasks(screen)
        service, recording = ServiceController(screen, self._marked), RecordController(screen, self._marked)
        copying = CopyController(screen, self._marked)
        self._filing = False
        prompting: dict[str, Work] = {
            "filter": FilterPrompt(screen).ask,
            **recording.single_task_actions,
            **recording.marked_task_actions,
            "undo": UndoController(screen).undo,
            "command": CommandBar(screen, TaskLineCommands(screen, self._marked, service.resubmit, recording)).ask,
            **service.actions,
            **copying.actions,
            "sort": lambda: choose_sort(screen),
            "columns": lambda: choose_columns(screen),
            "save_view": SavedViewController(screen).ask,
        }
        self.by_name: dict[str, Callable[[], None]] = {
            **{name: partial(screen.start_worker, work, "doing", exclusive=True) for name, work in prompting.items()},
            **Marking(screen, self._marked).handlers,
            **Navigator(screen).handlers,
            "new": screen.open_form,
            "new_deletion": lambda: screen.open_form(Kind.DELETION),
            "freeze": screen.toggle_live_updates,
            "mask": lambda: screen.mask(not screen.session.masked),
            "failed": lambda: screen.show_view(_FAILED),
            "back": self._back,
            "theme": screen.session.next_theme,
            "quit": lambda: screen.app.exit(),
            "detail_down": lambda: screen.detail.scroll_by(_DETAIL_LINES),
            "detail_up": lambda: screen.detail.scroll_by(-_DETAIL_LINES),
            **{f"view_{index + 1}": partial(screen.show_view, index) for index in range(MAX_VIEWS)},
        }
        self._on_marks = {*service.actions, *recording.marked_task_actions, *copying.actions}

    def acts_on_marks(self, name: str) -> bool:
        """Say whether the action called `name` would be done to marked tasks."""
        return bool(self._marked.all) and name in self._on_marks

    def unmark_unlisted(self) -> None:
        """Take the marks from tasks that are not listed (any more)."""
        self._marked.unmark_unlisted()

    def submit(self, request: Request) -> None:
        """Record what the request form holds; once, however often enter is pressed meanwhile."""
        if not self._filing:
            self._filing = True
            self._screen.start_worker(lambda: self._submit(request), "filing", exclusive=False)

    def _back(self) -> None:
        screen = self._screen
        if screen.form.display:
            screen.close_form()
        elif self._marked.all:
            self._marked.set(frozenset())
        elif screen.view_index != 0:
            screen.show_view(0)
        else:
            screen.show_status("")

    async def _submit(self, request: Request) -> None:
        screen = self._screen
        try:
            task = await run_in_thread_and_report(screen, lambda: screen.session.tasks.submit(request))
        finally:
            self._filing = False
        if task is None:
            return
        screen.form.clear()
        screen.close_form()
        delay, subject_text = await screen.session.delay_sentence(), subject(task, screen.session.display_context())
        screen.show_status(f"Recorded as #{task.number}: {task.kind.lower()} for {subject_text}.{delay}")
        screen.select_when_listed(task.number)


_FAILED: Final = next(index for index, view in enumerate(VIEWS) if view.name == "failed")
