"""Downloads on a disk that fills up: the history keeps its room, and nothing goes on without end."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from bwp_tui.engine.downloads.part_cleanup import remove_part_on_full_disk
from bwp_tui.engine.downloads.part_file import PartFile
from bwp_tui.file_access import HISTORY_RESERVE
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import DiskFull
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob
from tests.api.server import Received, ScriptedServer
from tests.engine.saved import assert_saved, name_of
from tests.engine.shop import Shop, names_in
from tests.engine.test_download_steering import at_work
from tests.waiting import eventually_in_loop

SIZE = HISTORY_RESERVE + (24 << 20)
PIECE = b"PK\x03\x04" + bytes((1 << 16) - 4)


@pytest.fixture
def small_shop(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A shop whose history and downloads lie on a small disk of their own."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    disk = tmp_path / "sandbox"
    disk.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", os.fspath(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        yield request.getfixturevalue("shop")
    finally:
        subprocess.run(["umount", "-l", os.fspath(disk)], check=True)


def free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def endless(wait: Callable[[], object] = lambda: None) -> Callable[[ScriptedServer, socket, Received], None]:
    """Send a body that has no length and no end."""

    def react(server: ScriptedServer, line: socket, _: Received) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(OSError):
            while not server.closing.is_set():
                line.sendall(PIECE)
                wait()

    return react


async def test_a_body_without_end_leaves_the_history_its_room(small_shop: Shop, archive_server: ScriptedServer) -> None:
    number = await small_shop.completed("jane@example.com")
    archive_server.script("/archive", endless())
    folder = small_shop.request_download(number)
    await small_shop.work()
    download = small_shop.download_of(number)
    assert download.state == "failed"
    assert "for the history" in (download.trouble or "")
    assert names_in(folder) == [], "nothing can go on behind bytes without an ETag"
    assert free(small_shop.profile.folder) > HISTORY_RESERVE
    assert small_shop.submit("next@example.com")


async def test_a_disk_that_others_fill_ends_the_download(
    small_shop: Shop, archive_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("downloads.downloader", "runtime.engine"):
        monkeypatch.setattr(f"bwp_tui.engine.{module}.STORE_RETRY_S", 0.05)
    number = await small_shop.completed("jane@example.com")
    archive_server.script("/archive", endless(lambda: archive_server.closing.wait(0.002)))
    folder = small_shop.request_download(number)
    part = folder / f"{name_of(small_shop, number)}.part"
    async with at_work(small_shop):
        await eventually_in_loop(lambda: size(part) > (1 << 20))
        other = small_shop.profile.folder / "another program"
        fill(other)
        await eventually_in_loop(lambda: not size(part))
        other.unlink()  # it may have taken what the part gave back, and then nothing can be recorded before
        await eventually_in_loop(lambda: small_shop.download_of(number).state == "failed")
    assert names_in(folder) == []


def size(path: Path) -> int:
    """Return the bytes of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def fill(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


async def test_a_part_that_leaves_the_history_no_room_is_removed_and_fetched_again(
    slow: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bwp_tui.engine.downloads.downloader.STORE_RETRY_S", 0.05)
    real = downloads.record_progress
    removed: list[list[str]] = []

    def progressed(store: Store, order: DownloadJob, received: int, *more: Any, **others: Any) -> None:
        if received and not removed:
            raise DiskFull("The disk that holds the history is full.")
        real(store, order, received, *more, **others)

    def noting(order: DownloadJob, store: Path) -> None:
        remove_part_on_full_disk(order, store)
        removed.append(names_in(folder))

    monkeypatch.setattr(downloads, "record_progress", progressed)
    monkeypatch.setattr("bwp_tui.engine.downloads.downloader.remove_part_on_full_disk", noting)
    number = await slow.completed("jane@example.com")
    folder = slow.request_download(number)
    async with at_work(slow):
        await eventually_in_loop(lambda: removed)
        slow.sandbox.rate = None
        await eventually_in_loop(lambda: slow.download_of(number).state == "done")
    assert removed == [[]]
    assert_saved(slow, number, name_of(slow, number))


async def test_a_part_on_another_disk_in_use_or_with_a_final_name_is_left_alone(shop: Shop, tmp_path: Path) -> None:
    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    [order] = downloads.ready(shop.store, shop.clock(), 1)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name_of(shop, number)}.part"
    part.write_bytes(b"whole")
    remove_part_on_full_disk(order, Path("/proc/version"))
    assert part.exists()
    os.link(part, tmp_path / "final.zip")
    remove_part_on_full_disk(order, shop.store.path)
    assert part.exists()
    (tmp_path / "final.zip").unlink()
    with PartFile(folder, name_of(shop, number), etag='"a"'):
        remove_part_on_full_disk(order, shop.store.path)
        assert part.exists()
    remove_part_on_full_disk(order, shop.store.path)
    assert not part.exists()
