"""Tasks as JSON objects, for `--json`, the clipboard, and the programs of the operator."""

from __future__ import annotations

from datetime import datetime

from bwp_tui.domain.deadlines import (
    appeal_deadline,
    due_if_replied,
    is_clock_stopped,
    latest_service_end,
    may_be_late,
    needs_answer,
)
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.masking import mask_task_json
from bwp_tui.domain.task import Task
from bwp_tui.domain.times import iso_day, iso_instant, local_day, utc_now
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import intent_log
from bwp_tui.store.queries.saved_results import is_gone


def task_json(task: Task, *, mask: bool = False) -> dict[str, object]:
    """Return a task as a JSON object; `id` is the task number, instants are ISO 8601 in UTC."""
    day, is_stopped, verified = local_day(utc_now()), is_clock_stopped(task), task.verification
    json_object: dict[str, object] = {
        "id": task.number,
        "task_id": task.task_id,
        "kind": task.kind_name.upper(),
        "email": task.email,
        "status": task.status,
        "cancelling": task.cancel_asked,
        "open": needs_answer(task),
        "trouble": task.trouble,
        "errors": [{"code": error.code, "message": error.message} for error in task.errors],
        "submitted_at": iso_instant(task.submitted_at),
        "updated_at": iso_instant(task.updated_at),
        "finished_at": iso_instant(task.finished_at),
        "received_on": task.received_on.isoformat(),
        "due_on": iso_day(task.due_on),
        "stopped_since": iso_day(task.inquired_on) if is_stopped else None,
        "due_if_replied_today": iso_day(due_if_replied(task, day)) if is_stopped else None,
        "done_by": iso_day(latest_service_end(task, day)),
        "late": may_be_late(task, day),
        "regulation": task.regulation,
        "holding_period": task.holding_period,
        "reason": task.reason,
        "note": task.note,
        "tags": list(task.tags),
        "assigned_to": task.assigned_to,
        "verified": verified and {"on": verified.on.isoformat(), "by": verified.by, "how": verified.how},
        "inquired_on": iso_day(task.inquired_on),
        "replied_on": iso_day(task.replied_on),
        "extended_on": iso_day(task.extended_on),
        "acknowledged_on": iso_day(task.acknowledged_on),
        "answered": task.answered_on
        and {"on": iso_day(task.answered_on), "how": task.answered_how, "in_part": task.answered_in_part},
        "declined": task.declined_on
        and {"on": iso_day(task.declined_on), "reason": task.decline_reason, "text": task.decline_text},
        "appeal": _appeal_json(task),
        "resubmit_of": task.resubmit_of,
        "resubmitted_as": task.resubmitted_as,
        "earlier": task.earlier_number,
        "purged_at": iso_instant(task.purged_at),
        "download": _download_json(task.download),
    }
    return mask_task_json(json_object, task) if mask else json_object


def _download_json(download: Download | None) -> dict[str, object] | None:
    if download is None:
        return None
    return {
        "path": download.path,
        "bytes": download.bytes,
        "sha256": download.sha256,
        "state": download.state,
        "paused": download.paused,
        "gone": is_gone(download),
        "remarks": list(download.remarks),
    }


def _appeal_json(task: Task) -> dict[str, object] | None:
    if task.appealed_on is None:
        return None
    due = appeal_deadline(task.regulation, task.appealed_on)
    days = {"received_on": task.appealed_on, "due_on": due, "answered_on": task.appeal_answered_on}
    return {**{name: iso_day(day) for name, day in days.items()}, "upheld": task.is_appeal_upheld}


def task_json_with_next_try(store: Store, task: Task, *, has_engine: bool, mask: bool = False) -> dict[str, object]:
    """Return a task as `show --json` prints it: with the instant of the next try of its requests."""
    return {**task_json(task, mask=mask), "next_try": iso_instant(next_try(store, task)) if has_engine else None}


def next_try(store: Store, task: Task) -> datetime | None:
    """Return when a request of a task is tried next; None where none waits."""
    return max((intent.next_at for intent in intent_log.of_task(store, task.number) if intent.next_at), default=None)
