"""Check AWS Signature Version 4 of requests to the practice queue."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import quote

from bwp_tui.domain.times import BASIC_UTC, Clock
from bwp_tui.sandbox.http_connection import HttpRequest

LONGEST_SKEW: Final = timedelta(minutes=15)
"""How far a client's clock may be off."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_AUTHORIZATION: Final = re.compile(
    rf"{_ALGORITHM} Credential=([^/]+)/(\d{{8}})/([^/]+)/sqs/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


class AwsKey(NamedTuple):
    """An access key: its id, and its secret."""

    key_id: str
    secret: str


class SignatureRefusedError(Exception):
    """A request is not signed as it must be; `code` is the name AWS gives to the error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SignatureCheck:
    """Checks requests against one access key and one region."""

    def __init__(self, key: AwsKey, region: str, clock: Clock) -> None:
        self._key = key
        self._region = region
        self._clock = clock

    def check(self, request: HttpRequest) -> None:
        """Check the signature of a request: it must be of this key, region, time and request."""
        found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if found is None:
            raise SignatureRefusedError("MissingAuthenticationToken", "Request is missing Authentication Token")
        key_id, day, region, names, signature = found.groups()
        if key_id != self._key.key_id:
            raise SignatureRefusedError(
                "InvalidClientTokenId", "The security token included in the request is invalid."
            )
        if region != self._region:
            raise SignatureRefusedError(
                "InvalidSignatureException", f"Credential should be scoped to a valid region, not {region!r}."
            )
        stamp = request.headers.get("x-amz-date", "")
        self._check_time(stamp, day)
        wanted = self._sign(request, stamp, day, names)
        if "host" not in names.split(";") or not hmac.compare_digest(signature, wanted):
            raise SignatureRefusedError(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method.",
            )

    def _check_time(self, stamp: str, day: str) -> None:
        now = self._clock().astimezone(UTC)
        try:
            signed = datetime.strptime(stamp, BASIC_UTC).replace(tzinfo=UTC)
        except ValueError:
            raise SignatureRefusedError("IncompleteSignature", "Date must be in ISO-8601 'basic format'.") from None
        if not stamp.startswith(day) or not abs(now - signed) <= LONGEST_SKEW:
            edge = now - LONGEST_SKEW if signed < now else now + LONGEST_SKEW
            which, side, sign = ("expired", "earlier", "-") if signed < now else ("not yet current", "later", "+")
            raise SignatureRefusedError(
                "InvalidSignatureException",
                f"Signature {which}: {stamp} is now {side} than {edge:{BASIC_UTC}} ({now:{BASIC_UTC}} {sign} 15 min.)",
            )

    def _sign(self, request: HttpRequest, stamp: str, day: str, names: str) -> str:
        headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names.split(";"))
        body = hashlib.sha256(request.body).hexdigest()
        canonical = "\n".join((request.method, quote(request.path), request.query, headers, names, body))
        scope = f"{day}/{self._region}/sqs/aws4_request"
        text = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
        key = f"AWS4{self._key.secret}".encode()
        for part in (*scope.split("/"), text):
            key = hmac.digest(key, part.encode(), "sha256")
        return key.hex()
