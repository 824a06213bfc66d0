"""What another program has changed, and documents that are signed with an SSH key."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from bwp_tui.domain.task import Kind, Request
from bwp_tui.store.commands import requests
from tests.cli.conftest import Bwp
from tests.pty_terminal import Terminal
from tests.store import single
from tests.store.damage import change_elsewhere

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")


@pytest.fixture
def kept(bwp: Bwp) -> Bwp:
    """A history of two tasks; the second has a note, which is its second event."""
    store = bwp.store()
    for email in ("jane@example.com", "bob@example.com"):
        requests.submit(store, Request(Kind.RETRIEVAL, email, date(2026, 1, 31), "gdpr"), "op")
    single.add_note(store, 2, "Jane called", "op")
    store.close()
    return bwp


def _history(bwp: Bwp) -> Path:
    return bwp.folder / "history.db"


def test_a_sound_history_is_verified(kept: Bwp) -> None:
    for words in ((), ("1",), ("1", "#2")):
        assert kept("evidence", *words, "--verify").code == 0
    ended = kept("evidence", "--verify", "--json")
    assert (ended.code, json.loads(ended.out)) == (0, {"verified": True, "events": 3, "findings": []})


def test_what_another_program_changed_is_named_with_task_and_event(kept: Bwp) -> None:
    change_elsewhere(
        _history(kept),
        "UPDATE timeline SET detail = 'nobody called' WHERE task = 2 AND what = 'note'",
        "UPDATE tasks SET received_on = '2026-03-31' WHERE number = 1",
    )
    ended = kept("evidence", "--verify", "--json")
    said = json.loads(ended.out)
    assert (ended.code, said["verified"]) == (1, False)
    assert [(one["task"], one["event"]) for one in said["findings"]] == [(1, None), (2, 2)]
    assert "received_on" in said["findings"][0]["what"]
    text = kept("evidence", "2", "--verify")
    assert (text.code, text.out.startswith("#2, event 2: ")) == (1, True)
    assert kept("evidence", "2").err.startswith("bwp-tui: Warning: #2, event 2: ")
    doctor = json.loads(kept("doctor", "--json").out)
    (finding,) = (one for one in doctor if one["check"] == "timelines")
    assert finding["level"] == "fail"
    assert "#2, event 2" in finding["sentence"]


def test_the_digests_can_be_computed_from_the_document(kept: Bwp) -> None:
    record = json.loads(kept("evidence", "2", "--json").out)
    link = sha256(b"bwp-tui task 2").digest()
    for position, event in enumerate(record["timeline"], start=1):
        commitment = bytes(32)
        if event["detail"] is not None:
            text = f"{position}:{event['detail']}".encode()
            commitment = sha256(bytes.fromhex(record["chain_salt"]) + text).digest()
        fields = (event["at"], event["actor"], event["what"], event["from"] or "", event["to"] or "")
        link = sha256(link + commitment + "\0".join(fields).encode()).digest()
        assert event["digest"] == link.hex()
    assert record["digests_agree"]
    assert json.loads(kept("evidence", "2", "--json", "--mask").out)["chain_salt"] is None


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return _key(tmp_path / "id key")


def _key(path: Path, passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", path], check=True)
    return path


def _shell(command: str, folder: Path) -> int:
    return subprocess.run(["sh", "-c", command], cwd=folder, check=False, capture_output=True).returncode


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_printed_commands_verify_a_signed_document_until_it_is_changed(
    kept: Bwp, key: Path, tmp_path: Path, form: tuple[str, ...]
) -> None:
    target = tmp_path / "the document"
    ended = kept("evidence", "2", "--sign", str(key), "--to", str(target), *form)
    assert (ended.code, ended.err) == (0, "")
    signature = target.with_name(f"{target.name}.sig")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (target, signature)} == {0o600}
    command = json.loads(ended.out)["verify_with"] if form else ended.out.splitlines()[-1]
    text = target.read_text()
    (inside,) = (line for line in text.splitlines() if "check-novalidate" in line)
    in_folder = inside[inside.index("ssh-keygen") :].strip().rstrip(",").rstrip('"')
    assert "Jane called" in text
    assert _shell(command, Path("/")) == _shell(in_folder, tmp_path) == 0
    target.write_text(text.replace("Jane called", "nobody called"))
    assert _shell(command, Path("/")) != 0
    assert _shell(in_folder, tmp_path) != 0


def test_both_still_agree_after_a_purge(kept: Bwp, key: Path, tmp_path: Path) -> None:
    store = kept.store()
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET terminal = 1, status = 'FAILED', finished_at = '2020-01-01T00:00:00.000000Z'")
        transaction.run("UPDATE intents SET state = 'lapsed'")
    store.close()
    target = tmp_path / "document"
    command = kept("evidence", "2", "--sign", str(key), "--to", str(target)).out.splitlines()[-1]
    purged = kept("purge", "--older-than", "1d", "--unanswered", "--yes")
    assert purged.code == 0, purged.err
    assert "Jane called" not in kept("evidence", "2").out
    assert kept("evidence", "--verify").code == 0
    assert _shell(command, Path("/")) == 0


@pytest.fixture
def agent(key: Path) -> Iterator[dict[str, str]]:
    """An agent that has the key, whose private file is gone."""
    folder = key.parent / "a"
    folder.mkdir()
    env = {**os.environ, "SSH_AUTH_SOCK": str(folder / "s")}
    with subprocess.Popen(["ssh-agent", "-D", "-a", env["SSH_AUTH_SOCK"]], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        subprocess.run(["ssh-add", "-q", key], env=env, check=True)
        key.unlink()
        yield {"SSH_AUTH_SOCK": env["SSH_AUTH_SOCK"]}
        process.terminate()


def test_a_key_of_the_agent_signs_by_its_public_file(
    kept: Bwp, key: Path, agent: dict[str, str], tmp_path: Path
) -> None:
    target = tmp_path / "document"
    ended = kept("evidence", "1", "--sign", f"{key}.pub", "--to", str(target), env=agent)
    assert (ended.code, ended.err) == (0, "")
    assert _shell(ended.out.splitlines()[-1], tmp_path) == 0


def test_a_passphrase_is_asked_for_on_the_terminal(kept: Bwp, tmp_path: Path) -> None:
    locked, target = _key(tmp_path / "locked", "a passphrase"), tmp_path / "document"
    words = ("evidence", "1", "--sign", str(locked), "--to", str(target), "--json")
    with Terminal(kept.argv(*words), env=kept.env, columns=400) as terminal:
        terminal.wait_for("passphrase")
        terminal.send("a passphrase\r")
        assert terminal.wait() == 0
        printed = terminal.screen_text()
    command = json.loads(printed[printed.index("{") : printed.rindex("}") + 1])["verify_with"]
    assert _shell(command, tmp_path) == 0


def test_what_cannot_be_signed_leaves_no_file(kept: Bwp, key: Path, tmp_path: Path) -> None:
    no_key = tmp_path / "no key"
    no_key.write_text("this is no key\n")
    no_key.chmod(0o600)
    target = tmp_path / "document"
    to = ("--to", str(target))
    locked = _key(tmp_path / "locked", "a passphrase")
    lone = shutil.copyfile(f"{key}.pub", tmp_path / "lone.pub")
    without = {"PATH": str(tmp_path)}
    for words, env in (
        (("--sign", str(tmp_path / "missing"), *to), {}),
        (("--sign", str(tmp_path), *to), {}),
        (("--sign", str(no_key), *to), {}),
        (("--sign", str(lone), *to), {"SSH_AUTH_SOCK": str(tmp_path / "none")}),
        (("--sign", str(locked), *to), {"SSH_ASKPASS_REQUIRE": "never", "DISPLAY": ""}),
        (("--sign", str(key), *to), without),
        (("--sign", str(key), "--to", str(tmp_path / "no folder" / "document")), {}),
    ):
        ended = kept("evidence", "1", *words, env=env)
        assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1), words
        assert not target.exists()
    for taken in (target, target.with_name("document.sig")):
        taken.write_text("mine")
        ended = kept("evidence", "1", "--sign", str(key), *to)
        assert (ended.code, str(taken) in ended.err) == (1, True)
        assert taken.read_text() == "mine"
        taken.unlink()
    assert list(tmp_path.glob("document*")) == []


@pytest.mark.parametrize(
    "words", [(), ("1", "2"), ("1", "--to", "x"), ("--verify", "--to", "x"), ("2", "1", "--sign", "k")]
)
def test_options_that_do_not_go_together_are_refused(kept: Bwp, words: tuple[str, ...]) -> None:
    ended = kept("evidence", *words)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
