"""Import and export: all or nothing, a receipt a run, files for this user alone, killed at any point."""

from __future__ import annotations

import csv
import io
import json
import shlex
import signal
import stat
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from bwp_tui.engine.runtime.lease import Lease, begin_term
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.worklog.engine_state import Ability
from tests.cli.conftest import CREDENTIALS, Bwp
from tests.cli.test_submit import recorded
from tests.pty_terminal import Terminal
from tests.waiting import eventually

MANY = 2_000


@pytest.fixture
def bwp(bwp: Bwp) -> Bwp:
    """The program with the credentials that an import asks for."""
    bwp.env.update(CREDENTIALS)
    return bwp


def _file(bwp: Bwp, *lines: str, name: str = "requests.csv") -> Path:
    file = bwp.data.parent / name
    file.write_text("\r\n".join(("kind,email,note", *lines)), encoding="utf-8-sig", newline="")
    return file


def _many(bwp: Bwp) -> Path:
    return _file(bwp, *(f"access,s{number}@example.com,n{number}" for number in range(MANY)))


def _receipts(file: Path) -> list[Path]:
    return sorted(file.parent.glob("*.receipt-*"))


def test_an_import_says_what_came_of_each_line_in_a_receipt_of_its_own(bwp: Bwp) -> None:
    file = _file(bwp, "access,jane@example.com,x", "erase,bob@example.com,y", "access,JANE@example.com,z")
    ended = bwp("import", str(file), "--yes")
    assert ended.code == 0
    assert ended.out == "3 requests recorded, #1 to #3.\n"
    (receipt,) = _receipts(file)
    assert stat.S_IMODE(receipt.stat().st_mode) == 0o600
    rows = list(csv.reader(io.StringIO(receipt.read_bytes().decode(), newline="")))
    assert rows == [
        ["line", "result", "reason", "number"],
        ["2", "recorded", "", "1"],
        ["3", "recorded", "", "2"],
        ["4", "recorded", "possible duplicate: same email and kind as line 2", "3"],
    ]
    assert "example.com" not in ended.out + ended.err


def test_nothing_is_recorded_while_a_line_is_wrong_and_every_wrong_one_is_listed(bwp: Bwp) -> None:
    file = _file(bwp, "access,jane@example.com,", "acess,jane@example.com,", "access,jane@example,")
    receipt = file.with_name("told.csv")
    ended = bwp("import", str(file), "--receipt", str(receipt))
    assert ended.code == 2
    assert "Line 3 is invalid: The kind “acess”" in ended.err
    assert "Line 4 is invalid:" in ended.err
    assert recorded(bwp) == 0
    results = [row["result"] for row in csv.DictReader(io.StringIO(receipt.read_text()))]
    assert results == ["right", "wrong", "wrong"]


def test_requests_that_may_end_late_are_counted_before_they_are_imported(bwp: Bwp) -> None:
    bwp.store().close()
    today = date.today()
    due_soon, overdue = ((today - timedelta(days)).isoformat() for days in (25, 90))
    late = bwp.data.parent / "late.csv"
    lines = (
        "erase,jane@example.com,180,,us-ca",
        f"erase,bob@example.com,0,{due_soon},us-ca",
        f"access,eve@example.com,,{due_soon},ca-qc",
        f"access,max@example.com,,{overdue},ca-qc",
        "access,amy@example.com,,,us-ca",
    )
    late.write_text("\n".join(("kind,email,holding_period,received,regulation", *lines)))
    said = bwp("import", str(late), "--dry-run").err
    assert "1 request is overdue already, first in line 5." in said
    assert (
        "3 requests may end after the due date, first in line 2: "
        "a shorter holding_period can help 1, an extension can help 1."
    ) in said


def test_a_dry_run_records_nothing_and_says_so(bwp: Bwp) -> None:
    ended = bwp("import", str(_file(bwp, "erase,jane@example.com,")), "--dry-run")
    assert (ended.code, recorded(bwp)) == (0, 0)
    assert "Dry run" in ended.err


def test_a_receipt_never_overwrites(bwp: Bwp) -> None:
    file = _file(bwp, "access,jane@example.com,")
    kept = file.with_name("kept.csv")
    kept.write_text("mine")
    ended = bwp("import", str(file), "--receipt", str(kept))
    assert (ended.code, kept.read_text(), recorded(bwp)) == (1, "mine", 0)


def test_the_same_file_again_is_refused_unless_it_is_meant(bwp: Bwp) -> None:
    file = str(_file(bwp, "access,jane@example.com,"))
    assert bwp("import", file).code == 0
    again = bwp("import", file)
    assert (again.code, recorded(bwp)) == (1, 1)
    assert len(again.err.splitlines()) == 1
    assert "the history has 1 request of it" in again.err
    assert bwp("import", file, "--again").code == 0
    assert recorded(bwp) == 2


def test_the_number_of_deletions_is_typed_before_they_are_recorded(bwp: Bwp) -> None:
    file = _file(bwp, "erase,jane@example.com,", "erase,bob@example.com,", "access,eve@example.com,")
    assert bwp("import", str(file)).code == 2
    for typed, code, count in (("1", 1, 0), ("2", 0, 3)):
        with Terminal(bwp.argv("import", str(file)), env=bwp.env, columns=150) as terminal:
            terminal.wait_for("Type 2 to confirm:")
            terminal.send(f"{typed}\r")
            assert terminal.wait() == code
        assert recorded(bwp) == count


def test_two_thousand_requests_are_recorded_with_progress_and_sent_once_each(bwp: Bwp) -> None:
    file = _many(bwp)
    with Terminal(bwp.argv("import", str(file)), env=bwp.env, columns=150) as terminal:
        assert terminal.wait(40) == 0
        terminal.wait_for(f"{MANY} requests recorded, #1 to #{MANY}.")
        assert b"checking 1000 of 2000" in terminal.bytes_since()
        assert b"recording 1000 of 2000" in terminal.bytes_since()
    assert recorded(bwp) == MANY
    assert len(_receipts(file)[0].read_text().splitlines()) == MANY + 1


@pytest.mark.parametrize("part", [20, 1000, 1980])
def test_an_import_killed_in_the_middle_leaves_nothing_and_can_be_done_again(bwp: Bwp, part: int) -> None:
    file = _many(bwp)
    with Terminal(bwp.argv("import", str(file)), env=bwp.env, columns=150) as terminal:
        seen = f"recording {part} of".encode()
        eventually(lambda: seen in terminal.bytes_since())
        terminal.signal(signal.SIGKILL)
        terminal.wait()
    assert recorded(bwp) in (0, MANY)
    ended = bwp("import", str(file))
    assert (ended.code, recorded(bwp)) in ((0, MANY), (1, MANY))
    store = bwp.store()
    assert store.row("SELECT count(DISTINCT email), count(*) FROM tasks") == (MANY, MANY)
    store.close()


def test_what_was_imported_is_sent_by_the_next_engine(shop: Bwp, practice: Sandbox) -> None:
    shop("import", str(_file(shop, "access,jane@example.com,", "erase,bob@example.com,")), "--yes")
    assert practice.state.starts == []
    assert shop("run", "--once").code == 0
    assert sorted(start.email for start in practice.state.starts) == ["bob@example.com", "jane@example.com"]


@pytest.mark.parametrize("ability", [Ability.POLLS, Ability.ALL])
def test_an_engine_that_sends_nothing_is_not_said_to_send_what_was_imported(shop: Bwp, ability: Ability) -> None:
    store, lease = shop.store(), Lease(shop.folder / "engine.lock")
    assert begin_term(store, lease, ability)
    ended = shop("import", str(_file(shop, "access,jane@example.com,")))
    assert ended.code == 0, ended.err
    assert ("not sent yet" in ended.err) is (ability is not Ability.ALL)
    store.close()
    lease.release()


@pytest.fixture
def filed(bwp: Bwp) -> Bwp:
    """A history with two tasks, the note of one of which a spreadsheet would take for a formula."""
    file = _file(bwp, "access,jane@example.com,'=1+1", "erase,bob@example.com,")
    assert bwp("import", str(file), "--yes").code == 0
    return bwp


def test_rows_on_a_terminal_wipe_the_progress_that_is_drawn_there(filed: Bwp) -> None:
    with Terminal(filed.argv("export", "-"), columns=500, env=filed.env) as terminal:
        assert terminal.wait() == 0
        lines = terminal.screen_text().splitlines()
        assert b"writing 1 of 2" in terminal.bytes_since()
    assert [line.split(",")[0].strip() for line in lines if ",yes," in line] == ["1", "2"]


def test_an_export_is_a_table_masked_unless_told_otherwise_and_says_so(filed: Bwp, tmp_path: Path) -> None:
    target = tmp_path / "tasks.csv"
    ended = filed("export", str(target))
    assert (ended.code, ended.out) == (0, "")
    assert f"2 tasks written to {target}, emails masked" in ended.err
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    text = target.read_bytes().decode()
    assert text.count("\r\n") == text.count("\n") == 3
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert [(row["email"], row["masked"], row["note"]) for row in rows] == [
        ("j•••@example.com", "yes", "'=1+1"),
        ("b•••@example.com", "yes", ""),
    ]
    assert filed("export", str(target)).code == 1


def test_an_export_whose_file_was_forgotten_is_refused(filed: Bwp, tmp_path: Path) -> None:
    for word in ("kind:deletion", "-status:failed", "due<2026-12-01", "tag=vip"):
        ended = filed("export", "--", word) if word.startswith("-") else filed("export", word)
        assert (ended.code, ended.out) == (2, "")
        assert "looks like a filter" in ended.err
        assert "comes last" in ended.err
        assert not Path(word).exists()
    target = tmp_path / "kind:deletion"
    assert "1 task written to" in filed("export", "kind:deletion", str(target)).err
    assert target.exists()


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_is_exported_as_one_array_or_a_line_a_task(filed: Bwp, form: str) -> None:
    ended = filed("export", "kind:retrieval,deletion", "--format", form, "--unmask", "-")
    tasks = json.loads(ended.out) if form == "json" else [json.loads(line) for line in ended.out.splitlines()]
    assert [(task["email"], task["note"], task["masked"]) for task in tasks] == [
        ("jane@example.com", "=1+1", False),
        ("bob@example.com", "", False),
    ]
    assert json.loads(filed("export", "tag:none", "--format", "json", "-").out) == []


@pytest.mark.parametrize(
    "how",
    ["{command} - < {file}", "{command} /dev/stdin < {file}", "cat {file} | {command} -", "{command} <(cat {file})"],
)
def test_a_file_may_come_through_a_pipe(bwp: Bwp, how: str) -> None:
    file = _file(bwp, "access,jane@example.com,x", "access,bob@example.com,y")
    line = how.format(command=shlex.join(bwp.argv("import")), file=file)
    ended = subprocess.run(["bash", "-c", line], env=bwp.env, cwd=file.parent, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert recorded(bwp) == 2
    assert _receipts(file) == []


def test_a_pipe_s_receipt_is_written_where_it_is_wanted(bwp: Bwp) -> None:
    ended = bwp(
        "import", "-", "--receipt", str(bwp.data.parent / "came.csv"), typed="kind,email\naccess,j@example.com\n"
    )
    assert ended.code == 0
    assert "stdin: 1 retrieval, " in ended.err
    assert (bwp.data.parent / "came.csv").is_file()


def test_a_possible_duplicate_is_asked_about_where_someone_is(bwp: Bwp) -> None:
    file = _file(bwp, "access,jane@example.com,x", "access,JANE@example.com,y", "access,bob@example.com,z")
    with Terminal(bwp.argv("import", str(file)), env=bwp.env) as terminal:
        terminal.wait_for("[y/N]")
        terminal.send("\r")
        assert terminal.wait() == 1
    assert recorded(bwp) == 0
    with Terminal(bwp.argv("import", str(file)), env=bwp.env) as terminal:
        terminal.wait_for("[y/N]")
        terminal.send("y\r")
        assert terminal.wait() == 0
    assert recorded(bwp) == 3


def test_no_message_stands_behind_a_line_of_progress(bwp: Bwp) -> None:
    file = _file(bwp, *(f"access,s{number}@example.com,n" for number in range(300)), "access,s1@example.com,again")
    with Terminal(bwp.argv("import", str(file), "--yes"), columns=150, env=bwp.env) as terminal:
        assert terminal.wait() == 0
        said = terminal.screen_text()
    assert "checking" not in said
    assert "recording" not in said


@pytest.mark.parametrize("target", ["-", "out.csv"])
def test_a_byte_order_mark_is_written_where_it_is_wanted_and_read_again(bwp: Bwp, target: str) -> None:
    assert bwp("import", str(_file(bwp, "access,jane@example.com,Zoë"))).code == 0
    file = bwp.data.parent / "out.csv"
    ended = bwp("export", "--unmask", "--bom", target if target == "-" else str(file))
    written = ended.out.encode() if target == "-" else file.read_bytes()
    assert written.startswith(b"\xef\xbb\xbf")
    file.write_bytes(written)
    assert bwp("import", str(file), "--dry-run").code == 0
    assert not bwp("export", "-").out.startswith("\ufeff")
