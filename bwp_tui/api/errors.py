"""Errors of calls to the service.

    ApiError
    ├── Unreachable      no connection, a lost connection, a timeout, an unusable certificate or proxy
    ├── Throttled        too many requests
    ├── AccessDenied     the token was denied, even after renewal
    ├── BadCredentials   the token endpoint refused the client id or secret
    ├── Rejected         the request breaks a rule of the service
    ├── Unaccepted       the request was refused, but not by a classified error of the service
    ├── NotFound         the service does not know the task
    ├── ServerFault      the service failed
    └── BadResponse      a response that cannot be read or trusted

Only `Rejected` settles a request: the service classified the error and named the requested field. Every other one may
be temporary, whatever its HTTP status: gateways, proxies and throttling use any of them.

Each error says whether a retry can help and whether the request may have been carried out. The text is one sentence for
the operator, without query strings, tokens or secrets.
"""

from __future__ import annotations

from typing import ClassVar

from bwp_tui.domain.masking import redact
from bwp_tui.domain.text import clean_line


class ApiError(Exception):
    """A call failed. `retry_after` is the wait in seconds that the service requested, or None."""

    transient: bool
    """Whether a retry can help."""
    outcome_unknown: bool
    """Whether the service may have carried the request out."""

    usually_transient: ClassVar[bool] = False

    def __init__(
        self,
        sentence: str,
        *,
        transient: bool | None = None,
        outcome_unknown: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(clean_line(redact(sentence)))
        self.transient = self.usually_transient if transient is None else transient
        self.outcome_unknown = outcome_unknown
        self.retry_after = retry_after


class Unreachable(ApiError):
    """No connection, or one that was lost before the response was complete."""

    usually_transient = True


class Throttled(ApiError):
    """The service wants fewer requests; this one was not carried out."""

    usually_transient = True


class AccessDenied(ApiError):
    """The service denied the request, or does not know the task (contract: Errors)."""


class BadCredentials(ApiError):
    """The token endpoint refused the client id or secret. Even that has been temporary."""

    usually_transient = True


class Rejected(ApiError):
    """The service refused the request for good. `code` and `message` are the service's, cleaned."""

    def __init__(self, sentence: str, *, code: str | None = None, message: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.message = clean_line(redact(message))


class Unaccepted(ApiError):
    """A gateway, a proxy or the GraphQL engine refused the request, perhaps for its size or temporarily."""

    usually_transient = True


class NotFound(ApiError):
    """The service does not know the task."""


class ServerFault(ApiError):
    """The service failed while processing the request."""

    usually_transient = True


class BadResponse(ApiError):
    """The response cannot be read, or holds a link that must not be followed."""

    usually_transient = True
