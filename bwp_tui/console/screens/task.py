"""One task on the whole screen, in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll

from bwp_tui.console.background import repeat_in_front, run_in_background
from bwp_tui.console.bindings.actions import MOVE_ACTIONS, TASK_GROUP, ActionContext, Scope, footer_actions
from bwp_tui.console.bindings.screen_actions import PAGE_NAMES
from bwp_tui.console.presentation import task_detail, task_pages
from bwp_tui.console.presentation.breakpoints import TASK_WIDE
from bwp_tui.console.presentation.format import DisplayContext
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.screens.front_screens import TASK_GONE, PagedScreen
from bwp_tui.console.session import RESULT_CHECK_S
from bwp_tui.console.store_access.history_reader import TaskDetails
from bwp_tui.console.widgets.prompt import Prompt
from bwp_tui.console.widgets.styled_line import Heading, KeyLine, Paragraphs


class _Page(NamedTuple):
    """A page: its lines, and how many things it holds, where that is worth a number."""

    lines: Callable[[TaskDetails, DisplayContext], Iterator[list[StyledText]]]
    count: Callable[[TaskDetails], int] = lambda _details: 0


_PAGES: Final = {
    "overview": _Page(task_pages.overview_page),
    "errors": _Page(task_pages.errors_page, lambda details: len(details.task.errors)),
    "timeline": _Page(task_pages.timeline_page, lambda details: len(details.events)),
    "requests": _Page(task_pages.requests_page, lambda details: len(details.intents) + len(details.downloads)),
    "notes": _Page(task_pages.notes_page, lambda details: len(task_pages.note_events(details))),
}


class TaskScreen(PagedScreen):
    """Shows a task: heading, tabs, the text of one page, prompt, status line and footer.

    Args:
        main: the main screen, whose cursor moves along and whose prompts are shown here.
        task_number: of the task.
    """

    scope = Scope.TASK

    def __init__(self, main: MainScreenProtocol, task_number: int) -> None:
        super().__init__(main, task_number, len(PAGE_NAMES))
        self._scroll_positions: dict[int, int] = {}
        self._details: TaskDetails | None = None
        self._gone_shown: frozenset[int] = frozenset()
        self._row = 0
        """The row of the task in the list, or the one that it had before it left the view."""
        self.handlers |= {
            "next_task": lambda: self._read_neighbour(1),
            "previous_task": lambda: self._read_neighbour(-1),
            "earlier": self._read_earlier,
        }

    def compose_content(self) -> ComposeResult:
        yield KeyLine(id="task-tabs")
        with VerticalScroll(id="task-scroll", can_focus=False), Horizontal(id="task-columns"):
            yield Paragraphs(id="task-text")
            yield Paragraphs(id="task-aside")

    def on_mount(self) -> None:
        self._main.prompt_host = self
        repeat_in_front(self, RESULT_CHECK_S, self._look_for_results)

    def on_screen_resume(self) -> None:
        """Read the task, also after a screen in front, which may have found its saved result gone."""
        self._read()

    @on(Prompt.Toggled)
    def _asked(self) -> None:
        if self.prompt.is_open and self.prompt.mistake is None:
            self.show_status("")  # an earlier sentence must not come back when the prompt closes

    @property
    def keys(self) -> Sequence[StyledText]:
        """The keys that do something for this task."""
        hint, context = self.keymap.hint, self.context
        actions = footer_actions(self.keymap.actions_of(self.scope), context, self.acts_on_marks)
        of_task = [each for each in actions if each.group == TASK_GROUP and self.disabled_reason(each.name) is None]
        steps = [hint(action.label, action.name) for action in of_task if action.is_next_step is not None]
        others = [hint(action.label, action.name) for action in of_task if action.is_next_step is None]
        task = hint("task", "previous_task", "next_task")
        list_hints = (hint("find", "filter"), *others, hint("mask", "mask"))
        return (*steps, (self._page_keys, "page"), task, hint("help", "help"), *list_hints)

    def close(self) -> None:
        """Close the screen; the cursor is on the task shown last."""
        self._main.prompt_host = None
        super().close()

    def disabled_reason(self, name: str) -> str | None:
        if name not in self.handlers and self._main.acts_on_marks(name):
            return f"This would act on the marked tasks ({len(self._main.table.marks)}): go back to the list first."
        return super().disabled_reason(name)

    def dispatch(self, name: str) -> None:
        """Do an action of this screen; have the main screen do one on the task, with its prompts shown here."""
        if name in self.handlers or name in MOVE_ACTIONS or name == "scroll":
            super().dispatch(name)
        else:
            self._main.go_to(self._task_number, name)

    def accepts_now(self, key: str) -> bool:  # noqa: ARG002  any key may be meant for its question
        """Return whether a key can be handled now: none is while the last one's action waits for the list."""
        return not self._main.has_action_waiting

    def _open_page(self, page: int) -> None:
        """Open a page where it was left."""
        self._scroll_positions[self._page] = round(self.query_one(VerticalScroll).scroll_y)
        self._page = page
        self._show()
        self.scroll_to_line(self._scroll_positions.get(page, 0))

    def _read_neighbour(self, step: int) -> None:
        """Read the next task of the view, or the one before, on the same page."""
        number = self._main.table.neighbour(self._task_number, step, self._row)
        if number is None:
            self.show_status(f"No task of the view {'follows' if step > 0 else 'comes before'}.", "warn")
        else:
            self._go_to(number)

    def _read_earlier(self) -> None:
        """Read the earlier task that asked the same."""
        if self._details is not None and self._details.earlier_task is not None:
            self._go_to(self._details.earlier_task.number)

    @property
    def context(self) -> ActionContext:
        task = self._details.task if self._details else None
        session = self.session
        reason = partial(session.reader.wrong_actor_reason, actor=session.actor)
        here = (task, session.read_only, session.today())
        return ActionContext(*here, gone_results=session.gone_results, wrong_actor_reason=reason)

    def _key_from_here(self, action: str) -> str:
        """Return the key of an action that is offered, behind the one that goes back where only the list has it.

        None of an action that would be done to the marked tasks.
        """
        if action not in self.handlers and self._main.acts_on_marks(action):
            return ""
        key, here = self.session.offered_key(action), self.keymap.actions_of(self.scope)
        is_here = any(action == each.name for each in here)
        return key if is_here or not key else f"{self.keymap.key('back')}, then {key}"

    def _go_to(self, number: int) -> None:
        self._task_number = number
        self._scroll_positions.clear()
        self._main.go_to(number)
        self.show_status("")
        self._read()
        self.scroll_to_line(0)

    def _read(self) -> None:
        session = self.session
        task = session.reader.current(self._task_number)
        self._task_number = self._task_number if task is None else task.number
        self._details = None if task is None else session.reader.task_details(task)
        if (row := self._main.table.row_of(self._task_number)) is not None:
            self._row = row
        self._show()
        self._look_for_results()

    def _look_for_results(self) -> None:
        async def look() -> None:
            if details is not None and await self.session.check_results_on_disk(self._gone_shown, *details.downloads):
                self._show()

        details = self._details
        if details is not None and details.task.was_downloaded:
            run_in_background(self, look, group="result", exclusive=True)

    def _show(self) -> None:
        if not self.query("#task-text"):
            return  # the console ends meanwhile
        self._gone_shown = self.session.gone_results
        details, context = self._details, self.session.display_context()._replace(key=self._key_from_here)
        self.update_footer()
        if details is None:
            self.query_one(Heading).set_text([(TASK_GONE.rstrip(".").lower(), "muted")])
            self._show_tabs((name, "plain") for name in PAGE_NAMES)
            for text in self.query(Paragraphs):
                text.set_lines(())
            return
        self.query_one(Heading).set_text(
            task_detail.heading(details.task, context), *task_detail.task_names(details.task)
        )
        counts = ((name, _PAGES[name].count(details)) for name in PAGE_NAMES)
        self._show_tabs((f"{name} {count}" if count else name, "plain") for name, count in counts)
        self.query_one("#task-text", Paragraphs).set_lines(_PAGES[PAGE_NAMES[self._page]].lines(details, context))
        has_aside = self._page == 0 and self.app.size.width >= TASK_WIDE
        timeline = task_detail.timeline_lines(details.task, details.events, context) if has_aside else ()
        self.query_one("#task-aside", Paragraphs).set_lines(timeline)
        self.finder.update()
