"""Downloads that the folder, the credentials, the service or the profile do not let through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bwp_tui.settings.profile import DOWNLOAD_SLOTS
from bwp_tui.store.worklog import engine_state
from tests.engine.saved import assert_saved, name_of
from tests.engine.shop import Shop, names_in


async def test_a_folder_that_cannot_be_used_is_a_sentence(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.profile.download_dir.write_bytes(b"a file")
    shop.request_download(number)
    await shop.work()
    assert shop.download_of(number).state == "failed"
    assert "download_dir" in (shop.download_of(number).trouble or "")
    assert shop.sandbox.state.calls["link"] == 0, "no link is wasted on it"


async def test_an_archive_that_does_not_fit_is_a_sentence(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bwp_tui.engine.downloads.disk_space.HISTORY_RESERVE", 1 << 60)
    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    await shop.work()
    assert shop.download_of(number).state == "failed"
    assert "Free some space" in (shop.download_of(number).trouble or "")
    assert not [name for name in names_in(folder) if not name.endswith(".part")]


async def test_wrong_credentials_leave_a_download_queued(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.request_download(number)
    shop.secret = "not-the-secret"
    before = shop.sandbox.state.calls["token"]
    async with shop.engine() as engine:
        for _ in range(3):
            await engine.run_once()
            shop.clock.advance(seconds=10)
    assert shop.sandbox.state.calls["token"] == before + 1
    assert shop.download_of(number).state == "queued"
    assert engine_state.read(shop.store).service == "bad-credentials"
    shop.secret = None
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))


async def test_an_outage_puts_a_download_off(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.request_download(number)
    shop.sandbox.stop()
    await shop.work()
    download = shop.download_of(number)
    assert (download.state, download.attempts) == ("queued", 1)
    assert "cannot be reached" in (download.trouble or "")
    shop.sandbox.start()
    shop.clock.advance(minutes=2)
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))


async def test_in_trouble_one_download_tries_first(shop: Shop) -> None:
    numbers = [await shop.completed(f"shopper{number}@example.com") for number in range(6)]
    asked = []
    async with shop.engine() as engine:
        shop.request_download(numbers.pop())
        await engine.run_once()
        shop.sandbox.faults.set("html")
        for number in numbers:
            shop.request_download(number)
        for _ in range(2):
            before = shop.sandbox.state.calls["graphql"]
            await engine.run_once()
            asked.append(shop.sandbox.state.calls["graphql"] - before)
            shop.clock.advance(minutes=2)
        assert asked == [DOWNLOAD_SLOTS, 1]
        shop.sandbox.faults.clear()
        await engine.run_once()
    assert {shop.download_of(number).state for number in numbers} == {"done"}


async def test_a_read_only_profile_downloads_nothing(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop = shop.with_profile(replace(shop.profile, read_only=True))
    shop.request_download(number)
    await shop.work()
    assert shop.download_of(number).state == "queued"
    assert shop.sandbox.state.calls["link"] == 0
