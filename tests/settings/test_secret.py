from __future__ import annotations

import shlex
import sys
import traceback

import pytest

from bwp_tui.settings import CommandSecret, SettingsError
from bwp_tui.settings import secret as secret_module


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
        (CommandSecret(("/nowhere/pass", "show")), "cannot be run: No such file"),
        (CommandSecret(("pa\0ss",)), "cannot be run"),
    ],
)
def test_a_command_that_gives_no_secret_is_told_in_a_sentence(command: CommandSecret, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        command.read()
    assert len(caught.value.mistakes) == 1


def test_what_a_failing_command_prints_is_not_repeated() -> None:
    code = "import sys; print('hu' + 'sh'); print('hu' + 'sh', file=sys.stderr); sys.exit(1)"
    with pytest.raises(SettingsError) as caught:
        python(code).read()
    assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_a_command_that_waits_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_module, "COMMAND_TIMEOUT_S", 0.2)
    with pytest.raises(SettingsError, match="gave no answer"):
        python("import time; time.sleep(60)").read()
