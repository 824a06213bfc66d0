"""The tables of the operator's own programs: `[commands.NAME]` and `[hooks]`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bwp_tui.settings.configfile import read_config
from bwp_tui.settings.profile import OperatorProgram
from bwp_tui.settings.secret import SettingsError

GOOD = """
[commands.crm]
key = "f6"
run = ["crm-lookup", "--json"]
title = "Look up in the CRM"
timeout = 5

[hooks]
completed = ["~/bin/notify", "done"]
due_soon = ["notify"]
"""


def config(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_commands_and_hooks_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/op")
    found = read_config(config(tmp_path, GOOD), required=True)
    (command,) = found.commands
    assert (command.name, command.key, command.title) == ("crm", "f6", "Look up in the CRM")
    assert command.program == OperatorProgram(("crm-lookup", "--json"), 5.0)
    assert found.hooks == {
        "completed": OperatorProgram(("/home/op/bin/notify", "done")),
        "due_soon": OperatorProgram(("notify",)),
    }


@pytest.mark.parametrize("text", ["[hooks]\ncompleted = ['x']\n", "[commands.a]\nkey = 'f6'\nrun = ['x']\n"])
def test_a_file_that_others_can_write_runs_no_program(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="others can change it"):
        read_config(config(tmp_path, text, 0o622), required=True)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("[hooks]\ncompleted = 'notify'", "line 2: hooks.completed must be a program and its arguments"),
        ("[hooks]\ncompleted = []", "line 2: hooks.completed must be a program and its arguments"),
        ("[hooks]\ncomplete = ['x']", "line 2: hooks.complete is not a setting"),
        ("hooks = 1", "hooks must be a table"),
        ("commands = 1", "commands must be tables"),
        ("[commands.a]\nrun = ['x']", "commands.a.key is missing"),
        ("[commands.a]\nkey = 'f6'", "commands.a.run must be a program and its arguments"),
        ("[commands.a]\nkey = 'f6'\nrun = 'x | y'", "line 3: commands.a.run must be a program and its arguments"),
        ("[commands.a]\nkey = 'f6'\nrun = ['x']\ntimeout = 0", "line 4: commands.a.timeout must be seconds, up to 600"),
        ("[commands.a]\nkey = 'f6'\nrun = ['x']\ntimeout = true", "commands.a.timeout must be seconds"),
        ("[commands.a]\nkey = 'f6'\nrun = ['x']\nruns = 1", "line 4: commands.a.runs is not a setting"),
        ("[commands.'A B']\nkey = 'f6'\nrun = ['x']", "must be a table whose name has a-z"),
    ],
)
def test_each_mistake_is_named_with_its_line(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_config(config(tmp_path, text), required=True)
    assert mistake.casefold() in str(refused.value).casefold()
