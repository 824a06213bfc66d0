"""The shop's own letters: read where they are sound, and refused in one sentence where they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bwp_tui.domain.letters import BUILT_IN_TEMPLATES
from bwp_tui.settings import SettingsError
from bwp_tui.settings.letter_templates import mistakes_in, read_template


def test_without_a_file_the_built_in_text_is_used(tmp_path: Path) -> None:
    for folder in (None, tmp_path, tmp_path / "absent"):
        assert read_template(folder, "extension") == (BUILT_IN_TEMPLATES["extension"], None)
    assert mistakes_in(tmp_path / "absent") == ()


def test_a_file_replaces_the_built_in_text(tmp_path: Path) -> None:
    path = tmp_path / "extension.txt"
    path.write_bytes(b"\xef\xbb\xbfDear $email,\r\nyes: 5 $$\r\n")
    assert read_template(tmp_path, "extension") == ("Dear $email,\nyes: 5 $$\n", path)
    assert mistakes_in(tmp_path) == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "is not UTF-8 text"),
        (b" \n", "is empty"),
        (b"x" * 70_000, "is longer than 64 KiB"),
        (b"Dear $nmae", "line 1: $nmae is no placeholder. There are shop_name, operator, today, email,"),
        (b"a\nb $", "line 2: a dollar sign alone is written $$."),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "answer-deletion.txt").write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        read_template(tmp_path, "answer-deletion")
    (mistake,) = refused.value.mistakes
    assert words in mistake
    assert str(tmp_path / "answer-deletion.txt") in mistake
    assert mistakes_in(tmp_path) == (mistake,)
    assert read_template(tmp_path, "extension")[1] is None


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_not_opened(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "extension.txt")
    with pytest.raises(SettingsError, match="is no regular file"):
        read_template(tmp_path, "extension")


def test_a_link_to_nothing_is_no_template(tmp_path: Path) -> None:
    (tmp_path / "extension.txt").symlink_to(tmp_path / "absent")
    with pytest.raises(SettingsError, match="is no regular file"):
        read_template(tmp_path, "extension")


def test_a_file_that_is_no_letter_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "aknowledgement.txt").write_text("Dear customer")
    (tmp_path / "README").write_text("not a template")
    (mistake,) = mistakes_in(tmp_path)
    assert "“aknowledgement” is no letter; did you mean acknowledgement?" in mistake
