"""The API client of a setup."""

from __future__ import annotations

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.endpoint import Endpoint, Secret
from bwp_tui.engine.runtime.engine_config import EngineConfig
from bwp_tui.settings import SettingsError


def connect(setup: EngineConfig) -> PrivacyApi:
    """Return a client for the setup's API; nothing is sent yet.

    Raises:
        SettingsError: an address or a header's value cannot be used.
        ApiError: this machine's proxy or certificates make any call impossible.
    """
    profile = setup.profile
    try:
        endpoint = Endpoint(
            api_url=profile.api_url,
            token_url=profile.token_url,
            api_version=profile.api_version,
            target_id=setup.target_id,
            client_id=setup.client_id,
            client_secret=Secret(setup.client_secret),
        )
    except ValueError as error:
        raise SettingsError(f"Profile {profile.name}: {error}") from None
    return PrivacyApi(endpoint)
