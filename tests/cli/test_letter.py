"""Letters from the command line: printed, written, copied; recorded each time, and never sent."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
from pathlib import Path

import pytest

from bwp_tui.domain.letters import BUILT_IN_TEMPLATES, PLACEHOLDERS
from bwp_tui.domain.task import Kind, Task, TimelineEvent
from bwp_tui.store.commands import requests
from bwp_tui.store.queries import tasks, timeline
from tests.cli.conftest import CREDENTIALS, Bwp
from tests.pty_terminal import Terminal
from tests.store.support import in_status


@pytest.fixture
def kept(bwp: Bwp) -> Bwp:
    """A history with a completed retrieval, and a task that goes on; the shop has a name."""
    store = bwp.store()
    in_status(store, "COMPLETED")
    in_status(store, "IN_PROGRESS", task_id="task-2")
    store.close()
    bwp.env["BWP_SHOP_NAME"] = "Acme Shop"
    return bwp


def seen(bwp: Bwp, number: int) -> tuple[Task, list[TimelineEvent]]:
    """The task, and its letters on the timeline."""
    store = bwp.store()
    task, events = tasks.get(store, number), timeline.of_task(store, number)
    store.close()
    return task, [event for event in events if event.what == "letter"]


def own_letters(bwp: Bwp) -> Path:
    folder = Path(bwp.env["HOME"]) / ".config" / "bwp-tui" / "letters"
    folder.mkdir(parents=True)
    return folder


def test_a_letter_is_printed_and_recorded_with_its_hash_and_the_task_stays_as_it_is(kept: Bwp) -> None:
    before, _ = seen(kept, 1)
    ended = kept("letter", "answer", "1")
    assert ended.code == 0
    assert "jane@example.com" in ended.out
    assert ended.out.endswith("Kind regards,\nAcme Shop\n")
    assert "No verification of the identity is recorded." in ended.err
    after, (event,) = seen(kept, 1)
    assert event.detail == f"answer (sha256 {hashlib.sha256(ended.out.encode()).hexdigest()})"
    assert (after.status, after.answered_on, after.due_on) == (before.status, None, before.due_on)
    assert kept("letter", "answer", "1").out == ended.out
    assert len(seen(kept, 1)[1]) == 1


def test_the_letter_of_an_extension_that_the_law_does_not_allow_is_refused_as_the_extension_is(kept: Bwp) -> None:
    assert kept("correct", "2", "--regulation", "none", "--yes").code == 0
    refused = [kept(*words).err for words in (("letter", "extension", "2"), ("extend", "2", "--reason", "busy"))]
    assert refused[0] == refused[1]


def test_a_letter_is_written_to_a_private_file_and_never_over_one(kept: Bwp, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    ended = kept("letter", "acknowledgement", "2", "--to", str(path), "--json")
    found = json.loads(ended.out)
    assert (found["kind"], found["task"], found["path"], found["template"]) == (
        "acknowledgement",
        2,
        str(path),
        "built-in text",
    )
    assert path.read_text() == found["text"]
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert seen(kept, 2)[1][-1].detail == f"acknowledgement (sha256 {found['sha256']}), written to {path}"
    again = kept("letter", "acknowledgement", "2", "--to", str(path))
    assert (again.code, again.out) == (1, "")
    assert f"{path} exists already" in again.err
    assert len(seen(kept, 2)[1]) == 1
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert kept("letter", "acknowledgement", "2", "--to", str(tmp_path / "link")).code == 1
    assert not (tmp_path / "elsewhere").exists()


def test_a_letter_is_copied_to_the_terminals_clipboard_and_nowhere_without_a_terminal(kept: Bwp) -> None:
    kept.env["TERM"] = "xterm-256color"
    with Terminal(kept.argv("letter", "acknowledgement", "2", "--copy"), env=kept.env) as terminal:
        terminal.wait_for("sent to the terminal's clipboard (OSC 52)")
        assert terminal.wait() == 0
        encoded = terminal.bytes_since(0).split(b"\x1b]52;c;")[1].split(b"\x07")[0]
    (event,) = seen(kept, 2)[1]
    assert hashlib.sha256(base64.b64decode(encoded)).hexdigest() in (event.detail or "")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("answer", "2"), 1, "is IN_PROGRESS: there is no result to answer with."),
        (("extension", "2"), 1, "No extension of task-2 is recorded"),
        (("answer", "3"), 4, "There is no task “3”"),
        (("praise", "1"), 2, "KIND “praise” must be one of acknowledgement, extension, answer, decline, appeal"),
        (("answer", "1", "--copy", "--to", "x"), 2, "give either --to or --copy"),
        (("answer", "1", "--to", "/absent/x.txt"), 1, "No such file or directory"),
    ],
)
def test_what_cannot_be_written_is_refused_in_one_sentence(
    kept: Bwp, words: tuple[str, ...], code: int, sentence: str
) -> None:
    ended = kept("letter", *words)
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    assert sentence in ended.err
    assert seen(kept, 1)[1] == seen(kept, 2)[1] == []


def test_an_own_text_is_used_and_its_mistakes_are_found_before_it_is_needed(kept: Bwp) -> None:
    folder = own_letters(kept)
    own = folder / "answer-retrieval.txt"
    own.write_text("$shop_name to $email: here it is. $$5 off.\x1b[2J\n")
    ended = kept("letter", "answer", "1", "--json")
    assert json.loads(ended.out)["template"] == str(own)
    assert json.loads(ended.out)["text"] == "Acme Shop to jane@example.com: here it is. $5 off.\\x1b[2J\n"
    assert kept("config", "validate").code == 0
    own.write_text("Dear $costumer")
    ended = kept("letter", "answer", "1")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "line 1: $costumer is no placeholder" in ended.err
    assert all(name in ended.err for name in PLACEHOLDERS)
    assert kept("letter", "acknowledgement", "2").code == 0
    assert "$costumer" in kept("config", "validate").out
    found = json.loads(kept("doctor", "--json", env=CREDENTIALS | {"BWP_API_URL": "http://127.0.0.1:9/"}).out)
    (finding,) = (finding for finding in found if finding["check"] == "letters")
    assert (finding["level"], "$costumer" in finding["sentence"]) == ("warn", True)
    own.write_text("Extended on $extended_on")
    assert "The letter needs $extended_on, the day of the extension, and task-1 has none." in (
        kept("letter", "answer", "1").err
    )


def test_the_built_in_texts_are_printed_and_written_where_no_text_is_yet(kept: Bwp) -> None:
    folder = own_letters(kept)
    (folder / "extension.txt").write_text("mine")
    listed = kept("config", "letters")
    assert all(f"${name}" in listed.out for name in PLACEHOLDERS)
    assert str(folder) in listed.out
    assert kept("config", "letters", "answer-deletion").out == BUILT_IN_TEMPLATES["answer-deletion"]
    assert kept("config", "letters", "--create").code == 0
    for name, text in BUILT_IN_TEMPLATES.items():
        path = folder / f"{name}.txt"
        assert path.read_text() == ("mine" if name == "extension" else text)
    assert stat.S_IMODE((folder / "answer-deletion.txt").stat().st_mode) == 0o600
    assert {record["path"] for record in json.loads(kept("config", "letters", "--json").out)["templates"]} == {
        str(folder / f"{name}.txt") for name in BUILT_IN_TEMPLATES
    }
    assert kept("config", "validate").code == 0


def test_a_decline_and_its_appeal_have_letters_of_what_was_recorded(kept: Bwp) -> None:
    store = kept.store()
    number = str(in_status(store, "FAILED", task_id="task-3").number)
    store.close()
    assert kept("letter", "decline", number).code == 1
    words = ("--reason", "exempt", "--text", "a warranty needs the data")
    assert kept("decline", number, *words, "--yes").code == 0
    assert kept("correct", number, "--regulation", "us-tx", "--yes").code == 0
    declined = kept("letter", "decline", number)
    assert "because the law exempts the data that it concerns.\n\nA warranty needs the data.\n" in declined.out
    assert "You can appeal this decision" in declined.out
    assert kept("letter", "appeal", number).code == 1
    assert kept("appeal", number, "--received", str(seen(kept, int(number))[0].declined_on), "--yes").code == 0
    assert "you can expect our answer to it by" in kept("letter", "appeal", number).out
    assert kept("appeal", number, "--upheld", "no", "--yes").code == 0
    assert "contact the attorney general of Texas" in kept("letter", "appeal", number).out
    assert [event.what for event in seen(kept, int(number))[1]] == ["letter"] * 3


def test_a_granted_appeal_whose_resubmission_was_cancelled_is_to_be_resubmitted_again(kept: Bwp) -> None:
    store = kept.store()
    number = in_status(store, "FAILED", Kind.DELETION, task_id="task-3").number
    store.close()
    named = str(number)
    assert kept("correct", named, "--regulation", "us-tx", "--yes").code == 0
    assert kept("decline", named, "--reason", "exempt", "--text", "a warranty", "--yes").code == 0
    day = str(seen(kept, number)[0].declined_on)
    assert kept("appeal", named, "--received", day, "--answered", day, "--upheld", "yes", "--yes").code == 0
    store = kept.store()
    for carries_on in (number, number + 1):
        assert f"resubmit #{carries_on}." in kept("letter", "appeal", named).err
        new = requests.resubmit(store, carries_on, "op").number
        assert "resubmit" not in kept("letter", "appeal", named).err
        requests.cancel(store, new, "op")
    store.close()
    assert f"resubmit #{new}." in kept("letter", "appeal", named).err


def test_the_letter_of_a_decline_that_is_refused_gives_the_reason_of_that(kept: Bwp) -> None:
    assert kept("answer", "1", "--how", "by post", "--yes").code == 0
    refused = kept("decline", "1", "--reason", "exempt", "--text", "law", "--yes")
    assert (kept("letter", "decline", "1").err, refused.code) == (refused.err, 1)


def test_a_read_only_profile_writes_no_letter(kept: Bwp) -> None:
    ended = kept("letter", "answer", "1", env={"BWP_READ_ONLY": "1"})
    assert (ended.code, ended.out) == (2, "")
    assert "read-only" in ended.err


def test_plain_mode_writes_letters_too(kept: Bwp) -> None:
    ended = kept("--plain", typed="letter answer 1\nquit\n")
    assert "Kind regards," in ended.out
    assert len(seen(kept, 1)[1]) == 1


def test_a_purge_names_the_letters_that_it_leaves_on_disk(kept: Bwp, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    assert kept("letter", "answer", "1", "--to", str(path)).code == 0
    ended = kept("purge", "--older-than", "0", "--yes", "--unanswered")
    assert ended.code == 0
    assert str(path) in ended.err
    assert kept("letter", "answer", "1").code == 1
