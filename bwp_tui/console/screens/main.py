"""The main screen: views, table, details, downloads, one line to say things and one for the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen

from bwp_tui.console.bindings.actions import ACTIONS, BY_NAME, MARK_GROUP, MOVES, READ_ONLY, TASK_GROUP, Situation
from bwp_tui.console.presentation.styled_text import Phrase
from bwp_tui.console.screens.main_panels import FORM, PALETTE, Around
from bwp_tui.console.services.snapshot_feed import Question, Snapshot
from bwp_tui.console.session import Session
from bwp_tui.console.state.freeze_buffer import Freezing
from bwp_tui.console.state.list_state import Listing
from bwp_tui.console.state.saved_state import Remembered
from bwp_tui.console.widgets.active_downloads import DownloadLines
from bwp_tui.console.widgets.bars import FooterLine, HeaderLine, StatusLine, ViewsLine
from bwp_tui.console.widgets.debouncer import Resting
from bwp_tui.console.widgets.detail_pane import DetailPane
from bwp_tui.console.widgets.task_table import TaskTable
from bwp_tui.console.workers import Work, set_going
from bwp_tui.domain.completion import highlights
from bwp_tui.domain.filter import View
from bwp_tui.domain.task import Kind, Task
from bwp_tui.store.queries.view_rows import Near

if TYPE_CHECKING:
    from bwp_tui.console.bindings.commands import Command
    from bwp_tui.console.protocols import Asking
    from bwp_tui.console.screens.main_dispatcher import Doing
    from bwp_tui.console.widgets.command_palette import PaletteLines
    from bwp_tui.console.widgets.command_suggestions import CommandLines
    from bwp_tui.console.widgets.prompt import Prompt
    from bwp_tui.console.widgets.request_form import RequestForm

TICK_S: Final = 5.0
"""How often ages and countdowns are looked at; they are repainted only when their words change."""

_OF_THE_LIST: Final = ("mark_range", "mark_all")
"""Actions on many tasks at once, none of which may be another list's."""

_PATIENCE_S: Final = 0.5
"""How long what asks the operator is put off for the first rows to be shown."""

SMALLEST: Final = (60, 15)
_LOW: Final = 18
"""Lines below which nothing is left blank: a warning needs them."""

_SPLIT: Final = (100, 28)
"""Columns and lines from which on the details stand under the table; below, they take its place."""


class MainScreen(Screen[None]):
    """A view of the history. Every key goes through the registry in `actions`.

    Attributes:
        is_ready: whether `doing`, `form`, `palette`, `commands` and `prompt` are there, which the first frame does
            without. Keys wait for them.
        is_getting_ready: whether these are being mounted.
    """

    doing: Doing
    form: RequestForm
    palette: PaletteLines
    commands: CommandLines

    AUTO_FOCUS = "TaskTable"
    BLANK = True  # all it has stands in its widgets: its own lines need no styles worked out at each key
    BINDINGS = [
        Binding(",".join(action.keys), f"perform('{action.name}')", action.what, show=False, id=action.name)
        for action in ACTIONS
    ]

    class Ready(Message):
        """All is there that a key may open."""

    def __init__(self, session: Session, size: Size) -> None:
        super().__init__(classes="-split" if _is_roomy(size) else None)
        self.is_ready = False
        self.is_getting_ready = False
        self.session = session
        remembered = session.memory.read()
        self.listing = remembered.listing(session.reader.views)
        self.lines = remembered.lines
        self._last_task = remembered.task
        self._around = Around(self, session)
        self._resting = Resting(self, self._tell_detail)
        self._wanted: tuple[int, str | None] | None = None if remembered.task is None else (remembered.task, None)
        self._answered: Question | None = None
        self._freezing = Freezing()
        self._is_partial = False
        self._was_asking = False
        self._front: Asking | None = None

    def compose(self) -> ComposeResult:
        session = self.session
        yield HeaderLine(id="header")
        yield ViewsLine(id="views")
        yield TaskTable(session.reader, clock=session.clock, day=session.day, id="table")
        yield DetailPane(id="detail")
        yield DownloadLines(id="downloads")
        yield StatusLine(id="status")
        yield FooterLine(session.keymap.actions, id="footer")
        yield StatusLine(id="too-small")

    def on_mount(self) -> None:
        self.set_interval(TICK_S, self.table.tick)
        self.table.masked = self.session.masked
        self.table.columns = self.listing.shown_columns
        self.tell_header()
        self._tell_footer()
        self.session.feed.ask(self.listing.question)
        self.session.feed.follow(self.session.tell)
        self.set_timer(_PATIENCE_S, self._get_ready)

    def _get_ready(self) -> None:
        set_going(self, self._mount_what_asks, group="ready")

    async def _mount_what_asks(self) -> None:
        """Mount what the first frame does not show: that would come later by as much."""
        if self.is_ready or self.is_getting_ready or not self.is_attached:  # the last: a signal has ended the start
            return
        self.is_getting_ready = True
        from bwp_tui.console.screens.main_dispatcher import Doing
        from bwp_tui.console.widgets.command_palette import PaletteLines
        from bwp_tui.console.widgets.command_suggestions import CommandLines
        from bwp_tui.console.widgets.prompt import Prompt
        from bwp_tui.console.widgets.request_form import RequestForm

        session = self.session
        self.doing = Doing(self)
        self.form = RequestForm(session.today, session.reader.earlier, id="form")
        self.palette = PaletteLines(session.keymap.actions, id="palette")
        self.commands = CommandLines(id="commands")
        self._prompt = Prompt(id="prompt")
        await self.mount(self.form, before="#downloads")
        await self.mount(self.palette, self.commands, self._prompt, before="#status")
        self.is_ready, self.is_getting_ready = True, False
        self.post_message(self.Ready())

    @property
    def table(self) -> TaskTable:
        """The table of tasks."""
        return self.query_one(TaskTable)

    @property
    def detail(self) -> DetailPane:
        """The details of the current task."""
        return self.query_one(DetailPane)

    @property
    def task_here(self) -> Task | None:
        """The task under the cursor."""
        return self.table.current

    @property
    def situation(self) -> Situation:
        """What decides which actions are possible."""
        return Situation(self.task_here, self.session.read_only, self.session.today(), len(self.views))

    @property
    def prompt(self) -> Prompt:
        """The line that asks: of the screen that stands before this one, where that lends it."""
        return self._prompt if self._front is None else self._front.prompt

    def speak_through(self, front: Asking | None) -> None:
        """Ask and answer on another screen that stands before this one; None ends that."""
        self._front = front

    def say(self, sentence: str, role: str = "plain") -> None:
        """Show a sentence in the status line; what is said before another screen stays to be read there and here."""
        self.query_one("#status", StatusLine).tell(sentence, role)
        if self._front is not None:
            self._front.say(sentence, role)

    # What the history says

    def apply(self, told: Snapshot | str) -> None:
        """Show a snapshot of the history, or say why there is none."""
        if not self.is_ready:
            self.call_after_refresh(self._get_ready)
        if isinstance(told, str):
            self.say(told, "bad")
            return
        if self._around.snapshot is None and told.question != self.listing.question:
            return  # read before it was known what the last session listed; the answer follows
        if not self._is_partial and self._freezing.holds(told, self._answered):
            return
        if told.question == self.listing.question:
            self._show_rows(told)
        around = self._around
        if not told.is_whole and around.snapshot is not None:
            return
        before, around.snapshot = around.snapshot, told
        self.table.refresh_tasks(told.changed)
        self._go_to_wanted()
        if before is None and told.is_whole:
            self._wanted = None  # the task of the last session is not in sight any more
        self._tell_views()
        self.tell_header()
        around.tell_downloads(told)
        if told.engine.message and (before is None or before.engine.message != told.engine.message):
            self.say(told.engine.message, "warn")
        for sentence, role in around.ended(before, told) if before is not None else ():
            self.say(sentence, role)
        if before is None or self.table.current_number in told.changed:
            self._tell_detail()
        around.tell_empty(self.listing.filter)

    def _show_rows(self, told: Snapshot) -> None:
        """Show the view's rows; a view that has just been opened, and lacks the cursor's task, begins at its top."""
        before, was_at_end = self.table.current_number, self._is_partial and self.table.is_at_end
        listed = self.table.numbers
        self.table.words = highlights(told.question.filter)
        self.table.show(told.numbers)
        self._is_partial = not told.is_whole
        if was_at_end:
            self.table.action_last()  # the end that was asked for is only known now
        if told.question != self._answered:
            self._answered = told.question
            if self.table.current_number != before:
                self.table.go_to(0)
        if self.is_ready and self.table.numbers is not listed:
            self.doing.unmark_unlisted()

    @property
    def views(self) -> tuple[View, ...]:
        """The views that have a key: the built-in ones, and the saved ones behind them."""
        return self._around.views

    @property
    def view(self) -> int | None:
        """The place among `views` of the one that is listed; None for a filter of the operator's own."""
        return self.listing.index(self.views)

    def wait_for(self, number: int, then: str | None = None) -> None:
        """Put the cursor on a task as soon as the view has it, and do the action `then`."""
        self._wanted = (number, then)
        self.session.feed.look()

    def _go_to_wanted(self) -> None:
        if self._wanted is not None and self.table.go_to_task(self._wanted[0]):
            (_, then), self._wanted = self._wanted, None
            if then is not None:
                self.perform(then)

    def freeze(self) -> None:
        """Let no row change or move until the key is pressed again; then show all that has happened."""
        held_back = self._freezing.turn()
        if held_back is not None:
            self.apply(held_back)
        self.say(
            f"Frozen: {self.session.keymap.key('freeze')} shows what happens again." if self._freezing.is_on else ""
        )
        self.tell_header()

    def mark(self, numbers: frozenset[int]) -> None:
        """Mark these tasks and no other."""
        self.table.marks = numbers
        self.tell_header()

    def show(self, listing: Listing) -> None:
        """List other tasks, or the same ones otherwise, the cursor staying on its task."""
        near = self._near(listing.question)
        self.listing = listing
        self.table.columns = listing.shown_columns
        self.session.feed.ask(listing.question, near)
        self._tell_views()
        if not self.prompt.is_open:  # else it is a filter that is still being typed
            self._remember()

    def _remember(self) -> None:
        self.session.memory.keep(Remembered.of(self.listing, self._last_task, self.lines))

    def on_unmount(self) -> None:
        self._resting.stop()
        self._remember()

    def _near(self, question: Question) -> Near | None:
        """Return what is to be in sight where the same tasks are to be shown in another order."""
        here, shown = self.table.current_number, self._answered
        if not here or not self.is_settled or shown is None or shown.filter != question.filter:
            return None
        return Near(here, self.table.row_count)

    @property
    def is_settled(self) -> bool:
        """Whether the table holds all of what is to be listed, and not yet something else."""
        return self._answered == self.listing.question and not self._is_partial

    def is_due(self, key: str) -> bool:
        """Say whether a key may come now: one that marks, or acts on a task, waits for the list it is meant for."""
        if self.is_settled or not self.is_ready or self.prompt.is_open or self.form.display:
            return True
        action = next((action for action in self.session.keymap.actions if key in action.keys), None)
        if action is None or not (action.group == TASK_GROUP or action.group == MARK_GROUP):
            return True
        is_of_many = action.name in _OF_THE_LIST or (self.table.marks and action.group == TASK_GROUP)
        return not is_of_many and self._answered == self.listing.question

    def show_view(self, index: int) -> None:
        """List the tasks of a view, by its place among `views`."""
        self.show(self.listing.of_view(self.views[index]))

    def tell_header(self) -> None:
        """Show profile, engine and service."""
        self._around.tell_header(frozen=self._freezing.is_on)

    def mask(self, masked: bool) -> None:
        """Mask or show the addresses everywhere."""
        self.session.masked = masked
        self.table.masked = masked
        self.say("")  # it may hold an address
        self._tell_detail()
        self.tell_header()
        self.session.feed.look()

    def _tell_views(self) -> None:
        self._around.tell_views(self.view, self.listing.filter, is_counted=self.is_settled)

    def _tell_detail(self) -> None:
        self.session.look_at(self.table.in_sight)
        self._last_task = self.table.current_number
        self._around.tell_detail(self.task_here)
        self._tell_footer()

    def _tell_footer(self) -> None:
        wrong = self._prompt.wrong if self.is_ready and self._prompt.is_open else None
        self._around.tell_footer(self.situation, self._keys_of_what_is_open(), wrong)

    def _keys_of_what_is_open(self) -> Sequence[Phrase]:
        if not self.is_ready:
            return ()
        if self.form.display:
            return FORM
        if self.palette.display:
            return PALETTE
        return self._prompt.keys_beside if self._prompt.is_open else ()

    # What the operator does

    def action_perform(self, name: str) -> None:
        """Do an action of the registry, or say why it is not possible."""
        if self.prompt.is_open or (self.form.display and name != "back"):
            return
        if name not in MOVES:
            self.say("")  # it was about what was done before
        why_not = self.why_not(name)
        if why_not:
            self.say(f"{self.session.keymap.key(name)}: {why_not}", "warn")
            return
        self.doing.do(name)

    def why_not(self, name: str) -> str | None:
        """Return why an action is not possible now: on the marked tasks, where it would be done to them."""
        situation = self.situation
        if self.doing.acts_on_marks(name):
            return READ_ONLY if situation.read_only and name not in ("poll", "copy") else None
        return BY_NAME[name].why_not(situation)

    def perform(self, name: str) -> None:
        """Do an action once what is being handled has ended."""
        self.call_later(self.action_perform, name)

    def work_on(self, work: Work, group: str, *, exclusive: bool) -> None:
        """Carry out work that waits for the operator or the disk."""
        set_going(self, work, group=group, exclusive=exclusive)

    def open_form(self, kind: Kind | None = None, email: str | None = None) -> None:
        """Show the request form, set to a kind and an address where they are given."""
        self.set_class(True, "-form-open")
        self.form.open(kind, email)
        self._tell_footer()

    def close_form(self) -> None:
        """Take the request form away; what it holds stays."""
        self.form.display = False
        self.set_class(False, "-form-open")
        self.table.focus()
        self._tell_footer()

    def open_palette(self) -> None:
        """List the commands."""
        self.palette.open(self.situation, self.views)
        self._tell_footer()

    def offer_commands(self, commands: Sequence[Command]) -> None:
        """Show how these commands are written; none takes them away."""
        self.commands.tell(commands, self.why_not)

    def close_palette(self) -> None:
        """Take the list of commands away."""
        self.palette.close()
        self._tell_footer()

    def on_prompt_toggled(self) -> None:
        if self._prompt.is_open and not self._was_asking:
            self.say("")  # else an answer to something earlier would come back when nothing is answered
        self._was_asking = self._prompt.is_open
        self.doing.unmark_unlisted()
        self._tell_footer()

    @on(TaskTable.Highlighted)
    def _moved(self, event: TaskTable.Highlighted) -> None:
        event.stop()
        self._resting.move()

    @on(TaskTable.Chosen)
    def _chosen(self) -> None:
        self.action_perform("detail")

    def on_request_form_filed(self, event: RequestForm.Filed) -> None:
        self.doing.file(event.request)

    def on_request_form_closed(self) -> None:
        self.close_form()

    def on_resize(self) -> None:
        size = self.app.size
        self.set_class(size.width < SMALLEST[0] or size.height < SMALLEST[1], "-too-small")
        self.set_class(_is_roomy(size), "-split")
        self.set_class(size.height < _LOW, "-low")
        self.query_one("#too-small", StatusLine).tell(
            f"bwp-tui needs {SMALLEST[0]}x{SMALLEST[1]}; this terminal has {size.width}x{size.height}.", "warn"
        )
        self.tell_header()
        self._tell_views()
        self._tell_detail()


def _is_roomy(size: Size) -> bool:
    return size.width >= _SPLIT[0] and size.height >= _SPLIT[1]
