"""The panels around the table: header, views, details, downloads, status line, footer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from textual.content import Content
from textual.screen import Screen

from bwp_tui.console.background import OutcomeReader, run_in_background
from bwp_tui.console.presentation.styled_text import StyledText, badge_role
from bwp_tui.console.presentation.task_detail import download_end
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.session import Session
from bwp_tui.console.state.list_state import ListState
from bwp_tui.console.store_access.snapshot_feed import Snapshot
from bwp_tui.console.widgets.bars import ActiveDownloads, HeaderLine, ViewsLine
from bwp_tui.console.widgets.detail_pane import DetailPane
from bwp_tui.console.widgets.task_table import TaskTable
from bwp_tui.domain.filter import condition_for_word
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.views import VIEWS, View


class MainPanels:
    """Updates the panels from the latest snapshot.

    Attributes:
        snapshot: the latest one, or None before the first.
    """

    def __init__(self, screen: Screen[None], session: Session, acts_on_marks: Callable[[str], bool]) -> None:
        self.snapshot: Snapshot | None = None
        self._screen = screen
        self._session = session
        self._acts_on_marks = acts_on_marks

    @property
    def views(self) -> tuple[View, ...]:
        """The views that have a key: the built-in ones, and the saved ones behind them."""
        return VIEWS if self.snapshot is None else self.snapshot.views

    def update_header(self, *, paused: bool, is_counted: bool) -> None:
        """Show profile, engine, API trouble, the table's modes and the cursor's place.

        Args:
            is_counted: whether the table holds all rows.
        """
        session, trouble, profile = self._session, self._trouble, self._session.profile
        engine = None if self.snapshot is None else self.snapshot.engine
        marked, rows = len(self._table.marks), self._table.row_count
        self._table.service_in_trouble = trouble is not None
        notes = {
            f"{marked} marked": marked > 0,
            "paused": paused,
            "read-only": session.read_only,
            "masked": session.masked,
            "unmasked": not session.masked,
        }
        self._screen.query_one(HeaderLine).set_state(
            ("practice" if profile.is_sandbox else profile.name, badge_role(profile)),
            profile.target_id,
            session.engine_label(engine),
            trouble,
            None if engine is None else session.events_label(engine),
            [note for note, is_shown in notes.items() if is_shown],
            f"{self._table.cursor_row + 1}/{rows if is_counted else '…'}" if rows else "",
        )

    def update_views(self, current: int | None, filter_text: str, *, is_counted: bool) -> None:
        """Show the views and the filter; `current` is the index of the view that is shown.

        Args:
            is_counted: whether the table holds all rows of the filter.
        """
        counts = self.snapshot.view_counts if self.snapshot else ()
        visible_filter = "" if current == 0 else filter_text
        rows = self._table.row_count if is_counted else None
        label = self._session.engine_label(self.snapshot and self.snapshot.engine)
        trouble = self._trouble or (label.removeprefix("▲ ") if label.startswith("▲") else "")
        self._screen.query_one(ViewsLine).set_views(self.views, counts, current, visible_filter, rows, trouble)

    def update_detail(self, on_results_changed: Callable[[], None]) -> None:
        """Show the details of the task under the cursor, and look for the saved results in sight."""
        self._show_detail()
        self.look_for_results(on_results_changed)

    def look_for_results(self, on_results_changed: Callable[[], None]) -> None:
        """Look for the saved results in sight, which may be gone or back."""

        async def look() -> None:
            if await self._session.check_results_on_disk(self._table.gone_results, *downloads):
                self._show_detail()
                on_results_changed()

        downloads = [each.download for each in self._table.visible_tasks if each.was_downloaded and each.download]
        if downloads:
            run_in_background(self._screen, look, group="result", exclusive=True)

    def _show_detail(self) -> None:
        """Show the details, and in the rows the same results as gone: another screen may have looked for them."""
        task = self._table.current
        self._table.gone_results = self._session.gone_results
        timeline = self._session.reader.timeline(task) if task else []
        context = self._session.display_context()._replace(key=self._key_for_current)
        self._screen.query_one(DetailPane).set_task(task, timeline, context)

    def _key_for_current(self, action: str) -> str:
        """Return the key of an action that is offered on the task under the cursor, not on the marked ones."""
        return "" if self._acts_on_marks(action) else self._session.offered_key(action)

    def update_downloads(self) -> None:
        session, snapshot = self._session, self.snapshot
        if snapshot is None:
            return
        tasks = {
            task.number: task
            for task in session.reader.by_numbers([download.task_number for download in snapshot.downloads])
        }
        listed = [
            (download, tasks[download.task_number])
            for download in session.reader.actual_downloads(snapshot.downloads)
            if download.task_number in tasks and download.is_open
        ]
        context = session.display_context(session.without_killed_process(snapshot.engine))
        self._screen.query_one(ActiveDownloads).update(listed, context)

    def update_empty_text(self, listing: ListState) -> None:
        """Set the text that an empty table shows."""
        key, filter_text = self._session.keymap.key, listing.filter
        if filter_text and listing.view is not None:
            text = f"No tasks are in the view “{listing.view.name}”.\nPress {key('back')} for all tasks."
        elif filter_text:
            meant = condition_for_word(filter_text)
            hint = f"\nThe word is searched in email, id and note; {meant} is the filter." if meant else ""
            text = f"No tasks match the filter.\nPress {key('back')} to clear it.{hint}"
        else:
            new = self._session.offered_key("new")
            text = "\n".join(("No tasks yet.", *([f"Press {new} to create the first one."] if new else [])))
        self._table.empty_text = Content(text)

    def new_notices(self, before: Snapshot | None, now: Snapshot, present: str) -> Iterator[StyledText]:
        """Yield what the status line is to say of a snapshot: the engine's new message, and downloads that ended.

        Args:
            present: the notice that is shown; the engine's last message is removed once it no longer holds.
        """
        previous = before and before.engine.problem
        message = now.engine.problem if self._session.has_engine() else None
        if message and message != previous:
            yield message, "warn"
        elif previous and not message and present == previous:
            yield "", "plain"
        unfinished = {download.id for download in now.downloads}
        downloads = before.downloads if before is not None else ()
        ended = [download.id for download in downloads if download.id not in unfinished]
        for task, download in self._session.reader.downloads_with_tasks(ended):
            yield download_end(task, download, self._session.display_context())

    @property
    def _trouble(self) -> str | None:
        """What is wrong with the service."""
        return None if self.snapshot is None else self._session.service_trouble(self.snapshot.engine)

    @property
    def _table(self) -> TaskTable:
        return self._screen.query_one(TaskTable)


FORM_KEYS: Final = (("enter", "submit"), ("tab", "next field"), ("←→", "choose"), ("esc", "close, keep draft"))


class StatusLineUpdater:
    """Keeps what the status line says true: at each snapshot, changes or removes a sentence that no longer holds."""

    def __init__(self, screen: MainScreenProtocol) -> None:
        self._screen = screen
        self._read_error: str | None = None
        self._delayed: tuple[str, OutcomeReader] | None = None

    async def show_outcome(self, read: OutcomeReader) -> None:
        """Show what came of an action, and read it again until it stays so."""
        sentence, is_settled = await read()
        self._screen.show_status(sentence)
        self._delayed = None if is_settled else (sentence, read)

    def show_read_error(self, sentence: str) -> None:
        """Show why the history cannot be read, until it can."""
        self._screen.show_notice(sentence, "bad")
        self._read_error = sentence

    def show_missing_view(self, name: str | None, listed: View | None) -> None:
        """Say at the start that the view to show does not exist, where another is listed instead."""
        if name is not None and (listed is None or listed.name != name):
            self._screen.show_status(f"There is no view “{clean_line(name)}”; all tasks are listed.", "warn")

    def update(self) -> None:
        """Update the sentence after the history was read."""
        if self._read_error is not None and self._screen.status.notice == self._read_error:
            self._screen.show_notice("")
        self._read_error = None
        if self._delayed is not None:
            self._screen.run_in_background(self._update_outcome, "outcome")

    async def _update_outcome(self) -> None:
        if self._delayed is None:
            return
        before, read = self._delayed
        sentence, is_settled = await read()
        is_shown = self._screen.status.sentence == before  # no other has replaced it
        if is_shown:
            for screen in filter(None, (self._screen, self._screen.prompt_host)):
                screen.status.update_sentence(sentence, is_settled=is_settled)
        self._delayed = None if is_settled or not is_shown else (sentence, read)
