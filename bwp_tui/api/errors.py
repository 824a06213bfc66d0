"""Errors of calls to the service, and of downloads over a pre-signed link.

    CallError
    ├── ApiError
    │   ├── Unreachable          no connection, a lost connection, a timeout, an unusable certificate or proxy
    │   ├── Throttled            too many requests; this one was not carried out
    │   ├── AccessDenied         the token was denied, even after renewal, or it does not open this task
    │   ├── BadCredentials       the token endpoint refused the client id or secret; even that has been temporary
    │   ├── Rejected             the request breaks a rule of the service
    │   ├── RequestNotAccepted   a gateway, a proxy or the GraphQL engine refused the request, perhaps for its size
    │   ├── NotFound             the service does not know the task
    │   ├── ServerFault          the service failed
    │   └── BadResponse          a response that cannot be read, or holds a link that must not be followed
    └── TransferError
        ├── LinkExpired          the link is too old, or its signature is not accepted: request a new one
        ├── ArchiveChanged       the part file is of another archive: restart
        ├── RangeNotSatisfiable  the part file is already as long as the archive
        ├── ArchiveNotFound      there is no archive behind the link; a store that is slow to copy says so for a while
        ├── ServerBusy           retry later, over a new link
        ├── ConnectionLost       the connection broke, stalled or was closed: resume over a new link
        └── WrongResponse        the response is no archive, but a page, a redirect or an error; nothing of it is kept

Only `Rejected` ends an intent: the service classified the error and named the requested field. Every other error may
be temporary, whatever its HTTP status: gateways, proxies and throttling use any of them.

The text is one sentence for the operator, without query strings, tokens or secrets. It announces no retry: only the
caller knows whether there is one.
"""

from __future__ import annotations

from typing import ClassVar

from bwp_tui.domain.masking import redact
from bwp_tui.domain.text import clean_line


class CallError(Exception):
    """A call failed.

    Attributes:
        transient: whether a retry can help.
        retry_after: the wait in seconds that the server requested, or None.
        outcome_unknown: whether the service may have carried the request out.
    """

    usually_transient: ClassVar[bool] = True

    def __init__(
        self,
        sentence: str,
        *,
        transient: bool | None = None,
        retry_after: float | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(clean_line(redact(sentence)))
        self.transient = self.usually_transient if transient is None else transient
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown


class ApiError(CallError):
    """A call to the service failed."""


class Unreachable(ApiError): ...


class Throttled(ApiError): ...


class AccessDenied(ApiError):
    usually_transient = False


class BadCredentials(ApiError): ...


class Rejected(ApiError):
    """The service refused the request for good. `code` and `message` are the service's, cleaned."""

    usually_transient = False

    def __init__(self, sentence: str, *, code: str | None = None, message: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.message = clean_line(redact(message))


class RequestNotAccepted(ApiError): ...


class NotFound(ApiError):
    usually_transient = False


class ServerFault(ApiError): ...


class BadResponse(ApiError): ...


class TransferError(CallError):
    """A download over a pre-signed link failed. Any retry needs a new link."""


class LinkExpired(TransferError): ...


class ArchiveChanged(TransferError): ...


class RangeNotSatisfiable(TransferError):
    """The archive is not longer than the part file. `total` is its size in bytes, or None if unknown."""

    usually_transient = False

    def __init__(self, sentence: str, *, total: int | None = None) -> None:
        super().__init__(sentence)
        self.total = total


class ArchiveNotFound(TransferError): ...


class ServerBusy(TransferError): ...


class ConnectionLost(TransferError): ...


class WrongResponse(TransferError): ...
