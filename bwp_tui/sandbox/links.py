"""Sign and check links to archives, valid for a minute, with S3's error messages."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, urlencode

from bwp_tui.contract.documents import LINK_LIFETIME
from bwp_tui.domain.times import BASIC_UTC, Clock

LINK_PREFIX: Final = "/privacyRequest/"
"""What the path of every link begins with."""

_PATH: Final = re.compile(rf"{LINK_PREFIX}([^/]+)/result/data_retrieval\.zip")
_SIGNATURE: Final = "X-Amz-Signature"


class LinkRefusedError(Exception):
    """S3 does not serve this link: `status`, `code`, `message`, and further XML elements in order."""

    def __init__(self, status: int, code: str, message: str, **elements: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.elements = {name.replace("_", "-"): value for name, value in elements.items()}


def wrong_signature() -> LinkRefusedError:
    """Return S3's refusal of a request that is not the one that was signed."""
    return LinkRefusedError(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
    )


def link_path(task_id: str) -> str:
    """Return the path of a link to a task's archive."""
    return f"{LINK_PREFIX}{task_id}/result/data_retrieval.zip"


class LinkSigner:
    """Signs links and checks them by their signature."""

    def __init__(self, origin: str, seed: int, clock: Clock) -> None:
        self._origin = origin
        self._clock = clock
        self._key = hashlib.sha256(f"bwp-tui practice links {seed}".encode()).digest()
        self._made = 0

    def make(self, task_id: str, *, expired: bool = False) -> str:
        """Return a link to a task's archive; with `expired`, one that is too old already."""
        self._made += 1
        at = self._clock() - (LINK_LIFETIME + timedelta(seconds=5) if expired else timedelta())
        path = link_path(task_id)
        session = hashlib.sha256(self._key + f"{self._made} {task_id}".encode()).hexdigest()
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"ASIAPRACTICE/{at:%Y%m%d}/us-east-1/s3/aws4_request",
            "X-Amz-Date": at.astimezone(UTC).strftime(BASIC_UTC),
            "X-Amz-Expires": str(int(LINK_LIFETIME.total_seconds())),
            "X-Amz-Security-Token": session,
            "X-Amz-SignedHeaders": "host",
        }
        query[_SIGNATURE] = self._sign(path, query)
        return f"{self._origin}{path}?{urlencode(query)}"

    def check(self, path: str, query: str) -> str:
        """Return the task id that a link names; it must be signed, unchanged, and not expired."""
        values = {name: found[-1] for name, found in parse_qs(query).items()}
        signature = values.pop(_SIGNATURE, None)
        found = _PATH.fullmatch(path)
        if signature is None or found is None:
            raise LinkRefusedError(403, "AccessDenied", "Access Denied")
        if not hmac.compare_digest(signature.encode(), self._sign(path, values).encode()):
            raise wrong_signature()
        self._check_age(values)
        return found[1]

    def _check_age(self, values: dict[str, str]) -> None:
        now = self._clock()
        issued = datetime.strptime(values["X-Amz-Date"], BASIC_UTC).replace(tzinfo=UTC)
        end = issued + timedelta(seconds=int(values["X-Amz-Expires"]))
        if now > end:
            raise LinkRefusedError(
                403,
                "AccessDenied",
                "Request has expired",
                X_Amz_Expires=values["X-Amz-Expires"],
                Expires=_instant(end),
                ServerTime=_instant(now),
            )

    def _sign(self, path: str, values: dict[str, str]) -> str:
        text = "\n".join(("GET", path, urlencode(sorted(values.items()))))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
