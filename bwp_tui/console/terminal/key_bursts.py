"""Characters that arrive faster than a person types: a paste that the terminal did not mark as one."""

from __future__ import annotations

import time
from typing import Final

from textual import events

GAP_S: Final = 0.03
"""Characters that come closer together than this are one burst."""

_QUIET_S: Final = 0.5
"""A paste may come in packets: it has ended after so long without a character."""

_LEAST: Final = 5
_KINDS: Final = 3


class Burst:
    """Counts the characters that came at once or closely one after the other.

    The rule: a burst of at least five characters, three of them different, is a paste. It is text, whatever keys its
    letters are, so where no text field has the focus all of it is dropped, up to half a second of silence. A key that
    is held down repeats one character, arrow keys are no characters, and of what was typed over a line that stalled
    four keys at a time pass; more of them cannot be told from a paste, except behind the key that opens the filter:
    they are typed into it, up to the first enter. So that the first character of a paste does nothing before the
    fifth has come, a key waits for the end of its burst, except one that only moves the cursor.

    Attributes:
        is_dropped: whether the burst was taken for a paste that nothing asked for.
        first: the first key, in Textual's spelling.
    """

    def __init__(self) -> None:
        self.is_dropped = False
        self.first = ""
        self._count = 0
        self._kinds: set[str] = set()
        self._last = 0.0

    @property
    def is_paste(self) -> bool:
        """Whether nobody types like this."""
        return self._count >= _LEAST and len(self._kinds) >= _KINDS

    @property
    def left(self) -> float:
        """Seconds for which another character would still belong to this burst; below 0 once it has ended."""
        return self._last + (_QUIET_S if self.is_dropped else GAP_S) - time.monotonic()

    def count(self, key: events.Key) -> None:
        """Take note of a key that has come just now."""
        if key.is_printable or key.key in ("enter", "tab"):
            self.first = self.first or key.key
            self._count += 1
            self._kinds.add(key.key)
            self._last = time.monotonic()


class Key(events.Key):
    """Carries the burst that it arrived in."""

    def __init__(self, key: events.Key, burst: Burst) -> None:
        super().__init__(key.key, key.character)
        self.burst = burst
