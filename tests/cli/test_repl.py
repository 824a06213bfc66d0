"""The conversation line by line: everything by words, nothing drawn, the engine at work beside it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import pytest

from bwp_tui.actions.service_operations import DOWNLOAD
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.parser import build_parser
from bwp_tui.cli.plain.request_questions import QuestionsCancelled, ask_request
from bwp_tui.cli.support.questions import require_typed, require_yes
from bwp_tui.domain.cli_commands import CLI_COMMANDS_BY_NAME
from bwp_tui.domain.task import WATCHED
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.queries import tasks
from tests.cli.conftest import CREDENTIALS, Bwp
from tests.cli.saved import save
from tests.pty_terminal import Terminal

PROMPT = "bwp-tui> "
DRAWN = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2500-\u259f]")
"""What moves a cursor, colours, or draws a box."""


def run_lines(bwp: Bwp, *lines: str) -> list[str]:
    """Type lines; return what is printed after each of them, the greeting first."""
    ended = bwp("--plain", typed="".join(f"{line}\n" for line in lines))
    assert ended.code == 0, ended.err
    return ended.out.split(PROMPT)


def test_tasks_are_told_in_sentences_and_the_commands_work_without_their_first_word(bwp: Bwp) -> None:
    file = bwp.data.parent / "requests.csv"
    file.write_text("kind,email,note,tags\naccess,jane@example.com,left a message,vip\n", encoding="utf-8")
    assert bwp("import", str(file), env=CREDENTIALS).code == 0
    greeting, listed, noted, shown, *_ = run_lines(bwp, "list", 'note 1 "called back"', "show 1", "quit", "list")
    counted = "Tasks: 1, of them 0 received, 1 active, 0 to answer, 0 failed, 0 on hold, 0 due soon."
    assert greeting.startswith(f"bwp-tui, profile default. {counted}")
    assert "Nothing can be sent: BWP_CLIENT_ID" in greeting
    assert listed.startswith("Number 1, retrieval for j•••@example.com: QUEUED, ")
    assert "note left a message, tags vip." in listed
    assert noted.startswith("Number 1, retrieval for j•••@example.com: QUEUED, ")
    assert "called back" in shown
    assert bwp("list", "--sentences", "--unmask").out.startswith("Number 1, retrieval for jane@example.com: QUEUED")


def test_help_lists_commands_with_the_arguments_and_the_help_of_the_cli(bwp: Bwp) -> None:
    _, lines, *_ = run_lines(bwp, "help", "q", "list")
    for usage, purpose in (
        ("list FILTER ", CLI_COMMANDS_BY_NAME["list"].help),
        ("show TASK ", CLI_COMMANDS_BY_NAME["show"].help),
        ("download TASK ", DOWNLOAD.purpose),
    ):
        assert any(line.startswith(usage) and line.endswith(purpose) for line in lines.splitlines())
    assert {"new", "watch", "news", "help", "quit"} <= {line.split()[0] for line in lines.splitlines() if line}


def test_help_lists_every_command_that_runs_here_and_no_other(bwp: Bwp) -> None:
    _, listed, *refused = run_lines(bwp, "help commands", "run", "restore x.db", "help sandbox", "quit")
    names = [line.split()[0] for line in listed.splitlines()]
    own = ["new", "watch", "news", "help", "quit"]
    assert names == [*(name for name in build_parser()[1] if name not in ("restore", "run", "sandbox")), *own]
    assert refused[:3] == ["", "", ""]
    told = bwp("--plain", typed="run\nrestore x.db\nhelp sandbox\n").err
    assert told.count("isn't available here") == 3
    assert "bwp-tui --profile default restore." in told, "another profile may be the one of a bare bwp-tui"


def test_a_request_is_filed_question_by_question_and_its_end_is_news(shop: Bwp) -> None:
    with Terminal(shop.argv("--plain"), env=shop.env) as terminal:
        terminal.wait_for(PROMPT.rstrip())
        for said, asked in (
            ("new", "Retrieval or deletion:"),
            ("r", "Email of the shopper:"),
            ("jane@example.com", "Received on"),
            ("", "Regulation"),
            ("", "Note (optional):"),
            ("by phone", "Send now, or later"),
            ("", "Number 1, retrieval for j•••@example.com: "),
            ("watch 1", "tags"),
            ("wait 1", "COMPLETED"),
            ("news", "Number 1, retrieval for j•••@example.com: COMPLETED, ready to download"),
            ("news", "No news."),
            ("download 1", "/retrieval-"),
            ("tag 1 +x", "tags x"),
            ("doctor", "Plain mode"),
        ):
            terminal.send(f"{said}\r")
            terminal.wait_for(lambda screen: asked in " ".join(screen.split()))  # noqa: B023  a long line wraps
            terminal.wait_until_quiet()
        terminal.send("quit\r")
        assert terminal.wait() == 0
        written = terminal.bytes_since().decode()
    assert DRAWN.search(written.replace("\r\n", "\n")) is None
    store = shop.store()
    assert store.row("SELECT tags, note FROM tasks") == ('["x"]', "by phone")
    store.close()


def test_the_end_of_a_watched_task_is_news_also_where_a_console_has_told_of_it(shop: Bwp) -> None:
    lines = ("submit retrieval jane@example.com", "watch 1", "wait 1", "tag 1 -watched", "news", "news", "quit")
    ended = shop("--plain", typed="".join(f"{line}\n" for line in lines))
    assert ended.code == 0
    *_, told, no_news, _ = ended.out.split(PROMPT)
    assert ("Number 1" in told, "COMPLETED" in told, no_news) == (True, True, "No news.\n")


def test_a_watched_task_is_no_news_before_its_status_changes(shop: Bwp) -> None:
    *_, unchanged, _, changed, _ = run_lines(
        shop, "submit retrieval jane@example.com --hold", "watch 1", "news", "cancel 1 --yes", "news", "quit"
    )
    assert (unchanged, "CANCELLED" in changed) == ("No news.\n", True)


def test_what_will_be_refused_is_refused_before_it_is_asked_for(shop: Bwp) -> None:
    _, *_, watched, told, _ = run_lines(
        shop, "submit retrieval jane@example.com --hold", "cancel 1 --yes", "watch 1", "news", "quit"
    )
    assert (watched, told) == ("", "No news.\n")


def test_of_several_tasks_those_are_watched_that_can_be(shop: Bwp) -> None:
    lines = ("submit retrieval a@example.com --hold", "cancel 1 --yes", "submit retrieval b@example.com --hold")
    run_lines(shop, *lines, "watch 1 2", "quit")
    store = shop.store()
    assert [task.number for task in tasks.tagged_since(store, WATCHED, 0)] == [2]
    store.close()
    ended = shop("--plain", typed="watch 1\nnew\nquit\n", env={"BWP_READ_ONLY": "1"})
    assert (ended.err.count("setting read_only"), "Retrieval or deletion" in ended.err) == (2, False)


def test_what_cannot_be_understood_is_said_and_nothing_is_lost(bwp: Bwp) -> None:
    ended = bwp(
        "--plain",
        typed='note "\nsandbox\n--profile x\nfoo\nnevs\nlist stat:x\nnew\nx\nquit\nwatch\nnews\nhelp\nhelp list\n',
    )
    assert ended.code == 0
    assert "No news." in ended.out
    assert "question by question" in ended.out
    assert "usage: bwp-tui list" in ended.out
    for told in (
        "A quotation mark is not closed.",
        "sandbox isn't available here",
        "--profile isn't available here",
        "There is no command “foo”",
        "; did you mean news?",
        "Did you mean “status”?",
        "“x” is neither retrieval nor deletion. Try again, or type quit.",
        "Name a task, such as: watch 3.",
    ):
        assert told in ended.err


def test_each_wrong_answer_is_asked_for_again_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [
        "x",
        "d",
        "jane",
        "jane@example.com",
        "soon",
        "2026-01-05",
        "bdsg",
        "Texs",
        "ccpa",
        "",
        "200",
        "3",
        "moved",
    ]
    answers += ["maybe", "later"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join([*answers, ""])))
    filed = ["submit", "deletion", "jane@example.com", "--received=2026-01-05", "--regulation=ccpa"]
    assert ask_request() == [*filed, "--holding-period=3", "--reason=moved", "--hold"]
    told = capsys.readouterr().err
    for wrong in (
        "“x” is neither retrieval nor deletion. Try again, or type quit.",
        "“jane” is not an email address",
        "invalid date “soon”; use YYYY-MM-DD, yesterday, -3 or mon.",
        "“bdsg” is no regulation; write one such as us-ca or Texas.",
        "“Texs” is no regulation; did you mean texas? Try again, or type quit.",
        "The holding period must be 0 to 180 days, not 200.",
        "“maybe” is neither now nor later. Try again, or type quit.",
    ):
        assert wrong in told


@pytest.mark.parametrize("answers", [[], ["r"], ["r", ""], ["r", "a@b.co", "no day"], ["r", "a@b.co", "quit"]])
def test_whoever_leaves_or_whose_input_ends_has_filed_nothing(
    monkeypatch: pytest.MonkeyPatch, answers: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))
    with pytest.raises(QuestionsCancelled):
        ask_request()


def test_ctrl_c_at_a_question_leaves_the_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(readline=interrupted))
    with pytest.raises(QuestionsCancelled):
        ask_request()


@pytest.mark.parametrize("ask", [require_yes, partial(require_typed, expected="2")])
def test_ctrl_c_at_a_confirmation_is_a_refusal(monkeypatch: pytest.MonkeyPatch, ask: Callable[[str], None]) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(readline=interrupted, isatty=lambda: True))
    with pytest.raises(CommandError, match="Nothing was changed") as refused:
        ask("Cancel it?")
    assert refused.value.code is ExitCode.INTERRUPTED


def test_no_library_that_draws_is_ever_loaded(bwp: Bwp) -> None:
    code = (
        "import sys; from bwp_tui.cli.main import run; code = run(['--plain']);"
        " print(code, sorted({'textual', 'rich'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=bwp.env,
        input="list\nnews\nhelp\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    assert ended.stdout.splitlines()[-1] == "0 []", ended.stderr


def test_rows_of_tables_are_sentences_of_their_headings(bwp: Bwp) -> None:
    number, path = save(bwp, bwp.data.parent / "results")
    _, saved, entries, shown, keys, *_ = run_lines(
        bwp, "downloads", f"bwp-tui inspect {number}", f"show {number}", "config keys"
    )
    assert re.match(rf"Number {number}, task \w+, email .•••@[\w.]+, state done, done 100%, bytes \d", saved)
    assert re.match(r"Size \d+, packed \d+, modified [-\d]+ [:\d]+, name a\.txt\.\n", entries)
    assert " as QUEUED by " in shown
    assert re.search(r" from \w+ to COMPLETED by ", shown)
    assert all(re.match("Action .+, what it does .+[.]$", line) for line in keys.splitlines())
    assert bwp("--plain", "downloads").out == saved
    assert bwp("inspect", str(path)).out.split()[:2] == ["SIZE", "PACKED"]


def test_a_request_that_was_sent_is_a_sentence(shop: Bwp) -> None:
    _, submitted, sent, *_ = run_lines(shop, "submit retrieval jane@example.com --wait", "sent")
    assert "Number 1, retrieval for j•••@example.com: COMPLETED" in submitted
    assert re.match(r"Created [-:\d ]+, number 1, request submit retrieval, email j•••@example.com, state ", sent)


@pytest.mark.parametrize("words", [("sandbox", "--plain"), ("--plain", "sandbox")])
def test_practice_is_line_by_line_and_meets_no_setting_of_another_shop(bwp: Bwp, words: tuple[str, ...]) -> None:
    other = {**CREDENTIALS, "BWP_READ_ONLY": "1", "BWP_DOWNLOAD_DIR": str(bwp.data.parent / "results")}
    lines = "list kind:deletion\nsubmit retrieval jane@example.com --wait\ndownload 61\nquit\n"
    ended = bwp(*words, typed=lines, env=other)
    assert ended.code == 0, ended.err
    greeting, listed, submitted, downloaded, *_ = ended.out.split(PROMPT)
    assert greeting.startswith("bwp-tui, profile sandbox. Tasks: ")
    assert "Nothing can be sent" not in greeting
    assert all(re.match(r"Number \d+, deletion for ", line) for line in listed.splitlines())
    assert "Number 61, retrieval for j•••@example.com: COMPLETED" in submitted
    assert downloaded.startswith(str(bwp.data / "sandbox" / "downloads"))


def test_no_command_is_named_for_the_practice_that_a_shell_would_refuse_and_nothing_of_it_is_kept(bwp: Bwp) -> None:
    with Terminal(bwp.argv("sandbox", "--plain"), columns=200, env=bwp.env) as terminal:
        for line, told in (
            ("restore x.db", "restore isn't available here: it is left out of the practice."),
            ("purge --older-than 0", "purge isn't available here: it is left out of the practice."),
            ("login", "The practice is in no config file"),
            ("logout", "The practice is in no config file"),
            ("quit", ""),
        ):
            terminal.wait_for(lambda screen: screen.rstrip().rpartition("\n")[2] == PROMPT.rstrip())
            mark = terminal.mark()
            terminal.send(f"{line}\r")
            terminal.wait_for(lambda _: told.encode() in terminal.bytes_since(mark))  # noqa: B023  it is waited for here
        assert terminal.wait() == 0


def test_commands_that_name_no_person_are_there_at_the_next_start(bwp: Bwp) -> None:
    lines = ("list kind:deletion", 'note 1 "called back"', "list jane@example.com", "lsit", "views", "news", "quit")
    with Terminal(bwp.argv("--plain"), env=bwp.env) as terminal:
        for line in lines:
            terminal.wait_for(lambda screen: screen.rstrip().rpartition("\n")[2] == PROMPT.rstrip())
            terminal.send(f"{line}\r")
            terminal.wait_for(lambda screen: f"{PROMPT}{line}" in screen)  # noqa: B023  it is waited for here
        assert terminal.wait() == 0
    state = bwp.folder / "console.json"
    assert json.loads(state.read_text())["command_history"] == ["list kind:deletion", "views"]
    assert state.stat().st_mode & 0o777 == 0o600
    with Terminal(bwp.argv("--plain"), env=bwp.env) as terminal:
        terminal.wait_for(PROMPT.rstrip())
        terminal.send("\x1b[A\x1b[A")
        terminal.wait_for(f"{PROMPT}list kind:deletion")
        terminal.wait_until_it_sleeps()
        terminal.send("\x03")
        terminal.wait_for(lambda screen: screen.rstrip().rpartition("\n")[2] == PROMPT.rstrip())
        terminal.send("quit\r")
        assert terminal.wait() == 0


@pytest.mark.parametrize("words", [["list"], ["show", "1"], ["downloads"]])
def test_lines_on_a_terminal_end_between_words(bwp: Bwp, words: list[str]) -> None:
    save(bwp, bwp.data.parent / "results")
    with Terminal(bwp.argv("--plain", *words), columns=50, env=bwp.env) as terminal:
        assert terminal.wait() == 0
        lines = terminal.bytes_since().decode().splitlines()
    assert len(lines) > 2
    assert max(len(line) for line in lines if " " in line) <= 50


def test_the_greeting_ends_its_lines_between_words(bwp: Bwp) -> None:
    with Terminal(bwp.argv("--plain"), columns=50, env=bwp.env) as terminal:
        terminal.wait_for(PROMPT.rstrip())
        assert max(map(len, terminal.bytes_since().decode().splitlines())) <= 50


def test_a_line_can_be_edited_brought_back_and_dropped(bwp: Bwp) -> None:
    with Terminal(bwp.argv("--plain"), env=bwp.env) as terminal:
        terminal.wait_for(PROMPT.rstrip())
        for keys in ("nws\x1b[D\x1b[De\r", "\x1b[A\r"):
            mark = terminal.mark()
            terminal.send(keys)
            terminal.wait_for("No news.")
            # The keys after it count only once the next line is asked for.
            terminal.wait_for(lambda _: PROMPT.encode() in terminal.bytes_since(mark).partition(b"No news.")[2])  # noqa: B023  awaited at once
        terminal.send("submit")
        terminal.wait_for(f"{PROMPT}submit")
        terminal.wait_until_it_sleeps()
        mark = terminal.mark()
        terminal.send("\x03")
        terminal.wait_for(lambda _screen: PROMPT.encode() in terminal.bytes_since(mark))
        terminal.send("quit\r")
        assert terminal.wait() == 0


def test_the_help_knows_the_commands_of_this_mode(shop: Bwp) -> None:
    asked = "".join(f"help {name}\n" for name in ("new", "watch", "news", "help", "quit"))
    ended = shop("--plain", typed=f"{asked}quit\n")
    assert "unknown command" not in ended.out + ended.err
    assert "submit a request, question by question" in ended.out


def test_what_was_not_sent_waits_while_it_is_open_and_is_said_at_the_end(shop: Bwp, practice: Sandbox) -> None:
    practice.faults.set("down")
    ended = shop("--plain", typed="submit retrieval jane@example.com --timeout 1\nquit\n")
    told = " ".join(ended.err.split())
    assert "goes on until you quit." in told
    assert "Process " not in told, "a process that goes on would be another one"
    assert "1 request is not submitted yet. Start bwp-tui run --profile default" in told


def test_what_refused_credentials_keep_waiting_is_left_to_this_session(shop: Bwp) -> None:
    shop.env["BWP_CLIENT_SECRET"] = "wrong"
    lines = (f"submit retrieval {name}@example.com --timeout 20\n" for name in ("jane", "bob"))
    told = " ".join(shop("--plain", typed="".join(lines)).err.split())
    assert told.count("goes on until you quit.") == 2


def test_a_history_that_had_to_be_recovered_is_told_at_the_start(bwp: Bwp) -> None:
    assert bwp("submit", "retrieval", "jane@example.com", "--hold", env=CREDENTIALS).code == 0
    path = bwp.folder / "history.db"
    path.write_bytes(b"\0" * 24 + path.read_bytes()[24:])
    assert "was damaged and is kept as history.damaged-" in " ".join(bwp("--plain", typed="quit\n").err.split())
