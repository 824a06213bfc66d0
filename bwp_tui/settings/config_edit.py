"""Change a profile in the config file, whose other lines stay as they are."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

from bwp_tui.file_access import make_folder, replace_file
from bwp_tui.settings.configfile import table_begun_by
from bwp_tui.settings.secret import SettingsError


def change_profile(path: Path, profile: str, values: Mapping[str, str | None]) -> None:
    """Set the settings of a profile, or remove those that are None; the table is added if it is missing.

    The lines of the settings alone are replaced. The new text is compared with the old one as TOML before the file is
    replaced: what cannot be changed so, such as a table in braces, is left to the operator.

    Args:
        path: the config file, which is created (0600) if it is missing.
        profile: the profile's name.
        values: the settings by their names; a name such as `events.queue_url` is of the profile's table `events`.

    Raises:
        SettingsError: the file cannot be read or written, or cannot be changed so.
    """
    target = path.resolve()  # the link of a folder under version control stays
    try:
        old = target.read_text(encoding="utf-8") if target.exists() else ""
        before = tomllib.loads(old)
        new = old
        for table in dict.fromkeys(_table_of(profile, name) for name in values):
            new = _with_table(new, table, _values_of(table, profile, values))
        expected = _expected(before, profile, values)
        if expected is None or _parsed(new) != expected:
            raise SettingsError(_by_hand(path, profile, values))
        _replace(target, new)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise SettingsError(f"The config file {path} is not valid TOML; see: bwp-tui config validate") from None
    except OSError as error:
        raise SettingsError(f"The config file {path} cannot be changed: {error.strerror}.") from None


def _toml_lines(values: Mapping[str, str | None]) -> list[str]:
    """Return the lines of settings, all of them visible text; those without a value are left out."""
    return [f"{name} = {_quoted(value)}" for name, value in values.items() if value is not None]


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _table_of(profile: str, name: str) -> str:
    parent, _, _ = name.rpartition(".")
    return f"profiles.{profile}.{parent}" if parent else f"profiles.{profile}"


def _values_of(table: str, profile: str, values: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name.rpartition(".")[2]: value for name, value in values.items() if _table_of(profile, name) == table}


def _with_table(text: str, table: str, values: Mapping[str, str | None]) -> str:
    """Return the text with these settings directly below the header of the table."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    added = [f"{line}\n" for line in _toml_lines(values)]
    at = next((at for at, line in enumerate(lines) if table_begun_by(line) == table), None)
    if at is None:
        return "".join([*lines, *(["\n"] if lines else []), f"[{table}]\n", *added]) if added else text
    end = next((at for at in range(at + 1, len(lines)) if table_begun_by(lines[at]) is not None), len(lines))
    setting = re.compile(rf"\s*(?:{'|'.join(map(re.escape, values))})\s*=")
    kept = [line for line in lines[at + 1 : end] if not setting.match(line)]
    return "".join([*lines[: at + 1], *added, *kept, *lines[end:]])


def _parsed(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _expected(before: Mapping[str, object], profile: str, values: Mapping[str, str | None]) -> dict[str, object] | None:
    """Return what the file must have afterwards, or None if something else is where a table should be."""
    expected = dict(deepcopy(before))
    for name, value in values.items():
        parent, _, key = name.rpartition(".")
        table = expected
        for part in filter(None, ("profiles", profile, parent)):
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                return None
            table = inner
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    return expected


def _by_hand(path: Path, profile: str, values: Mapping[str, str | None]) -> str:
    lines = "; ".join(_toml_lines(values)) or "remove " + ", ".join(values)
    return f"{path} is not written in a way that can be changed safely. In the table of profile {profile}: {lines}."


def _replace(path: Path, text: str) -> None:
    """Replace the file at once; a new one is private, an old one keeps its permissions.

    Raises:
        OSError: it cannot be written.
    """
    make_folder(path.parent)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
    replace_file(path, text.encode(), mode)
