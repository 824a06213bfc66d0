"""Denied access and refused credentials: what waits, what is tried, and how seldom."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.errors import AccessDenied, ApiError, BadResponse, NotFound, Unreachable
from bwp_tui.api.links import PresignedLink
from bwp_tui.domain.task import Kind
from bwp_tui.engine.runtime import engine as engine_module
from bwp_tui.engine.runtime import engine_thread
from bwp_tui.engine.runtime.engine_config import CredentialRefresh, EngineConfig, config_loader
from bwp_tui.engine.runtime.engine_thread import EngineThread
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import LiteralSecret, Profile, SettingsError
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import engine_state
from tests.engine.shop import Shop, config_of, submit
from tests.waiting import eventually


def requests(shop: Shop) -> int:
    return shop.sandbox.state.calls["graphql"]


async def test_access_denied_is_no_storm_however_much_waits(shop: Shop) -> None:
    done = [await shop.completed(f"done{number}@example.com") for number in range(5)]
    for number in range(40):
        shop.track(f"held{number}@example.com", Kind.DELETION, 180)
        shop.submit(f"new{number}@example.com")
    for number in done:
        shop.request_download(number)
    shop.sandbox.faults.set("denied")
    before, tokens, minutes = requests(shop), shop.sandbox.state.calls["token"], []
    async with shop.engine() as engine:
        for _ in range(10):
            for _ in range(12):
                await engine.run_once()
                shop.clock.advance(seconds=5)
            minutes.append(requests(shop) - before)
            before = requests(shop)
    assert minutes[0] <= 20, "what was under way when it began"
    assert max(minutes[1:]) <= 6
    assert sum(minutes[1:]) <= 20
    assert shop.sandbox.state.calls["token"] - tokens <= 12
    state = engine_state.read(shop.store)
    assert (state.service, state.next_try_at is not None) == ("denied", True)


async def test_tasks_denied_one_by_one_are_no_storm(shop: Shop) -> None:
    """Each is due at a moment of its own, so that no request is about more than one."""
    numbers = []
    for number in range(30):
        numbers.append(shop.track(f"held{number}@example.com", Kind.DELETION, 180))
        await shop.work()
        shop.clock.advance(seconds=20)
    shop.clock.advance(days=1)
    shop.sandbox.faults.set("denied")
    before = requests(shop)
    async with shop.engine() as engine:
        for number in numbers:
            with shop.store.write() as transaction:
                transaction.run("UPDATE tasks SET next_poll_at = NULL WHERE number <> ?", (number,))
                transaction.run("UPDATE tasks SET next_poll_at = ? WHERE number = ?", (transaction.now_text, number))
            await engine.run_once()
            shop.clock.advance(seconds=2)
    assert requests(shop) - before <= 8, "in a minute"
    assert engine_state.read(shop.store).service == "denied"


async def test_what_was_denied_goes_on_once_access_is_given(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bwp_tui.api.auth.DENIAL_PAUSE_S", 0.0)  # it goes by another clock than this shop's
    done = await shop.completed("ann@example.com")
    number = shop.submit("jane@example.com")
    shop.request_download(done)
    shop.sandbox.faults.set("denied")
    async with shop.engine() as engine:
        await engine.run_once()
        assert shop.download_of(done).state == "queued"
        shop.sandbox.faults.clear()
        for _ in range(4):
            shop.clock.advance(minutes=16)
            await engine.run_once()
    assert shop.download_of(done).state == "done"
    assert shop.task(number).task_id is not None


@pytest.mark.parametrize("kind", [AccessDenied, NotFound])
async def test_a_link_that_alone_is_denied_ends_and_stops_nothing_else(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, kind: type[ApiError]
) -> None:
    async def denied(_self: PrivacyApi, _task_id: str) -> None:
        raise kind("no")

    number = await shop.completed("ann@example.com")
    tracked = shop.track("eve@example.com", Kind.DELETION, 180)
    monkeypatch.setattr(PrivacyApi, "link", denied)
    shop.request_download(number)
    async with shop.engine() as engine:
        for _ in range(60):
            await engine.run_once()
            with shop.store.write() as transaction:
                transaction.run("UPDATE tasks SET next_poll_at = ? WHERE number = ?", (transaction.now_text, tracked))
            shop.clock.advance(minutes=1)
    assert shop.download_of(number).state == "failed"
    assert engine_state.read(shop.store).service == "reached"
    assert shop.task(tracked).trouble is None


@pytest.mark.parametrize("error", [NotFound("a slip"), Unreachable("the certificate"), BadResponse("HTTP 404")])
async def test_a_link_that_once_was_not_to_be_had_is_asked_for_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, error: ApiError
) -> None:
    real, failures = PrivacyApi.link, [error]

    async def link(self: PrivacyApi, task_id: str) -> PresignedLink:
        if failures:
            raise failures.pop()
        return await real(self, task_id)

    number = await shop.completed("ann@example.com")
    monkeypatch.setattr(PrivacyApi, "link", link)
    shop.request_download(number)
    async with shop.engine() as engine:
        await engine.run_once()
        assert shop.download_of(number).state == "queued"
        shop.clock.advance(minutes=11)
        await engine.run_once()
    assert shop.download_of(number).state == "done"


def _run_until_accepted(engine: EngineThread, history: Store) -> None:
    """Run an engine until the service has accepted a request."""
    number = submit(history, "jane@example.com")
    engine.start()
    try:
        eventually(lambda: tasks.get(history, number).task_id)
    finally:
        engine.stop()


async def test_other_credentials_are_used_and_refused_ones_never_twice(
    sandbox: Sandbox, profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "CREDENTIAL_CHECK_S", 0.02)
    secrets = ["wrong", "wrong", "wrong", "also-wrong", "wrong", "also-wrong", None]
    asked = threading.Event()

    def prepare() -> EngineConfig:
        secret = secrets.pop(0) if len(secrets) > 1 else secrets[0]
        if secret is None:
            asked.set()
        return config_of(profile, secret)

    _run_until_accepted(EngineThread(profile, prepare), live_history)
    assert asked.is_set()
    assert sandbox.state.calls["token"] == 3, "wrong, also-wrong, and the right one"


async def test_settings_that_cannot_be_read_are_no_new_credentials(profile: Profile) -> None:
    def half_written() -> EngineConfig:
        raise SettingsError("config.toml, line 3: not understood.")

    async with AsyncExitStack() as ending:
        assert await CredentialRefresh(config_of(profile), half_written).reconnect(ending) is None


def test_a_locked_key_store_is_tried_again(
    profile: Profile, live_history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_thread, "CREDENTIAL_CHECK_S", 0.02)
    tries = 0

    def prepare() -> EngineConfig:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise SettingsError("The secret command pass failed.")
        return config_of(profile)

    _run_until_accepted(EngineThread(profile, prepare), live_history)


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes a config file whose secret command prints what it is given."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv("BWP_CONFIG_FILE", str(path))
    monkeypatch.setenv("BWP_DATA_DIR", str(tmp_path / "data"))
    for name in ("BWP_CLIENT_ID", "BWP_CLIENT_SECRET", "BWP_TARGET_ID", "BWP_CLIENT_SECRET_COMMAND"):
        monkeypatch.delenv(name, raising=False)

    def write(secret: str) -> None:
        path.write_text(
            f'[profiles.shop]\nclient_id = "c"\ntarget_id = "bp-1"\nclient_secret_command = "echo {secret}"\n',
            encoding="utf-8",
        )
        path.chmod(0o600)

    return write


def test_a_changed_config_file_is_noticed_when_the_setup_is_prepared_again(
    configured: Callable[[str], None], tmp_path: Path
) -> None:
    profile = Profile(
        name="shop", folder=tmp_path, download_dir=tmp_path, client_id="c", target_id="t", secret=LiteralSecret("first")
    )
    prepare = config_loader(profile)
    configured("second")
    assert prepare().client_secret == "first"
    assert prepare().client_secret == "second"
    configured("third")
    assert prepare().client_secret == "third"


def test_practice_has_no_settings_to_read_again(configured: Callable[[str], None], profile: Profile) -> None:
    configured("never-to-be-used")
    prepare = config_loader(replace(profile, is_sandbox=True), config_of(profile))
    assert {prepare().client_secret for _ in range(3)} == {config_of(profile).client_secret}
