"""Format the pieces of text that several presenters share: emails, bars, times, padded cells, labelled lines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size

from bwp_tui.console.presentation.styled_text import HANGING_INDENT, StyledText
from bwp_tui.domain.masking import mask_task_text
from bwp_tui.domain.task import Task
from bwp_tui.domain.times import to_local
from bwp_tui.store.worklog.engine_state import EngineState

_LABEL: Final = 11
"""Cells of the label of a fact: a sha256 beside it still fits in 80 columns."""


class DisplayContext(NamedTuple):
    """What a presenter needs to know besides the task.

    Attributes:
        service_day: length of one of the API's days; shorter in the sandbox.
        key: returns the key of an action, by its name; or the command, for text outside of the console. It returns
            nothing for an action that is refused since nothing may be changed.
        engine: the engine's state, where it is known.
        gone_results: ids of downloads whose saved files are no longer on disk.
        advice_mark: what a line of advice begins with.
    """

    now: datetime
    today: date
    masked: bool
    service_day: timedelta
    key: Callable[[str], str]
    engine: EngineState | None = None
    gone_results: Collection[int] = ()
    advice_mark: str = "→ "


def email_text(task: Task, context: DisplayContext) -> str:
    """Return the email of the task, masked where the screen masks."""
    return task.email_text(masked=context.masked)


def mask(text: str, task: Task, context: DisplayContext) -> str:
    """Return `text` with the task's email in it masked, where the screen masks."""
    return mask_task_text(text, task) if context.masked else text


def offer(before: StyledText, gap: str, action: str, what: str, context: DisplayContext) -> list[StyledText]:
    """Return a text, and behind a gap the key of an action and what it does, unless nothing may be changed."""
    key, (text, role) = context.key(action), before
    return [(f"{text}{gap}", role), (key, "key"), (what, "plain")] if key else [before]


def progress_bar(percent: int, width: int) -> list[StyledText]:
    """Return a bar of `width` cells. It is full at 99 percent, the most there is before the end."""
    filled = min(width, width * (percent + 1) // 100)
    return [("━" * filled, "accent"), ("─" * (width - filled), "muted")]


def result_sentence(done: str, refusals: Sequence[str]) -> str:
    """Return what was done, then how often it was refused and the first reason."""
    return f"{done} {len(refusals)} not: {refusals[0]}".lstrip() if refusals else done


def clock_time(instant: datetime, today: date) -> str:
    """Return the local time of an instant: today's with seconds, this year's with its day, else the day alone."""
    here = to_local(instant)
    if here.year != today.year:
        return here.date().isoformat()
    return here.strftime("%H:%M:%S" if here.date() == today else "%m-%d %H:%M")


def cut(text: str, width: int, mark: str = "…") -> str:
    """Return `text` in at most `width` cells; what is cut ends with the mark."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + mark


def pad(text: str, width: int) -> str:
    """Return `text` in exactly `width` cells, cut or followed by blanks."""
    return set_cell_size(cut(text, width), width)


def fact(label: str, *texts: str | StyledText) -> list[StyledText]:
    """Return a line that begins with a label; a text without a role is plain."""
    values = ((text, "plain") if isinstance(text, str) else text for text in texts)
    return [(f"{label:<{_LABEL}}", "muted"), HANGING_INDENT, *values]
