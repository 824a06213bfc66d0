"""Lines of the command line that run inside the console, in a process of their own."""

from __future__ import annotations

import asyncio
import csv
import pty
import signal
from pathlib import Path

import pytest

from bwp_tui.cli.parser import build_parser
from bwp_tui.console.bindings.prompt_commands import CLI_LINES
from bwp_tui.console.command_bar.line_completion import complete
from bwp_tui.console.screens import command_output
from bwp_tui.console.screens.command_output import CommandOutputScreen
from bwp_tui.console.store_access import command_process
from bwp_tui.console.store_access.command_process import INTERRUPTED, CommandProcess
from bwp_tui.console.widgets.styled_line import Paragraphs
from bwp_tui.domain.text import mask_email
from bwp_tui.settings import Profile
from tests.console.past_tasks import HELD, PAST
from tests.console.support import USUAL, Console, make_profile, opened
from tests.console.test_find import find, underlined
from tests.waiting import eventually_in_loop


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """A profile that another process finds too."""
    made = make_profile(tmp_path / "production")
    variables = {
        "DATA_DIR": str(tmp_path),
        "API_URL": made.api_url,
        "TOKEN_URL": made.token_url,
        "CLIENT_ID": made.client_id,
        "TARGET_ID": made.target_id,
        "CLIENT_SECRET": "hush-secret",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"BWP_{name}", str(value))
    return made


async def run(console: Console, line: str) -> None:
    await console.press("colon", *line)
    await console.press("enter")
    await console.until(lambda: isinstance(console.app.screen, CommandOutputScreen))


def screen_of(console: Console) -> CommandOutputScreen:
    assert isinstance(console.app.screen, CommandOutputScreen)
    return console.app.screen


async def test_a_file_is_exported(profile: Profile, tmp_path: Path) -> None:
    async with opened(profile) as console:
        await run(console, f"export kind:deletion {tmp_path}/tasks.csv")
        await console.sees("── done · bwp-tui")
        with (tmp_path / "tasks.csv").open() as file:
            assert len(list(csv.DictReader(file))) == sum(task.kind == "DELETION" for task in PAST)
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)


async def test_the_output_is_as_wide_as_the_screen_searched_and_masked(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await run(console, "evidence 6")
        await console.sees("── done · bwp-tui")
        email = console.task(HELD).email
        await console.until(lambda: mask_email(email) in console.line("output-scroll"))
        assert email not in console.text
        await find(console, mask_email(email))
        await console.until(lambda: underlined(console)[:1] == [f"[{mask_email(email)}]"])
        await console.press("m")
        await console.sees(email)


async def test_doctor_names_the_size_of_the_console_and_keeps_its_sentences_in_their_column(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await run(console, "doctor")
        await console.sees("── ended with exit code")
        lines = screen_of(console).query_one(Paragraphs).lines
        assert "80x24, mouse" in " ".join(line.strip() for line in lines)
        assert max(map(len, lines)) < USUAL[0]
        assert {line[:6].rstrip() for line in lines} == {"", "ok", "warn", "fail"}


async def test_a_mistake_and_a_refusal_are_shown_with_their_exit_code(profile: Profile, tmp_path: Path) -> None:
    async with opened(profile) as console:
        await run(console, f"backup {tmp_path}/no/such/folder.db")
        await console.sees("ended with exit code 1")
        await console.press("escape")
        await run(console, "report --from never --to 2026-01-01")
        await console.sees("ended with exit code 2", "--from")


async def test_without_a_pseudo_terminal_it_is_said_why_nothing_runs(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> tuple[int, int]:
        raise OSError("out of pty devices")

    async with opened(profile) as console:
        monkeypatch.setattr(pty, "openpty", refuse)
        await run(console, "doctor")
        await console.sees("── ended with exit code 1 · bwp-tui doctor", "out of pty devices")
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)


async def test_lines_are_left_out_only_where_there_are_more(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_process, "MAX_LINES", 3)
    monkeypatch.setattr(command_output, "MAX_LINES", 3)
    async with opened(profile) as console:
        await run(console, "regulations")
        await console.sees("── done")
        screen = screen_of(console)
        for count in (3, 4):
            screen._process.lines, screen._process.line_count = ["a line"] * 3, count
            screen._show()
            await console.pilot.pause()
            assert ("Only the first 3 lines are shown." in console.text) == (count > 3)


async def test_a_question_of_the_command_is_asked_and_answered_here(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "requests.csv").write_text("kind,email\ndeletion,anna@example.com\ndeletion,otto@example.com\n")
    async with opened(profile) as console:
        await run(console, f"import {tmp_path}/requests.csv")
        await console.sees("This records 2 deletions of shoppers' data. Type 2 to confirm:", "enter answer")
        await console.press("escape")
        await console.sees("Aborted", "ended with exit code 1")
        assert console.store.integer("SELECT count(*) FROM tasks") == len(PAST)
        await console.press("escape")
        await run(console, f"import {tmp_path}/requests.csv")
        await console.sees("enter answer")
        await console.press("2", "enter")
        await console.sees("2 requests recorded", "── done · bwp-tui")
        await console.until(lambda: len(console.main.table.numbers) == len(PAST) + 2)


async def test_escape_interrupts_a_command_that_runs_and_then_leaves(profile: Profile) -> None:
    async with opened(profile) as console:
        await run(console, f"wait {HELD}")
        await console.sees("── running", "esc interrupt")
        assert console.line("footer").count("esc") == 1
        process = screen_of(console)._process
        await console.press("escape")
        await console.sees("── interrupted", "esc back")
        assert process.exit_code == INTERRUPTED
        assert "Traceback" not in console.text
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)


async def test_a_command_that_is_interrupted_while_it_starts_says_so(profile: Profile) -> None:
    process = CommandProcess(lambda: None, pytest.fail)
    running = asyncio.ensure_future(process.run(["wait", str(HELD)], profile, USUAL, margin=2))
    await eventually_in_loop(lambda: process._process is not None)
    process.interrupt()
    await running
    assert process.exit_code == INTERRUPTED
    assert len(process.lines) == 1
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])


async def test_a_command_of_the_console_with_words_that_it_does_not_take_is_one_of_the_command_line(
    profile: Profile,
) -> None:
    async with opened(profile) as console:
        await run(console, "dashboard --json")
        await console.sees("── done · bwp-tui", "{")
        await console.press("escape")
        await console.press("colon", *"theme light", "enter")
        await console.sees("Theme light.")


def test_files_and_actions_are_completed(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").touch()
    (tmp_path / "old").mkdir()
    (tmp_path / "o ther").touch()
    line = f"import {tmp_path}/o"
    assert complete((), [], line, len(line)) == [
        (7, len(line), f"{tmp_path}/{name}") for name in ("old/", "orders.csv")
    ]
    assert [insert for _, _, insert in complete((), [], "config s", 8)] == ["show"]


def test_names_of_profiles_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[profiles.north]\n[profiles.south]\n")
    monkeypatch.setenv("BWP_CONFIG_FILE", str(file))
    assert complete((), [], "profile n", 9) == [(8, 9, "north")]
    file.write_text("[profiles")
    assert complete((), [], "profile n", 9) == []


def test_the_arguments_are_those_of_the_parser() -> None:
    for name, command in CLI_LINES.items():
        told = build_parser()[1][name].format_help()
        for word in command.arguments.replace("|", " ").replace("…", "").replace("[", "").replace("]", "").split():
            assert word in told, (name, word)
