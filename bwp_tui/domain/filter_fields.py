"""Declare the fields of the filter language, each once: parsing, completion and SQL derive from it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final, NamedTuple

from bwp_tui.domain.advice import KNOWN_CODES
from bwp_tui.domain.regulations import DEFAULT_REGULATION, IDS, REGULATIONS_BY_NAME, stored_names
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind

NOBODY: Final = "none"
"""The value of `assigned:` that matches unassigned tasks."""


class Match(Enum):
    """How a field matches a task; the module `store.queries.filter_sql` has the SQL of each."""

    ONE_OF = auto()  # the column is one of the values
    STATE = auto()  # the task is in one of the states
    PRESENT = auto()  # the column has a value: yes or no
    CONTAINS = auto()  # the column contains the text
    BEGINS = auto()  # the column begins with the text
    TAG = auto()  # the task has the tag
    ERROR_CODE = auto()  # the task has an error of this code
    NOTE = auto()  # any note of the task contains the text
    AGE = auto()  # the time since the instant in the column
    INSTANT = auto()  # the time since the instant in the column, or its day
    DAY = auto()  # the day in the column
    HOLD = auto()  # the time for which the service holds a deletion
    DONE_BY = auto()  # the day by which the service is done
    ACKNOWLEDGE_BY = auto()  # the day by which receipt is to be acknowledged


class FieldSpec(NamedTuple):
    """A field. Its `column` is one of the table `tasks`, or empty where `match` alone says what is compared."""

    key: str
    match: Match
    column: str
    help: str
    values: tuple[str, ...] = ()
    """Values to offer, as the history stores them; if `is_closed`, there are no others."""
    day_words: Mapping[str, tuple[str, int | None]] = MappingProxyType({})
    """Words for days, each a comparison with a number of days from today; None is no day or any day."""
    synonyms: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    """What the history may store for a word that is typed, where that is not the word alone."""
    accepts_unknown_values: bool = False
    """Whether the service may send other values; any in capitals is accepted."""

    @property
    def is_closed(self) -> bool:
        """Whether it takes none but its `values`."""
        return self.match in (Match.ONE_OF, Match.STATE, Match.PRESENT)

    @property
    def is_text(self) -> bool:
        """Whether it takes any text, which is then highlighted."""
        return not self.values and self.match in (Match.CONTAINS, Match.BEGINS, Match.TAG, Match.NOTE)

    @property
    def is_compared(self) -> bool:
        """Whether it takes one duration or day, with an operator such as `<`."""
        return self.match in (Match.AGE, Match.INSTANT, Match.HOLD, Match.DAY, Match.DONE_BY, Match.ACKNOWLEDGE_BY)

    @property
    def counts_back(self) -> bool:
        """Whether durations count back from today, as its words do."""
        return "yesterday" in self.day_words

    @property
    def operator(self) -> str:
        """The operator to offer after the key."""
        return ":" if not self.is_compared else ">" if self.match in (Match.AGE, Match.HOLD) else "<"

    @property
    def suggestions(self) -> tuple[str, ...]:
        """The values to offer, as they are typed."""
        return tuple(map(str.casefold, self.values)) if self.is_closed else (*self.day_words, *self.values)


_YES_OR_NO: Final = ("yes", "no")
STATES: Final = {
    "active": "to be sent or not ended at the service",
    "open": "to be answered to the shopper",
    "ready": "with a result that was never downloaded, before the answer",
    "unanswered": "ended, or declined and appealed, without an answer to the shopper",
    "appealed": "with an appeal to answer",
    "late": "that may not be done by the due date",
    "stopped": "whose clock is stopped until the shopper replies",
    "failed": "failed or unconfirmed, to be answered",
    "unsent": "without a task id",
    "unapproved": "to be approved by another person",
    "resubmitted": "resubmitted as another task",
    "duplicate": "with an earlier task for the same email and kind",
}
"""The values of `is:` with what they mean, as the end of `3 tasks …`."""
CONDITIONS_BY_STATE: Final = {
    "answered": "-answered:none",
    "declined": "-declined:none",
    "assigned": "-assigned:none",
    "unassigned": "assigned:none",
    "verified": "verified:yes",
    "unverified": "verified:no",
    "extended": "extended:yes",
    "overdue": "due:over",
    "hold": "status:on_hold",
    "held": "status:on_hold",
}
"""Words that are no values of `is:`, and the condition that each probably means."""
_SPANS: Final = ("7d", "30d")
_PAST_WORDS: Final = {"today": ("=", 0), "yesterday": ("=", -1)}
_AHEAD_WORDS: Final = {"today": ("=", 0), "tomorrow": ("=", 1), "over": ("<", 0)}
_DUE_WORDS: Final = {**_AHEAD_WORDS, "none": ("=", None)}
_DONE_WORDS: Final = {"today": ("=", 0), "tomorrow": ("=", 1), "none": ("=", None)}
_END_WORDS: Final = {**_PAST_WORDS, "none": ("=", None)}
_RECEIPT_WORDS: Final = {**_AHEAD_WORDS, "pending": ("=", None)}

FIELDS: Final = {
    spec.key: spec
    for spec in (
        FieldSpec(
            "status", Match.ONE_OF, "status", "status, such as failed", tuple(Status), accepts_unknown_values=True
        ),
        FieldSpec("kind", Match.ONE_OF, "kind", "retrieval or deletion", tuple(Kind)),
        FieldSpec("age", Match.AGE, "recorded_at", "time since it was recorded: age>2d", ("1h", "1d", "2d", "1w")),
        FieldSpec("due", Match.DAY, "due_on", "due date: due<7d; due:over is overdue", ("3d", "7d", "14d"), _DUE_WORDS),
        FieldSpec("is", Match.STATE, "", "shortcut: is:active, is:failed", tuple(STATES)),
        FieldSpec("error", Match.ERROR_CODE, "errors", "error code", KNOWN_CODES),
        FieldSpec("tag", Match.TAG, "tags", "tag"),
        FieldSpec("note", Match.NOTE, "", "text in a note, also in one replaced or undone since"),
        FieldSpec("email", Match.CONTAINS, "email", "text in the email"),
        FieldSpec("id", Match.BEGINS, "task_id", "beginning of the task id"),
        FieldSpec(
            "regulation",
            Match.ONE_OF,
            "regulation",
            f"regulation, such as {DEFAULT_REGULATION}",
            IDS,
            synonyms={name: stored_names(row.id) for name, row in REGULATIONS_BY_NAME.items()},
        ),
        FieldSpec("assigned", Match.CONTAINS, "assigned_to", "assignee: assigned:none", (NOBODY,)),
        FieldSpec("verified", Match.PRESENT, "verified_on", "whether the identity was verified", _YES_OR_NO),
        FieldSpec("extended", Match.PRESENT, "extended_on", "whether the due date was extended", _YES_OR_NO),
        FieldSpec("ack", Match.ACKNOWLEDGE_BY, "", "receipt to be acknowledged: ack<3d", ("3d",), _RECEIPT_WORDS),
        FieldSpec("answered", Match.DAY, "answered_on", "day of the answer: answered<30d", _SPANS, _END_WORDS),
        FieldSpec("declined", Match.DAY, "declined_on", "day of the decline: declined<30d", _SPANS, _END_WORDS),
        FieldSpec("received", Match.DAY, "received_on", "day of receipt: received<30d", _SPANS, _PAST_WORDS),
        FieldSpec(
            "submitted", Match.INSTANT, "submitted_at", "time since submission: submitted<30d", _SPANS, _PAST_WORDS
        ),
        FieldSpec(
            "updated",
            Match.INSTANT,
            "updated_at",
            "time since the service's last change: updated<7d",
            _SPANS,
            _PAST_WORDS,
        ),
        FieldSpec("finished", Match.INSTANT, "finished_at", "time since its end: finished<7d", _SPANS, _END_WORDS),
        FieldSpec("holding", Match.HOLD, "holding_period", "hold of a deletion: holding>5d", ("1d", "5d", "10d")),
        FieldSpec(
            "done_by", Match.DONE_BY, "", "day by which the service is done: done_by<7d", ("3d", "7d"), _DONE_WORDS
        ),
    )
}
"""The fields by key, in the order in which they are offered."""
