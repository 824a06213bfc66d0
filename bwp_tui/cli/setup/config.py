"""`bwp-tui config`: locate, show and check the settings, and bind the history to a shop."""

from __future__ import annotations

import os
from argparse import Namespace
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.questions import require_typed
from bwp_tui.cli.support.session import chosen_profile, without_engine
from bwp_tui.cli.support.streams import print_message
from bwp_tui.cli.support.table import table
from bwp_tui.cli.support.task_output import print_result
from bwp_tui.console.bindings.key_names import key_text
from bwp_tui.console.bindings.keymap import keymap
from bwp_tui.domain.letters import BUILT_IN_TEMPLATES, PLACEHOLDERS
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import zone_name
from bwp_tui.file_access import make_folder, new_file
from bwp_tui.settings import (
    Profile,
    SettingsError,
    actor,
    config_path,
    letters_folder,
    load_profile,
    profile_in,
    source_of_settings,
    unknown_variables,
)
from bwp_tui.settings.configfile import ConfigFile, commented_file, read_config, read_config_and_mistakes
from bwp_tui.settings.letter_templates import mistakes_in, read_template, template_path
from bwp_tui.settings.profile import EVENT_SETTINGS, PROFILE_SETTINGS
from bwp_tui.store.database import shop_binding
from bwp_tui.store.open_store import open_store

_PLACEHOLDER_WIDTH: Final = max(map(len, PLACEHOLDERS)) + 3
"""Cells of a placeholder, with its sign and two blanks."""


def path(arguments: Namespace) -> None:
    file = config_path(os.environ)
    print_result(arguments, {"path": str(file), "exists": file.exists()}, [str(file)])


def show(arguments: Namespace) -> None:
    """Print the effective settings of a profile, without the secret."""
    settings = settings_json(load_profile(arguments.profile, os.environ))
    print_result(
        arguments, settings, (f"{name:<18} {clean_line(_setting_text(value))}" for name, value in settings.items())
    )


def init(arguments: Namespace) -> None:
    """Write a config file that has every setting as a comment."""
    file = config_path(os.environ)
    make_folder(file.parent)
    try:
        with new_file(file) as created:
            created.write(commented_file().encode())
    except FileExistsError:
        raise CommandError(f"{file} exists already. Nothing was changed.", ExitCode.FAILED) from None
    print_result(arguments, {"path": str(file)}, [f"{file} has every setting as a comment."])


def keys(arguments: Namespace) -> None:
    """List the names of all actions with their keys, for the table [keys] of the config file."""
    own = read_config(config_path(os.environ), required=False).keys
    by_name = {action.name: action for action in reversed(keymap(own).registry)}
    actions = [by_name[name] for name in sorted(by_name)]
    json_objects = [{"action": action.name, "keys": list(action.keys), "help": action.help} for action in actions]
    rows = [(action.name, " ".join(map(key_text, action.keys)), action.help) for action in actions]
    print_result(arguments, json_objects, table(("ACTION", "KEYS", "WHAT IT DOES"), rows))


def validate(arguments: Namespace) -> ExitCode:
    """Print each mistake of the environment and the file, all its profiles and keys included."""
    path = config_path(os.environ)
    try:
        config, mistakes = read_config_and_mistakes(path, required=bool(os.environ.get("BWP_CONFIG_FILE")))
    except SettingsError as error:
        config, mistakes = ConfigFile(path), error.mistakes
    for name in (arguments.profile, *config.profiles):
        try:
            profile_in(config, name, os.environ)
        except SettingsError as error:
            mistakes += error.mistakes
    mistakes += keymap(config.keys, config.commands).mistakes
    default = config.default_profile
    if arguments.profile and default not in (None, *config.profiles):
        mistakes += (f"{path} has no profile {default}, which its default_profile names.",)
    mistakes = (*dict.fromkeys(mistakes), *mistakes_in(letters_folder(os.environ)), *unknown_variables(os.environ))
    lines = mistakes or (f"No mistakes. The settings are from {source_of_settings(os.environ)}.",)
    print_result(arguments, [clean_line(mistake) for mistake in mistakes], map(clean_line, lines))
    return ExitCode.USAGE if mistakes else ExitCode.DONE


def letters(arguments: Namespace) -> None:
    """List the templates of letters, print one, or write the built-in texts to new files."""
    folder = letters_folder(os.environ)
    if arguments.create:
        _create_templates(folder)
    if arguments.name is not None:
        text, file = read_template(folder, arguments.name)
        print_result(arguments, {"name": arguments.name, "path": file and str(file), "text": text}, [text.rstrip()])
        return
    json_objects = [
        {"name": name, "path": str(path), "exists": path.exists()}
        for name, path in ((name, template_path(folder, name)) for name in BUILT_IN_TEMPLATES)
    ]
    lines = [f"{each['name']:<18}{each['path'] if each['exists'] else 'built-in text'}" for each in json_objects]
    lines += ["", f"A file in {folder}, such as answer-deletion.txt, replaces a built-in text. It may use:"]
    lines += [f"  {f'${name}':<{_PLACEHOLDER_WIDTH}}{meaning}" for name, meaning in PLACEHOLDERS.items()]
    print_result(arguments, {"templates": json_objects, "placeholders": PLACEHOLDERS}, lines)


def _create_templates(folder: Path) -> None:
    make_folder(folder)
    for name, text in BUILT_IN_TEMPLATES.items():
        with suppress(FileExistsError), new_file(template_path(folder, name)) as file:
            file.write(text.encode())


def adopt(arguments: Namespace) -> None:
    """Bind the history to the shop of these settings, once its target id is typed."""
    profile = chosen_profile(arguments)
    if profile.shop is None:
        raise CommandError("No shop is configured: set BWP_TARGET_ID. Nothing was changed.")
    with closing(open_store(profile.history_path)) as store:
        if store.opening_report is not None:
            print_message(store.opening_report)
        bound = shop_binding.bound_shop(store.rows(shop_binding.BOUND_SHOP))
        if bound is None or not bound.is_certainly_other(profile.shop):
            print_message(f"{store.path} has no requests of another shop. Nothing was changed.")
            print_result(arguments, {"adopted": False}, ())
            return
        print_message(
            f"{store.path} has the requests of {bound}. After this, pending requests are sent to {profile.shop}, and "
            "tasks are polled there. Do this only if it is the same shop, whose id or address was mistyped or has "
            "changed."
        )
        # One that began with the settings of before would keep the lease, and do nothing for the other shop.
        running = (
            "A bwp-tui of this profile is running with other settings. Stop it and try again. Nothing was changed."
        )
        with without_engine(profile, CommandError(running, ExitCode.FAILED)):
            require_typed("Adopt this history?", profile.shop.target_id, "run this at a terminal to confirm")
            with store.write() as transaction:
                transaction.run(shop_binding.REBIND, profile.shop)
    print_result(arguments, {"adopted": True}, ())


def settings_json(profile: Profile) -> dict[str, object]:
    """Return the effective settings of a profile by their names, without the secret."""
    own = {key: _json_value(getattr(profile, key)) for key in PROFILE_SETTINGS if hasattr(profile, key)}
    return {
        "config_file": str(config_path(os.environ)),
        "profile": profile.name,
        "folder": str(profile.folder),
        "client_secret": "set" if profile.secret is not None else None,
        **own,
        "timezone": zone_name(),
        "actor": actor(os.environ, profile.actor, profile.is_team),
        "letters_folder": _json_value(profile.letters_folder),
        **{f"events_{key}": getattr(profile.events, key, None) for key in EVENT_SETTINGS},
        "keys": {name: keys.split(",") for name, keys in keymap(profile.keys).overrides.items()},
        "commands": {command.name: [command.key, *command.program.argv] for command in profile.commands} or None,
        "hooks": {occasion: list(program.argv) for occasion, program in profile.hooks.items()} or None,
        "missing": list(profile.missing()),
    }


def _json_value(value: object) -> object:
    match value:
        case Path():
            return str(value)
        case tuple():
            return list(value) or None
    return value


def _setting_text(value: object) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{name} = {' '.join(keys)}" for name, keys in value.items()) or "default"
        case list():
            return ", ".join(map(str, value)) or "none"
    return str(value)
