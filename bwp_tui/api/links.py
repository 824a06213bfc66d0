"""A pre-signed link: a secret that lives for a minute (contract: Link and archive)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit

from bwp_tui.api.addresses import Address, split_address
from bwp_tui.api.endpoint import Secret
from bwp_tui.api.errors import BadAnswer

LINK_LIFE: Final = 60.0
"""Seconds in which a download must begin where the link itself does not say (contract: Link and archive)."""

_LONGEST_LIFE: Final = 604_800.0  # S3 signs nothing for longer than a week


@dataclass(frozen=True, slots=True, eq=False)
class PresignedLink:
    """A checked link. `host` and `path` may be shown; the URL comes out of `reveal()` only."""

    _url: Secret = field(repr=False)
    host: str
    path: str
    issued_at: float
    """On the monotonic clock: when the query that made it was sent."""
    life: float = LINK_LIFE

    @classmethod
    def checked(cls, url: str, *, issued_at: float, loopback_allowed: bool = False) -> PresignedLink:
        """Return the link behind `url`. `loopback_allowed` is for a practice API, which is on loopback itself.

        Raises:
            BadAnswer: the URL is not https, holds credentials, or leads into a private network.
        """
        trouble = _trouble(url, loopback_allowed)
        if trouble is not None:
            raise BadAnswer(
                f"The service gave a link that is not followed: {trouble} Report it to Buy with Prime support.",
                transient=False,
            )
        address = split_address(url)
        return cls(Secret(url), address.host, address.path, issued_at, _life(url))

    def reveal(self) -> str:
        """Return the URL, for the one request that follows it."""
        return self._url.reveal()

    def seconds_left(self, clock: Callable[[], float] = time.monotonic) -> float:
        """Return how long a download may still begin, in seconds; negative once it is too late."""
        return self.issued_at + self.life - clock()


def _trouble(url: str, loopback_allowed: bool) -> str | None:
    try:
        address = split_address(url)
    except ValueError as error:
        return str(error)
    if address.is_loopback:
        return None if loopback_allowed else "It leads to this very machine."
    return "It leads to an address that is not public." if _is_private(address) else None


def _is_private(address: Address) -> bool:
    literal = address.literal
    return literal is not None and (not literal.is_global or literal.is_multicast)


def _life(url: str) -> float:
    told = parse_qs(urlsplit(url).query).get("X-Amz-Expires", [""])[0]
    return min(float(told), _LONGEST_LIFE) if told.isascii() and told.isdigit() else LINK_LIFE
