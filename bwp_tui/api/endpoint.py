"""The service's addresses and the shop's credentials."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from bwp_tui.domain.text import VISIBLE_ASCII
from bwp_tui.domain.urls import check_url


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Addresses and credentials of one shop.

    Raises:
        ValueError: `check_url` refuses a URL, or a value is not valid in a header.
    """

    api_url: str
    token_url: str
    api_version: str
    target_id: str
    client_id: str
    client_secret: SecretStr

    def __post_init__(self) -> None:
        check_url(self.api_url)
        check_url(self.token_url)
        for name in ("api_version", "target_id"):
            if not VISIBLE_ASCII.fullmatch(getattr(self, name)):
                raise ValueError(f"The {name.replace('_', ' ')} must be plain characters without blanks.")
