"""Carry out the actions of the main screen."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from bwp_tui.console.background import run_in_thread_and_report
from bwp_tui.console.bindings.actions import Scope, with_view_names
from bwp_tui.console.command_bar.command_reader import CommandReader
from bwp_tui.console.command_bar.controller import CommandBar
from bwp_tui.console.controllers.copyable_texts import copy_of_tasks
from bwp_tui.console.controllers.custom_commands import (
    CustomCommands,
    losses_of_leaving,
    quit_console,
    switch_profile,
)
from bwp_tui.console.controllers.external_programs import page_task
from bwp_tui.console.controllers.filter_prompt import FilterPrompt
from bwp_tui.console.controllers.list_layout import choose_columns, choose_sort, sort_by
from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.controllers.record_controller import RecordController
from bwp_tui.console.controllers.saved_views import save_or_delete_view
from bwp_tui.console.controllers.service_controller import ServiceController
from bwp_tui.console.controllers.undo import undo
from bwp_tui.console.presentation.breakpoints import TALL, WIDE, DetailPlace, detail_place, has_size
from bwp_tui.console.presentation.format import email_text
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.screens.action_screen import ActionScreen
from bwp_tui.console.screens.archive import ArchiveScreen
from bwp_tui.console.screens.command_output import CommandOutputScreen, OutputScreen
from bwp_tui.console.screens.dashboard import DashboardScreen
from bwp_tui.console.screens.downloads import DownloadsScreen
from bwp_tui.console.screens.front_screens import NO_MORE_COLUMNS
from bwp_tui.console.screens.help import FILTER_NOTES, HelpScreen, mouse_notes, sign_notes
from bwp_tui.console.screens.intent_log import IntentLogScreen
from bwp_tui.console.screens.letter import LetterScreen
from bwp_tui.console.screens.messages import MessagesScreen
from bwp_tui.console.screens.profiles import ProfilesScreen
from bwp_tui.console.screens.task import TaskScreen
from bwp_tui.domain.statuses import WITHHELD_STATUSES
from bwp_tui.domain.task import Kind, Request, Task
from bwp_tui.domain.views import MAX_VIEWS, VIEWS
from bwp_tui.settings.profile import MINIMUM_SIZE

_DETAIL_LINES: Final = 3


class MainHandlers:
    """Carries out the actions of the main screen, one question to the operator at a time.

    Attributes:
        marked: the marked tasks.
        by_name: what each action does: to the marked tasks where there are some, else to the one under the cursor.
    """

    def __init__(self, screen: MainScreenProtocol) -> None:
        self._screen, session = screen, screen.session
        self.marked = MarkedTasks(screen)
        service, records = ServiceController(screen, self.marked), RecordController(screen, self.marked)
        screen.table.sort_clicked = partial(sort_by, screen)
        self._is_submitting = False

        def run_cli(words: Sequence[str]) -> None:
            self._open(CommandOutputScreen(screen, words))

        commands = CommandReader(screen, self.marked, service, records, self._open_letter, run_cli)
        own = CustomCommands(
            screen, self.marked, lambda title, output: self._open(OutputScreen(screen, title, output))
        ).by_name
        self._on_marks = {*service.actions, *records.marked_task_actions, "copy", *own}
        self.by_name: dict[str, Callable[[], object]] = {
            **own,
            **records.single_task_actions,
            **records.marked_task_actions,
            **service.actions,
            "filter": FilterPrompt(screen).ask,
            "undo": partial(undo, screen),
            "command": CommandBar(screen, commands).ask,
            "copy": partial(copy_of_tasks, screen, self.marked),
            "pager": partial(page_task, screen),
            "sort": partial(choose_sort, screen),
            "columns": partial(choose_columns, screen),
            "save_view": partial(save_or_delete_view, screen),
            "mark": self.marked.toggle_current,
            "mark_range": self.marked.mark_range,
            "mark_all": self.marked.mark_all,
            "mark_others": self.marked.mark_others,
            "detail": partial(self._do_with_current, lambda task: self._open(TaskScreen(screen, task.number))),
            "earlier": partial(self._do_with_current, lambda task: screen.go_to(task.earlier_number or task.number)),
            "archive": partial(self._do_with_current, self._open_archive),
            "letter": partial(self._do_with_current, lambda task: self._open_letter(task.number)),
            "downloads": lambda: self._open(DownloadsScreen(session, screen.context)),
            "sent": lambda: self._open(IntentLogScreen(session, self._go_to_and_open)),
            "dashboard": lambda: self._open(
                DashboardScreen(session, lambda text: screen.show(screen.list_state.of_filter(text)))
            ),
            "messages": lambda: self._open(MessagesScreen(session)),
            "profiles": lambda: self._open(
                ProfilesScreen(session, lambda name: screen.run_in_background(partial(switch_profile, screen, name)))
            ),
            "help": self._open_help,
            "new": screen.open_form,
            "new_deletion": lambda: screen.open_form(Kind.DELETION),
            "zoom_details": lambda: self._toggle_details(DetailPlace.ALONE),
            "hide_details": lambda: self._toggle_details(DetailPlace.NOWHERE),
            "freeze": screen.toggle_live_updates,
            "mask": lambda: screen.set_masked(not session.masked),
            "failed": lambda: screen.show_view(_FAILED),
            "back": self._back,
            "theme": partial(session.set_theme, None),
            "quit": self._quit,
            "scroll_left": partial(self._scroll_columns, -1),
            "scroll_right": partial(self._scroll_columns, 1),
            "detail_down": lambda: screen.detail_pane.scroll_by(_DETAIL_LINES),
            "detail_up": lambda: screen.detail_pane.scroll_by(-_DETAIL_LINES),
            **{f"view_{index + 1}": partial(screen.show_view, index) for index in range(MAX_VIEWS)},
        }

    def acts_on_marks(self, name: str) -> bool:
        """Return whether the action called `name` would be done to marked tasks."""
        return bool(self.marked.all) and name in self._on_marks

    def submit(self, request: Request) -> None:
        """Record what the request form holds; once, however often enter is pressed meanwhile."""
        if not self._is_submitting:
            self._is_submitting = True
            self._screen.run_in_background(lambda: self._submit(request), "submit", exclusive=False)

    def _back(self) -> None:
        screen = self._screen
        if screen.form.display:
            screen.close_form()
        elif self.marked.all:
            self.marked.mark_only(frozenset())
        elif screen.list_state.view is None:
            screen.show(screen.list_state.of_filter(""))
        elif screen.view_index != 0:
            screen.show_view(0)
        else:
            screen.show_status("")

    async def _submit(self, request: Request) -> None:
        screen = self._screen
        try:
            task = await run_in_thread_and_report(screen, lambda: screen.session.task_commands.submit(request))
        finally:
            self._is_submitting = False
        if task is None:
            return
        screen.form.clear()
        screen.close_form()
        email = email_text(task, screen.session.display_context())

        async def outcome() -> tuple[str, bool]:
            delay = await screen.session.delay_sentence(task.number)
            unsent = f" {task.status}: nothing is sent yet." if task.status in WITHHELD_STATUSES else ""
            return f"Recorded as #{task.number}: {task.kind.lower()} for {email}.{unsent}{delay}", not delay

        await screen.show_outcome(outcome)
        screen.select_when_listed(task.number)

    def _toggle_details(self, place: DetailPlace) -> None:
        """Show the details only there, or as the terminal's size allows where they are there already."""
        screen = self._screen
        screen.place_details(None if screen.chosen_detail_place is place else place)
        zoom = screen.session.keymap.key("zoom_details")
        if screen.chosen_detail_place is None and detail_place(screen.app.size, None) is DetailPlace.NOWHERE:
            screen.show_status(f"The details under the list need {WIDE}x{TALL}; {zoom} shows them alone.")

    def _open(self, screen: ActionScreen) -> None:
        self._screen.app.push_screen(screen)

    def _do_with_current(self, act: Callable[[Task], None]) -> None:
        if (task := self._screen.table.current) is not None:
            act(task)

    def _go_to_and_open(self, number: int) -> None:
        self._screen.go_to(number)
        self._open(TaskScreen(self._screen, number))

    def _scroll_columns(self, step: int) -> None:
        if not self._screen.table.scroll_columns(step):
            self._screen.show_status(NO_MORE_COLUMNS)

    def _open_archive(self, task: Task) -> None:
        if task.download is not None and task.download.path is not None:
            self._open(ArchiveScreen(self._screen.session, task, task.download))

    def _open_letter(self, number: int, kind: str | None = None) -> None:
        self._open(LetterScreen(self._screen, number, kind))

    def _quit(self) -> None:
        if has_size(self._screen.app.size, MINIMUM_SIZE) and losses_of_leaving(self._screen):  # a question can be read
            self._screen.run_in_background(partial(quit_console, self._screen))
        else:
            self._screen.app.exit()

    def _open_help(self) -> None:
        screen, session = self._screen, self._screen.session
        actions = with_view_names(session.keymap.actions_of(Scope.MAIN), screen.views)
        mouse = mouse_notes(is_on=session.profile.uses_mouse(os.environ))
        self._open(HelpScreen(session, screen, actions, FILTER_NOTES, sign_notes(), mouse))


_FAILED: Final = next(index for index, view in enumerate(VIEWS) if view.name == "failed")
