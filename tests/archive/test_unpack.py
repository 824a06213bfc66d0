"""Unpacking: only into a new private folder, whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bwp_tui.archive.archive_file import Archive
from bwp_tui.archive.limits import BadArchive
from bwp_tui.archive.unpack import CannotUnpack, unpack
from tests.archive.zips import DATA, Part, forged, plain


def unpack_beside(path: Path) -> Path:
    with Archive(path) as archive:
        return unpack(archive, path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_is_unpacked_private_beside_the_archive_whatever_the_umask(tmp_path: Path) -> None:
    members = {"a.txt": DATA, "deep/er/b.txt": b"", "empty/": b"", "ümlaut \u202e.txt": b"x"}
    path = plain(tmp_path / "result.zip", members)
    before = os.umask(0)
    try:
        folder = unpack_beside(path)
    finally:
        os.umask(before)
    assert folder == tmp_path / "result"
    assert contents(folder) == {"a.txt": DATA, "deep/er/b.txt": b"", "ümlaut _.txt": b"x"}
    assert (folder / "empty").is_dir()
    for made in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(made.stat().st_mode) == (0o700 if made.is_dir() else 0o600)


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = plain(tmp_path / "result.zip", {"a.txt": DATA})
    (tmp_path / "result").symlink_to(tmp_path)
    assert unpack_beside(path) == tmp_path / "result (2)"
    assert unpack_beside(path) == tmp_path / "result (3)"
    assert names(tmp_path) == ["result", "result (2)", "result (3)", "result.zip"]


REFUSED: dict[str, tuple[Part, str]] = {
    "climbs": (Part(name=b"../x.txt"), "leads outside"),
    "absolute": (Part(name=b"/tmp/x.txt"), "leads outside"),
    "link": (Part(data=b"/etc", mode=0o120777), "is a link"),
    "control": (Part(name=b"\x1b[2J"), "control characters"),
    "twice": (Part(name=b"first.txt"), "the name of another entry"),
    "encrypted": (Part(flags=1), "is encrypted"),
    "method": (Part(method=12), "does not read"),
    "deep": (Part(name=b"a/" * 40 + b"x"), "lies too deep"),
    "a file as a folder": (Part(name=b"first.txt/x"), "want the same name"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_must_not_be_unpacked_leaves_nothing(tmp_path: Path, name: str) -> None:
    part, words = REFUSED[name]
    path = forged(tmp_path / "result.zip", Part(name=b"first.txt"), part)
    with pytest.raises(CannotUnpack, match=words):
        unpack_beside(path)
    assert names(tmp_path) == ["result.zip"]


def test_damage_found_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    path = forged(tmp_path / "result.zip", Part(name=b"first.txt"), Part(crc=1))
    with pytest.raises(BadArchive, match="damaged"):
        unpack_beside(path)
    assert names(tmp_path) == ["result.zip"]


def test_no_link_that_appears_meanwhile_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = plain(tmp_path / "result.zip", {"a.txt": DATA, "sub/b.txt": DATA})
    outside = tmp_path / "outside"
    outside.mkdir()
    blocks = Archive.blocks

    def planting(archive: Archive, entry: object) -> object:
        with_link = tmp_path / "result" / "sub"
        if not with_link.is_symlink():
            with_link.symlink_to(outside)
        return blocks(archive, entry)  # type: ignore[arg-type]  # the entry it was called with

    monkeypatch.setattr(Archive, "blocks", planting)
    with pytest.raises(CannotUnpack, match="want the same name"):
        unpack_beside(path)
    assert names(outside) == []
    assert not (tmp_path / "result").exists()


def test_a_disk_without_room_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = plain(tmp_path / "result.zip", {"a.txt": DATA})
    full = os.statvfs_result((4096, 4096, 100, 0, 0, 100, 100, 100, 0, 255))
    monkeypatch.setattr(os, "fstatvfs", lambda _descriptor: full)
    with pytest.raises(CannotUnpack, match="has no room"):
        unpack_beside(path)
    assert names(tmp_path) == ["result.zip"]
