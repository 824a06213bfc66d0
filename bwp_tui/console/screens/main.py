"""The main screen: views, table, details, downloads, a status line and the keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Size
from textual.message import Message

from bwp_tui.console.background import ACTION, OutcomeReader, Work, keys_held, repeat_in_front, run_in_background
from bwp_tui.console.bindings.actions import MOVE_ACTIONS, ActionContext, Scope, read_only_reason
from bwp_tui.console.presentation.breakpoints import DetailPlace, detail_place, layout_classes
from bwp_tui.console.presentation.themes import LATER_STYLES
from bwp_tui.console.protocols import PromptHost, SnapshotListener
from bwp_tui.console.screens.action_screen import ActionScreen
from bwp_tui.console.screens.main_panels import FORM_KEYS, MainPanels, StatusLineUpdater
from bwp_tui.console.session import RESULT_CHECK_S, Session
from bwp_tui.console.state.list_state import ListState
from bwp_tui.console.state.saved_state import SavedState
from bwp_tui.console.store_access.snapshot_feed import Snapshot
from bwp_tui.console.widgets.bars import ActiveDownloads, FooterLine, HeaderLine, StatusLine, ViewsLine
from bwp_tui.console.widgets.detail_pane import DetailPane
from bwp_tui.console.widgets.table_updater import AwaitedTask, TableUpdater
from bwp_tui.console.widgets.task_table import TaskTable
from bwp_tui.console.widgets.virtual_rows import Debouncer
from bwp_tui.domain.task import Kind
from bwp_tui.domain.views import View

if TYPE_CHECKING:
    from bwp_tui.console.screens.main_handlers import MainHandlers
    from bwp_tui.console.widgets.command_list import CommandList
    from bwp_tui.console.widgets.prompt import Prompt
    from bwp_tui.console.widgets.request_form import RequestForm

REDRAW_INTERVAL_S: Final = 5.0
"""Seconds between two updates of what changes with time: ages, countdowns, and whether the engine is silent."""

_MOUNT_DELAY_S: Final = 0.5
"""Seconds after which form and prompt are mounted where no first row has come."""


class MainScreen(ActionScreen):
    """Shows header, views, table, details, open downloads, status line and footer.

    Attributes:
        is_ready: whether there are `main_handlers`, `form`, `command_list` and `prompt`: keys wait for them.
        is_getting_ready: whether they are being mounted.
        prompt_host: the screen in front of this one that shows its prompts and status; None without one.
    """

    main_handlers: MainHandlers
    form: RequestForm
    command_list: CommandList

    AUTO_FOCUS = "TaskTable"
    BLANK = True  # its widgets cover it: Textual need not work out styles for its own lines at each key
    scope = Scope.MAIN
    leave_action = "quit"
    has_list_alone = True

    class Ready(Message):
        """Form and prompt are mounted."""

    def __init__(self, session: Session, size: Size) -> None:
        saved = session.saved_state.read()
        place = next((place for place in DetailPlace if place == saved.details), None)
        classes = [name for name, has in layout_classes(size, place).items() if has]
        super().__init__(session.keymap, classes=" ".join(classes))
        self.is_ready = False
        self.is_getting_ready = False
        self.session = session
        self.chosen_detail_place = place
        self.list_state = saved.to_list_state(session.reader.views)
        self.command_history = saved.command_history
        self._last_task = saved.task
        self._panels = MainPanels(self, session, self.acts_on_marks)
        self._debouncer = Debouncer(self, self._update_detail)
        self._laid_out: Size | None = None
        self._rows = TableUpdater(self, saved.task)
        self._status = StatusLineUpdater(self)
        self._was_asking = False
        self.prompt_host: PromptHost | None = None

    def compose(self) -> ComposeResult:
        session = self.session
        yield HeaderLine(id="header")
        yield ViewsLine(self.keymap.key, id="views")
        with Container(id="panes"):
            yield TaskTable(session.reader, clock=session.clock, day=session.profile.service_day, id="table")
            yield DetailPane(id="detail")
        yield ActiveDownloads(id="downloads")
        yield StatusLine(id="status", in_shell=session.in_shell)
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        self.set_interval(REDRAW_INTERVAL_S, self.table.refresh_cells)
        self.set_interval(REDRAW_INTERVAL_S, self.check_engine)
        repeat_in_front(self, RESULT_CHECK_S, partial(self._panels.look_for_results, self._update_footer))
        self.table.masked = self.session.masked
        self.table.columns = self.list_state.wanted_columns or self.session.profile.columns
        self.check_engine()
        self._status.show_missing_view(self.session.saved_state.last.view, self.list_state.view)
        self.session.feed.set_query(self.list_state.query)
        self.session.feed.subscribe(self.session.publish)
        self.set_timer(_MOUNT_DELAY_S, self._start_mounting)

    def _start_mounting(self) -> None:
        run_in_background(self, self._mount_prompts, group="ready")

    async def _mount_prompts(self) -> None:
        """Mount what the first frame does not show, so that it comes sooner."""
        if self.is_ready or self.is_getting_ready or not self.is_attached:  # the last: a signal has ended the start
            return
        self.is_getting_ready = True
        from bwp_tui.console.screens.main_handlers import MainHandlers
        from bwp_tui.console.widgets.command_list import CommandList
        from bwp_tui.console.widgets.prompt import Prompt
        from bwp_tui.console.widgets.request_form import RequestForm

        self.app.stylesheet.read_all(LATER_STYLES)
        session = self.session
        self.main_handlers = MainHandlers(self)
        self.handlers |= self.main_handlers.by_name
        self.form = RequestForm(session.today, session.reader.earlier_task_sentence, session.profile, id="form")
        self.command_list = CommandList(id="commands")
        self._prompt = Prompt(id="prompt")
        await self.mount(self.form, before="#downloads")
        await self.mount(self.command_list, self._prompt, before="#status")
        self.is_ready, self.is_getting_ready = True, False
        self.post_message(self.Ready())

    @property
    def table(self) -> TaskTable:
        return self.query_one(TaskTable)

    @property
    def detail_pane(self) -> DetailPane:
        return self.query_one(DetailPane)

    @property
    def context(self) -> ActionContext:
        session, table = self.session, self.table
        now = (table.current, session.read_only, session.today(), len(self.views), session.gone_results)
        reason = partial(session.reader.wrong_actor_reason, actor=session.actor)
        return ActionContext(*now, mark_count=len(table.marks), marked=table.some_marked, wrong_actor_reason=reason)

    @property
    def prompt(self) -> Prompt:
        """The prompt: that of the screen in front, where one has taken over."""
        return self._prompt if self.prompt_host is None else self.prompt_host.prompt

    def show_status(self, sentence: str, role: str = "plain") -> None:
        super().show_status(sentence, role)
        if self.prompt_host is not None:
            self.prompt_host.show_status(sentence, role)

    def show_notice(self, sentence: str, role: str = "plain") -> None:
        super().show_notice(sentence, role)
        if self.prompt_host is not None:
            self.prompt_host.show_notice(sentence, role)

    async def show_outcome(self, read: OutcomeReader) -> None:
        """Show what came of an action in the status line, which reads it again until it is sent."""
        await self._status.show_outcome(read)

    def show_snapshot(self, update: Snapshot | str) -> None:
        """Show a snapshot of the history, or the sentence that says why there is none."""
        if not self.is_ready:
            self.call_after_refresh(self._start_mounting)
        if isinstance(update, str):
            self._status.show_read_error(update)
            return
        self._status.update()
        if self.is_ready:
            self.prompt.update_live_question(update.changed)
        panels, rows = self._panels, self._rows
        if panels.snapshot is None and update.query != self.list_state.query:
            return  # read before the saved view was known; the right one follows
        if rows.hold_back(update):
            return
        if update.query == self.list_state.query and rows.show(update) and self.is_ready:
            self.main_handlers.marked.unmark_unlisted()
        if not update.is_whole and panels.snapshot is not None:
            return
        before, panels.snapshot = panels.snapshot, update
        self.table.refresh_tasks(update.changed)
        if (saved := self.list_state.as_saved(self.session.reader.views)) is not self.list_state:
            self.show(saved)
        if (then := rows.select_task(update, self.list_state.query)) is not None:
            self.perform_later(then)
        self._update_views()
        self.update_header()
        panels.update_downloads()
        for sentence, role in panels.new_notices(before, update, self.status.notice):
            self.show_notice(sentence, role)
        if before is None or before.today != update.today or self.table.current_number in update.changed:
            self._update_detail()
        panels.update_empty_text(self.list_state)

    @property
    def views(self) -> tuple[View, ...]:
        return self._panels.views

    @property
    def view_index(self) -> int | None:
        """The place among `views` of the one that is listed; None for a filter of the operator's own."""
        return self.list_state.index(self.views)

    def select_when_listed(self, number: int, then: str | None = None) -> None:
        """Put the cursor on a task as soon as the view has it, and do the action `then`."""
        self._rows.task_to_select = AwaitedTask(number, then, self.session.feed.refresh())

    def go_to(self, number: int, then: str | None = None) -> None:
        """Put the cursor on a task, and do the action `then`.

        Where the view lacks the task, all are listed, which is said, and paused live updates go on.
        """
        if self.table.go_to_task(number):
            if then is not None:
                self.table.refresh_tasks([number])  # updates may be paused: the action is judged by what is so
                self.perform_later(then)
            return
        if self._rows.is_paused:
            self.toggle_live_updates()
        self.show_view(0)
        self.select_when_listed(number, then)
        self.show_notice(f"#{number} was not in the list that was shown; these are all tasks.")

    @property
    def has_action_waiting(self) -> bool:
        """Whether an action waits until its task is listed."""
        return self._rows.task_to_select is not None and self._rows.task_to_select.then is not None

    def toggle_live_updates(self) -> None:
        """Pause or resume live updates; resuming shows what was held back."""
        if (held_back := self._rows.toggle_pause()) is not None:
            self.show_snapshot(held_back)
        key = self.keymap.key("freeze")
        self.show_status(f"Live updates paused. Press {key} to resume." if self._rows.is_paused else "")
        self.update_header()

    def mark(self, numbers: frozenset[int]) -> None:
        self.table.marks = numbers
        self.update_header()
        self._debouncer.restart()

    def show(self, listing: ListState) -> None:
        """List what `listing` asks for; the cursor stays on its task."""
        anchor = self._rows.anchor_row(self.list_state.query, listing.query)
        self.list_state = listing
        self.table.columns = listing.wanted_columns or self.session.profile.columns
        self.session.feed.set_query(listing.query, anchor)
        self._update_views()
        if not self.prompt.is_open:  # an open prompt: the filter is still being typed
            self._save_state()

    def _save_state(self) -> None:
        saved = SavedState.of(self.list_state, self._last_task, self.command_history, self.chosen_detail_place)
        self.session.saved_state.save(saved)

    def on_unmount(self) -> None:
        self._debouncer.stop()
        self._save_state()

    @property
    def has_all_rows(self) -> bool:
        """Whether the table holds all rows of the current view."""
        return self._rows.has_all_rows_of(self.list_state.query)

    def accepts_now(self, key: str) -> bool:
        """Return whether a key can be handled now: one that does more than move waits for writes and the view."""
        if not self.is_ready or self.prompt.is_open or self.form.display:
            return True
        action = next((action for action in self.keymap.actions_of(self.scope) if key in action.keys), None)
        if action is None or action.name in MOVE_ACTIONS:
            return True
        return not self.session.running_writes and self._rows.are_ready_for(action, self.list_state.query)

    def show_view(self, index: int) -> None:
        """List the tasks of a view, by its place among `views`."""
        self.show(self.list_state.of_view(self.views[index]))

    def update_header(self) -> None:
        """Show profile, engine and service."""
        self._panels.update_header(paused=self._rows.is_paused, is_counted=self.has_all_rows)

    def check_engine(self) -> None:
        """Show which process is the engine; where it fell silent or goes on, show what it does on all screens."""
        if self.session.check_lease() and self._panels.snapshot is not None:
            self._panels.update_downloads()
            for screen in self.app.screen_stack:
                if screen is not self and isinstance(screen, SnapshotListener):
                    screen.show_snapshot(self._panels.snapshot)
        self.update_header()

    def set_masked(self, masked: bool) -> None:
        """Mask or show the emails everywhere."""
        self.session.masked = masked
        self.table.masked = masked
        self.show_status("")  # it may hold an email
        self._update_detail()
        self.session.feed.refresh()

    def place_details(self, place: DetailPlace | None) -> None:
        """Show the details alone or nowhere, or with the list as the terminal's size allows."""
        self.chosen_detail_place = place
        self._lay_out()
        self.table.focus()
        self._save_state()

    def _lay_out(self) -> None:
        for name, has in layout_classes(self.app.size, self.chosen_detail_place).items():
            self.set_class(has, name)
        self.detail_pane.place = detail_place(self.app.size, self.chosen_detail_place)
        self._update_detail()
        self.call_after_refresh(self._update_footer)  # once the list has its size: it depends on the marks in sight

    def _update_views(self) -> None:
        self._panels.update_views(self.view_index, self.list_state.filter, is_counted=self.has_all_rows)

    def _update_detail(self) -> None:
        self.session.set_polled_first(self.table.visible_numbers)
        self._last_task = self.table.current_number
        self.update_header()
        self._panels.update_detail(self._update_footer)
        self._update_footer()

    on_screen_resume = _update_detail  # the screen that was in front may have found a saved result gone

    def _update_footer(self) -> None:
        if self.is_ready and self._prompt.is_open:
            self.query_one(FooterLine).show_prompt(self._prompt)
        elif self.is_ready and self.form.display:
            self.query_one(FooterLine).show_keys(*FORM_KEYS)
        else:
            self.show_action_keys(self.context)

    @property
    def is_asking(self) -> bool:
        return self.prompt.is_open

    def action_perform(self, name: str) -> None:
        if self.is_asking or (self.form.display and name != "back"):
            return
        if name not in MOVE_ACTIONS:
            self.show_status("")
        super().action_perform(name)

    def acts_on_marks(self, name: str) -> bool:
        return self.is_ready and self.main_handlers.acts_on_marks(name)

    def disabled_reason(self, name: str) -> str | None:
        """Return why an action is not possible now, on the marked tasks where there are some."""
        if self.acts_on_marks(name):
            return None if name in ("refresh", "copy") else read_only_reason(self.context)
        return super().disabled_reason(name)

    def perform_later(self, name: str) -> None:
        """Do an action once the current message has been handled."""
        self.call_later(self.action_perform, name)

    def run_in_background(self, work: Work, group: str = ACTION, *, exclusive: bool = True) -> None:
        """Start work that waits for the operator or the disk; by default only one such piece of a group goes on."""
        run_in_background(self, work, group=group, exclusive=exclusive)

    def open_form(self, kind: Kind = Kind.RETRIEVAL, email: str | None = None) -> None:
        """Show the request form, set to a kind, and to an email where that is given."""
        self.run_in_background(partial(self._open_form, kind, email), "form", exclusive=False)

    async def _open_form(self, kind: Kind, email: str | None) -> None:
        with keys_held(self.session):
            await self.form.mount_fields()
            self.set_class(True, "-form-open")
            self.form.open(kind, email)
        self._update_footer()

    def close_form(self) -> None:
        """Close the request form; its text stays."""
        self.form.display = False
        self.set_class(False, "-form-open")
        self.table.focus()
        self._update_footer()

    on_request_form_closed = close_form

    def on_prompt_toggled(self) -> None:
        if self._prompt.is_open and not self._was_asking:
            self.show_status("")  # an earlier sentence must not come back when the prompt closes
        self._was_asking = self._prompt.is_open
        self.main_handlers.marked.unmark_unlisted()
        self._update_footer()

    @on(TaskTable.CursorMoved)
    def _moved(self, event: TaskTable.CursorMoved) -> None:
        event.stop()
        self._debouncer.restart()

    @on(TaskTable.Chosen)
    def _chosen(self) -> None:
        self.action_perform("detail")

    def on_request_form_submitted(self, event: RequestForm.Submitted) -> None:
        self.main_handlers.submit(event.request)

    def on_resize(self) -> None:
        if self.app.size != self._laid_out:  # Textual says it several times while a screen is mounted
            self._laid_out = self.app.size
            self._lay_out()
            self._update_views()
            self._panels.update_downloads()
