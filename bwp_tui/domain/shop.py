"""Which shop a request belongs to."""

from __future__ import annotations

from typing import NamedTuple


class Shop(NamedTuple):
    """A shop as the service names it, and where that service is; no host is any, as in practice."""

    target_id: str
    api_host: str | None

    def is_other(self, than: Shop) -> bool:
        """Say whether the two are surely not the same."""
        hosts = {self.api_host, than.api_host} - {None}
        return self.target_id != than.target_id or len(hosts) > 1

    def __str__(self) -> str:
        """Return it as a sentence names it."""
        return self.target_id if self.api_host is None else f"{self.target_id} at {self.api_host}"
