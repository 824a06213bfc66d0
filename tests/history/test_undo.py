"""Taking a change back: the value of before, on a row of its own, and never over somebody else's."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bwp_tui.store.commands import bulk, requests, undo
from bwp_tui.store.commands.bulk import Deed, Result
from bwp_tui.store.commands.undo import Change, Part
from bwp_tui.store.database.connection import History
from bwp_tui.store.queries import tasks, timeline
from tests.history import single
from tests.history.support import ACTOR, request


def perform(history: History, deed: Deed, numbers: Sequence[int]) -> list[Result]:
    return [result for results in bulk.perform(history, deed, numbers) for result in results]


@pytest.mark.parametrize(
    ("part", "deed"),
    [
        (Part.NOTE, bulk.set_note("after", ACTOR)),
        (Part.NOTE, bulk.add_note("after", ACTOR)),
        (Part.NOTE, bulk.set_note("", ACTOR)),
        (Part.TAGS, bulk.tag(["after"], ["b"], ACTOR)),
        (Part.ASSIGNMENT, bulk.assign("after", ACTOR)),
        (Part.ASSIGNMENT, bulk.assign(None, ACTOR)),
    ],
)
def test_each_part_comes_back_as_it_was_and_the_timeline_grows(history: History, part: Part, deed: Deed) -> None:
    full = requests.submit(history, request(note="before", tags=("a", "b")), ACTOR)
    bare = requests.submit(history, request(email="bare@example.com"), ACTOR)
    single.assign(history, full.number, "before", ACTOR)
    numbers = (full.number, bare.number)
    before = {number: tasks.get(history, number) for number in numbers}
    changes: list[Change] = []
    perform(history, undo.noted(deed, part, changes), numbers)
    assert changes
    lengths = {number: len(timeline.of_task(history, number)) for number in numbers}
    results = perform(history, undo.take_back(part, changes, ACTOR), [change.number for change in changes])
    assert [result.refused for result in results] == [None] * len(changes)
    for change in changes:
        was, now = before[change.number], tasks.get(history, change.number)
        assert (now.note, now.tags, now.assigned_to) == (was.note, was.tags, was.assigned_to)
        assert now.revision > was.revision
        events = timeline.of_task(history, change.number)
        assert len(events) == lengths[change.number] + 1
        assert events[-1].what == "undone"
        assert (events[-1].detail or "").startswith(part)


def test_what_was_changed_since_is_left_alone(history: History) -> None:
    first = requests.submit(history, request(), ACTOR).number
    second = requests.submit(history, request(email="b@example.com"), ACTOR).number
    changes: list[Change] = []
    perform(history, undo.noted(bulk.tag(["vip"], [], ACTOR), Part.TAGS, changes), [first, second])
    single.set_tags(history, first, ("vip", "phone"), "bob")
    results = perform(history, undo.take_back(Part.TAGS, changes, ACTOR), [first, second])
    assert "changed since" in (results[0].refused or "")
    assert tasks.get(history, first).tags == ("vip", "phone")
    assert tasks.get(history, second).tags == ()


def test_a_deed_that_changes_nothing_leaves_nothing_to_take_back(history: History) -> None:
    number = requests.submit(history, request(tags=("vip",)), ACTOR).number
    changes: list[Change] = []
    perform(history, undo.noted(bulk.tag(["VIP"], [], ACTOR), Part.TAGS, changes), [number])
    assert changes == []
