"""Choose what counts of a merged task about which people recorded different things in two histories.

If people made different decisions or legal records in the two copies, one copy's row is taken as a whole, and a person
has to check it. It is the row that leaves the request open, with the earlier due date. Statuses from the service and
resubmissions come from both copies all the same. Two examples:

- One copy extended a request that is due on 2026-12-25, the other answered it: it is open, due on 2027-02-08.
- One copy recorded an earlier receipt, the other a deletion on hold as declined, and the service cancelled that: the
  request is RECEIVED, with the earlier receipt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import permutations
from typing import Final, NamedTuple

import apsw

from bwp_tui.domain.deadlines import Receipt, due_if_replied, needs_answer, task_due_date
from bwp_tui.domain.statuses import DECLINABLE_STATUSES, FINAL_STATUSES, WITHHELD_STATUSES, Status
from bwp_tui.domain.task import TO_CHECK, Kind
from bwp_tui.domain.times import local_day, parse_instant
from bwp_tui.store.maintenance import replay, task_rows
from bwp_tui.store.maintenance.task_rows import append_recovered, tag_to_check
from bwp_tui.store.queries.columns_from_events import (
    DECLINE_COLUMNS,
    RECORDED_COLUMNS,
    Columns,
    columns_after,
    provisional_text,
)
from bwp_tui.store.queries.row_mapping import TASKS, tags_of, task_of
from bwp_tui.store.queries.timeline import (
    CHECK_WHAT_COUNTS,
    PARTS_OF_EVENTS,
    RECORD_COLUMNS,
    UNDO_SEPARATOR,
    EventKind,
    LegalRecord,
    TimelineRow,
    affects_answer,
    asks_to_check,
    is_resubmission,
    label_of,
    recorded_day,
    records_request,
)

_ANSWER_COLUMNS: Final = (
    *("open", "due_on", "received_on", "regulation", "extended_on", "resubmitted", "cancel_asked", "declined_on"),
    *(name for names in RECORD_COLUMNS.values() for name in names if name.endswith(("_on", "_upheld"))),
)
"""The columns that say whether an answer is due, which, and by when."""

_DECIDED: Final = (*WITHHELD_STATUSES, Status.DECLINED, Status.CANCELLED, Status.GIVEN_UP)
"""The statuses that people decide on; nothing of a request runs at the service."""

LONGEST_WAIT: Final = timedelta(days=30)
"""The wait for the shopper's reply that is assumed when a stopped clock is compared with a running one."""


class DisputeSide(NamedTuple):
    """A task in one of two merged histories: its row, and the events that the other history lacks."""

    row: Columns
    own_events: list[TimelineRow]

    @property
    def records(self) -> list[TimelineRow]:
        """The events by which people may have changed the answer due."""
        return [event for event in self.own_events if affects_answer(event)]

    @property
    def records_text(self) -> str:
        """The records as text, an extension with its reason; the status if there are none."""
        return ", ".join(map(_record_text, self.records)) or f"{self.row['status']}"

    @property
    def latest_record(self) -> tuple[str, str]:
        """When and by whom the last record was made; empty without one."""
        return max(((event.at, event.actor) for event in self.records), default=("", ""))

    @property
    def to_check(self) -> set[str]:
        """What a person still has to check, as far as only this history says so."""
        is_to_check = TO_CHECK in tags_of(self.row["tags"])
        return {str(e.detail) for e in self.own_events if is_to_check and asks_to_check(e.what, e.detail)}

    @property
    def changed_parts(self) -> set[str]:
        """The parts of the task that people changed; parts that affect each other have one name."""
        return {_part_of(event) for event in self.records}

    def is_overruled(self, merged: Columns) -> bool:
        """Return whether people decided in this history what does not count in the merged row."""
        is_decided = any(event.status or event.what == EventKind.RESUBMITTED for event in self.records)
        return is_decided and _is_underway(self.row) != _is_underway(merged)

    def is_contradicted(self, merged: Columns) -> bool:
        """Return whether the merged row contradicts what people recorded in this history."""
        is_recorded = bool(self.records) or any(map(records_request, self.own_events))
        names = (*_ANSWER_COLUMNS, *RECORDED_COLUMNS)
        return is_recorded and (self.is_overruled(merged) or any(self.row[name] != merged[name] for name in names))

    def status_beside(self, merged: Columns, declined_from: str | None) -> str:
        """Return the status of the merged task if the row of this side counts.

        It is the status of the row, unless the service or the other side makes the row's status impossible. A request
        that this side is about to send, or may have sent, is UNCONFIRMED. A deletion that was cancelled for a decline
        by the other side is RECEIVED, as if the decline had been withdrawn.
        """
        own, other, task_id = str(self.row["status"]), str(merged["status"]), merged["task_id"]
        if own == other or other not in _DECIDED:
            return other
        if own in WITHHELD_STATUSES:
            is_withdrawn = any(event.what == EventKind.DECLINE_WITHDRAWN for event in self.records)
            return own if task_id is None or is_withdrawn else other
        is_unaware = self.row["task_id"] is None and task_id is not None and other == Status.CANCELLED
        if own == Status.DECLINED or (own in DECLINABLE_STATUSES and not is_unaware):
            return own
        if task_id is None:
            return Status.UNCONFIRMED if own in (Status.QUEUED, Status.UNCONFIRMED) else other
        if other == Status.DECLINED and self.row["resubmitted"]:
            return Status.CANCELLED
        if other == Status.DECLINED and self.row["task_id"] == task_id:
            is_own = merged["kind"] == Kind.RETRIEVAL
            return Status.FAILED if declined_from == Status.FAILED else own if is_own else Status.RECEIVED
        return other


def _record_text(event: TimelineRow) -> str:
    label, day = label_of(event.what), recorded_day(event.detail or "")
    if event.what == EventKind.EXTENDED:
        return f"{label} ({event.detail})"
    return f"{label} on {day}" if day else label


def _part_of(event: TimelineRow) -> str:
    part = PARTS_OF_EVENTS.get(EventKind(event.what)) if event.what in PARTS_OF_EVENTS else None
    if event.what == EventKind.UNDONE:
        part = next((each for each in LegalRecord if (event.detail or "").startswith(f"{each}{UNDO_SEPARATOR}")), None)
    if part in (LegalRecord.REPLY, LegalRecord.VERIFICATION):
        return LegalRecord.INQUIRY
    return "decision" if part in (None, LegalRecord.ANSWER, LegalRecord.APPEAL) else str(part)


def _is_underway(row: Columns) -> bool:
    """Return whether a request is to be sent, was sent and goes on, or was completed."""
    status = row["status"]
    return status == Status.COMPLETED or status not in {*FINAL_STATUSES, *WITHHELD_STATUSES, Status.UNCONFIRMED}


def _content(event: TimelineRow) -> TimelineRow:
    """Return what an event records, which that of another copy may record too; each resubmission is a new request."""
    return event if is_resubmission(event) else event._replace(at="", actor="")


_COPIES: Final = ("in one copy", "in the other, without knowing of that")


def choose_what_counts(
    db: apsw.Connection,
    number: int,
    sides: tuple[DisputeSide, DisputeSide],
    now: str,
    places: tuple[str, str] = _COPIES,
) -> list[int]:
    """Choose the row that counts of a merged task if the task is disputed, and tag it `to-check`.

    A task is disputed if each side has a decision or legal record that the other side lacks, or if the merged row
    contradicts what people recorded on one side.

    Args:
        places: where what was recorded on each side stands.

    Returns:
        The tasks that were tagged: this one and those that carry its request on.
    """
    merged = task_rows.row_of(db, number)
    records = [Counter(map(_content, side.records)) for side in sides]
    if not all(one - other for one, other in permutations(records, 2)) and not any(
        side.is_contradicted(merged) for side in sides
    ):
        return []
    is_in_order = places is not _COPIES or sides[0].records_text <= sides[1].records_text
    one, other = sides if is_in_order else sides[::-1]
    receipts = [f"received on {side.row['received_on']} under {side.row['regulation']}" for side in (one, other)]
    named = f" ({' and '.join(receipts)})" if receipts[0] != receipts[1] else ""
    sentence = (
        f"recorded {places[0]}: {one.records_text}; {places[1]}: {other.records_text}{named}; {CHECK_WHAT_COUNTS}"
    )
    if merged["purged_at"]:
        sentence += "; if the shopper still waits for an answer, record the purged request again"
        append_recovered(db, now, number, sentence)
    else:
        event = _write_most_urgent(db, number, merged, (one, other), now)
        append_recovered(db, now, number, f"{sentence}; {event.detail}", event.before, event.after)
    tag_to_check(db, now, number)
    return [number, *tag_successors(db, number, now, [replay.receipt_of(side.row) for side in sides])]


def tag_successors(db: apsw.Connection, number: int, now: str, receipts: Sequence[Receipt] = ()) -> Iterator[int]:
    """Tag the resubmissions of a task that is to be checked `to-check`, and theirs; yield them.

    Args:
        receipts: those that were recorded for the request: the earlier ones count for those tasks too.
    """
    for (value,) in db.execute("SELECT number FROM main.tasks WHERE resubmit_of = ?", (number,)).fetchall():
        successor = int(str(value))
        row = task_rows.row_of(db, successor)
        if row["open"] and receipts:
            replay.correct_receipt(db, successor, now, [replay.receipt_of(row), *receipts])
        detail = f"it repeats a request of which two copies differ: {CHECK_WHAT_COUNTS}"
        event = (successor, now, detail)
        if not db.execute("SELECT 1 FROM main.timeline WHERE (task, at, detail) = (?, ?, ?)", event).fetchall():
            append_recovered(db, now, successor, detail)
        tag_to_check(db, now, successor)
        yield successor
        yield from tag_successors(db, successor, now, receipts)


def _write_most_urgent(
    db: apsw.Connection, number: int, merged: Columns, sides: tuple[DisputeSide, DisputeSide], now: str
) -> TimelineRow:
    """Write the most urgent of the rows that a disputed task can have: that of either copy, or the merged one.

    The merged row is a candidate only if it is open, and people changed parts that do not affect each other.

    Returns:
        The event that records the choice: its statuses, and as its detail what counts.
    """
    is_declined = any(side.row["declined_on"] for side in sides)
    is_undeclined = is_declined and merged["status"] != Status.DECLINED and not merged["cancel_asked"]
    but = ", the decline once it is checked" if is_declined and merged["cancel_asked"] else ""
    is_all_counted = all(side.records and not side.is_overruled(merged) for side in sides)
    what = "what both recorded" if is_all_counted else merged["status"]
    text = provisional_text(f"{what} counts{but}", dict.fromkeys(DECLINE_COLUMNS if is_undeclined else ()))
    unchanged = TimelineRow(now, EventKind.RECOVERED, None, None, text)
    latest_first = sorted(sides, key=lambda side: side.latest_record, reverse=True)
    can_join = merged["open"] and not sides[0].changed_parts & sides[1].changed_parts
    choices = [unchanged] if can_join else []
    declines = [each.before for side in sides for each in side.records if each.what == EventKind.DECLINED]
    declined_from = declines[-1] if declines else None
    for side in sorted(latest_first, key=lambda side: side.row["status"] != merged["status"]):
        status = side.status_beside(merged, declined_from)
        has_no_decline = status == Status.DECLINED and side.row["declined_on"] is None
        if has_no_decline or side.row["resubmitted"] != merged["resubmitted"]:
            continue
        values = {
            name: side.row[name]
            for name in RECORDED_COLUMNS
            if side.row[name] != merged[name] or sides[0].row[name] != sides[1].row[name]
        }
        if status in WITHHELD_STATUSES and merged["task_id"] is not None:
            values |= {"task_id": None, "submitted_at": None}
        changed = (None, None) if status == merged["status"] else (str(merged["status"]), status)
        if changed[1] not in (None, *FINAL_STATUSES, *WITHHELD_STATUSES, Status.UNCONFIRMED):
            values["next_poll_at"] = now
        elif changed[1] in FINAL_STATUSES and changed[1] == side.row["status"]:
            values["finished_at"] = side.row["finished_at"]
        if side.row["declined_on"] is not None and status != Status.DECLINED and not merged["cancel_asked"]:
            values |= dict.fromkeys((*DECLINE_COLUMNS, *RECORD_COLUMNS[LegalRecord.APPEAL]))
        text = provisional_text(f"{status} counts", values)
        choices.append(TimelineRow(now, EventKind.RECOVERED, changed[0], changed[1], text))
    choices = choices or [unchanged]
    outcomes = [columns_after(merged, [choice]) for choice in choices]
    changes = [{name: value for name, value in columns.items() if value != merged[name]} for columns in outcomes]
    urgencies = [
        _urgency(db, number, changed, now, has_other_status=choice.status is not None)
        for changed, choice in zip(changes, choices, strict=True)
    ]
    best = urgencies.index(min(urgencies))
    task_rows.write_with_due_date(db, number, changes[best], now)
    return choices[best]


def _urgency(
    db: apsw.Connection, number: int, changes: Columns, now: str, *, has_other_status: bool
) -> tuple[bool, bool, date]:
    """Return how urgent a task would be with some changes, as a key: open before closed, then by its due date.

    While its clock is stopped, that is the due date if the reply came after `LONGEST_WAIT`. Among closed ones those
    come first that keep the status of the merged row, then those with the earlier due date.
    """
    db.execute("SAVEPOINT choice")
    task_rows.write_with_due_date(db, number, changes, now)
    task = task_of(next(db.execute(f"{TASKS} WHERE t.number = ?", (number,))))
    db.execute("ROLLBACK TO choice; RELEASE choice")
    is_closed = not needs_answer(task)
    due = task_due_date(task) or due_if_replied(task, local_day(parse_instant(now)) + LONGEST_WAIT) or date.max
    return (is_closed, is_closed and has_other_status, due)
