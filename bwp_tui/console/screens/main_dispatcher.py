"""Carry out each action of the registry by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from bwp_tui.console.command_bar.controller import CommandBar
from bwp_tui.console.command_bar.task_commands import TaskLineCommands
from bwp_tui.console.controllers.bulk import SHORTEN, BulkActions
from bwp_tui.console.controllers.column_chooser import choose_columns, choose_order
from bwp_tui.console.controllers.copy import CopyController
from bwp_tui.console.controllers.filter_prompt import FilterPrompt
from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.controllers.records import RecordController
from bwp_tui.console.controllers.saved_views import SavedViewController
from bwp_tui.console.controllers.undo import UndoController
from bwp_tui.console.presentation.task_detail import mask, subject
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.screens.navigator import Navigator
from bwp_tui.console.widgets.prompt import F2
from bwp_tui.console.workers import Work, run_in_thread_and_report
from bwp_tui.domain.filter import MOST_VIEWS, VIEWS
from bwp_tui.domain.holding_periods import Hold, fitting_hold, same_hold
from bwp_tui.domain.task import Kind, Request, Status, Task
from bwp_tui.domain.text import clean_line, counted
from bwp_tui.store.commands import bulk_plan
from bwp_tui.store.commands.requests import cancelling
from bwp_tui.store.commands.result_files import saved_at

_DETAIL_LINES: Final = 3


class ActionDispatcher:
    """Carries out the registry's actions for the main screen, one question to the operator at a time."""

    def __init__(self, screen: MainScreenProtocol) -> None:
        self._screen = screen
        self._marked = MarkedTasks(screen)
        many, recording = BulkActions(screen, self._marked), RecordController(screen, self._marked)
        copying = CopyController(screen, self._marked)
        self._filing = False
        self._plain: dict[str, Callable[[], None]] = {
            **many.plain,
            **Navigator(screen).handlers,
            "new": screen.open_form,
            "new_deletion": lambda: screen.open_form(Kind.DELETION),
            "freeze": screen.freeze,
            "mask": lambda: screen.mask(not screen.session.masked),
            "failed": lambda: screen.show_view(_FAILED),
            "back": self._back,
            "theme": screen.session.next_theme,
            "quit": lambda: screen.app.exit(),
            "detail_down": lambda: screen.detail.scroll_by(_DETAIL_LINES),
            "detail_up": lambda: screen.detail.scroll_by(-_DETAIL_LINES),
            **{f"view_{index + 1}": _bound(screen.show_view, index) for index in range(MOST_VIEWS)},
        }
        self._asking: dict[str, Work] = {
            "filter": FilterPrompt(screen).ask,
            **recording.of_one,
            **recording.of_any,
            "undo": UndoController(screen).undo,
            "command": CommandBar(screen, TaskLineCommands(screen, self._marked, many.resubmit, recording)).ask,
            "download": self._download,
            "resubmit": self._resubmit,
            "cancel": self._cancel,
            "poll": self._poll,
            "copy": copying.one,
            "sort": lambda: choose_order(screen),
            "columns": lambda: choose_columns(screen),
            "save_view": SavedViewController(screen).ask,
        }
        self._asking_marked: dict[str, Work] = {
            **many.asking,
            **recording.of_any,
            "copy": copying.marked,
        }

    def dispatch(self, name: str) -> None:
        """Do the action called `name`: to the marked tasks where there are some, else to the one under the cursor."""
        asking = self._asking_marked if self.acts_on_marks(name) else self._asking
        if name in self._plain:
            self._plain[name]()
        elif name in asking:
            self._screen.start_worker(asking[name], "doing", exclusive=True)
        else:
            self._screen.table.moves[name]()

    def acts_on_marks(self, name: str) -> bool:
        """Say whether the action called `name` would be done to marked tasks."""
        return bool(self._marked.all) and name in self._asking_marked

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

    async def _download(self) -> None:
        task = self._task()
        saved = None if task is None else await asyncio.to_thread(saved_at, task)
        if task is not None and saved is not None:
            name = mask(saved.name, task, self._screen.session.display_context())
            if not await self._screen.prompt.ask_yes_no(f"It is saved already as {name}. Fetch it again?"):
                return
        await self._record(self._screen.session.tasks.download)

    async def _poll(self) -> None:
        await self._record(self._screen.session.tasks.poll)

    async def _cancel(self) -> None:
        task = self._task()
        if task and await self._screen.prompt.ask_yes_no(
            f"{cancelling(task)} for {self._masked_subject(task)}?", for_good=True
        ):
            said = await run_in_thread_and_report(self._screen, lambda: self._screen.session.tasks.cancel(task))
            if said is not None:
                self._screen.show_status(
                    said if task.awaits_response else f"{said.rstrip('.')}, {await self._screen.session.when_sent()}"
                )

    async def _resubmit(self) -> None:
        task = self._task()
        if task is None:
            return
        session, today = self._screen.session, self._screen.session.today()
        hold: Hold = same_hold
        late = (await asyncio.to_thread(bulk_plan.plan, session.write_store, "resubmit", [task.number], today)).warning
        doubt = "It may have been started. " if task.status in (Status.UNCONFIRMED, Status.GIVEN_UP) else ""
        if task.kind is Kind.DELETION:
            question = f"Type the address to submit the deletion for {clean_line(task.email)} again:"
            shown = f"{doubt}{late}. {question}" if late else f"{doubt}{question}"
            answer = await self._screen.prompt.ask_text(shown, f2=SHORTEN if late else "")
            if answer == F2:
                hold = fitting_hold(today)
                question = f"Held for {counted(hold(task) or 0, 'day')}. {question}"
                answer = await self._screen.prompt.ask_text(f"{doubt}{question}")
            if answer is None or answer.strip() != task.email:
                self._screen.show_status("" if answer is None else "Nothing was done: that is not the address.", "warn")
                return
        else:
            question = f"{doubt}Submit the retrieval for {self._masked_subject(task)} again?"
            if not await self._screen.prompt.ask_yes_no(question, for_good=True):
                return
        new = await run_in_thread_and_report(self._screen, lambda: session.tasks.resubmit(task, hold))
        if new is not None:
            when = await self._screen.session.when_sent()
            self._screen.show_status(f"Recorded as #{new.number} with a client token of its own, {when}")
            self._screen.select_when_listed(new.number)

    async def _submit(self, request: Request) -> None:
        screen = self._screen
        try:
            task = await run_in_thread_and_report(self._screen, lambda: screen.session.tasks.submit(request))
        finally:
            self._filing = False
        if task is None:
            return
        screen.form.clear()
        screen.close_form()
        when = await screen.session.when_sent()
        screen.show_status(f"Recorded as #{task.number}: {task.kind.lower()} for {self._masked_subject(task)}, {when}")
        screen.select_when_listed(task.number)

    async def _record(self, act: Callable[[Task], str]) -> None:
        task = self._task()
        if task is not None:
            await run_in_thread_and_report(self._screen, lambda: act(task))

    def _task(self) -> Task | None:
        return self._screen.current_task

    def _masked_subject(self, task: Task) -> str:
        return subject(task, self._screen.session.display_context())


_FAILED: Final = next(index for index, view in enumerate(VIEWS) if view.name == "failed")


def _bound(show: Callable[[int], None], index: int) -> Callable[[], None]:
    return lambda: show(index)
