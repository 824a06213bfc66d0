"""Every column that people record is replayed, merged, shown and restored: what a new one would miss fails here."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, ServiceEvent
from bwp_tui.store.commands import answers, decisions, legal_records
from bwp_tui.store.commands.work_records import TaskEdit
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.digest_chain import DIGESTED_COLUMNS
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.columns_from_events import columns_after
from bwp_tui.store.queries.task_json import task_json
from bwp_tui.store.queries.timeline import EMPTY_PARTS, PARTS_OF_EVENTS, RECORD_COLUMNS, LegalRecord, TimelineRow
from bwp_tui.store.worklog import intent_outcomes, service_events
from tests.store import single
from tests.store.support import ACTOR, SOON, TODAY, in_status, sent, submitted

DECLINE = ("declined_on", "decline_reason", "decline_text")
WORK = tuple(name for part in EMPTY_PARTS if part not in RECORD_COLUMNS for name in EMPTY_PARTS[part])
RECORDED = tuple(dict.fromkeys((*WORK, *DECLINE, *(name for names in RECORD_COLUMNS.values() for name in names))))
KNOWN = {
    *("number", "kind", "email", "task_id", "status", "terminal", "cancel_asked", "resubmit_of", "resubmitted", "open"),
    *("received_on", "regulation", "due_on", "holding_period", "reason", "recorded_at", "submitted_at", "updated_at"),
    *("finished_at", "polled_at", "next_poll_at", "polls", "unknown_since", "unknown_answers", "errors", "trouble"),
    *("download", "saved", "earlier", "purged_at", "revision", "unsent_polls", "polls_unchanged"),
}
"""Columns of the request itself, of the service and of this program: nobody records them as a record of the law."""

CHANGES: dict[LegalRecord, Callable[[TaskEdit], object]] = {
    LegalRecord.ACKNOWLEDGEMENT: partial(legal_records.acknowledge, on=TODAY),
    LegalRecord.VERIFICATION: partial(legal_records.verify, how="by phone"),
    LegalRecord.INQUIRY: partial(legal_records.inquire, on=TODAY),
    LegalRecord.REPLY: partial(legal_records.reply, on=TODAY),
    LegalRecord.EXTENSION: partial(legal_records.extend, reason="busy"),
    LegalRecord.ANSWER: partial(answers.answer, how="by post", in_part="without orders"),
    LegalRecord.APPEAL: partial(decisions.appeal, received=TODAY, answered=TODAY, upheld=True),
}


def _row(store: Store, number: int, *names: str) -> dict[str, object]:
    row = store.row(f"SELECT {', '.join(names)} FROM tasks WHERE number = ?", (number,))
    assert row is not None
    return dict(zip(names, row, strict=True))


def _values() -> dict[str, str | int]:
    """A value of its own for each recorded column."""
    days = iter(range(1, 28))
    return {
        name: '["mine"]'
        if name == "tags"
        else "fraud"
        if name == "decline_reason"
        else 1
        if name.endswith("_upheld")
        else f"2026-10-{next(days):02}"
        if name.endswith("_on")
        else f"value of {name}"
        for name in RECORDED
    }


def test_each_column_of_a_task_is_recorded_by_people_or_known_not_to_be(store: Store) -> None:
    columns = {str(row[1]) for row in store.rows("PRAGMA table_xinfo(tasks)")}
    assert columns - {*RECORDED} - KNOWN == set(), "add it to RECORD_COLUMNS or EMPTY_PARTS, or to KNOWN here"
    assert {*RECORDED} <= {*DIGESTED_COLUMNS, "note", "tags"}


@pytest.mark.parametrize("record", LegalRecord)
def test_the_event_of_each_record_gives_its_columns(store: Store, record: LegalRecord) -> None:
    in_status(store, Status.RECEIVED)
    law = "us-tx" if record is LegalRecord.APPEAL else "uk-gdpr"
    single.edit(store, 1, partial(legal_records.correct, received=TODAY - timedelta(3), regulation=law), ACTOR, TODAY)
    needed: dict[LegalRecord, Callable[[TaskEdit], object]] = {
        LegalRecord.REPLY: CHANGES[LegalRecord.INQUIRY],
        LegalRecord.APPEAL: partial(decisions.decline, reason="fraud", text="told"),
    }
    for change in (*([needed[record]] if record in needed else []), CHANGES[record]):
        single.edit(store, 1, change, ACTOR, TODAY)
    row = _row(store, 1, *RECORD_COLUMNS[record])
    events = [
        TimelineRow(*each)  # type: ignore[arg-type]  # a timeline has texts alone
        for each in store.rows("SELECT at, what, before, after, detail, actor FROM timeline ORDER BY id")
    ]
    replayed = columns_after({}, events)
    assert {name: replayed.get(name) for name in row} == row
    assert any(PARTS_OF_EVENTS.get(timeline.EventKind(event.what)) == record for event in events)


def test_a_row_that_is_merged_into_its_request_leaves_it_all_that_was_recorded(store: Store) -> None:
    request = submitted(store).number
    intent = sent(store, request)
    service_events.record_events(store, [ServiceEvent("e", Kind.RETRIEVAL, Status.FAILED, "task-1", None)])
    values = _values()
    with store.write() as transaction:
        transaction.run(
            f"UPDATE tasks SET {', '.join(f'{name} = ?' for name in values)} WHERE number = 2", (*values.values(),)
        )
    intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
    assert _row(store, request, *values) == values


def test_a_task_as_json_has_all_that_is_recorded(store: Store) -> None:
    number, values = submitted(store).number, _values()
    with store.write() as transaction:
        transaction.run(f"UPDATE tasks SET {', '.join(f'{name} = ?' for name in values)}", (*values.values(),))
    text = json.dumps(task_json(tasks.get(store, number)))
    missing = [name for name, value in values.items() if json.dumps(value).strip('"[]\\') not in text]
    assert missing == []
