"""An encrypted copy of a result: only its recipient can read it, and the receipt tells what it is."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from pathlib import Path

import pyrage
import pytest

from bwp_tui.archive import encrypt as sealing
from bwp_tui.archive.encrypt import BadRecipient, SourceChanged, encrypt
from bwp_tui.store.queries import timeline
from tests.cli.conftest import Bwp
from tests.cli.saved import email_of, save
from tests.pty_terminal import Terminal

KEY = pyrage.x25519.Identity.generate()
RECIPIENT = str(KEY.to_public())


@pytest.fixture
def kept(bwp: Bwp, tmp_path: Path) -> tuple[Bwp, int, Path]:
    number, path = save(bwp, tmp_path / "results")
    return bwp, number, path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_copy_opens_with_the_recipients_key_and_the_receipt_fits_both(kept: tuple[Bwp, int, Path]) -> None:
    bwp, number, path = kept
    ended = bwp("pack", f"#{number}", "--recipient", RECIPIENT)
    copy, receipt = Path(f"{path}.age"), Path(f"{path}.age.txt")
    assert (ended.code, ended.out, ended.err) == (0, f"{copy}\n", "")
    assert pyrage.decrypt(copy.read_bytes(), [KEY]) == path.read_bytes()
    said = receipt.read_text()
    assert f"{sha256(copy)}  (encrypted)" in said
    assert f"{sha256(path)}  (plain)" in said
    assert f"{copy.stat().st_size} bytes encrypted, {path.stat().st_size} bytes plain" in said
    assert RECIPIENT in said
    assert email_of(bwp, number) not in said
    assert [stat.S_IMODE(made.stat().st_mode) for made in (copy, receipt)] == [0o600, 0o600]
    store = bwp.store()
    event = timeline.of_task(store, number)[-1]
    store.close()
    assert event.what == "packed"
    assert sha256(copy) in (event.detail or "")


def test_the_output_can_be_named_and_nothing_is_replaced(kept: tuple[Bwp, int, Path], tmp_path: Path) -> None:
    bwp, number, _ = kept
    target = tmp_path / "for-jane.age"
    words = ("pack", f"#{number}", "--recipient", RECIPIENT, "--output", str(target))
    assert bwp(*words).code == 0
    before = target.read_bytes()
    ended = bwp(*words)
    assert ended.code == 1
    assert "exists already" in ended.err
    assert target.read_bytes() == before
    (tmp_path / "for-jane.age.txt").unlink()
    assert f"{target} exists already" in bwp(*words).err
    assert not (tmp_path / "for-jane.age.txt").exists()
    assert target.read_bytes() == before


def test_the_timeline_has_the_whole_path_of_a_copy_so_that_a_purge_names_it(
    kept: tuple[Bwp, int, Path], tmp_path: Path
) -> None:
    bwp, number, _ = kept
    relative = os.path.relpath(tmp_path / "for-jane.age")
    assert bwp("pack", f"#{number}", "--recipient", RECIPIENT, "--output", relative).code == 0
    store = bwp.store()
    detail = timeline.of_task(store, number)[-1].detail or ""
    store.close()
    assert str((Path.cwd() / relative).parent) in detail


def test_a_link_in_the_place_of_the_copy_is_not_followed(kept: tuple[Bwp, int, Path], tmp_path: Path) -> None:
    bwp, number, path = kept
    (tmp_path / "elsewhere").write_text("untouched")
    Path(f"{path}.age").symlink_to(tmp_path / "elsewhere")
    ended = bwp("pack", f"#{number}", "--recipient", RECIPIENT)
    assert (ended.code, "exists already" in ended.err, email_of(bwp, number) in ended.err) == (1, True, False)
    assert (tmp_path / "elsewhere").read_text() == "untouched"


@pytest.mark.parametrize("recipient", ["age1nonsense", "", "AGE-SECRET-KEY-1X", "-----BEGIN"])
def test_what_is_no_public_key_is_refused(kept: tuple[Bwp, int, Path], recipient: str) -> None:
    bwp, number, path = kept
    ended = bwp("pack", f"#{number}", f"--recipient={recipient}")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "bwp-tui: The recipient is no whole age public key, which begins with age1.\n"
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208  names alone


def test_a_file_that_is_not_what_was_downloaded_is_not_handed_over(kept: tuple[Bwp, int, Path]) -> None:
    bwp, number, path = kept
    size = path.stat().st_size
    path.write_bytes(b"someone else's data")
    ended = bwp("pack", f"#{number}", "--recipient", RECIPIENT)
    assert ended.code == 1
    assert "is not the file that was downloaded" in ended.err
    path.write_bytes(bytes(size))
    ended = bwp("pack", f"#{number}", "--recipient", RECIPIENT)
    assert (ended.code, f"bwp-tui download {number} --again " in ended.err) == (1, True)
    assert email_of(bwp, number) not in ended.err
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208  names alone


def test_a_file_that_is_gone_is_refused_with_the_command_that_fetches_it(kept: tuple[Bwp, int, Path]) -> None:
    bwp, number, path = kept
    path.unlink()
    ended = bwp("pack", f"#{number}", "--recipient", RECIPIENT)
    assert (ended.code, ended.err) == (1, bwp("inspect", f"#{number}").err)
    assert f"bwp-tui download {number}" in ended.err
    assert email_of(bwp, number) not in ended.err
    assert not os.listdir(path.parent)  # noqa: PTH208  names alone


def test_a_read_only_profile_packs_nothing(kept: tuple[Bwp, int, Path]) -> None:
    bwp, number, _ = kept
    ended = bwp("pack", f"#{number}", "--recipient", RECIPIENT, env={"BWP_READ_ONLY": "1"})
    assert ended.code == 2
    assert "is read-only" in ended.err


def test_without_the_extra_a_sentence_says_how_to_get_it(kept: tuple[Bwp, int, Path], tmp_path: Path) -> None:
    bwp, number, path = kept
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    (hiding / "pyrage.py").write_text("raise ImportError('hidden')")
    places = os.pathsep.join([str(hiding), *(place for place in sys.path if place)])
    ended = bwp("pack", f"#{number}", "--recipient", RECIPIENT, env={"PYTHONPATH": places})
    assert ended.code == 2
    assert ended.err == "bwp-tui: Encryption needs an extra: run in the clone: pip install '.[pack]'\n"
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208  names alone


def test_large_files_pass_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "a.zip", tmp_path / "a.age"
    source.write_bytes(os.urandom(3 << 20))
    sizes: list[int] = []
    noted = sealing._HashingFile._counted

    def noting(self: sealing._HashingFile, data: bytes) -> bytes:
        sizes.append(len(data))
        return noted(self, data)

    monkeypatch.setattr(sealing._HashingFile, "_counted", noting)
    sealed = encrypt(source, target, RECIPIENT, sha256(source))
    assert max(sizes) <= 1 << 20
    assert (sealed.plain_bytes, sealed.sha256, sealed.bytes) == (3 << 20, sha256(target), target.stat().st_size)


def test_a_disk_without_room_is_an_error_of_the_disk(tmp_path: Path, small_disk: Path) -> None:
    source = tmp_path / "result.zip"
    source.write_bytes(os.urandom(3_000_000))
    with pytest.raises(OSError, match="No space left"):
        encrypt(source, small_disk / "copy.age", RECIPIENT, sha256(source))
    assert not (small_disk / "copy.age").exists()


def test_what_fails_leaves_no_copy(tmp_path: Path) -> None:
    source = tmp_path / "a.zip"
    source.write_bytes(b"data")
    with pytest.raises(SourceChanged):
        encrypt(source, tmp_path / "b.age", RECIPIENT, "0" * 64)
    with pytest.raises(BadRecipient):
        encrypt(source, tmp_path / "b.age", "age1", sha256(source))
    with pytest.raises(FileNotFoundError):
        encrypt(tmp_path / "none", tmp_path / "b.age", RECIPIENT, "")
    assert not (tmp_path / "b.age").exists()


def test_the_answer_is_offered_after_the_copy_and_recorded_on_demand(
    kept: tuple[Bwp, int, Path], tmp_path: Path
) -> None:
    bwp, number, _ = kept
    words = ("pack", f"#{number}", "--recipient", RECIPIENT, "--output")
    with Terminal(bwp.argv(*words, str(tmp_path / "1.age")), env=bwp.env, columns=120) as terminal:
        terminal.wait_for("was answered with this copy today? [y/N]")
        terminal.send("\r")
        assert terminal.wait() == 0
    assert json.loads(bwp("show", f"#{number}", "--json").out)["answered"] is None
    ended = bwp(*words, str(tmp_path / "2.age"), "--answered", "handed over on a stick")
    assert (ended.code, "recorded" in ended.err) == (0, True)
    assert json.loads(bwp("show", f"#{number}", "--json").out)["answered"]["how"] == "handed over on a stick"
    assert "already answered" in bwp(*words, str(tmp_path / "3.age"), "--answered", "again").err
    assert bwp(*words, str(tmp_path / "4.age")).err == ""
