"""The token endpoint: OAuth 2.0 client credentials (RFC 6749 §4.4)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.times import Clock

ACCESS_TOKEN_LIFETIME: Final = timedelta(minutes=15)
"""How long an access token lives."""


TokenResponse = tuple[int, dict[str, str | int]]
"""An HTTP status and the JSON object that goes with it."""


class TokenIssuer:
    """Issues access tokens for one client; several are valid at once. Used by the server's thread alone."""

    def __init__(self, client_id: str, client_secret: str, clock: Clock) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._ends: dict[str, datetime] = {}

    def issue(self, form: Mapping[str, list[str]]) -> TokenResponse:
        """Respond to a token request, with a token or with an error of RFC 6749 §5.2."""
        if any(len(values) > 1 for values in form.values()) or "grant_type" not in form:
            return _refusal(400, "invalid_request", "grant_type is needed, and no parameter twice")
        if form["grant_type"] != ["client_credentials"]:
            return _refusal(400, "unsupported_grant_type", "only client_credentials is known")
        sent = (form.get(name, [""])[0].encode() for name in ("client_id", "client_secret"))
        if not all(map(secrets.compare_digest, sent, (self._client_id.encode(), self._client_secret.encode()))):
            return _refusal(401, "invalid_client", "client authentication failed")
        now = self._clock()
        self._ends = {token: end for token, end in self._ends.items() if end > now}
        token = secrets.token_urlsafe(48)
        self._ends[token] = now + ACCESS_TOKEN_LIFETIME
        life_s = int(ACCESS_TOKEN_LIFETIME.total_seconds())
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": life_s}

    def accepts(self, authorization: str) -> bool:
        """Return whether an `Authorization` header has a valid token."""
        scheme, _, token = authorization.partition(" ")
        end = self._ends.get(token.strip())
        return scheme.lower() == "bearer" and end is not None and self._clock() < end


def _refusal(status: int, error: str, description: str) -> TokenResponse:
    return status, {"error": error, "error_description": description}
