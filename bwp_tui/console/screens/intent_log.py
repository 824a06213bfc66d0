"""The log of submissions and cancellations, which the screen calls requests; the newest first."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from typing import Final

from textual import on

from bwp_tui.console.background import read_after_changes
from bwp_tui.console.bindings.actions import Scope
from bwp_tui.console.controllers.find import ListFilter
from bwp_tui.console.presentation import intent_log
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.screens.front_screens import ListScreen
from bwp_tui.console.session import Session
from bwp_tui.console.store_access.snapshot_feed import Snapshot
from bwp_tui.console.widgets.styled_line import Heading
from bwp_tui.console.widgets.virtual_list import VirtualList
from bwp_tui.store.errors import ReadCancelled
from bwp_tui.store.queries.intent_log import LoggedIntent

_CHUNK: Final = 100
"""Rows read at once: more than a screen shows."""

_HEADING: Final = "Submissions and cancellations"


class IntentLogScreen(ListScreen):
    """Lists the submissions and cancellations, and those that are added while it is open.

    Args:
        open_task: opens the task of this task number; called once the screen is gone.
    """

    scope = Scope.INTENT_LOG

    def __init__(self, session: Session, open_task: Callable[[int], None]) -> None:
        super().__init__(session)
        self._filter = ListFilter(self, self._read)
        self.handlers |= {
            "read": self._choose,
            "filter": self._filter.ask,
            "back": self._back,
        }
        self._open_task = open_task
        self._changed = asyncio.Event()
        self._ids: array[int] = array("q")
        self._none_listed = ""
        self._chunks: dict[int, Sequence[LoggedIntent]] = {}

    def on_mount(self) -> None:
        self.query_one(Heading).set_text([(_HEADING, "strong")])
        self._read()

    def show_snapshot(self, update: Snapshot | str) -> None:
        """Show what has become of the intents in sight, and have the list read again."""
        if isinstance(update, str):
            self.show_notice(update, "bad")
        else:
            if self._ids:
                self._chunks.clear()
                self._show()
            self._changed.set()

    def _back(self) -> None:
        if not self._filter.clear():
            self.close()

    def _read(self) -> None:
        read_after_changes(self, self._list, self._changed)

    @on(VirtualList.Chosen)
    def _choose(self) -> None:
        intent = self._intent_at(self.rows.cursor_row)
        if intent is not None:
            self.dismiss(None)
            self._open_task(intent.task_number)
        elif not self._ids:
            self.show_status(self._none_listed, "warn")

    async def _list(self) -> None:
        words = self._filter.words
        try:
            ids = await asyncio.to_thread(
                self.session.reader.logged_intent_ids,
                words,
                lambda: words != self._filter.words or not self.is_attached,
            )
        except ReadCancelled:
            return  # other words were typed meanwhile
        row = self.rows.cursor_row
        current = self._ids[row : row + 1]
        if ids and not self._ids and self._none_listed:
            self.show_status("")  # it may say that none is recorded
        self._ids = ids
        self._chunks.clear()
        self._none_listed = "None has these words." if words else "No submission is recorded."
        self._show(next((ids.index(id) for id in current if id in ids), row))

    def _show(self, cursor: int | None = None) -> None:
        title = self._filter.title(len(self._ids)).removesuffix(" · ") or str(len(self._ids))
        self.query_one(Heading).set_text([(_HEADING, "strong")], title)
        rows = self.rows
        header = intent_log.header(rows.text_width) if self._ids else [(self._none_listed, "muted")]
        rows.show(header, len(self._ids), self._line, cursor=rows.cursor_row if cursor is None else cursor)

    def _line(self, row: int) -> Sequence[StyledText]:
        intent = self._intent_at(row)
        return [] if intent is None else intent_log.line(intent, self.rows.text_width, masked=self.session.masked)

    def _intent_at(self, row: int) -> LoggedIntent | None:
        """Return the intent of a row. Rows are read by the chunk, and kept until the list is read again."""
        if not 0 <= row < len(self._ids):
            return None
        id, chunk = self._ids[row], row // _CHUNK
        if chunk not in self._chunks:
            ids = self._ids[chunk * _CHUNK : (chunk + 1) * _CHUNK]
            self._chunks = {chunk: self.session.reader.logged_intents(ids), **dict(list(self._chunks.items())[:1])}
        return next((intent for intent in self._chunks[chunk] if intent.id == id), None)
