from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.domain.task import Kind
from bwp_tui.domain.text import file_name
from bwp_tui.engine.downloads.disk_space import DiskSpace
from bwp_tui.engine.downloads.part_file import FolderError, PartFile
from bwp_tui.file_access import HISTORY_RESERVE

NAME = "retrieval-task-1.zip"


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o277])
def test_part_and_result_are_private_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    with umask(mask), PartFile(tmp_path, NAME) as part:
        part.write(b"personal")
        assert stat.S_IMODE(part.path.stat().st_mode) == 0o600
        final = part.publish()
    assert stat.S_IMODE(final.stat().st_mode) == 0o600


def test_a_folder_that_is_made_is_private(tmp_path: Path) -> None:
    with umask(0), PartFile(tmp_path / "downloads", NAME):
        assert stat.S_IMODE((tmp_path / "downloads").stat().st_mode) == 0o700


def test_nothing_has_the_final_name_before_it_is_published(tmp_path: Path) -> None:
    with PartFile(tmp_path, NAME) as part:
        part.write(b"half of it")
        assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}.part"]
        assert part.publish() == tmp_path / NAME
        part.discard()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).read_bytes() == b"half of it"


def test_publishing_replaces_nothing(tmp_path: Path) -> None:
    names = []
    for content in (b"first", b"second", b"third"):
        with PartFile(tmp_path, "a.zip") as part:
            part.write(content)
            names.append(part.publish().name)
            part.discard()
    assert names == ["a.zip", "a (2).zip", "a (3).zip"]
    assert [(tmp_path / name).read_bytes() for name in names] == [b"first", b"second", b"third"]


def test_publishing_does_not_write_through_a_symlink_of_that_name(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "a.zip").symlink_to(victim)
    with PartFile(tmp_path, "a.zip") as part:
        part.write(b"bytes")
        assert part.publish().name == "a (2).zip"
    assert victim.read_bytes() == b"precious"


def _refuse(code: int) -> Callable[..., None]:
    def refuse(*_args: object, **_more: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.mark.parametrize(
    "code", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EACCES, errno.EMLINK]
)
def test_publishing_works_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    (tmp_path / "a.zip").write_bytes(b"precious")
    monkeypatch.setattr(os, "link", _refuse(code))
    with PartFile(tmp_path, "a.zip") as part:
        part.write(b"bytes")
        final = part.publish()
        part.discard()
    assert final.name == "a (2).zip"
    assert final.read_bytes() == b"bytes"
    assert (tmp_path / "a.zip").read_bytes() == b"precious"
    assert stat.S_IMODE(final.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a (2).zip", "a.zip"]


def test_a_name_that_was_claimed_for_nothing_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", _refuse(errno.ENOSYS))
    monkeypatch.setattr(os, "rename", _refuse(errno.EIO))
    with PartFile(tmp_path, "a.zip") as part:
        part.write(b"bytes")
        with pytest.raises(FolderError):
            part.publish()
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip.part"]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.EACCES, errno.EPERM, errno.ENOTSUP])
def test_a_disk_without_locks_modes_or_syncing_of_folders_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    for module, call in ((os, "fsync"), (os, "fchmod"), (fcntl, "flock")):
        monkeypatch.setattr(module, call, _refuse(code))
    with umask(0), PartFile(tmp_path, "a.zip") as part:
        part.write(b"bytes")
        assert part.publish().read_bytes() == b"bytes"
        assert part.is_private


def test_a_file_that_others_can_read_is_known_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zip.part").write_bytes(b"")
    (tmp_path / "a.zip.part").chmod(0o644)
    monkeypatch.setattr(os, "fchmod", _refuse(errno.EPERM))
    with PartFile(tmp_path, "a.zip") as part:
        assert not part.is_private


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_does_not_keep_the_bytes_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "fsync", _refuse(code))
    with PartFile(tmp_path, "a.zip") as part:
        part.write(b"bytes")
        with pytest.raises(FolderError):
            part.publish()
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip.part"]


def test_a_symlink_in_place_of_the_part_is_refused_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / f"{NAME}.part").symlink_to(victim)
    with pytest.raises(FolderError):
        PartFile(tmp_path, NAME)
    assert victim.read_bytes() == b"precious"


def test_a_foreign_hard_link_in_place_of_the_part_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    os.link(victim, tmp_path / f"{NAME}.part")
    with pytest.raises(FolderError, match="not a file of this program"):
        PartFile(tmp_path, NAME)
    assert victim.read_bytes() == b"precious"


def test_a_pipe_in_place_of_the_part_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"{NAME}.part")
    with pytest.raises(FolderError, match="not a file of this program"):
        PartFile(tmp_path, NAME)


def test_two_do_not_write_the_same_part(tmp_path: Path) -> None:
    with PartFile(tmp_path, NAME) as part:
        part.write(b"mine")
        with pytest.raises(FolderError, match="Another program"):
            PartFile(tmp_path, NAME)
        assert part.path.read_bytes() == b"mine"


def test_a_file_where_the_folder_should_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "downloads").write_bytes(b"")
    with pytest.raises(FolderError, match="download_dir"):
        PartFile(tmp_path / "downloads", NAME)


@given(first=st.binary(max_size=300_000), second=st.binary(max_size=300_000))
def test_a_resumed_part_has_the_hash_of_the_whole(first: bytes, second: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with PartFile(folder, NAME) as part:
            part.write(first)
        with PartFile(folder, NAME, etag='"v1"') as part:
            assert (part.size, part.etag) == (len(first), '"v1"')
            part.write(second)
            assert part.sha256 == hashlib.sha256(first + second).hexdigest()
            final = part.publish()
        assert final.read_bytes() == first + second


def test_a_part_of_unknown_origin_starts_empty(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(b"who knows what")
    with PartFile(tmp_path, NAME) as part:
        assert part.size == 0
        part.write(b"new")
        assert part.sha256 == hashlib.sha256(b"new").hexdigest()
        assert part.path.read_bytes() == b"new"


def test_restarting_forgets_every_byte(tmp_path: Path) -> None:
    with PartFile(tmp_path, NAME) as part:
        part.write(b"of another edition, and longer")
        part.etag = '"old"'
        part.restart()
        assert (part.size, str(part.etag)) == (0, "None")
        part.write(b"new")
        assert part.publish().read_bytes() == b"new"
        assert part.sha256 == hashlib.sha256(b"new").hexdigest()


def test_a_full_disk_is_a_sentence_and_what_is_there_stays(tmp_path: Path) -> None:
    with PartFile(tmp_path, NAME) as part:
        part.write(b"what fitted")
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, part._descriptor)
        os.close(full)
        with pytest.raises(FolderError, match=r"is full\. Free some space"):
            part.write(b"what does not")
    assert (tmp_path / f"{NAME}.part").read_bytes() == b"what fitted"


def test_an_archive_larger_than_the_disk_is_refused_before_it_comes(tmp_path: Path) -> None:
    with PartFile(tmp_path, NAME, space=DiskSpace(tmp_path)) as part:
        part.check_space(1_000)
        with pytest.raises(FolderError, match=r"1125899907 for the archive, 17 for the history"):
            part.check_space(1 << 50)


def test_downloads_under_way_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _free(monkeypatch, 10 << 20)
    space = DiskSpace()
    with PartFile(tmp_path, "a.zip", space=space) as first, PartFile(tmp_path, "b.zip", space=space) as second:
        first.check_space(6 << 20)
        with pytest.raises(FolderError, match="7 for other downloads"):
            second.check_space(6 << 20)
        second.check_space(3 << 20)
    with PartFile(tmp_path, "b.zip", space=space) as second:
        second.check_space(6 << 20)


def _free(monkeypatch: pytest.MonkeyPatch, free: int, blocks: int = 1 << 40) -> None:
    found = os.statvfs_result((1, 1, blocks, free, free, 100, 100, 100, 0, 255))
    monkeypatch.setattr(os, "fstatvfs", lambda _descriptor: found)


def test_what_is_left_for_the_history_is_left_though_no_length_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PartFile(tmp_path, NAME, space=DiskSpace(tmp_path)) as part:
        _free(monkeypatch, HISTORY_RESERVE + 1)
        part.write(b"x" * (2 << 20))
        _free(monkeypatch, HISTORY_RESERVE)
        with pytest.raises(FolderError, match="stay free for the history"):
            part.write(b"x")
        assert part.size == 2 << 20


def test_a_disk_without_the_history_is_used_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _free(monkeypatch, 1_000)
    with PartFile(tmp_path, NAME, space=DiskSpace(Path("/proc/version"))) as part:
        part.check_space(1_000)
        part.write(b"x" * 1_000)
        with pytest.raises(FolderError):
            part.check_space(2_001)


def test_a_disk_that_does_not_tell_its_size_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _free(monkeypatch, 0, blocks=0)
    with PartFile(tmp_path, NAME, space=DiskSpace(tmp_path)) as part:
        part.check_space(1 << 50)
        part.write(b"x")


def end_between_publishing_and_discarding(folder: Path, content: bytes) -> None:
    with PartFile(folder, NAME) as part:
        part.write(content)
        part.publish()


@pytest.mark.parametrize("etag", [None, '"v1"'])
def test_a_part_that_was_published_and_left_behind_is_known_as_whole(tmp_path: Path, etag: str | None) -> None:
    (tmp_path / NAME).write_bytes(b"of an earlier download")
    end_between_publishing_and_discarding(tmp_path, b"whole")
    final = tmp_path / NAME.replace(".zip", " (2).zip")
    with PartFile(tmp_path, NAME, etag=etag) as part:
        assert (part.published, part.size) == (final, 5)
        assert part.sha256 == hashlib.sha256(b"whole").hexdigest()
        assert part.publish() == final
        part.discard()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([NAME, final.name])


def test_a_new_download_does_not_write_into_what_was_published(tmp_path: Path) -> None:
    end_between_publishing_and_discarding(tmp_path, b"first, and precious")
    with PartFile(tmp_path, NAME) as part:
        part.restart_beside_published()
        assert (part.published, part.size) == (None, 0)
        part.write(b"second")
        part.publish()
        part.discard()
    assert (tmp_path / NAME).read_bytes() == b"first, and precious"
    assert (tmp_path / NAME.replace(".zip", " (2).zip")).read_bytes() == b"second"


def test_discarding_removes_the_part_even_one_that_is_gone(tmp_path: Path) -> None:
    with PartFile(tmp_path, NAME) as part:
        part.discard()
        part.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_pump_that_is_late_writes_nowhere(tmp_path: Path) -> None:
    part = PartFile(tmp_path, NAME)
    part.close()
    with pytest.raises(FolderError):
        part.write(b"late")
    with pytest.raises(FolderError):
        part.restart()
    part.close()


@pytest.mark.parametrize(
    ("task_id", "name"),
    [
        ("3556a10a", "retrieval-3556a10a.zip"),
        ("../../etc/passwd", "retrieval-.._.._etc_passwd.zip"),
        ("a\x1b]52;c;aGk=\x07b\n1", "retrieval-a_52_c_aGk_b_1.zip"),
        ("\u202egpj.exe", "retrieval-_gpj.exe.zip"),
    ],
)
def test_names_are_ours(task_id: str, name: str) -> None:
    assert file_name(Kind.RETRIEVAL, task_id) == name


@given(email=st.text(max_size=400), task_id=st.text(max_size=400), older=st.booleans())
def test_no_text_of_the_service_makes_a_name_that_leaves_the_folder(email: str, task_id: str, older: bool) -> None:
    name = file_name(Kind.RETRIEVAL, task_id, email if older else "")
    assert Path(name).name == name
    assert name.isascii()
    assert name.isprintable()
    assert not name.startswith(".")
    assert len(f"{name} (999).part") <= 255


def test_a_disk_that_fails_leaves_the_hash_of_what_it_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, room = os.write, iter((5, 3))

    def short(descriptor: int, data: bytes) -> int:
        taken = next(room, None)
        if taken is None:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:taken])

    with PartFile(tmp_path, NAME) as part:
        monkeypatch.setattr(os, "write", short)
        with pytest.raises(FolderError, match="is full"):
            part.write(b"all of the archive")
        assert part.size == 8
        assert part.sha256 == hashlib.sha256(part.path.read_bytes()).hexdigest()


def test_a_part_that_is_closed_keeps_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with PartFile(tmp_path, NAME) as part:
        part.write(b"one")
        part.restart()
        part.write(b"two")
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()
