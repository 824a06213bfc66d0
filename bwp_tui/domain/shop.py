"""Identify a shop."""

from __future__ import annotations

from typing import NamedTuple


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
