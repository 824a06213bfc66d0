"""Completion in a filter, and what of a task it highlights."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.domain.filter import FILTER_WORD, OR, FilterError, complete, highlight_spans, highlighted_texts, parse
from bwp_tui.domain.filter_fields import FIELDS

TAGS = ("vip", "left message", "phone", 'say "hi"')


def _offered(marked: str) -> list[str]:
    """What the text becomes with each completion, the cursor being at `|`."""
    cursor = marked.index("|")
    text = marked.replace("|", "")
    return [text[:start] + insert + text[end:] for start, end, insert in complete(text, cursor, TAGS)]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("st|", ["status:"]),
        ("-st|", ["-status:"]),
        ("jane re|", ["jane regulation:", "jane received<"]),
        ("RE|", ["regulation:", "received<"]),
        ("status:f|", ["status:failed"]),
        ("status:fai|led", ["status:failed"]),
        ("status:failed,on|", ["status:failed,on_hold"]),
        ("status:failed,on| kind:retrieval", ["status:failed,on_hold kind:retrieval"]),
        ("-kind:|", ["-kind:retrieval", "-kind:deletion"]),
        ("KIND:d|", ["KIND:deletion"]),
        ("tag:l|", ['tag:"left message"']),
        ('tag:"le|', ['tag:"left message"']),
        ("tag:vip,p|", ["tag:vip,phone"]),
        ("error:ord|", ["error:ORDERS_NOT_CLOSED"]),
        ("assigned:|", ["assigned:none"]),
        ("verified:|", ["verified:yes", "verified:no"]),
        ("due:to|", ["due:today", "due:tomorrow"]),
        ("ack<=p|", ["ack<=pending"]),
        ("submitted>y|", ["submitted>yesterday"]),
        ("(st|", ["(status:"]),
        ("-(is:failed due:to|)", ["-(is:failed due:today)", "-(is:failed due:tomorrow)"]),
        ("is:failed o|", ["is:failed or"]),
        ("note:l|", []),
        ("tag:say|", []),
        ("xyzzy:1|", []),
        ("jane@|", []),
        ('"st|', []),
        ("st|atus:failed", []),
    ],
)
def test_what_is_offered_becomes_the_rest_of_the_word(typed: str, offered: list[str]) -> None:
    assert _offered(typed) == offered


def test_every_field_is_offered_where_a_word_begins() -> None:
    for typed in ("", "jane ", "-"):
        found = complete(typed, len(typed), TAGS)
        assert [insert.rstrip(":<>") for _, _, insert in found] == list(FIELDS)


@given(
    st.lists(st.sampled_from([*FIELDS, *':<>=," -()', " or ", "fai", "jane", "é", "vip", "\t"]), max_size=10).map(
        "".join
    ),
    st.integers(0, 60),
)
def test_any_text_can_be_completed_and_a_value_offered_is_one_the_grammar_takes(text: str, at: int) -> None:
    cursor = min(at, len(text))
    for start, end, insert in complete(text, cursor, TAGS):
        assert 0 <= start <= cursor <= end <= len(text)
        if insert[-1] not in ":<>" and insert != OR:
            field = next(match["field"] for match in FILTER_WORD.finditer(text, 0, cursor) if match.end() == cursor)
            parse(f"{field}{FIELDS[field].operator}{insert}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("jane status:failed -bob", ("jane",)),
        ('note:"left message",called -note:x tag:vip', ("left message", "called", "vip")),
        ('id:3556 email:"@example.com"', ("3556", "@example.com")),
        ("jane jane", ("jane",)),
    ],
)
def test_what_is_looked_for_is_highlighted_and_what_is_excluded_is_not(text: str, words: tuple[str, ...]) -> None:
    assert highlighted_texts(parse(text)) == words


def test_the_places_of_words_are_told_in_order_and_without_overlaps() -> None:
    assert highlight_spans("Jane Janet", ("jane", "anet", "e")) == ((0, 4), (5, 10))
    assert highlight_spans("a.c abc", ("a.c",)) == ((0, 3),)
    assert highlight_spans("jane", ("bob", "")) == ()


def test_a_wrong_filter_is_no_reason_to_offer_nothing() -> None:
    with pytest.raises(FilterError):
        parse("xyzzy:1 sta")
    assert _offered("xyzzy:1 sta|") == ["xyzzy:1 status:"]
