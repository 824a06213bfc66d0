"""The downloads: the queue, which can be changed, and those that have ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.timer import Timer

from bwp_tui.console.bindings.actions import MOVE_ACTIONS, ActionContext, Scope, read_only_reason
from bwp_tui.console.bindings.screen_actions import BULK_ACTIONS, bindings_of
from bwp_tui.console.presentation.download_detail import queue_text
from bwp_tui.console.presentation.download_rows import DownloadRowBuilder
from bwp_tui.console.presentation.glyphs import locale_glyphs
from bwp_tui.console.presentation.task_detail import DisplayContext
from bwp_tui.console.screens.action_screen import ActionScreen
from bwp_tui.console.screens.download_handlers import DownloadHandlers
from bwp_tui.console.screens.help import open_help
from bwp_tui.console.services.snapshot_feed import Snapshot
from bwp_tui.console.session import Session
from bwp_tui.console.widgets.bars import FooterLine, StatusLine
from bwp_tui.console.widgets.debouncer import Debouncer
from bwp_tui.console.widgets.detail_pane import Heading
from bwp_tui.console.widgets.download_detail import DownloadDetail
from bwp_tui.console.widgets.download_list import DownloadList
from bwp_tui.console.widgets.prompt import Prompt
from bwp_tui.console.workers import Work, start_worker
from bwp_tui.domain.task import Download, Task
from bwp_tui.store.commands import download_queue
from bwp_tui.store.errors import StoreError
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import EngineState

LISTED: Final = 200
"""Downloads listed: all open ones and the newest of the others."""

REDRAW_S: Final = 1.0
"""Seconds between two redraws of progress; the operator's own actions show at once."""


class DownloadsScreen(ActionScreen):
    """A view of the history's downloads.

    Args:
        context: of the screen that it was opened from.
    """

    AUTO_FOCUS = "DownloadList"
    scope = Scope.DOWNLOADS
    BINDINGS = bindings_of(scope)

    def __init__(self, session: Session, context: ActionContext) -> None:
        super().__init__(session.keymap)
        self.session = session
        self.marks: frozenset[int] = frozenset()
        self.listed: Sequence[tuple[Download, Task]] = ()
        self._engine: EngineState | None = None
        self._opened_from = context
        self.handlers |= DownloadHandlers(self).by_name | {"help": partial(open_help, self)}
        self._read_at = -REDRAW_S
        self._redraw: Timer | None = None
        self._debouncer = Debouncer(self, self._update_detail)

    def compose(self) -> ComposeResult:
        yield Heading(id="downloads-heading")
        yield DownloadList(id="download-rows")
        yield DownloadDetail(id="download-detail")
        yield Prompt(id="prompt")
        yield StatusLine(id="status")
        yield FooterLine(self.keymap.actions_of(self.scope), id="footer")

    @property
    def rows(self) -> DownloadList:
        """The list."""
        return self.query_one(DownloadList)

    @property
    def is_asking(self) -> bool:
        """Whether the prompt is open."""
        return self.prompt.is_open

    @property
    def prompt(self) -> Prompt:
        """The line that asks."""
        return self.query_one(Prompt)

    @property
    def current_download(self) -> tuple[Download, Task] | None:
        """The download under the cursor, and its task."""
        current = self.rows.current
        return next((found for found in self.listed if found[0].id == current), None)

    @property
    def display_context(self) -> DisplayContext:
        """What presenters need besides a task."""
        return self.session.display_context(self._engine)

    @property
    def context(self) -> ActionContext:
        """What decides which actions are possible."""
        here = self.current_download
        return self._opened_from._replace(download=None if here is None else here[0])

    def apply(self, update: Snapshot | str) -> None:
        """Show a snapshot, at most once in `REDRAW_S`, or the error."""
        if isinstance(update, str):
            self.show_status(update, "bad")
        elif self._redraw is None:
            rest = self._read_at + REDRAW_S - time.monotonic()
            if rest > 0:
                self._redraw = self.set_timer(rest, self.reload)
            else:
                self.reload()

    def reload(self, current: int | None = None) -> None:
        """Read the downloads again; the cursor goes to the download `current`, else stays."""
        if self._redraw is not None:
            self._redraw.stop()
            self._redraw = None
        self._read_at = time.monotonic()
        try:
            downloads = download_queue.listed(self.session.read_store, LISTED)
            tasks = download_queue.tasks_of(self.session.read_store, downloads)
            self._engine = self.session.without_killed_process(engine_state.read(self.session.read_store))
        except StoreError as error:
            self.show_status(str(error), "bad")
            return
        self.listed = [
            (download, tasks[download.task_number]) for download in downloads if download.task_number in tasks
        ]
        self.marks &= {download.id for download, _ in self.listed}
        self._show(current)

    def mark(self, ids: frozenset[int]) -> None:
        """Mark these downloads and no other."""
        self.marks = ids
        self._show()

    def _show(self, current: int | None = None) -> None:
        titles, rows = DownloadRowBuilder(
            self.listed, self.rows.text_width, self.display_context, self.marks, locale_glyphs().mark
        ).lines()
        self.rows.set_rows(titles, rows, self.rows.current if current is None else current)
        marked = f"{len(self.marks)} marked" if self.marks else ""
        self.query_one(Heading).set_text(
            queue_text([download for download, _ in self.listed]), *filter(None, (marked,))
        )
        self._update_detail()

    def _update_detail(self) -> None:
        detail, here = self.query_one(DownloadDetail), self.current_download
        if here is None:
            detail.clear()
        else:
            download, task = here
            detail.set_download(download, task, self.session.reader.timeline(task), self.display_context)
        self._update_footer()

    def _update_footer(self) -> None:
        footer = self.query_one(FooterLine)
        if self.prompt.is_open:
            footer.show_keys(*self.prompt.keys_beside)
        else:
            footer.set_context(self.context)

    def action_perform(self, name: str) -> None:
        """Do an action, or say why it is not possible."""
        if name not in MOVE_ACTIONS and not self.is_asking:
            self.show_status("")  # it was about what was done before
        super().action_perform(name)

    def disabled_reason(self, name: str) -> str | None:
        """Return why an action is not possible now, on the marked downloads where there are some."""
        if self.marks and name in BULK_ACTIONS:
            return read_only_reason(self.context)
        return super().disabled_reason(name)

    def start_worker(self, work: Work) -> None:
        """Start work that waits for the operator or the disk."""
        start_worker(self, work, group="doing")

    @on(Prompt.Toggled)
    def _asked(self) -> None:
        self._update_footer()

    def on_unmount(self) -> None:
        self._debouncer.stop()

    @on(DownloadList.Highlighted)
    def _moved(self, event: DownloadList.Highlighted) -> None:
        event.stop()
        self._debouncer.restart()

    @on(DownloadList.Chosen)
    def _chosen(self) -> None:
        self.action_perform("open")

    def on_screen_resume(self) -> None:
        self.reload()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)
