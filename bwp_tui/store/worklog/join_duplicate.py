"""Join two rows of one task: a request, and the row that an event or an operator made for its task id."""

from __future__ import annotations

import json

from bwp_tui.domain.deadlines import earlier_receipt, recomputed_due_date
from bwp_tui.domain.task import ADOPTED
from bwp_tui.domain.times import iso_day
from bwp_tui.store.database.connection import Transaction, as_day, as_int, as_text
from bwp_tui.store.database.shared_sql import SERVICE_COLUMNS
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.row_mapping import TASKS, tags_text, task_of
from bwp_tui.store.queries.timeline import EVENT_COLUMNS, PROGRAM, EventKind
from bwp_tui.store.worklog.answers_at_completion import withdraw_early_answer
from bwp_tui.store.worklog.intents import waiting_cancellation


def join_duplicate(transaction: Transaction, task_id: str, number: int, *, is_certain: bool) -> bool:
    """Join the row that an event or an operator has made for `task_id` with request `number`, whose task it is.

    The request keeps its number, and its dates unless an operator has given the other row earlier ones. What was
    recorded on the other row, its events, downloads and cancellation become the request's, and so does a final status.
    The other row is left alone if it cannot be that task, was submitted itself, or is purged.

    Args:
        is_certain: the service itself has given this task id, so that the email need not be known yet. Otherwise the
            row must have been made for this task id.

    Returns:
        Whether the task has a final status.
    """
    row = transaction.row(
        "SELECT t.number, t.terminal FROM tasks t JOIN tasks o ON o.number = ? AND o.kind = t.kind"
        " AND (t.email = o.email COLLATE NOCASE OR (t.email = '' AND ?2))"
        " WHERE t.task_id = ? AND t.number <> o.number AND t.purged_at IS NULL AND t.resubmit_of IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM intents WHERE task = t.number AND action = 'submit')"
        " AND (?2 OR EXISTS (SELECT 1 FROM timeline WHERE task = t.number AND before IS NULL AND what IN (?, ?)))",
        (number, int(is_certain), task_id, EventKind.ADOPTED, EventKind.TRACKED),
    )
    if row is None:
        return False
    other, is_final = as_int(row[0]), bool(row[1])
    if is_final:
        columns = ", ".join(SERVICE_COLUMNS)
        transaction.run(
            f"UPDATE tasks SET ({columns}) = (SELECT {columns} FROM tasks WHERE number = ?) WHERE number = ?",
            (other, number),
        )
        # Before the other row's answer is taken over: whoever gave that one may have known how the task ended.
        withdraw_early_answer(transaction, number)
    receipt_sql = "SELECT received_on, regulation FROM tasks WHERE number = ?"
    receipt_before = transaction.run(receipt_sql, (number,))[0]
    before, after = _join_records(transaction, number, other)
    receipt_after = transaction.run(receipt_sql, (number,))[0]
    _move_rows(transaction, number, other)
    pairs = zip(("received", "law"), receipt_before, receipt_after, strict=True)
    if corrected := ", ".join(f"{what} {as_text(was)} → {as_text(now)}" for what, was, now in pairs if was != now):
        timeline.append(transaction, number, PROGRAM, EventKind.CORRECTED, detail=corrected)
    moved = {} if before == after else {"before": before, "after": after}
    detail = f"with #{other}, which had its task id"
    timeline.append(transaction, number, PROGRAM, EventKind.JOINED, detail=detail, **moved)
    return is_final


def _join_records(transaction: Transaction, number: int, other: int) -> tuple[str | None, str | None]:
    """Record on request `number` what people have recorded on row `other`; return its due date before and after.

    Of two days of receipt the earlier one counts, and of two regulations the one with the earlier due date, if somebody
    gave those of the other row: an event has neither. The note that was written last is shown.
    """
    columns = "received_on, regulation, extended_on, tags, due_on"
    (own_row, other_row) = (
        transaction.run(f"SELECT {columns} FROM tasks WHERE number = ?", (each,))[0] for each in (number, other)
    )
    day, law = as_day(own_row[0]), as_text(own_row[1])
    other_day = as_day(other_row[0]) if _was_given(transaction, other, "received") else day
    other_law = as_text(other_row[1]) if _was_given(transaction, other, "law") else law
    is_extended = own_row[2] is not None or other_row[2] is not None
    received_on, regulation = earlier_receipt([(day, law), (other_day, other_law)], extended=is_extended)
    tags = [tag for each in (own_row, other_row) for tag in json.loads(as_text(each[3])) if tag != ADOPTED]
    values = received_on.isoformat(), regulation, tags_text(tuple(dict.fromkeys(tags)))
    transaction.run(
        "UPDATE tasks AS r SET received_on = ?, regulation = ?, tags = ?,"
        " note = iif(t.note <> '' AND ?, t.note, r.note), assigned_to = coalesce(t.assigned_to, r.assigned_to),"
        " verified_by = iif(r.verified_on IS NULL, t.verified_by, r.verified_by),"
        " verified_how = iif(r.verified_on IS NULL, t.verified_how, r.verified_how),"
        " verified_on = coalesce(r.verified_on, t.verified_on),"
        " replied_on = iif(r.inquired_on IS NULL, t.replied_on, r.replied_on),"
        " inquired_on = coalesce(r.inquired_on, t.inquired_on),"
        " decline_reason = iif(r.declined_on IS NULL, t.decline_reason, r.decline_reason),"
        " decline_text = iif(r.declined_on IS NULL, t.decline_text, r.decline_text),"
        " declined_on = coalesce(r.declined_on, t.declined_on), appealed_on = coalesce(r.appealed_on, t.appealed_on),"
        " appeal_answered_on = coalesce(r.appeal_answered_on, t.appeal_answered_on),"
        " appeal_upheld = coalesce(r.appeal_upheld, t.appeal_upheld),"
        " answered_in_part = iif(r.answered_on IS NULL, t.answered_in_part, r.answered_in_part),"
        " answered_how = iif(r.answered_on IS NULL, t.answered_how, r.answered_how),"
        " answered_on = coalesce(r.answered_on, t.answered_on),"
        " acknowledged_on = coalesce(min(r.acknowledged_on, t.acknowledged_on), r.acknowledged_on, t.acknowledged_on),"
        " extended_on = coalesce(r.extended_on, t.extended_on), saved = max(r.saved, t.saved),"
        " resubmitted = max(r.resubmitted, t.resubmitted), download = coalesce(t.download, r.download)"
        " FROM tasks t WHERE r.number = ? AND t.number = ?",
        (*values, _has_last_note(transaction, other, number), number, other),
    )
    (row,) = transaction.run(f"{TASKS} WHERE t.number = ?", (number,))
    due = iso_day(recomputed_due_date(task_of(row)))
    transaction.run("UPDATE tasks SET due_on = ? WHERE number = ?", (due, number))
    return as_text(own_row[4]) if own_row[4] is not None else None, due


def _was_given(transaction: Transaction, number: int, what: str) -> bool:
    """Return whether a person gave the day of receipt (`received`) or the regulation (`law`) of an adopted row."""
    row = transaction.row(
        "SELECT 1 FROM timeline WHERE task = ? AND (what = ? OR (what = ? AND instr(detail, ?)))",
        (number, EventKind.TRACKED, EventKind.CORRECTED, f"{what} "),
    )
    return row is not None


def _has_last_note(transaction: Transaction, number: int, other: int) -> bool:
    """Return whether the last note on two rows was written on row `number`; so it is where none was."""
    row = transaction.row(
        "SELECT task FROM timeline WHERE task IN (?, ?) AND what IN (?, ?) ORDER BY at DESC, id DESC LIMIT 1",
        (number, other, EventKind.NOTE, EventKind.NOTE_REMOVED),
    )
    return row is None or as_int(row[0]) == number


def _move_rows(transaction: Transaction, number: int, other: int) -> None:
    """Give request `number` the timeline, events, intents and downloads of row `other`, and delete that row."""
    transaction.run(
        f"INSERT INTO timeline (task, {EVENT_COLUMNS})"
        " SELECT ?, at, actor, what, before, after, detail FROM timeline WHERE task = ? ORDER BY id",
        (number, other),
    )
    transaction.run("UPDATE OR IGNORE service_events SET task = ? WHERE task = ?", (number, other))
    transaction.run("DELETE FROM service_events WHERE task = ?", (other,))
    early = waiting_cancellation(transaction, number)
    if transaction.row("SELECT 1 FROM tasks WHERE number = ? AND cancel_asked = 1", (other,)):
        transaction.run("UPDATE tasks SET cancel_asked = 1 WHERE number = ?", (number,))
        if early is not None:  # the other row's cancellation takes its place
            transaction.run(
                "UPDATE intents SET state = 'lapsed', settled_at = ? WHERE id = ?", (transaction.now_text, early[0])
            )
    transaction.run("UPDATE intents SET task = ? WHERE task = ?", (number, other))
    transaction.run("UPDATE downloads SET task = ?, revision = ? WHERE task = ?", (number, transaction.revision, other))
    transaction.run("UPDATE tasks SET resubmit_of = ? WHERE resubmit_of = ?", (number, other))
    transaction.run("UPDATE tasks SET earlier = nullif(?1, number) WHERE earlier = ?2", (number, other))
    # The timeline of a purged task alone may be removed.
    transaction.run("UPDATE tasks SET purged_at = ? WHERE number = ?", (transaction.now_text, other))
    transaction.run("DELETE FROM timeline WHERE task = ?", (other,))
    transaction.run("DELETE FROM tasks WHERE number = ?", (other,))
