"""Inside a saved result: the list, the previews, unpacking when asked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from errno import EACCES
from pathlib import Path

import pytest

from bwp_tui.archive.archive_file import unreadable_error
from bwp_tui.console.screens.archive import ArchiveScreen
from bwp_tui.console.screens.front_screens import NO_MORE_COLUMNS
from bwp_tui.console.store_access.write_guard import READ_ONLY
from bwp_tui.console.widgets.virtual_list import VirtualList
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests, work_records
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreUnavailable
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.counts_at_path import counts_at
from bwp_tui.store.worklog import downloads
from tests.archive.zips import DATA, Part, bomb_of_overlaps, forged, plain
from tests.console.past_tasks import HELD, NOW, READY
from tests.console.support import USUAL, Console, opened

MEMBERS: Mapping[str, bytes] = {
    "README.txt": b"About jane.doe@example.com\n\x1b[2Jthe end",
    "orders.json": b'[{"id": 1, "to": "jane.doe@example.com"}, {"id": 2}]',
    "orders.csv": b"id,total\n1,20.50\n2,7.00\n",
    "page.html": b"<script>x</script><p>Dear <b>Jane</b></p>",
    "photo.png": b"\x89PNG\r\n\x1a\n\0\0",
    "folder/big.txt": b"line\n" * 100_000,
}


def save(
    console: Console, profile: Profile, members: Mapping[str, bytes] = MEMBERS, remarks: Sequence[str] = ()
) -> Path:
    """Lay an archive where the history says the result of `READY` was saved."""
    profile.download_dir.mkdir(parents=True, exist_ok=True)
    path = plain(profile.download_dir / "retrieval-jane.doe@example.com-1.zip", members)
    record(console.store, path, remarks)
    return path


def record(store: Store, path: Path, remarks: Sequence[str] = ()) -> None:
    requests.download(store, READY, str(path.parent), "op")
    (order,) = downloads.ready(store, store.clock(), 100)
    content = path.read_bytes()
    downloads.record_success(store, order, str(path), len(content), hashlib.sha256(content).hexdigest(), remarks)


async def look_inside(console: Console, *words: str) -> None:
    """Press the key once the console knows that the result is saved."""
    await console.until(lambda: (task := console.main.table.current) and task.download and task.download.path)
    await console.press("o")
    await console.until(lambda: isinstance(console.app.screen, ArchiveScreen))
    await console.sees(*words)


def shown(console: Console) -> str:
    return console.line("archive-rows")


@pytest.mark.parametrize("size", [(120, 40), USUAL, (60, 15)])
async def test_the_archive_is_listed_at_every_size(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(profile, size=size) as console:
        save(console, profile)
        await look_inside(console, "README.txt", "folder/big.txt", "500 kB", "2024-11-01 12:30", "archive · retrieval")
        assert "j•••@example.com" in console.line("archive-heading")
        assert all(len(line) <= size[0] for line in console.text.splitlines())
        assert ("PACKED" in shown(console)) == (size[0] == 120)
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)


async def test_a_task_without_a_saved_result_says_so(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("o")
        assert "is not saved yet; it must be downloaded first" in console.line("status")
        await console.go_to(HELD)
        await console.press("o")
        assert "o: A deletion has no result" in console.line("status")


async def test_each_kind_of_entry_is_shown_readable_masked_and_harmless(profile: Profile) -> None:
    expected = {
        "README.txt": ("README.txt · text", "About j•••@example.com", "\\x1b[2Jthe end"),
        "orders.json": ("orders.json · JSON", "▾ [ 2 ]", '▸ { 2 }  1  "j•••@example.com"', "▸ { 1 }  2"),
        "orders.csv": ("orders.csv · table", "id  total", "1   20.50"),
        "page.html": ("the words of an HTML page", "Dear Jane"),
        "photo.png": ("photo.png · bytes", "00000000  89 50 4e 47"),
        "folder/big.txt": ("500 kB", "Preview truncated. Press X"),
    }
    async with opened(profile, size=USUAL) as console:
        save(console, profile)
        await look_inside(console, "README.txt")
        for row, words in enumerate(expected.values()):
            assert console.app.screen.query_one(VirtualList).cursor_row == row
            await console.press("enter")
            await console.sees(*words)
            assert "jane.doe" not in console.text
            await console.press("escape")
            await console.sees("NAME", "orders.csv")
            await console.press("j")


async def test_the_end_of_a_filter_leaves_the_cursor_on_its_entry(profile: Profile) -> None:
    async with opened(profile) as console:
        save(console, profile)
        await look_inside(console, "README.txt", "orders.csv")
        rows = console.app.screen.query_one(VirtualList)
        await console.press("slash", *"orders", "enter", "j")
        assert (rows.row_count, rows.cursor_row) == (2, 1)
        entry = rows.text_of(1)
        await console.press("enter")
        await console.sees("orders.csv · table")
        await console.press("escape", "escape")
        await console.until(lambda: rows.row_count == len(MEMBERS))
        assert rows.text_of(rows.cursor_row) == entry


async def test_json_is_folded_and_unfolded_in_its_place(profile: Profile) -> None:
    async with opened(profile) as console:
        save(console, profile)
        await look_inside(console, "orders.json")
        await console.press("j", "enter")
        await console.sees("▸ { 1 }")
        await console.press("j", "space")
        await console.sees("▾ { 2 }", "id: 1")
        await console.press("j", "enter")
        await console.until(lambda: "id: 1" not in shown(console))
        assert console.app.screen.query_one(VirtualList).cursor_row == 1
        await console.press("k", "enter")
        await console.sees("▸ [ 2 ]")
        assert "{ 2 }" not in shown(console)


async def test_long_texts_are_moved_through_and_wrapped(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        save(console, profile, {"a.txt": b"x" * 100 + b"\n" + b"\n".join(b"line %d" % n for n in range(500))})
        await look_inside(console, "a.txt")
        await console.press("enter")
        await console.sees("x" * 75, "line 0")
        await console.press("G")
        await console.sees("line 499")
        await console.press("ctrl+u", "pageup", "pagedown", "ctrl+d", "g")
        await console.sees("line 0")
        await console.pilot.resize_terminal(120, 40)
        await console.sees("x" * 100)


async def test_unpacking_is_asked_recorded_and_private(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        path = save(console, profile)
        await look_inside(console, "README.txt")
        await console.press("X")
        await console.sees("Extract 6 files, 500 kB into a new folder", "y yes  n no")
        await console.press("j", "n")
        await console.until(lambda: "y yes" not in console.text)
        assert [found.name for found in path.parent.iterdir()] == [path.name]
        await console.press("X", "y")
        await console.sees("Extracted to")
        folder = path.with_suffix("")
        assert (folder / "folder/big.txt").read_bytes() == MEMBERS["folder/big.txt"]
        assert folder.stat().st_mode & 0o777 == 0o700
        assert console.app.clipboard == str(folder)
        event = timeline.of_task(console.store, READY)[-1]
        assert (event.what, event.actor, event.detail) == ("unpacked", "op", str(folder))
        assert "jane.doe" not in console.text


async def test_what_is_unpacked_and_cannot_be_recorded_is_said_to_be_there(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailable("Full.")

    async with opened(profile, size=USUAL) as console:
        path = save(console, profile)
        await look_inside(console, "README.txt")
        monkeypatch.setattr(work_records, "record_unpacked", refuse)
        await console.press("X", "y")
        await console.sees("Extracted", "Full.")
        assert path.with_suffix("").is_dir()


async def test_a_read_only_profile_looks_and_does_not_unpack(profile: Profile) -> None:
    async with opened(replace(profile, read_only=True)) as console:
        path = save(console, profile)
        await look_inside(console, "README.txt")
        assert "extract" not in console.line("footer")
        await console.press("X")
        await console.sees(f"X: {READ_ONLY}")
        assert [found.name for found in path.parent.iterdir()] == [path.name]


async def test_the_folder_is_shown_and_copied(profile: Profile) -> None:
    async with opened(profile) as console:
        path = save(console, profile)
        await look_inside(console, "README.txt")
        await console.press("o")
        await console.until(lambda: console.line("status").startswith(f" {path.parent}"[:100]))
        assert console.app.clipboard == str(path.parent)


async def test_what_is_wrong_with_an_archive_is_a_sentence(profile: Profile) -> None:
    async with opened(profile) as console:
        path = save(console, profile)
        bomb_of_overlaps(path)
        record(console.store, path)
        await look_inside(console, "The archive's entries share their bytes, as those of a zip bomb do.")
        await console.press("enter", "G", "escape")
        forged(path, Part(name=b"../../x\x1b[2J.txt"), Part(name=b"ok.txt", crc=1, data=DATA))
        await console.press("o")
        await console.sees("is gone or changed. Press d on the task")
        await console.press("escape")
        record(console.store, path)
        await console.until(
            lambda: (task := console.main.table.current) and task.download == console.task(READY).download
        )
        await console.press("o")
        await console.sees("../../x\\x1b[2J.txt", "leads outside its folder", "ok.txt")
        await console.press("j", "enter")
        await console.sees("“ok.txt” in the archive is damaged.")
        await console.press("X", "y")
        await console.sees("leads outside its folder, so nothing was unpacked.")
        path.unlink()
        await console.press("k", "enter")
        await console.sees("is gone or changed. Press d on the task to download it again.")
        await console.press("g")
        await console.press("X", "y")
        await console.sees("is gone or changed. Press d on the task to download it again.")


async def test_what_only_an_open_entry_has_is_refused_in_the_list(profile: Profile) -> None:
    async with opened(profile) as console:
        save(console, profile)
        await look_inside(console, "orders.json")
        screen = console.app.screen
        assert isinstance(screen, ArchiveScreen)
        names = ("pager", "next_match", "previous_match", "left", "right")
        assert all(map(screen.disabled_reason, names))
        await console.press("n")
        await console.sees("n: Open a file first.")


async def test_an_archive_that_was_not_read_is_not_said_to_have_no_files(profile: Profile) -> None:
    async with opened(profile) as console:
        bomb_of_overlaps(path := save(console, profile))
        record(console.store, path)
        await look_inside(console, "as those of a zip bomb do")
        assert not re.search("extract|open|filter", console.line("footer"))
        await console.press("X")
        await console.sees("X: The archive is not listed")
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)
        save(console, profile, {"jane.doe@example.com.txt": b"line\n" * 400_000})
        await console.until(lambda: console.main.table.current == console.task(READY))
        await look_inside(console, "“j•••@example.com.txt” would grow more than")


async def test_the_download_that_is_opened_is_shown_whatever_became_of_the_newest_one(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        path = save(console, profile, remarks=("Large.",))
        requests.download(console.store, READY, str(path.parent), "op")
        await console.press("F", "G", "enter")
        await console.sees("README.txt", "Large.")


async def test_an_archive_that_changed_meanwhile_is_not_mixed_up(profile: Profile) -> None:
    async with opened(profile) as console:
        path = save(console, profile)
        await look_inside(console, "README.txt")
        plain(path, {"README.txt": b"another one"})
        await console.press("enter")
        await console.sees("is gone or changed. Press d on the task")


async def test_a_result_in_a_folder_that_is_closed_to_this_user_is_not_called_gone(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *, real: Callable[..., object] = Path.stat, **options: bool) -> object:
        if path.name.endswith(".zip"):
            raise PermissionError(EACCES, "Permission denied", str(path))
        return real(path, **options)

    def refuse_to_open(path: Path) -> object:
        raise unreadable_error(PermissionError(EACCES, "Permission denied", str(path)))

    async with opened(profile) as console:
        save(console, profile)
        monkeypatch.setattr(Path, "stat", refuse)
        monkeypatch.setattr("bwp_tui.archive.archive_file.open_file", refuse_to_open)
        await console.go_to(READY)
        await console.sees("o browses it")
        await console.press("o")
        await console.sees("The archive cannot be read (Permission denied)")
        assert "gone" not in console.text
        assert counts_at(Path("shop.zip"), [], NOW, NOW.date()) is None  # nor does a history there have no tasks


async def test_ten_thousand_entries_are_as_quick_as_ten(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        save(console, profile, {f"file-{number:05}.txt": b"" for number in range(10_000)})
        await look_inside(console, "file-00000.txt")
        await console.press("G")
        await console.sees("file-09999.txt")
        await console.press("k", "pageup", "g")
        await console.sees("› file-00000.txt")


WIDE_ROWS = {"events.csv": b"at,what,session\n1,login," + b"S" * 78 + b"-E\n2,logout,short\n"}


async def test_a_wide_table_is_moved_sideways_by_the_column(profile: Profile) -> None:
    async with opened(profile, size=(60, 15)) as console:
        save(console, profile, WIDE_ROWS)
        await look_inside(console, "events.csv")
        await console.press("enter")
        await console.sees("at  what    session", "h l columns")
        await console.press("l", "right")
        await console.sees("from column 3 of 3")
        assert "what" not in shown(console)
        assert "session" in shown(console)
        await console.press("l", "h")
        await console.sees("what    session", "from column 2 of 3")
        await console.press("left", "h", "h")
        await console.sees("at  what    session", NO_MORE_COLUMNS)
        assert "from column" not in console.line("archive-heading")


async def test_a_wide_column_takes_the_cells_that_are_left(profile: Profile) -> None:
    async with opened(profile, size=(120, 15)) as console:
        save(console, profile, WIDE_ROWS)
        await look_inside(console, "events.csv")
        await console.press("enter")
        await console.sees("at  what    session", "S" * 78 + "-E")


async def test_a_row_of_a_table_is_read_whole_however_long_its_cells_are(profile: Profile) -> None:
    async with opened(profile, size=(60, 15)) as console:
        save(console, profile, WIDE_ROWS)
        await look_inside(console, "events.csv")
        await console.press("enter")
        await console.sees("whole row")
        assert "-E" not in shown(console)
        await console.press("enter")
        await console.sees("at: 1", "what: login", "session: SSS", "-E", "events.csv · table, row 1")
        await console.press("escape", "j", "enter")
        await console.sees("at: 2", "session: short", "row 2")
        await console.press("escape")
        await console.until(lambda: "at  what" in shown(console))
        assert console.app.screen.query_one(VirtualList).cursor_row == 1
        await console.press("escape")
        await console.sees("NAME")


async def test_an_empty_archive_says_so_and_nothing_is_unpacked(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        save(console, profile, {})
        await look_inside(console, "The archive is empty.", "0 files")
        await console.press("enter", "X")
        await console.sees("X: The archive has no files to extract.")
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)
    assert [path.suffix for path in profile.download_dir.iterdir()] == [".zip"]


async def test_an_empty_file_says_so(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        save(console, profile, {"orders.csv": b""})
        await look_inside(console, "orders.csv")
        await console.press("enter")
        await console.sees("This file is empty.", "orders.csv · an empty file")
