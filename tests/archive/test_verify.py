"""Which archives are believed, and in what sentence the others are refused."""

from __future__ import annotations

import os
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bwp_tui.archive.archive_file import Archive
from bwp_tui.archive.limits import BadArchive, Limits
from bwp_tui.archive.preview import preview
from bwp_tui.archive.unpack import CannotUnpack, unpack
from bwp_tui.archive.verify import verify_archive
from tests.archive.zips import DATA, Part, bomb_of_overlaps, forged, plain, quoted_bomb

SMALL = Limits(
    max_entries=20, max_directory=10_000, max_ratio=200, small_entry=1_000, max_growth=10, modest_total=20_000
)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_honest_archive_passes_however_it_is_packed(tmp_path: Path, method: int) -> None:
    verify_archive(plain(tmp_path / "a.zip", {"a.txt": DATA, "b/c.json": b"{}", "empty.txt": b""}, method))


def test_an_archive_of_folders_of_streams_and_with_a_comment_passes(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with path.open("wb") as file, zipfile.ZipFile(_Pipe(file), "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.mkdir("folder")
        bundle.writestr("folder/streamed.txt", DATA)
        bundle.comment = b"PK\x05\x06 looks like an end"
    verify_archive(path)


class _Pipe:
    """Takes bytes and cannot seek, so that an entry's sizes stand behind its data."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes, /) -> int:
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def test_zip64_and_bytes_before_the_archive_are_read(tmp_path: Path) -> None:
    path = forged(tmp_path / "a.zip", Part(), Part(name=b"b.txt"), zip64=True)
    verify_archive(path)
    path.write_bytes(b"something before" + path.read_bytes())
    with Archive(path) as archive:
        assert [archive.first_bytes(entry, 5) for entry in archive.entries] == [DATA[:5], DATA[:5]]


@pytest.mark.parametrize("keep", [0, 1, 21, 22, 200, -1, -20])
def test_a_cut_archive_is_refused(tmp_path: Path, keep: int) -> None:
    path = plain(tmp_path / "a.zip", {"a.txt": DATA, "b.txt": DATA[1:]})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BadArchive, match=r"^This is not a whole zip archive\.$"):
        verify_archive(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        b"<!DOCTYPE html><html><body>Sign in</body></html>",
        bytes(100_000),
        b"PK\x05\x06" + b"\xff" * 18,
    ],
    ids=["nothing", "xml", "html", "zeros", "an end alone"],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(BadArchive, match="not a whole zip archive"):
        verify_archive(tmp_path / "a.zip")


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="The file is not there"):
        verify_archive(tmp_path / "none.zip")
    with pytest.raises(BadArchive, match="no plain file"):
        verify_archive(tmp_path)
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(BadArchive, match="no plain file"):
        verify_archive(tmp_path / "pipe.zip")


DAMAGED: dict[str, tuple[Part, str]] = {
    "wrong crc": (Part(crc=1), "“file.txt” in the archive is damaged"),
    "wrong crc, stored": (Part(method=0, crc=1), "“file.txt” in the archive is damaged"),
    "longer than it says": (Part(claimed=len(DATA) - 1), "holds more than the archive says"),
    "shorter than it says": (Part(claimed=len(DATA) + 1), "is damaged"),
    "shorter than it says, stored": (Part(method=0, claimed=len(DATA) + 1), "is damaged"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_archive_is_refused_in_a_clean_sentence(tmp_path: Path, name: str) -> None:
    part, words = DAMAGED[name]
    path = forged(tmp_path / "a.zip", Part(name=b"first.txt"), part)
    with pytest.raises(BadArchive) as refused:
        verify_archive(path)
    assert words in str(refused.value)


NOT_UNPACKED_ONES: dict[str, tuple[Part, str]] = {
    "another name in the list": (Part(listed_name=b"gile.txt"), "in another beside its data"),
    "a longer name in the list": (Part(listed_name=b"folder/file.txt"), "in another beside its data"),
    "grows too much": (Part(data=bytes(3_000_000)), "would grow more than 200 times"),
    "climbs": (Part(name=b"a/../../x.txt"), "leads outside its folder"),
    "climbs by backslash": (Part(name=rb"..\x.txt"), "leads outside its folder"),
    "absolute": (Part(name=b"/etc/passwd"), "leads outside its folder"),
    "share": (Part(name=rb"\\host\share\x"), "leads outside its folder"),
    "drive letter": (Part(name=rb"C:\x.txt"), "leads outside its folder"),
    "no name": (Part(name=b""), "leads outside its folder"),
    "dot": (Part(name=b"./."), "leads outside its folder"),
    "link": (Part(data=b"/etc/passwd", mode=0o120777), "is a link"),
    "device": (Part(mode=0o020666), "is no plain file"),
    "escape sequence": (Part(name=b"\x1b]52;c;eA==\x07.txt"), "has control characters in its name"),
    "newline": (Part(name=b"a\nb.txt"), "has control characters in its name"),
    "c1 in utf-8": (Part(name="a\x9b2J".encode(), flags=0x800), "has control characters in its name"),
    "nul": (Part(name=b"a.txt\x00.exe"), "has control characters in its name"),
    "twice": (Part(name=b"first.txt"), "has the name of another entry"),
    "encrypted": (Part(flags=1), "is encrypted"),
    "method": (Part(method=14), "is packed in a way this program does not read"),
}


@pytest.mark.parametrize("name", NOT_UNPACKED_ONES)
def test_what_is_odd_but_whole_passes_with_a_clean_remark_and_is_not_unpacked(tmp_path: Path, name: str) -> None:
    part, words = NOT_UNPACKED_ONES[name]
    path = forged(tmp_path / "a.zip", Part(name=b"first.txt"), part)
    remarks = verify_archive(path)
    assert [remark for remark in remarks if words in remark]
    for remark in remarks:
        assert remark.endswith(".")
        assert remark.isprintable()
    with pytest.raises((CannotUnpack, BadArchive)), Archive(path) as archive:
        unpack(archive, path)
    assert [found.name for found in tmp_path.iterdir()] == ["a.zip"]


def test_what_could_not_be_verified_is_counted(tmp_path: Path) -> None:
    path = forged(tmp_path / "a.zip", Part(name=b"a"), Part(name=b"b", flags=1), Part(name=b"c", method=14))
    assert "The content of 2 of 3 entries could not be verified." in verify_archive(path)


def test_many_of_a_kind_are_one_remark(tmp_path: Path) -> None:
    [remark] = verify_archive(forged(tmp_path / "a.zip", *(Part(name=b"../%d" % number) for number in range(500))))
    assert "../0" in remark
    assert "499 more" in remark


@pytest.mark.parametrize("before", [b"PK00", b"\xef\xbb\xbf", b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"PK\x03\x04"])
def test_bytes_before_and_behind_a_whole_archive_are_a_remark(tmp_path: Path, before: bytes) -> None:
    path = plain(tmp_path / "a.zip", {"a.txt": DATA})
    whole = path.read_bytes()
    assert verify_archive(path) == ()
    path.write_bytes(before + whole)
    assert verify_archive(path) == (f"{len(before)} bytes before the archive's first entry.",)
    path.write_bytes(whole + b"<Error>late</Error>")
    assert verify_archive(path) == ("19 bytes behind the archive's end.",)
    path.write_bytes(whole + b"x")
    assert verify_archive(path) == ("1 byte behind the archive's end.",)


def test_a_whole_archive_in_one_that_is_cut_is_not_taken_for_it(tmp_path: Path) -> None:
    inner = plain(tmp_path / "inner.zip", {"a.txt": DATA}).read_bytes()
    outer = plain(tmp_path / "a.zip", {"first.txt": DATA, "inner.zip": inner, "last.txt": DATA}, zipfile.ZIP_STORED)
    whole = outer.read_bytes()
    assert verify_archive(outer) == ()
    outer.write_bytes(whole[: whole.index(inner) + len(inner) + 100])
    with pytest.raises(BadArchive):
        verify_archive(outer)


def test_a_zip64_that_leaves_the_disk_numbers_out_is_read(tmp_path: Path) -> None:
    path = forged(tmp_path / "a.zip", Part(), Part(name=b"b.txt"), zip64=True)
    made = bytearray(path.read_bytes())
    end, at = made.rindex(b"PK\x05\x06"), made.index(b"PK\x01\x02")
    made[end + 4 : end + 8] = b"\xff\xff\xff\xff"
    made[at + 34 : at + 36] = b"\xff\xff"
    path.write_bytes(made)
    assert verify_archive(path) == ()
    with Archive(path) as archive:
        assert len(archive.entries) == 2


def test_a_count_of_which_the_last_16_bits_are_kept_is_read(tmp_path: Path) -> None:
    parts = [Part(name=b"%d" % number, data=b"", method=0) for number in range(0x10000 + 3)]
    remarks = verify_archive(forged(tmp_path / "a.zip", *parts, count=3))
    assert remarks == ("It holds 65539 entries, too many to be listed or unpacked here.",)


@pytest.mark.parametrize(
    ("part", "flaw"),
    [
        (Part(name="\u202egpj.exe".encode(), flags=0x800), "has hidden characters"),
        (Part(name=b"./", method=0, data=b"", mode=0o040755), None),
        (Part(name=b"inner.zip"), "is an archive, never opened"),
    ],
)
def test_what_may_be_unpacked_all_the_same_is_no_remark(tmp_path: Path, part: Part, flaw: str | None) -> None:
    path = forged(tmp_path / "a.zip", Part(name=b"first.txt"), part)
    assert verify_archive(path) == ()
    with Archive(path) as archive:
        assert [str(found) for found in archive.entries[1].flaws] == ([] if flaw is None else [flaw])
        assert archive.entries[1].name.isprintable()
        preview(archive, archive.entries[1])
        assert unpack(archive, path).is_dir()


def test_bombs_are_not_opened_and_a_whole_one_is_kept_with_a_remark(tmp_path: Path) -> None:
    for made in (bomb_of_overlaps(tmp_path / "a.zip"), quoted_bomb(tmp_path / "b.zip")):
        with pytest.raises(BadArchive, match="share their bytes"):
            Archive(made)
    assert [remark for remark in verify_archive(tmp_path / "a.zip") if "share their bytes" in remark]


def test_of_a_bomb_only_so_much_is_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bwp_tui.archive.verify._MIN_INFLATED", 2_000_000)
    remarks = verify_archive(bomb_of_overlaps(tmp_path / "a.zip", entries=60))
    assert "The content of 40 of 60 entries could not be verified." in remarks


def test_a_check_that_is_stopped_ends(tmp_path: Path) -> None:
    path = forged(tmp_path / "a.zip", Part(), Part(name=b"b", crc=1))
    with pytest.raises(BadArchive):
        verify_archive(path)
    assert verify_archive(path, stopped=lambda: True) == ()


def test_claims_are_bounded_where_it_is_opened_and_remarks_where_it_is_kept(tmp_path: Path) -> None:
    many = forged(tmp_path / "a.zip", *(Part(name=b"%d" % number, data=b"") for number in range(10_001)))
    with pytest.raises(BadArchive, match=r"claims 10001 entries"):
        Archive(many)
    assert verify_archive(many) == ("It holds 10001 entries, too many to be listed or unpacked here.",)
    few = forged(tmp_path / "b.zip", *(Part(name=b"%d" % number, data=b"") for number in range(30)), count=3)
    with pytest.raises(BadArchive, match="does not fit what it holds"):
        verify_archive(few)
    large = forged(tmp_path / "c.zip", *(Part(name=b"%d" % number, data=bytes(5_000_000)) for number in range(3)))
    with pytest.raises(BadArchive, match=r"would grow to 15\.0 MB"):
        Archive(large, Limits(max_ratio=5_000, max_growth=10, modest_total=10_000))
    assert "It would grow to 15.0 MB, too much to be unpacked here." in verify_archive(
        large, Limits(max_growth=10, modest_total=10_000)
    )


def test_a_long_list_of_entries_is_not_in_memory_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = forged(tmp_path / "d.zip", *(Part(name=b"%05d" % number + b"n" * 60_000) for number in range(300)))
    tracemalloc.start()
    with pytest.raises(BadArchive, match=r"list of entries has 18\.0 MB"):
        Archive(listing)
    assert verify_archive(listing) == ("Its list of entries has 18.0 MB, too much to be listed or unpacked here.",)
    assert tracemalloc.get_traced_memory()[1] < 6 << 20
    tracemalloc.stop()
    monkeypatch.setattr("bwp_tui.archive.verify._MAX_DIRECTORY", 1 << 20)
    assert verify_archive(listing) == ("Its list of entries has 18.0 MB and was not verified.",)


def test_names_of_64_kib_are_cut_for_the_eye(tmp_path: Path) -> None:
    path = forged(tmp_path / "a.zip", Part(name=b"n" * 0xFFFF))
    verify_archive(path)
    with Archive(path) as archive:
        assert len(archive.entries[0].name) == 4_001


def _base(folder: Path) -> bytes:
    parts = (
        Part(name=b"a.json", data=b'{"a": [1, 2, {"b": null}]}'),
        Part(name=b"b/c.csv", data=b"x,y\n1,2\n" * 9),
        Part(name=b"page.html", data=b"<p>hello <b>you</b></p>", method=0),
    )
    return forged(folder / "base.zip", *parts, zip64=True).read_bytes()


@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_mutation_gets_past_bad_archive_or_the_limits(tmp_path: Path, data: st.DataObject) -> None:
    mutated = bytearray(_base(tmp_path))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        flipped = bytes([mutated[at] ^ 0x41])
        change = data.draw(st.sampled_from([b"", b"\xff\xff\xff\xff", flipped, b"../"]))
        mutated[at : at + max(1, len(change))] = change
        if not mutated:
            return
    path = tmp_path / "mutated.zip"
    path.write_bytes(mutated)
    with suppress(BadArchive):
        verify_archive(path, SMALL)
    with suppress(BadArchive, CannotUnpack), Archive(path, SMALL) as archive:
        assert archive.inflated_bytes <= SMALL.max_inflated(archive.size)
        for entry in archive.entries:
            assert not entry.is_readable or len(archive.first_bytes(entry, 1 << 30)) == entry.size
            preview(archive, entry)
        unpack(archive, tmp_path / "out.zip")
    assert {found.name.partition(" (")[0] for found in tmp_path.iterdir()} <= {"base.zip", "mutated.zip", "out"}
