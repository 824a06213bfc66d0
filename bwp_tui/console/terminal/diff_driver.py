"""Drive the terminal as Textual does, and send only the cells that changed."""

from __future__ import annotations

import asyncio
import locale
import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from textual import events
from textual.driver import Driver
from textual.message import Message

from bwp_tui.console.terminal.frame_parser import NotAFrame
from bwp_tui.console.terminal.key_reader import KeyReader
from bwp_tui.console.terminal.output_writer import OutputWriter
from bwp_tui.console.terminal.screen_buffer import ScreenBuffer
from bwp_tui.console.terminal.textual_compat import CompatDriver
from bwp_tui.domain.text import ASCII_FORMS, is_utf8, lacks_symbols, to_ascii
from bwp_tui.settings.profile import DIFF_VARIABLE

if TYPE_CHECKING:
    from textual.app import App

_BEGIN_FRAME: Final = "\x1b[?2026h"
_END_FRAME: Final = "\x1b[?2026l"
"""Enclose a frame, for a terminal that supports synchronized output."""

_ENTER_SCREEN: Final = "\x1b[?1049h"
_LEAVE_SCREEN: Final = "\x1b[?1049l"
"""Switch to the alternate screen, and back to the shell's."""

_ERASE: Final = "\x1b[m\x1b[H\x1b[2J"

_KEEPS_CELLS: Final = re.compile(
    r"(?:\x07"  # bell
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: clipboard, title, shape of the mouse's pointer
    r"|\x1bPtmux;(?:[^\x1b]|\x1b\x1b)*\x1b\\"  # such a sequence through tmux
    r"|\x1b\[\?(?:7|25|100[0-6]|101[56]|2004|2048)[hl]"  # wrapping, cursor, mouse, focus, paste, resize reports
    r"|\x1b\[\?\d+\$p|\x1b\[[<>=?]\d*u"  # questions; the keyboard's protocol
    r")+"
)
"""Sequences that change no cell."""


def driver_class(environment: Mapping[str, str]) -> type[Driver] | None:
    """Return the driver for the console; None for Textual's own."""
    return None if environment.get(DIFF_VARIABLE) == "0" else DiffDriver


class DiffDriver(CompatDriver):
    """Sends the cells that changed.

    A write that is no frame is passed on; all cells are sent again after it, unless it is known to change none.
    """

    key_reader = KeyReader

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._lock = threading.RLock()
        self._buffer = ScreenBuffer(*shutil.get_terminal_size())
        self._unsent: list[str] = []
        self._is_synchronized = False
        self._is_ascii_only = not is_utf8(locale.getencoding())
        self._lacks_signs = lacks_symbols(os.environ.get("TERM", ""))
        self._is_suspended = True
        self._writer = OutputWriter(cast(TextIO, sys.__stderr__), self._pending_output, self._lock)

    def write(self, data: str) -> None:
        with self._lock:
            if data == _BEGIN_FRAME:
                self._is_synchronized = True
            elif data != _END_FRAME:
                self._apply(data)
        self._writer.wake()

    def repaint_all(self) -> None:
        """Send the whole screen: something else has written to the terminal."""
        with self._lock:
            self._buffer.repaint_all()
        self._writer.wake()

    def start_application_mode(self) -> None:
        self._writer.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual leaves it untyped
        loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGWINCH)

        def resized(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._resized)
            if callable(before):
                before(number, frame)

        if callable(before):
            signal.signal(signal.SIGWINCH, resized)
        self._resized()

    def close(self) -> None:
        self._writer.stop()
        super().close()

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.Resize):  # reported by the terminal itself, among the keys
            with self._lock:
                self._buffer.resize(*message.size)
        super().process_message(message)

    def _resized(self) -> None:
        with self._lock:
            self._buffer.resize(*shutil.get_terminal_size())
        self._writer.wake()

    def _apply(self, data: str) -> None:
        if self._is_ascii_only:
            data = to_ascii(data)
        elif self._lacks_signs:
            data = data.translate(ASCII_FORMS)
        try:
            self._buffer.apply_frame(data)
        except NotAFrame:
            # A terminal that has grown may leave cells of the alternate screen on the shell's.
            self._unsent += (self._changes(), _ERASE if data == _LEAVE_SCREEN else "", data)
            if data == _ENTER_SCREEN:  # after ctrl+z Textual paints nothing by itself
                self._buffer.repaint_all()
            elif data != _LEAVE_SCREEN and not _KEEPS_CELLS.fullmatch(data):
                self._buffer.invalidate()
            self._is_suspended = data == _LEAVE_SCREEN or (self._is_suspended and data != _ENTER_SCREEN)

    def _pending_output(self) -> str:
        text = "".join((*self._unsent, self._changes()))
        self._unsent.clear()
        return text

    def _changes(self) -> str:
        if self._is_suspended:
            return ""
        changes = self._buffer.changes()
        return f"{_BEGIN_FRAME}{changes}{_END_FRAME}" if changes and self._is_synchronized else changes
