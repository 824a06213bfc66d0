"""Load profiles, credentials and paths from the config file and the environment.

- `profile`: the settings of a shop, each with default, check and meaning
- `load`: load a profile from environment and config file
- `configfile`, `config_edit`: read the config file; change a profile in it
- `checks`: check single values
- `secret`: where the client secret comes from
- `team`: share a profile's folder with a group
- `letter_templates`: the shop's own letters
- `run_program`, `child_output`: run a program that the settings name; read what it prints
"""

from bwp_tui.settings.load import (
    actor,
    config_path,
    letters_folder,
    load_profile,
    profile_folder,
    profile_in,
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
    "profile_in",
    "read_profile",
    "source_of_settings",
    "unknown_variables",
]
