"""What each key does: `do_<name>` for every action of the registry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final, TypeVar

from bwp_tui.console.clipboard import copy
from bwp_tui.console.detail_words import Reading, subject
from bwp_tui.console.screens.dashboard import DashboardScreen
from bwp_tui.console.screens.help import HelpScreen
from bwp_tui.domain.filter import VIEWS, FilterError
from bwp_tui.domain.task import Kind, Request, Task
from bwp_tui.domain.times import local_day
from bwp_tui.history.actions import BadRequest
from bwp_tui.history.errors import HistoryError

if TYPE_CHECKING:
    from bwp_tui.console.screens.main import MainScreen

_Result = TypeVar("_Result")
_DETAIL_LINES: Final = 3


class Doing:
    """Carries out the registry's actions for the main screen, one question to the operator at a time."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._filing = False
        self._plain: dict[str, Callable[[], None]] = {
            "new": screen.open_form,
            "new_deletion": lambda: screen.open_form(Kind.DELETION),
            "detail": screen.turn_detail,
            "mask": lambda: screen.mask(not screen.session.masked),
            "failed": lambda: screen.show_view(_FAILED),
            "back": self._back,
            "copy": self._copy,
            "theme": screen.session.next_theme,
            "help": lambda: self._open_help(),
            "dashboard": self._open_dashboard,
            "quit": lambda: screen.app.exit(),
            "detail_down": lambda: screen.detail.scroll_by(_DETAIL_LINES),
            "detail_up": lambda: screen.detail.scroll_by(-_DETAIL_LINES),
            **{f"view_{index + 1}": _bound(screen.show_view, index) for index in range(len(VIEWS))},
        }
        self._asking: dict[str, Callable[[], Coroutine[None, None, None]]] = {
            "filter": self._filter,
            "palette": self._palette,
            "download": self._download,
            "resubmit": self._resubmit,
            "cancel": self._cancel,
            "poll": self._poll,
            "note": self._note,
        }

    def do(self, name: str) -> None:
        """Do the action called `name`."""
        if name in _MOVES:
            self._move(name)
        elif name in self._plain:
            self._plain[name]()
        else:
            self._screen.run_worker(self._asking[name](), group="doing", exclusive=True, exit_on_error=True)

    def file(self, request: Request) -> None:
        """Record what the request form holds; once, however often enter is pressed meanwhile."""
        if not self._filing:
            self._filing = True
            self._screen.run_worker(self._file(request), group="filing")

    def _move(self, name: str) -> None:
        table, detail = self._screen.table, self._screen.detail
        if self._screen.has_class("-detail-open") and name in ("down", "up"):
            detail.scroll_by(1 if name == "down" else -1)
            return
        getattr(table, f"action_{_MOVES[name]}")()

    def _back(self) -> None:
        screen = self._screen
        if screen.form.display:
            screen.close_form()
        elif screen.has_class("-detail-open"):
            screen.turn_detail(False)
        elif screen.view != 0:
            screen.show_view(0)
        else:
            screen.say("")

    def _copy(self) -> None:
        task = self._screen.task_here
        if task is not None and task.task_id is not None:
            self._screen.say(f"Task id {task.task_id}: {copy(self._screen.app, task.task_id)}.")

    def _open_help(self) -> None:
        self._screen.app.push_screen(HelpScreen(self._screen.situation))

    def _open_dashboard(self) -> None:
        session = self._screen.session
        today = session.today()
        self._screen.app.push_screen(DashboardScreen(lambda: session.reader.statistics(today), today))

    async def _filter(self) -> None:
        screen, before = self._screen, (self._screen.view, self._screen.filter_text)

        def changed(text: str) -> None:
            try:
                screen.show_filter(text)
            except FilterError as error:
                screen.prompt.hint(str(error), "bad")
            else:
                screen.prompt.hint("", "muted")

        answer = await screen.prompt.text("/", screen.filter_text, changed=changed)
        if answer is None:
            view, text = before
            if view is not None:
                screen.show_view(view)
            else:
                screen.show_filter(text)
            return
        try:
            screen.show_filter(answer)
        except FilterError as error:
            screen.say(str(error), "bad")

    async def _palette(self) -> None:
        screen = self._screen
        screen.open_palette()
        answer = await screen.prompt.text(":", changed=screen.palette.search, moved=screen.palette.move)
        picked = screen.palette.picked
        screen.close_palette()
        if answer is not None and picked is not None:
            # After this worker has ended: what is run may ask something itself.
            screen.call_later(screen.action_perform, picked.name)

    async def _download(self) -> None:
        await self._record(self._screen.session.desk.download)

    async def _poll(self) -> None:
        await self._record(self._screen.session.desk.poll)

    async def _cancel(self) -> None:
        task = self._task()
        if task and await self._screen.prompt.yes(f"Cancel the deletion for {self._subject(task)}?"):
            await self._write(lambda: self._screen.session.desk.cancel(task))

    async def _resubmit(self) -> None:
        task = self._task()
        if task is None:
            return
        kind = task.kind.lower()
        if not await self._screen.prompt.yes(f"Submit the {kind} for {self._subject(task)} again?"):
            return
        new = await self._write(lambda: self._screen.session.desk.resubmit(task))
        if new is not None:
            self._screen.say(f"Recorded as #{new.number}; it is sent with a client token of its own.")
            self._screen.wait_for(new.number)

    async def _note(self) -> None:
        task = self._task()
        if task is None:
            return
        text = await self._screen.prompt.text(f"Note on {task.name}:", task.note)
        if text is not None:
            await self._write(lambda: self._screen.session.desk.note(task, text))

    async def _file(self, request: Request) -> None:
        screen = self._screen
        try:
            task = await self._write(lambda: screen.session.desk.submit(request))
        finally:
            self._filing = False
        if task is None:
            return
        screen.form.clear()
        screen.close_form()
        screen.say(f"Recorded as #{task.number}: {task.kind.lower()} for {self._subject(task)}. It is sent now.")
        screen.wait_for(task.number)

    async def _record(self, act: Callable[[Task], str]) -> None:
        task = self._task()
        if task is not None:
            await self._write(lambda: act(task))

    async def _write(self, act: Callable[[], _Result]) -> _Result | None:
        """Have the history written off the UI's loop; say what came of it, and return it where it was written."""
        screen = self._screen
        try:
            result = await asyncio.to_thread(act)
        except (HistoryError, BadRequest) as error:
            screen.say(str(error), "bad")
            return None
        if isinstance(result, str):
            screen.say(result)
        screen.session.feed.look()
        return result

    def _task(self) -> Task | None:
        return self._screen.task_here

    def _subject(self, task: Task) -> str:
        session = self._screen.session
        now = session.clock()
        return subject(task, Reading(now, local_day(now), session.masked, session.day))


_MOVES: Final = {
    "down": "cursor_down",
    "up": "cursor_up",
    "page_down": "page_down",
    "page_up": "page_up",
    "half_page_down": "half_page_down",
    "half_page_up": "half_page_up",
    "first": "first",
    "last": "last",
}
_FAILED: Final = next(index for index, view in enumerate(VIEWS) if view.name == "failed")


def _bound(show: Callable[[int], None], index: int) -> Callable[[], None]:
    return lambda: show(index)
