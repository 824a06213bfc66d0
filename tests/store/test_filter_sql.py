"""Filters on a real history, judged by a second reading of the same filters on the tasks themselves."""

from __future__ import annotations

import operator
import string
from array import array
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.domain.deadlines import acknowledgement_deadline, latest_service_end
from bwp_tui.domain.filter import (
    LONGEST_FILTER,
    AnyCondition,
    Condition,
    DayCondition,
    DurationCondition,
    TextCondition,
    ValueCondition,
    parse,
)
from bwp_tui.domain.filter_fields import FIELDS, NOBODY, FieldSpec, Match
from bwp_tui.domain.statuses import FINAL_STATUSES, WITHHELD_STATUSES, Status
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Kind, Task, TaskError, Verification
from bwp_tui.domain.times import DAY, local_day, typed_day
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads, intent_outcomes, poll_responses
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.support import ACTOR, NOW, SOON, TODAY, answer, in_status, request, sent

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
_FAILED = (Status.FAILED, Status.REJECTED, Status.MISSING, Status.UNCONFIRMED)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A history with a task of every status and some with notes, tags, errors and downloads."""
    clock = ManualClock(NOW - timedelta(days=14))
    store = open_store(tmp_path_factory.mktemp("search") / "profile" / "history.db", clock=clock)
    for place, status in enumerate(Status):
        kind = Kind.DELETION if status in (Status.ON_HOLD, Status.CANCELLED) else Kind.RETRIEVAL
        in_status(store, status, kind, f"{place:04x}A10a-{status}")
        clock.advance(hours=25)
    _plant_details(store)
    clock.now = NOW
    yield store
    store.close()


def _plant_details(store: Store) -> None:
    failed = _by_status(store, Status.FAILED)
    errors = (TaskError("ORDERS_NOT_CLOSED", "open"), TaskError(None, "?"))
    single.answered(
        store,
        failed.number,
        poll_responses.PollResponse("FAILED", failed.submitted_at, None, None, None, errors),
        SOON,
    )
    for number in (2, 5, 7):
        single.assign(store, number, "Jane D_e", ACTOR)
        single.verify(store, number, Verification(TODAY, ACTOR, "order details"), ACTOR)
    requests.resubmit(store, failed.number, ACTOR)
    for note, tags, email, regulation in (
        ("Left Message, 50% off_now", ("VIP", "eu"), "100%.real_one@example.com", "none"),
        ("back\\slash “quoted” ÉTÉ", ("é",), "jane@example.org", "ccpa"),
        ("", (), "JANE@EXAMPLE.COM", "gdpr"),
    ):
        requests.submit(store, request(email=email, note=note, tags=tags, regulation=regulation), ACTOR)
    for days in range(0, 40, 3):
        asked = request(regulation="ccpa")._replace(received_on=TODAY - timedelta(days=days))
        requests.submit(store, asked, ACTOR)
    single.answer(store, _by_status(store, Status.REJECTED).number, "by email", TODAY + timedelta(days=1), ACTOR)
    for number in tasks.matching_numbers(store, parse("regulation:ccpa"), today=TODAY)[:2]:
        single.acknowledge(store, number, TODAY, ACTOR)
        single.extend(store, number, "complex", TODAY, ACTOR)
    single.answered(
        store, requests.track(store, Kind.RETRIEVAL, "ffff%_", request(), ACTOR).number, answer("SUSPENDED"), SOON
    )
    saved = in_status(store, Status.COMPLETED, task_id="eeee0000")
    requests.download(store, saved.number, "/srv", ACTOR)
    (order,) = downloads.ready(store, SOON, 5)
    downloads.record_success(store, order, "/srv/a.zip", 1, "00")
    single.answer(store, saved.number, "by email", TODAY, ACTOR)
    single.inquire(store, requests.submit(store, request(regulation="uk-gdpr"), ACTOR).number, TODAY, ACTOR)
    asked = request(regulation="us-tx")._replace(awaits_verification=True)
    number = requests.submit(store, asked, ACTOR).number
    single.edit(store, number, lambda edit: decisions.decline(edit, "fraud", "told"), ACTOR, TODAY)
    single.edit(store, number, lambda edit: decisions.appeal(edit, TODAY), ACTOR, TODAY)


def _by_status(store: Store, status: Status) -> Task:
    (number, *_) = tasks.matching_numbers(store, parse(f"status:{status}"), today=TODAY)
    return tasks.get(store, number)


def _fits(task: Task, condition: Condition) -> bool:
    return _plainly_fits(task, condition) != condition.negated


def _plainly_fits(task: Task, condition: Condition) -> bool:
    match condition:
        case TextCondition(text):
            return _contains(task.email, text) or _contains(task.note, text) or _begins(task.task_id, text)
        case ValueCondition(field, values):
            return any(_has(task, FIELDS[field], value) for value in values)
        case AnyCondition(alternatives):
            return any(all(_fits(task, condition) for condition in filter.conditions) for filter in alternatives)
        case DurationCondition("holding", op, seconds):
            default = DEFAULT_HOLDING_PERIOD if task.kind is Kind.DELETION else None
            held = default if task.holding_period is None else task.holding_period
            return held is not None and bool(_COMPARE[op](held * DAY, seconds))
        case DurationCondition(field, op, seconds):
            instant = getattr(task, FIELDS[field].column)
            return instant is not None and bool(_COMPARE[op](NOW - instant, timedelta(seconds=seconds)))
        case DayCondition(field, op, bound, open_only=open_only):
            if open_only and not _is_open(task):
                return False
            return _is_on(task, FIELDS[field], op, _day(FIELDS[field], bound))


def _day(spec: FieldSpec, bound: int | date | str | None) -> date | None:
    if isinstance(bound, str):
        return typed_day(bound, TODAY, ahead=not spec.counts_back)
    return TODAY + timedelta(days=bound) if isinstance(bound, int) else bound


def _is_on(task: Task, spec: FieldSpec, op: str, bound: date | None) -> bool:
    if spec.match is Match.ACKNOWLEDGE_BY:
        day = acknowledgement_deadline(task.regulation, task.received_on)
        is_waiting = day is not None and task.acknowledged_on is None and _is_open(task)
        return is_waiting and (bound is None or day is None or bool(_COMPARE[op](day, bound)))
    value: date | None = latest_service_end(task, TODAY) if spec.match is Match.DONE_BY else getattr(task, spec.column)
    if bound is None:
        return value is None
    if isinstance(value, datetime):
        value = local_day(value)
    return value is not None and bool(_COMPARE[op](value, bound))


def _has(task: Task, spec: FieldSpec, value: str) -> bool:
    column = spec.column.replace("verified_on", "verification")
    stored = getattr(task, column) if column else None
    match spec.match:
        case Match.ONE_OF:
            return stored == value
        case Match.STATE:
            return _is(task, value)
        case Match.PRESENT:
            return (stored is not None) == (value == "yes")
        case Match.ERROR_CODE:
            return any(_same(error.code or "", value) for error in task.errors)
        case Match.TAG:
            return any(_same(tag, value) for tag in task.tags)
        case Match.NOTE:
            return _contains(task.note, value)
        case Match.BEGINS:
            return _begins(stored, value)
        case Match.CONTAINS:
            return stored is None if NOBODY in spec.values and value == NOBODY else _contains(stored or "", value)
    raise AssertionError(spec)


def _is_open(task: Task) -> bool:
    is_ended = task.status == "CANCELLED" or (task.status == "DECLINED" and not task.is_appeal_running)
    return task.resubmitted_as is None and task.answered_on is None and not is_ended


def _is_late(task: Task) -> bool:
    if task.status in FINAL_STATUSES or task.due_on is None or not _is_open(task):
        return False
    hold = 0 if task.kind == "RETRIEVAL" else 10 if task.holding_period is None else task.holding_period
    begun = local_day(task.submitted_at or NOW)
    return max(begun + timedelta(days=hold + 30), TODAY) > task.due_on


def _is(task: Task, state: str) -> bool:
    saved = task.download is not None and task.download.state == "done"
    return {
        "active": task.status not in {*FINAL_STATUSES, *WITHHELD_STATUSES},
        "open": _is_open(task),
        "ready": _is_open(task) and task.status == "COMPLETED" and task.kind == "RETRIEVAL" and not saved,
        "unanswered": _is_open(task) and task.status in FINAL_STATUSES,
        "late": _is_late(task),
        "appealed": task.is_appeal_running,
        "stopped": _is_open(task) and task.regulation == "uk-gdpr" and task.inquired_on is not None,
        "failed": _is_open(task) and task.status in _FAILED,
        "unsent": task.task_id is None,
        "unapproved": task.status == "UNAPPROVED",
        "resubmitted": task.resubmitted_as is not None,
        "duplicate": task.earlier_number is not None,
    }[state]


def _lower(text: str) -> str:
    return text.translate(_ASCII_LOWER)


def _same(one: str, other: str) -> bool:
    return _lower(one) == _lower(other)


def _contains(text: str, part: str) -> bool:
    return _lower(part) in _lower(text)


def _begins(text: str | None, part: str) -> bool:
    return text is not None and _lower(text).startswith(_lower(part))


_TEXTS = st.sampled_from(
    [
        "jane",
        "JANE@",
        "example",
        "%",
        "_",
        "\\",
        "50%",
        "off_now",
        "left message",
        "é",
        "É",
        "0001a",
        "a10a",
        "ffff%_",
        "vip",
    ]
) | st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=3).filter(lambda text: '"' not in text)
_QUOTED = _TEXTS.map(lambda text: f'"{text}"')
_TEXT_FIELDS = [spec.key for spec in FIELDS.values() if not (spec.is_closed or spec.is_compared)]
_TEXT_CONDITIONS = st.builds("{}:{}".format, st.sampled_from(_TEXT_FIELDS), _QUOTED)
_OFFERED = st.sampled_from([f"{spec.key}:{offer}" for spec in FIELDS.values() for offer in spec.suggestions])
_SETS = st.one_of(
    *(
        st.builds(
            f"{spec.key}:{{}}".format, st.lists(st.sampled_from(spec.suggestions), min_size=1, max_size=3).map(",".join)
        )
        for spec in FIELDS.values()
        if spec.is_closed
    ),
    st.sampled_from(["status:SUSPENDED,failed", "assigned:JANE", "assigned:d_e,none", "error:orders_not_closed"]),
    st.sampled_from(
        ["received<yesterday", "submitted>=yesterday", "submitted:2026-11-08", "tag:VIP,é", "due:2026-12-21"]
    ),
)
_COMPARED_FIELDS = [spec.key for spec in FIELDS.values() if spec.is_compared]
_DAY_FIELDS = [spec.key for spec in FIELDS.values() if spec.is_compared and spec.match not in (Match.AGE, Match.HOLD)]
_COMPARED = st.builds(
    "{}{}{}".format,
    st.sampled_from(_COMPARED_FIELDS),
    st.sampled_from([":", "=", "<", "<=", ">", ">="]),
    st.sampled_from(["0s", "31h", "2d", "30d", "31d", "1w", "100w"]),
) | st.builds(
    "{}{}{}".format,
    st.sampled_from(_DAY_FIELDS),
    st.sampled_from([":", "<", "<=", ">", ">="]),
    st.dates(TODAY - timedelta(days=45), TODAY + timedelta(days=45)) | st.sampled_from(["mon", "friday", "-3", "+9"]),
)
_CONDITIONS = st.builds(
    "{}{}".format, st.sampled_from(["", "-"]), st.one_of(_QUOTED, _TEXT_CONDITIONS, _OFFERED, _SETS, _COMPARED)
)

_FILTERS = st.recursive(
    st.lists(_CONDITIONS, min_size=1, max_size=4).map(" ".join),
    lambda filters: st.builds(
        "{}({} or {}) {}".format, st.sampled_from(["", "-", "-vip or "]), filters, filters, _CONDITIONS
    ),
    max_leaves=4,
)


@given(st.just("") | _FILTERS)
def test_a_filter_finds_exactly_the_tasks_that_fit_it(full: Store, text: str) -> None:
    task_filter = parse(text)
    everything = tasks.by_numbers(full, tasks.matching_numbers(full, parse(""), today=TODAY))
    expected = [
        task.number for task in everything if all(_fits(task, condition) for condition in task_filter.conditions)
    ]
    assert list(tasks.matching_numbers(full, task_filter, today=TODAY)) == expected
    assert tasks.count(full, task_filter, today=TODAY) == len(expected)
    assert [task.number for task in tasks.matching(full, task_filter, today=TODAY, limit=3)] == expected[:3]


@pytest.mark.parametrize("state", FIELDS["is"].values)
def test_every_state_fits_some_tasks_and_not_others(full: Store, state: str) -> None:
    everything = tasks.count(full, parse(""), today=TODAY)
    assert 0 < tasks.count(full, parse(f"is:{state}"), today=TODAY) < everything


@pytest.mark.parametrize("part", ["a ", "-a ", "is:ready ", "-tag:a ", "a or b ", "-(a) "])
def test_the_longest_filters_are_answered(full: Store, part: str) -> None:
    tasks.count(full, parse(part * (LONGEST_FILTER // len(part))), today=TODAY)


@pytest.mark.parametrize("field", ["status", *_TEXT_FIELDS])
def test_the_longest_lists_of_values_are_answered(full: Store, field: str) -> None:
    values = "A," * ((LONGEST_FILTER - len(field) - 1) // 2)
    assert tasks.count(full, parse(f"{field}:{values}"), today=TODAY) >= 0


def test_an_age_counts_from_the_recording_whatever_the_service_reports(store: Store, clock: ManualClock) -> None:
    number = requests.submit(store, request(), ACTOR).number
    clock.advance(hours=5)
    intent_outcomes.record_accepted(store, sent(store, number).id, "task-1", SOON)
    for submitted_at in (None, clock(), clock() - timedelta(days=40), clock() + timedelta(days=1)):
        single.answered(store, number, replace(answer("IN_PROGRESS"), submitted_at=submitted_at), SOON)
        assert tasks.get(store, number).age(clock()) == timedelta(hours=5)
        assert tasks.matching_numbers(store, parse("age>4h age<6h"), today=TODAY) == array("q", [number])


@pytest.mark.parametrize(
    "text",
    [
        *("age<5200w", "age>5200w", "due<36500d", "due>5200w", "due<0001-01-01", "due<9999-12-31"),
        *("ack<36500d", "ack<0001-01-01", "ack:0001-01-05", "ack>9999-12-31", "received>36500d"),
        *("submitted<0001-01-01", "submitted:9999-12-31", "submitted>=9999-12-31"),
    ],
)
def test_the_furthest_bounds_are_answered(full: Store, text: str) -> None:
    everything = tasks.count(full, parse(""), today=TODAY)
    fitting = tasks.count(full, parse(text), today=TODAY)
    assert fitting + tasks.count(full, parse(f"-{text}"), today=TODAY) == everything
