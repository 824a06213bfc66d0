"""Many requests from one file."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bwp_tui.domain.csv_table import HEADINGS, format_row, task_cells
from bwp_tui.domain.filter import parse
from bwp_tui.domain.regulations import IDS
from bwp_tui.domain.task import Kind, Request, Task
from bwp_tui.domain.text import clean_line
from bwp_tui.store.commands import csv_import
from bwp_tui.store.commands import requests as actions
from bwp_tui.store.commands.csv_import import ImportDefaults
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.maintenance import chain_check, purge
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import intents
from tests.store.support import ACTOR, NOW, TODAY, request, scalar, submitted

DEFAULTS = ImportDefaults(TODAY, "us-ia")


def _file(*lines: str) -> bytes:
    return "\r\n".join(("kind,email,received,regulation,holding_period,reason,note,tags", *lines)).encode()


def test_every_line_is_a_queued_task_with_its_own_token_and_where_it_came_from(store: Store) -> None:
    data = _file("deletion,bob@example.com,2026-11-02,CCPA,3,art. 17,two lines,vip;eu", "access,jane@example.com,,,,,,")
    numbers = csv_import.import_requests(store, csv_import.plan(store, data, DEFAULTS), ACTOR)
    bob, jane = tasks.by_numbers(store, numbers)
    assert (bob.kind, bob.email, bob.regulation, bob.holding_period) == (Kind.DELETION, "bob@example.com", "us-ca", 3)
    assert (bob.reason, bob.note, bob.tags) == ("art. 17", "two lines", ("vip", "eu"))
    assert (jane.kind, jane.received_on, jane.regulation) == (Kind.RETRIEVAL, TODAY, "us-ia")
    assert len({intent.client_token for intent in intents.ready(store, NOW, 10)}) == 2
    first = timeline.of_task(store, bob.number)[0]
    assert (first.what, first.actor) == ("imported", ACTOR)
    assert (first.detail or "").endswith(" line 2, deletion")


def test_a_deletion_without_a_hold_gets_that_of_the_defaults(store: Store) -> None:
    data = _file("deletion,bob@example.com,,,,,,", "deletion,eve@example.com,,,0,,,", "access,jane@example.com,,,,,,")
    planned = csv_import.plan(store, data, ImportDefaults(TODAY, "us-ia", 4))
    numbers = csv_import.import_requests(store, planned, ACTOR)
    assert [task.holding_period for task in tasks.by_numbers(store, numbers)] == [4, 0, None]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("access,,,,,,,", "email is missing"),
        ("access,jane@example,,,,,,", "not an email address"),
        ("access,\u200bjane@example.com,,,,,,", "contains \\u200b,"),
        ("acess,jane@example.com,,,,,,", "“acess” is neither"),
        ("jane@example.com,retrieval,,,,,,", "neither retrieval nor deletion"),
        ("access,jane@example.com,2.11.2026,,,,,", "no date"),
        (f"access,jane@example.com,{TODAY + timedelta(days=2)},,,,,", "in the future"),
        ("access,jane@example.com,,lgpd,,,,", "“lgpd” is no regulation"),
        ("access,jane@example.com,,DE,,,,", "“DE” is no regulation"),
        ("access,jane@example.com,,,10,,,", "A retrieval has no holding period"),
        ("access,jane@example.com,,,,because,,", "A retrieval has no reason"),
        ("deletion,jane@example.com,,,181,,,", "0 to 180 days"),
        ("deletion,jane@example.com,,,ten,,,", "no number of days"),
        ("deletion,jane@example.com,,,,,,,,x", "more cells"),
    ],
)
def test_a_wrong_line_is_told_and_nothing_can_be_recorded(store: Store, line: str, told: str) -> None:
    planned = csv_import.plan(store, _file("access,fine@example.com,,,,,,", line), DEFAULTS)
    (wrong,) = planned.wrong_lines
    assert wrong.number == 3
    assert told in " ".join(wrong.mistakes)
    assert "jane@example" not in " ".join(wrong.mistakes)
    with pytest.raises(NotPossible):
        csv_import.import_requests(store, planned, ACTOR)
    assert scalar(store, "SELECT count(*) FROM tasks") == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "acess,jane,2.11.2026,lgpd,ten,,,",
            ["“acess”", "“jane”", "no date", "“lgpd” is no regulation", "no number of days"],
        ),
        (
            "deletion,,1999-01-01,lgpd,500,,,",
            ["is missing", "“lgpd” is no regulation", "too long ago", "0 to 180 days"],
        ),
        ("access,,,,9,why,,,x", ["more cells", "no holding period", "no reason", "is missing"]),
    ],
)
def test_all_mistakes_of_a_line_are_told_each_once(store: Store, line: str, told: list[str]) -> None:
    (wrong,) = csv_import.plan(store, _file(line), DEFAULTS).wrong_lines
    sentences = " ".join(wrong.mistakes)
    assert all(part in sentences for part in told)
    assert sentences.count(". ") + sentences.count("? ") == len(told) - 1


def test_a_regulation_is_named_by_its_id_its_alias_or_its_state_and_stored_by_its_id(store: Store) -> None:
    lines = (f"access,s@example.com,,{name}" for name in ("us-tx", "Texas", "gdpr", "rhode island", "NONE"))
    planned = csv_import.plan(store, _file(*lines), DEFAULTS)
    named = [line.content.regulation for line in planned.lines if line.content]
    assert named == ["us-tx", "us-tx", "eu-gdpr", "us-ri", "none"]


def test_what_an_older_version_stored_is_exported_as_it_is_and_imported_by_its_id(store: Store) -> None:
    old = actions.submit(store, request(regulation="ccpa"), ACTOR)
    row = task_cells(old, mask=False)
    assert "ccpa" in row
    data = "".join(map(format_row, (HEADINGS, row))).encode()
    (line,) = csv_import.plan(store, data, DEFAULTS).lines
    assert line.content
    assert line.content.regulation == "us-ca"


def test_duplicates_are_flagged_within_the_file_and_against_the_history_and_not_blocked(store: Store) -> None:
    known = submitted(store, email="Known@example.com")
    lines = ("access,known@example.com", "access,new@example.com", "erase,new@example.com", "access,NEW@example.com")
    planned = csv_import.plan(store, _file(*lines), DEFAULTS)
    assert [line.duplicate for line in planned.lines] == [
        f"same email and kind as #{known.number}, QUEUED",
        None,
        None,
        "same email and kind as line 3",
    ]
    assert (planned.duplicates, planned.count(Kind.DELETION), planned.count(Kind.RETRIEVAL)) == (2, 1, 3)
    assert len(csv_import.import_requests(store, planned, ACTOR)) == 4


def test_the_same_file_is_known_again_and_another_is_not(store: Store) -> None:
    data = _file("access,jane@example.com")
    assert csv_import.plan(store, data, DEFAULTS).imported_before == 0
    csv_import.import_requests(store, csv_import.plan(store, data, DEFAULTS), ACTOR)
    assert csv_import.plan(store, data, DEFAULTS).imported_before == 1
    assert csv_import.plan(store, data + b"\r\n", DEFAULTS).imported_before == 0


def test_a_file_is_known_again_after_a_purge_of_its_requests(store: Store) -> None:
    data = _file("access,jane@example.com")
    (number,) = csv_import.import_requests(store, csv_import.plan(store, data, DEFAULTS), ACTOR)
    actions.cancel(store, number, ACTOR)
    assert purge.purge(store, [number], ACTOR, TODAY, evidence_too=False).tasks == 1
    assert csv_import.plan(store, data, DEFAULTS).imported_before == 1
    assert chain_check.check_file(store.path)[1] == []


def test_an_import_that_fails_half_way_leaves_nothing(store: Store) -> None:
    planned = csv_import.plan(store, _file(*(f"access,s{number}@example.com" for number in range(50))), DEFAULTS)

    def stop(done: int) -> None:
        if done == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        csv_import.import_requests(store, planned, ACTOR, stop)
    assert scalar(store, "SELECT count(*) FROM tasks") == 0
    assert scalar(store, "SELECT count(*) FROM intents") == 0


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text("='+-@ ,;\"[]|\n", max_size=6)
_REQUESTS = st.builds(
    Request,
    kind=st.sampled_from(list(Kind)),
    email=st.from_regex(r"[a-z0-9._%+-]{1,9}@[a-z]{1,5}\.(de|com)", fullmatch=True),
    received_on=st.dates(TODAY - timedelta(days=900), TODAY),
    regulation=st.sampled_from(IDS),
    holding_period=st.none() | st.integers(0, 180),
    reason=st.none() | _TEXT,
    note=_TEXT,
    tags=st.lists(_TEXT.map(clean_line).filter(bool), max_size=3, unique=True).map(tuple),
)


def _facts(task: Task) -> tuple[object, ...]:
    return (
        *(task.kind, task.email, task.received_on, task.regulation),
        *(task.holding_period, task.reason or None, task.note, task.tags),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_REQUESTS, min_size=1, max_size=4))
def test_what_is_exported_in_full_is_imported_as_it_was(store: Store, requests: list[Request]) -> None:
    before = [actions.submit(store, request, ACTOR) for request in requests]
    data = "".join(format_row(row) for row in (HEADINGS, *(task_cells(task, mask=False) for task in before))).encode()
    planned = csv_import.plan(store, data, DEFAULTS)
    assert planned.wrong_lines == ()
    after = tasks.by_numbers(store, csv_import.import_requests(store, planned, ACTOR))
    assert [_facts(task) for task in after] == [_facts(task) for task in before]


def test_a_masked_export_shows_no_address_and_is_not_imported(store: Store) -> None:
    task = actions.submit(store, _plain()._replace(note="write to jane@example.com", tags=("jane@example.com",)), ACTOR)
    row = task_cells(task, mask=True)
    assert not any("jane@example.com" in cell for cell in row)
    planned = csv_import.plan(store, f"{format_row(HEADINGS)}{format_row(row)}".encode(), DEFAULTS)
    assert len(planned.wrong_lines) == 1


def _plain() -> Request:
    return Request(Kind.RETRIEVAL, "jane@example.com", TODAY, "gdpr")


def test_two_thousand_lines_are_checked_and_recorded_with_what_they_are(store: Store) -> None:
    data = _file(*(f"access,s{number}@example.com,,ccpa,,,n{number},vip" for number in range(2_000)))
    told: list[int] = []
    planned = csv_import.plan(store, data, DEFAULTS, told.append)
    numbers = csv_import.import_requests(store, planned, ACTOR, told.append)
    assert len(numbers) == len(set(numbers)) == 2_000
    assert told == [*range(1, 2_001)] * 2
    assert tasks.count(store, parse("tag:vip regulation:ccpa"), today=TODAY) == 2_000
    assert store.revision() == 1


@pytest.mark.parametrize("meanwhile", ["the same file", "a copy of it", "a request", "another's request"])
def test_what_was_recorded_after_the_plan_was_made_is_seen_before_it_is_carried_out(
    store: Store, meanwhile: str
) -> None:
    data = _file("access,jane@example.com,,,,,,", "access,bob@example.com,,,,,,")
    agreed_to = csv_import.plan(store, data, DEFAULTS)
    match meanwhile:
        case "the same file":
            csv_import.import_requests(store, csv_import.plan(store, data, DEFAULTS), ACTOR)
        case "a copy of it":
            csv_import.import_requests(store, csv_import.plan(store, data + b"\r\n", DEFAULTS), ACTOR)
        case "a request":
            submitted(store, email="JANE@example.com")
        case "another's request":
            submitted(store, email="eve@example.com")
    before = scalar(store, "SELECT count(*) FROM tasks")
    if meanwhile == "another's request":
        assert len(csv_import.import_requests(store, agreed_to, ACTOR)) == 2
        return
    with pytest.raises(NotPossible):
        csv_import.import_requests(store, agreed_to, ACTOR)
    assert scalar(store, "SELECT count(*) FROM tasks") == before
