"""The filter language: what it takes, what it refuses, and where it points."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.domain.filter import (
    LONGEST_FILTER,
    AnyCondition,
    Condition,
    DayCondition,
    DurationCondition,
    Filter,
    FilterError,
    TextCondition,
    ValueCondition,
    joined,
    parse,
)
from bwp_tui.domain.filter_fields import CONDITIONS_BY_STATE, FIELDS
from bwp_tui.domain.views import VIEWS, View


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("", ()),
        ("   \t\n ", ()),
        ("jane", (TextCondition("jane"),)),
        ("-jane", (TextCondition("jane", negated=True),)),
        ('"left message"', (TextCondition("left message"),)),
        ('"left message', (TextCondition("left message"),)),  # as typed, before the closing quote
        ("jane doe", (TextCondition("jane"), TextCondition("doe"))),
        ("12:30", (TextCondition("12:30"),)),
        ("jane@example.com", (TextCondition("jane@example.com"),)),
        ("status:failed", (ValueCondition("status", ("FAILED",)),)),
        ("status=failed", (ValueCondition("status", ("FAILED",)),)),
        ("STATUS:failed", (ValueCondition("status", ("FAILED",)),)),
        ("status:failed,on_hold", (ValueCondition("status", ("FAILED", "ON_HOLD")),)),
        ("status:on-hold", (ValueCondition("status", ("ON_HOLD",)),)),
        ("status:fai", (ValueCondition("status", ("FAILED",)),)),
        ("status:SUSPENDED", (ValueCondition("status", ("SUSPENDED",)),)),
        ("-status:failed", (ValueCondition("status", ("FAILED",), negated=True),)),
        ("kind:deletion", (ValueCondition("kind", ("DELETION",)),)),
        ("kind:r", (ValueCondition("kind", ("RETRIEVAL",)),)),
        ("is:ready,failed", (ValueCondition("is", ("ready", "failed")),)),
        ("regulation:gdpr", (ValueCondition("regulation", ("eu-gdpr", "gdpr")),)),
        ("regulation:us_ca,ccpa", (ValueCondition("regulation", ("us-ca", "ccpa")),)),
        ("regulation:us-tx", (ValueCondition("regulation", ("us-tx",)),)),
        ('regulation:Texas,"New Jersey"', (ValueCondition("regulation", ("us-tx", "us-nj")),)),
        ("error:ORDERS_NOT_CLOSED", (ValueCondition("error", ("ORDERS_NOT_CLOSED",)),)),
        ("tag:vip,eu", (ValueCondition("tag", ("vip", "eu")),)),
        ('-note:"left message"', (ValueCondition("note", ("left message",), negated=True),)),
        ('note:"a,b",c', (ValueCondition("note", ("a,b", "c")),)),
        ("id:3556a10a", (ValueCondition("id", ("3556a10a",)),)),
        ("email:jane", (ValueCondition("email", ("jane",)),)),
        ("age>2d", (DurationCondition("age", ">", 172_800),)),
        ("age<=90m", (DurationCondition("age", "<=", 5_400),)),
        ("age:1w", (DurationCondition("age", ">=", 604_800),)),
        ("-age<30s", (DurationCondition("age", "<", 30, negated=True),)),
        ("due<7d", (DayCondition("due", "<", 7),)),
        ("due:7d", (DayCondition("due", "<=", 7),)),
        ("due>=1w", (DayCondition("due", ">=", 7),)),
        ("due:today", (DayCondition("due", "=", 0),)),
        ("due<tomorrow", (DayCondition("due", "<", 1),)),
        ("due:over", (DayCondition("due", "<", 0, open_only=True),)),
        ("due<0d", (DayCondition("due", "<", 0),)),
        ("due:none", (DayCondition("due", "=", None),)),
        ("-due:none", (DayCondition("due", "=", None, negated=True),)),
        ("due:2026-12-31", (DayCondition("due", "=", date(2026, 12, 31)),)),
        ("due<2026-12-31", (DayCondition("due", "<", date(2026, 12, 31)),)),
        ("ack<3d", (DayCondition("ack", "<", 3),)),
        ("ack:over", (DayCondition("ack", "<", 0, open_only=True),)),
        ("-ack:pending", (DayCondition("ack", "=", None, negated=True),)),
        ("ack<=2026-12-31", (DayCondition("ack", "<=", date(2026, 12, 31)),)),
        ("received<30d", (DayCondition("received", ">", -30),)),
        ("received>=mon", (DayCondition("received", ">=", "mon"),)),
        ("due:+3", (DayCondition("due", "=", "+3"),)),
        ("answered:-3", (DayCondition("answered", "=", "-3"),)),
        ("received:1w", (DayCondition("received", ">=", -7),)),
        ("received>=2026-11-01", (DayCondition("received", ">=", date(2026, 11, 1)),)),
        ("received:yesterday", (DayCondition("received", "=", -1),)),
        ("submitted<today", (DayCondition("submitted", "<", 0),)),
        ("submitted>2026-11-01", (DayCondition("submitted", ">", date(2026, 11, 1)),)),
        ("submitted<5h", (DurationCondition("submitted", "<", 18_000),)),
        ("submitted:2d", (DurationCondition("submitted", "<=", 172_800),)),
        ("assigned:jane,none", (ValueCondition("assigned", ("jane", "none")),)),
        ("verified:y", (ValueCondition("verified", ("yes",)),)),
        ("-extended:yes", (ValueCondition("extended", ("yes",), negated=True),)),
        ("updated<7d", (DurationCondition("updated", "<", 604_800),)),
        ("finished:none", (DayCondition("finished", "=", None),)),
        ("holding:5d", (DurationCondition("holding", "=", 432_000),)),
        ("done_by<7d", (DayCondition("done_by", "<", 7),)),
        ("order_no:7", (TextCondition("order_no:7"),)),
        ("a or b", (AnyCondition((Filter((TextCondition("a"),)), Filter((TextCondition("b"),)))),)),
        (
            "a b OR c",
            (AnyCondition((Filter((TextCondition("a"), TextCondition("b"))), Filter((TextCondition("c"),)))),),
        ),
        (
            "a (b or c)",
            (TextCondition("a"), AnyCondition((Filter((TextCondition("b"),)), Filter((TextCondition("c"),))))),
        ),
        ("(a b)", (TextCondition("a"), TextCondition("b"))),
        ("( ( a ) b", (TextCondition("a"), TextCondition("b"))),  # as typed, before the closing parenthesis
        ("-(a b)", (AnyCondition((Filter((TextCondition("a"), TextCondition("b"))),), negated=True),)),
        ("(kind:r)", (ValueCondition("kind", ("RETRIEVAL",)),)),
        ('(note:"a)" -x)', (ValueCondition("note", ("a)",)), TextCondition("x", negated=True))),
        ('"or" "(a"', (TextCondition("or"), TextCondition("(a"))),
        ("a(b) c) note:(d)", (TextCondition("a(b)"), TextCondition("c)"), ValueCondition("note", ("(d)",)))),
        ("oracle", (TextCondition("oracle"),)),
        (
            "status:failed age>2d jane",
            (ValueCondition("status", ("FAILED",)), DurationCondition("age", ">", 172_800), TextCondition("jane")),
        ),
    ],
)
def test_a_filter_means_its_conditions(text: str, conditions: tuple[Condition, ...]) -> None:
    assert parse(text) == Filter(conditions)


@pytest.mark.parametrize(
    ("text", "under", "suggestion"),
    [
        ("subject:jane", "subject", "email"),
        ("jane statsu:failed", "statsu", "status"),
        ("status:faild", "faild", "failed"),
        ("status:failed,on_hodl", "on_hodl", "on_hold"),
        ("status:c", "c", None),  # completed and cancelled both begin with it
        ("kind:deletoin", "deletoin", "deletion"),
        ("is:raedy", "raedy", "ready"),
        ("is:unansered", "unansered", "unanswered"),
        ("jane is:answered", "is:answered", "-answered:none"),
        ("jane (-is:Answered or tag:vip)", "-is:Answered", "answered:none"),
        ("is:answerd", "answerd", None),  # not its opposite
        ("is:active,answered", "answered", None),
        ("status:confirmed", "confirmed", None),
        ("is:unactive", "unactive", None),
        ("is:received", "is:received", "status:received"),
        ("-is:deletion", "-is:deletion", "-kind:deletion"),
        ("is:overdue", "is:overdue", "due:over"),
        ("is:hold", "is:hold", "status:on_hold"),
        ("reg:us-ca", "reg", "regulation"),
        ("law:us-ca", "law", "regulation"),
        ("regulation:gpdr", "gpdr", "gdpr"),
        ("regulation:californa", "californa", "california"),
        ("xyzzy:1", "xyzzy", None),
        ("status>failed", ">", None),
        ("status:", "status:", None),
        ("status:,", "status:,", None),
        ('note:""', 'note:""', None),
        ("-", "-", None),
        ("jane -", "-", None),
        ('""', '""', None),
        ("age>2", "2", None),
        ("age>two", "two", None),
        ("age:1d,2d", "1d,2d", None),
        ("age>99999w", "99999w", None),
        ("due<999999999d", "999999999d", None),
        ("due:tomorow", "tomorow", "tomorrow"),
        ("due<2026-02-30", "2026-02-30", None),
        ("ack:pendign", "pendign", "pending"),
        ("received:yesterda", "yesterda", "yesterday"),
        ("submitted>soon", "soon", None),
        ("received<2026-01-01,2026-02-01", "2026-01-01,2026-02-01", None),
        ("verified:perhaps", "perhaps", None),
        ("assigned>jane", ">", None),
        ("or a", "or", '"or"'),
        ("a or", "or", None),
        ("a or or b", "or", '"or"'),
        ("(a or) b", "or)", None),
        ("a () b", "()", None),
        ("holding>5", "5", None),
        ("(" * 21, "(" * 21, None),
        ("jane\u202e", "\u202e", None),
        ("tag:\udcff", "\udcff", None),
        ("\x1b[31m", "\x1b", None),
    ],
)
def test_a_mistake_is_shown_under_the_word_with_the_nearest_valid_one(
    text: str, under: str, suggestion: str | None
) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert text[caught.value.start : caught.value.end] == under
    assert caught.value.suggestion == suggestion
    assert (f"“{suggestion}”" in str(caught.value)) == (suggestion is not None)


@pytest.mark.parametrize("condition", CONDITIONS_BY_STATE.values())
def test_a_condition_that_is_proposed_for_a_state_is_a_filter(condition: str) -> None:
    assert parse(condition, is_whole=True).conditions


def test_a_filter_too_long_for_the_register_is_refused_and_the_longest_is_not() -> None:
    assert len(parse("a " * (LONGEST_FILTER // 2)).conditions) == LONGEST_FILTER // 2
    with pytest.raises(FilterError) as caught:
        parse("a" * (LONGEST_FILTER + 1))
    assert (caught.value.start, caught.value.end) == (LONGEST_FILTER, LONGEST_FILTER + 1)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_built_in_views_are_filters(view: View) -> None:
    assert bool(parse(view.filter).conditions) == (view.name != "all")


_PIECES = st.sampled_from(
    [
        *FIELDS,
        *'-:<>=," ()',
        " or ",
        "<=",
        ">=",
        "failed",
        "on_hold",
        "2d",
        "9999w",
        "today",
        "none",
        "2026-12-31",
        "jane",
        "é",
        "٣d",
    ]
)


@given(st.lists(_PIECES, max_size=12).map("".join) | st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_text_is_a_filter_or_a_mistake_within_it(text: str) -> None:
    error = _mistake_in(text)
    if error is not None:
        assert 0 <= error.start < error.end <= len(text)
        assert str(error)


def _mistake_in(text: str) -> FilterError | None:
    try:
        parsed = parse(text)
    except FilterError as error:
        return error
    assert all(not isinstance(condition, ValueCondition) or condition.values for condition in parsed.conditions)
    return None


def test_a_short_name_of_a_view_shows_where_it_is_cut() -> None:
    assert [View(name, "").short_name for name in ("Smith", "lawyer cases", "failed")] == ["Smith", "lawy…", "fail"]


_WORDS = st.lists(
    st.sampled_from(["jane", "-b", "status:failed", "-age>2d", 'note:"a b"', "due:mon", "a(b)", "note:(x)", "is:open"]),
    min_size=1,
    max_size=4,
)


@given(_WORDS, _WORDS)
def test_conditions_without_or_and_parentheses_are_read_one_by_one(some: list[str], others: list[str]) -> None:
    """Whatever was saved before there were groups means what it meant."""
    first, second = (Filter(tuple(parse(word).conditions[0] for word in words)) for words in (some, others))
    assert parse(" ".join(some)) == parse(f"({' '.join(some)})") == first
    assert parse(" ".join((*some, "or", *others))) == Filter((AnyCondition((first, second)),))
    assert parse(f"-( {' '.join(some)} or {' '.join(others)} )") == Filter(
        (AnyCondition((first, second), negated=True),)
    )


@pytest.mark.parametrize("second", ["is:open", "jane OR bob", 'note:"a or b"', ""])
@pytest.mark.parametrize("first", ["", "is:failed kind:deletion", "is:failed or (jane or -(bob or eve))"])
def test_two_joined_filters_both_hold(first: str, second: str) -> None:
    assert parse(joined(first, second)) == Filter((*parse(first).conditions, *parse(second).conditions))


@given(_WORDS, _WORDS)
def test_the_word_and_changes_nothing(some: list[str], others: list[str]) -> None:
    assert parse(" ".join((*some, "and", *others))) == parse(" ".join((*some, *others)))


@pytest.mark.parametrize("text", ["and is:failed", "is:failed or and jane", "(and jane)"])
def test_a_condition_missing_before_and_is_a_mistake_at_that_word(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert text[caught.value.start : caught.value.end] == "and"
    assert parse(f"jane {caught.value.suggestion}") == Filter((TextCondition("jane"), TextCondition("and")))


@pytest.mark.parametrize(
    ("text", "marked"),
    [("(is:failed", "("), ("((is:failed)", "("), ("-(is:failed kind:deletion", "-("), ('note:"again', '"')],
)
def test_what_is_not_closed_is_a_mistake_once_nothing_more_is_typed(text: str, marked: str) -> None:
    parse(text)
    with pytest.raises(FilterError) as caught:
        parse(text, is_whole=True)
    assert text[caught.value.start : caught.value.end] == marked
    assert parse(text + ('"' if marked == '"' else ")"), is_whole=True) == parse(text)
