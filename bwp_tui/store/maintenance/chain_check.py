"""Compare timelines and rows of tasks with their digests, and begin chains anew where a recovery has broken them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from bwp_tui.store.database.digest_chain import (
    DIGESTED_COLUMNS,
    Chain,
    ChainedTask,
    EventRow,
    begin_chain,
    chain_of_removed,
    chained_tasks,
    missing_numbers,
    write_chains,
)
from bwp_tui.store.database.error_translation import translated_errors
from bwp_tui.store.database.open import open_for_reading
from bwp_tui.store.queries.columns_from_events import Columns
from bwp_tui.store.queries.timeline import EVENT_COLUMNS, INSERT_EVENT, PROGRAM, EventKind

_LONGEST_GAP: Final = 50  # events in a row that are looked for as changed; after more, an end that agrees

ROW_MISSING: Final = "its row is missing"
EVENTS_REMOVED: Final = "removed"
ROW_CHANGED: Final = "not as recorded"

_REFERENCE_BITS: Final = 24  # of a task number, of which one may be damaged


class ChainFinding(NamedTuple):
    """What is wrong with a task: with its row, or with its events from number `event`, counted from 1, to `last`.

    `columns` are those of the row that were changed, where they can be named; `last` is None for a single event.
    """

    task: int
    event: int | None
    what: str
    columns: tuple[str, ...] = ()
    last: int | None = None

    @property
    def events(self) -> int:
        """How many events it is about."""
        return 0 if self.event is None else (self.last or self.event) - self.event + 1

    @property
    def sentence(self) -> str:
        """The finding, with task and event."""
        numbers = f"{self.event}" if self.last in (None, self.event) else f"{self.event} to {self.last}"
        return f"#{self.task}{'' if self.event is None else f', event {numbers}'}: {self.what}"


def check_file(path: Path, tasks: Collection[int] = ()) -> tuple[int, list[ChainFinding]]:
    """Check a history, or some tasks of it, as of one instant; return the number of events and the findings."""
    with translated_errors(path), closing(open_for_reading(path).db) as db:
        db.execute("BEGIN")
        if tasks:
            return check_chains(db, f"IN ({', '.join(map(str, tasks))})")
        events, findings = check_chains(db)
        findings += (ChainFinding(number, None, ROW_MISSING) for number in missing_numbers(db))
        return events, sorted(findings, key=lambda finding: finding.task)


def check_task(path: Path, number: int) -> tuple[Chain | None, list[ChainFinding]]:
    """Return the chain of a task and what is wrong with it."""
    with translated_errors(path), closing(open_for_reading(path).db) as db:
        db.execute("BEGIN")
        (chained,) = chained_tasks(db, f"= {number}")
        return chained.chain, list(_findings(chained))


def check_chains(db: apsw.Connection, selection: str = "", schema: str = "main") -> tuple[int, list[ChainFinding]]:
    """Check all tasks, or those of a `selection`; return the number of their events and the findings."""
    events, findings = 0, list[ChainFinding]()
    for chained in chained_tasks(db, selection, schema):
        events += len(chained.events)
        findings += _findings(chained)
    return events, findings


def _findings(chained: ChainedTask) -> Iterator[ChainFinding]:
    number, digested_row, events, chain = chained
    if chain is None:
        yield ChainFinding(number, None, "its digests are missing, or the task was not recorded by this program")
        return
    if digested_row is None:
        if events or chain != chain_of_removed(number):
            yield ChainFinding(number, None, ROW_MISSING)
        return
    events_agree = chain.links_of(events) == chain.links
    differences = [] if events_agree else list(_event_findings(chain, events))
    yield from differences
    row_agrees = chain.agrees_with_row(digested_row)
    changed = [] if row_agrees else chain.changed_columns(digested_row)
    if changed:
        yield ChainFinding(number, None, f"{ROW_CHANGED}: {', '.join(changed)}", tuple(changed))
    elif not chain.is_whole or (not differences and not (events_agree and row_agrees)):
        yield ChainFinding(number, None, f"its row or its digests are {ROW_CHANGED}")


def _event_findings(chain: Chain, events: list[EventRow]) -> Iterator[ChainFinding]:
    """Compare events with the links of their chain; after a difference go on where both agree again."""
    at = link = 0
    while at < len(events) or link < chain.length:
        if at < len(events) and link < chain.length and chain.has_event_at(link + 1, events[at]):
            at, link = at + 1, link + 1
            continue
        agreement = _next_agreement(chain, events, at, link)
        if agreement is None:
            yield ChainFinding(chain.task, at + 1, f"from here on, events were changed, added or {EVENTS_REMOVED}")
            return
        present, recorded = agreement
        for offset in range(min(present, recorded)):
            yield ChainFinding(chain.task, at + offset + 1, "was changed or moved")
        for offset in range(recorded, present):
            yield ChainFinding(chain.task, at + offset + 1, "has no digest")
        if present < recorded:
            yield ChainFinding(chain.task, link + present + 1, EVENTS_REMOVED, last=link + recorded)
        at, link = at + present, link + recorded


def _next_agreement(chain: Chain, events: list[EventRow], at: int, link: int) -> tuple[int, int] | None:
    """Return how many events, and how many links, are to be skipped until both agree or end."""
    rest, links = len(events) - at, chain.length - link
    for most in range(1, _LONGEST_GAP + 1):
        # As many of both first: a changed event is likelier than one removed and another added.
        for fewer in range(most, -1, -1):
            for present, recorded in ((most, fewer), (fewer, most)):
                is_end = (present, recorded) == (rest, links)
                is_within = present < rest and recorded < links
                if is_end or (is_within and chain.has_event_at(link + recorded + 1, events[at + present])):
                    return present, recorded
    backwards = range(min(rest, links))
    same = len([*takewhile(lambda back: chain.has_event_at(chain.length - back, events[-1 - back]), backwards)])
    return (rest - same, links - same) if same else None


_CREATE_BROKEN_CHAINS: Final = (
    "CREATE TEMP TABLE IF NOT EXISTS broken_chains (task INTEGER NOT NULL, what TEXT NOT NULL, columns TEXT NOT NULL)"
)
IN_BROKEN_CHAINS: Final = "IN (SELECT task FROM temp.broken_chains)"


def note_broken_chains(db: apsw.Connection, selection: str = "", schema: str = "main", *, gaps: bool = False) -> None:
    """Note what is wrong with chains as found, before a merge may mend it; `update_rebuilt_chains` records it.

    With `gaps`, a task number of which nothing is left is wrong, too.
    """
    db.execute(_CREATE_BROKEN_CHAINS)
    _, findings = check_chains(db, selection, schema)
    rows = [(finding.task, f"as found, {finding.sentence}", " ".join(finding.columns)) for finding in findings]
    rows += [(number, ROW_MISSING, "") for number in (missing_numbers(db) if gaps else ())]
    db.executemany("INSERT INTO temp.broken_chains VALUES (?, ?, ?)", rows)


def note_renumbered(db: apsw.Connection, number: int, other_number: int) -> None:
    """Note that a task of the other history got a new number, and what is wrong with its digests there."""
    _, findings = check_chains(db, f"= {other_number}", "other")
    state = "; ".join(finding.sentence for finding in findings) or "all agreed with them"
    what = f"they were those of #{other_number} in the other copy ({state})"
    db.execute("INSERT INTO temp.broken_chains VALUES (?, ?, '')", (number, what))


def end_joined_chains(db: apsw.Connection, number: int, duplicate: int) -> None:
    """Note that two rows of one task were joined, so that their events are mixed: both chains end."""
    db.execute(_CREATE_BROKEN_CHAINS)
    db.execute("DELETE FROM main.chains WHERE task IN (?, ?)", (number, duplicate))
    db.execute("INSERT INTO temp.broken_chains VALUES (?, ?, '')", (number, f"#{duplicate} became one with it"))


@contextmanager
def updated_row_digests(db: apsw.Connection, selection: str) -> Iterator[None]:
    """Update the row digests of tasks whose rows the block changes; those that do not agree before stay as they are."""
    chains = {
        number: chain
        for number, digested_row, _, chain in chained_tasks(db, selection)
        if chain is not None and digested_row is not None and chain.agrees_with_row(digested_row)
    }
    yield
    for number, digested_row, _, _ in chained_tasks(db, f"IN ({', '.join(map(str, chains))})"):
        if digested_row is not None:
            chains[number].row_digest = chains[number].new_row_digest(digested_row)
    write_chains(db, chains.values())


def noted_columns(db: apsw.Connection) -> dict[int, set[str]]:
    """Return the tasks whose chains were noted as broken, with the changed columns that were noted."""
    db.execute(_CREATE_BROKEN_CHAINS)
    noted = db.execute("SELECT task, group_concat(columns, ' ') FROM temp.broken_chains GROUP BY task").fetchall()
    return {int(str(task)): set(str(columns).split()) for task, columns in noted}


def _drop_note_if_sound(db: apsw.Connection, corrected: ChainedTask) -> None:
    """Note a chain as broken no longer if all agrees with it after a correction."""
    if not any(_findings(corrected)):
        db.execute("DELETE FROM temp.broken_chains WHERE task = ?", (corrected.number,))


def values_proven_by_digests(db: apsw.Connection) -> dict[int, Columns]:
    """Return by task the values that were damaged in this history and are right, by its digests, in the other history.

    Where the digests have only a checksum of a column, the digests of the other history must prove the whole row there.
    A chain that agrees with the corrected row is no longer noted as broken.
    """
    db.execute(_CREATE_BROKEN_CHAINS)
    others = {other.number: other for other in chained_tasks(db, IN_BROKEN_CHAINS, "other")}
    found = dict[int, Columns]()
    for number, digested_row, events, chain in list(chained_tasks(db, IN_BROKEN_CHAINS)):
        other = others.get(number)
        if not (digested_row and chain and other and other.digested_row and other.chain):
            continue
        if chain.agrees_with_row(digested_row) or chain.length < len(events):
            continue  # with more events the digests are older, and would prove what was then
        row, other_row = (dict(zip(DIGESTED_COLUMNS, each, strict=True)) for each in (digested_row, other.digested_row))
        agreeing = set(chain.changed_columns(digested_row)) - set(chain.changed_columns(other.digested_row))
        taken = (agreeing, *(agreeing | {name} for name in DIGESTED_COLUMNS))
        tried = [row | {name: other_row[name] for name in names} for names in taken]
        right = next((each for each in tried if chain.agrees_with_row([*each.values()])), None)
        is_same = row["recorded_at"] == other_row["recorded_at"]
        if right is None and is_same and other.chain.agrees_with_row(other.digested_row):
            right = tried[0]
        if right is not None and right != row:
            found[number] = {
                name: value if value is None or isinstance(value, int) else str(value)
                for name, value in right.items()
                if value != row[name]
            }
            _drop_note_if_sound(db, ChainedTask(number, [*right.values()], events, chain))
    return found


def repair_events(db: apsw.Connection) -> None:
    """Replace changed events of this history by the originals in the other one, which the digests prove.

    A chain that agrees with its task afterwards is no longer noted as broken.
    """
    others = {chained.number: chained.events for chained in chained_tasks(db, IN_BROKEN_CHAINS, "other")}
    for number, digested_row, events, chain in list(chained_tasks(db, IN_BROKEN_CHAINS)):
        if chain is None or number not in others:
            continue
        candidates = [*events, *others[number]]
        fitting = [
            next((event for event in candidates if chain.has_event_at(at, event)), None)
            for at in range(1, chain.length + 1)
        ]
        right = [*(event for event in fitting if event is not None), *events[chain.length :]]
        if None in fitting or right == events:
            continue
        db.execute("DELETE FROM main.timeline WHERE task = ?", (number,))
        db.executemany(INSERT_EVENT, [(number, *event) for event in right])
        _drop_note_if_sound(db, ChainedTask(number, digested_row, right, chain))


def values_proven_by_indexes(db: apsw.Connection, index_values: Mapping[int, Columns]) -> dict[int, Columns]:
    """Return what was changed in rows and indexes still have, as the digests prove.

    A chain that agrees with its task afterwards is no longer noted as broken.
    """
    found = dict[int, Columns]()
    for number, digested_row, events, chain in list(chained_tasks(db, IN_BROKEN_CHAINS)):
        if digested_row is None or chain is None or number not in index_values or chain.agrees_with_row(digested_row):
            continue
        row = dict(zip(DIGESTED_COLUMNS, digested_row, strict=True))
        values = {name: value for name, value in index_values[number].items() if name in row and row[name] != value}
        right = [*(row | values).values()]
        if values and chain.agrees_with_row(right):
            found[number] = values
            _drop_note_if_sound(db, ChainedTask(number, right, events, chain))
    return found


def return_stray_events(db: apsw.Connection) -> None:
    """Give events back to the tasks whose digests have them, where one bit of their reference was damaged.

    Else they would count as the latest of another task. What is wrong with chains must be noted before, and is noted
    anew.
    """
    strays: list[tuple[int, EventRow]] = []
    lacking: dict[int, tuple[Chain, list[int]]] = {}
    for number, digested_row, events, chain in chained_tasks(db, IN_BROKEN_CHAINS):
        if chain is None and digested_row is None:
            strays += [(number, event) for event in events]
        if chain is None or len(events) == chain.length:
            continue  # its digests are damaged, or an event was changed where it is: another task's may be alike
        free = list(range(1, chain.length + 1))
        for event in events:
            place = next((at for at in free if chain.has_event_at(at, event)), None)
            if place is not None:
                free.remove(place)
            elif len(events) > chain.length:
                strays.append((number, event))
        if free and len(events) < chain.length:
            lacking[number] = chain, free
    returned = 0
    for number, event in strays:
        for owner in (number ^ (1 << bit) for bit in range(_REFERENCE_BITS)):
            chain, free = lacking.get(owner, (None, []))
            if chain is not None and any(chain.has_event_at(at, event) for at in free):
                # Of two events that are alike, the one of the higher task is the later one.
                same = f"SELECT {'max' if owner > number else 'min'}(id) FROM timeline WHERE task = ? AND {_IS_EVENT}"
                db.execute(f"UPDATE timeline SET task = ? WHERE id = ({same})", (owner, number, *event))
                returned += 1
                break
    if returned:
        db.execute("DELETE FROM temp.broken_chains")
        note_broken_chains(db)


_IS_EVENT: Final = " AND ".join(f"{column} IS ?" for column in EVENT_COLUMNS.split(", "))


def commit_purged_details(db: apsw.Connection) -> list[int]:
    """Keep the commitments of the details of purged tasks that are to be removed; return these tasks.

    What the program has recorded of a task since its purge names no shopper, and stays where there is nothing else.
    """
    with_details = [
        int(str(number))
        for (number,) in db.execute(
            "SELECT DISTINCT task FROM timeline JOIN tasks ON number = task WHERE detail IS NOT NULL AND purged_at"
            f" IS NOT NULL AND NOT (actor = '{PROGRAM}' AND at >= purged_at AND what IN"
            f" ('{EventKind.RECOVERED}', '{EventKind.RESTORED}', '{EventKind.TAGS}'))"
        ).fetchall()
    ]
    chains = []
    for _, _, events, chain in chained_tasks(db, f"IN ({', '.join(map(str, with_details))})"):
        if chain is not None:
            chain.purge_details([event[-1] for event in events[: chain.length]])
            chains.append(chain)
    write_chains(db, chains)
    return with_details


def update_rebuilt_chains(db: apsw.Connection, now: str) -> None:
    """Bring the chains of a rebuilt history up to date.

    What is wrong with a chain becomes an event of its task, with which the chain begins anew.
    """
    db.execute(_CREATE_BROKEN_CHAINS)
    noted = db.execute("SELECT task, group_concat(what, '; ') FROM temp.broken_chains GROUP BY task")
    reasons = {int(str(task)): str(what) for task, what in noted}
    write_chains(db, _rebuilt_chains(db, now, reasons))
    write_chains(db, [chain_of_removed(number) for number in missing_numbers(db) if number not in reasons])


def _rebuilt_chains(db: apsw.Connection, now: str, reasons: Mapping[int, str]) -> Iterator[Chain]:
    """Yield the chains that go on or begin anew; add the events of the latter. `reasons` are the notes by task."""
    for chained in chained_tasks(db):
        number, digested_row, events, chain = chained
        if digested_row is None:
            continue
        if any(_findings(chained)):
            reason = _reason(chain, events)
            if reason is not None or chain is None or not chain.agrees_with_row(digested_row):
                reason = reasons.get(number, reason)  # else the other copy had right what was noted as wrong
            if chain is None or reason is not None:
                detail = f"digests begun anew: {reason or 'it came without digests'}"
                event = (now, PROGRAM, str(EventKind.RECOVERED), None, None, detail)
                db.execute(INSERT_EVENT, (number, *event))
                chain = begin_chain(number, digested_row, [*events, event], begun_at=now)
            else:
                chain.extend(events[chain.length :])
                chain.row_digest = chain.new_row_digest(digested_row)
            yield chain


def _reason(chain: Chain | None, events: list[EventRow]) -> str | None:
    """Return why a chain that was right before a merge cannot go on, or None if it can."""
    if chain is None:
        return None
    is_prefix = chain.length <= len(events) and all(
        chain.has_event_at(at, event) for at, event in zip(range(1, chain.length + 1), events, strict=False)
    )
    return None if is_prefix else "events of another copy were added between its own"


def proven_events(events: list[EventRow], chain: Chain | None) -> list[EventRow]:
    """Return the events that the digests of a task prove, and the later ones: the last digests may be lost.

    Other events belong to another task: their reference to it is damaged.
    """
    if chain is None or not chain.length:
        return events
    fitting, position = list[int](), 0
    for place, event in enumerate(events):
        found = next((at for at in range(position + 1, chain.length + 1) if chain.has_event_at(at, event)), None)
        if found is not None:
            position = found
            fitting.append(place)
    last = max(fitting, default=-1)
    return [event for place, event in enumerate(events) if place in fitting or place > last]
