"""The operation and variables of a sent request as they may be shown, without its whole client token."""

from __future__ import annotations

from bwp_tui.contract.documents import CANCEL_FIELD, START_FIELDS
from bwp_tui.contract.inputs import start_variables
from bwp_tui.domain.task import Kind


def operation(action: str, kind: Kind) -> str:
    """Return the mutation that an intent of this action sends: `submit` or `cancel`."""
    return CANCEL_FIELD if action == "cancel" else START_FIELDS[kind]


def submit_variables(
    kind: Kind, shown_email: str, token_start: str, holding_period: int | None, reason: str | None
) -> dict[str, object]:
    """Return the variables of a submission with the address as it may be shown, and of its client token the start."""
    return start_variables(kind, shown_email, f"{token_start}…", holding_period, reason)
