"""Purge personal data of finished tasks, and keep the evidence that they were answered.

CCPA regulations (11 CCR) §7101: records of requests and of their answers are kept for 24 months; beyond the date,
nature and manner of a request and of its answer, no personal data need be. So kind, dates, outcome, error codes, who
acted when, and the hash of what was downloaded stay, unless all is to go.
"""

from __future__ import annotations

import glob
import os
import re
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bwp_tui.domain.filter import Filter
from bwp_tui.domain.text import part_name, possible_file_names
from bwp_tui.domain.times import format_instant
from bwp_tui.store.database.connection import SqlValue, Store, Transaction, as_int, as_text
from bwp_tui.store.database.error_translation import translated_errors
from bwp_tui.store.database.shared_sql import (
    DOWNLOAD_IS_OPEN,
    INTENT_IS_WAITING,
    PURGED_DOWNLOAD,
    PURGED_ERRORS,
    UNLINK_PURGED,
)
from bwp_tui.store.errors import StoreUnavailable
from bwp_tui.store.maintenance import atomic_swap, backups
from bwp_tui.store.queries import text_index, timeline
from bwp_tui.store.queries.filter_sql import condition, in_numbers
from bwp_tui.store.queries.timeline import EventKind

EVIDENCE_MONTHS: Final = 24
"""CCPA regulations §7101(a)."""

NAMES_A_FILE: Final = (
    f"what IN ('{EventKind.UNPACKED}', '{EventKind.PACKED}', '{EventKind.LETTER}') AND detail LIKE '%/%'"
)
"""The condition that an event says where a result was unpacked or packed to, or a letter written and not copied."""

RESULT_PLACES: Final = (
    "SELECT t.number, d.path, coalesce(d.directory, ?1), t.kind, t.email, coalesce(t.task_id, '')"
    " FROM tasks t LEFT JOIN downloads d ON d.task = t.number"
    " WHERE d.directory <> '' OR (d.id IS NULL AND t.task_id <> '' AND ?1 IS NOT NULL) ORDER BY d.id"
)
"""Where the results of tasks may be; `?1` is the folder of those that have no download, or NULL to leave them out."""

_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
# The name of a part that is to be removed is made from what a purge removes.
_HAS_PENDING_WORK: Final = (
    f"(EXISTS (SELECT 1 FROM intents i WHERE i.task = t.number AND i.{INTENT_IS_WAITING}) OR EXISTS"
    f" (SELECT 1 FROM downloads d WHERE d.task = t.number AND (d.{DOWNLOAD_IS_OPEN} OR d.part_unwanted = 1)))"
)
# Earlier versions still took notes and tags for purged tasks.
_HAS_PERSONAL_DATA: Final = "(t.purged_at IS NULL OR t.note <> '' OR t.tags <> '[]')"
_READERS_TIMEOUT_S: Final = 10.0
_RETRY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class PurgePlan:
    """What a purge would do.

    Attributes:
        numbers: the tasks.
        latest_end: when the last of them ended.
        unanswered: tasks that are left out, since their shoppers are still to be answered.
        unfinished: tasks that are left out, since an engine has work left for them.
        own_files: their results in the profile's folder, which are removed too.
        files_elsewhere: their results elsewhere, which stay.
        copies: where results were unpacked or packed to, as their timelines record it; they stay.
    """

    numbers: tuple[int, ...]
    latest_end: date | None
    unanswered: tuple[int, ...]
    unfinished: tuple[int, ...]
    own_files: dict[int, list[Path]]
    files_elsewhere: tuple[Path, ...]
    copies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """What a purge did; `files_left` still hold the purged data."""

    tasks: int
    files: int
    files_left: tuple[Path, ...]


def plan(
    store: Store,
    selection: Filter,
    older_than: timedelta,
    today: date,
    *,
    evidence_too: bool,
    unanswered_too: bool = False,
    only_these: Collection[int] | None = None,
    download_dir: Path | None = None,
) -> PurgePlan:
    """Plan the purge of tasks that match the filter and ended so long ago, without those that have pending work.

    Args:
        only_these: the numbers of the only tasks that may be purged; None for all.
        download_dir: where the profile saves results: a recovery may have lost the downloads of some that are there.
        evidence_too: remove whole rows, also of tasks that were purged already.
        unanswered_too: include tasks whose shoppers are still to be answered.
    """
    where, values = condition(selection, store.clock(), today)
    is_chosen = "1" if only_these is None else in_numbers("t.number", only_these)
    rows = store.rows(
        f"SELECT t.number, t.finished_at, t.open, {_HAS_PENDING_WORK} FROM tasks t WHERE ({where}) AND {is_chosen}"
        " AND t.terminal = 1 AND t.finished_at <= ?"
        f"{'' if evidence_too else f' AND {_HAS_PERSONAL_DATA}'}"
        " ORDER BY t.number",
        (*values, format_instant(store.clock() - older_than)),
    )
    chosen = {
        as_int(number): as_text(ended)
        for number, ended, is_open, is_pending in rows
        if not is_pending and (unanswered_too or not is_open)
    }
    own, elsewhere = _files(store, chosen, download_dir)
    events = store.rows(f"SELECT task, what, detail FROM timeline WHERE {NAMES_A_FILE} ORDER BY id")
    return PurgePlan(
        tuple(chosen),
        max((date.fromisoformat(ended[:10]) for ended in chosen.values()), default=None),
        tuple(as_int(number) for number, _, _, is_pending in rows if number not in chosen and not is_pending),
        tuple(as_int(number) for number, _, _, is_pending in rows if is_pending),
        own,
        elsewhere,
        tuple(f"{what!s}: {detail!s}" for number, what, detail in events if number in chosen and detail is not None),
    )


def _files(
    store: Store, chosen: Collection[int], download_dir: Path | None
) -> tuple[dict[int, list[Path]], tuple[Path, ...]]:
    """Return the results and parts of tasks that are on disk: in the history's folder by task, and those elsewhere."""
    folder = store.path.parent.resolve()
    own: dict[int, list[Path]] = {}
    elsewhere: dict[Path, None] = {}
    places = store.rows(RESULT_PLACES, (None if download_dir is None else str(download_dir),))
    for number, file in files_on_disk(places, chosen):
        if file.parent.resolve().is_relative_to(folder):
            own.setdefault(number, []).append(file)
        else:
            elsewhere[file] = None
    return own, tuple(elsewhere)


def files_on_disk(places: Iterable[Sequence[SqlValue]], chosen: Collection[int]) -> Iterator[tuple[int, Path]]:
    """Yield the results and parts of chosen tasks that are at their `RESULT_PLACES`, each with the task's number."""
    found = set[tuple[int, Path]]()
    for number, path, directory, kind, email, task_id in places:
        if number not in chosen:
            continue
        paths = [Path(as_text(path))] if path is not None else []
        for name in possible_file_names(as_text(kind), as_text(email), as_text(task_id)):
            place = Path(as_text(directory))
            copies = place.glob(f"{glob.escape(name.removesuffix('.zip'))} (*).zip")
            paths += [place / name, place / part_name(name), *sorted(copies)]
        for file in paths:
            one = as_int(number), file
            if one not in found and os.path.lexists(file):
                found.add(one)
                yield one


def purge(
    store: Store,
    numbers: Sequence[int],
    actor: str,
    today: date,
    *,
    evidence_too: bool,
    unanswered_too: bool = False,
    files: Mapping[int, Sequence[Path]] = MappingProxyType({}),
) -> PurgeResult:
    """Remove the personal data of these tasks: from the history, its free pages, its backups, and their own files.

    After a crash, the next `remove_traces` does the rest.

    Args:
        files: the files to remove with each task, by its number.

    Raises:
        StoreError: it could not be done, or not to the end; the tasks may be purged and traces be left.
    """
    removed = 0
    with translated_errors(store.path):
        backups.daily_backups(store.path)  # raises before anything is purged where they could not be replaced
    with store.write() as transaction:
        transaction.run("UPDATE meta SET traces_left = 1")
        done = 0
        for number in numbers:
            if _purge(transaction, number, actor, evidence_too=evidence_too, unanswered_too=unanswered_too):
                done += 1
                removed += _unlink(files.get(number, ()))
        transaction.run(UNLINK_PURGED, (transaction.revision,))
    removed += _unlink(leftovers(store))
    remove_traces(store, today, threading.Event())
    return PurgeResult(done, removed, tuple(atomic_swap.histories_set_aside(store.path)))


def leftovers(store: Store) -> list[Path]:
    """Return the files beside the history that may name any shopper, all of which a purge removes."""
    folder = store.path.parent
    return [
        *folder.glob("copied-*.txt"),  # what was copied where there is no clipboard: a path, or an id
        *atomic_swap.unfinished_files(store.path),  # none is being made: the history is open here
        *folder.glob("edited-*/*"),  # of a console that was killed while an editor was open
    ]


def _unlink(files: Iterable[Path]) -> int:
    """Remove files; return how many there were."""
    count = 0
    for file in files:
        with suppress(FileNotFoundError):
            file.unlink()
            count += 1
    return count


def has_traces(store: Store) -> bool:
    """Return whether a purge was interrupted before its traces were removed."""
    return store.row("SELECT 1 FROM meta WHERE traces_left = 1") is not None


def remove_traces(store: Store, today: date, stop: threading.Event) -> None:
    """Rewrite the history without free pages and old index entries, and replace its backups.

    Raises:
        StoreUnavailable: another process keeps reading, so that the old pages cannot be overwritten.
        CopyCancelled: `stop` was set meanwhile.
    """
    with store.write() as transaction:
        for statement in text_index.REBUILD:
            transaction.run(statement)
    store.rows("VACUUM")
    _write_back(store)
    backups.replace_all(store.path, today, stop)
    with store.write() as transaction:
        transaction.run("UPDATE meta SET traces_left = 0")


def _purge(transaction: Transaction, number: int, actor: str, *, evidence_too: bool, unanswered_too: bool) -> bool:
    # Checked again: the task may have been resubmitted since the plan.
    rows = transaction.run(
        "UPDATE tasks AS t SET purged_at = coalesce(purged_at, ?) WHERE number = ? AND terminal = 1"
        f" AND (open = 0 OR ?) AND NOT {_HAS_PENDING_WORK} RETURNING number",
        (transaction.now_text, number, int(unanswered_too)),
    )
    if not rows:
        return False
    if evidence_too:
        _remove(transaction, number)
        return True
    transaction.run(
        "UPDATE tasks SET email = '', reason = NULL, note = '', tags = '[]', verified_how = NULL, answered_how = NULL,"
        " decline_text = NULL, answered_in_part = iif(answered_in_part IS NULL, NULL, ''), trouble = NULL,"
        f" {PURGED_ERRORS}, revision = ? WHERE number = ?",
        (transaction.revision, number),
    )
    transaction.run(
        f"UPDATE downloads SET {PURGED_DOWNLOAD}, revision = ? WHERE task = ?", (transaction.revision, number)
    )
    imported = transaction.row(
        f"SELECT coalesce(detail, before) FROM timeline WHERE task = ? AND ((what = '{EventKind.IMPORTED}'"
        f" AND detail IS NOT NULL) OR (what = '{EventKind.PURGED}' AND before IS NOT NULL))",
        (number,),
    )
    # A task that was sent again had another id before: it stays too, to ask the service what became of it.
    earlier = transaction.run(
        f"SELECT a.detail FROM timeline a JOIN tasks t ON t.number = a.task WHERE a.task = ? AND a.what ="
        f" '{EventKind.ACCEPTED}' AND a.detail IS NOT t.task_id AND a.detail IS NOT NULL ORDER BY a.id",
        (number,),
    )
    transaction.run("UPDATE timeline SET detail = NULL WHERE task = ?", (number,))
    # The digest of the file from which it was imported stays, so that the file is not imported again.
    imported_line = None if imported is None else as_text(imported[0])
    ids = ", ".join(as_text(row[0]) for row in earlier)
    detail = f"earlier task id {ids}" if ids else None
    timeline.append(transaction, number, actor, EventKind.PURGED, before=imported_line, detail=detail)
    return True


def _remove(transaction: Transaction, number: int) -> None:
    """Remove a task and all that refers to it."""
    for column in ("resubmit_of", "earlier"):
        transaction.run(
            f"UPDATE tasks SET {column} = NULL, revision = ? WHERE {column} = ?", (transaction.revision, number)
        )
    transaction.run("UPDATE tasks SET download = NULL WHERE number = ?", (number,))
    for table in ("intents", "downloads", "timeline", "service_events"):
        transaction.run(f"DELETE FROM {table} WHERE task = ?", (number,))
    transaction.run("DELETE FROM tasks WHERE number = ?", (number,))


def _write_back(store: Store) -> None:
    """Overwrite the old pages from the log, and empty the log."""
    deadline = time.monotonic() + _READERS_TIMEOUT_S
    while True:
        ((busy, _, _),) = store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        if not busy:
            return
        if time.monotonic() >= deadline:
            raise StoreUnavailable(
                "The personal data is removed, but another process reads the history and keeps its old pages. "
                "Close it, then run the same purge again."
            )
        time.sleep(_RETRY_S)
