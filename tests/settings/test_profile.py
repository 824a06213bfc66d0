from __future__ import annotations

import json
import os
import pwd
import re
from pathlib import Path

import pytest

from bwp_tui.settings import (
    AwsKey,
    EventQueue,
    LiteralSecret,
    SettingsError,
    actor,
    config_path,
    load_profile,
    profile_folder,
    unknown_variables,
)
from bwp_tui.settings.load import account, source_of_settings
from bwp_tui.settings.profile import API_URL, API_VERSION, CONSOLE_SIZE_VARIABLE, TOKEN_URL


def environment(tmp_path: Path, **variables: str) -> dict[str, str]:
    """A whole environment: a config file that may be written, a data folder, and some variables."""
    config = tmp_path / "config.toml"
    config.touch()
    return {"BWP_CONFIG_FILE": str(config), "BWP_DATA_DIR": str(tmp_path / "data"), **variables}


def write(environ: dict[str, str], text: str) -> None:
    Path(environ["BWP_CONFIG_FILE"]).write_text(text, encoding="utf-8")


def test_without_any_setting_the_default_profile_lacks_credentials_alone(tmp_path: Path) -> None:
    profile = load_profile(None, environment(tmp_path))
    assert profile.name == "default"
    assert (profile.api_url, profile.token_url, profile.api_version) == (API_URL, TOKEN_URL, API_VERSION)
    assert profile.missing() == ("BWP_CLIENT_ID", "BWP_CLIENT_SECRET", "BWP_TARGET_ID")
    assert (profile.read_only, profile.is_sandbox, profile.speed) == (False, False, 1.0)


def test_the_size_of_the_console_is_no_setting(tmp_path: Path) -> None:
    environ = {"BWP_CONFIG_FILE": str(tmp_path / "none.toml"), CONSOLE_SIZE_VARIABLE: "80x24"}
    assert source_of_settings(environ).startswith("the defaults alone")
    assert unknown_variables(environ) == ()


def test_all_files_of_a_profile_lie_in_its_own_folder(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    profile = load_profile("shop-1", environ)
    assert profile.folder == tmp_path / "data" / "shop-1" == profile_folder("shop-1", environ)
    inside = (profile.history_path, profile.lease_path, profile.log_dir, profile.download_dir)
    assert [path.relative_to(profile.folder).as_posix() for path in inside] == [
        "history.db",
        "engine.lock",
        "log",
        "downloads",
    ]


def test_the_environment_stands_above_the_file_and_an_empty_variable_does_not_count(tmp_path: Path) -> None:
    environ = environment(tmp_path, BWP_CLIENT_ID="from-environment", BWP_TARGET_ID="")
    write(
        environ,
        '[profiles.default]\nclient_id = "from-file"\ntarget_id = "bp-file"\nread_only = true\n'
        'api_url = "https://proxy.example/graphql"\ndownload_dir = "~/results"\ntheme = "light"\n',
    )
    profile = load_profile(None, environ)
    assert (profile.client_id, profile.target_id) == ("from-environment", "bp-file")
    assert profile.api_url == "https://proxy.example/graphql"
    assert profile.download_dir == Path.home() / "results"
    assert (profile.read_only, profile.theme) == (True, "light")
    assert not load_profile(None, {**environ, "BWP_READ_ONLY": "off"}).read_only
    assert load_profile(None, {**environ, "BWP_THEME": "dark"}).theme == "dark"


def test_the_name_comes_from_the_option_then_the_variable_then_the_file(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    write(environ, 'default_profile = "a"\ntheme = "dark"\n[profiles.a]\n[profiles.b]\n[profiles.c]\ntheme = "light"\n')
    assert load_profile(None, environ).name == "a"
    assert load_profile(None, {**environ, "BWP_PROFILE": "b"}).name == "b"
    chosen = load_profile("c", {**environ, "BWP_PROFILE": "b"})
    assert (chosen.name, chosen.theme) == ("c", "light")
    assert load_profile("b", environ).theme == "dark"


def test_a_name_that_the_file_does_not_know_is_a_slip_unless_the_environment_describes_the_profile(
    tmp_path: Path,
) -> None:
    environ = environment(tmp_path)
    write(environ, "[profiles.production]\n")
    with pytest.raises(SettingsError, match="no profile prodution; did you mean production"):
        load_profile("prodution", environ)
    described = {**environ, "BWP_CLIENT_ID": "x"}
    assert load_profile(None, {**described, "BWP_PROFILE": "prodution"}).name == "prodution"
    with pytest.raises(SettingsError, match="no profile prodution; did you mean production"):
        load_profile("prodution", described)
    profile_folder("prodution", described).mkdir(parents=True)
    assert load_profile("prodution", described).name == "prodution"


@pytest.mark.parametrize("name", ["", "../x", "A", "-a", "a" * 33, "a/b", "a b", "ä", "a\n"])
def test_a_profile_name_that_could_leave_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    environ = environment(tmp_path, BWP_PROFILE="ok")
    if not name:
        assert load_profile(name, environ).name == "ok"
        return
    with pytest.raises(SettingsError, match="not a profile name"):
        load_profile(name, environ)


def test_the_practice_name_is_refused_so_that_practice_never_meets_the_service(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="bwp-tui sandbox"):
        load_profile("sandbox", environment(tmp_path))


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example/graphql",
        "ftp://api.example/",
        "https://",
        "https://user:pw@api.example/",
        "https://api.example/?a=b",
        "https://api.example/#x",
        "https://a b/",
        "https://api.example:port/",
        "http://127.0.0.1.example/",
        "http://localhost.example/",
        "nonsense",
        "https://xn--/graphql",
        "https://xn--a.invalid/graphql",
        "https://[v1.a]/graphql",
        "https://api.example\\graphql",
    ],
)
def test_an_address_that_could_leak_the_secret_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="BWP_API_URL") as caught:
        load_profile(None, environment(tmp_path, BWP_API_URL=url))
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/graphql", "http://[::1]:80/x", "http://localhost/x"])
def test_plain_http_is_for_loopback(tmp_path: Path, url: str) -> None:
    assert load_profile(None, environment(tmp_path, BWP_API_URL=url)).api_url == url


def test_every_mistake_of_the_environment_is_listed(tmp_path: Path) -> None:
    environ = environment(
        tmp_path,
        BWP_API_VERSION="latest",
        BWP_TOKEN_URL="http://x.example/",
        BWP_READ_ONLY="maybe",
        BWP_DOWNLOAD_SLOTS="many",
        BWP_TARGET_ID="bp 1",
        BWP_CLIENT_SECRET_COMMAND="pass 'shop",
    )
    with pytest.raises(SettingsError) as caught:
        load_profile(None, environ)
    named = {mistake.split()[2] for mistake in caught.value.mistakes}
    assert named == {
        "BWP_API_VERSION",
        "BWP_TOKEN_URL",
        "BWP_READ_ONLY",
        "BWP_DOWNLOAD_SLOTS",
        "BWP_TARGET_ID",
        "BWP_CLIENT_SECRET_COMMAND",
    }


@pytest.mark.parametrize(("word", "truth"), [("1", True), ("TRUE", True), ("yes", True), ("on", True), ("0", False)])
def test_read_only_takes_the_usual_words(tmp_path: Path, word: str, truth: bool) -> None:
    assert load_profile(None, environment(tmp_path, BWP_READ_ONLY=word)).read_only is truth


def test_the_download_slots_are_three_or_what_is_set(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    assert load_profile(None, environ).download_slots == 3
    write(environ, "[profiles.default]\ndownload_slots = 5\n")
    assert load_profile(None, environ).download_slots == 5
    assert load_profile(None, {**environ, "BWP_DOWNLOAD_SLOTS": "8"}).download_slots == 8


@pytest.mark.parametrize("text", ["0", "9", "-1", "1.5", "three", "٣", "1" * 5000])
def test_download_slots_that_cannot_be_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_profile(None, environment(tmp_path, BWP_DOWNLOAD_SLOTS=text))
    assert caught.value.mistakes == ("The variable BWP_DOWNLOAD_SLOTS must be a whole number from 1 to 8.",)


def test_a_mistaken_variable_is_asked_about_with_one_mark(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_profile(None, environment(tmp_path, BWP_THEME="lihgt"))
    assert caught.value.mistakes[0].endswith("; did you mean light?")


@pytest.mark.parametrize("value", ["0", "9", "true", '"3"', "2.5"])
def test_download_slots_of_the_file_that_cannot_be_are_refused(tmp_path: Path, value: str) -> None:
    environ = environment(tmp_path)
    write(environ, f"[profiles.default]\ndownload_slots = {value}\n")
    with pytest.raises(SettingsError, match="download_slots must be a whole number from 1 to 8"):
        load_profile(None, environ)


OFFICE = {
    "file_names": "email",
    "mask": False,
    "first_view": "to answer",
    "columns": "due, kind",
    "holding_period": 5,
}


@pytest.mark.parametrize("is_in_file", [True, False])
def test_the_office_settings_are_read_from_file_and_environment(tmp_path: Path, is_in_file: bool) -> None:
    environ = environment(tmp_path)
    if is_in_file:
        write(environ, "[profiles.default]\n" + "".join(f"{name} = {json.dumps(OFFICE[name])}\n" for name in OFFICE))
    else:
        environ |= {f"BWP_{name.upper()}": str(value) for name, value in OFFICE.items()}
    profile = load_profile(None, environ)
    assert {name: getattr(profile, name) for name in OFFICE} == {**OFFICE, "columns": ("kind", "due")}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("holding_period = 0", "holding_period must be a whole number from 1 to 180"),
        ("holding_period = true", "holding_period must be a whole number from 1 to 180"),
        ('mask = "false"', "mask must be true or false"),
        ("mask = 1", "mask must be true or false"),
        ('columns = "kind, colour"', "columns must be names of columns: There is no column “colour”"),
        ('file_names = "emial"', "file_names must be one of task_id, email; did you mean email"),
    ],
)
def test_office_settings_that_cannot_be_are_refused(tmp_path: Path, line: str, wrong: str) -> None:
    environ = environment(tmp_path)
    write(environ, f"[profiles.default]\n{line}\n")
    with pytest.raises(SettingsError, match=re.escape(wrong)):
        load_profile(None, environ)


def test_a_secret_does_not_show_itself(tmp_path: Path) -> None:
    profile = load_profile(None, environment(tmp_path, BWP_CLIENT_SECRET="hush-hush"))
    assert isinstance(profile.secret, LiteralSecret)
    assert profile.secret.read() == "hush-hush"
    assert "hush" not in repr(profile) + str(profile) + repr(profile.secret)


def test_without_variables_the_places_are_those_of_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert config_path({}) == tmp_path / "config" / "bwp-tui" / "config.toml"
    assert profile_folder("a", {}) == tmp_path / "data" / "bwp-tui" / "a"
    assert load_profile(None, {}).folder == tmp_path / "data" / "bwp-tui" / "default"


QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/privacy-events"


def test_the_events_come_by_the_queue_of_the_file_in_the_region_of_its_address(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    assert load_profile(None, environ).events is None
    write(environ, f'[profiles.default]\nclient_id = "x"\n[profiles.default.events]\nqueue_url = "{QUEUE}"\n')
    assert load_profile(None, environ).events == EventQueue(queue_url=QUEUE, region="eu-west-1")
    write(environ, f'[profiles.default.events]\nqueue_url = "{QUEUE}"\nregion = "us-gov-west-1"\naws_profile = "p"\n')
    assert load_profile(None, environ).events == EventQueue(queue_url=QUEUE, region="us-gov-west-1", aws_profile="p")


def test_the_environment_names_another_queue(tmp_path: Path) -> None:
    environ = environment(tmp_path, BWP_EVENTS_QUEUE_URL="http://127.0.0.1:4566/000000000000/q")
    write(environ, f'[profiles.default.events]\nqueue_url = "{QUEUE}"\nregion = "eu-west-1"\n')
    assert load_profile(None, environ).events == EventQueue(
        queue_url="http://127.0.0.1:4566/000000000000/q", region="eu-west-1", endpoint_url="http://127.0.0.1:4566/"
    )
    events = load_profile(None, {**environ, "BWP_EVENTS_REGION": "us-east-2"}).events
    assert events is not None
    assert events.region == "us-east-2"
    assert not unknown_variables({**environ, "BWP_EVENTS_REGION": "us-east-2"})


@pytest.mark.parametrize(
    ("table", "variables", "said"),
    [
        ("queue_url = 3", {}, "profiles.default.events.queue_url must be text"),
        (
            f'queue_url = "{QUEUE}"\nregoin = "x"',
            {},
            "line 4: profiles.default.events.regoin is not a setting; did you",
        ),
        (f'queue_url = "{QUEUE}"\nregion = "Ohio"', {}, "profiles.default.events.region must be an AWS region"),
        ('region = "us-east-1"', {}, "no queue_url"),
        ('queue_url = "https://queue.example/q"', {}, "names no AWS region"),
        ("", {"BWP_EVENTS_QUEUE_URL": "http://queue.example/q"}, "BWP_EVENTS_QUEUE_URL must begin with https://"),
        ("", {"BWP_EVENTS_QUEUE_URL": QUEUE, "BWP_EVENTS_REGION": "x"}, "BWP_EVENTS_REGION must be an AWS region"),
    ],
)
def test_a_queue_that_cannot_be_is_refused(tmp_path: Path, table: str, variables: dict[str, str], said: str) -> None:
    environ = environment(tmp_path, **variables)
    write(environ, f"[profiles.default]\n[profiles.default.events]\n{table}\n")
    with pytest.raises(SettingsError) as caught:
        load_profile(None, environ)
    assert [said in mistake for mistake in caught.value.mistakes] == [True]


def test_the_table_of_events_is_a_table(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    write(environ, "[profiles.default]\nevents = 1\n")
    with pytest.raises(SettingsError, match=r"profiles.default.events must be a table"):
        load_profile(None, environ)


def test_the_secret_of_an_aws_key_does_not_show_itself() -> None:
    queue = EventQueue(queue_url=QUEUE, region="eu-west-1", access_key=AwsKey("AKIA1", "hush-hush"))
    assert "hush" not in repr(queue) + str(queue)


USER = pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(
    ("environ", "name", "said"),
    [
        ({}, None, USER),
        ({"LOGNAME": "ceo", "USER": "ceo"}, None, USER),
        ({"SSH_CONNECTION": "10.0.0.7 50000 10.0.0.1 22"}, None, f"{USER} (from 10.0.0.7)"),
        ({"SSH_CONNECTION": "\x1b]0;x\x07 1"}, None, rf"{USER} (from \x1b]0;x\x07)"),
        ({"SUDO_USER": "alice"}, None, f"{USER} (sudo by alice)"),
        ({"SUDO_USER": USER}, None, USER),
        (
            {"SUDO_USER": "alice", "SSH_CONNECTION": "10.0.0.7 1"},
            "Anna",
            f"Anna ({USER}, sudo by alice, from 10.0.0.7)",
        ),
        ({}, USER, USER),
    ],
)
def test_the_actor_is_the_user_and_the_way_here(environ: dict[str, str], name: str | None, said: str) -> None:
    assert actor(environ, name) == said


def test_a_user_without_a_name_is_called_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_001)
    assert actor({}) == "uid 4000000001"


@pytest.mark.parametrize(
    "folder", ["reg", "./reg", "../reg", "~nobody-of-that-name/reg", "/tmp/d\udce9", "/tmp/a\x1b[2J"]
)
@pytest.mark.parametrize("variable", ["BWP_DATA_DIR", "BWP_DOWNLOAD_DIR"])
def test_a_folder_is_the_same_wherever_the_program_starts_and_its_name_is_text(
    tmp_path: Path, variable: str, folder: str
) -> None:
    with pytest.raises(SettingsError, match=variable) as caught:
        load_profile(None, {"BWP_DATA_DIR": str(tmp_path), variable: folder})
    assert str(caught.value).isprintable()


def test_a_home_that_is_no_text_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/tmp/d\udce9")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    with pytest.raises(SettingsError, match="BWP_DATA_DIR"):
        load_profile(None, {"BWP_CONFIG_FILE": ""})


@pytest.mark.parametrize(
    ("named", "id"), [(None, "us-ca"), ("gdpr", "eu-gdpr"), ("New Jersey", "us-nj"), ("NONE", "none")]
)
def test_the_regulation_is_an_id_an_alias_or_a_state(tmp_path: Path, named: str | None, id: str) -> None:
    environ = environment(tmp_path)
    write(environ, "" if named is None else f'[profiles.default]\nregulation = "{named}"\n')
    assert load_profile(None, environ).regulation == id


@pytest.mark.parametrize("named", ["tx", "lgpd", "us"])
def test_a_regulation_that_there_is_not_is_a_mistake_with_its_line(tmp_path: Path, named: str) -> None:
    environ = environment(tmp_path)
    write(environ, f'[profiles.default]\nregulation = "{named}"\n')
    with pytest.raises(SettingsError, match=r"line 2: profiles\.default\.regulation must be a regulation such as"):
        load_profile(None, environ)
    write(environ, "")
    with pytest.raises(SettingsError, match="The variable BWP_REGULATION must be a regulation"):
        load_profile(None, {**environ, "BWP_REGULATION": named})


def test_in_a_team_the_account_comes_first_and_the_key_of_ssh_is_named(tmp_path: Path) -> None:
    user = account()
    exposed = tmp_path / "auth"
    exposed.write_text("publickey ssh-ed25519 AAAAC3Nz\n")
    environ = {"SSH_CONNECTION": "10.0.0.7 1 10.0.0.1 22", "SSH_USER_AUTH": str(exposed)}
    said = actor(environ, "Ann", is_team=True)
    assert said.startswith(f"{user} (")
    assert "Ann, SSH key SHA256:" in said
    assert said.endswith(", from 10.0.0.7)")
    assert actor({"SSH_USER_AUTH": str(tmp_path / "none")}, None, is_team=True).split(" (")[0] == user


@pytest.mark.parametrize(
    ("settings", "named"),
    [('group = "no-such-group"\ndata_dir = "/srv/bwp-tui"', "groupadd no-such-group"), ('group = "root"', "data_dir")],
)
def test_a_group_must_be_there_and_have_a_folder_outside_of_homes(tmp_path: Path, settings: str, named: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[profiles.default]\n{settings}\n")
    with pytest.raises(SettingsError, match=named):
        load_profile("default", {"BWP_CONFIG_FILE": str(file)})
