"""Read the columns of a task's row from the task's timeline: each event says which columns it set, and to what.

A timeline may be joined from those of two copies of a history, whose operators and engines did not know of each other.
The events apply in the order of time, with three exceptions:

- A status or task id from the service always counts. A decision by an operator or this program does not count once
  the request had a task id or had ended in the other copy (`_is_overtaken`), except for a decline of a request of
  which nothing runs: the shopper was told.
- An undo of a note, tags or an assignee takes back what the same person did, not what came from the other copy.
- What was purged stays purged.

Where people contradict each other, a merge chooses one of the two rows, and its event names what differs from the
result of the timelines (`store.maintenance.merging.disputes`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from bwp_tui.domain.statuses import DECLINABLE_STATUSES, FINAL_STATUSES, DeclineReason, Status, status_after
from bwp_tui.domain.task import TaskError
from bwp_tui.domain.times import is_iso_day, local_day, parse_instant
from bwp_tui.store.queries.row_mapping import changed_tags, errors_text, tags_of
from bwp_tui.store.queries.timeline import (
    EMPTY_PARTS,
    PARTS_OF_EVENTS,
    RECORD_COLUMNS,
    UNDO_SEPARATOR,
    WORK,
    EventKind,
    LegalRecord,
    TaskPart,
    TimelineRow,
    corrections_of,
    in_order,
    recorded_day,
)

Columns = dict[str, str | int | None]

_PURGED: Final[Columns] = {
    **{"email": "", "note": "", "tags": "[]"},
    **dict.fromkeys(("reason", "verified_how", "answered_how", "decline_text", "trouble")),
}
_DECISIONS: Final = frozenset(
    {
        *(
            EventKind.SEND_REQUESTED,
            EventKind.NO_RESPONSE,
            EventKind.REFUSED,
            EventKind.CANCELLED_UNSENT,
            EventKind.HELD_BACK,
            EventKind.GIVEN_UP,
        ),
        *(EventKind.APPROVED, EventKind.DECLINED, EventKind.DECLINE_WITHDRAWN, EventKind.RECOVERED, EventKind.RESTORED),
    }
)
"""The events whose status an operator or this program decided on, by what the row said until then."""

LOST_ID_PREFIX: Final = "its task id "
"""How the detail of a `recovered` event begins with which a task lost its id to another one."""

DECLINE_COLUMNS: Final = ("declined_on", "decline_reason", "decline_text")
_DECLINE: Final = re.compile(
    rf"(?:once it is cancelled; )?on (\d{{4}}-\d\d-\d\d)(?:, \d+ days? late)?, ({'|'.join(DeclineReason)}): (.*)"
)


def columns_after(row: Mapping[str, str | int | None], events: Iterable[TimelineRow]) -> Columns:
    """Return the columns that a row has after some events, which are in the order of their recording.

    Only what the events say is set: a column that no event names keeps its value, or is absent as before.
    """
    columns, undoable, applied = dict(row), dict[str, list[_PartChange]](), set[str | None]()
    for event in in_order(list(events)):
        if _is_overtaken(columns, event):
            continue
        if provisional := provisional_columns(event):
            if event.detail in applied:  # the same choice, made once in each copy
                continue
            applied.add(event.detail)
        if event.what == EventKind.UNDONE:
            changes = _undone(columns, event, undoable)
        else:
            changes = _changes(columns, event) | provisional
            if event.what in PARTS_OF_EVENTS:
                part = PARTS_OF_EVENTS[EventKind(event.what)]
                before = {name: columns.get(name, EMPTY_PARTS.get(part, {}).get(name)) for name in changes}
                before |= {name: first for name, (first, _) in corrections_of(event).items()}
                undoable.setdefault(part, []).append(_PartChange(event, before))
        columns |= changes
        if is_iso_day(event.before) or is_iso_day(event.after):
            columns["due_on"] = event.after
    is_declined = columns.get("status") in (None, Status.DECLINED) or columns.get("cancel_asked")
    is_recorded = columns.get("declined_on") is not None or columns.get("appealed_on") is not None
    if is_recorded and not is_declined:  # a decline is in effect, or waits for a cancellation
        columns |= dict.fromkeys((*DECLINE_COLUMNS, *RECORD_COLUMNS[LegalRecord.APPEAL]))
    if columns.get("inquired_on", "") is None:  # it was that of the other copy
        columns |= {"replied_on": None} if "replied_on" in columns else {}
    return columns if columns.get("purged_at") is None else columns | _PURGED


_PLAIN_VALUE: Final = r"[a-z][a-z-]*|\d{4}-\d\d-\d\d"
_PROVISIONAL_COLUMN: Final = rf'(?:no ([a-z ]+)|([a-z ]+): (\d|{_PLAIN_VALUE}|"(?:[^"\\]|\\.)*"))(?:, |$)'
_PROVISIONAL_COLUMNS: Final = re.compile(r"(?:^|; )until then [^()]*\((.*)\)$", re.DOTALL)

RECORDED_COLUMNS: Final = tuple(
    dict.fromkeys(
        ("received_on", "regulation", *DECLINE_COLUMNS, *(name for names in RECORD_COLUMNS.values() for name in names))
    )
)
"""The columns of receipt, law, decline and legal records: a disputed merge takes all of them from one copy."""

_CAN_BE_PROVISIONAL: Final = frozenset({*RECORDED_COLUMNS, "task_id", "submitted_at", "finished_at", "next_poll_at"})

_EMPTY_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "task id": ("task_id", "submitted_at"),
    "decline": DECLINE_COLUMNS,
    **{str(record): names for record, names in RECORD_COLUMNS.items()},
    "answer to the appeal": ("appeal_answered_on", "appeal_upheld"),
}
"""The columns that are empty together, by the words that say so, as `no decline`; larger groups first."""


def provisional_text(what: str, columns: Columns) -> str:
    """Return the end of the detail of an event that says what counts until a person has checked a task.

    Args:
        what: what counts, without parentheses.
        columns: the columns in which the copies differ, as they count.
    """
    texts = [
        f"{name.replace('_', ' ')}: {value if _is_plain(value) else json.dumps(value, ensure_ascii=False)}"
        for name, value in columns.items()
        if value is not None
    ]
    empty = {name for name, value in columns.items() if value is None}
    for group, names in _EMPTY_GROUPS.items():
        if empty.issuperset(names):
            texts.append(f"no {group}")
            empty.difference_update(names)
    texts += [f"no {name.replace('_', ' ')}" for name in columns if name in empty]
    return f"until then {what}" + (f" ({', '.join(texts)})" if texts else "")


def _is_plain(value: str | int) -> bool:
    return isinstance(value, int) or re.fullmatch(_PLAIN_VALUE, value) is not None


def provisional_columns(event: TimelineRow) -> Columns:
    """Return the columns that count by an event until a person has checked the task; none for most events."""
    match = _PROVISIONAL_COLUMNS.search(event.detail or "") if event.what == EventKind.RECOVERED else None
    found = re.findall(_PROVISIONAL_COLUMN, match[1]) if match else []
    columns = Columns()
    for none, name, text in found:
        names = _EMPTY_GROUPS.get(none, (none,)) if none else (name,)
        columns |= dict.fromkeys((each.replace(" ", "_") for each in names), None if none else _value_of(text))
    return {name: value for name, value in columns.items() if name in _CAN_BE_PROVISIONAL}


def _value_of(text: str) -> str | int:
    return int(text) if text.isdigit() else str(json.loads(text)) if text[0] == '"' else text


_ENDED_OR_CANCELLED: Final = (Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.DECLINED)


def _is_overtaken(columns: Columns, event: TimelineRow) -> bool:
    """Return whether an event decides on a request that had got a task id, or had ended, in another copy before.

    Whoever decided did not know of the task id or the end. A status from the service always counts, except the
    acceptance of a task whose end the other copy knows. A decline counts if nothing of the request runs: the shopper
    was told. An adopted or tracked id may be known already; an id that somebody entered replaces one that the service
    has not confirmed.
    """
    status = columns.get("status")
    if event.what in (EventKind.ADOPTED, EventKind.TRACKED):
        is_correction = event.before is not None and status in (Status.QUEUED, Status.UNCONFIRMED, Status.GIVEN_UP)
        return columns.get("task_id") is not None and not is_correction
    if event.what == EventKind.TASK_ID_REJECTED:  # says nothing of the id that another copy knows
        return columns.get("task_id") is not None and str(columns["task_id"]) not in (event.detail or "")
    if event.what == EventKind.ACCEPTED:
        return columns.get("task_id") == event.detail and status in _ENDED_OR_CANCELLED
    if event.what == EventKind.DECLINE_WITHDRAWN and event.before == Status.DECLINED:
        return status not in (None, Status.DECLINED)
    if event.what == EventKind.DECLINED and status in DECLINABLE_STATUSES:
        return bool(columns.get("resubmitted"))
    has_gone_on = columns.get("task_id") is not None or status in FINAL_STATUSES
    is_decision = event.what in _DECISIONS and event.status is not None
    return is_decision and has_gone_on and status is not None and status != event.before


class _PartChange(NamedTuple):
    """An event that changed a part of the task, and the columns of the part before."""

    event: TimelineRow
    before: Columns

    def began_as(self, value: str) -> bool:
        """Return whether an undo that put back this value can be that of this change."""
        cells = tags_of(self.before["tags"]) if "tags" in self.before else tuple(self.before.values())
        recorded = " ".join(str(cell) for cell in cells if cell is not None) if cells and cells[0] else "empty"
        return f"{value} ".startswith(f"{recorded} ")


def _undone(columns: Columns, event: TimelineRow, undoable: dict[str, list[_PartChange]]) -> Columns:
    """Return the columns that an undo puts back.

    Of the shop's own work, only what the same person did is undone: the other copy may have gone on since.
    """
    part, _, value = (event.detail or "").partition(UNDO_SEPARATOR)
    changes = undoable.setdefault(part, [])
    own = [place for place, change in enumerate(changes) if change.event.actor == event.actor]
    if part not in WORK or not own:
        return _values_before(changes, part, value)
    undone, before = changes.pop(next((each for each in reversed(own) if changes[each].began_as(value)), own[-1]))
    if part == TaskPart.TAGS:
        opposite = re.sub(r"(^| )([+-])", lambda sign: sign[1] + "-+"[sign[2] == "-"], undone.detail or "")
        tags = changed_tags(columns.get("tags") or "[]", opposite)
        return before if {*tags_of(before["tags"])} == {*tags_of(tags)} else {"tags": tags}  # those have their order
    is_changed_since = any(columns.get(name) != now for name, now in _recorded_columns(columns, undone).items())
    return {} if is_changed_since else before


def _values_before(changes: list[_PartChange], part: str, value: str) -> Columns:
    """Return the columns of a part before the change that is undone; remove it and those since from `changes`."""
    for place in reversed(range(len(changes))):
        if changes[place].began_as(value):
            before = changes[place].before
            del changes[place:]
            return before
    before = changes.pop().before if changes else {}
    return {**dict.fromkeys(before), **EMPTY_PARTS.get(part, {})} if value == "empty" else before


def _changes(columns: Columns, event: TimelineRow) -> Columns:
    """Return the columns that an event sets, except the due date."""
    return {**_service_columns(columns, event), **_recorded_columns(columns, event)}


def _service_columns(columns: Columns, event: TimelineRow) -> Columns:
    """Return status, task id and what follows from them."""
    changes: Columns = {}
    detail = event.detail or ""
    if status := event.status:
        if event.what == EventKind.STATUS and status != Status.MISSING:
            # An older version kept a name of the service that is a local one now.
            status = status_after(str(columns.get("status")), status)
        if status == Status.CANCELLED and columns.get("status") == Status.DECLINED != event.before:
            return {"cancel_asked": 0}  # what another copy saw of the cancellation for the decline, or asked for itself
        is_final = status in FINAL_STATUSES
        finished_at = event.at if is_final else None
        if is_final and event.what == EventKind.RECOVERED:  # it had ended before the copies were merged
            finished_at = str(columns.get("finished_at") or event.at)
        changes = {"status": status, "terminal": int(is_final), "finished_at": finished_at}
        changes |= {"polls": 0, "unknown_since": None, "unknown_answers": 0, "next_poll_at": None, "trouble": None}
        if is_final:
            changes["cancel_asked"] = 0
        if status == Status.FAILED and event.what == EventKind.STATUS and detail:
            changes["errors"] = errors_text(tuple(TaskError(code, "") for code in detail.split("; ")))
        elif event.what == EventKind.REFUSED and detail:
            changes["errors"] = errors_text((TaskError(None, detail),))
    match event.what:
        case EventKind.ACCEPTED if detail and ", kept as #" not in detail:
            changes |= {"task_id": detail, "submitted_at": event.at}
        case EventKind.TRACKED | EventKind.ADOPTED if detail:
            changes["task_id"] = detail.rpartition(" ")[2]
        case EventKind.TASK_ID_REJECTED:
            changes |= {"task_id": None, "trouble": event.detail}
        case EventKind.RECOVERED if detail.startswith(LOST_ID_PREFIX):
            changes |= {"task_id": None, "next_poll_at": None}
        case EventKind.CANCEL_REQUESTED if columns.get("status") not in FINAL_STATUSES | DECLINABLE_STATUSES:
            changes["cancel_asked"] = 1
        case EventKind.CANCEL_REFUSED:
            changes |= {"cancel_asked": 0, "trouble": event.detail}
        case EventKind.RESUBMITTED if relation := re.match(r"(of|as) #(\d+)", detail):
            changes |= {"resubmit_of": int(relation[2])} if relation[1] == "of" else {"resubmitted": 1}
        case EventKind.DOWNLOADED:
            changes["saved"] = 1
    return changes


def _recorded_columns(columns: Columns, event: TimelineRow) -> Columns:
    """Return what operators recorded."""
    detail = event.detail or ""
    day = recorded_day(detail)
    changes: Columns
    if event.what in PARTS_OF_EVENTS and event.what.endswith(" withdrawn"):
        return EMPTY_PARTS[PARTS_OF_EVENTS[EventKind(event.what)]]
    match event.what:
        case EventKind.NOTE | EventKind.NOTE_REMOVED:
            return {"note": detail}
        case EventKind.TAGS:
            return {"tags": changed_tags(columns.get("tags") or "[]", detail)}
        case EventKind.ASSIGNED:
            return {"assigned_to": None if detail == "to nobody" else detail.removeprefix("to ")}
        case EventKind.EXTENDED:
            return {"extended_on": local_day(parse_instant(event.at)).isoformat()}
        case EventKind.CORRECTED:
            return {name: after for name, (_, after) in corrections_of(event).items()}
        case EventKind.PURGED:
            in_part = None if columns.get("answered_in_part") is None else ""
            return {**_PURGED, "purged_at": event.at, "answered_in_part": in_part}
        case EventKind.DECLINED | EventKind.DECLINE_REQUESTED if declined := _DECLINE.match(detail):
            changes = dict(zip(DECLINE_COLUMNS, declined.groups(), strict=True))
            if event.what == EventKind.DECLINED:
                changes["finished_at"] = columns.get("finished_at") or event.at
            return changes
        case EventKind.DECLINE_WITHDRAWN:
            changes = {**dict.fromkeys(DECLINE_COLUMNS), **EMPTY_PARTS[LegalRecord.APPEAL]}
            if event.after in FINAL_STATUSES:
                changes["finished_at"] = columns.get("finished_at")
            elif event.after == Status.RECEIVED:
                # Its task at the service, if it had one, was cancelled for the decline.
                changes |= {"task_id": None, "submitted_at": None}
            return changes
        case EventKind.APPEALED if day:
            return {**EMPTY_PARTS[LegalRecord.APPEAL], "appealed_on": day, **EMPTY_PARTS[LegalRecord.ANSWER]}
        case EventKind.APPEAL_ANSWERED if day:
            return {"appeal_answered_on": day, "appeal_upheld": int(detail.endswith(": upheld"))}
        case EventKind.ACKNOWLEDGED | EventKind.INQUIRED | EventKind.REPLIED if day:
            return {RECORD_COLUMNS[LegalRecord(PARTS_OF_EVENTS[EventKind(event.what)])][0]: day}
        case EventKind.VERIFIED if verified := day and re.match(r"on \S+ by (.*?): (.*)", detail):
            changes = {"verified_on": day, "verified_by": verified[1], "verified_how": verified[2]}
            inquired = columns.get("inquired_on")
            is_awaited = inquired is not None and columns.get("replied_on") is None and str(inquired) <= str(day)
            is_reply = is_awaited or (event.before is None and is_iso_day(event.after))  # it ended a stop of its copy
            return changes | ({"replied_on": day} if is_reply else {})
        case EventKind.ANSWERED if day and (answered := re.match(r"on [^:]*: (.*)", detail)):
            how, _, part = answered[1].partition("; in part: ")
            return {"answered_on": day, "answered_how": how, "answered_in_part": part or None}
    return {}
