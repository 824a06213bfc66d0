"""Load what an engine needs to start, and load it again later: a profile, the secret of its API, and a client."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bwp_tui.settings import Profile, SettingsError, load_profile

if TYPE_CHECKING:
    from bwp_tui.api.client import PrivacyApi

CREDENTIAL_CHECK_S: Final = 60.0
"""Seconds between checks of the settings after credentials were refused or settings could not be used."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """A profile whose credentials are complete. The secret is not shown by `repr`."""

    profile: Profile
    client_id: str
    target_id: str
    client_secret: str = field(repr=False)


def engine_config(profile: Profile) -> EngineConfig:
    """Read a profile's credentials, which may take seconds; SettingsError says what is missing or unreadable."""
    if profile.client_id is None or profile.target_id is None or profile.secret is None:
        raise no_credentials(profile)
    return EngineConfig(
        profile=profile, client_id=profile.client_id, target_id=profile.target_id, client_secret=profile.secret.read()
    )


def no_credentials(profile: Profile) -> SettingsError:
    """Return the error of a profile without credentials, which may belong to any shop."""
    missing = ", ".join(profile.missing())
    return SettingsError(
        f"Profile {profile.name} has no credentials: run bwp-tui login --profile {profile.name}, or set {missing}. "
        "For practice: bwp-tui sandbox."
    )


def connect(config: EngineConfig) -> PrivacyApi:
    """Create a client for the profile's API; nothing is sent yet.

    Raises:
        SettingsError: an address or a header's value cannot be used.
        ApiError: no call can be made with this machine's proxy or certificates.
    """
    # Only here: the HTTP library is the slowest import there is, and a follower never needs it.
    from pydantic import SecretStr

    from bwp_tui.api.client import PrivacyApi
    from bwp_tui.api.endpoint import Endpoint

    profile = config.profile
    try:
        endpoint = Endpoint(
            api_url=profile.api_url,
            token_url=profile.token_url,
            api_version=profile.api_version,
            target_id=config.target_id,
            client_id=config.client_id,
            client_secret=SecretStr(config.client_secret),
        )
    except ValueError as error:
        raise SettingsError(f"Profile {profile.name}: {error}") from None
    return PrivacyApi(endpoint)


def config_loader(profile: Profile, config: EngineConfig | None = None) -> Callable[[], EngineConfig]:
    """Return a function that returns `config`, or reads it from `profile`; later calls read the settings again."""
    unused = [config]

    def load_config() -> EngineConfig:
        if unused:
            return unused.pop() or engine_config(profile)
        return engine_config(profile if profile.is_sandbox else load_profile(profile.name, os.environ))

    return load_config


class CredentialRefresh:
    """Reads the settings again and connects if they hold new credentials of the same shop.

    `load_config` is called in a thread.
    """

    def __init__(self, config: EngineConfig, load_config: Callable[[], EngineConfig]) -> None:
        self.were_refused = False
        """Whether the credentials were refused when the engine ended."""
        self._shop = config.profile.shop
        self._used = {_credentials(config)}
        self._load_config = load_config

    async def has_new_credentials(self) -> bool:
        """Return whether the settings hold credentials that were not refused before."""
        with contextlib.suppress(SettingsError):
            return _credentials(await asyncio.to_thread(self._load_config)) not in self._used
        return False

    async def reconnect(self, exit_stack: AsyncExitStack) -> PrivacyApi | None:
        """Return a client, which `exit_stack` closes, or None if there are no new credentials."""
        try:
            config = await asyncio.to_thread(self._load_config)
        except SettingsError:
            return None  # settings being written; the refusal is shown already
        credentials = _credentials(config)
        if credentials in self._used or config.profile.shop != self._shop:
            return None
        self._used.add(credentials)
        api = connect(config)
        exit_stack.push_async_callback(api.aclose)
        return api


def _credentials(config: EngineConfig) -> tuple[str, str, str]:
    return config.profile.token_url, config.client_id, config.client_secret
