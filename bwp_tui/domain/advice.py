"""Advise on failed tasks by the error code of the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_BY_CODE: Final = {
    "DATA_SUBJECT_NOT_FOUND": "Check the email with the shopper, then resubmit ({resubmit}).",
    "ORDERS_NOT_CLOSED": (
        "The shopper still has open orders. Resubmit ({resubmit}) when every order is delivered, returned or cancelled."
    ),
}
KNOWN_CODES: Final = tuple(_BY_CODE)
"""The documented codes."""

_BY_STATUS: Final = {
    "RECEIVED": "Nothing is sent yet. Verify the requester's identity ({verify}), then send the request ({send}).",
    "REJECTED": "Nothing was started. Correct what the service names, then resubmit ({resubmit}).",
    "MISSING": (
        "The service does not know this task id. Check that the profile is the right shop, then resubmit ({resubmit})."
    ),
    "UNCONFIRMED": (
        "It may have been started. Enter its task id if you learn it ({enter_task_id}), resubmit it at "
        "the risk of a second task ({resubmit}), or give it up ({give_up})."
    ),
}
_ACTIONS: Final = ("resubmit", "enter_task_id", "give_up", "verify", "send")
"""The actions that are named in the advice."""

_CANCELLATION_WAITING: Final = (
    "It may have been started. Its cancellation is sent once you enter its task id ({enter_task_id}); "
    "or give it up ({give_up})."
)
_UNKNOWN: Final = (
    "Unknown error code. Read the message; if it does not help, send the task id to Buy with Prime support."
)


def advice_for(
    status: str, code: str | None, describe: Callable[[str], str], *, is_cancellation_waiting: bool = False
) -> str | None:
    """Return what to do about a task, or None if nothing.

    Args:
        describe: returns how to do an action, by its name: the console's key, or the CLI command.
        is_cancellation_waiting: as `Task.is_cancellation_waiting`.
    """
    advice = _BY_CODE.get(code or "") or _BY_STATUS.get(status) or (_UNKNOWN if status == "FAILED" else None)
    if is_cancellation_waiting:
        advice = _CANCELLATION_WAITING
    return advice and advice.format(**{action: describe(action) for action in _ACTIONS})
