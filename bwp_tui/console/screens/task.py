"""One task on the whole screen, in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll

from bwp_tui.console.bindings import help_entries
from bwp_tui.console.bindings.actions import ACTIONS, BY_NAME, GROUPS, TASK_GROUP, ActionContext
from bwp_tui.console.presentation import task_detail, task_pages
from bwp_tui.console.presentation.styled_text import StyledLine, StyledText
from bwp_tui.console.presentation.task_detail import DisplayContext
from bwp_tui.console.screens.help import HelpScreen
from bwp_tui.console.screens.scrolled import SCROLL_BINDINGS, ScrolledScreen
from bwp_tui.console.services.history_reader import TaskDetails
from bwp_tui.console.services.snapshot_feed import Snapshot
from bwp_tui.console.session import Session
from bwp_tui.console.widgets.bars import FooterLine, StatusLine
from bwp_tui.console.widgets.detail_pane import Heading, Paragraphs
from bwp_tui.console.widgets.prompt import Prompt


class _Page(NamedTuple):
    """A page: its name, its lines, and how many things it holds, where that is worth a number."""

    name: str
    lines: Callable[[TaskDetails, DisplayContext], Iterator[list[StyledText]]]
    count: Callable[[TaskDetails], int] = lambda _known: 0


PAGES: Final = (
    _Page("overview", task_pages.overview_page),
    _Page("errors", task_pages.errors_page, lambda known: len(known.task.errors)),
    _Page("timeline", task_pages.timeline_page, lambda known: len(known.events)),
    _Page("requests", task_pages.requests_page, lambda known: len(known.sent) + len(known.downloads)),
    _Page("notes", task_pages.notes_page, lambda known: sum(event.what == "note" for event in known.events)),
)

_HERE: Final = ("detail", "earlier")
"""Actions on a task that this screen does itself; the main screen does the others, with its prompts shown here."""


class TaskNavigation(Protocol):
    """The main screen, for this one. `set_prompt_host` shows its prompts here; None ends that."""

    @property
    def current_number(self) -> int | None: ...
    @property
    def marked(self) -> int: ...
    def neighbour(self, number: int, step: int) -> int | None: ...
    def go_to(self, number: int) -> None: ...
    def perform(self, name: str) -> None: ...
    def set_prompt_host(self, front: TaskScreen | None) -> None: ...
    def mask(self, masked: bool) -> None: ...


class TaskScreen(ScrolledScreen):
    """Shows a task.

    Args:
        number: its local number.
        behind: the main screen, whose cursor goes along.
    """

    AUTO_FOCUS = ""
    BINDINGS = [
        Binding("tab,right", "turn(1)", "The next page", show=False, priority=True),
        Binding("shift+tab,left", "turn(-1)", "The page before", show=False, priority=True),
        *(
            Binding(str(place), f"page({place - 1})", f"Page: {page.name}", show=False)
            for place, page in enumerate(PAGES, 1)
        ),
        *SCROLL_BINDINGS,
        Binding("right_square_bracket", "neighbour(1)", "The next task of the view", show=False),
        Binding("left_square_bracket", "neighbour(-1)", "The task before it in the view", show=False),
        Binding("escape,q,enter", "close", "Go back to the tasks", show=False),
        Binding(BY_NAME["earlier"].keys[0], "earlier", "The earlier task", show=False, id="earlier"),
        Binding(BY_NAME["help"].keys[0], "help", "Help", show=False, id="help"),
        Binding(BY_NAME["mask"].keys[0], "mask", "Mask", show=False, id="mask"),
        *(
            Binding(",".join(action.keys), f"act('{action.name}')", action.what, show=False, id=action.name)
            for action in ACTIONS
            if (action.group == TASK_GROUP and action.name not in _HERE) or action.name == "undo"
        ),
    ]

    def __init__(self, session: Session, number: int, navigation: TaskNavigation) -> None:
        super().__init__()
        self._session = session
        self._number = number
        self._behind = navigation
        self._page = 0
        self._tops: dict[int, float] = {}
        self._known: TaskDetails | None = None

    def compose(self) -> ComposeResult:
        yield Heading(id="task-heading")
        yield StyledLine(id="task-tabs")
        with VerticalScroll(id="task-scroll", can_focus=False):
            yield Paragraphs(id="task-text")
        yield Prompt(id="prompt")
        yield StatusLine(id="status")
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        self._behind.set_prompt_host(self)
        self._read()

    @property
    def prompt(self) -> Prompt:
        """The line that asks."""
        return self.query_one(Prompt)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave all keys to an open prompt."""
        is_asking = any(prompt.is_open for prompt in self.query(Prompt))
        return not is_asking and super().check_action(action, parameters)

    @on(Prompt.Toggled)
    def _asked(self) -> None:
        if self.prompt.is_open and self.prompt.mistake is None:
            self.show_status("")  # an earlier sentence must not come back when the prompt closes
        self._update_footer()

    def _update_footer(self) -> None:
        footer, wrong = self.query_one(FooterLine), self.prompt.mistake if self.prompt.is_open else None
        if wrong is None:
            footer.show_keys(*self._keys())
        else:
            footer.show_mistake(*wrong)

    def _keys(self) -> Sequence[StyledText]:
        """Return the keys that answer, or those that do something for this task."""
        if self.prompt.is_open:
            return self.prompt.keys_beside
        key, situation = self._session.keymap.key, self._action_context
        possible = [
            (key(action.name), action.label)
            for action in help_entries.named(self.BINDINGS, self._session.keymap.actions)
            if action.label and action.group == TASK_GROUP and action.disabled_reason(situation) is None
        ]
        always = (("tab 1-5", "page"), (key("help"), "help"), (key("mask"), "mask"), ("[ ]", "task"))
        return (*always, *possible, ("esc", "back"))

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def apply(self, told: Snapshot | str) -> None:
        """Show what the history says now of this task."""
        if isinstance(told, str):
            self.show_status(told, "bad")
        elif self._number in told.changed:
            self._read()

    def action_close(self) -> None:
        """Go back; the cursor stands on the task that was read last."""
        self._behind.set_prompt_host(None)
        self.dismiss(None)

    def action_turn(self, pages: int) -> None:
        """Turn to the next page, or the one before."""
        self.action_page((self._page + pages) % len(PAGES))

    def action_page(self, page: int) -> None:
        """Open a page where it was left."""
        scroll = self.query_one(VerticalScroll)
        self._tops[self._page] = scroll.scroll_y
        self._page = page
        self._show()
        self.call_after_refresh(scroll.scroll_to, y=self._tops.get(page, 0), animate=False)

    def action_neighbour(self, step: int) -> None:
        """Read the next task of the view, or the one before, on the same page."""
        number = self._behind.neighbour(self._number, step)
        if number is None:
            self.show_status(f"This is the {'last' if step > 0 else 'first'} task of the view.", "warn")
        else:
            self._go_to(number)

    def action_earlier(self) -> None:
        """Read the earlier task that asked the same."""
        earlier = self._known.earlier if self._known else None
        if earlier is None:
            self._refuse("earlier")
        else:
            self._go_to(earlier.number)

    def action_mask(self) -> None:
        """Mask or show the addresses."""
        self._behind.mask(not self._session.masked)
        self._show()

    def action_help(self) -> None:
        """Show every key of this screen."""
        actions = (
            *help_entries.bound(self.BINDINGS),
            *help_entries.named(self.BINDINGS, self._session.keymap.actions),
        )
        groups = (help_entries.HERE, *GROUPS)
        self.app.push_screen(HelpScreen(self._action_context, actions, groups, notes=()))

    def action_act(self, name: str) -> None:
        """Have the main screen do an action of the registry to this task; what it asks and says is shown here."""
        if self._refuse(name):
            return
        if self._behind.marked and name != "undo":
            self.show_status(
                f"This would act on the marked tasks ({self._behind.marked}): go back to the list first.", "warn"
            )
            return
        if self._behind.current_number != self._number:
            self._behind.go_to(self._number)
            self.show_status("The list has changed. Press the key again.", "warn")
            return
        self._behind.perform(name)

    def _refuse(self, name: str) -> bool:
        """Say why an action is not possible for this task; False when it is."""
        why_not = BY_NAME[name].disabled_reason(self._action_context)
        if why_not:
            self.show_status(f"{self._session.keymap.key(name)}: {why_not}", "warn")
        return why_not is not None

    @property
    def _action_context(self) -> ActionContext:
        task = self._known.task if self._known else None
        return ActionContext(task, self._session.read_only, self._session.today())

    def _go_to(self, number: int) -> None:
        self._number = number
        self._tops.clear()
        self._behind.go_to(number)
        self.show_status("")
        self._read()
        self.query_one(VerticalScroll).scroll_to(y=0, animate=False)

    def _read(self) -> None:
        session = self._session
        task = next(iter(session.reader.window([self._number])), None)
        self._known = None if task is None else session.reader.task_details(task)
        self._show()

    def _show(self) -> None:
        known, context = self._known, self._session.display_context()
        self._update_footer()
        if known is None:
            self.query_one(Heading).set_text([("this task no longer exists", "muted")])
            return
        self.query_one(Heading).set_text(task_detail.heading(known.task, context), *task_detail.task_names(known.task))
        tabs = self.query_one("#task-tabs", StyledLine)
        tabs.show(tabs.to_content(*self._tabs(known)))
        self.query_one(Paragraphs).set_lines(PAGES[self._page].lines(known, context))

    def _tabs(self, known: TaskDetails) -> Iterator[StyledText]:
        for place, page in enumerate(PAGES):
            count = page.count(known)
            yield (f"{'   ' if place else ' '}{place + 1} ", "key")
            yield (f"{page.name}{f' {count}' if count else ''}", "current" if place == self._page else "plain")

    def show_status(self, sentence: str, role: str = "plain") -> None:
        """Show a sentence in the status line."""
        self.query_one("#status", StatusLine).set_text(sentence, role)
