"""Choose the proxy of a request by the environment's variables, for calls and downloads alike.

The HTTP libraries read these variables differently: one refuses `[::1]` in NO_PROXY, the other a blank behind
HTTPS_PROXY, so that calls would succeed where downloads fail.
"""

from __future__ import annotations

import base64
import re
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from bwp_tui.domain.urls import split_url

_PORTS: Final = {"http": 80, "https": 443}
_HOST_AND_PORT: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(\d+))?")


class UnusableProxy(Exception):
    """A proxy variable has no usable value; `str()` is a sentence that names the variable and not its value."""


class Proxy(NamedTuple):
    """The address of a proxy without credentials, and the headers to send it."""

    url: str
    headers: dict[str, str]


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy for a request to `url`, or None for a direct connection.

    A loopback host has none: the proxy would read the request, secrets included, and would call itself. UnusableProxy
    is raised where the variable names no http or https proxy.
    """
    address = split_url(url)
    proxies = getproxies()
    scheme = address.scheme if proxies.get(address.scheme) else "all"
    named = proxies.get(scheme, "").strip()
    port = urlsplit(url).port or _PORTS[address.scheme]
    if not named or address.is_loopback or proxy_bypass(address.host):
        return None
    if is_excluded(address.host, port, proxies.get("no", "")):
        return None
    proxy = _parse_proxy(named if "://" in named else f"http://{named}")
    if proxy is None:
        raise UnusableProxy(
            f"The proxy in the variable {scheme.upper()}_PROXY cannot be used: set it to an http:// or https:// "
            "address, such as http://proxy.example.com:3128, or unset it."
        )
    return proxy


def is_excluded(host: str, port: int, no_proxy: str) -> bool:
    """Return whether a list such as `.example.com,10.0.0.0/8,[::1]` names a host; invalid entries are ignored."""
    entries = [entry for entry in re.split(r"[\s,]+", no_proxy.casefold()) if entry]
    return any(_entry_matches(entry, host.casefold(), port) for entry in entries)


def _entry_matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    entry = entry.rpartition("://")[2]
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:  # one of the two is no IP address
        pass
    found = _HOST_AND_PORT.fullmatch(entry)
    if found is None or (found[2] and int(found[2]) != port):
        return False
    name = found[1].strip("[]").removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _parse_proxy(text: str) -> Proxy | None:
    """Split a proxy's address. Its user name and password may hold unescaped characters."""
    scheme, _, rest = text.partition("://")
    credentials, at, place = rest.rpartition("@")
    try:
        parts = urlsplit(f"{scheme}://{place}")
        host, port = parts.hostname, parts.port
        if "[" in place:
            ip_address(host or "")  # `urlsplit` takes more between brackets than IPv6
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or not place.isascii() or any(char.isspace() for char in place):
        return None
    user, _, password = credentials.partition(":")
    login = f"{unquote(user)}:{unquote(password)}".encode("utf-8", "surrogateescape")
    headers = {"Proxy-Authorization": f"Basic {base64.b64encode(login).decode()}"} if at else {}
    return Proxy(f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port or _PORTS[parts.scheme]}", headers)
