"""Finding other credentials once the service has refused those that are in use."""

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
"""How often it is looked whether settings that did not work have been set right."""


class CredentialRefresh:
    """Reads the settings anew when asked, and connects where they hold other credentials of the same shop.

    Args:
        setup: what is in use.
        prepare: returns the setup as it is now; it is called in a thread.
    """

    def __init__(self, setup: EngineConfig, prepare: Callable[[], EngineConfig]) -> None:
        self.refused = False
        """Whether the engine ended while its credentials were refused."""
        self._shop = setup.profile.shop
        self._used = {_credentials(setup)}
        self._prepare = prepare

    async def has_others(self) -> bool:
        """Say whether the settings hold credentials by now that were not refused before."""
        with contextlib.suppress(SettingsError):
            return _credentials(await asyncio.to_thread(self._prepare)) not in self._used
        return False

    async def __call__(self, ending: AsyncExitStack) -> PrivacyApi | None:
        """Return a client, which `ending` closes, or None: there are no other credentials yet."""
        try:
            setup = await asyncio.to_thread(self._prepare)
        except SettingsError:
            return None  # half-written settings are no news; the refusal is shown already
        credentials = _credentials(setup)
        if credentials in self._used or setup.profile.shop != self._shop:
            return None
        self._used.add(credentials)
        api = connect(setup)
        ending.push_async_callback(api.aclose)
        return api


def _credentials(setup: EngineConfig) -> tuple[str, str, str]:
    return setup.profile.token_url, setup.client_id, setup.client_secret
