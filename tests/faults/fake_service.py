"""The service without its sockets: the practice API's books behind the client's own methods, failing as it is told."""

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
from bwp_tui.sandbox.service_state import NotOnHoldError, SandboxState, UnknownTaskError

REFUSED_NAME: Final = "refused"
"""The service refuses every request about this name."""


class Killed(BaseException):
    """The process ends here. No `except Exception` may stop it."""


class Mood(StrEnum):
    """What becomes of one call."""

    FINE = "fine"
    LOST = "carried out, and the answer lost"
    GARBLED = "carried out, and the answer garbled"
    KILLED_BEFORE = "killed before it arrives"
    KILLED_AFTER = "killed after it is carried out"
    UNREACHABLE = "no server"
    CUT = "the line cut before it arrives"
    FAULTY = "a fault of the server"
    THROTTLED = "too many"
    DENIED = "denied"
    NOT_ACCEPTED = "refused by a gateway"
    SLIPPED = "said not to know it"
    MEDDLED = "an operator asks for its cancellation meanwhile"
    STRANGE = "a status nobody has heard of"
    SLOW = "minutes pass before it arrives"
    LEFT_OUT = "a task left out of the answer"


_TROUBLES: Final[dict[Mood, Callable[[], ApiError]]] = {
    Mood.UNREACHABLE: lambda: Unreachable("No server."),
    Mood.CUT: lambda: Unreachable("The line broke.", outcome_unknown=True),
    Mood.FAULTY: lambda: ServerFault("The service failed.", outcome_unknown=True),
    Mood.THROTTLED: lambda: Throttled("Too often.", retry_after=3.0),
    Mood.DENIED: lambda: AccessDenied("Denied."),
    Mood.NOT_ACCEPTED: lambda: RequestNotAccepted("HTTP 400."),
    Mood.SLIPPED: lambda: NotFound("No such task."),
}


class FakeService(PrivacyApi):
    """A client whose calls go straight to the books. Moods are used up a call; then all is fine."""

    def __init__(
        self, state: SandboxState, clock: Clock, meddle: Callable[[], None], stand_still: Callable[[], None]
    ) -> None:
        # Not the client's own: there is no endpoint.
        self._state = state
        self._clock = clock
        self._meddle = meddle
        self._stand_still = stand_still
        self.asking: deque[Mood] = deque()
        """Of calls that ask for something."""
        self.polling: deque[Mood] = deque()

    async def start(
        self,
        kind: Kind,
        email: str,
        client_token: str,
        holding_period: int | None = None,
        reason: str | None = None,  # noqa: ARG002  the client's signature
    ) -> str:
        """Start a task in the books."""
        mood = self._arrive(self.asking)
        if email.startswith(REFUSED_NAME):
            raise Rejected("Refused.", code="UnspecifiedError", message="must be another")
        task_id = self._state.start(kind, email, client_token=client_token, holding_period=holding_period)
        self._answer(mood)
        return task_id

    async def cancel(self, task_id: str) -> None:
        """Cancel a task in the books."""
        mood = self._arrive(self.asking)
        try:
            self._state.cancel(task_id)
        except UnknownTaskError:
            raise NotFound("No such task.") from None
        except NotOnHoldError:
            raise Rejected("Not on hold.", code=CANNOT_CANCEL) from None
        self._answer(mood)

    async def poll(self, tasks: Sequence[tuple[Kind, str]]) -> dict[str, TaskPayload | ApiError]:
        """Look tasks up in the books."""
        mood = self._arrive(self.polling)
        answers = {task_id: self._look_up(kind, task_id, mood) for kind, task_id in tasks}
        self._answer(mood)
        if mood is Mood.LEFT_OUT:
            answers.popitem()
        return answers

    def service_now(self) -> datetime:
        """Return the time by the service's clock."""
        return self._clock()

    async def refresh_clock(self, *, if_stale: bool) -> None:
        """There is nothing to ask for."""

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _arrive(self, moods: deque[Mood]) -> Mood:
        mood = moods.popleft() if moods else Mood.FINE
        if mood is Mood.KILLED_BEFORE:
            raise Killed
        if mood in _TROUBLES:
            raise _TROUBLES[mood]()
        if mood is Mood.SLOW:
            self._stand_still()
        if mood is Mood.MEDDLED:
            self._meddle()
        return mood

    def _answer(self, mood: Mood) -> None:
        if mood is Mood.KILLED_AFTER:
            raise Killed
        if mood is Mood.LOST:
            raise Unreachable("The line broke.", outcome_unknown=True)
        if mood is Mood.GARBLED:
            raise BadResponse("Not understood.", outcome_unknown=True)

    def _look_up(self, kind: Kind, task_id: str, mood: Mood) -> TaskPayload | ApiError:
        try:
            task = self._state.find(kind, task_id)
        except UnknownTaskError:
            return NotFound("No such task.")
        return parse_task(
            {
                "taskId": task.task_id,
                "status": "PONDERING" if mood is Mood.STRANGE else task.status.value,
                "submissionDate": format_instant(task.submitted_at),
                "dataSubject": {"type": "SHOPPER", "email": task.email},
                "holdingPeriod": task.holding_period,
            },
            task_id,
        )
