"""Translate a response's errors or HTTP status into exceptions."""

from __future__ import annotations

from typing import Final

from bwp_tui.api.errors import (
    AccessDenied,
    ApiError,
    BadResponse,
    NotFound,
    Rejected,
    RequestNotAccepted,
    ServerFault,
    Throttled,
    Unreachable,
)
from bwp_tui.api.http_transport import HttpResponse, names_throttling
from bwp_tui.contract.payloads import GraphQLResponse, ServiceError, parse_response, readable
from bwp_tui.domain.statuses import UNKNOWN_TASK

ACCESS_DENIED: Final = "AccessDeniedError"
CANNOT_CANCEL: Final = "CannotCancelPersonalDataDeletionTask"
"""The code of the one refusal that ends a cancellation."""

UNKNOWN_SUBSCRIPTION: Final = "The service does not know this subscription: see bwp-tui events status."
NO_RIGHT_TO_SUBSCRIPTIONS: Final = (
    "The service denied access: check that the credentials have full permission to event subscriptions."
)
NO_SUBSCRIPTIONS: Final = (
    "The service lists no event subscriptions: there is none yet, or the credentials lack full permission to event "
    "subscriptions."
)
"""The service denies the list of a shop that has no subscriptions."""

_REFUSALS: Final = {
    CANNOT_CANCEL: "The deletion can no longer be cancelled{}.",
    "SubscriptionAlreadyExists": "The shop has subscribed to this event type with this event source already.",
    "DestinationNameAlreadyExists": "The name of the event source is taken: it must differ from those of all shops.",
}
"""Sentences by the code of the refusal."""

_ABORTED: Final = "ExecutionAborted"
_RATE_LIMIT_HIT: Final = "Rate limit hit."
# The service's types, and those a GraphQL engine gives of its own when it refuses a document.
_KINDS: Final[dict[str, type[ApiError]]] = {
    "ValidationError": Rejected,
    "InvalidSyntax": RequestNotAccepted,
    "OperationNotSupported": RequestNotAccepted,
    _ABORTED: RequestNotAccepted,
    ACCESS_DENIED: AccessDenied,
    "ResourceNotFoundError": NotFound,
    "ThrottlingError": Throttled,
    "InternalServerError": ServerFault,
}
_KINDS_OF_STATUS: Final[dict[int | None, type[ApiError]]] = {
    400: RequestNotAccepted,
    401: AccessDenied,
    403: AccessDenied,
    413: RequestNotAccepted,
    422: RequestNotAccepted,
    429: Throttled,
}


def graphql_response(response: HttpResponse) -> GraphQLResponse:
    """Parse the body as a GraphQL response. Its errors count whatever the status; a denial by status becomes one."""
    parsed = readable(lambda: parse_response(response.body))
    if parsed is not None and (parsed.errors or response.status < 300):
        return parsed
    if response.status in (401, 403) and not response.is_throttled:
        return GraphQLResponse(errors=(ServiceError(type=ACCESS_DENIED),))
    raise _fault_of_status(response)


def is_denied(response: GraphQLResponse, http_status: int) -> bool:
    """Return whether the token may have been denied: with data for any field, it was valid."""
    has_data = response.data is not None and any(value is not None for value in response.data.values())
    return not has_data and any(_kind(error, http_status) is AccessDenied for error in response.errors)


def api_error(error: ServiceError, response: HttpResponse, *, names_field: bool) -> ApiError:
    """Return one entry of a response's errors as an exception.

    Args:
        names_field: it names the requested field. Only then, and if the service classified it, it is a rejection:
            anything else may pass the next time.
    """
    kind, message = _kind(error, response.status), error.detail or error.message
    if kind is Rejected and names_field and error.classified:
        sentence = _REFUSALS.get(error.code or "", "The service refused the request{}.")
        return Rejected(sentence.format(_quoted(message)), code=error.code or error.type, message=message)
    if kind is Rejected or kind is RequestNotAccepted:
        return RequestNotAccepted(
            f"The last call to the service was not accepted{_quoted(message)}.",
            outcome_unknown=error.type == _ABORTED,
            retry_after=response.retry_after,
        )
    if kind is AccessDenied:
        return AccessDenied(
            "The service denied access: check that the credentials have the permission Manage Shopper Privacy "
            "Requests, and that target id and task are this shop's."
        )
    if kind is NotFound and names_field:
        return NotFound(UNKNOWN_TASK)
    if kind is Throttled:
        return Throttled(_RATE_LIMIT_HIT, retry_after=response.retry_after)
    return ServerFault(f"The service failed{_quoted(message)}.", outcome_unknown=True, retry_after=response.retry_after)


def _kind(error: ServiceError, http_status: int) -> type[ApiError]:
    known = _KINDS.get(error.type or "") or _KINDS_OF_STATUS.get(error.status)
    if known is None and names_throttling(error.type or error.message):
        return Throttled
    return known or _KINDS_OF_STATUS.get(http_status, ServerFault)


def _quoted(message: str) -> str:
    return f": {message.rstrip('. ')}" if message else ""


def _fault_of_status(response: HttpResponse) -> ApiError:
    status = response.status
    if response.is_throttled:
        return Throttled(_RATE_LIMIT_HIT, retry_after=response.retry_after)
    if status >= 500:
        return ServerFault(
            f"The service failed (HTTP {status}).", outcome_unknown=True, retry_after=response.retry_after
        )
    if status in (400, 413, 422):
        return RequestNotAccepted(
            f"The last call to the service was not accepted (HTTP {status}).", retry_after=response.retry_after
        )
    if status == 408:
        return Unreachable("The service timed out waiting for the last call.", outcome_unknown=True)
    if status < 300:
        return BadResponse("The service's response cannot be read.", outcome_unknown=True)
    return BadResponse(f"The service sent HTTP {status}: check the setting api_url.")
