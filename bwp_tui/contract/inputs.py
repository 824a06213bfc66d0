"""Make the variables of the mutations, to be sent or to be shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bwp_tui.contract.documents import CANCEL_DELETION, START
from bwp_tui.domain.task import Kind

CLIENT_TOKEN_LIFETIME: Final = timedelta(hours=8)
"""How long after it started a task a client token starts no second one."""


def start_variables(
    kind: Kind, email: str, client_token: str, holding_period: int | None = None, reason: str | None = None
) -> dict[str, object]:
    """Return the variables that start a task; what is absent is left out rather than sent as null.

    `client_token` has 36 to 64 characters. `holding_period`, in days, and `reason` are for deletions alone: the
    input of a retrieval has no such fields.
    """
    task: dict[str, object] = {
        "dataSubject": {"type": "SHOPPER", "email": email},
        "clientToken": {"token": client_token},
    }
    if kind is Kind.DELETION:
        if holding_period is not None:
            task["holdingPeriod"] = holding_period
        if reason:
            task["reason"] = reason
    return {"input": task}


def subscription_variables(event_type: str, region: str, account: str, source_name: str) -> dict[str, object]:
    """Return the variables that subscribe to an event type.

    `region` and `account` (12 digits) are where the events go; `source_name`, of the partner event source, is globally
    unique.
    """
    bridge = {"region": region, "partnerEventSource": {"account": account, "name": source_name}}
    return {"input": {"destination": {"eventBridge": bridge}, "eventType": event_type}}


def mutation_name(action: str, kind: Kind) -> str:
    """Return the mutation that an intent of this action sends: `submit` or `cancel`."""
    return (CANCEL_DELETION if action == "cancel" else START[kind]).field


def variables_to_show(
    kind: Kind, email: str, token_start: str, holding_period: int | None, reason: str | None
) -> dict[str, object]:
    """Return the variables of a submission with the email as it may be shown, and of its client token the start."""
    return start_variables(kind, email, f"{token_start}…", holding_period, reason)
