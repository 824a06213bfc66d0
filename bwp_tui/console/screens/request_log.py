"""The API request log, the newest first."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from bwp_tui.console.presentation import request_log
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.screens.help import HelpScreen
from bwp_tui.console.session import Session
from bwp_tui.console.widgets.bars import FooterLine, StatusLine
from bwp_tui.console.widgets.detail_pane import Heading
from bwp_tui.console.widgets.virtual_list import VirtualList
from bwp_tui.console.widgets.virtual_rows import MOVE_KEYS, MOVE_LABELS
from bwp_tui.console.workers import start_worker
from bwp_tui.domain.text import counted
from bwp_tui.store.errors import StoreError
from bwp_tui.store.queries.request_log import SentRequest

_KEYS: Final = {"choose": "enter", **MOVE_KEYS, "help": "question_mark", "back": "escape,q,H"}
_WORDS: Final = {**MOVE_LABELS, "choose": "Open the task", "help": "Show every key", "back": "Go back to the tasks"}
_CHUNK: Final = 100
"""Rows read at once: more than a screen shows."""


class RequestLogScreen(Screen[None]):
    """Lists the requests sent until it was opened.

    Args:
        read: opens the task of this local number; called once the screen is gone.
    """

    AUTO_FOCUS = "VirtualList"
    BINDINGS = [Binding(keys, f"do('{name}')", _WORDS[name], show=False) for name, keys in _KEYS.items()]

    def __init__(self, session: Session, read: Callable[[int], None]) -> None:
        super().__init__()
        self._session = session
        self._read_task = read
        self._ids: array[int] = array("q")
        self._chunks: dict[int, Sequence[SentRequest]] = {}

    def compose(self) -> ComposeResult:
        yield Heading(id="sent-heading")
        yield VirtualList(id="sent-rows")
        yield StatusLine(id="status")
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        self.query_one(Heading).set_text([("API request log", "strong")])
        self.query_one(FooterLine).show_keys(
            ("enter", "open the task"), ("j k", "move"), ("?", "help"), ("esc", "back")
        )
        start_worker(self, self._list, exclusive=True)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def action_do(self, name: str) -> None:
        """Do what a key is bound to."""
        moves = self._rows.moves
        if name in moves:
            moves[name]()
        elif name == "choose":
            self._choose()
        elif name == "help":
            self.app.push_screen(HelpScreen.on_bindings(self.BINDINGS, self._session.today()))
        else:
            self.dismiss(None)

    @on(VirtualList.Chosen)
    def _choose(self) -> None:
        one = self._at(self._rows.cursor_row)
        if one is not None:
            self.dismiss(None)
            self._read_task(one.number)

    async def _list(self) -> None:
        try:
            self._ids = await asyncio.to_thread(self._session.reader.sent_ids)
        except StoreError as error:
            self.query_one("#status", StatusLine).set_text(str(error), "bad")
        if not self._ids:
            self.query_one("#status", StatusLine).set_text("No API requests yet.", "muted")
        self._show()

    def _show(self) -> None:
        self.query_one(Heading).set_text([("API request log", "strong")], counted(len(self._ids), "request"))
        rows = self._rows
        rows.show(request_log.header(rows.text_width), len(self._ids), self._line, cursor=rows.cursor_row)

    def _line(self, row: int) -> Sequence[StyledText]:
        one = self._at(row)
        return [] if one is None else request_log.line(one, self._rows.text_width, masked=self._session.masked)

    def _at(self, row: int) -> SentRequest | None:
        """Return the request of a row. Rows are read by the chunk and cached, since they never change."""
        if not 0 <= row < len(self._ids):
            return None
        id, chunk = self._ids[row], row // _CHUNK
        if chunk not in self._chunks:
            wanted = self._ids[chunk * _CHUNK : (chunk + 1) * _CHUNK]
            self._chunks = {chunk: self._session.reader.sent(wanted), **dict(list(self._chunks.items())[:1])}
        return next((one for one in self._chunks[chunk] if one.id == id), None)

    @property
    def _rows(self) -> VirtualList:
        return self.query_one(VirtualList)
