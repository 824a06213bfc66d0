"""Insert a request: its row, the intent with its client token, the first events of its timeline."""

from __future__ import annotations

import uuid
from typing import Final, NamedTuple

from bwp_tui.domain.deadlines import statutory_due_date
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Kind, Request
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import iso_day
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.database.shared_sql import insert_task
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.row_mapping import tags_text
from bwp_tui.store.queries.timeline import EventKind


class Origin(NamedTuple):
    """The first event of a request, and the task that it repeats."""

    what: EventKind = EventKind.RECORDED
    detail: str | None = None
    resubmit_of: int | None = None


_RECORDED_HERE: Final = Origin()


def insert_request(transaction: Transaction, request: Request, actor: str, origin: Origin = _RECORDED_HERE) -> int:
    """Insert a QUEUED task and its submission, or a withheld task without submission; return the task number.

    The request must have passed `check_request`.
    """
    status = Status.RECEIVED if request.awaits_verification else status_to_send(transaction, request.kind)
    number = insert_row(transaction, request, status, resubmit_of=origin.resubmit_of)
    if status == Status.QUEUED:
        insert_submission(transaction, number, actor)
    # The kind is on the timeline too: a damaged row may have to be recovered from it.
    detail = ", ".join(filter(None, (origin.detail, request.kind.lower())))
    timeline.append(transaction, number, actor, origin.what, after=status, detail=detail)
    note = clean_line(request.note)
    if note:
        timeline.append(transaction, number, actor, EventKind.NOTE, detail=note)
    return number


def status_to_send(store: Store | Transaction, kind: Kind) -> Status:
    """Return the status of a request that an operator sends: QUEUED unless another person has to approve it first."""
    return Status.UNAPPROVED if store.deletions_need_approval and kind is Kind.DELETION else Status.QUEUED


def insert_submission(transaction: Transaction, number: int, actor: str) -> None:
    """Insert the intent to submit task `number`, with a client token of its own."""
    transaction.run(
        "INSERT INTO intents (task, action, client_token, not_before, asked_at, actor)"
        " VALUES (?, 'submit', ?, ?, ?, ?)",
        (number, str(uuid.uuid4()), transaction.now_text, transaction.now_text, actor),
    )


def insert_row(
    transaction: Transaction,
    request: Request,
    status: Status = Status.QUEUED,
    *,
    resubmit_of: int | None = None,
    task_id: str | None = None,
) -> int:
    """Insert a task, ready to be polled if the service knows it by `task_id`; return its number."""
    return insert_task(
        transaction,
        task_id=task_id,
        kind=request.kind,
        email=request.email,
        status=status,
        holding_period=_holding_period(request, tracked=task_id is not None),
        reason=clean_line(request.reason) if request.reason and request.kind is Kind.DELETION else None,
        note=clean_line(request.note),
        tags=tags_text(tuple(clean_line(tag) for tag in request.tags)),
        received_on=request.received_on.isoformat(),
        regulation=request.regulation,
        due_on=iso_day(statutory_due_date(request.regulation, request.received_on)),
        recorded_at=transaction.now_text,
        next_poll_at=None if task_id is None else transaction.now_text,
        resubmit_of=resubmit_of,
    )


def _holding_period(request: Request, *, tracked: bool) -> int | None:
    if request.kind is not Kind.DELETION:
        return None
    default = None if tracked else DEFAULT_HOLDING_PERIOD
    return default if request.holding_period is None else request.holding_period
