"""What an engine needs to begin: a profile and the secret that opens its API."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from bwp_tui.settings import Profile, SettingsError, load_profile


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """A profile whose credentials are complete. The secret is not shown by `repr`."""

    profile: Profile
    client_id: str
    target_id: str
    client_secret: str = field(repr=False)


def engine_config(profile: Profile) -> EngineConfig:
    """Return the setup of a profile; may run the command that knows the secret, for some seconds.

    Raises:
        SettingsError: credentials are missing or the secret cannot be read.
    """
    if profile.client_id is None or profile.target_id is None or profile.secret is None:
        raise SettingsError(
            f"Profile {profile.name} has no credentials: set {', '.join(profile.missing())}, "
            "or practise with: bwp-tui sandbox."
        )
    return EngineConfig(
        profile=profile,
        client_id=profile.client_id,
        target_id=profile.target_id,
        client_secret=profile.secret.read(),
    )


def config_loader(profile: Profile, setup: EngineConfig | None = None) -> Callable[[], EngineConfig]:
    """Return what prepares an engine: first from `profile`, or as `setup` has it, and then from the settings anew.

    What is returned reads config file, environment and secret again whenever it is called once more; a practice
    profile has no settings but those of its process. It raises what `engine_config` and `load_profile` raise.
    """
    first = [setup]

    def prepare() -> EngineConfig:
        if first:
            return first.pop() or engine_config(profile)
        return engine_config(profile if profile.practice else load_profile(profile.name, os.environ))

    return prepare
