"""The downloads: the queue, which can be changed, and those that have ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.timer import Timer

from bwp_tui.console.background import repeat_in_front, run_in_background, run_in_thread_and_report
from bwp_tui.console.bindings.actions import MOVE_ACTIONS, ActionContext, Scope
from bwp_tui.console.bindings.screen_actions import BULK_ACTIONS
from bwp_tui.console.controllers.find import ListFilter
from bwp_tui.console.controllers.prompts import NOTHING_DONE
from bwp_tui.console.presentation.download_detail import end_text, queue_text, state_text, totals_text
from bwp_tui.console.presentation.download_rows import DownloadRow, DownloadRowBuilder
from bwp_tui.console.presentation.format import DisplayContext, email_text, mask, result_sentence
from bwp_tui.console.presentation.glyphs import locale_glyphs
from bwp_tui.console.screens.archive import ArchiveScreen
from bwp_tui.console.screens.front_screens import FrontScreen
from bwp_tui.console.session import RESULT_CHECK_S, Session
from bwp_tui.console.store_access.snapshot_feed import Snapshot
from bwp_tui.console.widgets.download_detail import DownloadDetail
from bwp_tui.console.widgets.download_list import DownloadList
from bwp_tui.console.widgets.styled_line import Heading
from bwp_tui.console.widgets.virtual_rows import Debouncer
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import DownloadState
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import capitalized, format_size
from bwp_tui.store.commands import download_queue
from bwp_tui.store.commands.bulk import ChangeResult
from bwp_tui.store.commands.download_queue import cannot_cancel
from bwp_tui.store.errors import StoreError
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import EngineState

MAX_LISTED: Final = 200
"""Downloads listed: all open ones and the newest of the others."""

REDRAW_S: Final = 1.0
"""Seconds between two redraws of progress; the operator's own actions show at once."""


class DownloadsScreen(FrontScreen):
    """A view of the history's downloads.

    Args:
        context: of the screen that it was opened from.
    """

    AUTO_FOCUS = "DownloadList"
    scope = Scope.DOWNLOADS

    def __init__(self, session: Session, context: ActionContext) -> None:
        super().__init__(session)
        self.marks: frozenset[int] = frozenset()
        self.listed: Sequence[tuple[Download, Task]] = ()
        self._downloads: Sequence[Download] = ()
        self._count = 0
        self._engine: EngineState | None = None
        self._opener_context = context
        self._filter = ListFilter(self, self.reload)
        self.handlers |= {
            "filter": self._filter.ask,
            "open": self._open_archive,
            "mark": self._mark,
            "mark_all": self._mark_all,
            "back": self._back,
            "folder": self._show_folder,
            "copy": self._copy_hash,
            "pause": self._toggle_pause,
            "cancel": self._cancel,
            "retry": self._retry,
            "move_up": partial(self._move, -1),
            "move_down": partial(self._move, 1),
            "move_first": partial(self._move, -sys.maxsize),
        }
        self._looked_for: frozenset[int] = frozenset()
        self._gone_shown: frozenset[int] = frozenset()
        self._read_at = -REDRAW_S
        self._redraw: Timer | None = None
        self._debouncer = Debouncer(self, self._update_detail)

    def compose_content(self) -> ComposeResult:
        yield DownloadList(id="download-rows")
        yield DownloadDetail(id="download-detail")

    @property
    def rows(self) -> DownloadList:
        return self.query_one(DownloadList)

    @property
    def current_download(self) -> tuple[Download, Task] | None:
        current = self.rows.current
        return next((found for found in self.listed if found[0].id == current), None)

    @property
    def display_context(self) -> DisplayContext:
        return self.session.display_context(self._engine)

    @property
    def context(self) -> ActionContext:
        here = self.current_download
        return self._opener_context._replace(
            download=None if here is None else here[0],
            mark_count=len(self.marks),
            marked_downloads=self._selected() if self.marks else (),
            queue=[each.id for each in self._downloads if each.state == DownloadState.QUEUED],
            gone_results=self.session.gone_results,
        )

    def on_mount(self) -> None:
        repeat_in_front(self, RESULT_CHECK_S, self._look_for_results)

    def show_snapshot(self, update: Snapshot | str) -> None:
        """Show a snapshot, at most once in `REDRAW_S`, or the error."""
        if isinstance(update, str):
            self.show_notice(update, "bad")
        elif self._redraw is None:
            rest = self._read_at + REDRAW_S - time.monotonic()
            if rest > 0:
                self._redraw = self.set_timer(rest, self.reload)
            else:
                self.reload()

    def reload(self, current: int | None = None) -> None:
        """Read the downloads again; the cursor goes to the download `current`, or stays."""
        if self._redraw is not None:
            self._redraw.stop()
            self._redraw = None
        self._read_at = time.monotonic()
        try:
            downloads = download_queue.list_downloads(self.session.read_store, MAX_LISTED)
            tasks = download_queue.tasks_of(self.session.read_store, downloads)
            self._count = download_queue.count(self.session.read_store)
            self._engine = self.session.without_killed_process(engine_state.read(self.session.read_store))
        except StoreError as error:
            self.show_status(str(error), "bad")
            return
        self._downloads = self.session.reader.actual_downloads(downloads)
        self.listed = [
            (download, tasks[download.task_number])
            for download in self._downloads
            if download.task_number in tasks and self._fits(download, tasks[download.task_number])
        ]
        ids = frozenset(download.id for download, _ in self.listed)
        self.marks &= ids
        self.prompt.update_live_question(ids)
        self._show(current)
        if self._looked_for != ids:
            self._looked_for = ids
            self._look_for_results()

    def _fits(self, download: Download, task: Task) -> bool:
        """Return whether the words of the filter are in what is known of a download."""
        state, _ = (state_text if download.is_open else end_text)(download, self.display_context)
        texts = (download.path, download.trouble, download.sha256, download.actor)
        return self._filter.fits(f"#{task.number} {task.email} {state} {' '.join(filter(None, texts))}")

    def _look_for_results(self) -> None:
        async def look() -> None:
            downloads = (download for download, _ in self.listed)
            if await self.session.check_results_on_disk(self._gone_shown, *downloads):
                self._show()

        run_in_background(self, look, group="result", exclusive=True)

    def mark(self, ids: frozenset[int]) -> None:
        self.marks = ids
        self._show()

    def _show(self, current: int | None = None) -> None:
        if not self.rows.size:
            return  # `on_resize` follows
        self._gone_shown = self.session.gone_results
        titles, rows = DownloadRowBuilder(
            self.listed, self.rows.text_width, self.display_context, self.marks, locale_glyphs().mark
        ).titles_and_rows()
        if self._filter.text and not self.listed:
            rows = [DownloadRow(None, (("No download has these words.", "muted"),))]
        self.rows.set_rows(titles, rows, self.rows.current if current is None else current)
        marked = f"{len(self.marks)} marked" if self.marks else ""
        right = f"{self._filter.title(len(self.listed))}{marked}".removesuffix(" · ")
        cut = f"{len(self._downloads)} of {self._count} listed" if self._count > len(self._downloads) else ""
        totals = totals_text(self._downloads, self.session.gone_results)
        rights = (" · ".join(filter(None, (right, cut, totals))), right)
        self.query_one(Heading).set_text(queue_text(self._downloads, self.session.clock()), *filter(None, rights))
        self._update_detail()

    def _update_detail(self) -> None:
        detail, here = self.query_one(DownloadDetail), self.current_download
        detail.display = here is not None
        if here is not None:
            download, task = here
            detail.set_download(download, task, self.session.reader.timeline(task), self.display_context)
        self.update_footer()

    def _show_keys(self) -> None:
        self.show_action_keys(self.context)

    def action_perform(self, name: str) -> None:
        if name not in MOVE_ACTIONS and not self.is_asking:
            self.show_status("")  # it was about what was done before
        super().action_perform(name)

    def acts_on_marks(self, name: str) -> bool:
        return bool(self.marks) and name in BULK_ACTIONS

    def on_unmount(self) -> None:
        self._debouncer.stop()

    @on(DownloadList.CursorMoved)
    def _moved(self, event: DownloadList.CursorMoved) -> None:
        event.stop()
        self._debouncer.restart()

    @on(DownloadList.Chosen)
    def _chosen(self) -> None:
        self.action_perform("open")

    def on_screen_resume(self) -> None:
        self._looked_for = frozenset()
        self.reload()

    def _selected(self) -> list[Download]:
        """Return the marked downloads, or the one under the cursor, in the order of the list."""
        if self.marks:
            return [download for download, _ in self.listed if download.id in self.marks]
        return [] if self.current_download is None else [self.current_download[0]]

    async def _toggle_pause(self) -> None:
        """Pause what can be paused; where nothing can, resume what is paused. Each press counts, however fast."""
        session, chosen = self.session, self._selected()
        ids = [download.id for download in chosen]
        outcome = await run_in_thread_and_report(
            self, lambda: download_queue.toggle_pause(session.write_guard.store, ids, session.actor)
        )
        if outcome is None:
            return
        action, results = outcome
        if self.marks and all(result.refused for result in results):
            self.show_status("Of the marked downloads none can be paused or resumed.", "warn")
            return
        done = {result.id for result in results}
        self._report(action, [download for download in chosen if download.id in done], results)

    async def _cancel(self) -> None:
        possible = _left_to_cancel(self._selected())
        if not possible:
            self.show_status("Of the marked downloads none is left to cancel.", "warn")
            return
        ids = {download.id for download in possible}

        async def update() -> str:
            possible[:] = _left_to_cancel([download for download, _ in self.listed if download.id in ids])
            which = "These downloads have" if len(ids) > 1 else "This download has"
            return "" if possible else f"{which} ended meanwhile. {NOTHING_DONE}"

        with self.prompt.live_questions(ids, update):
            confirmed = await self.prompt.ask_yes_no(lambda: self._question_of_cancel(possible), irreversible=True)
        if confirmed:
            await self._apply("cancel", possible)

    async def _retry(self) -> None:
        await self._apply("retry", self._selected())

    def _question_of_cancel(self, downloads: Sequence[Download]) -> str:
        kept = sum(download.bytes for download in downloads)
        which = self._named(downloads[0]) if len(downloads) == 1 else f"{len(downloads)} downloads"
        return f"Cancel {which}{f' and remove the {format_size(kept)} fetched so far' if kept else ''}?"

    async def _apply(self, action: str, downloads: Sequence[Download]) -> None:
        session, ids = self.session, [download.id for download in downloads]
        retry = download_queue.retry(session.profile.download_dir)
        command = retry if action == "retry" else download_queue.cancel
        results = await run_in_thread_and_report(self, lambda: command(session.write_guard.store, ids, session.actor))
        if results is not None:
            self._report(action, downloads, results)

    def _report(self, action: str, downloads: Sequence[Download], results: Sequence[ChangeResult]) -> None:
        refused = [result for result in results if result.refused]
        if self.marks:
            self.mark(frozenset(result.id for result in refused))
        self.reload(results[0].resulting_id if len(results) == 1 else None)
        self.show_status(self._result_sentence(action, downloads, results), "warn" if refused else "plain")

    def _result_sentence(self, action: str, downloads: Sequence[Download], results: Sequence[ChangeResult]) -> str:
        reasons = [result.refused for result in results if result.refused]
        if len(results) == 1:
            result_text, of_part, _ = _RESULT_TEXTS[action]
            part = of_part if downloads[0].bytes else ""
            return reasons[0] if reasons else f"{capitalized(self._named(downloads[0]))} {result_text}{part}."
        return result_sentence(f"{len(results) - len(reasons)} {_RESULT_TEXTS[action][-1]}.", reasons)

    async def _move(self, places: int) -> None:
        session = self.session
        if self.current_download is None:
            return
        moved = self.current_download[0].id
        await run_in_thread_and_report(
            self, lambda: download_queue.move(session.write_guard.store, moved, places, session.actor)
        )
        self.reload(moved)

    def _mark(self) -> None:
        if self.current_download is not None:
            self.mark(self.marks ^ {self.current_download[0].id})
            self.rows.move(1)

    def _mark_all(self) -> None:
        markable = frozenset(download.id for download, _ in self.listed if download.is_open)
        if not markable:
            self.show_status("No download that is listed waits or runs.", "warn")
            return
        self.mark(frozenset() if markable <= self.marks else markable | self.marks)

    def _open_archive(self) -> None:
        if self.current_download is not None:
            download, task = self.current_download
            self.app.push_screen(ArchiveScreen(self.session, task, download))

    async def _show_folder(self) -> None:
        if self.current_download is not None:
            download, task = self.current_download
            folder = str(Path(download.path or "").parent)
            self.show_status(f"{mask(folder, task, self.display_context)}  {await self.copied(folder)}")

    async def _copy_hash(self) -> None:
        if self.current_download is not None:
            sha256 = self.current_download[0].sha256 or ""
            self.show_status(f"sha256 {sha256}: {await self.copied(sha256)}.")

    def _back(self) -> None:
        if self.marks:
            self.mark(frozenset())
        elif not self._filter.clear():
            self.close()

    def _named(self, download: Download) -> str:
        task = next((task for found, task in self.listed if found.id == download.id), None)
        of_email = f" for {email_text(task, self.display_context)}" if task else ""
        return f"the download of #{download.task_number}{of_email}"


def _left_to_cancel(downloads: Sequence[Download]) -> list[Download]:
    return [download for download in downloads if cannot_cancel(download) is None]


_RESULT_TEXTS: Final = {
    "pause": ("is paused", "; its partial file is kept", "paused"),
    "resume": ("is queued again", "", "resumed"),
    "cancel": ("is cancelled", "; its partial file is to be deleted", "cancelled"),
    "retry": ("is asked for again", "", "asked for again"),
}
"""What came of an action: to one download, to its partial file, and to some."""
