"""Do not take values from the other history of a merge that its own digests contradict."""

from __future__ import annotations

from typing import NamedTuple

import apsw

from bwp_tui.store.database.digest_chain import DIGESTED_COLUMNS, chained_tasks
from bwp_tui.store.maintenance import replay, task_rows
from bwp_tui.store.maintenance.chain_check import proven_events
from bwp_tui.store.queries.columns_from_events import Columns, columns_after


class ContradictedValues(NamedTuple):
    """What counts in a task instead of the values that the digests of the other history contradict.

    `is_proven` says whether these digests have it; else a person has to check it.
    """

    number: int
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
    for theirs, digested, events, chain in chained_tasks(db, f"IN ({', '.join(map(str, taken))})", "other"):
        if digested is None or chain is None or chain.length < len(events) or chain.is_row_of(digested):
            continue
        number = taken[theirs]
        row = task_rows.row_of(db, number)
        said = columns_after({}, task_rows.timeline_rows(proven_events(events, chain)))
        values = {name: said.get(name, row[name]) for name in chain.changed_columns(digested)}
        right = dict(zip(DIGESTED_COLUMNS, digested, strict=True)) | values
        if "status" in values:
            values |= {name: said.get(name, row[name]) for name in replay.SET_WITH_STATUS}
        found.append(ContradictedValues(number, values, chain.is_row_of([*right.values()])))
    return found


def write_instead(db: apsw.Connection, contradicted: list[ContradictedValues], now: str) -> None:
    """Write what counts in rows that were taken, and tag those that a person has to check."""
    for number, values, is_proven in contradicted:
        task_rows.write_row(db, number, values, now)
        if not is_proven:
            named = ", ".join(name for name in values if name not in replay.SET_WITH_STATUS) or "row"
            sentence = f"its {named} was changed by damage or another program in the file that was merged: check it"
            task_rows.append_recovered(db, now, number, sentence)
            task_rows.tag_to_check(db, now, number)
