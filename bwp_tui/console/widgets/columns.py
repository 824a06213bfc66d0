"""The columns of the task table: what each says about a task, how wide it is, and when there is room for it."""

from __future__ import annotations

import locale
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size

from bwp_tui.domain.completion import spans
from bwp_tui.domain.task import TERMINAL, WATCHED, DownloadState, Kind, Status, Task
from bwp_tui.domain.text import clean_line, mask_email, veil
from bwp_tui.domain.times import DAY, MINUTE, due_words, duration_words

GAP: Final = 2
"""Blank cells between two columns."""

_MARK_X: Final = 1
_FIRST_X: Final = 3
"""Left of the first column stand the cursor's pointer, the mark and a blank."""

DUE_SOON: Final = 7
"""Days before the due date from which a countdown is a warning."""

_YEAR_IN_DAYS: Final = 365
_LONGEST_DAYS: Final = 1_000
_WIDEST_SUBJECT: Final = 32
_NARROWEST_SUBJECT: Final = 16
_NARROWEST_NOTE: Final = 8
_ANY_WIDTH: Final = range(0, 1 << 16)
_CHOSEN: Final = range(0)
"""Table widths of a column that is shown only where the operator chose it."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs beside the words. Each is one cell wide and is only ever an addition to a word."""

    done: str = "✓"
    wrong: str = "✗"
    held: str = "◷"
    queued: str = "…"
    busy: str = "▸"
    unknown: str = "?"
    ended: str = "-"
    fetch: str = "⇣"
    cursor: str = "›"
    mark: str = "+"
    watched: str = "◉"
    cut: str = "…"
    ascii_only: bool = False


UNICODE: Final = Glyphs()
ASCII: Final = Glyphs(
    done="+",
    wrong="x",
    held="~",
    queued=".",
    busy=">",
    fetch="v",
    cursor=">",
    mark="*",
    watched="@",
    cut="~",
    ascii_only=True,
)

_ASCII_FOR: Final = str.maketrans({"•": "*", "…": "~", "·": "-", "–": "-"})


def glyphs_for(encoding: str) -> Glyphs:
    """Return the signs that a terminal of this character encoding can show."""
    return UNICODE if encoding.replace("-", "").casefold() == "utf8" else ASCII


def locale_glyphs() -> Glyphs:
    """Return the signs for the locale this process runs in. `setlocale` is never called."""
    return glyphs_for(locale.getencoding())


@dataclass(frozen=True, slots=True)
class Context:
    """What a cell depends on besides its task. `now` is in UTC, `today` the operator's day, `marks` local numbers.

    `day` is the length of one of the service's days, in which holding periods are counted. `words` are those of the
    filter; they are looked for in what is shown, so that a masked address tells no more than it did.
    """

    now: datetime
    today: date
    day: timedelta
    masked: bool
    marks: Set[int]
    glyphs: Glyphs
    words: tuple[str, ...] = ()


class Cell(NamedTuple):
    """Text of one line, the name of its style (`task-table--<style>`), and where the filter's words stand in it."""

    text: str
    style: str
    found: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `width` in cells (0: it takes its share of what is left); `tables`: table widths it is shown at.

    `searched`: the words of a filter are looked for in it.
    """

    id: str
    title: str
    width: int
    tables: range
    render: Callable[[Task, Context], Cell]
    right: bool = False
    searched: bool = False


class Placed(NamedTuple):
    """A column in a table of a certain width: where it starts, and how many cells it has."""

    column: Column
    x: int
    width: int


def _mark(task: Task, context: Context) -> Cell:
    if task.number not in context.marks and WATCHED in task.tags:
        return Cell(context.glyphs.watched, "mark")
    return Cell(context.glyphs.mark if task.number in context.marks else "", "mark")


def _kind(task: Task, _context: Context) -> Cell:
    return Cell(task.kind.lower(), "row")


def _short_kind(task: Task, _context: Context) -> Cell:
    return Cell("retr" if task.kind is Kind.RETRIEVAL else "del", "row")


def _subject(task: Task, context: Context) -> Cell:
    email = clean_line(task.email)
    return Cell(mask_email(email) if context.masked else email, "subject")


_STATUS_LOOKS: Final[dict[str, tuple[Callable[[Glyphs], str], str]]] = {
    Status.QUEUED: (lambda glyphs: glyphs.queued, "muted"),
    Status.IN_PROGRESS: (lambda glyphs: glyphs.busy, "busy"),
    Status.ON_HOLD: (lambda glyphs: glyphs.held, "held"),
    Status.COMPLETED: (lambda glyphs: glyphs.done, "good"),
    Status.FAILED: (lambda glyphs: glyphs.wrong, "bad"),
    Status.REJECTED: (lambda glyphs: glyphs.wrong, "bad"),
    Status.UNCONFIRMED: (lambda glyphs: glyphs.unknown, "warn"),
    Status.GIVEN_UP: (lambda glyphs: glyphs.ended, "muted"),
    Status.CANCELLED: (lambda glyphs: glyphs.ended, "muted"),
    Status.MISSING: (lambda glyphs: glyphs.unknown, "bad"),
}


def _status(task: Task, context: Context) -> Cell:
    glyph_of, style = _STATUS_LOOKS.get(task.status, (lambda glyphs: glyphs.unknown, "warn"))
    words = [glyph_of(context.glyphs), clean_line(task.status)]
    if task.status == Status.ON_HOLD:
        words.append(_hold_left(task, context))
    elif task.status == Status.COMPLETED and task.kind is Kind.RETRIEVAL:
        words.append(_result(task, context.glyphs))
    return Cell(" ".join(filter(None, words)), style)


def _hold_left(task: Task, context: Context) -> str:
    if task.submitted_at is None or task.holding_period is None:
        return ""
    left = task.submitted_at + task.holding_period * context.day - context.now
    return "" if left <= timedelta() else _rough(left)


def _result(task: Task, glyphs: Glyphs) -> str:
    download = task.download
    match download.state if download else None:
        case DownloadState.DONE:
            return "saved"
        case DownloadState.QUEUED:
            return f"{glyphs.fetch} 0%"
        case DownloadState.RUNNING if download:
            return f"{glyphs.fetch} {_percent(download.bytes, download.total)}"
        case DownloadState.FAILED:
            return f"{glyphs.fetch} {glyphs.wrong}"
        case _:
            return glyphs.fetch


def _percent(done: int, total: int | None) -> str:
    # 99 until the file is in place: its bytes are still to be checked when the last one has come
    return f"{min(99, done * 100 // total)}%" if total else f"{done >> 20}M"


def _rough(length: timedelta) -> str:
    """Words of at most four cells that change once a minute at the most."""
    if length < timedelta(seconds=MINUTE):
        return "<1m"
    days = int(length.total_seconds()) // DAY
    return f"{days // _YEAR_IN_DAYS}y" if days >= _LONGEST_DAYS else duration_words(length)


def _submitted(task: Task, context: Context) -> Cell:
    return Cell(_instant(task.submitted_at, context), "muted")


def _instant(at: datetime | None, context: Context) -> str:
    if at is None:
        return ""
    local = at.astimezone()
    return local.strftime("%m-%d %H:%M" if local.year == context.today.year else "%Y-%m-%d")


def _received(task: Task, context: Context) -> Cell:
    day = task.received_on
    return Cell(day.strftime("%m-%d") if day.year == context.today.year else day.isoformat(), "muted")


def _updated(task: Task, context: Context) -> Cell:
    return Cell(_instant(task.updated_at, context), "muted")


def _assigned(task: Task, _context: Context) -> Cell:
    return Cell(clean_line(task.assigned_to or ""), "row")


def _tags(task: Task, context: Context) -> Cell:
    text = clean_line(" ".join(task.tags))
    return Cell(veil(text, task.email) if context.masked else text, "muted")


def _id(task: Task, _context: Context) -> Cell:
    return Cell(clean_line(task.task_id or f"#{task.number}"), "muted")


def _age(task: Task, context: Context) -> Cell:
    return Cell(_rough(context.now - (task.submitted_at or task.recorded_at)), "muted")


def _due(task: Task, context: Context) -> Cell:
    if task.due_on is None or _is_answered(task):
        return Cell("", "muted")
    days = (task.due_on - context.today).days
    style = "overdue" if days < 0 else "warn" if days <= DUE_SOON else "muted"
    return Cell(due_words(task.due_on, context.today), style)


def _is_answered(task: Task) -> bool:
    """Whether nothing is left to do for the shopper. A failed task's clock runs on until it is submitted again."""
    if task.resubmitted_as is not None:
        return True
    if task.status == Status.COMPLETED and task.kind is Kind.RETRIEVAL:
        return task.download is not None and task.download.state == DownloadState.DONE
    return task.status in (Status.COMPLETED, Status.CANCELLED, Status.GIVEN_UP)


def _note(task: Task, context: Context) -> Cell:
    text = " · ".join(clean_line(text) for text in (_matter(task), task.note) if text)
    return Cell(veil(text, task.email) if context.masked else text, "muted")


def _matter(task: Task) -> str | None:
    """What stands in the task's way, newest first, or None."""
    if task.resubmitted_as is not None:
        return f"resubmitted as #{task.resubmitted_as}"
    if task.status in (Status.FAILED, Status.REJECTED) and task.errors:
        return task.errors[-1].code or task.errors[-1].message
    if task.status not in TERMINAL:
        return task.trouble or ("cancelling" if task.cancel_asked else None)
    if task.download is not None and task.download.state == DownloadState.FAILED:
        return task.download.trouble
    return None


_MARK: Final = Column("mark", "", 1, _ANY_WIDTH, _mark)

# Terminals are 80 or 100 cells wide and a scrollbar takes one of them, so the table has 79 or 99.
COLUMNS: Final = (
    Column("kind", "Kind", 9, range(99, _ANY_WIDTH.stop), _kind),
    Column("kind", "Kind", 4, range(79, 99), _short_kind),
    Column("subject", "Subject", 0, _ANY_WIDTH, _subject, searched=True),
    Column("status", "Status", 17, _ANY_WIDTH, _status),
    Column("submitted", "Submitted", 11, range(91, _ANY_WIDTH.stop), _submitted),
    Column("received", "Received", 10, _CHOSEN, _received),
    Column("updated", "Updated", 11, _CHOSEN, _updated),
    Column("age", "Age", 4, range(79, _ANY_WIDTH.stop), _age, right=True),
    Column("due", "Due", 9, _ANY_WIDTH, _due),
    Column("assigned", "Assigned", 12, _CHOSEN, _assigned, searched=True),
    Column("tags", "Tags", 14, _CHOSEN, _tags, searched=True),
    Column("id", "Task id", 8, _CHOSEN, _id, searched=True),
    Column("note", "Note", 0, range(79, _ANY_WIDTH.stop), _note, searched=True),
)


OPTIONAL: Final = tuple(dict.fromkeys(column.id for column in COLUMNS if column.id != "subject"))
"""Ids of the columns that can be shown and hidden, in the order of the table."""

_YIELDING: Final = (
    *("updated", "received", "submitted", "id", "age", "tags", "assigned", "kind", "note"),
    *("due", "status"),
)
"""Ids of the chosen columns, those first that go first where there is no room for all."""


def _shown(width: int, chosen: Sequence[str]) -> list[Column]:
    """Return the columns of a table of `width` cells, without a choice those that are made for its width."""
    if not chosen:
        return [column for column in COLUMNS if width in column.tables]
    made_for_it = {column.id: column for column in COLUMNS if column.id == "subject" or column.id in chosen}
    made_for_it.update((column.id, column) for column in COLUMNS if column.id in made_for_it and width in column.tables)
    shown = list(made_for_it.values())
    for id in _YIELDING:
        if _least(shown) > width:
            shown = [column for column in shown if column.id != id]
    return shown


def _least(shown: Sequence[Column]) -> int:
    """Return how many cells a table needs at least to show these columns."""
    least = {"subject": _NARROWEST_SUBJECT, "note": _NARROWEST_NOTE}
    return _FIRST_X + 1 + GAP * (len(shown) - 1) + sum(column.width or least[column.id] for column in shown)


def place(width: int, chosen: Sequence[str] = ()) -> tuple[Placed, ...]:
    """Return the columns of a table of `width` cells, left to right; the subject and the note share what is left.

    The first one is the mark. The pointer stands left of it, in the table's first cell.

    Args:
        chosen: ids of the columns to show, as far as there is room; without any, the width decides.
    """
    shown = _shown(width, chosen)
    room = width - _FIRST_X - 1 - GAP * (len(shown) - 1) - sum(column.width for column in shown)
    subject = room
    if any(column.id == "note" for column in shown):
        subject = min(_WIDEST_SUBJECT, max(_NARROWEST_SUBJECT, room * 3 // 5))
    flexible = {"subject": max(1, subject), "note": max(1, room - subject)}
    placed, x = [Placed(_MARK, _MARK_X, _MARK.width)], _FIRST_X
    for column in shown:
        placed.append(Placed(column, x, column.width or flexible[column.id]))
        x += placed[-1].width + GAP
    return tuple(placed)


def fit(text: str, width: int, glyphs: Glyphs, *, right: bool = False) -> str:
    """Return `text` in at most `width` cells, cut with an ellipsis; `right` moves it to the right edge."""
    if glyphs.ascii_only:
        text = text.translate(_ASCII_FOR).encode("ascii", "replace").decode("ascii")
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + glyphs.cut
    return " " * (width - length) + text if right else text


def cells_of(task: Task, columns: Sequence[Placed], context: Context) -> tuple[Cell, ...]:
    """Return what each of `columns` says about `task`, cut to its width but not padded."""
    cells = []
    for column, _x, width in columns:
        cell = column.render(task, context)
        text = fit(cell.text, width, context.glyphs, right=column.right)
        cells.append(Cell(text, cell.style, spans(text, context.words) if column.searched else ()))
    return tuple(cells)
