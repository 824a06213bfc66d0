"""The API client of a setup."""

from __future__ import annotations

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.endpoint import Endpoint, Secret
from bwp_tui.engine.setup import EngineSetup


def connect(setup: EngineSetup) -> PrivacyApi:
    """Return a client for the setup's API; nothing is sent yet."""
    profile = setup.profile
    return PrivacyApi(
        Endpoint(
            api_url=profile.api_url,
            token_url=profile.token_url,
            api_version=profile.api_version,
            target_id=setup.target_id,
            client_id=setup.client_id,
            client_secret=Secret(setup.client_secret),
        )
    )
