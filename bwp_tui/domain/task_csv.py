"""Format tasks as table rows; the columns of a request have the names that an import reads."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from bwp_tui.domain.csv_table import tags_cell
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import mask_in_text
from bwp_tui.domain.times import to_text

HEADINGS: Final = (
    *("number", "task_id", "kind", "email", "masked", "status", "errors"),
    *("received", "regulation", "due_on", "extended_on", "acknowledged_on", "submitted_at", "finished_at"),
    *("holding_period", "reason", "note", "tags", "assigned_to"),
    *("verified_on", "verified_by", "verified_how", "resubmit_of", "resubmitted_as", "earlier", "sha256"),
)


def cells(task: Task, *, mask: bool) -> tuple[str, ...]:
    """Return a task as cells under `HEADINGS`; with `mask`, its email is masked everywhere."""
    verified = task.verified
    values = (
        *(task.number, task.task_id, task.kind.lower(), task.email, "yes" if mask else "no", task.status),
        "; ".join(f"{error.code}: {error.message}" if error.code else error.message for error in task.errors),
        *(task.received_on, task.regulation, task.due_on, task.extended_on, task.acknowledged_on),
        *(task.submitted_at, task.finished_at),
        *(task.holding_period, task.reason, task.note, tags_cell(task.tags), task.assigned_to),
        *((verified.on, verified.by, verified.how) if verified else (None, None, None)),
        *(task.resubmit_of, task.resubmitted_as, task.earlier),
        task.download.sha256 if task.download else None,
    )
    texts = tuple(map(_cell, values))
    return tuple(mask_in_text(text, task.email) for text in texts) if mask else texts


def _cell(value: str | int | date | datetime | None) -> str:
    if value is None:
        return ""
    return to_text(value) if isinstance(value, datetime) else str(value)
