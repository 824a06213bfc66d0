"""Make the service's GraphQL errors, and check the input of a start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from graphql import GraphQLError

from bwp_tui.domain.task import EMAIL_PATTERN, LONGEST_HOLDING_PERIOD

Classification = dict[str, str | int | dict[str, str]]

SHORTEST_TOKEN: Final = 36
LONGEST_TOKEN: Final = 64
"""Characters of a client token, the documented bounds."""

_INVALID_INPUT: Final = "Input request is not valid, the following issues were encountered: [{}]"


def _error(message: str, classification: Classification) -> GraphQLError:
    return GraphQLError(message, extensions={"classification": classification})


def _standard(name: str, code: int, message: str) -> GraphQLError:
    return _error(message, {"type": f"{name}Error", "errorType": f"{name}Exception", "errorCode": code})


def _validation(message: str, code: str) -> Classification:
    return {"type": "ValidationError", "code": code, "details": {"message": message}}


def _invalid_input(message: str, code: str) -> GraphQLError:
    return _error(message, {**_validation(message, code), "errorType": "ValidationException", "errorCode": 400})


def invalid(*issues: str) -> GraphQLError:
    """Return the refusal of an input; each issue reads `/<operation>/input/… must …`."""
    return _invalid_input(_INVALID_INPUT.format(", ".join(issues)), "UnspecifiedError")


def refused(message: str, code: str) -> GraphQLError:
    """Return the refusal of a call under a code of its own."""
    return _error(message, _validation(message, code))


def not_cancellable(status: str) -> GraphQLError:
    """Return the refusal of a cancellation after the hold."""
    message = f"The personalDataDeletionTask cannot be cancelled with a status of {status}."
    return refused(message, "CannotCancelPersonalDataDeletionTask")


def resource_not_found() -> GraphQLError:
    """Return the response about the id of an unknown task or subscription."""
    return _standard("ResourceNotFound", 404, "Request references a resource which does not exist.")


def access_denied() -> GraphQLError:
    """Return the refusal of a caller: token, target or permission."""
    return _standard("AccessDenied", 403, "You do not have sufficient access to perform this action.")


def throttled() -> GraphQLError:
    """Return the refusal of a caller that sends too many requests. Type documented, the rest inferred."""
    return _standard("Throttling", 429, "Rate exceeded.")


def internal() -> GraphQLError:
    """Return the error of a fault of the service. Type documented, the rest inferred."""
    return _standard("InternalServer", 500, "An internal error occurred.")


def start_mistake(
    field: str, email: str | None, client_token: str | None, holding_period: int | None
) -> GraphQLError | None:
    """Return what is wrong with the input of a start operation, or None."""
    if not email:
        task = field.removeprefix("start")
        sentence = f"The dataSubject must have an email specified to initiate a {task[0].lower()}{task[1:]}."
        return _invalid_input(sentence, f"EmailNotProvidedFor{task}")
    issues = [f"/{field}/input/{issue}" for issue in _issues(email, client_token, holding_period)]
    return invalid(*issues) if issues else None


def _issues(email: str, client_token: str | None, holding_period: int | None) -> Iterator[str]:
    if EMAIL_PATTERN.fullmatch(email) is None:
        yield f'dataSubject/email must match "{EMAIL_PATTERN.pattern}"'
    if client_token is not None and not SHORTEST_TOKEN <= len(client_token) <= LONGEST_TOKEN:
        yield f"clientToken/token size must be between {SHORTEST_TOKEN} and {LONGEST_TOKEN}"
    if holding_period is not None and holding_period < 0:
        yield "holdingPeriod must be greater than or equal to 0"
    if holding_period is not None and holding_period > LONGEST_HOLDING_PERIOD:
        yield f"holdingPeriod must be less than or equal to {LONGEST_HOLDING_PERIOD}"
