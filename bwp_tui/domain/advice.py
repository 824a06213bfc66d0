"""Advise on tasks by their status and by the error code of the service."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from bwp_tui.domain.statuses import WITHHELD_STATUSES, Status
from bwp_tui.domain.task import KIND_UNKNOWN, TO_CHECK, Kind, Task

_SHOPPER_UNKNOWN: Final = "DATA_SUBJECT_NOT_FOUND"
_BY_CODE: Final = {
    _SHOPPER_UNKNOWN: (
        "Check the email with the shopper. If it is wrong, submit a new request ({new}), received on the same day. "
        "Then decline this one ({decline}), as not_a_shopper if the email is right, or answer it ({answer})."
    ),
    "ORDERS_NOT_CLOSED": (
        "The shopper still has open orders. Resubmit ({resubmit}) when every order is delivered, returned or cancelled."
    ),
}
KNOWN_CODES: Final = tuple(_BY_CODE)
"""The documented codes."""

_BY_STATUS: Final = {
    "RECEIVED": "It waits to be sent. Verify the requester's identity ({verify}), then send the request ({send}).",
    "UNAPPROVED": "It waits to be sent. Another person of the team has to approve the deletion ({approve}).",
    "REJECTED": (
        "Nothing was started. If the request is wrong, submit a right one ({new}), received on the same day, then "
        "decline this one ({decline}). Else resubmit it ({resubmit}) once the service can accept it."
    ),
    "MISSING": (
        "The service does not know this task id. Check that the profile is the right shop, then resubmit ({resubmit})."
    ),
    "UNCONFIRMED": (
        "It may have been started. Enter its task id if you learn it ({enter_task_id}), resubmit it at "
        "the risk of a second task ({resubmit}), or give it up ({give_up})."
    ),
}
_UNKNOWN_TASK_ID: Final = (
    "The service does not know the task id that was entered. Enter the right one ({enter_task_id}), or give it up "
    "({give_up})."
)
_CANCELLATION_WAITING: Final = (
    "It may have been started. Its cancellation is sent once you enter its task id ({enter_task_id}); "
    "or give it up ({give_up})."
)
_KIND_UNKNOWN: Final = (
    "Whether it is a retrieval or a deletion is not known. Enter its task id if you learn it ({enter_task_id}), or "
    "give it up ({give_up}), and record what the shopper asked for as a new request."
)
_VERIFIED: Final = "It waits to be sent. The requester's identity is verified: send the request ({send})."
_NOT_SENT: Final = (
    "Nothing was sent. Compare it with what the shopper asked for, then resubmit it ({resubmit}) or give it up "
    "({give_up})."
)
_TO_CHECK: Final = (
    "It is to be checked: its timeline says why, such as two copies of the history that differ, or damage. Record what "
    f"counts, then remove the tag {TO_CHECK} ({{tag}})."
)
_PURGED_TO_CHECK: Final = (
    "It is to be checked: its timeline says why. If the shopper still waits for an answer, record the purged request "
    f"again ({{new}}). Then remove the tag {TO_CHECK} ({{tag}})."
)
_APPEAL_RUNNING: Final = (
    "The shopper has appealed against the decline. Answer the appeal, then record the answer ({appeal})."
)
_APPEAL_UPHELD: Final = "The appeal was upheld: resubmit the request ({resubmit})."
_UNKNOWN: Final = "Read the message; if it does not help, send the task id to Buy with Prime support."
_NO_REASON: Final = "The service gives no reason. Send the task id to Buy with Prime support."


def advice_for(task: Task, code: str | None, describe: Callable[[str], str]) -> str | None:
    """Return what to do about a task, or None if nothing, as for one that was resubmitted or answered.

    Args:
        code: the error code of the service, if there is one.
        describe: returns how to do an action, by its name: the console's key, or the CLI command; nothing for an action
            that is refused since nothing may be changed.
    """
    is_to_check = TO_CHECK in task.tags
    is_over = task.is_final or task.status in WITHHELD_STATUSES
    if not is_to_check and (task.was_resubmitted or task.is_purged or (is_over and task.answered_on is not None)):
        return None
    # An UNCONFIRMED request may have been started, whatever it was refused for later.
    by_code = None if task.status == Status.UNCONFIRMED else _BY_CODE.get(code or "")
    advice = by_code or _BY_STATUS.get(task.status)
    if task.status == Status.FAILED:
        advice = advice or (_UNKNOWN if task.errors else _NO_REASON)
    if task.status == Status.DECLINED:  # what it failed with before is no reason to resubmit it
        advice = _APPEAL_RUNNING if task.is_appeal_running else _APPEAL_UPHELD if task.is_appeal_upheld else None
    if task.status == Status.UNCONFIRMED and not task.may_have_started:
        advice = _NOT_SENT
    if task.status in (Status.UNCONFIRMED, Status.MISSING) and not task.email:
        advice = _UNKNOWN_TASK_ID
    if task.status in (Status.UNCONFIRMED, Status.MISSING) and KIND_UNKNOWN in task.tags:
        advice = _KIND_UNKNOWN
    if task.is_cancellation_waiting:
        advice = _CANCELLATION_WAITING
    if task.intake_step == "send":
        advice = _VERIFIED
    if is_to_check:
        advice = _PURGED_TO_CHECK if task.is_purged else _TO_CHECK
    if advice is not None and task.kind is Kind.DELETION:
        advice = advice.replace("{new}", "{new_deletion}")
    return advice and _with_actions(advice, describe)


def is_shopper_unknown(task: Task) -> bool:
    """Return whether a task failed since the service does not know its email, as it would if it was resubmitted."""
    return task.status == Status.FAILED and any(error.code == _SHOPPER_UNKNOWN for error in task.errors)


def code_advice(code: str, describe: Callable[[str], str]) -> str:
    """Return what to do about a documented error code; `describe` as for `advice_for`."""
    return _with_actions(_BY_CODE[code], describe)


def _with_actions(advice: str, describe: Callable[[str], str]) -> str:
    return re.sub(r" \(\{(\w+)\}\)", lambda named: (how := describe(named[1])) and f" ({how})", advice)
