"""Take values of a merged task from its rows in both histories where these say more than the timelines."""

from __future__ import annotations

from typing import Final, NamedTuple

from bwp_tui.domain.deadlines import earlier_receipt
from bwp_tui.domain.task import ADOPTED
from bwp_tui.store.maintenance import replay
from bwp_tui.store.queries.columns_from_events import Columns
from bwp_tui.store.queries.row_mapping import tags_of, tags_text
from bwp_tui.store.queries.timeline import EventKind, TimelineRow, records_request


class TaskCopy(NamedTuple):
    """A task in one of two histories: its row, empty if only its timeline is left, and its whole timeline."""

    row: Columns
    events: list[TimelineRow]


_UNKNOWN_TO_EVENTS: Final = ("received_on", "regulation", "reason", "holding_period", "recorded_at")
"""The columns that people give with a request; the row that an event of the service has made lacks them."""


def values_of_request(taken: TaskCopy, not_taken: TaskCopy) -> Columns:
    """Return what people gave with a request, for a row that an event of the service or the entry of an id has made.

    Of what two people gave, the earlier receipt and the law with the earlier due date count.
    """
    row, other_row = taken.row, not_taken.row
    kinds, other_kinds = ({e.what for e in side.events if records_request(e)} for side in (taken, not_taken))
    if other_row and kinds and other_kinds and EventKind.TRACKED in kinds ^ other_kinds:
        received_on, regulation = earlier_receipt([replay.receipt_of(row), replay.receipt_of(other_row)])
        recorded_at = min(str(row["recorded_at"]), str(other_row["recorded_at"]))
        return {"received_on": received_on.isoformat(), "regulation": regulation, "recorded_at": recorded_at}
    is_adopted = any(event.what == EventKind.ADOPTED for event in taken.events) and not kinds
    if not other_row or not is_adopted or not other_kinds:
        return {}
    tags = dict.fromkeys((*tags_of(other_row["tags"]), *(tag for tag in tags_of(row["tags"]) if tag != ADOPTED)))
    return {name: other_row[name] for name in _UNKNOWN_TO_EVENTS} | {"tags": tags_text(tuple(tags))}


def service_instants(taken: TaskCopy, not_taken: TaskCopy, merged: Columns) -> Columns:
    """Return when the service took on the task that the merged row names, and when that ended, as far as a row says it.

    An event is dated when this program learnt of that. Of two rows that a poll has dated, the earlier instant counts.
    """
    rows = [row for row, _ in (taken, not_taken) if row and row["task_id"] == merged["task_id"] is not None]
    polled = [row for row in rows if row["updated_at"] is not None]
    instants = {
        "submitted_at": [row["submitted_at"] for row in polled or rows],
        "finished_at": [row["finished_at"] for row in rows if row["status"] == merged["status"]],
    }
    known = {name: [str(value) for value in values if value is not None] for name, values in instants.items()}
    return {name: min(values) for name, values in known.items() if values}
