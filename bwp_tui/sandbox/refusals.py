"""The GraphQL errors of the contract, in the shapes its documented examples have."""

from __future__ import annotations

from typing import Final

from graphql import GraphQLError

Classification = dict[str, str | int | dict[str, str]]

_ISSUES: Final = "Input request is not valid, the following issues were encountered: [{}]"


def _error(message: str, classification: Classification) -> GraphQLError:
    return GraphQLError(message, extensions={"classification": classification})


def _validation(message: str, code: str) -> Classification:
    return {"type": "ValidationError", "code": code, "details": {"message": message}}


def _invalid_input(message: str, code: str) -> GraphQLError:
    return _error(message, {**_validation(message, code), "errorType": "ValidationException", "errorCode": 400})


def invalid(*issues: str) -> GraphQLError:
    """Return the refusal of an input; each issue reads `/<operation>/input/… must …`."""
    return _invalid_input(_ISSUES.format(", ".join(issues)), "UnspecifiedError")


def no_email(task: str) -> GraphQLError:
    """Return the refusal of a start without an address; `task` is `personalDataRetrievalTask` or its sister."""
    return _invalid_input(
        f"The dataSubject must have an email specified to initiate a {task}.",
        f"EmailNotProvidedFor{task[0].upper()}{task[1:]}",
    )


def not_cancellable(status: str) -> GraphQLError:
    """Return the refusal of a cancellation after the hold."""
    message = f"The personalDataDeletionTask cannot be cancelled with a status of {status}."
    return _error(message, _validation(message, "CannotCancelPersonalDataDeletionTask"))


def not_found() -> GraphQLError:
    """Return the answer about a task id that is unknown."""
    return _error(
        "Request references a resource which does not exist.",
        {"type": "ResourceNotFoundError", "errorType": "ResourceNotFoundException", "errorCode": 404},
    )


def access_denied() -> GraphQLError:
    """Return the refusal of a caller: token, target or permission."""
    return _error(
        "You do not have sufficient access to perform this action.",
        {"type": "AccessDeniedError", "errorType": "AccessDeniedException", "errorCode": 403},
    )


def throttled() -> GraphQLError:
    """Return the refusal of a caller who comes too often. Type documented, the rest inferred."""
    return _error(
        "Rate exceeded.",
        {"type": "ThrottlingError", "errorType": "ThrottlingException", "errorCode": 429},
    )


def internal() -> GraphQLError:
    """Return the answer for a fault of the service. Type documented, the rest inferred."""
    return _error(
        "An internal error occurred.",
        {"type": "InternalServerError", "errorType": "InternalServerException", "errorCode": 500},
    )
