"""What a store may send in the place of an archive, from its socket to the history: never under the final name."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bwp_tui.sandbox.archive_server import ArchiveServer
from bwp_tui.sandbox.archives import ArchiveFile, Archives
from bwp_tui.sandbox.http_connection import FileSlice, Headers, HttpResponse
from tests.archive.zips import Part, bomb_of_overlaps, forged, plain, quoted_bomb
from tests.engine.shop import Shop, bytes_below, names_in

Made = Callable[[Path], Path]

XML = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code><Message>We failed</Message></Error>'
PAGE = b"<!DOCTYPE html><html><title>\x1b]0;owned\x07 sign in</title></html>"

pytestmark = pytest.mark.usefixtures("no_retry_delay")


def _bytes(content: bytes) -> Made:
    def made(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return made


def _truncated(path: Path) -> Path:
    whole = plain(path, {f"file-{number}.txt": b"personal data " * 200 for number in range(9)})
    path.write_bytes(whole.read_bytes()[:-100])
    return path


def _part(part: Part) -> Made:
    return lambda path: forged(path, Part(), part)


LED_TO_A_PAGE = "The link led to a page instead of an archive; nothing of it was saved."
BAD: dict[str, tuple[Made, str]] = {
    "truncated": (_truncated, "This is not a whole zip archive; it was not kept. Download it again"),
    "wrong crc": (_part(Part(crc=1)), "is damaged; it was not kept. Download it again"),
    "an error of the store": (_bytes(XML), LED_TO_A_PAGE),
    "a page": (_bytes(PAGE), LED_TO_A_PAGE),
    "nothing": (_bytes(b""), "This is not a whole zip archive; it was not kept. Download it again"),
    "a quoted bomb": (quoted_bomb, "is damaged; it was not kept."),
}
ODD: dict[str, tuple[Made, str]] = {
    "a bomb of overlaps": (bomb_of_overlaps, "share their bytes"),
    "a bomb of zeros": (_part(Part(data=bytes(30 << 20))), "would grow more than"),
    "a way out": (_part(Part(name=b"../../.ssh/authorized_keys")), "leads outside its folder"),
    "an absolute name": (_part(Part(name=b"/etc/cron.d/x")), "leads outside its folder"),
    "a link": (_part(Part(name=b"l", data=b"/etc/passwd", mode=0o120777)), "is a link"),
    "control characters": (_part(Part(name=b"\x1b]0;owned\x07\x1b[2J.txt")), "has control characters in its name"),
    "a zip behind others": (
        lambda path: _bytes(b"GIF89a" + plain(path, {"a.txt": b"x"}).read_bytes())(path),
        "6 bytes before the archive's first entry",
    ),
    "many files": (lambda path: plain(path, {f"{number}": b"" for number in range(12_000)}), "12000 entries"),
}


def _serve(monkeypatch: pytest.MonkeyPatch, made: Path) -> None:
    def archive(_self: Archives, _task_id: str, _email: str, _edition: int = 0) -> ArchiveFile:
        return ArchiveFile(made, made.stat().st_size, '"made"')

    monkeypatch.setattr(Archives, "archive", archive)


@pytest.mark.parametrize("kind", ODD)
async def test_an_odd_archive_that_is_whole_is_saved_with_a_remark(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    made, remark = ODD[kind]
    odd = made(tmp_path / "odd")
    number = await shop.completed("jane@example.com")
    _serve(monkeypatch, odd)
    shop.request_download(number)
    await shop.work()
    download = shop.download_of(number)
    assert (download.state, download.trouble) == ("done", None)
    assert download.sha256 == hashlib.sha256(odd.read_bytes()).hexdigest()
    assert [said for said in download.remarks if remark in said]
    assert shop.sandbox.state.calls["link"] == 1


async def test_what_came_cut_with_a_length_that_fits_is_fetched_once_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, lies = ArchiveServer._response, [1]

    def sent(store: ArchiveServer, status: int, headers: Headers, part: FileSlice) -> HttpResponse:
        if lies:
            lies.pop()
            part = replace(part, length=part.length // 2)
        return real(store, status, headers, part)

    monkeypatch.setattr(ArchiveServer, "_response", sent)
    number = await shop.completed("jane@example.com")
    shop.request_download(number)
    await shop.work()
    download = shop.download_of(number)
    assert (download.state, download.sha256) == ("done", shop.expected_archive(number)[1])
    assert shop.sandbox.state.calls["link"] == 2


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_archive_never_gets_the_final_name_and_is_told_in_one_sentence(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    made, told = BAD[kind]
    bad = made(tmp_path / "bad")

    number = await shop.completed("jane@example.com")
    _serve(monkeypatch, bad)
    folder = shop.request_download(number)
    await shop.work()
    download = shop.download_of(number)
    assert (download.state, download.path, download.sha256) == ("failed", None, None)
    trouble = download.trouble or ""
    assert told in trouble
    assert trouble.isprintable()
    assert trouble.endswith(".")
    assert "\n" not in trouble
    left = names_in(folder)
    assert left in ([], [f"retrieval-{shop.task(number).task_id}.zip.part"])
    assert bytes_below(folder).strip() == b"\n".join(str(folder / name).encode() for name in left), "and it is empty"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/xml"])
async def test_a_sound_archive_that_calls_itself_a_page_is_saved(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, content_type: str
) -> None:
    real = ArchiveServer._response

    def sent(store: ArchiveServer, status: int, headers: Headers, part: FileSlice) -> HttpResponse:
        lying = tuple((name, content_type if name == "Content-Type" else value) for name, value in headers)
        return real(store, status, lying, part)

    monkeypatch.setattr(ArchiveServer, "_response", sent)
    number = await shop.completed("jane@example.com")
    shop.request_download(number)
    await shop.work()
    assert shop.download_of(number).sha256 == shop.expected_archive(number)[1]


async def test_after_a_bad_archive_the_good_one_is_fetched_from_zero(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bad = _truncated(tmp_path / "bad")
    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    with monkeypatch.context() as patch:
        _serve(patch, bad)
        await shop.work()
    shop.request_download(number)
    await shop.work()
    download = shop.download_of(number)
    assert (download.state, download.sha256) == ("done", shop.expected_archive(number)[1])
    assert len(names_in(folder)) == 1
