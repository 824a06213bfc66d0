"""Define the settings of one shop: each with its default, its check and what it means."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from bwp_tui.domain.regulations import DEFAULT_REGULATION, regulation_id
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, LONGEST_HOLDING_PERIOD, HookOccasion
from bwp_tui.domain.urls import Shop
from bwp_tui.domain.views import VIEWS, columns_named
from bwp_tui.settings import checks
from bwp_tui.settings.secret import KEYRING, SecretSource

API_URL: Final = "https://api.buywithprime.amazon.com/graphql"
TOKEN_URL: Final = "https://api.buywithprime.amazon.com/token"  # noqa: S105  an address, not a token
API_VERSION: Final = "2024-11-01"
"""The production API."""

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

CONSOLE_SIZE_VARIABLE: Final = "BWP_CONSOLE_SIZE"
"""Environment variable of the commands that the console runs: its columns and rows, of which their pane has fewer."""


def is_over_ssh(environ: Mapping[str, str]) -> bool:
    return "SSH_CONNECTION" in environ or "SSH_TTY" in environ


def is_on_this_machine(url: str) -> bool:
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


class AwsKey(NamedTuple):
    """An AWS access key. The secret is not shown by `repr`."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        return f"AwsKey({self.key_id!r})"


class Setting(NamedTuple):
    """A setting; numbers and booleans are checked and kept as the texts that stand for them in TOML."""

    check: checks.Check
    meaning: str
    example: str = ""
    """What `bwp-tui config init` writes: the default, where there is one."""
    type: type[str] | type[int] | type[bool] = str
    value: Callable[[str], object] = str
    """Makes the value of a text that has been checked."""
    is_sensitive: bool = False
    """Whether it decides where the secret is sent, or which command runs."""
    is_of_one_shop: bool = False
    """Whether its variable in the environment would give the setting of one shop to all of them."""

    def in_file(self) -> str:
        """Return the example as it is written in the file."""
        return f'"{self.example or "…"}"' if self.type is str else self.example


_T = TypeVar("_T")
_OWN_NAME: Final = ""
"""Key of the metadata of a field whose setting has the field's name."""


def setting(check: checks.Check, meaning: str, default: _T, example: str | None = None, **details: Any) -> _T:
    """Declare a setting as a field of a dataclass; the default is its example, unless there is another."""
    kind = type(default) if isinstance(default, int) else str
    text = str(default).lower() if isinstance(default, int) else str(default or "")
    value: Callable[[str], object] = (lambda text: checks.BOOLEANS[text.casefold()]) if kind is bool else kind
    declared = Setting(check, meaning, text if example is None else example, kind, **{"value": value, **details})
    return field(default=default, metadata={_OWN_NAME: declared})


def variable_of(name: str) -> str:
    """Return the environment variable of a setting; `events.region` is one of the profile's table `events`."""
    return f"BWP_{name.replace('.', '_').upper()}"


class EventQueue(NamedTuple):
    """The SQS queue that the service's events arrive in."""

    queue_url: str
    region: str
    aws_profile: str | None = None
    """None is botocore's own choice."""
    endpoint_url: str | None = None
    """Address of an SQS server on this machine; None is AWS, or what the AWS configuration names."""
    access_key: AwsKey | None = None
    """Only the practice API has one; None is botocore's own search for credentials."""


EVENT_SETTINGS: Final[Mapping[str, Setting]] = {
    "queue_url": Setting(
        checks.url,
        "the queue of the service's events",
        "https://sqs.us-east-1.amazonaws.com/123456789012/bwp-tui-events",
        is_of_one_shop=True,
    ),
    "region": Setting(checks.region, "the region, if the URL does not name it", "us-east-1"),
    "aws_profile": Setting(checks.one_line, "a profile of the AWS configuration", "privacy"),
}
"""The settings of a profile's event queue; `EventQueue` has a field of each name."""

SECRET_SETTINGS: Final[Mapping[str, Setting]] = {
    "client_secret_command": Setting(
        checks.command,
        "a program whose first line of output is the secret; no shell runs it",
        "pass show buywithprime",
        is_sensitive=True,
        is_of_one_shop=True,
    ),
    "client_secret_file": Setting(
        checks.folder,
        "or a file of your own that nobody else can access",
        "~/.config/bwp-tui/default.secret",
        is_of_one_shop=True,
    ),
    "client_secret_from": Setting(
        checks.one_of((KEYRING,)), "or the keyring; see: bwp-tui login", KEYRING, is_of_one_shop=True
    ),
}
"""The settings that say where the secret is; a profile has one of them."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Profile:
    """Checked settings of one shop. Without credentials the history still works, but not the API.

    The settings are in the order of the file that `bwp-tui config init` writes.
    """

    name: str
    client_id: str | None = setting(checks.header_value, "the API client", None, is_of_one_shop=True)
    target_id: str | None = setting(checks.header_value, "the shop", None, is_of_one_shop=True)
    secret: SecretSource | None = field(default=None, metadata=SECRET_SETTINGS)
    api_url: str = setting(checks.url, "another API", API_URL, is_sensitive=True, is_of_one_shop=True)
    token_url: str = setting(
        checks.url, "and where its access tokens come from", TOKEN_URL, is_sensitive=True, is_of_one_shop=True
    )
    api_version: str = setting(checks.version, "the version of the API", API_VERSION)
    folder: Path = field(
        metadata={"data_dir": Setting(checks.folder, "the folder of the profile's own folder", "/srv/bwp-tui")}
    )
    group: str | None = setting(
        checks.one_line, "the group of a team on this host, whose members share the history", None, "privacy"
    )
    approve: str | None = setting(
        checks.one_of(APPROVALS), "has another person of the team approve them", None, APPROVALS[0]
    )
    download_dir: Path = field(
        metadata={
            _OWN_NAME: Setting(
                checks.folder, "the folder for results", "~/results", value=checks.path_of, is_of_one_shop=True
            )
        }
    )
    download_slots: int = setting(checks.up_to(MAX_DOWNLOAD_SLOTS), "simultaneous downloads", DOWNLOAD_SLOTS)
    file_names: str = setting(
        checks.one_of(FILE_NAMES), f"{', '.join(FILE_NAMES)}: what names results; email adds it", FILE_NAMES[0]
    )
    read_only: bool = setting(checks.boolean, "true refuses every command that records something", False)
    theme: str | None = setting(checks.one_of(THEMES), ", ".join(THEMES), None, THEMES[0])
    mask: bool = setting(checks.boolean, "false: emails are shown when the console opens", True)
    first_view: str | None = setting(checks.one_line, "the view of the console's first start", None, VIEWS[0].name)
    columns: tuple[str, ...] = setting(
        checks.columns,
        "of the list, until the operator chooses others",
        (),
        "kind, status, received, due, assigned",
        value=columns_named,
    )
    """Ids of columns; empty for the table's choice."""
    notices: str = setting(checks.one_of(NOTICES), f"{', '.join(NOTICES)}: when a watched task finishes", NOTICES[0])
    mouse: str = setting(checks.one_of(MOUSE), "on, off, auto: off over SSH", MOUSE[0])
    colour: str | None = setting(checks.one_of(COLOURS), f"of the shop's name: {', '.join(COLOURS)}", None, COLOURS[0])
    """None is red, in practice green."""
    regulation: str = setting(
        checks.regulation, "of a request that names none", DEFAULT_REGULATION, value=regulation_id
    )
    holding_period: int = setting(
        checks.up_to(LONGEST_HOLDING_PERIOD),
        "days for which a deletion is on hold where nothing else is said",
        DEFAULT_HOLDING_PERIOD,
    )
    """Not 0 days: nobody could cancel a deletion that was sent by mistake."""
    timezone: str | None = setting(
        checks.timezone, "of the shop; it decides when a day begins", None, "America/New_York"
    )
    """None is the machine's own."""
    actor: str | None = setting(checks.one_line, "your name on the timeline", None, "Ann Example")
    """None is the login name."""
    shop_name: str | None = setting(
        checks.one_line, "the name that ends the letters to shoppers", None, "Example Shop", is_of_one_shop=True
    )
    clock_stops: str = setting(
        checks.one_of(CLOCK_STOPS), "answered, completed: what stops the legal clock", CLOCK_STOPS[0]
    )
    speed: float = 1.0
    """How many times faster than real days pass at the service; not 1 only in practice."""
    is_sandbox: bool = False
    letters_folder: Path | None = None
    """The folder of the shop's own templates of letters; None uses the built-in ones alone."""
    keys: tuple[KeySetting, ...] = ()
    """Key bindings from the config file."""
    commands: tuple[CustomCommand, ...] = ()
    """The operator's own commands."""
    hooks: Mapping[HookOccasion, OperatorProgram] = field(default_factory=dict)
    """The programs that the engine runs."""
    events: EventQueue | None = None
    """The queue of the service's events; None polls only."""

    @property
    def service_day(self) -> timedelta:
        """The length of one of the API's days: shorter in the sandbox."""
        return timedelta(days=1) / self.speed

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
    def deletions_need_approval(self) -> bool:
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
        """Return whether the console uses the mouse, in a session with these variables."""
        return self.mouse == "on" or (self.mouse == "auto" and not is_over_ssh(environ))

    def missing(self) -> tuple[str, ...]:
        """Return the names of the missing variables that the API needs."""
        needed = {"client_id": self.client_id, "client_secret": self.secret, "target_id": self.target_id}
        return tuple(variable_of(name) for name, value in needed.items() if value is None)


_FIELDS: Final[tuple[Field[object], ...]] = fields(Profile)
PROFILE_SETTINGS: Final[Mapping[str, Setting]] = {
    name or each.name: declared for each in _FIELDS for name, declared in each.metadata.items()
}
"""The settings that the fields of a profile declare, in their order, by their names."""
