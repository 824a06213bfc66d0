"""Identify a shop by the host of its API, and check the URLs that secrets are sent to."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

# Blanks and control characters are dropped by some parsers and not by others; a backslash is a slash to some.
_AMBIGUOUS: Final = r"[^!-~]|\\"
_LIKE_AN_IPV4: Final = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$", re.IGNORECASE)
_NAT64: Final = IPv6Network("64:ff9b::/96")


class Shop(NamedTuple):
    """A shop: its target id and the host of its API. None matches any host: it is not known yet, or the sandbox's."""

    target_id: str
    api_host: str | None

    def is_certainly_other(self, than: Shop) -> bool:
        """Return whether the two are certainly different shops."""
        hosts = {self.api_host, than.api_host} - {None}
        return self.target_id != than.target_id or len(hosts) > 1

    def __str__(self) -> str:
        """Return its name for messages."""
        return self.target_id if self.api_host is None else f"{self.target_id} at {self.api_host}"


class UrlParts(NamedTuple):
    """The parts of a URL that are not secret."""

    scheme: str
    host: str
    path: str

    @property
    def ip_address_of_host(self) -> IPv4Address | IPv6Address | None:
        """The host as an IP address, or None; an IPv6 address that maps an IPv4 one is resolved to it."""
        try:
            address = ip_address(self.host)
        except ValueError:
            return None
        if not isinstance(address, IPv6Address):
            return address
        # The IPv4 address that packets for it end at, by mapping, NAT64 or 6to4; else the address itself.
        by_nat64 = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
        return by_nat64 or address.ipv4_mapped or address.sixtofour or address

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        literal = self.ip_address_of_host
        if literal is not None:
            return literal.is_loopback
        return f".{self.host.rstrip('.')}".endswith(".localhost")

    @property
    def is_ambiguous_number(self) -> bool:
        """Whether the host is a number that only some resolvers read as an IP address, like `0x7f.1`."""
        return self.ip_address_of_host is None and _LIKE_AN_IPV4.search(self.host) is not None


def _is_invalid_punycode(label: str) -> bool:
    """Return whether a label of a host name is invalid punycode, which no resolver knows."""
    if not label.startswith("xn--"):
        return False
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return True
    return not decoded or not decoded.isprintable()


def check_url(url: str) -> None:
    """Accept an https URL, or an http one on loopback.

    Raises:
        ValueError: it is neither, or holds credentials or a query; one sentence that says which.
    """
    split_url(url)
    if "?" in url or "#" in url:
        raise ValueError("The address must end with its path: no ? and no #.")


def split_url(url: str) -> UrlParts:
    """Return the parts of an https URL; http passes to a loopback host.

    Raises:
        ValueError: the URL is ambiguous, is not https, or holds credentials. The sentence does not quote it.
    """
    if re.search(_AMBIGUOUS, url):
        raise ValueError("The address holds blanks or characters that do not belong in a URL.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or any(map(_is_invalid_punycode, host.split("."))):
        raise ValueError("The address is not a complete URL such as https://host/path.")
    if "@" in parts.netloc:
        raise ValueError("The address holds a user name or password; take it out.")
    address = UrlParts(parts.scheme, host, parts.path)
    if address.is_ambiguous_number or ("[" in parts.netloc and address.ip_address_of_host is None):
        raise ValueError("The address has a host that is a number but not a plain IP address.")
    if address.scheme != "https" and not (address.scheme == "http" and address.is_loopback):
        raise ValueError("The address must begin with https:// (http:// is for this machine only).")
    return address
