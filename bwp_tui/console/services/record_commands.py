"""What the operator keeps about tasks, written to the history by this console, with what can be taken back of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bwp_tui.console.services.write_guard import WriteGuard
from bwp_tui.domain.task import WATCHED, Verification
from bwp_tui.store.commands import bulk, undo
from bwp_tui.store.commands.bulk import Result, TaskCommand
from bwp_tui.store.commands.records import LegalRecord
from bwp_tui.store.commands.undo import Change, Field

_STEPS: Final = 100
"""Changes of a session that can be taken back, the last first."""


@dataclass(frozen=True, slots=True)
class RecordStep:
    """A change of what the history keeps about some tasks."""

    part: Field
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class MarkStep:
    """A change of the marks. `before` are the local numbers that were marked."""

    before: frozenset[int]


@dataclass(frozen=True, slots=True)
class FinalStep:
    """Something that cannot be taken back, in the words of a sentence's beginning."""

    what: str


Step = RecordStep | MarkStep | FinalStep


class RecordCommands:
    """Writes notes, tags, hands, verifications and dates. Its methods block on the disk: not for the UI's loop.

    Each takes local numbers, returns what came of each task, and raises HistoryError where nothing can be recorded.

    Attributes:
        actor: who is at this keyboard.
        steps: what can be taken back, the newest last.
    """

    def __init__(self, changing: WriteGuard, actor: str) -> None:
        self.actor = actor
        self.steps: deque[Step] = deque(maxlen=_STEPS)
        self._changing = changing

    def replace_note(self, numbers: Sequence[int], text: str) -> list[Result]:
        """Replace the notes by a text; no text removes them."""
        return self._changed(bulk.set_note(text, self.actor), Field.NOTE, numbers)

    def add_note(self, numbers: Sequence[int], text: str) -> list[Result]:
        """Add a note."""
        return self._changed(bulk.add_note(text, self.actor), Field.NOTE, numbers)

    def tag(self, numbers: Sequence[int], add: Sequence[str], remove: Sequence[str]) -> list[Result]:
        """Add tags and remove others."""
        return self._changed(bulk.tag(add, remove, self.actor), Field.TAGS, numbers)

    def assign(self, numbers: Sequence[int], who: str | None) -> list[Result]:
        """Give tasks into someone's hands; None is nobody's."""
        return self._changed(bulk.assign(who, self.actor), Field.ASSIGNMENT, numbers)

    def verify(self, numbers: Sequence[int], verification: Verification) -> list[Result]:
        """Record how it was made sure who asks."""
        return self._changed(bulk.verify(verification, self.actor), Field.VERIFICATION, numbers)

    def acknowledge(self, numbers: Sequence[int], on: date) -> list[Result]:
        """Record that receipt was confirmed to the shoppers."""
        return self._changed(bulk.acknowledge(on, self.actor), Field.ACKNOWLEDGEMENT, numbers)

    def extend(self, numbers: Sequence[int], reason: str, today: date) -> list[Result]:
        """Record that the shoppers were told, today and with the reason, that the answer takes longer."""
        return self._changed(bulk.extend(reason, today, self.actor), Field.EXTENSION, numbers)

    def withdraw(self, numbers: Sequence[int], record: LegalRecord) -> list[Result]:
        """Withdraw an acknowledgement, a verification or an extension."""
        return self._changed(bulk.withdraw(record, self.actor), Field(record.value), numbers)

    def correct(self, numbers: Sequence[int], received_on: date | None, regulation: str | None) -> list[Result]:
        """Correct the day of receipt or the law; None leaves one as it is."""
        return self._changed(bulk.correct(received_on, regulation, self.actor), Field.RECEIPT, numbers)

    def watch(self, numbers: Sequence[int], *, on: bool) -> list[Result]:
        """Watch tasks, or no longer."""
        return self.tag(numbers, [WATCHED] if on else [], [] if on else [WATCHED])

    def unwatch(self, numbers: Sequence[int]) -> list[Result]:
        """Watch tasks no longer, since they have ended: nothing that the operator did, so not to be taken back."""
        return self._perform(bulk.tag([], [WATCHED], self.actor), numbers)

    def undo(self, step: RecordStep) -> list[Result]:
        """Put a part of some tasks back as it was, except where it was changed once more since."""
        deed = undo.undo(step.part, step.changes, self.actor)
        return self._perform(deed, [change.number for change in step.changes])

    def _changed(self, deed: TaskCommand, part: Field, numbers: Sequence[int]) -> list[Result]:
        changes: list[Change] = []
        try:
            return self._perform(undo.with_changes(deed, part, changes), numbers)
        finally:
            # Also when a later transaction failed: what an earlier one wrote stays, and can be taken back.
            if changes:
                self.steps.append(RecordStep(part, tuple(changes)))

    def _perform(self, deed: TaskCommand, numbers: Sequence[int]) -> list[Result]:
        return [result for results in bulk.perform(self._changing.store, deed, numbers) for result in results]
