"""Check values of settings. Each check returns the end of a sentence about the mistake, or None."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bwp_tui.domain.regulations import DEFAULT_REGULATION, find_regulation
from bwp_tui.domain.text import VISIBLE_ASCII, clean, did_you_mean
from bwp_tui.domain.times import find_zone
from bwp_tui.domain.urls import check_url
from bwp_tui.domain.views import columns_named

Check = Callable[[str], str | None]

SANDBOX_PROFILE: Final = "sandbox"
"""Name of the practice profile, which never calls the service."""

NAME_PATTERN: Final = r"[a-z0-9][a-z0-9_-]{0,31}"
"""Allowed profile names, which are also folder names."""

_SHELL_SIGNS: Final = r"[|;&<>`]|\$\("
_QUOTED: Final = r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\."
_REGION: Final = r"[a-z]{2,3}(?:-[a-z]+)+-\d{1,2}"
_VERSION: Final = r"\d{4}-\d{2}-\d{2}"


def url(text: str) -> str | None:
    """Check a URL: https, or http on loopback; no credentials, query or fragment."""
    try:
        check_url(text)
    except ValueError as error:
        return str(error).removeprefix("The address ").removesuffix(".")
    return None


def header_value(text: str) -> str | None:
    return None if VISIBLE_ASCII.fullmatch(text) else "must be printable ASCII without spaces"


def version(text: str) -> str | None:
    return None if re.fullmatch(_VERSION, text) else "must be a date such as 2024-11-01"


def region(text: str) -> str | None:
    return None if re.fullmatch(_REGION, text) else "must be an AWS region such as us-east-1"


def region_of(queue_url: str) -> str | None:
    """Return the AWS region in the host of a queue's URL, or None."""
    labels = (urlsplit(queue_url).hostname or "").split(".")
    return next((label for label in labels if re.fullmatch(_REGION, label)), None)


def command(text: str) -> str | None:
    """Check a command line: it must split into words without needing a shell."""
    try:
        words = shlex.split(text)
    except ValueError:
        return "has an unclosed quotation mark"
    if not words:
        return "is empty"
    sign = re.search(_SHELL_SIGNS, re.sub(_QUOTED, "", text))
    if sign is not None:
        return f"contains “{sign[0]}”, but no shell runs it: use a single command, or sh -c '…'"
    return None


def with_home(path: str) -> str:
    """Return a path with the operator's folder in place of a leading `~`."""
    return os.path.expanduser(path)  # noqa: PTH111  Path.expanduser raises without a home


def path_of(text: str) -> Path:
    return Path(with_home(text)).absolute()


def folder(text: str) -> str | None:
    """Check the path of a folder, which must not depend on the working directory."""
    if not Path(with_home(text)).is_absolute():
        return "must begin with / or ~/"
    return one_line(text)


def one_line(text: str) -> str | None:
    return None if text and "\n" not in text and clean(text) == text else "must be one line of visible text"


def regulation(text: str) -> str | None:
    if find_regulation(text) is not None:
        return None
    return f"must be a regulation such as {DEFAULT_REGULATION} or Texas; bwp-tui regulations prints all"


def timezone(text: str) -> str | None:
    try:
        find_zone(text)
    except ValueError:
        return "must be a time zone such as Europe/Berlin or America/New_York"
    return None


def one_of(choices: Sequence[str]) -> Check:
    """Return the check of a setting that has few values."""
    known = ", ".join(choices)
    return lambda text: None if text in choices else f"must be one of {known}{did_you_mean(text, choices)}"


def profile_name(name: str) -> str | None:
    if name == SANDBOX_PROFILE:
        return "is reserved for practice; use: bwp-tui sandbox"
    if re.fullmatch(NAME_PATTERN, name):
        return None
    return "is not a profile name; use 1 to 32 of a-z, 0-9, - and _, beginning with a letter or digit"


def up_to(most: int) -> Check:
    """Return the check of a setting that is a number from 1 on."""

    def check(text: str) -> str | None:
        is_right = text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= most
        return None if is_right else f"must be a whole number from 1 to {most}"

    return check


BOOLEANS: Final = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def boolean(text: str) -> str | None:
    return None if text.casefold() in BOOLEANS else "must be true or false"


def columns(text: str) -> str | None:
    """Check names of columns between commas."""
    try:
        return None if columns_named(text) else "must be names of columns between commas"
    except ValueError as error:
        return f"must be names of columns: {error}".removesuffix(".")
