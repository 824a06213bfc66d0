"""What each column of the task table says about a task."""

from __future__ import annotations

import locale
from collections.abc import Set
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from bwp_tui.domain.deadlines import is_clock_running
from bwp_tui.domain.task import TERMINAL, WATCHED, Download, DownloadState, Kind, Status, Task
from bwp_tui.domain.text import clean_line, mask_in_text, plain
from bwp_tui.domain.times import DAY, MINUTE, format_due, format_duration, local

DUE_SOON: Final = 7
"""Days before the due date from which a countdown is a warning."""

_YEAR_IN_DAYS: Final = 365
_LONGEST_DAYS: Final = 1_000


class Glyphs(NamedTuple):
    """The signs beside the words. Each is one cell wide and is only ever an addition to a word."""

    done: str = "✓"
    wrong: str = "✗"
    held: str = "◷"
    queued: str = "…"
    busy: str = "▸"
    unknown: str = "?"
    ended: str = "-"
    fetch: str = "⇣"
    paused: str = "‖"
    cursor: str = "›"
    mark: str = "+"
    watched: str = "◉"
    cut: str = "…"
    ascii_only: bool = False

    def of(self, text: str) -> str:
        """Return `text` as the terminal can show it."""
        return plain(text) if self.ascii_only else text


UNICODE: Final = Glyphs()
ASCII: Final = Glyphs(
    done="+",
    wrong="x",
    held="~",
    queued=".",
    busy=">",
    fetch="v",
    paused="=",
    cursor=">",
    mark="*",
    watched="@",
    cut="~",
    ascii_only=True,
)


def glyphs_for(encoding: str) -> Glyphs:
    """Return the signs that a terminal of this character encoding can show."""
    return UNICODE if encoding.replace("-", "").casefold() == "utf8" else ASCII


def locale_glyphs() -> Glyphs:
    """Return the signs for the locale this process runs in. `setlocale` is never called."""
    return glyphs_for(locale.getencoding())


class CellContext(NamedTuple):
    """What a cell depends on besides its task. `now` is in UTC, `today` the operator's day, `marks` local numbers.

    `day` is the length of one of the service's days, in which holding periods are counted. `words` are those of the
    filter; they are looked for in what is shown, so that a masked address tells no more than it did. While the service
    is cut off the header says so, once, and no task repeats it.
    """

    now: datetime
    today: date
    day: timedelta
    masked: bool
    marks: Set[int]
    glyphs: Glyphs
    words: tuple[str, ...] = ()
    is_cut_off: bool = False


class Cell(NamedTuple):
    """Text of one line, the name of its style (`task-table--<style>`), and where the filter's words stand in it."""

    text: str
    style: str
    found: tuple[tuple[int, int], ...] = ()


def mark(task: Task, context: CellContext) -> Cell:
    if task.number not in context.marks and WATCHED in task.tags:
        return Cell(context.glyphs.watched, "mark")
    return Cell(context.glyphs.mark if task.number in context.marks else "", "mark")


def kind(task: Task, _context: CellContext) -> Cell:
    return Cell(task.kind.lower(), "row")


def short_kind(task: Task, _context: CellContext) -> Cell:
    return Cell("retr" if task.kind is Kind.RETRIEVAL else "del", "row")


def subject(task: Task, context: CellContext) -> Cell:
    return Cell(clean_line(task.subject(masked=context.masked)), "subject")


_UNKNOWN_STATUS: Final = ("unknown", "warn")
_STATUSES: Final[dict[str, tuple[str, str]]] = {
    Status.QUEUED: ("queued", "muted"),
    Status.IN_PROGRESS: ("busy", "busy"),
    Status.ON_HOLD: ("held", "held"),
    Status.COMPLETED: ("done", "good"),
    Status.FAILED: ("wrong", "bad"),
    Status.REJECTED: ("wrong", "bad"),
    Status.UNCONFIRMED: ("unknown", "warn"),
    Status.GIVEN_UP: ("ended", "muted"),
    Status.CANCELLED: ("ended", "muted"),
    Status.MISSING: ("unknown", "bad"),
}
"""The glyph before each status, and the role in which it is shown; a status this program does not know is a warning."""


def status_role(status: str) -> str:
    """Return the role in which a status is shown."""
    return _STATUSES.get(status, _UNKNOWN_STATUS)[1]


def status(task: Task, context: CellContext) -> Cell:
    glyph, role = _STATUSES.get(task.status, _UNKNOWN_STATUS)
    words = [getattr(context.glyphs, glyph), clean_line(task.status)]
    if task.status == Status.ON_HOLD:
        words.append(_hold_left(task, context))
    elif task.status == Status.COMPLETED and task.kind is Kind.RETRIEVAL:
        words.append(_result(task, context.glyphs))
    return Cell(" ".join(filter(None, words)), role)


def _hold_left(task: Task, context: CellContext) -> str:
    if task.submitted_at is None or task.holding_period is None:
        return ""
    left = task.submitted_at + task.holding_period * context.day - context.now
    return "" if left <= timedelta() else _rough(left)


def _result(task: Task, glyphs: Glyphs) -> str:
    """Words of at most five cells, so that the whole status fits its column."""
    download = task.download
    match download.state if download else None:
        case DownloadState.DONE:
            return "saved"
        case DownloadState.QUEUED if download and not (download.bytes or download.paused):
            return "waits"
        case DownloadState.QUEUED | DownloadState.RUNNING if download:
            runs = download.state == DownloadState.RUNNING
            sign = glyphs.paused if download.paused else glyphs.fetch if runs else glyphs.queued
            return f"{sign} {_percent(download)}"
        case DownloadState.FAILED:
            return f"{glyphs.fetch} {glyphs.wrong}"
        case _:
            return glyphs.fetch


def _percent(download: Download) -> str:
    if download.percent is None:
        return f"{download.bytes // 1_000_000}M" if download.bytes else "0%"
    return f"{download.percent}%"


def _rough(length: timedelta) -> str:
    """Words of at most four cells that change once a minute at the most."""
    if length < timedelta(seconds=MINUTE):
        return "<1m"
    days = int(length.total_seconds()) // DAY
    return f"{days // _YEAR_IN_DAYS}y" if days >= _LONGEST_DAYS else format_duration(length)


def submitted(task: Task, context: CellContext) -> Cell:
    return Cell(_instant(task.submitted_at, context), "muted")


def _instant(at: datetime | None, context: CellContext) -> str:
    if at is None:
        return ""
    here = local(at)
    return here.strftime("%m-%d %H:%M" if here.year == context.today.year else "%Y-%m-%d")


def received(task: Task, context: CellContext) -> Cell:
    day = task.received_on
    return Cell(day.strftime("%m-%d") if day.year == context.today.year else day.isoformat(), "muted")


def updated(task: Task, context: CellContext) -> Cell:
    return Cell(_instant(task.updated_at, context), "muted")


def assigned(task: Task, _context: CellContext) -> Cell:
    return Cell(clean_line(task.assigned_to or ""), "row")


def tags(task: Task, context: CellContext) -> Cell:
    text = clean_line(" ".join(task.tags))
    return Cell(mask_in_text(text, task.email) if context.masked else text, "muted")


def task_id(task: Task, _context: CellContext) -> Cell:
    return Cell(clean_line(task.name), "muted")


def age(task: Task, context: CellContext) -> Cell:
    return Cell(_rough(context.now - (task.submitted_at or task.recorded_at)), "muted")


def due_date(task: Task, context: CellContext) -> Cell:
    if task.due_on is None or not is_clock_running(task):
        return Cell("", "muted")
    days = (task.due_on - context.today).days
    style = "overdue" if days < 0 else "warn" if days <= DUE_SOON else "muted"
    return Cell(format_due(task.due_on, context.today), style)


def note(task: Task, context: CellContext) -> Cell:
    trouble = None if context.is_cut_off or task.status in TERMINAL else task.trouble
    text = " · ".join(clean_line(text) for text in (_matter(task), task.note, trouble) if text)
    return Cell(mask_in_text(text, task.email) if context.masked else text, "muted")


def _matter(task: Task) -> str | None:
    """What stands in the task's way, newest first, or None."""
    if task.resubmitted_as is not None:
        return f"resubmitted as #{task.resubmitted_as}"
    if task.status in (Status.FAILED, Status.REJECTED) and task.errors:
        return task.errors[-1].code or task.errors[-1].message
    if task.status not in TERMINAL:
        return "cancelling" if task.cancel_asked else None
    if task.download is not None and task.download.state == DownloadState.FAILED:
        return task.download.trouble
    return None
