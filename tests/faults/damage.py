"""Damages a history in many ways, has it recovered, and looks for rows that can be read by hand and are gone.

The long form: `python -m tests.faults.damage --trials 200`, once with and once without a backup.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import TO_CHECK, Kind
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.maintenance import atomic_swap, backups, chain_check, integrity
from bwp_tui.store.maintenance import recover as recovery
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import downloads
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.golden.write import STATUSES
from tests.store.independent_reader import PAGE, TABLES, Rows, rows_from_pages, rows_of
from tests.store.support import NOW, SOON, TODAY, accepted, answer, in_status, submitted

Damage = Callable[[bytearray, random.Random], None]

_TASKS: Final = 240
_LONG_NOTE: Final = "x" * 9_000
_SHOWN: Final = 20


@dataclass(frozen=True)
class Specimen:
    """A history as it was, the backup made of it before the last day, and where its pages are."""

    path: Path
    backup: Path
    truth: Rows
    schema: tuple[int, ...]
    leaves: tuple[int, ...]


@dataclass
class Outcome:
    """What came of the trials: rows that can be read by hand, those of them that are gone, and faults."""

    trials: int = 0
    readable: int = 0
    lost: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def table(self) -> str:
        """Return the figures for people."""
        figures = {
            "trials": self.trials,
            "rows readable by hand": self.readable,
            "of these lost": len(self.lost),
            "faults": len(self.faults),
            "seconds a recovery (median)": round(statistics.median(self.seconds), 2),
        }
        return "\n".join(f"{name:<34}{count:>9}" for name, count in figures.items())


def specimen(folder: Path, tasks: int = _TASKS) -> Specimen:
    """Make a history with tasks of each kind, long notes among them, and a backup that lacks the last tenth."""
    path, clock = folder / "specimen" / "history.db", ManualClock(NOW)
    store = open_store(path, clock=clock)
    for number in range(1, tasks + 1):
        if number % 4 == 0:  # an import records several tasks at one instant
            clock.advance(seconds=28)
        _add(store, number)
        if number == tasks * 9 // 10:
            backups.back_up_daily(path, TODAY, threading.Event())
    store.rows("PRAGMA journal_mode = DELETE")
    store.close()
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    pages = {
        where: tuple(int(str(page)) for (page,) in db.execute(f"SELECT pageno FROM dbstat WHERE {where}"))
        for where in ("name = 'sqlite_schema'", "name IN ('tasks', 'intents', 'timeline') AND pagetype = 'leaf'")
    }
    db.close()
    schema, leaves = pages.values()
    return Specimen(path, backups.daily_backups(path)[0], rows_of(path), schema, leaves)


def _add(store: Store, number: int) -> None:
    kind = Kind.DELETION if number % 5 == 0 else Kind.RETRIEVAL
    status = STATUSES[number % len(STATUSES)]
    if number % 3 == 0:
        submitted(store, kind, f"shopper{number}@example.com")
    elif number % 7 == 0:
        task = in_status(store, Status.COMPLETED, task_id=f"task-{number}")
        with store.write() as transaction:
            downloads.create(transaction, task.number, "/srv/results", "op")
    elif status in (Status.ON_HOLD, Status.QUEUED, Status.CANCELLED):
        accepted(store, f"task-{number}", kind, f"shopper{number}@example.com")
    else:
        accepted(store, f"task-{number}", Kind.RETRIEVAL, f"shopper{number}@example.com")
        single.answered(store, number, answer(Status.IN_PROGRESS), SOON)
    if number % 11 == 0:
        single.set_note(store, number, f"{number} {_LONG_NOTE}" if number % 2 else "called back", "op")


def flips(count: int) -> Damage:
    """Return a damage of so many bits anywhere."""

    def damage(data: bytearray, rng: random.Random) -> None:
        for _ in range(count):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)

    return damage


def flip_in(pages: tuple[int, ...]) -> Damage:
    """Return a damage of one bit in one of these pages."""

    def damage(data: bytearray, rng: random.Random) -> None:
        data[(rng.choice(pages) - 1) * PAGE + rng.randrange(PAGE)] ^= 1 << rng.randrange(8)

    return damage


def overwrite_one_of(pages: tuple[int, ...], byte: int) -> Damage:
    """Return a damage that overwrites one of these pages."""

    def damage(data: bytearray, rng: random.Random) -> None:
        page = rng.choice(pages)
        data[(page - 1) * PAGE : page * PAGE] = bytes([byte]) * PAGE

    return damage


def damages(of: Specimen) -> dict[str, Damage]:
    """Return the ways in which a history is damaged, by name."""
    return {
        "a bit of the schema": flip_in(of.schema),
        "a bit of a leaf": flip_in(of.leaves),
        "a leaf of zeros": overwrite_one_of(of.leaves, 0),
        "a leaf that cannot be read": overwrite_one_of(of.leaves, 255),
        "a bit anywhere": flips(1),
        "ten bits anywhere": flips(10),
        "two hundred bits anywhere": flips(200),
    }


def recover(data: bytes, of: Specimen, folder: Path, *, with_backup: bool) -> Path:
    """Recover a damaged copy of the history in a folder of its own, and return where it then lies."""
    path = folder / "history.db"
    path.write_bytes(data)
    if with_backup:
        backups.folder(path).mkdir()
        shutil.copyfile(of.backup, backups.folder(path) / of.backup.name)
    flag_damage(path)
    recovery.recover(path, NOW)
    return path


def lost_rows(path: Path, data: bytes, of: Specimen) -> tuple[int, list[str]]:
    """Return how many rows can be read by hand in the damaged bytes, and those of them that are not there any more."""
    whole, begun = rows_from_pages(data, of.truth)
    found = rows_of(path)
    lost = [f"task {number}" for number, row in begun["tasks"].items() if not _has_task(found, number, row, 4)]
    lost += [f"task {number}" for number, row in whole["tasks"].items() if not _has_task(found, number, row, 17)]
    for table, columns in (("intents", (1, 2, 4, 10)), ("downloads", (1, 3, 13)), ("timeline", range(1, 8))):
        there = {tuple(row[column] for column in columns) for row in found[table].values()}
        lost += [
            f"{table} {rowid}"
            for rowid, row in whole[table].items()
            if tuple(row[column] for column in columns) not in there
        ]
    return len(begun["tasks"]) + sum(len(whole[table]) for table in TABLES), lost


def _has_task(found: Rows, number: int, row: tuple[object, ...], columns: int) -> bool:
    """Return whether a task has its number and values up to a column, but for status and tag of what is to check."""
    tag = re.compile(f'(, )?"{TO_CHECK}"(?=]$)')
    there = [tag.sub("", value) if isinstance(value, str) else value for value in found["tasks"].get(number, ())]
    unwanted = (2, 4, 5) if columns == 4 else (4, 5)
    return [value for at, value in enumerate(there[:columns]) if at not in unwanted] == [
        value for at, value in enumerate(row[:columns]) if at not in unwanted
    ]


def run(of: Specimen, trials: Iterator[tuple[str, Damage, int]], *, with_backup: bool) -> Outcome:
    """Damage and recover, again and again."""
    outcome, whole = Outcome(), of.path.read_bytes()
    for name, damage, seed in trials:
        data = bytearray(whole)
        damage(data, random.Random(seed))
        outcome.trials += 1
        with tempfile.TemporaryDirectory(prefix="bwp-damage-") as folder:
            began = time.perf_counter()
            try:
                path = recover(bytes(data), of, Path(folder), with_backup=with_backup)
                outcome.seconds.append(time.perf_counter() - began)
                readable, lost = lost_rows(path, bytes(data), of)
                aside = atomic_swap.histories_set_aside(path)
                wrong = integrity.full_check(path)
                if aside and aside[0].read_bytes() != bytes(data):
                    wrong.append("the damaged file was not kept as it was")
                if aside:
                    _, findings = chain_check.check_file(path)
                    wrong += [one.sentence for one in findings if one.what != chain_check.ROW_MISSING]
                if aside and "fault of this program" in aside[0].with_suffix(".txt").read_text():
                    wrong.append(aside[0].with_suffix(".txt").read_text())
            except Exception as error:  # noqa: BLE001  # a fault is what it looks for
                outcome.faults.append(f"{name}, seed {seed}: {type(error).__name__}: {error}")
                continue
        outcome.readable += readable
        outcome.lost += [f"{name}, seed {seed}: {row}" for row in lost]
        outcome.faults += [f"{name}, seed {seed}: {sentence}" for sentence in wrong]
    return outcome


def main() -> int:
    """Run the long form and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.damage", description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    failed = False
    with tempfile.TemporaryDirectory(prefix="bwp-damage-") as folder:
        of = specimen(Path(folder))
        ways = list(damages(of).items())
        for with_backup in (False, True):
            trials = ((*ways[trial % len(ways)], arguments.seed + trial) for trial in range(arguments.trials))
            outcome = run(of, trials, with_backup=with_backup)
            print("with a backup" if with_backup else "without a backup", outcome.table(), sep="\n")
            for sentence in (*outcome.faults, *outcome.lost)[:_SHOWN]:
                print(sentence, file=sys.stderr)
            failed = failed or bool(outcome.lost or outcome.faults)
    return failed


if __name__ == "__main__":
    sys.exit(main())
