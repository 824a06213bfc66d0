"""Map rows of the history to domain values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from bwp_tui.domain.downloads import Download
from bwp_tui.domain.task import Kind, Task, TaskError, Verification
from bwp_tui.store.database.connection import Row, SqlValue, as_day, as_instant, as_int, as_text, unreadable
from bwp_tui.store.database.shared_sql import SUBMISSION_WAS_SENT

_Value = TypeVar("_Value")


class RowMapper(Generic[_Value]):
    """Maps rows to a dataclass or named tuple: each field is a column, converted by the field's type.

    Args:
        table: the prefix of column names, where several tables have them.
        without: fields that the caller adds.
        columns: the SQL expressions of the other fields.
    """

    def __init__(self, mapped: type[_Value], *, table: str = "", without: tuple[str, ...] = (), **columns: str) -> None:
        fields = {
            name: str(getattr(kind, "__forward_arg__", kind))  # where it is a named tuple's
            for name, kind in mapped.__annotations__.items()
            if name not in without
        }
        self.columns = ", ".join(columns.get(name, table + name) for name in fields)
        self._converters = [
            (name, _CONVERTERS[kind.removesuffix(" | None")], kind.endswith(" | None")) for name, kind in fields.items()
        ]
        self.width = len(fields)
        self._mapped: Callable[..., _Value] = mapped
        self._name = mapped.__name__.lower()

    def __call__(self, row: Sequence[SqlValue], **fields: object) -> _Value:
        """Map the first columns of a row; one that holds what this program never writes raises StoreDamaged."""
        try:
            mapped = {
                name: None if value is None and is_optional else convert(value)
                for (name, convert, is_optional), value in zip(self._converters, row, strict=False)
            }
        except (ValueError, TypeError) as error:
            number = f" #{row[0]}" if isinstance(row[0], int) else ""
            raise unreadable(f"a {self._name}{number} that cannot be read") from error
        return self._mapped(**mapped, **fields)


def errors_of(value: SqlValue) -> tuple[TaskError, ...]:
    """Read the `errors` column."""
    return tuple(TaskError(code, message) for code, message in json.loads(as_text(value)))


def tags_of(value: SqlValue) -> tuple[str, ...]:
    """Read the `tags` column."""
    return tuple(str(tag) for tag in json.loads(as_text(value)))


_CONVERTERS: Final[dict[str, Callable[[SqlValue], object]]] = {
    "int": as_int,
    "float": lambda value: value if isinstance(value, float) else float(as_int(value)),
    "bool": bool,
    "str": as_text,
    "Kind": lambda value: Kind(as_text(value)),
    "date": as_day,
    "datetime": as_instant,
    "tuple[str, ...]": tags_of,
    "tuple[TaskError, ...]": errors_of,
}
"""Functions that convert a column, by the type of the field as it is written."""

_DOWNLOAD: Final = RowMapper(
    Download,
    table="d.",
    without=("remarks",),
    task_number="d.task",
    has_newer="EXISTS (SELECT 1 FROM downloads n WHERE n.task = d.task AND n.id > d.id)",
    is_declined="EXISTS (SELECT 1 FROM tasks WHERE number = d.task AND status = 'DECLINED')",
    is_purged="d.directory = '' OR (d.state = 'done' AND d.path IS NULL)",
)
_TASK: Final = RowMapper(
    Task,
    table="t.",
    without=("verification", "download"),
    is_final="t.terminal",
    was_downloaded="t.saved",
    polls_unchanged="t.polls",
    is_appeal_upheld="t.appeal_upheld",
    was_resubmitted="t.resubmitted",
    earlier_number="t.earlier",
    resubmitted_as="(SELECT max(number) FROM tasks WHERE resubmit_of = t.number)",
    is_sent_unconfirmed=(
        f"t.status = 'UNCONFIRMED' AND EXISTS (SELECT 1 FROM intents WHERE task = t.number AND {SUBMISSION_WAS_SENT})"
    ),
    is_outcome_unknown=(
        "t.status = 'QUEUED' AND t.task_id IS NULL AND NOT EXISTS (SELECT 1 FROM intents WHERE task = t.number"
        " AND action = 'submit' AND state = 'waiting' AND first_sent_at IS NULL)"
    ),
)

DOWNLOAD_COLUMNS: Final = f"{_DOWNLOAD.columns}, d.remarks"
_VERIFICATION_COLUMNS: Final = "t.verified_on, t.verified_by, t.verified_how"
TASKS: Final = (
    f"SELECT {_TASK.columns}, {_VERIFICATION_COLUMNS}, {DOWNLOAD_COLUMNS}"
    " FROM tasks t LEFT JOIN downloads d ON d.id = t.download"
)
"""A SELECT of whole tasks, to be continued with WHERE and ORDER BY on `t`."""


def task_of(row: Row) -> Task:
    """Map a row of `TASKS` to a task."""
    day, by, how, *download = row[_TASK.width :]
    return _TASK(
        row,
        verification=None if day is None else Verification(as_day(day), as_text(by or ""), as_text(how or "")),
        download=None if download[0] is None else download_of(download),
    )


def download_of(row: Sequence[SqlValue]) -> Download:
    """Map a row of `DOWNLOAD_COLUMNS` to a download."""
    return _DOWNLOAD(row, remarks=tuple(as_text(row[_DOWNLOAD.width] or "").splitlines()))


def errors_text(errors: tuple[TaskError, ...]) -> str:
    """Write the `errors` column: a JSON list of [code or null, message]."""
    return json.dumps([[error.code, error.message] for error in errors], ensure_ascii=False)


def tags_text(tags: tuple[str, ...]) -> str:
    """Write the `tags` column: a JSON list of strings."""
    return json.dumps(list(tags), ensure_ascii=False)


def changed_tags(text: SqlValue, changes: str) -> str:
    """Return the `tags` column after the changes that an event names, such as `+a -b`."""
    tags = list(tags_of(text))
    for change in re.split(r" (?=[+-])", changes):
        if change.startswith("+") and change[1:] not in tags:
            tags.append(change[1:])
        elif change.startswith("-") and change[1:] in tags:
            tags.remove(change[1:])
    return tags_text(tuple(tags))
