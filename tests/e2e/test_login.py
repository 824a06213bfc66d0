"""`login` asks for the settings of a profile, tries them and keeps them; no secret is shown or left elsewhere."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from bwp_tui.sandbox.server import Sandbox
from tests.e2e.operator import ENTER, Operator
from tests.pty_terminal import Terminal

PASS = """\
#!/bin/sh
echo "$@" >> "$HOME/pass.log"
env >> "$HOME/pass.log"
case "$1" in
    insert) cat > "$HOME/pass.secret" ;;
    show) cat "$HOME/pass.secret" ;;
    rm) rm "$HOME/pass.secret" ;;
esac
"""

SERVICE_QUESTIONS = ("URL of the API", "URL of the access tokens", "Client id", "Target id")


@pytest.fixture
def home(operator: Operator) -> Path:
    return Path(operator.env["HOME"])


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".config" / "bwp-tui" / "config.toml"


@pytest.fixture
def with_pass(operator: Operator, home: Path) -> Operator:
    """An operator who has the program `pass`."""
    program = home / "bin" / "pass"
    program.parent.mkdir()
    program.write_text(PASS)
    program.chmod(0o755)
    operator.env["PATH"] = f"{program.parent}:{operator.env['PATH']}"
    return operator


def answer(terminal: Terminal, question: str, text: str = "") -> None:
    terminal.wait_for(lambda screen: screen.rstrip().rpartition("\n")[2].startswith(question))
    terminal.send(text + ENTER)


def log_in(
    operator: Operator, practice: Sandbox, *secrets: str, profile: str = "", place: str = "", queue: str = "none"
) -> None:
    with operator.in_terminal(operator.argv("login")) as terminal:
        answer(terminal, "Profile", profile)
        answer(terminal, "URL of the API", practice.api_url)
        answer(terminal, "URL of the access tokens")
        answer(terminal, "Client id", practice.client_id)
        answer(terminal, "Target id", "a target")
        terminal.wait_for("“a target”")
        answer(terminal, "Target id", practice.target_id)
        for secret in secrets:
            answer(terminal, "Client secret (", secret)
            answer(terminal, "Client secret if that was wrong")
            answer(terminal, "Keep these settings")
            for question in SERVICE_QUESTIONS:
                answer(terminal, question)
        answer(terminal, "Client secret", practice.client_secret)
        answer(terminal, f"URL of the events' SQS queue [{queue}]")
        answer(terminal, "Place", place)
        assert terminal.wait() == 0
        assert practice.client_secret.encode() not in terminal.bytes_since()


def test_no_sentence_before_the_first_question_is_broken_at_80_columns(operator: Operator) -> None:
    with operator.in_terminal(operator.argv("login"), size=(80, 24)) as terminal:
        before = terminal.wait_for("Profile").partition("Profile")[0].splitlines()
    assert [line for line in before if line and not line.endswith(".")] == []


def test_a_new_profile_works_at_once_and_its_secret_is_in_a_private_file(
    operator: Operator, practice: Sandbox, config: Path
) -> None:
    log_in(operator, practice, "wrong")
    assert tomllib.loads(config.read_text())["profiles"]["default"]["target_id"] == practice.target_id
    assert practice.client_secret not in config.read_text()
    secret_file = config.with_name("default.secret")
    assert {path: path.stat().st_mode & 0o777 for path in config.parent.iterdir()} == {
        config: 0o600,
        secret_file: 0o600,
    }
    assert operator("submit", "retrieval", "jane@example.com", "--wait").code == 0


def test_a_refused_target_id_is_named_and_asked_for_again(operator: Operator, practice: Sandbox, config: Path) -> None:
    with operator.in_terminal(operator.argv("login")) as terminal:
        answer(terminal, "Profile")
        for question, text in zip(SERVICE_QUESTIONS, (practice.api_url, "", practice.client_id, "bp-x"), strict=True):
            answer(terminal, question, text)
        answer(terminal, "Client secret", practice.client_secret)
        terminal.wait_for("check the target id")
        answer(terminal, "Client secret if that was wrong")
        answer(terminal, "Keep these settings")
        for question in SERVICE_QUESTIONS:
            answer(terminal, question, practice.target_id if question == "Target id" else "")
        answer(terminal, "Client secret", practice.client_secret)
        answer(terminal, "URL of the events' SQS queue")
        answer(terminal, "Place")
        assert terminal.wait() == 0
    assert tomllib.loads(config.read_text())["profiles"]["default"]["target_id"] == practice.target_id


def test_a_second_shop_is_set_up_beside_the_first(operator: Operator, practice: Sandbox, config: Path) -> None:
    log_in(operator, practice, profile="north")
    log_in(operator, practice, profile="south")
    assert set(tomllib.loads(config.read_text())["profiles"]) == {"north", "south"}
    assert operator("submit", "retrieval", "jane@example.com", "--profile", "south").code == 0


def test_a_profile_that_lacks_all_but_a_secret_gets_the_new_one_alone(
    operator: Operator, practice: Sandbox, config: Path
) -> None:
    config.parent.mkdir(parents=True)
    events = {"queue_url": "http://127.0.0.1:9/q", "region": "us-east-1"}
    lines = "".join(f'events.{name} = "{value}"\n' for name, value in events.items())
    config.write_text(f'[profiles.default]\nclient_secret_command = "pass show old"\n{lines}')
    log_in(operator, practice, queue=events["queue_url"])
    kept = tomllib.loads(config.read_text())["profiles"]["default"]
    assert (kept["events"], "client_secret_command" in kept) == (events, False)
    assert operator("submit", "retrieval", "jane@example.com").code == 0


def test_a_program_of_the_operator_s_own_keeps_its_secret(operator: Operator, config: Path) -> None:
    config.parent.mkdir(parents=True)
    config.write_text(
        '[profiles.default]\nclient_id = "c"\ntarget_id = "t"\nclient_secret_command = "echo hush"\n'
        'api_url = "http://127.0.0.1:9/graphql"\ntoken_url = "http://127.0.0.1:9/token"\n'
    )
    with operator.in_terminal(operator.argv("login", "--rotate")) as terminal:
        answer(terminal, "Client secret (", "hush")
        answer(terminal, "Client secret if that was wrong")
        answer(terminal, "Is it the new one", "y")
        assert terminal.wait() == 0
    with operator.in_terminal(operator.argv("logout")) as terminal:
        answer(terminal, "End the use by profile default of what echo hush reads?", "y")
        assert terminal.wait() == 0
        assert "history" not in terminal.screen_text(), "there is none"
    assert "echo" not in config.read_text()


def test_the_kept_secret_is_removed_whatever_the_environment_has_and_without_a_terminal(
    operator: Operator, config: Path
) -> None:
    config.parent.mkdir(parents=True)
    kept = config.with_name("default.secret")
    kept.write_text("hush\n")
    kept.chmod(0o600)
    config.write_text(f'[profiles.default]\nclient_secret_file = "{kept}"\n')
    operator.env["BWP_CLIENT_SECRET"] = "other"
    assert operator("logout").code == 2
    assert kept.exists()
    ended = operator("logout", "--yes")
    assert (ended.code, "BWP_CLIENT_SECRET" in ended.err) == (0, True)
    assert not kept.exists()
    assert "secret" not in config.read_text()


def test_a_program_that_keeps_secrets_gets_it_on_its_input_alone(
    with_pass: Operator, practice: Sandbox, home: Path, config: Path
) -> None:
    log_in(with_pass, practice, place="1")
    assert tomllib.loads(config.read_text())["profiles"]["default"]["client_secret_command"].startswith("pass show")
    assert with_pass("submit", "retrieval", "jane@example.com").code == 0
    with with_pass.in_terminal(with_pass.argv("logout")) as terminal:
        answer(terminal, "Remove the secret", "y")
        assert terminal.wait() == 0
    refused = with_pass("submit", "retrieval", "jane@example.com")
    assert (refused.code, "bwp-tui login --profile default" in refused.err) == (2, True)
    assert not (home / "pass.secret").exists()
    assert "client_secret_command" not in config.read_text()
    assert practice.client_secret not in (home / "pass.log").read_text()


def test_a_new_secret_replaces_the_old_one_once_the_service_has_accepted_it(
    operator: Operator, practice: Sandbox, config: Path
) -> None:
    log_in(operator, practice)
    secret_file = config.with_name("default.secret")
    secret_file.write_text("old-secret\n")
    before = config.read_text()
    with operator.in_terminal(operator.argv("login", "--rotate")) as terminal:
        answer(terminal, "Client secret (", "wrong")
        answer(terminal, "Client secret if that was wrong")
        answer(terminal, "Replace the kept secret")
        assert secret_file.read_text() == "old-secret\n"
        answer(terminal, "Client secret (", "wrong")
        answer(terminal, "Client secret if that was wrong", practice.client_secret)
        assert terminal.wait() == 0
        assert practice.client_secret.encode() not in terminal.bytes_since()
    assert secret_file.read_text() == f"{practice.client_secret}\n"
    assert secret_file.stat().st_mode & 0o777 == 0o600
    assert config.read_text() == before


def test_without_a_terminal_or_for_a_profile_with_a_secret_nothing_is_asked(
    operator: Operator, practice: Sandbox, config: Path
) -> None:
    assert operator("login").code == 2
    assert not config.exists()
    log_in(operator, practice)
    with operator.in_terminal(operator.argv("login", "--profile", "default")) as terminal:
        assert terminal.wait() == 2


@pytest.mark.parametrize(("key", "code"), [("\x04", 1), ("\x03", 130)])
def test_the_end_of_the_input_and_an_interrupt_are_no_answers(
    operator: Operator, config: Path, key: str, code: int
) -> None:
    with operator.in_terminal(operator.argv("login")) as terminal:
        terminal.wait_for("Profile")
        terminal.send(key)
        assert terminal.wait() == code
        assert "Nothing was changed." in terminal.screen_text()
        assert "stays recorded" not in terminal.screen_text()
    assert not config.exists()


def test_the_first_page_offers_it_with_one_key(operator: Operator) -> None:
    with operator.in_terminal([sys.executable, "-P", "-m", "bwp_tui"]) as terminal:
        terminal.wait_for("no credentials")
        terminal.send("l")
        terminal.wait_for("URL of the API")
        terminal.send("\x03")
        assert terminal.wait() == 130
