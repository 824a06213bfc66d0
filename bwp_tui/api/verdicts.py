"""What an answer's errors, or its bare HTTP status, mean (contract: Errors)."""

from __future__ import annotations

from typing import Final

from bwp_tui.api.errors import (
    AccessDenied,
    ApiError,
    BadAnswer,
    NotFound,
    Rejected,
    ServerFault,
    Throttled,
    Unreachable,
)
from bwp_tui.api.wire import Reply
from bwp_tui.contract.payloads import Answer, ContractBreach, ServiceError, parse_answer

ACCESS_DENIED: Final = "AccessDeniedError"
_CANNOT_CANCEL: Final = "CannotCancelPersonalDataDeletionTask"

# The service's types, and those a GraphQL engine gives of its own when it refuses a document.
_STATUS_OF_TYPE: Final = {
    "ValidationError": 400,
    "InvalidSyntax": 400,
    "OperationNotSupported": 400,
    "ExecutionAborted": 400,
    ACCESS_DENIED: 403,
    "ResourceNotFoundError": 404,
    "ThrottlingError": 429,
    "InternalServerError": 500,
}


def answer_of(reply: Reply) -> Answer:
    """Return the GraphQL answer in `reply`. Its errors count whatever the status; a denial by status becomes one.

    Raises:
        ApiError: the reply is no GraphQL answer, or the status says it failed and no error says why.
    """
    try:
        answer = parse_answer(reply.body)
    except ContractBreach:
        answer = None
    if answer is not None and (answer.errors or reply.status < 300):
        return answer
    if reply.status in (401, 403):
        return Answer(errors=(ServiceError(type=ACCESS_DENIED),))
    raise _fault_of_status(reply)


def is_denied(answer: Answer, http_status: int) -> bool:
    """Say whether the token may be what was denied: where any field was answered, it was good."""
    answered = answer.data is not None and any(value is not None for value in answer.data.values())
    return not answered and any(_status(error, answer, http_status) == 403 for error in answer.errors)


def error_of(error: ServiceError, answer: Answer, reply: Reply) -> ApiError:
    """Return one entry of `answer.errors` as an exception."""
    status = _status(error, answer, reply.status)
    message = error.detail or error.message
    if status == 403:
        return AccessDenied(
            "The service denied access: check that the credentials have the permission Manage Shopper Privacy "
            "Requests, and that the task is this shop's."
        )
    if status == 404:
        return NotFound("The service does not know this task: check the task id and the profile.")
    if status == 429:
        return Throttled("The service was asked too often. It is tried again.", retry_after=reply.retry_after)
    if status == 400:
        return _rejection(error, message)
    return ServerFault(
        f"The service failed{_quoted(message)}. It is tried again.",
        outcome_unknown=True,
        retry_after=reply.retry_after,
    )


def _status(error: ServiceError, answer: Answer, http_status: int) -> int:
    """Return 400, 403, 404, 429 or 500: the kind of the error in HTTP's numbers."""
    told = _STATUS_OF_TYPE.get(error.type or "") or error.status
    if told is None and http_status >= 400:
        told = http_status
    if told is None and not answer.executed:
        told = 400  # GraphQL: an answer without `data` means that nothing was executed
    if told == 401:
        return 403
    return told if told in (400, 403, 404, 429) else 500


def _rejection(error: ServiceError, message: str) -> Rejected:
    if error.code == _CANNOT_CANCEL:
        sentence = f"The deletion can no longer be cancelled{_quoted(message)}."
    else:
        sentence = f"The service refused the request{_quoted(message)}. Correct it, then send it again."
    return Rejected(sentence, code=error.code or error.type, message=message)


def _quoted(message: str) -> str:
    return f": {message.rstrip('. ')}" if message else ""


def _fault_of_status(reply: Reply) -> ApiError:
    status = reply.status
    if status == 429:
        return Throttled("The service was asked too often. It is tried again.", retry_after=reply.retry_after)
    if status >= 500:
        return ServerFault(
            f"The service failed (HTTP {status}). It is tried again.",
            outcome_unknown=True,
            retry_after=reply.retry_after,
        )
    if status in (400, 413, 422):
        return Rejected(f"The service refused the request (HTTP {status}).", code=f"HTTP {status}")
    if status == 408:
        return Unreachable("The service waited too long for the request. It is tried again.", outcome_unknown=True)
    if status < 300:
        return BadAnswer("The service's answer cannot be understood. It is tried again.", outcome_unknown=True)
    return BadAnswer(f"The service answered HTTP {status}: check BWP_API_URL.", transient=False)
