"""Report what a recovery kept, repaired and lost: a sentence for the operator, and a file beside the history."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final

from bwp_tui.domain.task import TO_CHECK
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import stamp, stamp_of, zone_name
from bwp_tui.file_access import new_file
from bwp_tui.store.database.high_water_mark import HistoryState
from bwp_tui.store.maintenance.atomic_swap import FileSwap
from bwp_tui.store.maintenance.merging.merge import MergeResult

FILE_IS_MISSING: Final = "the file is missing or empty"


@dataclass(slots=True)
class RecoveryResult:
    """How many rows a recovery kept, repaired and lost, what it took from copies, and what is in none."""

    kept_rows: Counter[str] = field(default_factory=Counter)
    repaired_rows: int = 0
    renumbered_rows: int = 0
    lost_ids: int = 0
    unreadable_rows: Counter[str] = field(default_factory=Counter)
    wal_is_unrelated: bool = False
    has_no_chains: bool = False
    """Whether the file is of a schema without digests; one whose header is lost counts as one of the newest schema."""
    failures: list[str] = field(default_factory=list)
    source_backup: str | None = None
    """The name of the damaged backup that was read in the place of a missing history."""
    merged_backups: list[str] = field(default_factory=list)
    """The names of the backups that were merged in."""
    states: list[HistoryState] = field(default_factory=list)
    """The states of what was read: of the history, if its page of `meta` is left, and of each sound copy."""
    merged: MergeResult = field(default_factory=MergeResult)
    outdated_rows: int = 0
    reconstructed_tasks: int = 0
    lost_events: tuple[int, int] = (0, 0)
    """How many events are missing, and of how many tasks."""
    lost_numbers: list[int] = field(default_factory=list)
    """The numbers that were given to tasks of which nothing is left."""
    changed_values: list[str] = field(default_factory=list)
    """Tasks, each with the columns whose recorded value is in no copy."""
    dangling_rows: int = 0
    unconfirmed: int = 0
    tasks: int = 0
    lost_span: tuple[str, str] | None = None
    """The instants between which was recorded what is in no copy."""

    def add(self, merged: MergeResult) -> None:
        """Count what came from one more backup."""
        self.lost_ids += merged.lost_ids
        before = self.merged
        self.merged = MergeResult(
            added=before.added + merged.added,
            updated=before.updated + merged.updated,
            common=before.common + merged.common,
            replayed=before.replayed + merged.replayed,
            renumbered=before.renumbered + merged.renumbered,
            stopped_downloads=before.stopped_downloads + merged.stopped_downloads,
            proven_values=(*before.proven_values, *merged.proven_values),
        )


def sentence_of(swap: FileSwap, result: RecoveryResult, reason: str) -> str:
    """Return what a console or a command says of a recovery."""
    if reason == FILE_IS_MISSING:
        parts = [f"The history was missing or empty; the new one holds {counted(result.tasks, 'task')}"]
    else:
        was = f"The history was damaged and is kept as {swap.aside.name}"
        parts = [f"{was}; the new one holds {counted(result.tasks, 'task')}"]
    if result.source_backup is not None:
        parts.append(f", read from {result.source_backup}, which is damaged")
    if result.merged.added:
        later = f" ({result.merged.replayed} brought up to date by their timelines)" if result.merged.replayed else ""
        parts.append(f", {result.merged.added} from {' and '.join(result.merged_backups)}{later}")
    if result.outdated_rows:
        parts.append(f", {result.outdated_rows} older than their timelines and brought up to date by these")
    if result.reconstructed_tasks:
        parts.append(f", {result.reconstructed_tasks} made from timelines and indexes")
    if result.lost_events[0]:
        are_missing = "event is missing" if result.lost_events[0] == 1 else "events are missing"
        parts.append(f"; {result.lost_events[0]} {are_missing} from {counted(result.lost_events[1], 'timeline')}")
    if result.lost_numbers:
        parts.append(f"; of {len(result.lost_numbers)} more nothing is left")
    if result.changed_values:
        parts.append(f", {len(result.changed_values)} with a changed value to be checked (tag:{TO_CHECK})")
    if result.unconfirmed:
        parts.append(f", {result.unconfirmed} UNCONFIRMED")
    if stopped := result.merged.stopped_downloads:
        parts.append(f"; {counted(stopped, 'download')} that had not ended can be retried")
    if result.lost_span is not None:
        after, until = map(stamp_of, result.lost_span)
        parts.append(f"; what was recorded after {after}, until {until}, is in no copy")
    if result.failures:
        parts.append("; not all that is in it could be used")
    return f"{''.join(parts)}. Read {swap.report}."


def _set_aside_lines(swap: FileSwap, *, is_missing: bool) -> list[str]:
    """Return where the files of the damaged history are kept; of a missing one there may be its log alone."""
    if not is_missing:
        return [f"It was set aside, as it was, as {swap.aside.name} with its -wal and -shm files. Keep them."]
    if swap.path.with_name(f"{swap.path.name}-wal").exists():
        return [f"The log that was left of it was set aside as {swap.aside.name}-wal. Keep it."]
    return []


def write_report(swap: FileSwap, result: RecoveryResult, reason: str, now: datetime) -> None:
    """Write the report of a recovery beside the history."""
    kept = ", ".join(f"{count} {table}" for table, count in result.kept_rows.items() if count) or "none"
    lost = ", ".join(f"{count} {table}" for table, count in result.unreadable_rows.items() if count) or "none was seen"
    span, (lost_events, of_tasks) = result.lost_span, result.lost_events
    without_span = "those of the events that are missing." if lost_events else "none that is known."
    events = f"{lost_events}, of {counted(of_tasks, 'task')}" if lost_events else "none"
    lines = [
        f"The history {swap.path} was recovered at {stamp(now)} ({zone_name()}): {reason}.",
        *_set_aside_lines(swap, is_missing=reason == FILE_IS_MISSING),
        "",
        f"Rows read from its pages: {kept}.",
        f"Rows found that cannot be read: {lost}. Rows of lost pages are not counted.",
        f"Rows of which a value was damaged and had to be replaced: {result.repaired_rows}.",
        "Values that the digests have found changed, taken from a copy:"
        f" {'; '.join(result.merged.proven_values) or 'none'}.",
        "Values that the digests have found changed, and no copy has (compare them with what was asked for; listed by"
        f" the filter tag:{TO_CHECK}): {'; '.join(result.changed_values) or 'none'}.",
        f"Rows older than their timelines, which were brought up to date by these: {result.outdated_rows}.",
        f"Rows whose number was damaged and had to be guessed: {result.renumbered_rows}.",
        f"Tasks that lost their task id, since another task has it: {result.lost_ids}.",
        f"Copies that were merged in: {' and '.join(result.merged_backups) or 'none'}"
        f" ({result.merged.added} tasks added, {result.merged.updated} updated).",
        f"Tasks added from them whose timeline, read from the pages, said more: {result.merged.replayed}."
        " They were brought up to date by it.",
        "Tasks whose rows were lost, made from timelines, indexes, intents and downloads (what none of these says is"
        f" named on their timelines): {result.reconstructed_tasks}.",
        "Events that are missing, as the digests show (the timelines name them; downloads and requests sent have no"
        f" digests, and are not counted): {events}.",
        "Changes that are in no copy: "
        + (
            f"those from {stamp_of(span[0])} to {stamp_of(span[1])}, as the lock file shows."
            if span is not None
            else without_span
        ),
        "Task numbers of which nothing is left (lost, or removed by purge --all), and which no other task is given:"
        f" {_ranges(result.lost_numbers) or 'none'}.",
        f"Rows left out, since their task was damaged or is unknown: {result.dangling_rows}.",
        f"Requests that became UNCONFIRMED, for you to decide on: {result.unconfirmed}."
        " They are listed by the filter status:unconfirmed.",
        f"Downloads that had not ended in a copy, for you to retry: {result.merged.stopped_downloads}.",
        f"Tasks in the new history: {result.tasks}.",
        *(f"What could not be used because of a fault of this program: {fault}." for fault in result.failures),
        *(
            ["The log beside the file belonged to another copy: the later row of both was taken."]
            * result.wal_is_unrelated
        ),
        "",
        "Requests that waited to be sent are sent under their own client tokens while these protect them (8 hours",
        "from when they were asked for), and become UNCONFIRMED after that: none is sent twice.",
        "Deletions that waited in a backup may have been withdrawn since, and RECEIVED requests may have been sent:",
        "those that only the backup had are UNCONFIRMED for you to decide on, unless a whole timeline was left that",
        "says that they still wait.",
    ]
    with new_file(swap.report) as file:
        file.write(("\n".join(lines) + "\n").encode())


def _ranges(numbers: list[int]) -> str:
    """Return ascending task numbers as text, such as `#3, #7 to #9`."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda at: at[1] - at[0])]
    return ", ".join(f"#{run[0]}" if len(run) == 1 else f"#{run[0]} to #{run[-1]}" for run in runs)
