"""Import requests from a CSV file: every line is checked first, and all are recorded or none.

CsvError says why a file is no such table, BadRequest what is wrong with a cell.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final, Generic, TypeVar

from bwp_tui.domain import csv_table
from bwp_tui.domain.csv_table import CsvLine
from bwp_tui.domain.deadlines import future_everywhere_mistake
from bwp_tui.domain.masking import redact
from bwp_tui.domain.regulations import DEFAULT_REGULATION, regulation_id
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Kind, Request
from bwp_tui.domain.text import clean_line, counted, mask_in_text
from bwp_tui.domain.times import parse_day
from bwp_tui.store.commands.request_validation import BadRequest, request_mistakes
from bwp_tui.store.database.connection import Store, Transaction, as_int, as_text
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog.insert_request import Origin, insert_request

_HASH_DIGITS: Final = 16
"""Hexadecimal digits of the hash in a file's fingerprint."""

_KINDS: Final = {
    **dict.fromkeys(("retrieval", "retrieve", "access", "copy", "dsar"), Kind.RETRIEVAL),
    **dict.fromkeys(("deletion", "delete", "erasure", "erase"), Kind.DELETION),
}
_COMPACT_DAY: Final = re.compile(r"^([0-9]{4})([0-9]{2})([0-9]{2})$")
_ONLY_OF_DELETIONS: Final = ("holding_period", "reason")


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CheckedLine(Generic[_T]):
    """A line of the file: what it has recorded, or its mistakes.

    Attributes:
        duplicate: the earlier request with the same email and kind.
    """

    number: int
    content: _T | None
    mistakes: tuple[str, ...] = ()
    duplicate: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedFile(Generic[_T]):
    """What an import would record; `ignored` are the unknown headings."""

    lines: tuple[CheckedLine[_T], ...]
    ignored: tuple[str, ...]

    @property
    def wrong_lines(self) -> tuple[CheckedLine[_T], ...]:
        return tuple(line for line in self.lines if line.mistakes)

    def require_right_lines(self) -> None:
        """Raise NotPossible if a line is wrong."""
        if lines := self.wrong_lines:
            raise NotPossible(f"Nothing was recorded: {counted(len(lines), 'line')} cannot be imported.")


@dataclass(frozen=True, slots=True)
class ImportPlan(CheckedFile[Request]):
    """What an import of requests would record.

    Attributes:
        imported_before: the number of lines of this file that the history holds.
        newest: the number of the newest task that the lines were compared with.
    """

    fingerprint: str
    imported_before: int
    newest: int

    @property
    def duplicates(self) -> int:
        """The number of lines with the email and kind of an earlier request."""
        return sum(line.duplicate is not None for line in self.lines)

    def count(self, kind: Kind) -> int:
        """Return the number of requests of a kind."""
        return sum(line.content is not None and line.content.kind is kind for line in self.lines)


@dataclass(frozen=True, slots=True)
class ImportDefaults:
    """The day of receipt, the regulation and the hold of lines without one. No line may be from after `today`.

    With `awaits_verification`, every request is recorded as RECEIVED.
    """

    today: date
    regulation: str = DEFAULT_REGULATION
    holding_period: int = DEFAULT_HOLDING_PERIOD
    awaits_verification: bool = False


Progress = Callable[[int], None]
"""Called with the number of lines that are done."""


def plan(store: Store, data: bytes, defaults: ImportDefaults, progress: Progress = lambda _done: None) -> ImportPlan:
    """Check the lines of a file, without recording anything."""
    table = csv_table.read_table(data)
    fingerprint = f"file {hashlib.sha256(data).hexdigest()[:_HASH_DIGITS]}"
    before, newest = _imported_before(store, fingerprint), tasks.highest_number(store)
    seen: dict[tuple[Kind, str], int] = {}
    lines = []
    for done, line in enumerate(table.lines, start=1):
        lines.append(_checked(store, line, defaults, seen))
        progress(done)
    return ImportPlan(tuple(lines), table.ignored, fingerprint, before, newest)


def import_requests(
    store: Store, planned: ImportPlan, actor: str, progress: Progress = lambda _done: None
) -> list[int]:
    """Record every request of a plan in one transaction; return their task numbers in the order of the lines.

    NotPossible says that a line is wrong, or the history has changed since the plan; nothing was recorded then.
    """
    planned.require_right_lines()
    numbers = []
    with store.write() as transaction:
        _check_still_new(transaction, store, planned)
        for done, line in enumerate(planned.lines, start=1):
            if line.content is not None:
                origin = Origin(EventKind.IMPORTED, f"{planned.fingerprint} line {line.number}")
                numbers.append(insert_request(transaction, line.content, actor, origin))
            progress(done)
    return numbers


def _check_still_new(transaction: Transaction, store: Store, planned: ImportPlan) -> None:
    """Raise `NotPossible` if others recorded the file, or an email and kind of it, since the plan."""
    if _imported_before(store, planned.fingerprint) > planned.imported_before:
        raise NotPossible("This very file was imported by another bwp-tui meanwhile. Nothing was recorded now.")
    requests = {_kind_and_email(line.content): line.number for line in planned.lines if line.content is not None}
    newer = transaction.run("SELECT number, kind, email FROM tasks WHERE number > ?", (planned.newest,))
    for number, kind, email in newer:
        line = requests.get((Kind(as_text(kind)), as_text(email).casefold()))
        if line is not None:
            raise NotPossible(
                f"Meanwhile #{as_int(number)} was recorded with the email and kind of line {line}. Nothing of the "
                "file was recorded; import it again to decide with that in view."
            )


def _kind_and_email(request: Request) -> tuple[Kind, str]:
    return request.kind, request.email.casefold()


def _imported_before(store: Store, fingerprint: str) -> int:
    """Return how many requests of a file were recorded; a purged one names its file in the event of the purge."""
    return store.integer(
        f"SELECT (SELECT count(*) FROM timeline WHERE what = '{EventKind.IMPORTED}' AND detail >= ?1 AND detail < ?2)"
        " + (SELECT count(DISTINCT task) FROM tasks CROSS JOIN timeline ON task = number WHERE purged_at IS NOT NULL"
        f" AND what = '{EventKind.PURGED}' AND before >= ?1 AND before < ?2)",
        (f"{fingerprint} line ", f"{fingerprint} line:"),
    )


def _checked(
    store: Store, line: CsvLine, defaults: ImportDefaults, seen: dict[tuple[Kind, str], int]
) -> CheckedLine[Request]:
    email = line.cells.get("email", "")
    request, mistakes = _read(line, defaults)
    if mistakes:
        texts = (mask_in_text(str(mistake), email if "@" in email else "") for mistake in mistakes)
        return CheckedLine(line.number, None, tuple(clean_line(redact(each, emails=True)) for each in texts))
    first = seen.setdefault(_kind_and_email(request), line.number)
    if first != line.number:
        return CheckedLine(line.number, request, duplicate=f"same email and kind as line {first}")
    known = tasks.newest_for(store, request.kind, request.email)
    duplicate = None if known is None else f"same email and kind as #{known.number}, {known.status}"
    return CheckedLine(line.number, request, duplicate=duplicate)


def _read(line: CsvLine, defaults: ImportDefaults) -> tuple[Request, list[BadRequest]]:
    """Return the request of a line and all its mistakes; a wrong cell is left out of the request."""
    cells = line.cells
    mistakes: list[BadRequest] = []

    def read(cell: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return cell()
        except BadRequest as mistake:
            mistakes.append(mistake)
            return otherwise

    if line.surplus:
        mistakes.append(BadRequest("", csv_table.SURPLUS_CELLS))
    kind = read(lambda: kind_of(cells.get("kind", "")), None)
    if kind is Kind.RETRIEVAL:
        only_of_deletions = [column for column in _ONLY_OF_DELETIONS if column in cells]
        mistakes += [BadRequest(name, f"A retrieval has no {name.replace('_', ' ')}.") for name in only_of_deletions]
    if "email" not in cells:
        mistakes.append(BadRequest("email", "The email is missing."))
    hold = None if kind is Kind.RETRIEVAL else defaults.holding_period
    request = Request(
        kind=kind or Kind.DELETION,
        email=cells.get("email", ""),
        received_on=read(lambda: past_day(cells.get("received"), defaults.today), defaults.today),
        regulation=read(lambda: _regulation(cells.get("regulation", defaults.regulation)), defaults.regulation),
        holding_period=read(lambda: _days(cells["holding_period"]) if "holding_period" in cells else hold, hold),
        reason=cells.get("reason"),
        note=cells.get("note", ""),
        tags=csv_table.parse_tags(cells.get("tags", "")),
        awaits_verification=defaults.awaits_verification,
    )
    fields = {mistake.field for mistake in mistakes}
    return request, mistakes + [mistake for mistake in request_mistakes(request) if mistake.field not in fields]


def kind_of(cell: str) -> Kind:
    """Return the kind that a cell names."""
    try:
        return _KINDS[cell.casefold()]
    except KeyError:
        raise BadRequest("kind", f"The kind “{clean_line(cell)}” is neither retrieval nor deletion.") from None


def past_day(cell: str | None, today: date) -> date:
    """Return the day in a cell, by default today."""
    if cell is None:
        return today
    day = parse_day(_COMPACT_DAY.sub(r"\1-\2-\3", cell))
    if day is None:
        raise BadRequest("received_on", f"“{clean_line(cell)}” is no date such as 2026-12-31.")
    if reason := future_everywhere_mistake(day, today):
        raise BadRequest("received_on", reason)
    return day


def _regulation(cell: str) -> str:
    try:
        return regulation_id(cell)
    except ValueError as error:
        raise BadRequest("regulation", str(error)) from None


def _days(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 6):
        raise BadRequest("holding_period", f"The holding period “{clean_line(cell)}” is no number of days.")
    return int(cell)
