"""Make the text of a task's row: the columns, from which header, chooser and prompts derive.

Only the ids stand elsewhere too, in `domain.views.COLUMN_IDS`: the config file and saved views name columns.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from bwp_tui.console.presentation.glyphs import Glyphs
from bwp_tui.domain.deadlines import DUE_SOON_DAYS, latest_service_end, may_be_late, time_left_text
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import DownloadState, Status
from bwp_tui.domain.task import WATCHED, Kind, Task, newest_problem
from bwp_tui.domain.text import clean_line, mask_in_text
from bwp_tui.domain.times import DAY, MINUTE, format_duration, minute_stamp

_YEAR_IN_DAYS: Final = 365
_LONGEST_DAYS: Final = 1_000


class CellContext(NamedTuple):
    """What a cell depends on besides its task; `today` is the operator's day, `marks` are task numbers."""

    now: datetime
    today: date
    service_day: timedelta
    """The length of one of the service's days, in which holding periods are counted."""
    masked: bool
    marks: Set[int]
    glyphs: Glyphs
    highlights: tuple[str, ...] = ()
    """Texts of the filter, to be found in what is shown: in masked emails they find no more than that."""
    service_in_trouble: bool = False
    """Whether the service is in trouble, which the header says once for all tasks."""
    gone_results: Set[int] = frozenset()
    """Ids of the downloads whose saved files are no longer on disk."""


class Cell(NamedTuple):
    """Text of one line, its role (component class `task-table--<role>`), and the places of the filter's texts in it."""

    text: str
    role: str
    matches: tuple[tuple[int, int], ...] = ()
    muted_from: int = 1 << 16
    """The place from which the text is muted: the note behind a problem."""


def _mark(task: Task, context: CellContext) -> Cell:
    if task.number in context.marks:
        return Cell(context.glyphs.mark, "mark")
    return Cell(context.glyphs.watched if WATCHED in task.tags else "", "mark")


def _number(task: Task, _context: CellContext) -> Cell:
    return Cell(str(task.number), "muted")


def _kind(task: Task, _context: CellContext) -> Cell:
    return Cell(task.kind_name, "row")


def _short_kind(task: Task, _context: CellContext) -> Cell:
    return Cell({"retrieval": "retr", "deletion": "del"}.get(task.kind_name, "?"), "row")


def _email(task: Task, context: CellContext) -> Cell:
    return Cell(clean_line(task.email_text(masked=context.masked)), "subject")


_UNKNOWN_STATUS: Final = ("unknown", "warn")
_STATUSES: Final[dict[str, tuple[str, str]]] = {
    Status.RECEIVED: ("queued", "warn"),
    Status.UNAPPROVED: ("queued", "warn"),
    Status.QUEUED: ("queued", "muted"),
    Status.IN_PROGRESS: ("busy", "busy"),
    Status.ON_HOLD: ("held", "held"),
    Status.COMPLETED: ("done", "good"),
    Status.FAILED: ("wrong", "bad"),
    Status.REJECTED: ("wrong", "bad"),
    Status.UNCONFIRMED: ("unknown", "warn"),
    Status.GIVEN_UP: ("ended", "muted"),
    Status.CANCELLED: ("ended", "muted"),
    Status.DECLINED: ("ended", "muted"),
    Status.MISSING: ("unknown", "bad"),
}
"""The glyph before each status and its role; a status that this program does not know is a warning."""


def status_role(status: str) -> str:
    return _STATUSES.get(status, _UNKNOWN_STATUS)[1]


def _status(task: Task, context: CellContext) -> Cell:
    glyph, role = _STATUSES.get(task.status, _UNKNOWN_STATUS)
    parts = [getattr(context.glyphs, glyph), clean_line(task.status)]
    if task.status == Status.ON_HOLD:
        parts.append(_holding_time_left(task, context))
    elif task.intake_step:
        parts.append(task.intake_step)
    elif task.status == Status.COMPLETED and task.kind is Kind.RETRIEVAL and not task.is_purged:
        is_gone = task.download is not None and task.download.id in context.gone_results
        parts.append("gone" if is_gone else _download_progress(task, context.glyphs))
        role = "warn" if is_gone else role
    elif task.is_appeal_running:
        parts.append("appeal")
    elif task.status == Status.DECLINED and task.is_appeal_upheld and not task.was_resubmitted:
        parts.append("upheld")
        role = "warn"
    return Cell(" ".join(filter(None, parts)), role)


def _holding_time_left(task: Task, context: CellContext) -> str:
    if task.submitted_at is None or task.holding_period is None:
        return ""
    left = task.submitted_at + task.holding_period * context.service_day - context.now
    return "" if left <= timedelta() else _short_duration(left)


def _download_progress(task: Task, glyphs: Glyphs) -> str:
    """Return the state of the download in at most five cells, so that the whole status fits its column."""
    download = task.download
    match download.state if download else None:
        case DownloadState.DONE:
            return "saved"
        case DownloadState.QUEUED if download and not (download.bytes or download.paused):
            return "waits"
        case DownloadState.QUEUED | DownloadState.RUNNING if download:
            runs = download.state == DownloadState.RUNNING
            sign = glyphs.paused if download.paused else glyphs.fetch if runs else glyphs.queued
            return f"{sign} {_progress_text(download)}"
        case DownloadState.FAILED:
            return f"{glyphs.fetch} {glyphs.wrong}"
        case _:
            return glyphs.fetch


def _progress_text(download: Download) -> str:
    if download.percent is None:
        return f"{download.bytes // 1_000_000}M" if download.bytes else "0%"
    return f"{download.percent}%"


def _short_duration(length: timedelta) -> str:
    """Return a duration in at most four cells, which changes once a minute at most."""
    if length < timedelta(seconds=MINUTE):
        return "<1m"
    days = int(length.total_seconds()) // DAY
    return f"{days // _YEAR_IN_DAYS}y" if days >= _LONGEST_DAYS else format_duration(length)


def _short_date(text: str, context: CellContext) -> Cell:
    """Return a date without its year if that is this year, else without its time."""
    is_this_year = text.startswith(f"{context.today.year}-")
    return Cell(text[len("2026-") :] if is_this_year else text[: len("2026-12-31")], "muted")


def _submitted(task: Task, context: CellContext) -> Cell:
    return _short_date(minute_stamp(task.submitted_at) if task.submitted_at else "", context)


def _updated(task: Task, context: CellContext) -> Cell:
    return _short_date(minute_stamp(task.updated_at) if task.updated_at else "", context)


def _received(task: Task, context: CellContext) -> Cell:
    return _short_date(task.received_on.isoformat(), context)


def _answered(task: Task, context: CellContext) -> Cell:
    return _short_date(task.answered_on.isoformat() if task.answered_on else "", context)


def _assigned(task: Task, _context: CellContext) -> Cell:
    return Cell(clean_line(task.assigned_to or ""), "row")


def _tags(task: Task, context: CellContext) -> Cell:
    text = clean_line(" ".join(task.tags))
    return Cell(mask_in_text(text, task.email) if context.masked else text, "muted")


def _task_id(task: Task, _context: CellContext) -> Cell:
    return Cell(clean_line(task.name), "muted")


def _age(task: Task, context: CellContext) -> Cell:
    return Cell(_short_duration(task.age(context.now)), "muted")


def _due(task: Task, context: CellContext) -> Cell:
    label = time_left_text(task, context.today)
    if task.due_on is None:
        return Cell(label, "warn" if label.endswith("!") else "held")
    days = (task.due_on - context.today).days
    role = "overdue" if days < 0 else "warn" if days <= DUE_SOON_DAYS or label.endswith("!") else "muted"
    return Cell(label, role)


def _done_by(task: Task, context: CellContext) -> Cell:
    last = latest_service_end(task, context.today)
    role = "warn" if may_be_late(task, context.today) else "muted"
    return _short_date(last.isoformat(), context)._replace(role=role) if last else Cell("", "muted")


def _problem(task: Task, context: CellContext) -> Cell:
    """Return what went wrong; the trouble of the service as a whole is said once, in the header."""
    is_of_task = task.status == Status.UNCONFIRMED or task.is_task_id_unknown or task.is_for_other_email
    trouble = task.open_trouble if is_of_task or not context.service_in_trouble else None
    newest = newest_problem(task)
    is_wrong = trouble or not (task.resubmitted_as or task.cancel_asked)
    text = " · ".join(clean_line(text) for text in (newest, trouble) if text)
    return Cell(mask_in_text(text, task.email) if context.masked else text, "warn" if is_wrong else "muted")


def _note(task: Task, context: CellContext) -> Cell:
    text = clean_line(task.note)
    return Cell(mask_in_text(text, task.email) if context.masked else text, "muted")


def _problem_and_note(task: Task, context: CellContext) -> Cell:
    problem, note = _problem(task, context), _note(task, context)
    if not (problem.text and note.text):
        return problem if problem.text else note
    if newest_problem(task):
        return problem._replace(text=f"{problem.text} · {note.text}", muted_from=len(problem.text))
    return note._replace(text=f"{note.text} · {problem.text}")  # a passing trouble hides no note


_WIDEST_TABLE: Final = 1 << 16
_ALWAYS: Final = range(_WIDEST_TABLE)
_IF_CHOSEN: Final = range(0)
"""Table widths of a column that is shown only where the operator chose it."""


class Column(NamedTuple):
    """A column; `width` is in cells, and 0 is a share of what the others leave."""

    id: str
    title: str
    width: int
    table_widths: range
    """Widths of the tables in which it is shown unless the operator chooses columns."""
    cell: Callable[[Task, CellContext], Cell]
    key: str = ""
    """Its key in the prompts for columns and for orders."""
    sort: str = ""
    """Its order, of `store.queries.orders.SORTS`, in the prompt for orders."""
    aligns_right: bool = False
    is_highlighted: bool = False
    """Whether the texts of the filter are highlighted in it."""
    least: int = 0
    """Cells that it needs where `width` is 0."""
    counts_down: bool = False
    """Whether the greatest value of its order is shown as the smallest one: the age of an instant."""


MARK: Final = Column("mark", "", 1, _ALWAYS, _mark)

# Terminals are 80 or 100 cells wide and a scrollbar takes one of them, so the table has 79 or 99.
COLUMNS: Final = (
    Column("kind", "Kind", 9, range(99, _WIDEST_TABLE), _kind, key="k", sort="kind"),
    Column("kind", "Kind", 4, range(79, 99), _short_kind, key="k", sort="kind"),
    # Saved views name it `subject`.
    Column("subject", "Email", 0, _ALWAYS, _email, key="s", sort="subject", is_highlighted=True, least=16),
    Column("status", "Status", 17, _ALWAYS, _status, key="t", sort="status"),
    Column("submitted", "Submitted", 11, range(91, _WIDEST_TABLE), _submitted, key="b", sort="submitted"),
    Column("received", "Received", 10, _IF_CHOSEN, _received, key="r", sort="received"),
    Column("updated", "Updated", 11, _IF_CHOSEN, _updated, key="u", sort="updated"),
    Column("age", "Age", 4, range(79, _WIDEST_TABLE), _age, key="g", sort="age", aligns_right=True, counts_down=True),
    Column("due", "Due", 9, _ALWAYS, _due, key="d", sort="due"),
    Column("done_by", "Done by", 10, _IF_CHOSEN, _done_by, key="y", sort="done_by"),
    Column("answered", "Answered", 10, _IF_CHOSEN, _answered, key="w", sort="answered"),
    Column("assigned", "Assigned", 12, _IF_CHOSEN, _assigned, key="a", sort="assigned", is_highlighted=True),
    Column("tags", "Tags", 14, _IF_CHOSEN, _tags, key="l", sort="tags", is_highlighted=True),
    Column("id", "Task id", 8, _IF_CHOSEN, _task_id, key="i", sort="id", is_highlighted=True),
    Column("problem", "Problem", 22, _IF_CHOSEN, _problem, key="p"),
    Column(
        *("note", "Note", 0, range(79, _WIDEST_TABLE), _problem_and_note),
        key="e",
        sort="note",
        is_highlighted=True,
        least=8,
    ),
)
"""The columns in the order of the table; of two with one id the table's width decides."""

NOTE_ALONE: Final = COLUMNS[-1]._replace(cell=_note)
"""The note beside a column of problems."""

SMALL_COLUMNS: Final = (
    Column("number", "No.", 5, range(42), _number, aligns_right=True),
    Column("number", "No.", 7, range(42, 58), _number, aligns_right=True),
    Column("kind", "Kind", 4, _ALWAYS, _short_kind),
    Column("status", "Status", 0, _ALWAYS, _status),
    Column("due", "Due", 8, _ALWAYS, _due),
)
"""The columns of a table that is too narrow for an email: see `SMALL_TABLE`."""

SMALL_TABLE: Final = range(58)
"""Widths of a table of a terminal that shows the list alone."""

COLUMN_KEYS: Final = {column.key: column.id for column in COLUMNS if column.id != "subject"}
"""The ids by the keys of the prompt that shows and hides columns."""

SORT_KEYS: Final = {"n": "newest", "o": "oldest"} | {column.key: column.sort for column in COLUMNS if column.sort}
"""The orders by the keys of the prompt for an order."""
