"""Append to and read the timelines of tasks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias, TypeVar

from bwp_tui.domain.task import TimelineEvent
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import format_instant, is_iso_day
from bwp_tui.store.database.connection import Store, Transaction, as_int, as_text
from bwp_tui.store.queries.row_mapping import RowMapper

SERVICE = "service"
"""The actor of what the service did."""

PROGRAM: Final = "bwp-tui"
"""The actor of what this program did by itself."""


class EventKind(StrEnum):
    """What happened to a task, as its timeline stores it; `label_of` says how it is shown.

    The newest NOTE is the task's note.
    """

    RECORDED = "recorded"
    IMPORTED = "imported"
    TRACKED = "tracked"
    ADOPTED = "adopted"
    JOINED = "merged"
    EVENT_RECEIVED = "event received"
    RESUBMITTED = "resubmitted"
    ACCEPTED = "accepted"
    SEND_REQUESTED = "send asked"
    APPROVED = "approved"
    REFUSED = "refused"
    NO_RESPONSE = "no answer"
    CANCELLED_UNSENT = "withdrawn"
    HELD_BACK = "held back"
    STATUS = "status"
    TASK_ID_REJECTED = "disowned"
    GIVEN_UP = "given up"
    CANCEL_REQUESTED = "cancel asked"
    CANCELLED = "cancelled"
    CANCEL_REFUSED = "cancel refused"
    DOWNLOAD_REQUESTED = "download asked"
    CONNECTION_LOST = "download cut"
    TRANSFER_POSTPONED = "download put off"
    TRANSFER_RESUMED = "download went on"
    TRANSFER_RESTARTED = "download begun anew"
    MORE_ATTEMPTS = "download steps"
    DOWNLOAD_PAUSED = "download paused"
    DOWNLOAD_RESUMED = "download resumed"
    DOWNLOAD_MOVED = "download moved"
    DOWNLOAD_CANCELLED = "download cancelled"
    DOWNLOAD_FAILED = "download failed"
    DOWNLOADED = "downloaded"
    UNPACKED = "unpacked"
    PACKED = "packed"
    NOTE = "note"
    NOTE_REMOVED = "note removed"
    TAGS = "tags"
    ASSIGNED = "assigned"
    ACKNOWLEDGED = "acknowledged"
    ACKNOWLEDGEMENT_WITHDRAWN = "acknowledgement withdrawn"
    VERIFIED = "verified"
    VERIFICATION_WITHDRAWN = "verification withdrawn"
    EXTENDED = "extended"
    EXTENSION_WITHDRAWN = "extension withdrawn"
    INQUIRED = "inquired"
    INQUIRY_WITHDRAWN = "inquiry withdrawn"
    REPLIED = "replied"
    REPLY_WITHDRAWN = "reply withdrawn"
    DECLINE_REQUESTED = "decline asked"
    DECLINED = "declined"
    DECLINE_WITHDRAWN = "decline withdrawn"
    APPEALED = "appealed"
    APPEAL_ANSWERED = "appeal answered"
    APPEAL_WITHDRAWN = "appeal withdrawn"
    ANSWERED = "answered"
    ANSWER_WITHDRAWN = "answer withdrawn"
    LETTER = "letter"
    HOOK = "hook"
    COMMAND_RUN = "command run"
    CORRECTED = "corrected"
    UNDONE = "undone"
    PURGED = "purged"
    RECOVERED = "recovered"
    RESTORED = "restored"


_LABELS: Final[Mapping[str, str]] = {
    EventKind.SEND_REQUESTED: "send requested",
    EventKind.CANCELLED_UNSENT: "cancelled unsent",
    EventKind.NO_RESPONSE: "no response",
    EventKind.TASK_ID_REJECTED: "task id rejected",
    EventKind.CANCEL_REQUESTED: "cancellation requested",
    EventKind.CANCEL_REFUSED: "cancellation refused",
    EventKind.DOWNLOAD_REQUESTED: "download requested",
    EventKind.CONNECTION_LOST: "download interrupted",
    EventKind.TRANSFER_POSTPONED: "download postponed",
    EventKind.TRANSFER_RESUMED: "download continued",
    EventKind.TRANSFER_RESTARTED: "download restarted",
    EventKind.MORE_ATTEMPTS: "download attempts",
    EventKind.DECLINE_REQUESTED: "decline requested",
    EventKind.HOOK: "hook for occasion",
}
"""How kinds are shown whose stored words are older than the names that they have here, or lead into no detail."""


def label_of(what: str) -> str:
    """Return how an event of the timeline is shown, given its stored kind."""
    return _LABELS.get(what, what)


class LegalRecord(StrEnum):
    """What is recorded of the law's demands, and can be withdrawn."""

    ACKNOWLEDGEMENT = "acknowledgement"
    VERIFICATION = "verification"
    INQUIRY = "inquiry"
    REPLY = "reply"
    EXTENSION = "extension"
    ANSWER = "answer"
    APPEAL = "appeal"


class TaskPart(StrEnum):
    """Another part of a task that operators change."""

    NOTE = "note"
    TAGS = "tags"
    ASSIGNMENT = "assignment"
    RECEIPT = "receipt and regulation"


UndoablePart: TypeAlias = TaskPart | LegalRecord
"""What undo restores; its event begins with the name of the part."""

CHECK_WHAT_COUNTS: Final = "check what counts"
"""What the event of a merge says of a task of which two copies say different things."""

_CHECK: Final = re.compile(r"[:;] check (?:it|wh)")

UNDO_SEPARATOR: Final = " again "
"""What stands in the event of an undo between the part and its restored value."""


RECORD_COLUMNS: Final = {
    LegalRecord.ACKNOWLEDGEMENT: ("acknowledged_on",),
    LegalRecord.VERIFICATION: ("verified_on", "verified_by", "verified_how"),
    LegalRecord.INQUIRY: ("inquired_on", "replied_on"),
    LegalRecord.REPLY: ("replied_on",),
    LegalRecord.EXTENSION: ("extended_on",),
    LegalRecord.ANSWER: ("answered_on", "answered_how", "answered_in_part"),
    LegalRecord.APPEAL: ("appealed_on", "appeal_answered_on", "appeal_upheld"),
}
"""The columns of each record, the day first."""

PARTS_OF_EVENTS: Final[dict[EventKind, UndoablePart]] = {
    **{EventKind(f"{record} withdrawn"): record for record in RECORD_COLUMNS},
    EventKind.ACKNOWLEDGED: LegalRecord.ACKNOWLEDGEMENT,
    EventKind.VERIFIED: LegalRecord.VERIFICATION,
    EventKind.INQUIRED: LegalRecord.INQUIRY,
    EventKind.REPLIED: LegalRecord.REPLY,
    EventKind.EXTENDED: LegalRecord.EXTENSION,
    EventKind.ANSWERED: LegalRecord.ANSWER,
    EventKind.APPEALED: LegalRecord.APPEAL,
    EventKind.APPEAL_ANSWERED: LegalRecord.APPEAL,
    EventKind.CORRECTED: TaskPart.RECEIPT,
    EventKind.NOTE: TaskPart.NOTE,
    EventKind.NOTE_REMOVED: TaskPart.NOTE,
    EventKind.TAGS: TaskPart.TAGS,
    EventKind.ASSIGNED: TaskPart.ASSIGNMENT,
}
"""The part of a task that an event changes."""

EMPTY_PARTS: Final[dict[str, dict[str, str | int | None]]] = {
    **{record: dict.fromkeys(columns) for record, columns in RECORD_COLUMNS.items()},
    TaskPart.NOTE: {"note": ""},
    TaskPart.TAGS: {"tags": "[]"},
    TaskPart.ASSIGNMENT: {"assigned_to": None},
}
"""The columns of each part where nothing is recorded."""

_EVENT: Final = RowMapper(TimelineEvent)
EVENT_COLUMNS: Final = _EVENT.columns
INSERT_EVENT: Final = f"INSERT INTO timeline (task, {EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_EVENTS: Final = f"SELECT {EVENT_COLUMNS} FROM timeline"


def append(
    transaction: Transaction,
    number: int,
    actor: str,
    what: EventKind,
    *,
    before: str | None = None,
    after: str | None = None,
    detail: str | None = None,
) -> None:
    """Append an event to the timeline of task `number`, at the transaction's instant."""
    transaction.run(INSERT_EVENT, (number, transaction.now_text, actor, what, before, after, detail))


def status_in(after: str | None) -> str | None:
    """Return the status that an event sets, or None: what there is after it may also be a due date."""
    return None if is_iso_day(after) else after


class TimelineRow(NamedTuple):
    """An event as the history stores it."""

    at: str
    what: str
    before: str | None
    after: str | None
    detail: str | None
    actor: str = PROGRAM

    @property
    def status(self) -> str | None:
        return status_in(self.after)


_CORRECTION: Final = r"(received|law|kind) (\S+) → (\S+?)(?:, |$)"
_CORRECTED_COLUMNS: Final = {"received": "received_on", "law": "regulation", "kind": "kind"}


def corrections_of(event: TimelineRow) -> dict[str, tuple[str, str]]:
    """Return the columns that an event corrected, each before and after."""
    found = re.findall(_CORRECTION, event.detail or "") if event.what == EventKind.CORRECTED else []
    return {
        _CORRECTED_COLUMNS[what]: (before, after)
        for what, before, after in found
        if what == "law" or (what == "received" and is_iso_day(after)) or (what == "kind" and before == "unknown")
    }


def recorded_day(detail: str) -> str | None:
    """Return the day with which the detail of an operator's record begins."""
    on = re.match(r"on (\d{4}-\d\d-\d\d)", detail)
    return on[1] if on and is_iso_day(on[1]) else None


def is_resubmission(event: TimelineRow) -> bool:
    """Return whether a request was sent again as a new task."""
    return event.what == EventKind.RESUBMITTED and (event.detail or "as ").startswith("as ")


def records_request(event: TimelineRow) -> bool:
    """Return whether a person recorded a request with this event."""
    is_repeated = event.what == EventKind.RESUBMITTED and not (event.detail or "").startswith("as ")
    return is_repeated or event.what in (EventKind.RECORDED, EventKind.IMPORTED, EventKind.TRACKED)


_AFFECTS_NO_ANSWER: Final = frozenset(
    {
        *(EventKind.RECORDED, EventKind.IMPORTED),
        *(EventKind.NOTE, EventKind.NOTE_REMOVED, EventKind.TAGS, EventKind.ASSIGNED),
        *(EventKind.UNPACKED, EventKind.PACKED, EventKind.LETTER, EventKind.HOOK, EventKind.COMMAND_RUN),
    }
)
WORK: Final = frozenset({TaskPart.NOTE, TaskPart.TAGS, TaskPart.ASSIGNMENT})
"""The parts that affect no answer."""


def affects_answer(event: TimelineRow) -> bool:
    """Return whether a person recorded with this event what can change whether an answer is due, which, or by when.

    That is every decision and every record of the law, but no note, tag, assignment, download or letter, nor the
    request itself.
    """
    if event.actor in (SERVICE, PROGRAM) or event.what in _AFFECTS_NO_ANSWER or event.what.startswith("download"):
        return False
    if event.what == EventKind.RESUBMITTED:
        return is_resubmission(event)
    return event.what != EventKind.UNDONE or (event.detail or "").partition(UNDO_SEPARATOR)[0] not in WORK


def asks_to_check(what: str, detail: str | None) -> bool:
    """Return whether a merge or a recovery recorded with this event what a person has to check."""
    return what == EventKind.RECOVERED and _CHECK.search(detail or "") is not None


def missing_in(others: list[TimelineRow], events: list[TimelineRow]) -> list[TimelineRow]:
    """Return the events that other ones lack; a purge may have removed the details of either."""
    known = dict[TimelineRow, set[str | None]]()
    for event in others:
        known.setdefault(event._replace(detail=None), set()).add(event.detail)
    details = [(event, known.get(event._replace(detail=None), set[str | None]())) for event in events]
    return [event for event, found in details if not (found & {event.detail, None} or (found and event.detail is None))]


_EventT = TypeVar("_EventT", bound=TimelineEvent | TimelineRow)


def in_order(events: list[_EventT]) -> list[_EventT]:
    """Return the events of a task, the oldest first, from the order of their recording.

    The order is kept, whatever the clock said. Only events before two rows were joined are put in the order of their
    instants.
    """
    joined = max((place for place, event in enumerate(events) if event.what == EventKind.JOINED), default=0)
    return [*sorted(events[:joined], key=attrgetter("at")), *events[joined:]]


def of_task(store: Store, number: int) -> list[TimelineEvent]:
    """Return the timeline of task `number`, oldest first."""
    return in_order(as_recorded(store, number))


def as_recorded(store: Store, number: int) -> list[TimelineEvent]:
    """Return the timeline of task `number` in the order of recording, which is that of its digests."""
    return [_EVENT(row) for row in store.rows(f"{_EVENTS} WHERE task = ? ORDER BY id", (number,))]


def joined_into(store: Store, number: int) -> int | None:
    """Return the number of the row that row `number` was joined with, or None; it reads the timelines of all tasks."""
    kept = store.row(
        f"SELECT task FROM timeline WHERE what = '{EventKind.JOINED}' AND detail GLOB ?", (f"with #{number},*",)
    )
    return None if kept is None else as_int(kept[0])


def detail_text(event: TimelineEvent) -> str | None:
    """Return an event's detail as a person reads it: of what an undo put back, without the columns behind its day."""
    part, _, value = (event.detail or "").partition(UNDO_SEPARATOR)
    if event.what != EventKind.UNDONE or part in WORK:
        return event.detail
    words = value.split()[: 2 if part == TaskPart.RECEIPT else 1]  # a receipt has its law
    return f"{part}{UNDO_SEPARATOR}{' '.join(words)}"


def earlier_task_id_reason(store: Store, beginning: str) -> str | None:
    """Return a sentence on the task that had a task id that begins so before, or None; no row has that id.

    It reads the timelines of all tasks.
    """
    row = store.row(
        f"SELECT task FROM timeline JOIN tasks ON number = task WHERE what = '{EventKind.ACCEPTED}' AND detail >= ?"
        " AND detail < ? AND detail IS NOT task_id LIMIT 1",
        (beginning, f"{beginning}\U0010ffff"),
    )
    if row is None:
        return None
    return f"“{clean_line(beginning)}” is an earlier task id of #{as_int(row[0])}: its timeline says what became of it."


def newest_event_id(store: Store) -> int:
    """Return the id of the last event, or 0."""
    return store.integer("SELECT max(id) FROM timeline")


class LoggedEvent(NamedTuple):
    """An event with the task that it is about, without texts that may name the shopper."""

    task_number: int
    task_id: str | None
    actor: str
    what: str
    before: str | None
    after: str | None
    hook: str | None
    """The occasion of a hook, and how it ended."""

    @property
    def status(self) -> str | None:
        return status_in(self.after)


_LOGGED_EVENT: Final = RowMapper(
    LoggedEvent,
    table="e.",
    task_number="e.task",
    task_id="t.task_id",
    hook=f"iif(e.what = '{EventKind.HOOK}', e.detail, NULL)",
)


def since(store: Store, after: int, last: int, earliest: datetime) -> list[LoggedEvent]:
    """Return the events behind event `after`, up to event `last`, that are not from before `earliest`.

    A recovery, or a restore, gives earlier events new ids.
    """
    rows = store.rows(
        f"SELECT {_LOGGED_EVENT.columns} FROM timeline e JOIN tasks t ON t.number = e.task"
        " WHERE e.id > ? AND e.id <= ? AND e.at >= ? ORDER BY e.id",
        (after, last, format_instant(earliest)),
    )
    return [_LOGGED_EVENT(row) for row in rows]


def refusals_between(store: Store, after: int, last: int) -> list[tuple[int, str]]:
    """Return task and reason of each cancellation and task id that the service refused after event `after`.

    Args:
        last: the last event that counts.
    """
    rows = store.rows(
        "SELECT task, detail FROM timeline WHERE id > ? AND id <= ? AND what IN (?, ?) ORDER BY id",
        (after, last, EventKind.CANCEL_REFUSED, EventKind.TASK_ID_REJECTED),
    )
    return [(as_int(task), as_text(detail or "")) for task, detail in rows]


def first_and_last_instant(store: Store) -> tuple[str, str] | None:
    """Return the instants of the first and the last event of all tasks, as text, or None."""
    row = store.row("SELECT min(at), max(at) FROM timeline")
    return None if row is None or row[0] is None else (as_text(row[0]), as_text(row[1]))
