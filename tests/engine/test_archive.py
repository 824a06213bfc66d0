from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from bwp_tui.engine import archive
from bwp_tui.engine.archive import BadArchive, check_structure


def make_zip(path: Path, entries: int = 3) -> bytes:
    with zipfile.ZipFile(path, "w") as bundle:
        for number in range(entries):
            bundle.writestr(f"file-{number}.txt", "personal data " * 20)
    return path.read_bytes()


def test_a_whole_zip_passes(tmp_path: Path) -> None:
    make_zip(tmp_path / "a.zip")
    check_structure(tmp_path / "a.zip")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_cut_zip_is_refused_in_a_sentence(tmp_path: Path, share: float) -> None:
    whole = make_zip(tmp_path / "a.zip")
    (tmp_path / "a.zip").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadArchive, match="not a whole zip archive"):
        check_structure(tmp_path / "a.zip")


@pytest.mark.parametrize("content", [b"", b"<html>sign in</html>", b"\0" * 100_000, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(BadArchive):
        check_structure(tmp_path / "a.zip")


def test_a_zip_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArchive):
        check_structure(tmp_path / "a.zip")


def test_a_zip_of_too_many_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_zip(tmp_path / "a.zip", entries=4)
    monkeypatch.setattr(archive, "MOST_ENTRIES", 3)
    with pytest.raises(BadArchive, match="claims 4 entries"):
        check_structure(tmp_path / "a.zip")
