"""A profile's settings are changed in the config file, and nothing else of it."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from bwp_tui.settings import SettingsError
from bwp_tui.settings.config_edit import change_profile

OLD = """\
# the office's file
theme = "light"

[profiles.default] # the shop
notices = "bell"   # at night
client_secret_command = "pass show old"

[profiles.default.events]
queue_url = "https://sqs.us-east-1.amazonaws.com/123456789012/old"

[keys]
download = ["d", "f5"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "config" / "config.toml"
    file.parent.mkdir()
    return file


def test_a_missing_file_is_created_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    change_profile(path, "default", {"client_id": 'a"b\\c', "api_url": None, "events.region": "us-east-1"})
    assert tomllib.loads(path.read_text()) == {
        "profiles": {"default": {"client_id": 'a"b\\c', "events": {"region": "us-east-1"}}}
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_other_lines_and_the_permissions_stay(path: Path) -> None:
    path.write_text(OLD)
    path.chmod(0o640)
    change_profile(path, "default", {"client_id": "id", "client_secret_command": None, "events.region": "eu-west-1"})
    kept = [line for line in OLD.splitlines() if not line.startswith("client_secret_command")]
    lines = path.read_text().splitlines()
    assert [line for line in lines if line not in ('client_id = "id"', 'region = "eu-west-1"')] == kept
    assert tomllib.loads(path.read_text())["profiles"]["default"]["events"]["region"] == "eu-west-1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    "text",
    ["", "\n", "theme = 'dark'", "[profiles.other]\nclient_id = 'x'", "[profiles]\n", '[profiles."default"]\n', OLD],
)
def test_a_table_is_added_wherever_it_is_missing(path: Path, text: str) -> None:
    path.write_text(text)
    change_profile(path, "default", {"target_id": "bp-1"})
    content = tomllib.loads(path.read_text())
    assert content["profiles"]["default"].pop("target_id") == "bp-1"
    before = tomllib.loads(text)
    assert content == {**before, "profiles": {"default": {}, **before.get("profiles", {})}}


@pytest.mark.parametrize(
    "text",
    [
        'profiles = {default = {notices = "bell"}}\n',
        "[[profiles]]\n",
        'profiles.default.notices = "bell"\n',
        'note = """\n[profiles.default]\n"""\n',
        '[profiles.default]\nactor = """\ntarget_id = x"""\n',
        "[profiles]\ndefault = 1\n",
        "theme = ",
    ],
)
def test_a_file_that_cannot_be_changed_safely_stays_as_it_is(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError):
        change_profile(path, "default", {"target_id": "bp-1"})
    assert path.read_text() == text


def test_a_link_to_the_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "dotfiles.toml")
    change_profile(path, "default", {"target_id": "bp-1"})
    assert path.is_symlink()
    assert "bp-1" in (tmp_path / "dotfiles.toml").read_text()
