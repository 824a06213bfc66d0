"""Recognize a paste that the terminal did not mark: characters that arrive faster than a person types."""

from __future__ import annotations

import time
from typing import Final

from textual import events

GAP_S: Final = 0.03
"""Characters that come closer together than this are one burst."""

_QUIET_S: Final = 0.5
"""A paste may arrive in packets: it has ended after so long without two characters that came together."""

_MIN_CHARACTERS: Final = 5
_MIN_DIFFERENT: Final = 3


class Burst:
    """Counts the characters that arrived at once or closely one after the other.

    A burst of at least five characters, three of them different, is a paste: text, whatever keys its letters are. Where
    no text field has the focus it is dropped, with what arrives until half a second after its last two characters that
    came together. Single keys pressed meanwhile do not prolong this: a person who types on would lose all of them.

    A held key repeats one character, and arrow keys are no characters. What was typed while the connection stalled
    arrives at once and looks like a paste: five keys of it are dropped, up to four pass. Behind the key that opens the
    filter any number passes, up to the first enter; not behind that of the command line: a pasted command must not run.

    A key waits for the end of its burst, so that the first character of a paste does nothing before the fifth has
    arrived, except one that only moves the cursor.

    Attributes:
        is_dropped: whether the burst was taken for a paste that nothing asked for.
        first: the first key, in Textual's spelling.
    """

    def __init__(self) -> None:
        self.is_dropped = False
        self.first = ""
        self._count = 0
        self._different: set[str] = set()
        self._last = self._counted_at = 0.0

    @property
    def is_paste(self) -> bool:
        """Whether no person types like this."""
        return self._count >= _MIN_CHARACTERS and len(self._different) >= _MIN_DIFFERENT

    @property
    def seconds_left(self) -> float:
        """Seconds for which another character would still belong to this burst; below 0 once it has ended."""
        return self._last + (_QUIET_S if self.is_dropped else GAP_S) - time.monotonic()

    def count(self, key: events.Key) -> None:
        """Count a key that has arrived just now."""
        if key.is_printable or key.key in ("enter", "tab"):
            self.first = self.first or key.key
            self._count += 1
            self._different.add(key.key)
            now = time.monotonic()
            if not self.is_paste or now - self._counted_at < GAP_S:
                self._last = now
            self._counted_at = now


class Key(events.Key):
    """A key with the burst in which it arrived.

    Textual calls handlers by the name of the event's class: `on_key` for a class called Key only.
    """

    def __init__(self, key: events.Key, burst: Burst) -> None:
        super().__init__(key.key, key.character)
        self.burst = burst
