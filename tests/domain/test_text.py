"""Foreign text made safe."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bwp_tui.domain.text import LONGEST_TEXT, clean, clean_line, mask_email, nearest, to_ascii, unsafe_at

FOREIGN = st.text(st.characters(exclude_categories=()), max_size=80)
JOINED = st.text(st.sampled_from("a1👩💻❤🏽می क\u200c\u200d\ufe0f\u20e3\u2066"), max_size=40)
HIDDEN = st.text(st.sampled_from("a \t\r\n\x00\x1b\x9b\u200b\u202e\u2066\ufeff\ud800\U000e0041"), max_size=80)

_VISIBLE_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Format characters that have a shape of their own: number signs of several scripts."""


def _is_hidden(character: str) -> bool:
    category = unicodedata.category(character)
    egyptian = "\U00013430" <= character <= "\U00013455"  # they join hieroglyphs, and steer nothing else
    if category == "Cf":
        return character not in _VISIBLE_FORMATS and character not in "\u200c\u200d" and not egyptian
    return category in ("Cs", "Zl", "Zp") or (category == "Cc" and character != "\n")


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x00b", "a\\x00b"),
        ("a\rb", "a\\x0db"),
        ("a\x08b\x7f", "a\\x08b\\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066a\u2069", "\\u2066a\\u2069"),
        ("a\u200bb\u200d", "a\\u200bb\\u200d"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("\ufeffa", "\\ufeffa"),
        ("a\u00adb\u034f\u061c", "a\\xadb\\u034f\\u061c"),
        ("\u3164\uffa0\u115f", "\\u3164\\uffa0\\u115f"),
        ("\u180b\u180e", "\\u180b\\u180e"),
        ("a\ufe0f", "a\\ufe0f"),
        ("1\ufe0f", "1\\ufe0f"),
        ("ad\u200dmin", "ad\\u200dmin"),
        ("👩\u200d", "👩\\u200d"),
        ("a\ufe0f\u200d👩", "a\\ufe0f\\u200d👩"),
        ("👩\u200d\u2066", "👩\\u200d\\u2066"),
        ("می\u200c", "می\\u200c"),
        ("a\ufff9b", "a\\ufff9b"),
        ("\ud800x\udfff", "\\ud800x\\udfff"),
        ("\U000e0041\U000e0100", "\\U000e0041\\U000e0100"),
        ("\U0001d173\U0001bca0", "\\U0001d173\\U0001bca0"),
    ],
)
def test_what_steers_or_hides_is_written_as_an_escape(foreign: str, shown: str) -> None:
    assert clean(foreign) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("jane@example.com", "Zoë Ünal", "日本語", "שלום", "مرحبا", "🎁", "a\nb", "[/nope]"),
        *("👩\u200d💻", "❤\ufe0f", "❤\ufe0f\u200d🔥", "👩🏽\u200d💻", "1\ufe0f\u20e3", "می\u200cرود", "क्\u200dष"),
    ],
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


def test_tabs_become_spaces_and_line_ends_become_newlines() -> None:
    assert clean("a\tb\r\nc") == "a    b\nc"


@given(FOREIGN | HIDDEN)
def test_clean_text_holds_nothing_hidden(foreign: str) -> None:
    for text in (clean(foreign), clean_line(foreign)):
        assert [character for character in text if _is_hidden(character)] == []
        assert "\t" not in text
        text.encode("utf-8")


@given(FOREIGN | HIDDEN | JOINED)
@example("👩\u200d" * LONGEST_TEXT)
@example("x" + "👩\u200d" * LONGEST_TEXT)
@example("\x00" * LONGEST_TEXT)
@example("a" * (LONGEST_TEXT + 1))
@example("\t" * LONGEST_TEXT)
@example("\r" * 5 + "\n")
def test_cleaning_twice_is_cleaning_once(foreign: str) -> None:
    assert clean(clean(foreign)) == clean(foreign)
    assert clean_line(clean_line(foreign)) == clean_line(foreign)


@given(st.sampled_from(["a", "\x00", "\U000e0041", "\t", "é"]), st.integers(LONGEST_TEXT - 2, LONGEST_TEXT * 3))
def test_no_text_is_longer_than_the_bound_and_its_ellipsis(character: str, count: int) -> None:
    text = clean(character * count)
    assert len(text) <= LONGEST_TEXT + 1
    assert (len(text) == LONGEST_TEXT + 1) == text.endswith("…")


@given(FOREIGN | HIDDEN)
def test_a_line_has_no_line_breaks_and_no_blanks_beside_blanks(foreign: str) -> None:
    line = clean_line(foreign)
    assert line == " ".join(line.split())
    assert len(line.splitlines()) <= 1


@given(FOREIGN | HIDDEN)
def test_the_first_unsafe_character_is_the_first_that_cleaning_escapes(foreign: str) -> None:
    at = unsafe_at(foreign)
    if at is None:
        assert clean(foreign) == foreign.replace("\t", "    ")
    else:
        assert foreign[at] == "\r" or _is_hidden(foreign[at]) or clean(foreign[at]) != foreign[at]
        assert unsafe_at(foreign[:at]) is None


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("jane@example.com", "j•••@example.com"),
        ("j@example.com", "j•••@example.com"),
        ("a@b@example.com", "a•••@example.com"),
        ("nonsense", "n•••"),
        ("", "•••"),
    ],
)
def test_a_masked_address_shows_its_first_letter_and_its_host(email: str, masked: str) -> None:
    assert mask_email(email) == masked


@given(st.text(st.characters(categories=["L", "N"]), min_size=2, max_size=40))
def test_a_masked_address_tells_nothing_of_the_length_of_the_name(local: str) -> None:
    assert len(mask_email(f"{local}@example.com")) == len("j•••@example.com")


def test_the_nearest_word_is_found_whatever_its_case_and_none_where_none_is_near() -> None:
    assert nearest("STATSU", ("status", "kind")) == "status"
    assert nearest("zzzz", ("status", "kind")) is None


def test_the_full_part_of_a_bar_differs_from_the_empty_one_in_ascii() -> None:
    assert to_ascii("━━╸──") == "##=--"
