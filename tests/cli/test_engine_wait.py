"""The reason that a command gives when it got no response in time."""

from __future__ import annotations

import pytest

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.cli.support.engine_wait import EngineWaiter
from bwp_tui.store.worklog.engine_state import EngineState, ServiceState


@pytest.mark.parametrize(
    ("service", "expected", "exit_code"),
    [
        (ServiceState.FAULTY, "Own.", ExitCode.LATER),
        (ServiceState.BAD_CREDENTIALS, "Other.", ExitCode.USAGE),
    ],
)
def test_own_failure_comes_before_the_engines_message_unless_settings_are_wrong(
    service: ServiceState, expected: str, exit_code: ExitCode
) -> None:
    waiter = EngineWaiter.__new__(EngineWaiter)
    waiter._state, waiter._trouble = EngineState(1, "host", service, "Other.", None), None
    error = waiter.timed_out("Then.", "Own.")
    assert (str(error), error.code) == (f"{expected} Then.", exit_code)
