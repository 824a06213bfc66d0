"""Decide whether a request may be sent again under its client token without starting a second task."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bwp_tui.contract.inputs import CLIENT_TOKEN_LIFETIME
from bwp_tui.domain.times import Uptime
from bwp_tui.store.worklog.intents import Intent

CLIENT_TOKEN_MARGIN: Final = timedelta(minutes=15)
"""How long before its end a token counts as expired: a call may take minutes, and clocks differ."""


def is_client_token_valid(intent: Intent, now: datetime, uptime: Uptime, service_now: datetime | None) -> bool:
    """Return whether a submission may be sent: for the first time, or while its token is certainly valid.

    The token's age is the longest of the times since the first attempt by three clocks, and must be below
    `CLIENT_TOKEN_LIFETIME - CLIENT_TOKEN_MARGIN`. No clock suffices alone: the wall clock may have been set back (see
    `ClockRollbackMonitor`); the uptime cannot, but misses the time a virtual machine was suspended, and counts as 0
    after a reboot; the service's clock, by which the token expires, counts as 0 while it is unknown.

    If the wall clock is earlier than at the first attempt, the token counts as expired unless another clock has
    measured its age: the uptime or the service's clock, if that was read at the first attempt and has not gone back
    since.
    """
    if intent.first_sent_at is None:
        return True
    by_clock = now - intent.first_sent_at
    by_uptime = uptime.seconds_since(intent.first_sent_boot, intent.first_sent_uptime)
    by_service = None if service_now is None else service_now - (intent.first_sent_service_at or intent.first_sent_at)
    is_measured = by_uptime is not None or (
        intent.first_sent_service_at is not None and by_service is not None and by_service >= timedelta(0)
    )
    if by_clock < timedelta(0) and not is_measured:
        return False
    ages = (by_clock, timedelta(seconds=by_uptime or 0.0), by_service or timedelta(0))
    return max(ages) < CLIENT_TOKEN_LIFETIME - CLIENT_TOKEN_MARGIN
