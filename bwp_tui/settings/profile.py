"""Define the settings of one shop."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from bwp_tui.domain.regulations import DEFAULT_REGULATION
from bwp_tui.domain.shop import Shop
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Occasion
from bwp_tui.settings.secret import SecretSource

API_URL: Final = "https://api.buywithprime.amazon.com/graphql"
TOKEN_URL: Final = "https://api.buywithprime.amazon.com/token"  # noqa: S105  an address, not a token
API_VERSION: Final = "2024-11-01"
"""The production API."""

SANDBOX_PROFILE: Final = "sandbox"
"""Name of the practice profile, which never calls the service."""

DOWNLOAD_SLOTS: Final = 3
MAX_DOWNLOAD_SLOTS: Final = 8
"""Simultaneous downloads: the default and the maximum."""

APPROVALS: Final = ("deletions",)
"""What a team may have another person approve."""

NOTICES: Final = ("desktop", "bell", "off")
"""Kinds of notice: a desktop notification with the bell, the bell, or none."""

COLOURS: Final = ("red", "yellow", "green", "blue", "purple")
"""Colours of a shop's name in the header."""

MOUSE: Final = ("auto", "on", "off")
"""Uses of the mouse; the first one is all but over SSH, where each of its moves would be sent."""

AT_COMPLETION: Final = "completed"
CLOCK_STOPS: Final = ("answered", AT_COMPLETION)
"""What stops the legal clock: the answer to the shopper alone, or the completion too."""

BY_EMAIL: Final = "email"
FILE_NAMES: Final = ("task_id", BY_EMAIL)
"""What the file name of a result has behind its kind: the task id alone, or the email before it."""

THEMES: Final = ("dark", "light", "ansi-dark", "ansi-light")
"""Names of the console's themes."""

MINIMUM_SIZE: Final = (60, 15)
LIST_SIZE: Final = (40, 10)
"""Columns and rows that the console needs."""

DIFF_VARIABLE: Final = "BWP_DIFF"
"""Environment variable that says whether the console sends changed cells alone: 0 or 1."""

NAME_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
"""Allowed profile names, which are also folder names."""


def is_over_ssh(environ: Mapping[str, str]) -> bool:
    """Say whether the terminal is reached over SSH."""
    return "SSH_CONNECTION" in environ or "SSH_TTY" in environ


def is_on_this_machine(url: str) -> bool:
    """Say whether a URL is that of a service on this machine."""
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


class KeySetting(NamedTuple):
    """The keys of an action as the config file has them; the console checks both."""

    action: str
    keys: tuple[str, ...]
    """Empty if the file has neither a text nor a list of texts."""
    place: str
    """The file and the line, for messages."""


PROGRAM_TIMEOUT_S: Final = 60.0
"""Seconds that a program of the operator may take, unless its table says otherwise."""


class OperatorProgram(NamedTuple):
    """A program of the operator, and its arguments; no shell runs it."""

    argv: tuple[str, ...]
    timeout_s: float = PROGRAM_TIMEOUT_S


class CustomCommand(NamedTuple):
    """A key of the operator's own that runs a program with the marked tasks; the console checks the key."""

    name: str
    program: OperatorProgram
    key: str
    title: str
    place: str
    """The file and the line, for messages."""


@dataclass(frozen=True, slots=True)
class AwsKey:
    """An AWS access key. The secret is not shown by `repr`."""

    key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQueue:
    """The SQS queue that the service's events arrive in."""

    queue_url: str
    region: str
    aws_profile: str | None = None
    """Profile of the AWS configuration files; None is botocore's own choice."""
    endpoint_url: str | None = None
    """Address of an SQS server on this machine; None is AWS, or what the AWS configuration names."""
    access_key: AwsKey | None = None
    """Only the practice API has one; None is botocore's own search for credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Checked settings of one shop. Without credentials the history still works, but not the API."""

    name: str
    folder: Path
    group: str | None = None
    """The group of a team, whose members share the folder; None keeps it private."""
    approve: str | None = None
    """What waits for the approval of another person, one of `APPROVALS`."""
    api_url: str = API_URL
    token_url: str = TOKEN_URL
    api_version: str = API_VERSION
    client_id: str | None = None
    target_id: str | None = None
    secret: SecretSource | None = None
    download_dir: Path
    download_slots: int = DOWNLOAD_SLOTS
    file_names: str = FILE_NAMES[0]
    """What names results, one of `FILE_NAMES`."""
    read_only: bool = False
    speed: float = 1.0
    """How many times faster than real days pass at the service; not 1 only in practice."""
    is_sandbox: bool = False
    theme: str | None = None
    notices: str = NOTICES[0]
    """Kind of notice when a watched task finishes."""
    colour: str | None = None
    """Colour of the shop's name in the header, one of `COLOURS`; None is red, in practice green."""
    mouse: str = MOUSE[0]
    """Whether the console uses the mouse."""
    mask: bool = True
    """Whether the console masks emails when it opens."""
    first_view: str | None = None
    """Name of the view of the console's first start; None is all tasks."""
    columns: tuple[str, ...] = ()
    """Ids of the list's columns until the operator chooses others; empty for the table's choice."""
    regulation: str = DEFAULT_REGULATION
    """Id of the regulation of a request that names none."""
    holding_period: int = DEFAULT_HOLDING_PERIOD
    """Days on hold of a deletion that names none."""
    timezone: str | None = None
    """The office's time zone, an IANA name; None is the machine's own."""
    clock_stops: str = CLOCK_STOPS[0]
    """What stops the legal clock of a request."""
    shop_name: str | None = None
    """The shop's name in letters to shoppers."""
    letters_folder: Path | None = None
    """The folder of the shop's own templates of letters; None uses the built-in ones alone."""
    actor: str | None = None
    """Name of the operator on the timeline; None is the login name."""
    keys: tuple[KeySetting, ...] = ()
    """Key bindings from the config file."""
    commands: tuple[CustomCommand, ...] = ()
    """The operator's own commands."""
    hooks: Mapping[Occasion, OperatorProgram] = field(default_factory=dict)
    """The programs that the engine runs."""
    events: EventQueue | None = None
    """The queue of the service's events; None polls only."""

    @property
    def shop(self) -> Shop | None:
        """The shop of these settings; the practice API is the same shop on any port."""
        if self.target_id is None:
            return None
        return Shop(self.target_id, None if self.is_sandbox else urlsplit(self.api_url).netloc.casefold())

    @property
    def is_team(self) -> bool:
        """Whether several accounts share the history."""
        return self.group is not None

    @property
    def approves_deletions(self) -> bool:
        """Whether a deletion waits for the approval of another person."""
        return self.approve == "deletions"

    @property
    def history_path(self) -> Path:
        return self.folder / "history.db"

    @property
    def lease_path(self) -> Path:
        """Path of the engine's lock file, which has its heartbeat too."""
        return self.folder / "engine.lock"

    @property
    def state_path(self) -> Path:
        """Path of the console's saved state: view, task, typed lines. It can be deleted at any time.

        In a team each account has its own.
        """
        return self.folder / (f"console-{os.getuid()}.json" if self.is_team else "console.json")

    @property
    def log_dir(self) -> Path:
        """Folder of logs and crash reports."""
        return self.folder / "log"

    @property
    def is_local(self) -> bool:
        """Whether the service runs on this machine, which means the practice API."""
        return is_on_this_machine(self.api_url)

    def uses_mouse(self, environ: Mapping[str, str]) -> bool:
        """Say whether the console uses the mouse, in a session with these variables."""
        return self.mouse == "on" or (self.mouse == "auto" and not is_over_ssh(environ))

    def missing(self) -> tuple[str, ...]:
        """Return the names of the missing variables that the API needs."""
        needed = {"BWP_CLIENT_ID": self.client_id, "BWP_CLIENT_SECRET": self.secret, "BWP_TARGET_ID": self.target_id}
        return tuple(name for name, value in needed.items() if value is None)
