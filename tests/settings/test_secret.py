from __future__ import annotations

import os
import shlex
import sys
import traceback
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from bwp_tui.settings import SettingsError, environment_of_children, load_profile
from bwp_tui.settings import secret as secret_module
from bwp_tui.settings.secret import CommandSecret, FileSecret, KeyringSecret


def python(code: str) -> CommandSecret:
    return CommandSecret((sys.executable, "-c", code))


def test_a_command_gives_the_first_line_that_it_prints() -> None:
    assert python("print('  hush \\nurl: x')").read() == "hush"


def test_no_shell_reads_the_command() -> None:
    command = tuple(shlex.split(f"{sys.executable} -c 'import sys; print(sys.argv[1])' '$(id); `id`'"))
    assert CommandSecret(command).read() == "$(id); `id`"


def test_a_command_cannot_read_what_the_operator_types() -> None:
    assert python("import sys; print('got', repr(sys.stdin.read()))").read() == "got ''"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (python("raise SystemExit(3)"), "failed with exit code 3"),
        (python(""), "printed nothing"),
        (python("print(' ')"), "printed nothing"),
        (python("import sys; sys.stdout.buffer.write(b'\\xff\\xfe')"), "no client secret"),
        (python("print('a' * 100_000)"), "printed too much"),
        (CommandSecret(("cat", "/dev/zero")), "printed too much"),
        (python("print('\\x22hush\\x22')"), "quotation marks"),
        (CommandSecret(("/nowhere/pass", "show")), "cannot be run: No such file"),
        (CommandSecret(("pa\0ss",)), "cannot be run"),
    ],
)
def test_a_command_that_gives_no_secret_is_told_in_a_sentence(command: CommandSecret, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        command.read()
    assert len(caught.value.mistakes) == 1


@pytest.mark.parametrize(("text", "wrong"), [("", "empty"), ("a\tb", "no client secret has"), ("hush", None)])
def test_what_is_wrong_with_a_typed_secret_is_true(text: str, wrong: str | None) -> None:
    mistake = secret_module.secret_mistake(text)
    assert mistake is None if wrong is None else wrong in (mistake or "")


def test_what_a_failing_command_prints_is_not_repeated() -> None:
    code = "import sys; print('hu' + 'sh'); print('hu' + 'sh', file=sys.stderr); sys.exit(1)"
    with pytest.raises(SettingsError) as caught:
        python(code).read()
    assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_a_command_that_waits_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_module, "COMMAND_TIMEOUT_S", 0.2)
    with pytest.raises(SettingsError, match="took more than"):
        python("import time; time.sleep(60)").read()


def test_a_command_is_not_given_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BWP_CLIENT_SECRET", "hush")
    assert python("import os; print([name for name in os.environ if name.startswith('BWP_')])").read() == "[]"


def test_other_programs_are_given_no_credentials_of_aws_and_a_secret_command_may_need_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    assert "AWS_SECRET_ACCESS_KEY" not in environment_of_children()
    assert python("import os; print(os.environ['AWS_SECRET_ACCESS_KEY'])").read() == "hush"


def test_a_command_may_be_a_shells_and_may_quote(tmp_path: Path) -> None:
    environ = {"BWP_DATA_DIR": str(tmp_path), "BWP_CONFIG_FILE": ""}
    for line, secret in (("sh -c 'echo hush | cat'", "hush"), ('echo "a|b"', "a|b"), ("echo a\\;b", "a;b")):
        source = load_profile(None, {**environ, "BWP_CLIENT_SECRET_COMMAND": line}).secret
        assert source is not None
        assert source.read() == secret


@pytest.mark.parametrize("given", ["hush\n", "hush\r\n", " hush ", "\thush"])
def test_blanks_and_line_ends_around_a_variable_are_no_part_of_it(tmp_path: Path, given: str) -> None:
    variables = {"BWP_CLIENT_SECRET": given, "BWP_CLIENT_ID": given, "BWP_TARGET_ID": given}
    profile = load_profile(None, {"BWP_DATA_DIR": str(tmp_path), **variables})
    assert profile.secret is not None
    assert {profile.secret.read(), profile.client_id, profile.target_id} == {"hush"}


@pytest.mark.parametrize("given", ['"hush"', "'hush'", "“hush”", "hu\x00sh", "hu\nsh", "h\udce9sh", "hüsh"])
def test_a_secret_that_cannot_be_one_is_named_and_not_repeated(tmp_path: Path, given: str) -> None:
    with pytest.raises(SettingsError, match="BWP_CLIENT_SECRET") as caught:
        load_profile(None, {"BWP_DATA_DIR": str(tmp_path), "BWP_CLIENT_SECRET": given})
    assert given not in str(caught.value)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.secret"
    path.write_text(" hush \nsecond line\n")
    path.chmod(0o600)
    return path


def test_a_private_file_gives_its_first_line(secret_file: Path) -> None:
    assert FileSecret(secret_file).read() == "hush"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_access_is_refused(secret_file: Path, mode: int) -> None:
    secret_file.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        FileSecret(secret_file).read()


def test_a_file_of_another_user_is_refused(secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(SettingsError, match="belongs to you"):
        FileSecret(secret_file).read()


def test_the_credentials_that_systemd_passes_are_read(secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_file.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret_file.parent))
    assert FileSecret(secret_file).read() == "hush"


def test_a_missing_file_a_folder_and_a_pipe_are_told_in_a_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "none", tmp_path, tmp_path / "pipe"):
        with pytest.raises(SettingsError) as caught:
            FileSecret(path).read()
        assert str(path) in str(caught.value)


class MemoryKeyring(KeyringBackend):
    """A keyring of one test."""

    priority = 5
    kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        if username == "locked":
            raise KeyringLocked
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


def test_the_keyring_gives_the_secret_of_a_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())  # type: ignore[no-untyped-call]  # of the library
    try:
        monkeypatch.setitem(MemoryKeyring.kept, ("bwp-tui", "shop"), "hush")
        assert KeyringSecret("shop").read() == "hush"
        for profile, advice in (("other", "login --rotate --profile other"), ("locked", "unlock it")):
            with pytest.raises(SettingsError, match=f"keyring.*{advice}"):
                KeyringSecret(profile).read()
    finally:
        keyring.set_keyring(before)
