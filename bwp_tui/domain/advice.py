"""What an operator can do about a failed task, by the code the service gave (contract: Task errors)."""

from __future__ import annotations

from typing import Final

_KNOWN: Final = {
    "DATA_SUBJECT_NOT_FOUND": "Check the address with the shopper, then submit again (R).",
    "ORDERS_NOT_CLOSED": (
        "The shopper still has open orders. Submit again (R) once every order is delivered, returned or cancelled."
    ),
}
KNOWN_CODES: Final = tuple(_KNOWN)
"""The documented codes."""

_BY_STATUS: Final = {
    "REJECTED": "Nothing was started. Correct what the service names, then submit again (R).",
    "MISSING": (
        "The service does not know this task id. Check that the profile is the shop it was sent from, "
        "then submit again (R)."
    ),
    "UNCONFIRMED": (
        "It was sent and never answered, so it may have been started. Enter its task id if you learn it (i), send it "
        "anew at the risk of a second task (R), or give it up (X)."
    ),
}
_UNKNOWN: Final = (
    "This code is new to this program. Read the message; if it does not help, give the task id to "
    "Buy with Prime support."
)


def advice_for(status: str, code: str | None) -> str | None:
    """Return one sentence on what to do, or None where nothing is to be done."""
    if code in _KNOWN:
        return _KNOWN[code]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return _UNKNOWN if status == "FAILED" else None
