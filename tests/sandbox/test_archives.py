from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

from bwp_tui.sandbox.archives import BIG_ARCHIVE_BYTES, Archives

TASK = "942d40d5-b514-4076-bd6c-c4bc326324bf"


def folder(base: Path, name: str) -> Path:
    made = base / name
    made.mkdir()
    return made


def test_an_archive_is_the_same_for_the_same_seed_and_task(tmp_path: Path) -> None:
    first = Archives(folder(tmp_path, "a"), 1).archive(TASK, "ann@example.com")
    again = Archives(folder(tmp_path, "b"), 1).archive(TASK, "ann@example.com")
    other = Archives(folder(tmp_path, "c"), 2).archive(TASK, "ann@example.com")
    assert first.path.read_bytes() == again.path.read_bytes()
    assert first.etag == again.etag
    assert other.path.read_bytes() != first.path.read_bytes()


def test_another_edition_has_other_bytes_and_another_etag(tmp_path: Path) -> None:
    archives = Archives(tmp_path, 1)
    first, second = (archives.archive(TASK, "ann@example.com", edition) for edition in (0, 1))
    assert first.etag != second.etag
    assert first.path.read_bytes() != second.path.read_bytes()


def test_archives_are_between_two_hundred_kilobytes_and_four_megabytes(tmp_path: Path) -> None:
    archives = Archives(tmp_path, 1)
    sizes = [archives.archive(f"task-{number}", "ann@example.com").size for number in range(12)]
    assert min(sizes) > 150_000
    assert max(sizes) < 4_500_000
    assert max(sizes) > 3 * min(sizes)


def test_the_archive_about_big_is_large_and_made_in_little_memory(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        archive = Archives(tmp_path, 1).archive(TASK, "big+1@example.com")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert archive.size >= BIG_ARCHIVE_BYTES
    assert peak < 40_000_000
    with zipfile.ZipFile(archive.path) as bundle:
        assert len(bundle.namelist()) == 26
        assert bundle.read("profile.json").find(b"big+1@example.com") > 0
