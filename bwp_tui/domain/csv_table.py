"""Read tables of requests or answers, and write tables of tasks as CSV (RFC 4180), no cell of which is a formula."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from bwp_tui.domain.task import Task
from bwp_tui.domain.text import mask_in_text
from bwp_tui.domain.times import format_instant

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED_FORMULA: Final = re.compile(r"'+[=+\-@\t\r]")
_SPLIT_TAGS: Final = re.compile(r"[,;|]")
_PLAIN_TAGS: Final = re.compile(r"[^\[,;|\s](?:[^,;|]*[^,;|\s])?")

_DECLARED_DELIMITER: Final = re.compile(r"\"?sep=([,;|\t])\"?(?:\r\n|\r|\n)", re.IGNORECASE)
_DOS_END_OF_FILE: Final = "\x1a"
_SAMPLE_BYTES: Final = 4_096

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "kind": ("type", "request", "request type", "request kind", "action"),
    "email": ("e mail", "mail", "email address", "e mail address", "address", "shopper", "subject", "data subject"),
    "received": ("received on", "received at", "date", "date received", "receipt", "request date"),
    "regulation": ("law", "regime", "jurisdiction"),
    "holding_period": ("holding period", "hold", "holding days", "hold days"),
    "reason": ("reason for deletion", "audit reason"),
    "note": ("notes", "comment", "comments", "remark", "remarks"),
    "tags": ("tag", "label", "labels"),
}
"""The columns of a request and their other names."""

ANSWER_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "task": ("task id", "id"),
    "number": ("task number",),
    "kind": COLUMNS["kind"],
    "email": COLUMNS["email"],
    "on": ("answered on", "answered", "date", "date answered"),
    "how": ("answered how", "answer", "text"),
    "in_part": ("answered in part",),
}
"""The columns of an answer and their other names."""


SURPLUS_CELLS: Final = "It has more cells than there are columns; is something to be put in quotes?"
"""What is wrong with a line that has them."""


class CsvError(Exception):
    """A mistake in a file of requests or answers, and its line, from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class CsvLine:
    """A line: its number in the file, from 1, and its cells by column, without the empty ones."""

    number: int
    cells: dict[str, str]
    surplus: int = 0
    """Number of cells beyond the last column; the line is probably quoted wrongly."""


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A table of requests or answers; `ignored` are the unknown headings."""

    lines: tuple[CsvLine, ...]
    ignored: tuple[str, ...]


def escape_formula(cell: str) -> str:
    """Return `cell` with an apostrophe before it if a spreadsheet would run it as a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unescape_formula(cell: str) -> str:
    """Return a cell as it was before `escape_formula`."""
    return cell[1:] if _ESCAPED_FORMULA.match(cell) else cell


def format_row(cells: Sequence[str]) -> str:
    """Return one line of a table with escaped formulas and CRLF."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([escape_formula(cell) for cell in cells])
    return out.getvalue()


def format_tags(tags: Sequence[str]) -> str:
    """Return tags as one cell: `a;b`, or JSON if a tag contains a separator."""
    if all(_PLAIN_TAGS.fullmatch(tag) for tag in tags):
        return ";".join(tags)
    return json.dumps(list(tags), ensure_ascii=False)


def parse_tags(cell: str) -> tuple[str, ...]:
    """Read the tags of a cell: JSON, or texts between commas, semicolons or bars."""
    if cell.startswith("["):
        with suppress(ValueError):
            tags = json.loads(cell)
            if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
                return tuple(tags)
    return tuple(dict.fromkeys(tag.strip() for tag in _SPLIT_TAGS.split(cell) if tag.strip()))


def read_table(
    data: bytes, known: Mapping[str, tuple[str, ...]] = COLUMNS, required: Sequence[str] = ("kind", "email")
) -> CsvTable:
    """Read a table with some of the `known` columns: UTF-8 with or without a byte-order mark, or UTF-16 with one.

    Cells are separated by commas, semicolons, tabs or bars, or by what a first line such as `sep=;` names.

    Raises:
        CsvError: it is not such a table.
    """
    text = _text(data)
    declared = _DECLARED_DELIMITER.match(text)
    if declared:
        rows = _rows(text[declared.end() :], declared[1], before=1)
    else:
        first = next((line for line in text.splitlines() if line.strip()), "")
        rows = _rows(text, max(",;\t|", key=lambda delimiter: (first.count(delimiter), delimiter == ",")))
    heading = next(rows, None)
    if heading is None:
        raise CsvError("The file is empty; its first line names the columns, such as kind,email.", 1)
    line_number, names = heading
    columns, ignored = _headings(names, line_number, known)
    for column in required:
        if column not in columns:
            raise CsvError(f"There is no column “{column}”; the first line must name the columns.", line_number)
    lines = tuple(_line(columns, cells, at) for at, cells in rows)
    return CsvTable(lines, ignored)


def _text(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding != "utf-16" and b"\0" in data[:_SAMPLE_BYTES]:
        raise CsvError("The file is not text, or UTF-16 without a byte-order mark; save it as “CSV UTF-8”.", 1)
    try:
        return data.decode(encoding).rstrip(_DOS_END_OF_FILE)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CsvError("The file is not UTF-8 text; save it as “CSV UTF-8”.", line) from None


def _rows(text: str, delimiter: str, *, before: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty with the line they begin on; `before` is the number of lines cut off."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        begins = before + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CsvError(f"The line cannot be read: {error}.", begins) from None
        if any(cell.strip() for cell in row):
            yield begins, row


def _headings(
    names: Sequence[str], line_number: int, known: Mapping[str, tuple[str, ...]]
) -> tuple[list[str | None], tuple[str, ...]]:
    """Return the column of each heading, or None, and the unknown headings."""
    by_name = {name: column for column, others in known.items() for name in (column.replace("_", " "), *others)}
    columns = [by_name.get(re.sub(r"[\s_-]+", " ", name.strip().casefold())) for name in names]
    for column in known:
        if columns.count(column) > 1:
            same = ", ".join(name.strip() for name, meant in zip(names, columns, strict=True) if meant == column)
            raise CsvError(f"More than one column is the {column}: {same}. Rename the others.", line_number)
    unknown = (name.strip() for name, meant in zip(names, columns, strict=True) if meant is None)
    return columns, tuple(name for name in unknown if name)


def _line(columns: Sequence[str | None], cells: Sequence[str], line_number: int) -> CsvLine:
    known = {
        column: unescape_formula(cell.strip())
        for column, cell in zip(columns, cells, strict=False)
        if column is not None and cell.strip()
    }
    return CsvLine(line_number, known, sum(1 for cell in cells[len(columns) :] if cell.strip()))


HEADINGS: Final = (
    *("number", "task_id", "kind", "email", "masked", "status", "cancelling", "trouble", "errors"),
    *("received", "regulation", "due_on", "extended_on", "acknowledged_on", "submitted_at", "finished_at"),
    *("holding_period", "reason", "note", "tags", "assigned_to"),
    *("verified_on", "verified_by", "verified_how", "answered_on", "answered_how", "answered_in_part"),
    *("inquired_on", "replied_on", "declined_on", "decline_reason", "decline_text"),
    *("appealed_on", "appeal_answered_on", "appeal_upheld", "resubmit_of", "resubmitted_as", "earlier", "sha256"),
)
"""The columns of a task; those of a request have the names that an import reads."""


def task_cells(task: Task, *, mask: bool) -> tuple[str, ...]:
    """Return a task as cells under `HEADINGS`; with `mask`, its email is masked everywhere."""
    verified = task.verification
    values = (
        *(task.number, task.task_id, task.kind_name, task.email, "yes" if mask else "no", task.status),
        *("yes" if task.cancel_asked else "no", task.trouble),
        "; ".join(f"{error.code}: {error.message}" if error.code else error.message for error in task.errors),
        *(task.received_on, task.regulation, task.due_on, task.extended_on, task.acknowledged_on),
        *(task.submitted_at, task.finished_at),
        *(task.holding_period, task.reason, task.note, format_tags(task.tags), task.assigned_to),
        *((verified.on, verified.by, verified.how) if verified else (None, None, None)),
        *(task.answered_on, task.answered_how, task.answered_in_part, task.inquired_on, task.replied_on),
        *(task.declined_on, task.decline_reason, task.decline_text, task.appealed_on, task.appeal_answered_on),
        None if task.is_appeal_upheld is None else "yes" if task.is_appeal_upheld else "no",
        *(task.resubmit_of, task.resubmitted_as, task.earlier_number),
        task.download.sha256 if task.download else None,
    )
    texts = tuple(map(_cell, values))
    return tuple(mask_in_text(text, task.email) for text in texts) if mask else texts


def _cell(value: str | int | date | datetime | None) -> str:
    if value is None:
        return ""
    return format_instant(value) if isinstance(value, datetime) else str(value)
