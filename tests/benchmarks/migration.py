"""Explains by task what a migration does to the clocks of an older history: `python -m tests.benchmarks.migration`.

It takes a history of schema 12, works on a copy, and compares each row with the rule of that version, which is written
down here a second time. A row without a reason is a fault.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.times import local_day, parse_instant, utc_now
from bwp_tui.store.open_store import open_store

LAST_WITHOUT_ANSWERS: Final = 12
_VARIED: Final = 10
"""Every so many tasks of a history that a benchmark has filled get a rare state."""

_RARE: Final = (
    "status = 'REJECTED', terminal = 1",
    "status = 'MISSING', terminal = 1",
    "status = 'GIVEN_UP', terminal = 1, finished_at = NULL",
    "status = 'UNCONFIRMED', terminal = 0, finished_at = NULL",
    "status = 'COMPLETED', kind = 'RETRIEVAL', terminal = 1, saved = 1",
    "status = 'COMPLETED', kind = 'RETRIEVAL', terminal = 1, saved = 0, due_on = '2026-01-02'",
    "status = 'COMPLETED', kind = 'DELETION', terminal = 1, saved = 0, due_on = '2026-01-02'",
    "status = 'FAILED', terminal = 1, resubmitted = 1",
    "status = 'FAILED', terminal = 1, due_on = NULL",
    "status = 'COMPLETED', terminal = 1, purged_at = recorded_at",
    "status = 'FAILED', terminal = 1, purged_at = recorded_at",
    "status = 'IN_PROGRESS', terminal = 0, finished_at = NULL, due_on = '2026-01-02'",
)


@dataclass(frozen=True)
class Clock:
    """What one row says of its clock, by the rule of its version."""

    is_open: bool
    due: str | None
    reason: str
    """Why it is open or closed."""

    def is_overdue(self, today: date) -> bool:
        return self.is_open and self.due is not None and self.due < str(today)


def clocks(path: Path) -> Iterator[tuple[int, Clock]]:
    """Yield the clock of each task of a history, in the order of their numbers."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    is_old = int(db.pragma("user_version")) <= LAST_WITHOUT_ANSWERS
    answer = "NULL, NULL" if is_old else "answered_on, answered_how"
    for number, kind, status, saved, resubmitted, purged, due, ended, stored, on, how in db.execute(
        "SELECT number, kind, status, saved, resubmitted, purged_at, due_on,"
        f" coalesce(finished_at, updated_at, recorded_at), open, {answer} FROM tasks ORDER BY number"
    ):
        if resubmitted:
            reason = "resubmitted: the new task has the clock"
        elif purged:
            reason = "purged"
        elif status == "CANCELLED":
            reason = "cancelled"
        elif is_old:
            reason = _reason_before(str(kind), str(status), bool(saved))
        elif on is None:
            reason = "open"
        elif how == "finished, before answers were recorded" and on == str(local_day(parse_instant(str(ended)))):
            reason = "finished: it counts as answered on that day"
        else:
            reason = "answered by a person"
        is_open = reason == "open"
        assert is_open == bool(stored), f"the column of #{number} is not what the rule says: {reason}"
        yield int(str(number)), Clock(is_open, None if due is None else str(due), reason)
    db.close()


def _reason_before(kind: str, status: str, saved: bool) -> str:
    """The rule before answers: the clock stopped once the service was done, and a retrieval's result was saved."""
    if status == "GIVEN_UP" or (status == "COMPLETED" and (kind == "DELETION" or saved)):
        return "finished: it counts as answered on that day"
    return "open"


def explained(before: Path, after: Path, today: date) -> Counter[tuple[str, str]]:
    """Count the tasks by what became of their clock and why; overdue ones apart. Without a reason it is a fault."""
    found: Counter[tuple[str, str]] = Counter()
    for (number, old), (same, new) in zip(clocks(before), clocks(after), strict=True):
        is_same = number == same and (old.due, old.reason) == (new.due, new.reason)
        was, now = (_state(clock, today) for clock in (old, new))
        found[f"{was} → {now}", old.reason if is_same else f"NO REASON: {old.reason}, now {new.reason}"] += 1
    return found


def _state(clock: Clock, today: date) -> str:
    return "overdue" if clock.is_overdue(today) else "open" if clock.is_open else "closed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("history", type=Path, help="a history of schema 12")
    with tempfile.TemporaryDirectory(dir=(given := parser.parse_args().history).parent) as folder:
        before, after = Path(folder) / "before.db", Path(folder) / "profile" / "history.db"
        after.parent.mkdir()
        shutil.copyfile(given, before)
        db = apsw.Connection(str(before))
        with db:
            for place, state in enumerate(_RARE):
                db.execute(f"UPDATE tasks SET {state} WHERE number % {_VARIED * len(_RARE)} = {place * _VARIED}")
        db.close()
        shutil.copyfile(before, after)
        started = time.perf_counter()
        open_store(after).close()
        took = time.perf_counter() - started
        found = explained(before, after, local_day(utc_now()))
    print(f"{found.total():,} tasks migrated in {took:.0f} s, the copy of the older history included.\n")
    print("| clock before → now | why | tasks |\n| --- | --- | ---: |")
    for (change, reason), count in sorted(found.items(), key=lambda entry: -entry[1]):
        print(f"| {change} | {reason} | {count:,} |")
    return int(any("NO REASON" in reason for _, reason in found))


if __name__ == "__main__":
    sys.exit(main())
