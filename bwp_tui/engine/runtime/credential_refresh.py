"""Find new credentials after the service has refused the current ones."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from bwp_tui.engine.runtime.engine_config import EngineConfig, connect
from bwp_tui.settings import SettingsError

if TYPE_CHECKING:
    from bwp_tui.api.client import PrivacyApi

CREDENTIAL_CHECK_S: Final = 60.0
"""Seconds between checks of the settings after credentials were refused or settings could not be used."""


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
