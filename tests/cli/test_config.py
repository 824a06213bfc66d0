"""`bwp-tui config`."""

from __future__ import annotations

import grp
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.console.bindings.screen_actions import NAMES
from bwp_tui.settings.configfile import PROFILE_KEYS
from tests.cli.conftest import Bwp

SECRET = {"BWP_CLIENT_SECRET": "hush-hush"}


def configured(bwp: Bwp, text: str) -> dict[str, str]:
    file = bwp.data.parent / "config.toml"
    file.write_text(text)
    return {"BWP_CONFIG_FILE": str(file)}


def test_the_path_is_told_whether_the_file_is_there_or_not(bwp: Bwp) -> None:
    env = configured(bwp, "")
    assert bwp("config", "path", env=env).out == env["BWP_CONFIG_FILE"] + "\n"
    assert json.loads(bwp("config", "path", "--json", env=env).out) == {"path": env["BWP_CONFIG_FILE"], "exists": True}


def test_what_is_shown_is_what_file_and_environment_come_to_without_the_secret(bwp: Bwp) -> None:
    keys = '[keys]\ndownload = ["d", "f5"]\ntag = "nosuchkey"\nfoo = "k"\n'
    env = configured(bwp, f"[profiles.default]\ndownload_slots = 2\n{keys}")
    shown = bwp("config", "show", env={**env, **SECRET, "BWP_TARGET_ID": "bp-1"})
    assert shown.code == 0
    lines = dict(line.split(maxsplit=1) for line in shown.out.splitlines())
    assert lines["download_slots"] == "2"
    assert lines["target_id"] == "bp-1"
    assert lines["client_secret"] == "set"
    assert lines["keys"] == "download = d f5"
    assert lines["missing"] == "BWP_CLIENT_ID"
    assert "hush" not in shown.out + shown.err


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("[profiles.default]\ndownload_slots = 99\n", "line 2"),
        ('[keys]\ndownload = "x"\n', "which is the key of cancel"),
        ("[profiles.default\n", "is not valid TOML"),
        ('[profiles.default]\ngroup = "no-such-group"\ndata_dir = "/srv/bwp-tui"\n', "groupadd no-such-group"),
    ],
)
def test_each_mistake_is_a_line_and_an_exit_code(bwp: Bwp, text: str, mistake: str) -> None:
    env = configured(bwp, text)
    ended = bwp("config", "validate", env=env)
    assert ended.code == ExitCode.USAGE
    assert mistake in ended.out
    assert any(mistake in line for line in json.loads(bwp("config", "validate", "--json", env=env).out))


def test_mistakes_of_profiles_of_hooks_and_of_keys_are_listed_at_once(bwp: Bwp) -> None:
    tables = '[profiles.default]\ndownload_slots = 99\n[hooks]\nnone = ["a"]\nfailed = ["a"]\n[keys]\nfoo = "k"\n'
    env = configured(bwp, f'default_profile = "gone"\n{tables}')
    Path(env["BWP_CONFIG_FILE"]).chmod(0o660)
    told = json.loads(bwp("config", "validate", "--json", env=env).out)
    for what in ("download_slots", "hooks.none", "keys.foo is no action", "has no profile gone", "chmod go-w"):
        assert [what in mistake for mistake in told].count(True) == 1


def test_settings_without_a_mistake_are_said_to_be_so(bwp: Bwp) -> None:
    ended = bwp("config", "validate", env=configured(bwp, ""))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"No mistakes. The settings are from {bwp.data.parent / 'config.toml'} and the environment.\n"


def test_no_file_or_variable_is_named_that_does_not_exist(bwp: Bwp) -> None:
    env = {name: value for name, value in bwp.env.items() if not name.startswith("BWP_")} | {
        "HOME": str(bwp.data.parent),
        "XDG_CONFIG_HOME": str(bwp.data.parent),
        "XDG_DATA_HOME": str(bwp.data.parent),
    }
    for words in (["config", "validate"], ["doctor"]):
        argv = [sys.executable, "-m", "bwp_tui", *words]
        ended = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        assert "from the defaults alone: no BWP_ variable is set, and there is no " in ended.stdout


def test_a_mistake_of_another_profile_stops_that_one_and_is_in_the_list(bwp: Bwp) -> None:
    env = configured(bwp, "[profiles.default]\n[profiles.other]\ndownload_slots = 99\n")
    assert bwp("list", env=env).code == ExitCode.DONE
    assert bwp("list", "--profile", "other", env=env).code == ExitCode.USAGE
    ended = bwp("config", "validate", env=env)
    assert (ended.code, "profiles.other.download_slots" in ended.out) == (ExitCode.USAGE, True)


def test_each_profile_that_no_command_accepts_is_in_the_list(bwp: Bwp) -> None:
    text = """
        [profiles.shop]
        [profiles.a]
        approve = "deletions"
        [profiles.b]
        group = "no-such-group"
        [profiles.c.events]
        queue_url = "https://queue.example/q"
    """
    env = configured(bwp, text)
    listed = json.loads(bwp("config", "validate", "--json", "--profile", "shop", env=env).out)
    for name, what in (("a", "Profile a"), ("b", "no-such-group"), ("c", "of profile c ")):
        assert bwp("list", "--profile", name, env=env).code == ExitCode.USAGE
        assert [what in mistake for mistake in listed].count(True) == 1
    assert len(listed) == 3


def test_mistakes_are_listed_where_no_profile_is_the_default_one(bwp: Bwp) -> None:
    env = configured(bwp, "[profiles.one]\n[profiles.two]\ndownload_slots = 99\n")
    ended = bwp("config", "validate", env=env)
    assert (ended.code, "profiles.two.download_slots" in ended.out) == (ExitCode.USAGE, True)
    env = configured(bwp, 'default_profile = "onee"\n[profiles.one]\n')
    for words in ((), ("--profile", "one")):
        (mistake,) = json.loads(bwp("config", "validate", "--json", *words, env=env).out)
        assert "has no profile onee" in mistake


@pytest.mark.parametrize("words", [["--theme", "nope"], ["--theme=ansi"], ["sandbox", "--theme", "nope"]])
def test_a_look_there_is_not_is_refused(bwp: Bwp, words: list[str]) -> None:
    ended = bwp(*words)
    assert (ended.code, "--theme" in ended.err) == (ExitCode.USAGE, True)


def test_a_misspelt_variable_is_named_with_the_nearest_known_one(bwp: Bwp) -> None:
    ended = bwp("config", "validate", env={"BWP_READONLY": "1", "BWP_API_VERSION": "2024-11-01"})
    assert (ended.code, ended.out.count("\n")) == (ExitCode.USAGE, 1)
    assert "BWP_READONLY; did you mean BWP_READ_ONLY?" in ended.out


def test_the_initial_file_names_every_setting_and_is_valid_with_all_of_them(bwp: Bwp, tmp_path: Path) -> None:
    bwp.env["BWP_CONFIG_FILE"] = str(tmp_path / "new" / "config.toml")
    file = tmp_path / "new" / "config.toml"
    assert bwp("config", "init").code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert bwp("config", "validate").code == 0
    text = file.read_text()
    assert set(PROFILE_KEYS) - {"events"} <= set(re.findall(r"^# (\w+) = ", text, re.MULTILINE))
    only_one = re.sub(r"^# (client_secret_f\w+)", r"#! \1", text, flags=re.MULTILINE)
    own_group = only_one.replace('"privacy"', f'"{grp.getgrgid(os.getegid()).gr_name}"')
    file.write_text(re.sub(r"^# (?=\w+ = |\[)", "", own_group, flags=re.MULTILINE).replace('"…"', '"x"'))
    assert bwp("config", "validate").out.startswith("No mistakes")
    before = file.read_bytes()
    assert bwp("config", "init").code == 1
    assert file.read_bytes() == before


def test_the_names_of_all_actions_are_listed_with_the_keys_of_the_file(bwp: Bwp, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[keys]\ndownload = "f5"\n')
    listed = json.loads(bwp("config", "keys", "--json", env={"BWP_CONFIG_FILE": str(file)}).out)
    assert {action["action"] for action in listed} == set(NAMES)
    assert next(action["keys"] for action in listed if action["action"] == "download") == ["f5"]
