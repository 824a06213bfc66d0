"""The page of the shops, where only one is known."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bwp_tui.console.presentation.styled_text import badge_role
from bwp_tui.console.screens import profiles
from bwp_tui.console.screens.profiles import ProfilesScreen
from bwp_tui.console.store_access.shop_list import list_shops
from bwp_tui.console.widgets.virtual_list import VirtualList
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries.counts_at_path import counts_at
from tests.console.past_tasks import clock
from tests.console.support import opened
from tests.console.test_command_bar import types
from tests.store.support import request


async def test_the_shop_that_is_open_is_listed_with_its_counts_and_not_opened_again(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("P")
        await console.sees("production", "open here")
        (line,) = (line for line in console.line("profiles-rows").splitlines() if "open here" in line)
        assert line.split()[1:4] == ["production", "3", "2"]
        rows = console.app.screen.query_one(VirtualList)
        assert badge_role(profile) == "badge-green"
        colour = rows.get_visual_style("role--badge-green").rich_style.bgcolor
        assert colour in {segment.style.bgcolor for segment in rows.render_line(1) if segment.style}
        await console.press("enter")
        await console.sees("This shop is open.")
        await console.press("P")
        await console.until(lambda: not isinstance(console.app.screen, ProfilesScreen))
        assert console.app.next_profile is None


async def test_the_counts_follow_what_others_record(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "_PAUSE_S", 0.1)
    async with opened(profile) as console:
        await console.press("P")
        await console.sees("open here")
        before = console.line("profiles-rows")
        with console.store.write() as transaction:
            transaction.run("UPDATE tasks SET status = 'COMPLETED' WHERE status = 'FAILED'")
        await console.until(lambda: console.line("profiles-rows") != before)


@pytest.mark.parametrize(("timezone", "count"), [("Pacific/Kiritimati", 1), ("UTC", 0)])
def test_what_is_due_soon_is_counted_as_of_the_day_of_the_shop(profile: Profile, timezone: str, count: int) -> None:
    noon = datetime(2026, 11, 30, 12, tzinfo=UTC)
    with closing(open_store(profile.history_path)) as store:
        number = requests.submit(store, request(), "op").number
        with store.write() as transaction:
            transaction.run("UPDATE tasks SET due_on = '2026-12-08' WHERE number = ?", (number,))
    (shop,) = list_shops(replace(profile, timezone=timezone), {}, noon)
    assert shop.due_soon == count


async def test_a_mistake_in_the_config_file_is_shown_until_it_is_mended(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    monkeypatch.setenv("BWP_CONFIG_FILE", str(config))
    monkeypatch.setattr(profiles, "_PAUSE_S", 0.1)
    config.write_text("[profiles.production]\n")
    async with opened(profile) as console:
        await console.press("P")
        await console.sees("open here")
        note = console.line("status")
        config.write_text("[profiles.production\n")
        await console.until(lambda: console.line("status") != note)
        config.write_text("[profiles.production]\n")
        await console.until(lambda: console.line("status") == note)


async def test_the_switch_is_offered_on_the_rows_that_can_be_opened(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    usable = 'client_id = "c"\ntarget_id = "t"\nclient_secret_command = "true"\n'
    others = f"[profiles.b-other]\n{usable}[profiles.c-empty]\n[profiles.production]\n"
    config.write_text(f"[profiles.a-wrong]\ndownload_slots = 99\n{others}")
    monkeypatch.setenv("BWP_CONFIG_FILE", str(config))
    async with opened(profile) as console:
        await console.press("P")
        await console.sees("open here", "cannot be used")
        screen = console.app.screen
        for is_offered in (False, False, True, False):
            await console.until(lambda: ("switch" in console.line("footer")) is is_offered)  # noqa: B023  called at once
            assert isinstance(screen, ProfilesScreen)
            assert (screen.disabled_reason("open") is None) is is_offered
            await console.press("up")
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)
        await types(console, "profile c-empty")
        await console.sees("Profile c-empty has no credentials")
        assert console.main.prompt.is_open
        assert console.app.next_profile is None


async def test_a_long_name_leaves_cells_to_the_remark(profile: Profile) -> None:
    async with opened(replace(profile, name="the-shop-with-a-name-of-forty-characters"), size=(60, 15)) as console:
        await console.press("P")
        await console.sees("the-shop-with", "open here")


def test_what_is_no_history_has_no_counts(profile: Profile) -> None:
    profile.history_path.parent.mkdir(parents=True, exist_ok=True)
    for content in (b"", b"no database" * 1_000):
        profile.history_path.write_bytes(content)
        assert counts_at(profile.history_path, [], clock(), clock().date()) is None
        assert [path.name for path in profile.history_path.parent.iterdir()] == [profile.history_path.name]
