"""Advise on failed tasks by the error code of the service (contract: Task errors)."""

from __future__ import annotations

from typing import Final

_KNOWN: Final = {
    "DATA_SUBJECT_NOT_FOUND": "Check the email with the shopper, then resubmit (R).",
    "ORDERS_NOT_CLOSED": (
        "The shopper still has open orders. Resubmit (R) when every order is delivered, returned or cancelled."
    ),
}
KNOWN_CODES: Final = tuple(_KNOWN)
"""The documented codes."""

_BY_STATUS: Final = {
    "REJECTED": "Nothing was started. Correct what the service names, then resubmit (R).",
    "MISSING": ("The service does not know this task id. Check that the profile is the right shop, then resubmit (R)."),
    "UNCONFIRMED": (
        "No response came, so it may have been started. Enter its task id if you learn it (i), resubmit it at the risk "
        "of a second task (R), or abandon it (X)."
    ),
}
_UNKNOWN: Final = (
    "Unknown error code. Read the message; if it does not help, send the task id to Buy with Prime support."
)


def advice_for(status: str, code: str | None) -> str | None:
    """Return what to do about a task, or None if nothing."""
    if code in _KNOWN:
        return _KNOWN[code]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return _UNKNOWN if status == "FAILED" else None
