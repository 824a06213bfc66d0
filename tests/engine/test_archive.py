"""What becomes of a download that is no sound archive: one sentence, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from bwp_tui.engine.archive import BadArchive, check_structure
from tests.archive.zips import Part, bomb_of_overlaps, forged, plain


def test_a_whole_zip_passes(tmp_path: Path) -> None:
    check_structure(plain(tmp_path / "a.zip", {f"file-{number}.txt": b"personal data " * 20 for number in range(3)}))


@pytest.mark.parametrize("content", [b"", b"<html>sign in</html>", bytes(100_000), b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_is_to_be_downloaded_again(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(BadArchive) as refused:
        check_structure(tmp_path / "a.zip")
    assert str(refused.value) == "This is not a whole zip archive; it was not kept. Download it again."


def test_a_zip_that_is_damaged_inside_is_to_be_downloaded_again(tmp_path: Path) -> None:
    with pytest.raises(
        BadArchive, match=r"“file.txt” in the archive is damaged; it was not kept\. Download it again\."
    ):
        check_structure(forged(tmp_path / "a.zip", Part(crc=1)))


def test_a_zip_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="is not there"):
        check_structure(tmp_path / "a.zip")


def test_a_hostile_zip_is_to_be_reported(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match=r"; it was not kept\. Report it to Buy with Prime support\."):
        check_structure(bomb_of_overlaps(tmp_path / "a.zip"))
    with pytest.raises(BadArchive, match=r"leads outside its folder; it was not kept\. Report it"):
        check_structure(forged(tmp_path / "b.zip", Part(name=b"../x")))


@pytest.mark.parametrize("before", [b"\r\n", b"#!/bin/sh\n", b"PK\x03\x04", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_zip_behind_other_bytes_is_to_be_downloaded_again(tmp_path: Path, before: bytes) -> None:
    path = plain(tmp_path / "a.zip", {"file.txt": b"personal data"})
    path.write_bytes(before + path.read_bytes())
    with pytest.raises(BadArchive) as refused:
        check_structure(path)
    assert str(refused.value) == (
        "Something stands before the archive's first entry; it was not kept. Download it again."
    )


def test_a_zip_without_entries_passes(tmp_path: Path) -> None:
    check_structure(plain(tmp_path / "a.zip", {}))
