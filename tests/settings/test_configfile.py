from __future__ import annotations

import os
from pathlib import Path

import pytest

from bwp_tui.console.presentation import themes
from bwp_tui.settings import SettingsError, load_profile, profile


def mistakes(tmp_path: Path, text: str | bytes) -> list[str]:
    """What is said of a config file, without its path."""
    file = tmp_path / "config.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError) as caught:
        load_profile(None, {"BWP_CONFIG_FILE": str(file), "BWP_DATA_DIR": str(tmp_path)})
    assert all(str(file) in mistake for mistake in caught.value.mistakes)
    return [mistake.replace(str(file), "FILE") for mistake in caught.value.mistakes]


def test_every_mistake_is_told_with_its_line_and_the_nearest_known_key(tmp_path: Path) -> None:
    text = """\
them = "dusk"
default_profile = "Main"

[profiles.default]
client_idd = "x"
api_url = "http://api.example/graphql"
read_only = "yes"
download_slots = 9
api_version = 2024

[profiles.BAD]
"""
    assert mistakes(tmp_path, text) == [
        "FILE, line 1: them is not a setting; did you mean theme?",
        "FILE, line 2: default_profile is not a profile name; use 1 to 32 of a-z, 0-9, - and _, beginning with a "
        "letter or digit.",
        "FILE, line 11: “BAD” is not a profile name; use 1 to 32 of a-z, 0-9, - and _, beginning with a letter or "
        "digit.",
        "FILE, line 5: profiles.default.client_idd is not a setting; did you mean client_id?",
        "FILE, line 6: profiles.default.api_url must begin with https:// (http:// is for this machine only).",
        'FILE, line 9: profiles.default.api_version must be text in quotation marks: "…".',
        "FILE, line 8: profiles.default.download_slots must be a whole number from 1 to 8.",
        "FILE, line 7: profiles.default.read_only must be true or false.",
    ]


def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    found = mistakes(tmp_path, '[profiles.default]\nclient_secret = "hush-hush"\n')
    assert found == [
        "FILE, line 2: profiles.default.client_secret does not belong in a file; use client_secret_command, or set "
        "BWP_CLIENT_SECRET."
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[profiles", "not valid TOML"),
        ('theme = "a"\ntheme = "b"\n', "not valid TOML"),
        (b'theme = "\xff"\n', "not UTF-8"),
        ("profiles = 3\n", "must be tables"),
        ("[profiles]\ndefault = 1\n", "must be a table"),
        ('theme = "a\\u001b[2J"\n', "theme must be one of"),
        ('[profiles.default]\nclient_secret_command = "pass \'x"\n', "quotation mark"),
        ('[profiles.default]\nclient_secret_command = " "\n', "is empty"),
        ('[profiles.default]\nclient_secret_command = "pass show x | head -1"\n', "no shell runs it"),
        ('[profiles.default]\nclient_secret_command = "echo a; exit 3"\n', "no shell runs it"),
        ('[profiles.default]\nclient_secret_command = "echo $(id)"\n', "no shell runs it"),
        ('[profiles.default]\napi_url = "https://[v1.a]/g"\n', "profiles.default.api_url "),
        ('[profiles.default]\napi_url = "https://xn--/g"\n', "profiles.default.api_url "),
        ("[profiles.default]\napi_url = 'https://api.example\\graphql'\n", "profiles.default.api_url "),
        ('[profiles.default]\ndownload_dir = "results"\n', "must begin with / or ~/"),
        ('[profiles.sandbox]\nclient_id = "x"\n', "reserved for practice"),
        ('"a\\u001b]0;x" = 1\n', r"\x1b"),
        ('theme = "lihgt"\n', "theme must be one of dark, light, ansi-dark, ansi-light; did you mean light?"),
        ('[profiles.default]\ntheme = "dusk"\n', "theme must be one of dark, light, ansi-dark, ansi-light"),
        ('[profiles.default]\nnotices = "loud"\n', "must be one of desktop, bell, off"),
        ('[profiles.default]\nmouse = "maybe"\n', "must be one of auto, on, off"),
        ('[profiles.default]\ncolour = "pink"\n', "must be one of red, yellow, green, blue, purple"),
    ],
)
def test_a_file_that_means_nothing_is_refused_in_a_sentence(tmp_path: Path, text: str | bytes, told: str) -> None:
    found = mistakes(tmp_path, text)
    assert told in " ".join(found)
    assert not any("\x1b" in mistake for mistake in found)


def test_the_looks_that_can_be_set_are_those_there_are() -> None:
    assert set(profile.THEMES) == set(themes.THEMES)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There is no config file"):
        load_profile(None, {"BWP_CONFIG_FILE": str(tmp_path / "none.toml"), "BWP_DATA_DIR": str(tmp_path)})


def test_a_folder_in_the_files_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_profile(None, {"BWP_CONFIG_FILE": str(tmp_path), "BWP_DATA_DIR": str(tmp_path)})


SENSITIVE = [
    'client_secret_command = "pass show shop"',
    'token_url = "https://a.example/t"',
    'api_url = "https://a.example/g"',
    '[profiles.other.events]\nqueue_url = "https://sqs.us-east-1.amazonaws.com/1/q"',
]


@pytest.mark.parametrize("setting", SENSITIVE)
@pytest.mark.parametrize(("mode", "taken"), [(0o600, True), (0o644, True), (0o664, False), (0o646, False)])
def test_a_file_that_says_where_the_secret_goes_or_what_runs_is_changed_by_its_owner_alone(
    tmp_path: Path, setting: str, mode: int, taken: bool
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[profiles.default]\n[profiles.other]\n{setting}\n")
    file.chmod(mode)
    environ = {"BWP_CONFIG_FILE": str(file), "BWP_DATA_DIR": str(tmp_path)}
    if taken:
        load_profile(None, environ)
    else:
        with pytest.raises(SettingsError, match="chmod go-w"):
            load_profile(None, environ)


def test_a_file_that_says_where_the_secret_goes_is_not_another_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a file another user's")
    file = tmp_path / "config.toml"
    file.write_text(f"[profiles.default]\n{SENSITIVE[0]}\n")
    os.chown(file, 4711, -1)
    with pytest.raises(SettingsError, match="another user"):
        load_profile(None, {"BWP_CONFIG_FILE": str(file), "BWP_DATA_DIR": str(tmp_path)})
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    load_profile(None, {"BWP_CONFIG_FILE": str(file), "BWP_DATA_DIR": str(tmp_path)})


def test_a_file_that_decides_nothing_of_that_kind_may_be_a_groups(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[profiles.default]\ntheme = "light"\n')
    file.chmod(0o664)
    assert load_profile(None, {"BWP_CONFIG_FILE": str(file), "BWP_DATA_DIR": str(tmp_path)}).theme == "light"


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b'\xef\xbb\xbf[profiles.default]\r\ntheme = "light"\r\n')
    assert load_profile(None, {"BWP_CONFIG_FILE": str(file), "BWP_DATA_DIR": str(tmp_path)}).theme == "light"
