"""The due dates that the history holds, and the filters on them, against the reckoning of `tests.legal_dates`."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import pytest

from bwp_tui.domain.filter import parse
from bwp_tui.domain.regulations import IDS, REGULATIONS, stored_names
from bwp_tui.store.commands import legal_records, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import compliance_report, tasks
from tests.legal_dates import ONE, RECEIPTS, dates_by_hand
from tests.store import single
from tests.store.support import ACTOR, TODAY, request

MONTH_ENDS = [date(2026, 1, 31), date(2026, 8, 31), date(2026, 9, 30), date(2026, 10, 19), TODAY]


def due_of(store: Store, number: int) -> object:
    """The due date as the history stores it."""
    row = store.row("SELECT due_on FROM tasks WHERE number = ?", (number,))
    return row and row[0]


@pytest.mark.parametrize("name", REGULATIONS)
def test_the_due_date_is_stored_and_moves_with_a_correction_and_an_extension(store: Store, name: str) -> None:
    id = REGULATIONS[name].id
    for received in MONTH_ENDS:
        due, extended, _ = dates_by_hand(id, received)
        asked = request(regulation=name)._replace(received_on=received)
        assert due_of(store, requests.submit(store, asked, ACTOR).number) == (due and str(due))
        other = requests.submit(store, request(regulation="us-policy")._replace(received_on=received), ACTOR).number
        for day, law in ((received - ONE, "none"), (received, id)):
            single.edit(store, other, partial(legal_records.correct, received=day, regulation=law), ACTOR)
        assert due_of(store, other) == (due and str(due))
        if extended is not None:
            single.extend(store, other, "complex", received, ACTOR)
            assert due_of(store, other) == str(extended)


def test_the_filter_on_acknowledgements_finds_those_whose_reckoned_day_compares(store: Store) -> None:
    by_number = {}
    for received in RECEIPTS[700:1000]:
        asked = request(regulation="us-ca")._replace(received_on=received)
        by_number[requests.submit(store, asked, ACTOR).number] = dates_by_hand("us-ca", received)[2]
    for day in (RECEIPTS[750] + offset * ONE for offset in range(0, 220, 3)):
        for text, fits in (
            (f"ack<{day}", {number for number, by in by_number.items() if by and by < day}),
            (f"ack:{day}", {number for number, by in by_number.items() if by == day}),
            (f"ack>{day}", {number for number, by in by_number.items() if by and by > day}),
        ):
            assert {*tasks.matching_numbers(store, parse(text), today=TODAY)} == fits, text


def test_a_filter_and_a_report_take_an_old_name_for_the_regulation_that_it_was(store: Store) -> None:
    numbers = {name: requests.submit(store, request(regulation=name), ACTOR).number for name in REGULATIONS}
    for name in REGULATIONS:
        meant = {numbers[stored] for stored in stored_names(name)}
        assert {*tasks.matching_numbers(store, parse(f"regulation:{name}"), today=TODAY)} == meant
        assert len(tasks.matching_numbers(store, parse(f"-regulation:{name}"), today=TODAY)) == len(numbers) - len(
            meant
        )
    assert tasks.get(store, numbers["ccpa"]).regulation == "ccpa", "it is stored as it was"
    lines = compliance_report.compliance_report(store, TODAY - timedelta(days=1), TODAY)
    assert {line.regulation: line.received for line in lines} == {id: len(stored_names(id)) for id in IDS}
    assert [line.regulation for line in lines] == sorted(IDS)
