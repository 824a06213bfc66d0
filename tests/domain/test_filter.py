"""The filter language: what it takes, what it refuses, and where it points."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.domain.filter import (
    LONGEST_FILTER,
    VIEWS,
    AnyClause,
    Clause,
    DayClause,
    DurationClause,
    Filter,
    FilterError,
    TextClause,
    ValueClause,
    View,
    parse,
)
from bwp_tui.domain.filter_fields import FIELDS


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("", ()),
        ("   \t\n ", ()),
        ("jane", (TextClause("jane"),)),
        ("-jane", (TextClause("jane", negated=True),)),
        ('"left message"', (TextClause("left message"),)),
        ('"left message', (TextClause("left message"),)),  # as typed, before the closing quote
        ("jane doe", (TextClause("jane"), TextClause("doe"))),
        ("12:30", (TextClause("12:30"),)),
        ("jane@example.com", (TextClause("jane@example.com"),)),
        ("status:failed", (ValueClause("status", ("FAILED",)),)),
        ("status=failed", (ValueClause("status", ("FAILED",)),)),
        ("STATUS:failed", (ValueClause("status", ("FAILED",)),)),
        ("status:failed,on_hold", (ValueClause("status", ("FAILED", "ON_HOLD")),)),
        ("status:on-hold", (ValueClause("status", ("ON_HOLD",)),)),
        ("status:fai", (ValueClause("status", ("FAILED",)),)),
        ("status:SUSPENDED", (ValueClause("status", ("SUSPENDED",)),)),
        ("-status:failed", (ValueClause("status", ("FAILED",), negated=True),)),
        ("kind:deletion", (ValueClause("kind", ("DELETION",)),)),
        ("kind:r", (ValueClause("kind", ("RETRIEVAL",)),)),
        ("is:ready,failed", (ValueClause("is", ("ready", "failed")),)),
        ("regulation:gdpr", (ValueClause("regulation", ("eu-gdpr", "gdpr")),)),
        ("regulation:us_ca,ccpa", (ValueClause("regulation", ("us-ca", "ccpa")),)),
        ("regulation:us-tx", (ValueClause("regulation", ("us-tx",)),)),
        ("error:ORDERS_NOT_CLOSED", (ValueClause("error", ("ORDERS_NOT_CLOSED",)),)),
        ("tag:vip,eu", (ValueClause("tag", ("vip", "eu")),)),
        ('-note:"left message"', (ValueClause("note", ("left message",), negated=True),)),
        ('note:"a,b",c', (ValueClause("note", ("a,b", "c")),)),
        ("id:3556a10a", (ValueClause("id", ("3556a10a",)),)),
        ("email:jane", (ValueClause("email", ("jane",)),)),
        ("age>2d", (DurationClause("age", ">", 172_800),)),
        ("age<=90m", (DurationClause("age", "<=", 5_400),)),
        ("age:1w", (DurationClause("age", ">=", 604_800),)),
        ("-age<30s", (DurationClause("age", "<", 30, negated=True),)),
        ("due<7d", (DayClause("due", "<", 7),)),
        ("due:7d", (DayClause("due", "<=", 7),)),
        ("due>=1w", (DayClause("due", ">=", 7),)),
        ("due:today", (DayClause("due", "=", 0),)),
        ("due<tomorrow", (DayClause("due", "<", 1),)),
        ("due:over", (DayClause("due", "<", 0, open_only=True),)),
        ("due<0d", (DayClause("due", "<", 0),)),
        ("due:none", (DayClause("due", "=", None),)),
        ("-due:none", (DayClause("due", "=", None, negated=True),)),
        ("due:2026-12-31", (DayClause("due", "=", date(2026, 12, 31)),)),
        ("due<2026-12-31", (DayClause("due", "<", date(2026, 12, 31)),)),
        ("ack<3d", (DayClause("ack", "<", 3),)),
        ("ack:over", (DayClause("ack", "<", 0, open_only=True),)),
        ("-ack:pending", (DayClause("ack", "=", None, negated=True),)),
        ("ack<=2026-12-31", (DayClause("ack", "<=", date(2026, 12, 31)),)),
        ("received<30d", (DayClause("received", ">", -30),)),
        ("received>=mon", (DayClause("received", ">=", "mon"),)),
        ("due:+3", (DayClause("due", "=", "+3"),)),
        ("answered:-3", (DayClause("answered", "=", "-3"),)),
        ("received:1w", (DayClause("received", ">=", -7),)),
        ("received>=2026-11-01", (DayClause("received", ">=", date(2026, 11, 1)),)),
        ("received:yesterday", (DayClause("received", "=", -1),)),
        ("submitted<today", (DayClause("submitted", "<", 0),)),
        ("submitted>2026-11-01", (DayClause("submitted", ">", date(2026, 11, 1)),)),
        ("submitted<5h", (DurationClause("submitted", "<", 18_000),)),
        ("submitted:2d", (DurationClause("submitted", "<=", 172_800),)),
        ("assigned:jane,none", (ValueClause("assigned", ("jane", "none")),)),
        ("verified:y", (ValueClause("verified", ("yes",)),)),
        ("-extended:yes", (ValueClause("extended", ("yes",), negated=True),)),
        ("updated<7d", (DurationClause("updated", "<", 604_800),)),
        ("finished:none", (DayClause("finished", "=", None),)),
        ("holding:5d", (DurationClause("holding", "=", 432_000),)),
        ("done_by<7d", (DayClause("done_by", "<", 7),)),
        ("order_no:7", (TextClause("order_no:7"),)),
        ("a or b", (AnyClause((Filter((TextClause("a"),)), Filter((TextClause("b"),)))),)),
        ("a b OR c", (AnyClause((Filter((TextClause("a"), TextClause("b"))), Filter((TextClause("c"),)))),)),
        ("a (b or c)", (TextClause("a"), AnyClause((Filter((TextClause("b"),)), Filter((TextClause("c"),)))))),
        ("(a b)", (TextClause("a"), TextClause("b"))),
        ("( ( a ) b", (TextClause("a"), TextClause("b"))),  # as typed, before the closing parenthesis
        ("-(a b)", (AnyClause((Filter((TextClause("a"), TextClause("b"))),), negated=True),)),
        ("(kind:r)", (ValueClause("kind", ("RETRIEVAL",)),)),
        ('(note:"a)" -x)', (ValueClause("note", ("a)",)), TextClause("x", negated=True))),
        ('"or" "(a"', (TextClause("or"), TextClause("(a"))),
        ("a(b) c) note:(d)", (TextClause("a(b)"), TextClause("c)"), ValueClause("note", ("(d)",)))),
        ("oracle", (TextClause("oracle"),)),
        (
            "status:failed age>2d jane",
            (ValueClause("status", ("FAILED",)), DurationClause("age", ">", 172_800), TextClause("jane")),
        ),
    ],
)
def test_a_filter_means_its_clauses(text: str, clauses: tuple[Clause, ...]) -> None:
    assert parse(text) == Filter(clauses)


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
        ("regulation:gpdr", "gpdr", "gdpr"),
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


def test_a_filter_too_long_for_the_register_is_refused_and_the_longest_is_not() -> None:
    assert len(parse("a " * (LONGEST_FILTER // 2)).clauses) == LONGEST_FILTER // 2
    with pytest.raises(FilterError) as caught:
        parse("a" * (LONGEST_FILTER + 1))
    assert (caught.value.start, caught.value.end) == (LONGEST_FILTER, LONGEST_FILTER + 1)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_built_in_views_are_filters(view: View) -> None:
    assert bool(parse(view.filter).clauses) == (view.name != "all")


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
    assert all(not isinstance(clause, ValueClause) or clause.values for clause in parsed.clauses)
    return None


def test_a_short_name_of_a_view_shows_where_it_is_cut() -> None:
    assert [View(name, "").short_name for name in ("Smith", "lawyer cases", "failed")] == ["Smith", "lawy…", "fail"]


_WORDS = st.lists(
    st.sampled_from(["jane", "-b", "status:failed", "-age>2d", 'note:"a b"', "due:mon", "a(b)", "note:(x)", "is:open"]),
    min_size=1,
    max_size=4,
)


@given(_WORDS, _WORDS)
def test_clauses_without_or_and_parentheses_are_read_one_by_one(some: list[str], others: list[str]) -> None:
    """Whatever was saved before there were groups means what it meant."""
    first, second = (Filter(tuple(parse(word).clauses[0] for word in words)) for words in (some, others))
    assert parse(" ".join(some)) == parse(f"({' '.join(some)})") == first
    assert parse(" ".join((*some, "or", *others))) == Filter((AnyClause((first, second)),))
    assert parse(f"-( {' '.join(some)} or {' '.join(others)} )") == Filter((AnyClause((first, second), negated=True),))


@given(_WORDS, _WORDS)
def test_the_word_and_changes_nothing(some: list[str], others: list[str]) -> None:
    assert parse(" ".join((*some, "and", *others))) == parse(" ".join((*some, *others)))


@pytest.mark.parametrize("text", ["and is:failed", "is:failed or and jane", "(and jane)"])
def test_a_condition_missing_before_and_is_a_mistake_at_that_word(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert text[caught.value.start : caught.value.end] == "and"
    assert parse(f"jane {caught.value.suggestion}") == Filter((TextClause("jane"), TextClause("and")))


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
