"""Lines on what was sent, for the list of all of it."""

from __future__ import annotations

from bwp_tui.console.speech import Phrase
from bwp_tui.domain.text import clean_line, mask_email, veil
from bwp_tui.history.sent import Sent

STATE_ROLES = {"waiting": "busy", "done": "good", "refused": "bad", "lapsed": "warn"}
"""The role in which a state is said."""

_SUBJECT = 30
_NARROW = 18


def header(width: int) -> list[Phrase]:
    """Return the titles over the lines."""
    subject = _subject_width(width)
    return [(f"{'ASKED':<16}{'TASK':>7}  {'WHAT':<18}{'SUBJECT':<{subject}}{'STATE':<9}  ANSWER", "muted")]


def line(one: Sent, width: int, *, masked: bool) -> list[Phrase]:
    """Return one line: when and for which task, what, how it stands, and what the service answered."""
    subject = _subject_width(width)
    email = clean_line(mask_email(one.email) if masked and one.email else one.email)
    shown = email if len(email) < subject else f"{email[: subject - 2]}…"
    what, detail = one.answer
    answer = f"{what or ''}{f': {detail}' if detail else ''}"
    if masked and one.email:
        answer = veil(answer, one.email)
    tries = f"{one.attempts} attempts  " if one.attempts > 1 else ""
    return [
        (f"{one.asked_at.astimezone():%Y-%m-%d %H:%M}", "muted"),
        (f"{f'#{one.number}':>7}  ", "plain"),
        (f"{f'{one.action} {one.kind.lower()}':<18.16}", "plain"),
        (f"{shown:<{subject}}", "strong"),
        (f"{one.state:<9}  ", STATE_ROLES.get(one.state, "plain")),
        (clean_line(f"{tries}{answer}"), "muted"),
    ]


def _subject_width(width: int) -> int:
    return _SUBJECT if width >= 100 else _NARROW
