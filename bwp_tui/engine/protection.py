"""Whether a client token still protects: whether its request may be sent once more without a second task."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.uptime import Uptime
from bwp_tui.history.intents import Intent

TOKEN_PROTECTS: Final = timedelta(hours=8)
"""For so long after the first attempt a client token starts no second task (contract: Operations)."""

MARGIN: Final = timedelta(minutes=15)
"""Before its end a token counts as lapsed: a call may take minutes, and clocks differ."""


def protects(intent: Intent, now: datetime, uptime: Uptime) -> bool:
    """Say whether a submission may be sent: for the first time, or under a token that is surely young enough.

    The longer of two ages counts. The machine's uptime knows no jumps, but not how long a machine stood still that
    is itself simulated; the wall clock knows that, and may have been set back (see `ClockWatch`).
    """
    if intent.first_sent_at is None:
        return True
    age = now - intent.first_sent_at
    by_uptime = uptime.since(intent.first_sent_boot, intent.first_sent_uptime)
    if by_uptime is None:
        return timedelta(0) <= age < TOKEN_PROTECTS - MARGIN
    return max(age, timedelta(seconds=by_uptime)) < TOKEN_PROTECTS - MARGIN
