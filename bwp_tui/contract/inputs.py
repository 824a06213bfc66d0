"""The variables of the mutations that start a task (contract: Operations)."""

from __future__ import annotations

from bwp_tui.domain.task import Kind


def start_variables(
    kind: Kind,
    email: str,
    client_token: str,
    holding_period: int | None = None,
    reason: str | None = None,
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
