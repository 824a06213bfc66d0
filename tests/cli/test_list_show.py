"""Listing and showing what a planted history holds."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len

from bwp_tui.domain.filter import parse
from bwp_tui.domain.task import Kind, Request
from bwp_tui.sandbox.seed_history import past_tasks
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.commands.seed_sandbox import seed_tasks
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads, intent_outcomes
from tests.cli.conftest import Bwp
from tests.cli.saved import email_of, save
from tests.pty_terminal import Terminal
from tests.store.support import accepted, in_status, request, sent, submitted
from tests.store.test_declines import decline, withdraw


@pytest.fixture
def planted(bwp: Bwp) -> Bwp:
    """The program with sixty tasks of the past."""
    store = bwp.store()
    seed_tasks(store, past_tasks(60, 1, datetime.now(UTC)), "op")
    store.close()
    return bwp


def test_the_beginning_of_two_present_task_ids_is_not_called_an_earlier_one(bwp: Bwp) -> None:
    store = bwp.store()
    for last in "12":
        accepted(store, f"3e1c7ae4-{last}")
    store.close()
    ended = bwp("show", "3e1c7ae4")
    assert (ended.code, "more than one task" in ended.err) == (4, True)


def test_an_earlier_task_id_leads_to_its_task(bwp: Bwp) -> None:
    store = bwp.store()
    number = accepted(store, kind=Kind.DELETION).number
    decline(store, number)
    intent_outcomes.record_cancelled(store, sent(store, number).id)
    withdraw(store, number)
    store.close()
    for name, is_earlier in (("task-1", True), ("task-9", False)):
        ended = bwp("show", name)
        assert (ended.code, f"#{number}" in ended.err) == (4, is_earlier)


def test_json_says_what_show_does_of_a_resubmitted_and_of_a_purged_task(planted: Bwp) -> None:
    listed = {task["id"]: task for task in json.loads(planted("list", "--json").out)}
    store = planted.store()
    failed = next(iter(listed[number] for number in listed if listed[number]["status"] == "FAILED"))
    new = requests.resubmit(store, failed["id"], "op").number
    store.close()
    ended = str(next(number for number in listed if listed[number]["answered"]))
    assert planted("purge", "--older-than", "0", ended, "--yes").code == 0
    old, again, purged = (json.loads(planted("show", n, "--json").out) for n in (str(failed["id"]), str(new), ended))
    assert (failed["open"], old["open"], again["open"], purged["open"]) == (True, False, True, False)
    assert (old["resubmitted_as"], again["resubmit_of"], again["earlier"]) == (new, failed["id"], failed["id"])
    assert (old["finished_at"], again["finished_at"]) == (failed["finished_at"], None)
    assert purged["purged_at"] > purged["finished_at"]


def execute(bwp: Bwp, sql: str) -> None:
    store = bwp.store()
    with store.write() as transaction:
        transaction.run(sql)
    store.close()


def test_the_list_is_aligned_newest_first_and_masked(planted: Bwp) -> None:
    ended = planted("list")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert len(lines) == 61
    numbers = [int(line.split()[0]) for line in lines[1:]]
    assert numbers == sorted(numbers, reverse=True)
    column = lines[0].index("STATUS")
    assert all(line[column - 2 : column] == "  " and line[column] != " " for line in lines[1:])
    assert all("•••@" in line for line in lines[1:])


@pytest.mark.parametrize("columns", [40, 60, 80, 150])
@pytest.mark.parametrize(
    "words",
    ["list --unmask", "sent", "downloads", "report --from 2000-01-01 --to 2999-12-31"],
    ids=lambda words: words.split()[0],
)
def test_a_table_fits_the_terminal(bwp: Bwp, words: str, columns: int) -> None:
    save(bwp, bwp.folder / "downloads")
    execute(bwp, "UPDATE tasks SET note = 'a note in 日本語 that no terminal has room for, ' || hex(randomblob(80))")
    execute(bwp, "UPDATE tasks SET email = 'someone.with.a.long.name@a.long.domain.example.com' WHERE number % 2")
    store = bwp.store()
    for number in range(3):
        submitted(store, email=f"shopper{number}@example.com")
    store.close()
    piped = bwp(*words.split()).out.splitlines()
    with Terminal(bwp.argv(*words.split()), columns=columns, rows=100, env=bwp.env) as terminal:
        assert terminal.wait() == 0
        lines = terminal.bytes_since().decode().split("\r\n")
    printed = [line for line in lines if line]
    assert max(map(cell_len, printed)) <= columns
    if words.startswith("report"):  # no figure is left out
        assert Counter(" ".join(printed).split()) >= Counter(" ".join(piped).split())
    else:
        assert len(printed) == len(piped)
        assert {"#", "STATE" if "STATE " in piped[0] else "STATUS"} <= set(printed[0].split())


def test_unmasking_is_asked_for(planted: Bwp) -> None:
    assert "•••" not in planted("list", "--unmask").out
    assert "•••" not in planted("list", "--json").out
    masked = planted("list", "--json", "--mask").out
    assert all(task["email"][1:4] == "•••" for task in json.loads(masked))


def test_a_masked_list_hides_the_address_in_notes_tags_and_paths_too(bwp: Bwp, tmp_path: Path) -> None:
    number, _ = save(bwp, tmp_path / "saved")
    email = email_of(bwp, number)
    assert bwp("note", str(number), f"called {email} back").code == 0
    assert bwp("tag", str(number), f"+for:{email}").code == 0
    for words in ((), ("--sentences",), ("--json", "--mask"), ("--unmask",)):
        listed = bwp("list", email, *words).out
        assert "called " in listed
        assert (email in listed) is (words == ("--unmask",)), words


def test_json_agrees_with_the_register(planted: Bwp) -> None:
    found = json.loads(planted("list", "status:failed", "--json").out)
    store = planted.store()
    rows = store.rows("SELECT number, task_id, email FROM tasks WHERE status = 'FAILED' ORDER BY number DESC")
    store.close()
    assert found
    assert [(task["id"], task["task_id"], task["email"]) for task in found] == rows
    assert all(task["errors"][0]["code"] in ("DATA_SUBJECT_NOT_FOUND", "ORDERS_NOT_CLOSED") for task in found)


def test_a_limit_says_what_it_leaves_out(planted: Bwp) -> None:
    ended = planted("list", "--limit", "5")
    assert len(ended.out.splitlines()) == 6
    assert ended.err == "bwp-tui: 5 of 60 tasks shown; --limit 60 shows all.\n"


def test_a_pipe_gets_all_and_a_terminal_a_hundred(bwp: Bwp) -> None:
    store = bwp.store()
    for number in range(101):
        requests.submit(store, request(email=f"shopper{number}@example.com"), "op")
    store.close()
    assert len(json.loads(bwp("list", "--json").out)) == len(json.loads(bwp("sent", "--json").out)) == 101
    assert len(bwp("list").out.splitlines()) == 102
    with Terminal(bwp.argv("list"), env=bwp.env) as terminal:
        terminal.wait_for("100 of 101 tasks shown")


def test_json_of_nothing_is_an_empty_array(planted: Bwp) -> None:
    ended = planted("list", "id:zzzz", "--json")
    assert (ended.code, json.loads(ended.out), ended.err) == (0, [], "bwp-tui: No task matches.\n")
    assert "bwp-tui show 999" in planted("list", "999").err


def test_an_empty_history_says_how_to_begin(bwp: Bwp) -> None:
    ended = bwp("list")
    assert (ended.code, ended.out) == (0, "")
    assert "bwp-tui submit" in ended.err


def test_a_mistake_in_a_filter_is_marked_under_the_word(bwp: Bwp) -> None:
    ended = bwp("list", "kind:deletion stauts:failed")
    assert ended.code == 2
    said = ended.err.splitlines()
    assert "Did you mean “status”?" in said[0]
    at = said[1].index("stauts")
    assert said[2] == "bwp-tui: " + " " * (at - len("bwp-tui: ")) + "^^^^^^"


def test_show_tells_all_and_hides_the_address_wherever_it_stands(planted: Bwp) -> None:
    store = planted.store()
    task = tasks.matching(store, parse("status:completed"), today=date.today(), limit=1)[0]
    store.close()
    number, email, task_id = task.number, task.email, task.task_id or ""
    execute(planted, f"UPDATE tasks SET note = 'write to {email}' WHERE number = {number}")
    shown = planted("show", task_id[:8])
    assert shown.code == 0
    assert task_id in shown.out
    assert "accepted QUEUED →" in shown.out
    assert email not in shown.out
    assert email in planted("show", f"#{number}", "--unmask").out


def test_json_of_a_task_is_one_object(planted: Bwp) -> None:
    assert json.loads(planted("show", "1", "--json").out)["id"] == 1


@pytest.mark.parametrize("name", ["9999", "#0", "abc", "ffffffff-not-there", "' OR 1=1 --"])
def test_a_task_that_is_not_there_is_not_found(planted: Bwp, name: str) -> None:
    ended = planted("show", "--", name)
    assert ended.code == 4
    assert ended.err.startswith("bwp-tui: ")
    assert ended.err.count("\n") == 1


def test_foreign_text_never_steers_the_terminal(planted: Bwp) -> None:
    nasty = "\\x1b]52;c;eA==\\x07\\x9b2J\\u202e"
    execute(
        planted,
        "UPDATE tasks SET note = '" + nasty.encode().decode("unicode_escape") + "', trouble = note, reason = note,"
        " status = 'NEW' || note, errors = json_array(json_array('C', note))",
    )
    for words in (["list"], ["show", "1"], ["show", "1", "--json"], ["list", "--json"], ["list", "--unmask"]):
        said = planted(*words).out
        assert said
        assert not set("\x1b\x07\x9b\u202e") & set(said)


def test_a_reader_that_leaves_early_is_no_fault(planted: Bwp) -> None:
    for _ in range(3):
        execute(planted, "UPDATE tasks SET note = note || printf('%.4000c', 'x')")
    process = subprocess.Popen(
        planted.argv("list"), env=planted.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(1)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(20), said) == (0, "")


def test_a_narrow_encoding_shows_other_signs_in_the_same_columns(planted: Bwp) -> None:
    ended = planted("list", env={"PYTHONIOENCODING": "ascii"})
    assert ended.code == 0
    assert "***@example.com" in ended.out
    assert ended.out.replace("*", "") == planted("list").out.replace("•", "")


def test_a_history_of_a_newer_program_is_refused_and_left_alone(planted: Bwp) -> None:
    execute(planted, "CREATE TABLE future (x)")
    execute(planted, "PRAGMA user_version = 999")
    before = (planted.folder / "history.db").read_bytes()
    ended = planted("list")
    assert ended.code == 1
    assert "newer bwp-tui" in ended.err
    assert ended.err.count("\n") == 1
    assert (planted.folder / "history.db").read_bytes() == before


def test_a_history_that_is_no_database_is_set_aside_and_told(bwp: Bwp) -> None:
    bwp.folder.mkdir(parents=True)
    content = b"no database at all" * 100
    (bwp.folder / "history.db").write_bytes(content)
    ended = bwp("list")
    assert ended.code == 0
    assert "damaged" in ended.err
    assert [aside.read_bytes() for aside in bwp.folder.glob("history.damaged-*.db")] == [content]


def test_a_data_folder_that_cannot_be_made_is_told(bwp: Bwp) -> None:
    bwp.data.write_text("a file")
    ended = bwp("views", "save", "any")
    assert ended.code == 1
    assert "Set BWP_DATA_DIR" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("words", [("list",), ("sent",), ("dashboard",), ("downloads",), ("views",)])
def test_reading_makes_no_history_in_the_place_of_one_that_is_away(bwp: Bwp, words: tuple[str, ...]) -> None:
    ended = bwp(*words)
    assert ended.code == 0
    assert str(bwp.folder / "history.db") in ended.err
    assert not bwp.folder.exists()


def test_nothing_is_made_for_others_to_read_whatever_the_umask(bwp: Bwp) -> None:
    command = ["sh", "-c", 'umask 000; exec "$@"', "sh", *bwp.argv("views", "save", "any")]
    ended = subprocess.run(command, env=bwp.env, check=False)
    assert ended.returncode == 0
    made = [path for path in bwp.data.rglob("*") if path.exists()]
    assert made
    assert not [path for path in [bwp.data, *made] if path.stat().st_mode & 0o077]


def test_the_planted_past_is_counted_and_has_its_timelines(bwp: Bwp) -> None:
    store = open_store(bwp.folder / "history.db")
    past = past_tasks(60, 1, datetime.now(UTC))
    seed_tasks(store, past, "op")
    assert tasks.count(store, parse(""), today=date.today()) == 60
    counted = store.rows("SELECT kind, status, sum(tasks) FROM tallies WHERE tasks > 0 GROUP BY 1, 2 ORDER BY 1, 2")
    assert counted == store.rows("SELECT kind, status, count(*) FROM tasks GROUP BY 1, 2 ORDER BY 1, 2")
    cancelled = sum(task.cancelled for task in past)
    assert store.row("SELECT count(*) FROM tasks WHERE status = 'CANCELLED'") == (cancelled,)
    assert store.row("SELECT count(*) FROM tasks WHERE terminal = 0 AND next_poll_at IS NULL") == (0,)
    assert store.row("SELECT count(*) FROM tasks WHERE terminal = 1 AND next_poll_at IS NOT NULL") == (0,)
    # The last change on each timeline is what the task is now, and no line stands before its elder.
    assert (
        store.rows(
            "SELECT t.number FROM tasks t WHERE t.status <> (SELECT l.after FROM timeline l WHERE l.task = t.number"
            " AND l.after IS NOT NULL ORDER BY l.id DESC LIMIT 1)"
        )
        == []
    )
    assert (
        store.rows("SELECT 1 FROM timeline a JOIN timeline b ON a.task = b.task AND a.id < b.id AND a.at > b.at") == []
    )
    store.close()


def test_a_request_that_was_never_sent_has_no_submission_time(bwp: Bwp) -> None:
    with closing(bwp.store()) as store:
        requests.submit(store, Request(Kind.RETRIEVAL, "jane@example.com", date.today(), "gdpr"), "op")
    heading, row = bwp("list").out.splitlines()
    at = heading.index("SUBMITTED")
    assert row[at : at + 9].strip() == "-"


def test_a_profile_without_tasks_names_those_with_a_history(bwp: Bwp) -> None:
    bwp("views", "save", "any")
    assert "a history of" not in bwp("list").err
    ended = bwp("list", "--profile", "defualt")
    assert (ended.code, ended.err.rstrip().endswith("defualt; there is a history of: default.")) == (0, True)


def test_the_note_says_what_is_wrong_with_a_task(bwp: Bwp) -> None:
    store = bwp.store()
    refused = in_status(store, "REJECTED")
    store.close()
    assert refused.errors[0].code
    assert refused.errors[0].code in bwp("list").out


def test_a_result_that_counts_after_a_merge_is_looked_for_by_doctor_too(bwp: Bwp, tmp_path: Path) -> None:
    number, path = save(bwp, tmp_path / "results")
    store = bwp.store()
    requests.download(store, number, str(tmp_path), "op")
    (job,) = downloads.ready(store, store.clock(), 1)
    downloads.record_success(store, job, str(path), path.stat().st_size, "ab" * 32)
    with store.write() as transaction:  # as a merge numbers what was saved on this disk: it stays the task's
        transaction.run("UPDATE downloads SET id = 9, path = path || '.moved' WHERE id = 1")
        transaction.run("UPDATE tasks SET download = 9 WHERE number = ?", (number,))
    store.close()
    assert "is gone or changed" in bwp("show", str(number)).out
    assert "Gone or changed on disk: 1 downloaded result" in bwp("doctor").out


def test_a_saved_result_that_is_gone_from_disk_is_said_to_be(bwp: Bwp, tmp_path: Path) -> None:
    number, path = save(bwp, tmp_path / "results")
    assert "is gone" not in bwp("show", str(number)).out
    assert "Gone or changed on disk" not in bwp("doctor").out
    assert "is gone" not in bwp("letter", "answer", str(number)).err
    path.write_bytes(b"another file")
    assert bwp("inspect", str(number)).code == 1
    path.unlink()
    gone = "is gone: download it again."
    assert gone in bwp("letter", "answer", str(number)).err
    assert f"is gone or changed; bwp-tui download {number} downloads it again" in bwp("show", str(number)).out
    assert "Gone or changed on disk: 1 downloaded result" in bwp("doctor").out
    assert bwp("downloads", "retry", str(number)).code == 0
    assert gone in bwp("letter", "answer", str(number)).err, "the new download has not brought it yet"
    assert bwp("downloads", "cancel", str(number)).code == 0
    assert gone in bwp("letter", "answer", str(number)).err
    assert "Gone or changed on disk: 1 downloaded result" in bwp("doctor").out
    assert json.loads(bwp("dashboard", "--json").out)["downloads"]["gone"] == 1
    assert bwp("decline", str(number), "--reason", "fraud", "--text", "Not the shopper.").code == 0
    assert "Gone or changed on disk" not in bwp("doctor").out
    store = bwp.store()
    (download,) = download_queue.list_downloads(store, 1)
    store.close()
    assert "declined" in (download_queue.cannot_retry(download) or "")
    assert f"download {number}" not in bwp("inspect", str(number)).err
