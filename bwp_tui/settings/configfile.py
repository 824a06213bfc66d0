"""Read the config file and locate every mistake in it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from bwp_tui.domain.task import HookOccasion
from bwp_tui.domain.text import as_sentence, clean_line, did_you_mean
from bwp_tui.settings import checks
from bwp_tui.settings.checks import NAME_PATTERN
from bwp_tui.settings.profile import (
    EVENT_SETTINGS,
    PROFILE_SETTINGS,
    PROGRAM_TIMEOUT_S,
    SECRET_SETTINGS,
    CustomCommand,
    KeySetting,
    OperatorProgram,
    Setting,
)
from bwp_tui.settings.secret import SettingsError

PROFILE_KEYS: Final = (*PROFILE_SETTINGS, "events")
_COMMAND_KEYS: Final = ("key", "run", "title", "timeout")
_LONGEST_TIMEOUT_S: Final = 600

_HEADER: Final = r"\s*\[+\s*([^\[\]]+?)\s*\]+"
_KEY: Final = r"\s*[\"']?([^\s\"'=.#]+)[\"']?\s*[=.]"


def commented_file() -> str:
    """Return a config file with every setting as a comment."""
    lines = [
        "# Settings of bwp-tui. Remove the # before a setting to change it. To check the file: bwp-tui config validate"
    ]
    lines += [*_comments(_TOP_SETTINGS), "", "[profiles.default]", *_comments(PROFILE_SETTINGS)]
    lines += ["", "# [profiles.default.events]", *_comments(EVENT_SETTINGS)]
    lines += ["", "[keys]", *_comment("download", '["d", "f5"]', "the names: bwp-tui config keys")]
    lines += [
        "",
        "# [commands.crm]",
        *_comment("key", '"f6"', "runs a program with the marked tasks as JSON on its stdin"),
    ]
    lines += _comment("run", '["crm-lookup", "--json"]', "the program and its arguments; no shell runs it")
    lines += _comment("title", '"Look up in the CRM"', "for the help")
    lines += _comment("timeout", f"{PROGRAM_TIMEOUT_S:g}", "seconds")
    lines += [
        "",
        "# [hooks]",
        *_comment("completed", '["notify-team"]', f"the engine runs it; also {', '.join(list(HookOccasion)[1:])}"),
    ]
    return "".join(f"{line}\n" for line in lines)


def _comments(settings: Mapping[str, Setting]) -> list[str]:
    return [line for name, each in settings.items() for line in _comment(name, each.in_file(), each.meaning)]


def _comment(name: str, value: str, meaning: str) -> list[str]:
    return [f"# {name} = {value}", f"#     {meaning}"]


class ProfileTable(NamedTuple):
    """One `[profiles.NAME]` table."""

    texts: Mapping[str, str] = MappingProxyType({})
    events: Mapping[str, str] = MappingProxyType({})
    """Texts of the table's own table `events`."""
    mistakes: tuple[str, ...] = ()
    """Mistakes in this table; other profiles can still be used."""


class ConfigFile(NamedTuple):
    """Content of the config file; empty if there is none."""

    path: Path
    profiles: Mapping[str, ProfileTable] = MappingProxyType({})
    default_profile: str | None = None
    theme: str | None = None
    keys: tuple[KeySetting, ...] = ()
    commands: tuple[CustomCommand, ...] = ()
    hooks: Mapping[HookOccasion, OperatorProgram] = MappingProxyType({})


_TOP_SETTINGS: Final[Mapping[str, Setting]] = {
    "default_profile": Setting(checks.profile_name, "the profile of a bwp-tui without --profile", "default"),
    "theme": PROFILE_SETTINGS["theme"],
}
_TOP_KEYS: Final = (*_TOP_SETTINGS, "profiles", "keys", "commands", "hooks")


def read_config(path: Path, *, required: bool) -> ConfigFile:
    """Read and check the whole file.

    Args:
        path: the file.
        required: a missing file is a mistake, since BWP_CONFIG_FILE names it.

    Raises:
        SettingsError: it cannot be read, is not TOML, can be changed by others, or has mistakes outside of the
            profiles' tables.
    """
    config, mistakes = read_config_and_mistakes(path, required=required)
    if mistakes:
        raise SettingsError(*mistakes)
    return config


def read_config_and_mistakes(path: Path, *, required: bool) -> tuple[ConfigFile, tuple[str, ...]]:
    """Read the file as `read_config` does; return it without what has mistakes, and all of these.

    There are none where only the profiles' tables have some.

    Raises:
        SettingsError: it cannot be read, or is not TOML.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            text, status = file.read(), os.fstat(file.fileno())
    except FileNotFoundError:
        if required:
            raise SettingsError(f"There is no config file {path}; correct BWP_CONFIG_FILE or unset it.") from None
        return ConfigFile(path), ()
    except UnicodeDecodeError:
        raise SettingsError(f"The config file {path} is not UTF-8 text.") from None
    except OSError as error:
        raise SettingsError(f"The config file {path} cannot be read: {error.strerror}.") from None
    import tomllib  # slow to import, and most profiles have no config file

    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The config file {path} is not valid TOML: {clean_line(str(error))}.") from None
    reader = _Reader(path, _lines(text))
    config = reader.config(content)
    outside = [*reader.mistakes, *filter(None, [_owner_mistake(config, status)])]
    if not outside:
        return config, ()
    in_tables = (mistake for table in config.profiles.values() for mistake in table.mistakes)
    return config, (*outside, *in_tables)


def _owner_mistake(config: ConfigFile, status: os.stat_result) -> str | None:
    """Return why somebody else can change where the secret is sent or which command runs, or None."""
    is_sensitive = any(
        table.events or any(PROFILE_SETTINGS[name].is_sensitive for name in table.texts)
        for table in config.profiles.values()
    )
    if not (config.commands or config.hooks or is_sensitive):
        return None
    what = f"The config file {config.path} sets URLs or a command"
    if status.st_uid not in (0, os.geteuid()):
        return f"{what} and belongs to another user; make a copy of your own."
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{what}, and others can change it; run: chmod go-w {config.path}"
    return None


def table_begun_by(line: str) -> str | None:
    """Return the name of the table whose header a line is, such as `profiles.default`; None if it is no header."""
    header = re.match(_HEADER, line)
    return re.sub(r"[\s\"']", "", header[1]) if header else None


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Return the line of each (table, key); a table's header has an empty key."""
    places: dict[tuple[str, str], int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := table_begun_by(line):
            table = header
            places.setdefault((table, ""), number)
        elif key := re.match(_KEY, line):
            places.setdefault((table, key[1]), number)
    return places


class _Reader:
    """Reads the parsed file and collects the mistakes."""

    def __init__(self, path: Path, lines: Mapping[tuple[str, str], int]) -> None:
        self.mistakes: list[str] = []
        self._path = path
        self._lines = lines

    def config(self, content: Mapping[str, object]) -> ConfigFile:
        self._record_unknown_keys("", content, _TOP_KEYS)
        texts = self._texts("", content, _TOP_SETTINGS)
        return ConfigFile(
            self._path,
            self._profiles(content.get("profiles", {})),
            keys=self._keys(content.get("keys", {})),
            commands=self._commands(content.get("commands", {})),
            hooks=self._hooks(content.get("hooks", {})),
            **texts,
        )

    def _table(self, place: str, key: str, value: object, mistake: str) -> dict[str, object]:
        """Return a table of the file; an empty one where something else is in its place."""
        if isinstance(value, dict):
            return value
        self._record_mistake(place, key, mistake)
        return {}

    def _commands(self, value: object) -> tuple[CustomCommand, ...]:
        tables = self._table("", "commands", value, "must be tables such as [commands.crm]")
        return tuple(filter(None, (self._command(name, table) for name, table in tables.items())))

    def _command(self, name: str, table: object) -> CustomCommand | None:
        place = f"commands.{name}"
        if not isinstance(table, dict) or not re.fullmatch(NAME_PATTERN, name):
            self._record_mistake(place, "", "must be a table whose name has a-z, 0-9, - and _, such as [commands.crm]")
            return None
        self._record_unknown_keys(place, table, _COMMAND_KEYS)
        known = {"key": Setting(checks.one_line, ""), "title": Setting(checks.one_line, "")}
        texts = self._texts(place, table, known)
        if "key" not in table:
            self._record_mistake(place, "key", "is missing")
        timeout = table.get("timeout", PROGRAM_TIMEOUT_S)
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= _LONGEST_TIMEOUT_S:
            self._record_mistake(place, "timeout", f"must be seconds, up to {_LONGEST_TIMEOUT_S}")
        run = self._argument_list(place, "run", table.get("run"))
        if not run or "key" not in texts or not isinstance(timeout, int | float):
            return None
        title = texts.get("title", f"Run {name}")
        return CustomCommand(name, OperatorProgram(run, float(timeout)), texts["key"], title, self._where(place, "key"))

    def _hooks(self, value: object) -> dict[HookOccasion, OperatorProgram]:
        table = self._table("", "hooks", value, "must be a table, [hooks]")
        self._record_unknown_keys("hooks", table, tuple(HookOccasion))
        runs = {name: self._argument_list("hooks", name, table[name]) for name in HookOccasion if name in table}
        return {name: OperatorProgram(run) for name, run in runs.items() if run}

    def _argument_list(self, place: str, key: str, value: object) -> tuple[str, ...]:
        """Return a program and its arguments; a `~/` before the program's path is the operator's folder."""
        run = _texts_of(value) if isinstance(value, list) else ()
        if not run or not all(run) or "\0" in "".join(run):
            self._record_mistake(place, key, 'must be a program and its arguments: ["program", "argument"]')
            return ()
        return (checks.with_home(run[0]), *run[1:])

    def _keys(self, value: object) -> tuple[KeySetting, ...]:
        table = self._table("", "keys", value, "must be a table, [keys]")
        return tuple(KeySetting(name, _texts_of(value), self._where("keys", name)) for name, value in table.items())

    def _profiles(self, value: object) -> dict[str, ProfileTable]:
        tables = self._table("", "profiles", value, "must be tables such as [profiles.default]")
        for name in tables:
            if mistake := checks.profile_name(name):
                self._record_mistake(f"profiles.{name}", "", mistake, named=f"“{clean_line(name)}”")
        return {name: _Reader(self._path, self._lines).profile(name, table) for name, table in tables.items()}

    def profile(self, name: str, table: object) -> ProfileTable:
        place = f"profiles.{name}"
        if not isinstance(table, dict):
            self._record_mistake("profiles", name, f"must be a table, [{place}]")
            return ProfileTable(mistakes=tuple(self.mistakes))
        self._record_unknown_keys(place, table, PROFILE_KEYS)
        texts = self._texts(place, table, PROFILE_SETTINGS)
        sources = [source for source in SECRET_SETTINGS if source in table]
        if len(sources) > 1:
            self._record_mistake(place, sources[1], f"is one place of the secret too many: {sources[0]} is set too")
        events = self._events(place, table.get("events", {}))
        return ProfileTable(texts, events, tuple(self.mistakes))

    def _events(self, profile_place: str, value: object) -> dict[str, str]:
        place = f"{profile_place}.events"
        table = self._table(profile_place, "events", value, f"must be a table, [{place}]")
        self._record_unknown_keys(place, table, tuple(EVENT_SETTINGS))
        return self._texts(place, table, EVENT_SETTINGS)

    def _record_unknown_keys(self, place: str, table: Mapping[str, object], known: tuple[str, ...]) -> None:
        for key in (key for key in table if key not in known):
            mistake = f"is not a setting{did_you_mean(key, known)}"
            if key == "client_secret":
                mistake = "does not belong in a file; use client_secret_command, or set BWP_CLIENT_SECRET"
            self._record_mistake(place, key, mistake)

    def _texts(self, place: str, table: Mapping[str, object], known: Mapping[str, Setting]) -> dict[str, str]:
        texts: dict[str, str] = {}
        for key in (key for key in known if key in table):
            value, declared = table[key], known[key]
            text = str(value).lower() if declared.type is not str else str(value)
            if type(value) is not declared.type:  # bool is a subclass of int in Python
                mistake = 'must be text in quotation marks: "…"' if declared.type is str else declared.check("")
            else:
                mistake = declared.check(text)
            if mistake is not None:
                self._record_mistake(place, key, mistake)
            else:
                texts[key] = text
        return texts

    def _record_mistake(self, place: str, key: str, mistake: str, *, named: str | None = None) -> None:
        where = self._where(place, key)
        name = named or ".".join(clean_line(part) for part in (place, key) if part)
        self.mistakes.append(as_sentence(f"{where}: {name} {mistake}"))

    def _where(self, place: str, key: str) -> str:
        line = self._lines.get((place, key)) or self._lines.get((place, ""))
        return f"{self._path}, line {line}" if line else str(self._path)


def _texts_of(value: object) -> tuple[str, ...]:
    """Return a text or a list of texts as a tuple; empty if it is neither."""
    values: list[object] = value if isinstance(value, list) else [value]
    texts = tuple(text for text in values if isinstance(text, str))
    return texts if len(texts) == len(values) else ()
