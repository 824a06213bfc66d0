"""A profile whose settings are another shop's: nothing is recorded or sent, and it is said."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from bwp_tui.engine.runtime.lease import Lease
from bwp_tui.sandbox.server import Sandbox
from tests.cli.conftest import Bwp, variables
from tests.pty_terminal import Terminal

ADOPT = "bp-new"


@pytest.fixture
def other() -> Iterator[Sandbox]:
    with Sandbox(slow_s=0.05) as running:
        yield running


@pytest.mark.parametrize(
    "words", [("run", "--once"), ("submit", "retrieval", "b@example.com"), ("refresh",), ("list",), ("--plain",)]
)
def test_another_shops_settings_are_refused_and_nothing_reaches_it(
    shop: Bwp, practice: Sandbox, other: Sandbox, words: tuple[str, ...]
) -> None:
    assert shop("submit", "retrieval", "jane@example.com").code == 0
    ended = shop("--profile", "default", *words, env={**variables(other), "BWP_TARGET_ID": "bp-other"})
    assert ended.code == 2
    assert "bwp-tui --profile default config adopt" in ended.err, "a bare bwp-tui may be about another history"
    assert practice.target_id in ended.err
    assert "bp-other" in ended.err
    assert not other.state.starts
    assert not other.state.calls
    (task,) = json.loads(shop("list", "--json").out)
    assert task["status"] == "IN_PROGRESS"


def test_the_doctor_says_so(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com")
    ended = shop("doctor", "--json", env={"BWP_TARGET_ID": "bp-other"})
    assert ended.code == 1
    assert any("bp-other" in found["sentence"] and found["level"] == "fail" for found in json.loads(ended.out))


def test_a_shop_under_a_new_target_is_adopted_once_that_is_typed(shop: Bwp, practice: Sandbox) -> None:
    shop("submit", "retrieval", "jane@example.com")
    shop.env["BWP_TARGET_ID"] = ADOPT
    lease = Lease(shop.folder / "engine.lock")
    assert lease.acquire()
    assert (shop("config", "adopt").code, "is running" in shop("config", "adopt").err) == (1, True)
    lease.release()
    assert shop("config", "adopt").code == 2, "no one can be asked"
    command = [sys.executable, "-m", "bwp_tui", "config", "adopt", "--json"]
    for typed, code in (("yes", 2), (ADOPT, 0)):
        with Terminal(command, columns=500, rows=30, env=shop.env) as terminal:
            assert practice.target_id in terminal.wait_for("to confirm:")
            terminal.send(f"{typed}\r")
            terminal.wait()
            assert ('"adopted": true' in terminal.screen_text()) is (code == 0)
        assert shop("list").code == code
    left = shop("config", "adopt", "--json")
    assert (left.code, json.loads(left.out)) == (0, {"adopted": False}), "there is nothing left to adopt"
