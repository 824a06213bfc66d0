"""Change or remove a sentence of the main screen's status line once it no longer holds."""

from __future__ import annotations

from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.workers import OutcomeReader
from bwp_tui.domain.filter import View
from bwp_tui.domain.text import clean_line


class StatusUpdates:
    """Updates the status line of `screen` at each snapshot of the history.

    Attributes:
        sentence: what the status line shows.
    """

    def __init__(self, screen: MainScreenProtocol) -> None:
        self.sentence = ""
        self._screen = screen
        self._read_error: str | None = None
        self._delayed: tuple[str, OutcomeReader] | None = None

    async def show_outcome(self, read: OutcomeReader) -> None:
        """Show what came of an action and why it is not sent yet, and read both again until it is sent."""
        self._show(read, *await read())

    def show_read_error(self, sentence: str) -> None:
        """Show why the history cannot be read, until it can."""
        self._screen.show_status(sentence, "bad")
        self._read_error = sentence

    def show_missing_view(self, name: str | None, shown: View | None) -> None:
        """Say at the start that the view to show does not exist, where another is shown instead."""
        if name is not None and (shown is None or shown.name != name):
            self._screen.show_status(f"There is no view “{clean_line(name)}”; all tasks are listed.", "warn")

    def update(self) -> None:
        """Update the sentence after the history was read."""
        if self._read_error is not None and self.sentence == self._read_error:
            self._screen.show_status("")
        self._read_error = None
        if self._delayed is not None:
            self._screen.start_worker(self._update_outcome, "outcome")

    async def _update_outcome(self) -> None:
        if self._delayed is None:
            return
        shown, read = self._delayed
        outcome = await read()
        if self.sentence == shown:
            self._show(read, *outcome)
        else:  # another sentence has replaced it
            self._delayed = None

    def _show(self, read: OutcomeReader, sentence: str, delay: str) -> None:
        self._screen.show_status(f"{sentence}{delay}")
        self._delayed = (self.sentence, read) if delay else None
