"""The lines of the API request log."""

from __future__ import annotations

from bwp_tui.console.presentation.breakpoints import LIST_NARROW, LIST_WIDE
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.domain.text import clean_line, mask_email, mask_in_text
from bwp_tui.domain.times import local
from bwp_tui.store.queries.request_log import SentRequest

STATE_ROLES = {"waiting": "busy", "done": "good", "refused": "bad", "lapsed": "warn"}
"""The role in which each state is shown."""


def header(width: int) -> list[StyledText]:
    """Return the titles of the columns."""
    date, subject = _widths(width)
    return [
        (
            f"{'ASKED':<{date}}{'TASK':>7}  {'WHAT':<18}{'SUBJECT' if subject else '':<{subject}}{'STATE':<9}ANSWER",
            "muted",
        )
    ]


def line(one: SentRequest, width: int, *, masked: bool) -> list[StyledText]:
    """Return one line: time, task, request, email where there is room, state and the API's response."""
    date, subject = _widths(width)
    asked = local(one.asked_at).strftime("%Y-%m-%d %H:%M" if width >= LIST_WIDE else "%m-%d %H:%M")
    email = clean_line(mask_email(one.email) if masked and one.email else one.email)
    shown = "" if not subject else email if len(email) < subject else f"{email[: subject - 2]}…"
    what, detail = one.answer
    answer = f"{what or ''}{f': {detail}' if detail else ''}"
    if masked and one.email:
        answer = mask_in_text(answer, one.email)
    tries = f"{one.attempts} attempts  " if one.attempts > 1 else ""
    return [
        (f"{asked:<{date}}", "muted"),
        (f"{f'#{one.number}':>7}  ", "plain"),
        (f"{f'{one.action} {one.kind.lower()}':<18.16}", "plain"),
        (f"{shown:<{subject}}", "strong"),
        (f"{one.state:<9}", STATE_ROLES.get(one.state, "plain")),
        (clean_line(f"{tries}{answer}"), "muted"),
    ]


def _widths(width: int) -> tuple[int, int]:
    """Return the width of the date and of the email, in cells."""
    if width < LIST_NARROW:
        return 11, 0
    return (16, 30) if width >= LIST_WIDE else (11, 18)
