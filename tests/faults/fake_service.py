"""Fake the service without sockets: the practice API's state behind the client's methods, with faults on request."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from bwp_tui.api.client import PrivacyApi
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
from bwp_tui.api.response_errors import CANNOT_CANCEL
from bwp_tui.contract.payloads import TaskPayload, parse_task
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import Clock, format_instant
from bwp_tui.sandbox.sandbox_state import NotOnHoldError, SandboxState, UnknownTaskError

REFUSED_NAME: Final = "refused"
"""The service refuses every request about this name."""


class Killed(BaseException):
    """The process ends here. No `except Exception` may stop it."""


class CallFault(StrEnum):
    """What becomes of one call."""

    NONE = "none"
    LOST = "carried out, and the answer lost"
    GARBLED = "carried out, and the answer garbled"
    KILLED_BEFORE = "killed before it arrives"
    KILLED_AFTER = "killed after it is carried out"
    UNREACHABLE = "no server"
    CUT = "the line cut before it arrives"
    SERVER_FAULT = "a fault of the server"
    THROTTLED = "too many"
    DENIED = "denied"
    NOT_ACCEPTED = "refused by a gateway"
    TASK_UNKNOWN = "said not to know it"
    CANCELLED_MEANWHILE = "an operator asks for its cancellation meanwhile"
    STATUS_UNKNOWN = "a status nobody has heard of"
    SLOW = "minutes pass before it arrives"
    LEFT_OUT = "a task left out of the answer"


_TROUBLES: Final[dict[CallFault, Callable[[], ApiError]]] = {
    CallFault.UNREACHABLE: lambda: Unreachable("No server."),
    CallFault.CUT: lambda: Unreachable("The line broke.", outcome_unknown=True),
    CallFault.SERVER_FAULT: lambda: ServerFault("The service failed.", outcome_unknown=True),
    CallFault.THROTTLED: lambda: Throttled("Too often.", retry_after=3.0),
    CallFault.DENIED: lambda: AccessDenied("Denied."),
    CallFault.NOT_ACCEPTED: lambda: RequestNotAccepted("HTTP 400."),
    CallFault.TASK_UNKNOWN: lambda: NotFound("No such task."),
}


class FakeService(PrivacyApi):
    """A client whose calls go straight to the service state. Each call uses up a fault while there are any."""

    def __init__(
        self, state: SandboxState, clock: Clock, cancel_all: Callable[[], None], pass_time: Callable[[], None]
    ) -> None:
        # Not the client's own: there is no endpoint.
        self._state = state
        self._clock = clock
        self._cancel_all = cancel_all
        self._pass_time = pass_time
        self.mutation_faults: deque[CallFault] = deque()
        """Of calls that start or cancel a task."""
        self.poll_faults: deque[CallFault] = deque()

    async def start(
        self,
        kind: Kind,
        email: str,
        client_token: str,
        holding_period: int | None = None,
        reason: str | None = None,  # noqa: ARG002  the client's signature
    ) -> str:
        """Start a task in the service state."""
        fault = self._before_call(self.mutation_faults)
        if email.startswith(REFUSED_NAME):
            raise Rejected("Refused.", code="UnspecifiedError", message="must be another")
        task_id = self._state.start(kind, email, client_token=client_token, holding_period=holding_period)
        self._after_call(fault)
        return task_id

    async def cancel(self, task_id: str) -> None:
        """Cancel a task in the service state."""
        fault = self._before_call(self.mutation_faults)
        try:
            self._state.cancel(task_id)
        except UnknownTaskError:
            raise NotFound("No such task.") from None
        except NotOnHoldError:
            raise Rejected("Not on hold.", code=CANNOT_CANCEL) from None
        self._after_call(fault)

    async def poll(self, tasks: Sequence[tuple[Kind, str]]) -> dict[str, TaskPayload | ApiError]:
        """Look tasks up in the service state."""
        fault = self._before_call(self.poll_faults)
        answers = {task_id: self._look_up(kind, task_id, fault) for kind, task_id in tasks}
        self._after_call(fault)
        if fault is CallFault.LEFT_OUT:
            answers.popitem()
        return answers

    def service_now(self) -> datetime:
        """Return the time by the service's clock."""
        return self._clock()

    async def refresh_clock(self, *, if_stale: bool) -> None:
        """There is nothing to ask for."""

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _before_call(self, faults: deque[CallFault]) -> CallFault:
        fault = faults.popleft() if faults else CallFault.NONE
        if fault is CallFault.KILLED_BEFORE:
            raise Killed
        if fault in _TROUBLES:
            raise _TROUBLES[fault]()
        if fault is CallFault.SLOW:
            self._pass_time()
        if fault is CallFault.CANCELLED_MEANWHILE:
            self._cancel_all()
        return fault

    def _after_call(self, fault: CallFault) -> None:
        if fault is CallFault.KILLED_AFTER:
            raise Killed
        if fault is CallFault.LOST:
            raise Unreachable("The line broke.", outcome_unknown=True)
        if fault is CallFault.GARBLED:
            raise BadResponse("Not understood.", outcome_unknown=True)

    def _look_up(self, kind: Kind, task_id: str, fault: CallFault) -> TaskPayload | ApiError:
        try:
            task = self._state.find(kind, task_id)
        except UnknownTaskError:
            return NotFound("No such task.")
        return parse_task(
            {
                "taskId": task.task_id,
                "status": "PONDERING" if fault is CallFault.STATUS_UNKNOWN else task.status.value,
                "submissionDate": format_instant(task.submitted_at),
                "dataSubject": {"type": "SHOPPER", "email": task.email},
                "holdingPeriod": task.holding_period,
            },
            task_id,
        )
