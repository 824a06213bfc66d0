"""Load a profile: the environment overrides the config file, which overrides the defaults."""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

from bwp_tui.domain.text import as_sentence, clean_line, did_you_mean, nearest
from bwp_tui.domain.times import set_shop_zone
from bwp_tui.domain.urls import split_url
from bwp_tui.settings import checks
from bwp_tui.settings.checks import SANDBOX_PROFILE, path_of
from bwp_tui.settings.configfile import ConfigFile, ProfileTable, read_config
from bwp_tui.settings.profile import (
    CONSOLE_SIZE_VARIABLE,
    DIFF_VARIABLE,
    EVENT_SETTINGS,
    PROFILE_SETTINGS,
    SECRET_SETTINGS,
    EventQueue,
    Profile,
    is_on_this_machine,
    variable_of,
)
from bwp_tui.settings.secret import (
    CommandSecret,
    FileSecret,
    KeyringSecret,
    LiteralSecret,
    SecretSource,
    SettingsError,
    secret_mistake,
)

_APP = "bwp-tui"
_EVENT_VARIABLES: Final[Mapping[str, str]] = {name: variable_of(f"events.{name}") for name in EVENT_SETTINGS}
_VARIABLES: Final = frozenset(
    (
        *map(variable_of, PROFILE_SETTINGS),
        *_EVENT_VARIABLES.values(),
        *("BWP_CLIENT_SECRET", "BWP_CONFIG_FILE", "BWP_PROFILE", CONSOLE_SIZE_VARIABLE, DIFF_VARIABLE),
    )
)
"""All variables that the program reads."""
_NO_LOGIN: Final = 2**32 - 1
"""What Linux has for the login of a process that no login has begun."""


def config_path(environ: Mapping[str, str]) -> Path:
    named = environ.get("BWP_CONFIG_FILE")
    if named:
        return path_of(named)
    import platformdirs

    return platformdirs.user_config_path(_APP, appauthor=False) / "config.toml"


def letters_folder(environ: Mapping[str, str]) -> Path:
    return config_path(environ).parent / "letters"


def profile_folder(name: str, environ: Mapping[str, str], data_dir: str | None = None) -> Path:
    """Return the folder of profile `name`; `data_dir` is its setting of that name, which BWP_DATA_DIR overrides.

    Raises:
        SettingsError: BWP_DATA_DIR is not absolute, or the path has invisible characters.
    """
    root = environ.get("BWP_DATA_DIR")
    if root:
        mistake = checks.folder(root)
        if mistake:
            raise SettingsError(f"The variable BWP_DATA_DIR {mistake}.")
    if root := root or data_dir:
        return path_of(root) / name
    import platformdirs

    own = platformdirs.user_data_path(_APP, appauthor=False)
    mistake = checks.one_line(str(own))
    if mistake:
        raise SettingsError(f"The folder {clean_line(str(own))} {mistake}; set BWP_DATA_DIR to another.")
    return own / name


def _account_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # a user id without an account, as in containers
        return f"uid {user}"


def actor(environ: Mapping[str, str], name: str | None = None, is_team: bool = False) -> str:
    """Return the actor, with sudo and SSH: `op (sudo by alice, from 10.0.0.7)`.

    The user comes from the system, since a variable such as LOGNAME may name anyone.

    Args:
        environ: has the variables of sudo and SSH.
        name: the name from the settings; the user follows in parentheses.
        is_team: the account that logged in comes first instead, since a team has to tell its members apart.
    """
    user = _account_name(os.getuid())
    first = name or user
    details = [user] if user != first else []
    key = None
    if is_team:
        first, key = account(), _ssh_key(environ)
        details = [f"as {user}"] if user != first else []
        details += [name] if name and name != first else []
    if (invoking_user := environ.get("SUDO_USER")) and invoking_user not in (user, first):
        details.append(f"sudo by {invoking_user}")
    if key:
        details.append(f"SSH key {key}")
    if client := environ.get("SSH_CONNECTION", "").split(" ")[0]:
        details.append(f"from {client}")
    return clean_line(f"{first} ({', '.join(details)})" if details else first)


def account() -> str:
    """Return the name of the account that logged in, which neither sudo nor su changes; else that of this process."""
    with suppress(OSError, ValueError):
        login = int(Path("/proc/self/loginuid").read_text())
        if login != _NO_LOGIN:
            return _account_name(login)
    return _account_name(os.getuid())


def _ssh_key(environ: Mapping[str, str]) -> str | None:
    """Return the name of the key that logged in, or its fingerprint; None where sshd does not expose it."""
    try:
        lines = Path(environ.get("SSH_USER_AUTH") or os.devnull).read_text().splitlines()
        key = next(line.split() for line in lines if line.startswith("publickey "))[1:3]
    except (OSError, ValueError, StopIteration):
        return None
    with suppress(OSError, ValueError, KeyError):
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
        for line in (home / ".ssh" / "authorized_keys").read_text().splitlines():
            before, found, comment = line.partition(" ".join(key))
            if found and comment.strip() and not before.startswith("#"):
                return comment.strip()
    import base64
    import hashlib

    try:
        digest = hashlib.sha256(base64.b64decode(key[1], validate=True)).digest()
    except (IndexError, ValueError):
        return None
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def load_profile(name: str | None, environ: Mapping[str, str], *, may_be_new: bool = False) -> Profile:
    """Read a profile as `read_profile` does, and set what holds for the whole process: time zone and shared folders.

    Raises:
        SettingsError: see `read_profile`.
    """
    profile = read_profile(name, environ, may_be_new=may_be_new)
    if profile.group is not None:
        from bwp_tui.settings.team import share_folders  # only teams need it

        share_folders(profile)
    set_shop_zone(profile.timezone)
    return profile


def read_profile(name: str | None, environ: Mapping[str, str], *, may_be_new: bool = False) -> Profile:
    """Read a profile by name; the default is BWP_PROFILE, the file's `default_profile`, or `default`.

    The secret command is not run yet, and `Profile.missing()` says what
    the API still needs.

    Args:
        may_be_new: a name that the file does not have is no mistake.

    Raises:
        SettingsError: the config file or a variable is wrong, or the profile is a team's, and this user or its disk
            cannot be used for that; it lists every mistake.
    """
    config = read_config(config_path(environ), required=bool(environ.get("BWP_CONFIG_FILE")))
    return profile_in(config, name, environ, may_be_new=may_be_new)


def profile_in(
    config: ConfigFile, name: str | None, environ: Mapping[str, str], *, may_be_new: bool = False
) -> Profile:
    """Return a profile of a config file that was read: see `read_profile`.

    Raises:
        SettingsError: a variable, the profile's table, or the profile for this user is wrong.
    """
    chosen = name or environ.get("BWP_PROFILE") or config.default_profile or "default"
    is_sandbox = chosen == SANDBOX_PROFILE and is_on_this_machine(environ.get("BWP_API_URL", ""))
    mistake = None if is_sandbox else checks.profile_name(chosen)
    if mistake:
        raise SettingsError(f"“{clean_line(chosen)}” {mistake}.")
    if may_be_new:
        table = config.profiles.get(chosen, ProfileTable())
    else:
        table = _table(config, chosen, environ, is_named=bool(name))
    reader = _SettingsReader(chosen, environ, table)
    folder = profile_folder(chosen, environ, table.texts.get("data_dir"))
    defaults = {"download_dir": folder / "downloads", "theme": config.theme}
    profile = Profile(
        name=chosen,
        folder=folder,
        **{**defaults, **reader.values()},
        secret=reader.secret(),
        letters_folder=letters_folder(environ),
        keys=config.keys,
        commands=config.commands,
        hooks=config.hooks,
        events=reader.event_queue(),
        is_sandbox=is_sandbox,
    )
    if profile.group is not None:
        from bwp_tui.settings.team import mistake_of_team

        reader.mistakes += filter(None, [mistake_of_team(profile)])
    if reader.mistakes:
        raise SettingsError(*reader.mistakes)
    return profile


def practice_environment(profile: Profile, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of commands for the practice API, which is in no config file; no other shop's are left."""
    kept = ("BWP_CONFIG_FILE", "BWP_DATA_DIR")
    variables = {name: value for name, value in environ.items() if not name.startswith("BWP_") or name in kept}
    secret = profile.secret.read() if profile.secret else None
    settings = {"api_url": profile.api_url, "token_url": profile.token_url, "client_id": profile.client_id}
    settings |= {"client_secret": secret, "target_id": profile.target_id}
    key = None
    if (queue := profile.events) is not None:
        settings |= {"events.queue_url": queue.queue_url, "events.region": queue.region}
        key = queue.access_key
    variables |= {variable_of(name): value for name, value in settings.items() if value is not None}
    return variables | ({"AWS_ACCESS_KEY_ID": key.key_id, "AWS_SECRET_ACCESS_KEY": key.secret} if key else {})


def source_of_settings(environ: Mapping[str, str]) -> str:
    """Return where the settings come from, as a sentence ends: file, variables, both, or neither."""
    file = config_path(environ)
    sources = [str(file)] if file.exists() else []
    no_settings = ("BWP_CONFIG_FILE", CONSOLE_SIZE_VARIABLE)
    if any(name.startswith("BWP_") and name not in no_settings and value for name, value in environ.items()):
        sources.append("the environment")
    return " and ".join(sources) or f"the defaults alone: no BWP_ variable is set, and there is no {file}"


def unknown_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence on each BWP_ variable that no setting reads, such as a misspelt one."""
    by_name = {name.casefold(): name for name in _VARIABLES}
    sentences = []
    for name in sorted(name for name in environ if name.startswith("BWP_") and name not in _VARIABLES):
        guess = nearest(name, tuple(by_name))
        meant = f"; did you mean {by_name[guess]}?" if guess else "."
        sentences.append(f"There is no setting for the variable {name}{meant}")
    return tuple(sentences)


def _table(config: ConfigFile, name: str, environ: Mapping[str, str], *, is_named: bool) -> ProfileTable:
    """Return a profile's table in the file.

    An unknown name is probably a typing mistake and would open a new, empty history, unless the environment
    describes the profile. One that an option names must have a history then: the environment may be another's.
    """
    if name in config.profiles or not config.profiles:
        return config.profiles.get(name, ProfileTable())
    if environ.get("BWP_CLIENT_ID") and (not is_named or profile_folder(name, environ).exists()):
        return ProfileTable()
    known = f"; it has {', '.join(config.profiles)}. Choose one with --profile."
    raise SettingsError(f"{config.path} has no profile {name}{did_you_mean(name, config.profiles, known)}")


class _SettingsReader:
    """Reads settings from the environment, then from the file's table, and collects mistakes.

    White space around a value is removed: a secret from a mounted file ends in a line end.
    """

    def __init__(self, profile: str, environ: Mapping[str, str], table: ProfileTable) -> None:
        self.mistakes = list(table.mistakes)
        self._profile = profile
        self._environ = environ
        self._table = table

    def values(self) -> dict[str, Any]:
        """Return the values of the settings that are set and are fields of `Profile`, which has defaults for others."""
        texts = {key: self._text(key) for key in PROFILE_SETTINGS if key in Profile.__dataclass_fields__}
        self._check_team(texts["group"], texts["approve"])
        return {key: PROFILE_SETTINGS[key].value(text) for key, text in texts.items() if text is not None}

    def _text(self, key: str) -> str | None:
        return self._variable(variable_of(key), PROFILE_SETTINGS[key].check) or self._table.texts.get(key)

    def event_queue(self) -> EventQueue | None:
        table = self._table.events
        texts = {
            name: self._variable(_EVENT_VARIABLES[name], declared.check) or table.get(name)
            for name, declared in EVENT_SETTINGS.items()
        }
        url, region = texts["queue_url"], texts["region"]
        if url is None:
            if table and "queue_url" not in table and not self.mistakes:
                what = f"Profile {self._profile} has settings of the events, and no queue_url"
                self.mistakes.append(f"{what}: set it, or BWP_EVENTS_QUEUE_URL.")
            return None
        region = region or checks.region_of(url)
        if region is None:
            what = f"The URL of the event queue of profile {self._profile} names no AWS region"
            self.mistakes.append(f"{what}: set region, or BWP_EVENTS_REGION.")
            return None
        is_local = split_url(url).is_loopback
        return EventQueue(
            queue_url=url,
            region=region,
            aws_profile=texts["aws_profile"],
            endpoint_url=urljoin(url, "/") if is_local else None,
        )

    def _variable(self, variable: str, check: checks.Check) -> str | None:
        """Return the value of a variable; None if it is empty or, which is reported, wrong."""
        value = self._environ.get(variable, "").strip()
        mistake = check(value) if value else None
        if mistake is not None:
            self.mistakes.append(as_sentence(f"The variable {variable} {mistake}"))
        return None if mistake is not None else value or None

    def secret(self) -> SecretSource | None:
        if secret := self._variable("BWP_CLIENT_SECRET", secret_mistake):
            return LiteralSecret(secret)
        for source in self._secret_sources():
            match source, self._text(source):
                case _, None:
                    continue
                case "client_secret_command", str(line):
                    return CommandSecret(tuple(shlex.split(line)))
                case "client_secret_file", str(path):
                    return FileSecret(path_of(path))
            return KeyringSecret(self._profile)
        return None

    def _secret_sources(self) -> list[str]:
        """Return the settings of a secret's place; those of the environment, if it has any, leave out the file's."""
        in_environment = [source for source in SECRET_SETTINGS if self._environ.get(variable_of(source), "").strip()]
        return in_environment or list(SECRET_SETTINGS)

    def _check_team(self, group: str | None, approve: str | None) -> None:
        if group and not self._environ.get("BWP_DATA_DIR") and "data_dir" not in self._table.texts:
            what = f"The group {group} of profile {self._profile} needs a folder outside of its members' homes"
            self.mistakes.append(f"{what}: set data_dir, such as /srv/bwp-tui.")
        if approve and not group:
            what = f"Profile {self._profile} has deletions approved, which accounts of a team do"
            self.mistakes.append(f"{what}: set group too.")
