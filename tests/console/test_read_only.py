"""A read-only profile: everything is seen, nothing is written, and each refusal says why."""

from __future__ import annotations

from pathlib import Path

from bwp_tui.console.actions import ACTIONS, Situation
from bwp_tui.console.key_names import shown_key
from tests.console.past import HELD, NOT_KNOWN, READY, TODAY
from tests.console.support import make_profile, opened

TARGETS = {"new": READY, "new_deletion": READY, "download": READY, "resubmit": NOT_KNOWN, "cancel": HELD, "note": READY}


async def test_every_action_that_writes_is_refused_and_says_why(tmp_path: Path) -> None:
    async with opened(make_profile(tmp_path / "production", read_only=True)) as console:
        assert "read-only  masked" in console.line("header")
        revision = console.history.revision()
        for name, number in TARGETS.items():
            await console.go_to(number)
            (action,) = (action for action in ACTIONS if action.name == name)
            await console.press(action.keys[0])
            assert f"{shown_key(action.keys[0])}: This profile is read-only." in console.line("status")
            assert not console.main.prompt.is_open
            assert not console.main.form.display
        assert console.history.revision() == revision


async def test_reading_goes_on(tmp_path: Path) -> None:
    async with opened(make_profile(tmp_path / "production", read_only=True)) as console:
        situation = Situation(console.task(HELD), read_only=True, today=TODAY)
        possible = {action.name for action in ACTIONS if action.why_not(situation) is None}
        assert {"filter", "detail", "copy", "mask", "view_1", "help", "palette", "quit"} <= possible
