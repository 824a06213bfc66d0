"""One shop as this program knows it: its way to the service, its folder, what may be done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bwp_tui.domain.shop import Shop
from bwp_tui.settings.keys import KeySetting
from bwp_tui.settings.secret import SecretSource

API_URL: Final = "https://api.buywithprime.amazon.com/graphql"
TOKEN_URL: Final = "https://api.buywithprime.amazon.com/token"  # noqa: S105  an address, not a token
API_VERSION: Final = "2024-11-01"
"""Contract: Endpoints and headers."""

PRACTICE: Final = "sandbox"
"""Name of the profile that practises; it never meets the service."""

DOWNLOAD_SLOTS: Final = 3
MOST_DOWNLOAD_SLOTS: Final = 8
"""Downloads at a time: where nothing is set, and at most."""

NOTICES: Final = ("desktop", "bell", "off")
"""The terminal's own notices with its bell, the bell alone, or neither."""

THEMES: Final = ("dark", "light", "ansi-dark", "ansi-light")
"""Names of the console's themes."""

MINIMUM_SIZE: Final = (60, 15)
"""Columns and rows that the console needs."""

NAME_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
"""What a profile may be called: it becomes the name of a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Settings of one shop, checked. What is absent keeps the API out of reach, not the history."""

    name: str
    folder: Path
    api_url: str = API_URL
    token_url: str = TOKEN_URL
    api_version: str = API_VERSION
    client_id: str | None = None
    target_id: str | None = None
    secret: SecretSource | None = None
    download_dir: Path
    download_slots: int = DOWNLOAD_SLOTS
    read_only: bool = False
    speed: float = 1.0
    """How many times faster than the calendar the service's days go by; other than 1 in practice alone."""
    practice: bool = False
    theme: str | None = None
    notices: str = NOTICES[0]
    """How an operator is told that a watched task has ended."""
    timezone: str | None = None
    """Where the office is, by which its days begin: an IANA name; None is the machine's own zone."""
    actor: str | None = None
    """The name on the timeline of who uses this profile; None is who is logged in."""
    keys: tuple[KeySetting, ...] = ()
    """The config file's own keys, as it gives them."""

    @property
    def shop(self) -> Shop | None:
        """Whose requests these settings are for; the practice API is the same one wherever it listens."""
        if self.target_id is None:
            return None
        return Shop(self.target_id, None if self.practice else urlsplit(self.api_url).netloc.casefold())

    @property
    def history_path(self) -> Path:
        """The register."""
        return self.folder / "history.db"

    @property
    def lease_path(self) -> Path:
        """The file whose lock says which process is the engine."""
        return self.folder / "engine.lock"

    @property
    def state_path(self) -> Path:
        """What the console keeps for its next start: the view, the task, lines typed. It may go at any time."""
        return self.folder / "console.json"

    @property
    def log_dir(self) -> Path:
        """Where logs and crash reports go."""
        return self.folder / "log"

    @property
    def is_local(self) -> bool:
        """Whether the service is on this machine: the practice API, by whatever way it was set up."""
        return urlsplit(self.api_url).hostname in ("localhost", "127.0.0.1", "::1")

    def missing(self) -> tuple[str, ...]:
        """Return the names of the variables that must be set before the API can be reached."""
        needed = (
            ("BWP_CLIENT_ID", self.client_id),
            ("BWP_CLIENT_SECRET", self.secret),
            ("BWP_TARGET_ID", self.target_id),
        )
        return tuple(name for name, value in needed if value is None)
