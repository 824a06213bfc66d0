"""The rules that the service puts on the input of a start (contract: Operations)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from graphql import GraphQLError

from bwp_tui.domain.task import EMAIL_PATTERN, LONGEST_HOLDING_PERIOD
from bwp_tui.sandbox.refusals import invalid, no_email

SHORTEST_TOKEN: Final = 36
LONGEST_TOKEN: Final = 64
"""Characters of a client token, the documented bounds (contract: Operations)."""


def check_start(
    field: str, email: str | None, client_token: str | None, holding_period: int | None
) -> GraphQLError | None:
    """Return what is wrong with the input of a start operation, or None."""
    if not email:
        task = field.removeprefix("start")
        return no_email(f"{task[0].lower()}{task[1:]}")
    issues = [f"/{field}/input/{issue}" for issue in _issues(email, client_token, holding_period)]
    return invalid(*issues) if issues else None


def _issues(email: str, client_token: str | None, holding_period: int | None) -> Iterator[str]:
    if EMAIL_PATTERN.fullmatch(email) is None:
        yield f'dataSubject/email must match "{EMAIL_PATTERN.pattern}"'
    if client_token is not None and not SHORTEST_TOKEN <= len(client_token) <= LONGEST_TOKEN:
        yield f"clientToken/token size must be between {SHORTEST_TOKEN} and {LONGEST_TOKEN}"
    if holding_period is not None and holding_period < 0:
        yield "holdingPeriod must be greater than or equal to 0"
    if holding_period is not None and holding_period > LONGEST_HOLDING_PERIOD:
        yield f"holdingPeriod must be less than or equal to {LONGEST_HOLDING_PERIOD}"
