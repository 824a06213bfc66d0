"""Parse keys, pastes and the terminal's reports, in whatever pieces they arrive."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Final

from textual import constants, events
from textual.message import Message

from bwp_tui.console.terminal.key_bursts import Burst, Key
from bwp_tui.console.terminal.textual_compat import CompatKeyParser
from bwp_tui.domain.text import clean
from bwp_tui.settings.profile import is_over_ssh

LATE_S: Final = 1.0
"""Seconds that the rest of a sequence may take."""

_AFTER_ESC: Final = "[O]P_"
"""Characters after the ESC of the terminal's own sequences."""

_SSH_ESCAPE_S: Final = 0.25
"""How long a lone ESC waits over SSH, where packets come late, before it is the escape key."""

_PASTE: Final = "\x1b[200~"
_PASTE_END: Final = "\x1b[201~"
"""Around a paste (bracketed paste)."""

_MAX_SEQUENCE: Final = 32
"""Length of a sequence beyond which Textual types it as keys."""

_ESC: Final = "\x1b"
_SEQUENCE: Final = re.compile(
    r"\x1b(?:"
    r"\[(?:\[.|M...|[0-?]+M|[0-?]*[ -/]*[@-LN-Z\\-~])"  # CSI; F1 to F5 of the Linux console; the mouse's reports
    r"|O[0-9;]*[^0-9;\x1b]"  # SS3
    r"|[\]P_][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC, DCS, APC: reports that nobody here asks for
    r"|[^\[O\]P_\x1b]"  # alt and a key
    r")",
    re.DOTALL,
)
_UNFINISHED_SEQUENCE: Final = re.compile(
    r"\x1b(?:\[(?:\[|M.{0,2}|[0-?]*[ -/]*)|O[0-9;]*|[\]P_][^\x07\x1b]*\x1b?)?", re.DOTALL
)
"""The beginning of a sequence."""


class KeyReader(CompatKeyParser):
    """Passes only whole sequences to Textual's parser.

    Textual types the rest of a sequence as keys where it comes late, where it does not know the sequence, and where an
    ESC is in a paste: `[A` would open a view or record something. Here a sequence that is not known is dropped, and
    so is one that is never finished. After a lone ESC that was taken for the escape key, `[` and `O` still wait for the
    rest of a sequence: what follows in time is that key. `O` waits only as long as an ESC does, since it is a key too.
    """

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._escape_s = escape_delay(os.environ)
        self._unfinished = ""
        self._unfinished_since = 0.0
        self._escape_was_sent = False
        self._open_paste: list[str] | None = None
        self._burst = Burst()

    def feed(self, data: str) -> Iterable[Message]:
        if not data:  # the end
            return super().feed(data)
        return self._in_bursts(list(self._read(data)))

    def tick(self) -> Iterable[Message]:
        """Give up a sequence whose rest does not come."""
        waited = time.monotonic() - self._unfinished_since
        if self._open_paste is not None:  # what may be the beginning of its end waits for the rest
            return
        if self._unfinished == _ESC and not self._escape_was_sent and waited >= self._escape_s:
            self._escape_was_sent = True
            yield events.Key("escape", _ESC)
        elif self._unfinished and waited >= (self._escape_s if self._may_be_typed else LATE_S):
            given_up, self._unfinished = self._unfinished, ""
            yield from self._in_bursts(list(self._given_up(given_up)))

    @property
    def _may_be_typed(self) -> bool:
        """Whether an `O` came after an ESC that was taken for the escape key: it corrects the day of receipt."""
        return self._escape_was_sent and self._unfinished == "\x1bO"

    def _in_bursts(self, messages: list[Message]) -> list[Message]:
        """Count the keys of one read before any is passed on."""
        for at, message in enumerate(messages):
            if isinstance(message, events.Key):
                if self._burst.seconds_left < 0:
                    self._burst = Burst()
                self._burst.count(message)
                messages[at] = Key(message, self._burst)
        return messages

    def _read(self, data: str) -> Iterator[Message]:
        if self._may_be_typed:
            yield from self.tick()
        if self._unfinished == _ESC and self._open_paste is None and data[0] not in _AFTER_ESC:
            # No action has a key with alt: the escape was a key of its own.
            self._unfinished = ""
            yield from self._given_up(_ESC)
        text, self._unfinished = f"{self._unfinished}{data}", ""
        if self._escape_was_sent and not text.startswith(("\x1b[", "\x1bO")):
            text, self._escape_was_sent = data, False
        while text:
            if self._open_paste is not None:
                text = yield from self._read_paste(self._open_paste, text)
            elif not text.startswith(_ESC):
                typed, esc, rest = text.partition(_ESC)
                yield from super().feed(typed)
                text = f"{esc}{rest}"
            elif whole := _SEQUENCE.match(text):
                text = text[whole.end() :]
                yield from self._read_sequence(whole.group())
            elif (begun := _unfinished_sequence(text)) == text:
                self._unfinished, self._unfinished_since = text, time.monotonic()
                return
            else:
                text = text[len(begun) :]
                yield from self._given_up(begun)

    def _read_sequence(self, sequence: str) -> Iterator[Message]:
        is_escaped, self._escape_was_sent = self._escape_was_sent, False
        if sequence == _PASTE:
            self._open_paste = []
            return
        if sequence[1] in "]P_" or len(sequence) > _MAX_SEQUENCE:
            return
        yield from super().feed(sequence)
        if not self.is_waiting:
            return
        self.reset()
        if len(sequence) == 2:
            yield from self.alt_key(sequence[1])
        elif is_escaped and len(sequence) == 3:
            yield from super().feed(sequence[1:])

    def _given_up(self, begun: str) -> Iterator[Message]:
        if not self._escape_was_sent:
            yield events.Key("escape", _ESC)
        self._escape_was_sent = False
        if len(begun) == 2:
            yield from super().feed(begun[1])

    def _read_paste(self, pasted: list[str], text: str) -> Generator[Message, None, str]:
        """Collect a paste, an ESC in it as text; return the data after its end."""
        body, end, rest = text.partition(_PASTE_END)
        if not end:
            cut = next((size for size in range(len(_PASTE_END) - 1, 0, -1) if body.endswith(_PASTE_END[:size])), 0)
            body, self._unfinished = body[: len(body) - cut], body[len(body) - cut :]
        pasted.append(body)
        if end:
            self._open_paste = None
            yield events.Paste("".join(pasted).replace("\x00", "").replace(_ESC, clean(_ESC)))
        return rest


def _unfinished_sequence(text: str) -> str:
    match = _UNFINISHED_SEQUENCE.match(text)
    return match.group() if match else ""


def escape_delay(environment: Mapping[str, str]) -> float:
    """Return how many seconds a lone ESC waits for the rest of a sequence: longer over SSH, unless ESCDELAY is set."""
    chosen = constants.ESCAPE_DELAY
    return chosen if "ESCDELAY" in environment or not is_over_ssh(environment) else max(chosen, _SSH_ESCAPE_S)
