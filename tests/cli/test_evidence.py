"""The record of one request, and what its archive holds."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import pytest

from bwp_tui.domain.filter import parse
from bwp_tui.domain.task import Kind, Request
from bwp_tui.domain.text import file_name
from bwp_tui.store.commands import requests
from bwp_tui.store.queries import tasks
from tests.archive.zips import DATA, Part, bomb_of_overlaps, forged, plain
from tests.cli.conftest import Bwp
from tests.cli.saved import email_of, save


@pytest.fixture
def kept(bwp: Bwp, tmp_path: Path) -> tuple[Bwp, str, Path]:
    number, path = save(bwp, tmp_path / "results")
    return bwp, f"#{number}", path


def test_the_record_tells_every_step_by_whom_and_every_hash(kept: tuple[Bwp, str, Path]) -> None:
    bwp, task, path = kept
    ended = bwp("evidence", task, "--json")
    assert (ended.code, ended.err) == (0, "")
    record = json.loads(ended.out)
    assert record["number"] == int(task[1:])
    assert record["regulation"]
    assert [step["what"] for step in record["timeline"]][-2:] == ["download asked", "downloaded"]
    assert record["timeline"][-1]["actor"] == "op (from 10.0.0.7)"
    (download,) = record["downloads"]
    assert download["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (download["path"], download["on_disk"], download["asked_by"]) == (
        str(path),
        "unchanged",
        "op (from 10.0.0.7)",
    )


def test_the_text_says_the_same(kept: tuple[Bwp, str, Path]) -> None:
    bwp, task, path = kept
    ended = bwp("evidence", task)
    assert ended.code == 0
    for words in (
        "received on",
        "due on",
        "regulation",
        "citation",
        "TIMELINE",
        "DOWNLOADS",
        "on disk              unchanged",
        str(path),
    ):
        assert words in ended.out
    assert not [line for line in ended.out.splitlines() if line != line.rstrip()]


def test_the_client_token_never_leaves_but_its_hash_does(bwp: Bwp) -> None:
    store = bwp.store()
    request = Request(Kind.RETRIEVAL, "jane@example.com", date(2026, 1, 31), "gdpr")
    number = requests.submit(store, request, "op").number
    ((token,),) = store.rows("SELECT client_token FROM intents")
    store.close()
    said = bwp("evidence", f"#{number}", "--json").out
    assert str(token) not in said
    (sent,) = json.loads(said)["sent"]
    sha256 = hashlib.sha256(str(token).encode()).hexdigest()
    assert sent["client_token_sha256"] == sha256
    assert f"client token sha256  {sha256}" in bwp("evidence", f"#{number}").out, "label and value stand apart"


def test_masking_hides_the_address_everywhere(kept: tuple[Bwp, str, Path]) -> None:
    bwp, task, _ = kept
    email = email_of(bwp, int(task[1:]))
    assert email in bwp("evidence", task).out
    for words in ((), ("--json",)):
        said = bwp("evidence", task, "--mask", *words).out
        assert said
        assert email not in said


def test_masking_hides_the_address_in_file_names_that_cannot_have_all_its_characters(
    kept: tuple[Bwp, str, Path],
) -> None:
    bwp, task, path = kept
    number = int(task[1:])
    store = bwp.store()
    name = file_name("RETRIEVAL", tasks.get(store, number).task_id or "", "a%b@example.com")
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET email = 'a%b@example.com' WHERE number = ?", (number,))
        transaction.run("UPDATE downloads SET path = ? WHERE task = ?", (str(path.with_name(name)), number))
    store.close()
    assert "a_b@example.com" in bwp("evidence", task, "--json").out
    for words in ((), ("--json",)):
        printed = bwp("evidence", task, "--mask", *words).out
        assert "@example.com" in printed
        assert "b@example.com" not in printed


def test_a_file_that_was_changed_or_is_gone_is_told(kept: tuple[Bwp, str, Path]) -> None:
    bwp, task, path = kept
    path.write_bytes(path.read_bytes() + b"x")
    assert "on disk              changed" in bwp("evidence", task).out
    path.unlink()
    assert "on disk              gone" in bwp("evidence", task).out
    inspected = bwp("inspect", task).err
    assert f"bwp-tui download {task[1:]} fetches it again." in inspected
    assert ("@example.com" in inspected, email_of(bwp, int(task[1:])) in inspected) == (True, False)
    path.mkdir()
    assert "on disk              unreadable" in bwp("evidence", task).out


def test_foreign_text_in_the_record_never_steers_the_terminal(kept: tuple[Bwp, str, Path]) -> None:
    bwp, task, _ = kept
    store = bwp.store()
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET note = ? WHERE number = ?", ("\x1b]52;c;eA==\x07\u202e", int(task[1:])))
    store.close()
    for words in ((), ("--json",), ("--mask",)):
        assert not set("\x1b\x07\u202e") & set(bwp("evidence", task, *words).out)


def test_a_task_that_is_not_there_is_not_found(kept: tuple[Bwp, str, Path]) -> None:
    bwp, _, _ = kept
    for command in (("evidence", "#999"), ("inspect", "#999"), ("pack", "#999", "--recipient", "age1x")):
        assert bwp(*command).code == 4


def test_inspecting_lists_a_result_or_any_file(kept: tuple[Bwp, str, Path]) -> None:
    bwp, task, path = kept
    ended = bwp("inspect", task)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].split() == ["SIZE", "PACKED", "MODIFIED", "NAME"]
    assert [line.split()[-1] for line in lines[1:]] == ["a.txt", "b/orders.json"]
    assert bwp("inspect", str(path)).out == ended.out
    found = json.loads(bwp("inspect", task, "--json").out)
    assert [(entry["name"], entry["modified"]) for entry in found] == [
        ("a.txt", "2024-11-01T12:30:00"),
        ("b/orders.json", "2024-11-01T12:30:00"),
    ]


def test_inspecting_masks_the_email_of_the_task_in_names_unless_told_otherwise(kept: tuple[Bwp, str, Path]) -> None:
    bwp, task, path = kept
    email = email_of(bwp, int(task[1:]))
    plain(path, {f"{email}/orders.txt": DATA})
    store = bwp.store()
    with store.write() as transaction:
        transaction.run("UPDATE downloads SET bytes = ?", (path.stat().st_size,))
    store.close()
    for words, is_masked in (([], True), (["--unmask"], False), (["--json"], False), (["--json", "--mask"], True)):
        ended = bwp("inspect", task, *words)
        assert (ended.code, email not in ended.out, "orders.txt" in ended.out) == (0, is_masked, True)


def test_inspecting_a_bad_archive_is_one_sentence(kept: tuple[Bwp, str, Path], tmp_path: Path) -> None:
    bwp, task, path = kept
    bomb_of_overlaps(path)
    store = bwp.store()
    with store.write() as transaction:
        transaction.run("UPDATE downloads SET bytes = ?", (path.stat().st_size,))
    store.close()
    ended = bwp("inspect", task)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "bwp-tui: The archive's entries share their bytes, as those of a zip bomb do.\n"
    ended = bwp("inspect", str(forged(tmp_path / "x.zip", Part(name=b"../\x1b[2J"))))
    assert ended.code == 0
    assert "leads outside its folder." in ended.err
    assert "../\\x1b[2J (leads outside its folder, has control characters in its name)" in ended.out
    assert "\x1b" not in ended.out + ended.err
    missing = bwp("inspect", str(tmp_path / "none.zip"))
    assert (missing.code, missing.err) == (4, "bwp-tui: The file is not there.\n")


def test_a_task_without_a_saved_result_says_what_to_do(bwp: Bwp, tmp_path: Path) -> None:
    save(bwp, tmp_path / "results")
    store = bwp.store()
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET download = NULL")
    (done, *_) = tasks.matching(store, parse("kind:retrieval status:completed"), today=date.today(), limit=1)
    (going, *_) = tasks.matching(store, parse("kind:retrieval status:in_progress"), today=date.today(), limit=1)
    store.close()
    for task, told in ((done, "is not saved; it must be downloaded first."), (going, "is IN_PROGRESS.")):
        for command in (("inspect", f"#{task.number}"), ("pack", f"#{task.number}", "--recipient", "age1x")):
            ended = bwp(*command)
            assert ended.code == 1
            assert told in ended.err
