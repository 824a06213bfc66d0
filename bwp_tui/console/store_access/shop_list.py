"""List the shops of the config file, and say which of them the console can switch to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from bwp_tui.domain.filter import parse
from bwp_tui.domain.times import find_zone
from bwp_tui.domain.views import VIEWS
from bwp_tui.settings import Profile, SettingsError, config_path, read_profile
from bwp_tui.settings.configfile import read_config
from bwp_tui.settings.profile import EVENT_SETTINGS, PROFILE_SETTINGS, variable_of
from bwp_tui.store.queries.counts_at_path import counts_at

_COUNTED: Final = tuple(parse(view.filter) for view in VIEWS if view.name in ("failed", "due soon"))
_OF_ONE_SHOP: Final = (
    "BWP_CLIENT_SECRET",
    *(variable_of(name) for name, setting in PROFILE_SETTINGS.items() if setting.is_of_one_shop),
    *(variable_of(f"events.{name}") for name, setting in EVENT_SETTINGS.items() if setting.is_of_one_shop),
)
"""Variables that would give the settings of one shop to all of them."""


class ListedShop(NamedTuple):
    """A profile of the config file.

    Attributes:
        profile: its settings; None where they have mistakes.
        failed: its failed tasks; None where they cannot be counted now.
        due_soon: its tasks that are due soon, or None.
        reason: why the console cannot switch to it, in a sentence; empty where it can.
        is_here: whether it is the one that is open.
    """

    name: str
    profile: Profile | None = None
    failed: int | None = None
    due_soon: int | None = None
    reason: str = ""
    is_here: bool = False


def cannot_switch(current: Profile, environ: Mapping[str, str]) -> str:
    """Return why the console cannot switch to another profile at all, in a sentence; empty where it can."""
    if current.is_sandbox:
        return "The sandbox is no profile of the config file: quit it, and open a shop with bwp-tui --profile NAME."
    variables = [name for name in _OF_ONE_SHOP if environ.get(name)]
    if variables:
        return f"{variables[0]} is set in the environment, and would be used for every shop: unset it to switch."
    return ""


def cannot_switch_to(profile: Profile, current: Profile, environ: Mapping[str, str]) -> str:
    """Return why the console cannot switch to `profile`, in a sentence; empty where it can."""
    if profile.name == current.name:
        return "This shop is open."
    if reason := cannot_switch(current, environ):
        return reason
    if profile.missing():  # its console could not go back
        return f"Profile {profile.name} has no credentials: bwp-tui login --profile {profile.name} asks for them."
    return ""


def profile_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the config file's profiles; none where it cannot be read."""
    try:
        return tuple(read_config(config_path(environ), required=False).profiles)
    except SettingsError:
        return ()


def list_shops(current: Profile, environ: Mapping[str, str], now: datetime) -> list[ListedShop]:
    """Return the profile that is open and all of the config file, each counted as of the day in its time zone.

    Raises:
        SettingsError: the config file cannot be read.
    """
    names = dict.fromkeys((current.name, *read_config(config_path(environ), required=False).profiles))
    return [_listed(name, current, environ, now) for name in sorted(names)]


def _listed(name: str, current: Profile, environ: Mapping[str, str], now: datetime) -> ListedShop:
    try:
        profile = current if name == current.name else read_profile(name, environ)
    except SettingsError as error:
        return ListedShop(name, reason=error.mistakes[0])
    day = now.astimezone(None if profile.timezone is None else find_zone(profile.timezone)).date()
    failed, due_soon = counts_at(profile.history_path, _COUNTED, now, day) or (None, None)
    reason = cannot_switch_to(profile, current, environ)
    return ListedShop(name, profile, failed, due_soon, reason, is_here=name == current.name)
