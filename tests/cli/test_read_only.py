"""A read-only profile: no command that records something does, whichever there are."""

from __future__ import annotations

import hashlib
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.cli.exit_codes import Effect, ExitCode
from bwp_tui.cli.parser import build_parser, parse
from tests.cli.conftest import CREDENTIALS, Bwp

FILE = "requests.csv"
CHANGING = {
    "submit retrieval": ["submit", "retrieval", "jane@example.com"],
    "submit deletion": ["submit", "deletion", "jane@example.com", "--yes"],
    "track": ["track", "retrieval", "30b5e1a2-0000"],
    "send": ["send", "1", "--yes"],
    "approve": ["approve", "1", "--yes"],
    "resubmit": ["resubmit", "1", "--yes"],
    "settle": ["settle", "1", "--give-up", "why"],
    "cancel": ["cancel", "1", "--yes"],
    "download": ["download", "1"],
    "downloads": ["downloads", "cancel", "1"],
    "note": ["note", "1", "left a message"],
    "tag": ["tag", "1", "+vip"],
    "verify": ["verify", "1", "--how", "order details"],
    "assign": ["assign", "1", "jane"],
    "extend": ["extend", "1", "--reason", "complex"],
    "correct": ["correct", "1", "--regulation", "ccpa"],
    "acknowledge": ["acknowledge", "1"],
    "answer": ["answer", "1", "--how", "by email"],
    "inquire": ["inquire", "1"],
    "reply": ["reply", "1"],
    "letter": ["letter", "acknowledgement", "1"],
    "decline": ["decline", "1", "--reason", "fraud", "--text", "x"],
    "appeal": ["appeal", "1", "--received", "2026-01-02"],
    "import": ["import", FILE, "--again"],
    "views save": ["views", "save", "mine", "is:failed"],
    "views delete": ["views", "delete", "kept"],
    "restore": ["restore", "backup.db", "--yes"],
    "purge": ["purge", "--older-than", "0", "--yes"],
    "pack": ["pack", "1", "--recipient", "age1x"],
    "config adopt": ["config", "adopt"],
    "events subscribe": ["events", "subscribe", "--account", "123456789012"],
    "events unsubscribe": ["events", "unsubscribe", "ID", "--yes"],
}


def _commands(
    parser: ArgumentParser, path: tuple[str, ...] = (), effect: object = None
) -> Iterator[tuple[str, object]]:
    """Yield every command as it is typed, with its effect."""
    effect = parser.get_default("effect") or effect
    below = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    if not below or (parser.get_default("command") is not None and path and not below[0].required):
        yield " ".join(path), effect
    for action in below:
        for name, inner in action.choices.items():
            yield from _commands(inner, (*path, name), effect)


def _state(folder: Path) -> dict[str, str]:
    files = [folder / "history.db", *folder.glob("backups/*")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.exists()}


def test_every_command_that_changes_something_is_in_the_table() -> None:
    changing = {name for name, effect in _commands(build_parser()[0]) if effect is Effect.CHANGES}
    assert changing == set(CHANGING)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Bwp:
    """A history with a request and a view, and a copy of it."""
    folder = tmp_path_factory.mktemp("read-only")
    (folder / FILE).write_text("kind,email\nretrieval,jane@example.com\n")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", "BWP_DATA_DIR": str(folder)}
    bwp = Bwp(folder, env)
    for words in (["import", str(folder / FILE)], ["views", "save", "kept"], ["backup", str(folder / "backup.db")]):
        assert bwp(*words, env=CREDENTIALS).code == ExitCode.DONE
    return bwp


@pytest.mark.parametrize("name", CHANGING)
def test_a_command_that_changes_something_is_refused_and_changes_nothing(kept: Bwp, name: str) -> None:
    words = [str(kept.data / word) if word in (FILE, "backup.db") else word for word in CHANGING[name]]
    assert parse(words).effect is Effect.CHANGES
    before = _state(kept.folder)
    ended = kept(*words, env={"BWP_READ_ONLY": "1"})
    named = "downloads cancel" if name == "downloads" else name.removesuffix(" retrieval").removesuffix(" deletion")
    assert (ended.code, f"so {named} is refused; see its setting read_only" in ended.err) == (ExitCode.USAGE, True)
    assert _state(kept.folder) == before


def test_a_task_is_shown_without_the_commands_that_are_refused(kept: Bwp) -> None:
    assert "bwp-tui acknowledge 1" in kept("show", "1").out
    ended = kept("show", "1", env={"BWP_READ_ONLY": "1"})
    assert (ended.code, "bwp-tui" in ended.out) == (ExitCode.DONE, False)


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["downloads"],
        ["views"],
        ["import", FILE, "--dry-run", "--again"],
        ["backup", "another.db"],
        ["doctor"],
    ],
)
def test_what_changes_nothing_is_done(kept: Bwp, words: list[str]) -> None:
    words = [str(kept.data / word) if word in (FILE, "another.db") else word for word in words]
    ended = kept(*words, env={"BWP_READ_ONLY": "1"})
    assert "read-only, so" not in ended.err
    assert ended.code == ExitCode.DONE or words == ["doctor"]
