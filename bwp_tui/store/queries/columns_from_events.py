"""Read from the timeline of a task the columns of its row: each event says what it set them to.

A timeline may be joined from those of two copies of a history, whose operators and engines did not know of each other.
The events apply in the order of time. Where they contradict each other:

- What the service said counts: a status, a task id. What an operator or this program decided on a request does not,
  once that had a task id or had ended in the other copy (`_is_overtaken`).
- A decline counts all the same where nothing of the request runs: the shopper was told.
- What two operators decided without knowing of each other leaves the request open in doubt, with the earlier due
  date (`_is_outweighed`, `_reopened`): a decline that was withdrawn leaves no appeal, but where the request would be
  closed, the appeal makes it count again; what was upheld stays so.
- A correction that `legal_records.correct` refuses beside what the other copy recorded does not count where the request
  would be due later (`_without_refused_corrections`).
- The clock was stopped by the last inquiry that has a reply, until the first reply to it (`_stop_of_clock`).
- An undo puts back the value that it names (`_undone`), unless the other copy has made a record since.
- What was purged stays purged.

That a person has to check what both recorded is no matter of this module (`replay.write_changes`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from bwp_tui.domain.regulations import is_appealable
from bwp_tui.domain.statuses import DECLINABLE_STATUSES, FINAL_STATUSES, DeclineReason, Status, status_after
from bwp_tui.domain.task import TaskError
from bwp_tui.domain.times import is_iso_day, local_day, parse_instant
from bwp_tui.store.queries.row_mapping import changed_tags, errors_text
from bwp_tui.store.queries.timeline import (
    EMPTY_PARTS,
    PARTS_OF_EVENTS,
    RECORD_COLUMNS,
    RESTORED_AS,
    EventKind,
    LegalRecord,
    TaskPart,
    TimelineRow,
    corrections_of,
    in_order,
    is_resubmission,
    recorded_day,
    values_before,
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
            EventKind.GIVEN_UP,
        ),
        *(EventKind.APPROVED, EventKind.DECLINED, EventKind.DECLINE_WITHDRAWN, EventKind.RECOVERED, EventKind.RESTORED),
    }
)
"""The events whose status an operator or this program decided on, by what the row said until then."""

LOST_TASK_ID: Final = "its task id "
"""How the detail of a `recovered` event begins with which a task lost its id to another one."""

_DECLINE_COLUMNS: Final = ("declined_on", "decline_reason", "decline_text")
_DECLINE: Final = re.compile(
    rf"(?:once it is cancelled; )?on (\d{{4}}-\d\d-\d\d)(?:, \d+ days? late)?, ({'|'.join(DeclineReason)}): (.*)"
)


def columns_after(row: Mapping[str, str | int | None], events: Iterable[TimelineRow]) -> Columns:
    """Return the columns that a row has after some events, which are in the order of their recording.

    Only what the events say is set: a column that no event names keeps its value, or is absent as before.
    """
    columns, undoable, latest = dict(row), dict[str, list[Columns]](), dict[str, Columns]()
    corrected = list[TimelineRow]()
    stops = {name: {str(row[name])} if row.get(name) else set[str]() for name in RECORD_COLUMNS[LegalRecord.INQUIRY]}
    for event in in_order(list(events)):
        counts = not _is_outweighed(columns, event)
        if event.what in (EventKind.APPEALED, EventKind.APPEAL_ANSWERED):
            latest[event.what] = _recorded_columns(columns, event)
        if event.what == EventKind.APPEALED and not counts:
            latest[_DROPPED_APPEAL] = {"appealed_on": latest[EventKind.APPEALED].get("appealed_on")}
        elif event.what == EventKind.DECLINE_WITHDRAWN and counts and columns.get("appealed_on") is not None:
            latest[_DROPPED_APPEAL] = {name: columns.get(name) for name in RECORD_COLUMNS[LegalRecord.APPEAL]}
        if not counts or _is_overtaken(columns, event):
            latest |= {EventKind.DECLINED: _changes(columns, event)} if event.what == EventKind.DECLINED else {}
            continue
        if event.what == EventKind.UNDONE:
            if (undone := _undone(columns, event, undoable)) is None:
                continue
            changes = undone
        else:
            changes = _changes(columns, event)
            changes |= _reopened(columns, event, latest)
            corrected += [event] if event.what == EventKind.CORRECTED else []
            if changes.get("status") == Status.DECLINED != columns.get("status"):
                before = {"cancel_asked": 0, **columns}
                latest = {EventKind.DECLINED: changes, _BEFORE_DECLINE: {name: before.get(name) for name in changes}}
            if event.what in PARTS_OF_EVENTS:
                part = PARTS_OF_EVENTS[EventKind(event.what)]
                before = {name: columns.get(name, EMPTY_PARTS.get(part, {}).get(name)) for name in changes}
                before |= {name: first for name, (first, _) in corrections_of(event).items()}
                undoable.setdefault(part, []).append(before)
        stops = {
            name: _recorded_days(days, event, columns.get(name), changes[name]) if name in changes else days
            for name, days in stops.items()
        }
        columns |= changes
        if is_iso_day(event.before) or is_iso_day(event.after):
            columns["due_on"] = event.after
    is_declined = columns.get("status") in (None, Status.DECLINED) or columns.get("cancel_asked")
    if columns.get("declined_on") is not None and not is_declined:  # it is in effect, or waits for a cancellation
        columns |= dict.fromkeys((*_DECLINE_COLUMNS, *RECORD_COLUMNS[LegalRecord.APPEAL]))
    columns |= _without_refused_corrections(columns, corrected)
    columns |= _stop_of_clock(columns, *stops.values())
    return columns if columns.get("purged_at") is None else columns | _PURGED


_BEFORE_DECLINE: Final = "before decline"
_DROPPED_APPEAL: Final = "dropped appeal"
"""An appeal that the other copy left without its decline, which it withdrew, until it ended the request."""
_NOT_RESUBMITTED: Final = (Status.RECEIVED, Status.UNAPPROVED, Status.DECLINED)


def _reopened(columns: Columns, event: TimelineRow, latest: Mapping[str, Columns]) -> Columns:
    """Return what an event makes count again that the other copy had withdrawn, or had never known.

    Args:
        latest: what the last decline, the appeal against it and its answer set, and what was so before the decline.
    """
    status, appeal = columns.get("status"), latest.get(EventKind.APPEALED, {})
    answer, decline = latest.get(EventKind.APPEAL_ANSWERED, {}), latest.get(EventKind.DECLINED, {})
    undeclined, dropped = latest.get(_BEFORE_DECLINE, {}), latest.get(_DROPPED_APPEAL, {})
    is_ended = event.after == Status.CANCELLED and not columns.get("resubmitted")
    if event.what == EventKind.DECLINED or (is_ended and _DROPPED_APPEAL in latest):
        return (decline if event.after == Status.CANCELLED else EMPTY_PARTS[LegalRecord.APPEAL]) | dropped
    if event.what == EventKind.APPEALED and status == Status.CANCELLED:
        return decline | appeal  # the shopper waits for the answer
    if event.what == EventKind.APPEAL_ANSWERED and columns.get("appealed_on") is None:
        return {"appealed_on": appeal.get("appealed_on")}
    if is_resubmission(event) and status in _NOT_RESUBMITTED and not columns.get("appeal_upheld"):
        return (
            decline | appeal | answer if answer.get("appeal_upheld") else undeclined if undeclined.get("status") else {}
        )
    return {}


def _recorded_days(days: set[str], event: TimelineRow, before: str | int | None, after: str | int | None) -> set[str]:
    """Return the days of the inquiries, or of the replies, that count after an event, which set the last of them."""
    if before == after and event.what not in (EventKind.INQUIRED, EventKind.REPLIED):
        return days
    if after is None:
        return set()
    corrected = re.search(r", corrected from (\S+?)(?:,|$)", event.detail or "")
    dropped = {corrected[1]} if corrected else {str(before)} if event.what == EventKind.UNDONE else set()
    return days - dropped | {str(after)}


def _stop_of_clock(columns: Columns, inquiries: set[str], replies: set[str]) -> Columns:
    """Return the last inquiry that was replied to, of those of two copies, with the first reply after it.

    Where the shopper has replied to none, it is the last one.
    """
    first = {day: min((reply for reply in replies if reply >= day), default=None) for day in inquiries}
    last = columns.get("inquired_on")
    if not first or not replies or last is None:
        return {"replied_on": None} if last is None and columns.get("replied_on") else {}
    inquired = last if first.get(str(last)) else max((day for day in first if first[day]), default=str(last))
    return {"inquired_on": inquired, "replied_on": first.get(str(inquired))}


_ENDED_OR_CANCELLED: Final = (Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.DECLINED)


def _is_overtaken(columns: Columns, event: TimelineRow) -> bool:
    """Return whether an event decides on a request that had got a task id, or had ended, in another copy before.

    It was decided on without knowing that. The service's own statuses always count, but for the one with which it
    accepted a task whose end the other copy knows. A decline does where nothing of the request runs, since the shopper
    was told of it. What was adopted or tracked may be known already.
    """
    status = columns.get("status")
    if event.what in (EventKind.ADOPTED, EventKind.TRACKED):
        return columns.get("task_id") is not None
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


def _is_outweighed(columns: Columns, event: TimelineRow) -> bool:
    """Return whether an event does not count beside what the other copy recorded before.

    In doubt the request stays open, and keeps the earlier due date.
    """
    status, is_upheld = columns.get("status"), bool(columns.get("appeal_upheld"))
    is_declined, is_cancelled = status in (None, Status.DECLINED), status == Status.CANCELLED
    is_appealed, is_sent_again = columns.get("appealed_on") is not None, bool(columns.get("resubmitted"))
    is_open = is_upheld or _is_appeal_running(columns)
    match event.what:
        case EventKind.ANSWERED:
            return status == Status.DECLINED and is_open
        case EventKind.DECLINE_WITHDRAWN:
            return is_sent_again or (is_appealed and is_open and event.after == Status.CANCELLED)
        case EventKind.APPEALED:
            return is_sent_again or not (is_declined or is_cancelled)
        case EventKind.APPEAL_ANSWERED:
            upholds = (event.detail or "").endswith(": upheld")
            return not (is_declined and (upholds or (is_appealed and columns.get("appeal_upheld") in (None, 0))))
        case EventKind.APPEAL_WITHDRAWN:  # what moves its due date is no withdrawal after the answer
            return is_upheld and (is_sent_again or is_iso_day(event.before))
        case EventKind.UNDONE:
            return is_upheld and is_sent_again and (event.detail or "").startswith(LegalRecord.APPEAL)
        case EventKind.REPLIED:
            return columns.get("inquired_on") is None
    return False


_RECORDED_AFTER_RECEIPT: Final = ("acknowledged_on", "inquired_on", "declined_on", "answered_on")


def _without_refused_corrections(columns: Columns, corrected: list[TimelineRow]) -> Columns:
    """Return the values before the corrections that `legal_records.correct` would have refused beside other records.

    A day of receipt after what was done with the request does not count, nor a law without appeals while an appeal is
    to be answered, whatever was recorded first.
    """
    days = [str(columns[name]) for name in _RECORDED_AFTER_RECEIPT if columns.get(name) is not None]
    given = {name: columns.get(name) for name in ("received_on", "regulation")}
    for event in reversed(corrected):
        for name, (before, after) in corrections_of(event).items():
            is_early = name == "received_on" and min(days, default=after) < after
            is_unappealable = name == "regulation" and _is_appeal_running(columns) and not is_appealable(after)
            if given.get(name) == after and (is_early or is_unappealable):
                given[name] = before
    return {name: value for name, value in given.items() if name in columns}


def _undone(columns: Columns, event: TimelineRow, undoable: dict[str, list[Columns]]) -> Columns | None:
    """Return the columns that an undo puts back, or None where the other copy has made a record of that kind since."""
    part, _, value = (event.detail or "").partition(RESTORED_AS)
    recorded = list(undoable.get(part, []))
    changes = values_before(recorded, part, value)
    # An event that leaves the due date as it is does not name it; the value of a receipt ends with it.
    due = event.before or (value.rpartition(" ")[2] if part == TaskPart.RECEIPT else None)
    is_due_otherwise = due is not None and columns.get("due_on") not in (None, due)
    has_other_record = is_due_otherwise or len(undoable.get(part, [])) > len(recorded) + 1
    if has_other_record and part not in (TaskPart.NOTE, TaskPart.TAGS, TaskPart.ASSIGNMENT):
        return None
    undoable[part] = recorded
    return changes


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
        changes = {"status": status, "terminal": int(is_final), "finished_at": event.at if is_final else None}
        changes |= {"polls": 0, "unknown_since": None, "unknown_answers": 0, "next_poll_at": None, "trouble": None}
        if is_final:
            changes["cancel_asked"] = 0
        if status == Status.FAILED and detail:
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
        case EventKind.RECOVERED if detail.startswith(LOST_TASK_ID):
            changes |= {"task_id": None, "next_poll_at": None}
        case EventKind.CANCEL_REQUESTED if columns.get("status") not in FINAL_STATUSES | DECLINABLE_STATUSES:
            changes["cancel_asked"] = 1
        case EventKind.CANCEL_REFUSED:
            changes |= {"cancel_asked": 0, "trouble": event.detail}
        case EventKind.RESUBMITTED if origin := re.match(r"(of|as) #(\d+)", detail):
            changes |= {"resubmit_of": int(origin[2])} if origin[1] == "of" else {"resubmitted": 1}
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
            changes = dict(zip(_DECLINE_COLUMNS, declined.groups(), strict=True))
            if event.what == EventKind.DECLINED:
                changes["finished_at"] = columns.get("finished_at") or event.at
            return changes
        case EventKind.DECLINE_WITHDRAWN:
            changes = {**dict.fromkeys(_DECLINE_COLUMNS), **EMPTY_PARTS[LegalRecord.APPEAL]}
            if event.after in FINAL_STATUSES:
                changes["finished_at"] = columns.get("finished_at")
            elif event.after == Status.RECEIVED:
                # Its task at the service, if it had one, was cancelled for the decline.
                changes |= {"task_id": None, "submitted_at": None}
            return changes
        case EventKind.APPEALED if day:  # what another copy has answered is not what this shopper waits for
            answer = {} if columns.get("appeal_upheld") else {"appeal_answered_on": None, "appeal_upheld": None}
            return {"appealed_on": day, **answer, **EMPTY_PARTS[LegalRecord.ANSWER]}
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


def _is_appeal_running(columns: Columns) -> bool:
    is_unanswered = columns.get("appealed_on") is not None and columns.get("appeal_answered_on") is None
    return columns.get("status") == Status.DECLINED and is_unanswered
