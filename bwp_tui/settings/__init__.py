"""Load profiles, credentials and paths from the config file and the environment."""

from bwp_tui.settings.load import (
    actor,
    config_path,
    letters_folder,
    load_profile,
    profile_folder,
    read_profile,
    source_of_settings,
    unknown_variables,
)
from bwp_tui.settings.profile import AwsKey, EventQueue, KeySetting, Profile
from bwp_tui.settings.secret import LiteralSecret, SettingsError, environment_of_children

__all__ = [
    "AwsKey",
    "EventQueue",
    "KeySetting",
    "LiteralSecret",
    "Profile",
    "SettingsError",
    "actor",
    "config_path",
    "environment_of_children",
    "letters_folder",
    "load_profile",
    "profile_folder",
    "read_profile",
    "source_of_settings",
    "unknown_variables",
]
