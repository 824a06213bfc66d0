"""The operator's own commands: their keys, what they are given, what they write, what the timeline keeps."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bwp_tui.console.bindings.keymap import keymap
from bwp_tui.console.screens.command_output import OutputScreen
from bwp_tui.console.screens.help import HelpScreen
from bwp_tui.console.screens.task import TaskScreen
from bwp_tui.console.store_access.write_guard import READ_ONLY
from bwp_tui.console.widgets.request_form import RequestForm
from bwp_tui.console.widgets.styled_line import Paragraphs
from bwp_tui.settings import Profile
from bwp_tui.settings.profile import CustomCommand, OperatorProgram
from bwp_tui.store.queries import timeline
from tests.console.past_tasks import READY
from tests.console.support import Console, opened, screen_lines


def command(script: str, key: str = "f6", name: str = "crm", timeout_s: float = 60.0) -> CustomCommand:
    return CustomCommand(
        name, OperatorProgram(("sh", "-c", script), timeout_s), key, "Look up in the CRM", "FILE, line 2"
    )


def with_commands(profile: Profile, *commands: CustomCommand) -> Profile:
    return replace(profile, commands=commands)


def given(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "given").read_text())
    return read


def recorded(console: Console, number: int) -> list[tuple[str | None, str]]:
    events = timeline.of_task(console.store, number)
    return [(event.detail, event.actor) for event in events if event.what == "command run"]


async def shown_output(console: Console, *words: str) -> None:
    await console.until(lambda: isinstance(console.app.screen, OutputScreen))
    await console.sees(*words)


async def test_a_command_gets_the_task_under_the_cursor_and_its_output_is_shown_and_its_end_recorded(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BWP_CLIENT_SECRET", "hush-secret")
    script = (
        f"cat > {tmp_path}/given; env > {tmp_path}/env; printf 'one \\033[2J two\\nthree ann.b@example.com'; exit 3"
    )
    async with opened(with_commands(profile, command(script))) as console:
        await console.go_to(READY)
        await console.press("f6")
        await shown_output(console, "crm · exit code 3", "one \\x1b[2J two", "three a•••@example.com")
        assert [task["id"] for task in given(tmp_path)["tasks"]] == [READY]
        assert given(tmp_path)["command"] == "crm"
        assert "BWP_" not in (tmp_path / "env").read_text()
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)
        assert "crm: exit code 3." in console.line("status")
        assert [detail for detail, _ in recorded(console, READY)] == ["crm: started", "crm: exit code 3"]


async def test_a_command_gets_the_marked_tasks_and_is_found_by_help_and_prompt(
    profile: Profile, tmp_path: Path
) -> None:
    async with opened(with_commands(profile, command(f"cat > {tmp_path}/given"))) as console:
        await console.press("question_mark")
        await console.until(lambda: isinstance(console.app.screen, HelpScreen))
        await console.until(lambda: any(page.size.width for page in console.app.screen.query(Paragraphs)))
        assert "Look up in the CRM" in console.app.screen.query_one(Paragraphs).render().plain
        await console.press("escape", "space", "space")
        numbers = console.main.table.marks
        await console.press("colon", *"crm", "enter")
        await console.sees("crm: exit code 0.")
        assert {task["id"] for task in given(tmp_path)["tasks"]} == numbers
        assert all(recorded(console, number) for number in numbers)


async def test_the_output_of_a_command_waits_for_the_form_that_is_being_opened(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_mount, mount_fields = asyncio.Event(), RequestForm.mount_fields

    async def mount_late(form: RequestForm) -> None:
        await may_mount.wait()
        await mount_fields(form)

    monkeypatch.setattr(RequestForm, "mount_fields", mount_late)
    script = f"until [ -e {tmp_path}/end ]; do sleep 0.01; done; echo found"
    async with opened(with_commands(profile, command(script))) as console:
        await console.press("f6", "n")
        (tmp_path / "end").touch()
        await console.until(lambda: "crm: exit code 0." in console.line("status"))
        assert console.app.screen is console.main
        may_mount.set()
        await console.until(lambda: console.main.form.display)
        assert console.app.screen is console.main
        await console.press("escape")
        await shown_output(console, "found")


async def test_a_command_works_on_a_tasks_page(profile: Profile, tmp_path: Path) -> None:
    async with opened(with_commands(profile, command(f"cat > {tmp_path}/given; echo done"))) as console:
        await console.go_to(READY)
        await console.press("enter")
        await console.until(lambda: isinstance(console.app.screen, TaskScreen))
        await console.press("f6")
        await shown_output(console, "done")


async def test_all_of_a_long_output_can_be_read(profile: Profile) -> None:
    async with opened(with_commands(profile, command("seq 1 200"))) as console:
        await console.go_to(READY)
        await console.press("f6")
        await shown_output(console, "200 lines")
        await console.press("G")
        await console.until(lambda: "200" in [line.strip(" █▁▂▃▄▅▆▇") for line in screen_lines(console.app)])


async def test_a_command_that_takes_too_long_is_ended_and_runs_once_at_a_time(profile: Profile) -> None:
    async with opened(with_commands(profile, command("sleep 1000", timeout_s=1.5))) as console:
        await console.go_to(READY)
        await console.press("f6", "f6")
        await console.sees("crm is running already.")
        await console.sees("crm: took more than 1.5 s and was ended.")
        assert [detail for detail, _ in recorded(console, READY)] == [
            "crm: started",
            "crm: took more than 1.5 s and was ended",
        ]


async def test_that_a_command_was_started_is_recorded_while_it_runs(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usable = 'client_id = "c"\ntarget_id = "bp-other"\nclient_secret_command = "true"\n'
    (tmp_path / "config.toml").write_text(f"[profiles.other]\n{usable}")
    (tmp_path / "config.toml").chmod(0o600)
    monkeypatch.setenv("BWP_CONFIG_FILE", str(tmp_path / "config.toml"))
    async with opened(with_commands(profile, command(f"touch {tmp_path}/ran; exec sleep 1000"))) as console:
        await console.go_to(READY)
        await console.press("f6")
        await console.until((tmp_path / "ran").exists)
        assert [detail for detail, _ in recorded(console, READY)] == ["crm: started"]
        await console.press("q")
        await console.sees("crm still runs, and would be ended. Quit? [y/N]")
        await console.press("n", "colon", *"profile other", "enter")
        await console.sees("crm still runs, and would be ended. Switch to other? [y/N]")
        await console.press("n")
        assert console.app.is_running
        assert console.app.next_profile is None


async def test_a_read_only_profile_runs_no_command(profile: Profile, tmp_path: Path) -> None:
    read_only = replace(with_commands(profile, command(f"touch {tmp_path}/ran")), read_only=True)
    async with opened(read_only) as console:
        await console.go_to(READY)
        await console.press("f6")
        await console.sees(READ_ONLY)
        assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        (("d",), "commands.crm.key cannot be “d”, which is the key of download already."),
        (("ctrl+l",), "which is the key of repaint already."),
        (("ctrl+i",), "which reaches a program as tab; choose another key."),
        (("f6", "f6"), "commands.other.key cannot be “f6”, which is the key of command_crm already."),
    ],
)
def test_a_key_that_cannot_be_is_a_mistake(keys: tuple[str, ...], mistake: str) -> None:
    commands = [command("true", key=key, name=name) for key, name in zip(keys, ("crm", "other"), strict=False)]
    found = keymap((), commands)
    assert len(found.mistakes) == 1
    assert found.mistakes[0].startswith("FILE, line 2: commands.")
    assert mistake in found.mistakes[0]
    assert "stays" not in found.mistakes_sentence
