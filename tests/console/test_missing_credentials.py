"""Without credentials the console says what is missing, how to set it, and how to practise."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import pytest

from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.screens.missing_credentials import UNCONFIGURED
from bwp_tui.settings import LiteralSecret, Profile
from tests.console.past_tasks import clock
from tests.console.support import screen_lines
from tests.waiting import eventually_in_loop


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 15)])
async def test_what_is_missing_is_named_and_leaving_ends_with_code_2(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("BWP_CONFIG_FILE", "/etc/bwp/config.toml")
    app = ConsoleApp(replace(profile, client_id=None, secret=None), clock=clock)
    try:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            text = " ".join(" ".join(screen_lines(app)).split())
            assert "Not set: BWP_CLIENT_ID, BWP_CLIENT_SECRET" in text
            assert "BWP_TARGET_ID is" not in text
            assert "bwp-tui sandbox" in text
            if size[1] >= 40:
                assert "/etc/bwp/config.toml" in text
                assert "[profiles.production]" in text
                for command in ("login", "doctor"):  # without the name they would be about another shop
                    assert f"bwp-tui {command} --profile production" in text
            await pilot.press("G")
            await eventually_in_loop(lambda: "bwp-tui doctor" in " ".join(" ".join(screen_lines(app)).split()))
            await pilot.press("q")
            await eventually_in_loop(lambda: not app.is_running)
        assert app.return_code == UNCONFIGURED
    finally:
        app.close()


async def test_a_secret_that_is_set_is_not_called_missing(profile: Profile, tmp_path: Path) -> None:
    app = ConsoleApp(replace(profile, folder=tmp_path / "p", target_id=None, secret=LiteralSecret("hush-secret")))
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            text = "\n".join(screen_lines(app))
            assert "Not set: BWP_TARGET_ID" in text
            assert "hush" not in text
    finally:
        app.close()


async def test_the_garbage_collector_runs_again_once_the_console_is_there(profile: Profile) -> None:
    """The process starts without it, whatever screen comes first."""
    app = ConsoleApp(replace(profile, client_id=None, secret=None), clock=clock)
    gc.disable()
    try:
        async with app.run_test():
            await eventually_in_loop(gc.isenabled)
    finally:
        gc.enable()
        app.close()
