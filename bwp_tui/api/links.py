"""A pre-signed link: a secret URL that starts a download for about a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from bwp_tui.api.errors import BadResponse
from bwp_tui.contract.documents import LINK_LIFETIME
from bwp_tui.domain.times import BASIC_UTC
from bwp_tui.domain.urls import split_url

MIN_SECONDS_LEFT: Final = 10.0
"""Seconds a link must have left when a download starts: it could expire while the connection is made."""

_JUST_RECEIVED_S: Final = 1.0  # seconds after it arrived: there is no newer one, so try it
_LONGEST_LIFE_S: Final = 604_800.0  # S3 signs nothing for longer than a week


@dataclass(frozen=True, slots=True, eq=False)
class PresignedLink:
    """A checked link. `host` and `path` may be shown; the URL comes out of `reveal()` only."""

    _url: SecretStr = field(repr=False)
    host: str
    path: str
    issued_at: float
    """On the monotonic clock: when its query was sent, or earlier if the link says so."""
    received_at: float
    """On the monotonic clock: when the response arrived."""
    life_s: float = LINK_LIFETIME.total_seconds()

    @classmethod
    def checked(
        cls,
        url: str,
        *,
        issued_at: float,
        received_at: float | None = None,
        date: datetime | None = None,
        loopback_allowed: bool = False,
    ) -> PresignedLink:
        """Check `url` and return it as a link.

        Args:
            issued_at, received_at: when it was requested and when it arrived, on the monotonic clock.
            date: when it arrived, by the service's clock, to which the signing time in the link is compared.
            loopback_allowed: for a practice API, which is on loopback itself.

        Raises:
            BadResponse: the URL is not https, holds credentials, or leads into a private network.
        """
        fault = _link_fault(url, loopback_allowed)
        if fault is not None:
            raise BadResponse(
                f"The service gave a link that is not followed: {fault} Report it to Buy with Prime support.",
                transient=False,
            )
        address = split_url(url)
        received_at = issued_at if received_at is None else received_at
        issued_at = min(issued_at, received_at - _age(url, date))
        return cls(SecretStr(url), address.host, address.path, issued_at, received_at, _life_s(url))

    def reveal(self) -> str:
        """Return the URL, for the one request that follows it."""
        return self._url.get_secret_value()

    def seconds_left(self, clock: Callable[[], float] = time.monotonic) -> float:
        """Return the seconds in which a download may still start; negative once it is too late."""
        return self.issued_at + self.life_s - clock()

    def is_too_old(self, clock: Callable[[], float] = time.monotonic) -> bool:
        """Return whether a new link is needed to start a download."""
        return clock() - self.received_at > _JUST_RECEIVED_S and self.seconds_left(clock) < MIN_SECONDS_LEFT


def _link_fault(url: str, loopback_allowed: bool) -> str | None:
    try:
        address = split_url(url)
    except ValueError as error:
        return str(error)
    if address.is_loopback:
        return None if loopback_allowed else "It leads to this very machine."
    literal = address.ip_address_of_host
    is_private = literal is not None and (not literal.is_global or literal.is_multicast)
    return "It leads to an address that is not public." if is_private else None


def _age(url: str, date: datetime | None) -> float:
    """Return how many seconds before `date` the link was signed; 0 if unknown."""
    if date is None:
        return 0.0
    try:
        signed = datetime.strptime(_parameter(url, "X-Amz-Date"), BASIC_UTC).replace(tzinfo=UTC)
    except ValueError:
        return 0.0
    return max(0.0, (date - signed).total_seconds())


def _parameter(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query).get(name, [""])[0]


def _life_s(url: str) -> float:
    seconds = _parameter(url, "X-Amz-Expires")
    is_given = seconds.isascii() and seconds.isdigit()
    return min(float(seconds), _LONGEST_LIFE_S) if is_given else LINK_LIFETIME.total_seconds()
