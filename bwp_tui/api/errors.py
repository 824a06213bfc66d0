"""How a call to the service can fail.

    ApiError
    ├── Unreachable      no connection, a cut line, a timeout, a certificate or proxy that does not fit
    ├── Throttled        asked too often
    ├── AccessDenied     the token is not good enough, even renewed
    ├── BadCredentials   the token endpoint does not know the client id or secret
    ├── Rejected         the request breaks a rule of the service
    ├── Unaccepted       the request was refused, but not by the service's own word
    ├── NotFound         the service does not know the task
    ├── ServerFault      the service failed
    └── BadResponse      an answer that cannot be understood or is not to be trusted

Only `Rejected` ends a request: the service has classified the error and names the field that was asked for. Every
other one may pass, whatever its HTTP status: gateways, proxies and throttling answer with any of them.

Each says whether trying again can help and whether the request may have been carried out all the same. The text is
one sentence for an operator; it holds no query of a URL, token or secret.
"""

from __future__ import annotations

from typing import ClassVar

from bwp_tui.domain.redaction import redact
from bwp_tui.domain.text import clean_line


class ApiError(Exception):
    """A call failed. `retry_after`, in seconds, is the wait the service asked for, where it asked."""

    transient: bool
    """Whether trying again can help."""
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
    """No connection, or one that broke before the answer was whole."""

    usually_transient = True


class Throttled(ApiError):
    """The service wants fewer requests; this one was not carried out."""

    usually_transient = True


class AccessDenied(ApiError):
    """The service denied the request, its token renewed or not. It may also not know the task (contract: Errors)."""


class BadCredentials(ApiError):
    """The token endpoint refused the client id or the client secret. Even that has been seen to pass."""

    usually_transient = True


class Rejected(ApiError):
    """The service refused the request, and would again. `code` and `message` are the service's own, cleaned."""

    def __init__(self, sentence: str, *, code: str | None = None, message: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.message = clean_line(redact(message))


class Unaccepted(ApiError):
    """A gateway, a proxy or the GraphQL engine refused the request: perhaps for its size, perhaps for a moment."""

    usually_transient = True


class NotFound(ApiError):
    """The service does not know the task."""


class ServerFault(ApiError):
    """The service failed while it worked on the request."""

    usually_transient = True


class BadResponse(ApiError):
    """The answer cannot be understood, or names a link that is not to be followed."""

    usually_transient = True
