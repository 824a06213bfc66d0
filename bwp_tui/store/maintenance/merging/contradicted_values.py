"""Do not take values from the other history of a merge that its own digests contradict."""

from __future__ import annotations

from typing import NamedTuple

import apsw

from bwp_tui.store.database.digest_chain import DIGESTED_COLUMNS, chained_tasks
from bwp_tui.store.maintenance import replay, task_rows
from bwp_tui.store.maintenance.chain_check import proven_events
from bwp_tui.store.queries.columns_from_events import Columns, columns_after


class ContradictedValues(NamedTuple):
    """What counts in a task instead of the `wrong` values, which the digests of the other history contradict.

    `is_proven` says whether these digests have it; else a person has to check it.
    """

    number: int
    wrong: Columns
    values: Columns
    is_proven: bool


def contradicted_values(db: apsw.Connection) -> list[ContradictedValues]:
    """Return what counts in tasks whose rows are taken: what the other timeline says, or else what is recorded here.

    The histories are matched, and no row is taken yet.
    """
    found = []
    taken = {
        int(str(theirs)): int(str(ours))
        for theirs, ours in db.execute("SELECT theirs, ours FROM matched WHERE is_taken AND NOT is_new")
    }
    for theirs, digested_row, events, chain in chained_tasks(db, f"IN ({', '.join(map(str, taken))})", "other"):
        if digested_row is None or chain is None or chain.length < len(events) or chain.agrees_with_row(digested_row):
            continue
        number = taken[theirs]
        row = task_rows.row_of(db, number)
        by_events = columns_after({}, task_rows.timeline_rows(proven_events(events, chain)))
        there = dict(zip(DIGESTED_COLUMNS, digested_row, strict=True))
        values = {name: by_events.get(name, row[name]) for name in chain.changed_columns(digested_row)}
        wrong = {name: value for name, value in task_rows.row_of(db, theirs, "other").items() if name in values}
        right = there | values
        if "status" in values:
            values |= {name: by_events.get(name, row[name]) for name in replay.SET_WITH_STATUS}
        found.append(ContradictedValues(number, wrong, values, chain.agrees_with_row([*right.values()])))
    return found


def write_instead(db: apsw.Connection, contradicted: list[ContradictedValues], now: str) -> None:
    """Write what counts in rows that were taken, where the merge has left it so, and tag what a person has to check."""
    for number, wrong, values, is_proven in contradicted:
        merged = task_rows.row_of(db, number)
        names = [name for name, value in wrong.items() if merged[name] == value]
        if not names:
            continue
        written = {*names, *(replay.SET_WITH_STATUS if "status" in names else ())}
        task_rows.write_row(db, number, {name: values[name] for name in written}, now)
        if not is_proven:
            sentence = (
                f"its {', '.join(names)} was changed by damage or another program in the file that was merged: check it"
            )
            task_rows.append_recovered(db, now, number, sentence)
            task_rows.tag_to_check(db, now, number)
