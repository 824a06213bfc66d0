"""Format the log of submissions and cancellations."""

from __future__ import annotations

from typing import Final

from bwp_tui.console.presentation.breakpoints import LIST_NARROW, LIST_WIDE
from bwp_tui.console.presentation.format import pad
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.domain.statuses import IntentState
from bwp_tui.domain.text import clean_line, mask_in_text
from bwp_tui.domain.times import minute_stamp
from bwp_tui.store.queries.intent_log import LoggedIntent

STATE_ROLES: Final[dict[str, str]] = {
    IntentState.WAITING: "busy",
    IntentState.DONE: "good",
    IntentState.REFUSED: "bad",
    IntentState.LAPSED: "warn",
    IntentState.WITHDRAWN: "muted",
}
"""The role of each state."""


def header(width: int) -> list[StyledText]:
    date, operation, email = _widths(width)
    start = f"{'REQUESTED':<{date}}{'TASK':>7}  {'OPERATION':<{operation}}"
    return [(f"{start}{'EMAIL' if email else '':<{email}}{'STATE':<10}RESPONSE", "muted")]


def line(intent: LoggedIntent, width: int, *, masked: bool) -> list[StyledText]:
    """Return one line: time, task, operation, email where there is room, state and the API's response."""
    date, operation, room = _widths(width)
    asked = minute_stamp(intent.asked_at)[-date:]
    email = clean_line(intent.email_text(masked=masked))
    event, detail = intent.outcome_event
    response = f"{event or ''}{f': {detail}' if detail and room else ''}"
    if masked and intent.email:
        response = mask_in_text(response, intent.email)
    attempts = f"{intent.attempts} attempts  " if intent.attempts > 1 else ""
    return [
        (f"{asked:<{date}}", "muted"),
        (f"{f'#{intent.task_number}':>7}  ", "plain"),
        (f"{f'{intent.action} {intent.kind.lower()}':<{operation}.16}", "plain"),
        (f"{pad(email, room - 2)}  " if room else "", "plain"),
        (f"{intent.state:<10}", STATE_ROLES.get(intent.state, "plain")),
        (clean_line(f"{attempts}{response}"), "muted"),
    ]


def _widths(width: int) -> tuple[int, int, int]:
    """Return the width of the date, of the operation and of the email, in cells."""
    if width < LIST_NARROW:
        return 11, 17, 0
    return (16, 18, 30) if width >= LIST_WIDE else (11, 18, 18)
