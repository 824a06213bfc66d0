from __future__ import annotations

import pytest

from bwp_tui.domain.text import SIGNS, plain


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
    assert plain(text) == shown


def test_each_sign_is_replaced_by_one_character_of_ascii() -> None:
    assert all(len(plain(chr(code))) == 1 and plain(chr(code)).isascii() for code in SIGNS)
