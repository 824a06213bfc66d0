from __future__ import annotations

import pytest

from bwp_tui.domain.text import ASCII_FORMS, to_ascii


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("q•••@example.com  bp-c550… ── ● ○ ▲", "q***@example.com  bp-c550~ -- * o !"),
        ("┌─┐│╰", "+-+|+"),
        ("Zoë", "Zo?"),
        ("漢字", "????"),  # two columns each
        ("e\u0301", "e"),
        ("plain", "plain"),
    ],
)
def test_what_is_shown_without_utf_8_is_ascii_and_as_wide(text: str, shown: str) -> None:
    assert to_ascii(text) == shown


def test_each_sign_is_replaced_by_one_character_of_ascii() -> None:
    assert all(len(to_ascii(chr(code))) == 1 and to_ascii(chr(code)).isascii() for code in ASCII_FORMS)
