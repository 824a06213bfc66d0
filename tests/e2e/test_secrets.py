"""No secret, token or link reaches the terminal or a file, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bwp_tui.sandbox.faults import Fault
from bwp_tui.sandbox.server import Sandbox
from tests.cli.conftest import queue_variables, variables
from tests.e2e.operator import ENTER, ESCAPE, RESULT_OFFERED, Operator, end, on_current_row, submit_retrieval

ACCESS_TOKEN = "practice-access-token-0123456789"

FAULTS = (
    *(Fault(name, 0.4) for name in ("expired-link", "cut-download", "busy-store")),
    *(Fault(name, 0.15) for name in ("throttled", "garbled", "html")),
    *(Fault(name, 0.4) for name in ("queue-denied", "queue-down", "duplicate-event", "foreign-event")),
)


@pytest.fixture(params=[(), FAULTS], ids=["all goes well", "much goes wrong"])
def practice(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setattr("bwp_tui.sandbox.tokens.secrets.token_urlsafe", lambda _size: ACCESS_TOKEN)
    with Sandbox(faults=request.param) as running:
        yield running


def test_no_secret_reaches_the_terminal_or_a_file(operator: Operator, practice: Sandbox) -> None:
    operator.env |= variables(practice) | queue_variables(practice)
    with operator.console() as terminal:
        terminal.wait_for("engine here")
        submit_retrieval(terminal, "jane@example.com")
        terminal.wait_for(on_current_row(RESULT_OFFERED))
        terminal.wait_for(lambda screen: "events on" in screen or "event queue" in screen)
        terminal.send("d")
        terminal.wait_for(lambda screen: "saved" in screen or "⇣ ✗" in screen)
        terminal.send(ENTER)
        terminal.wait_for("1 overview")
        terminal.send(ESCAPE)
        terminal.wait_for("SUBMITTED")
        assert end(terminal) == 0
        said = terminal.bytes_since()
    assert practice.state.calls["link"] >= 1
    secrets = (practice.client_secret, *practice.aws_key, ACCESS_TOKEN, "X-Amz-", "Bearer", "AWS4-HMAC")
    places = {"the terminal": said} | {str(path): path.read_bytes() for path in operator.files()}
    assert len(places) > 2
    found = [(secret, place) for place, data in places.items() for secret in secrets if secret.encode() in data]
    assert found == []
    assert {path.stat().st_mode & 0o777 for path in operator.files()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in operator.data.rglob("*") if path.is_dir()} == {0o700}
