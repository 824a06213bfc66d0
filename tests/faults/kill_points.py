"""Named points at which a process ends itself by SIGKILL. Installed from outside: the program knows nothing of them."""

from __future__ import annotations

import functools
import inspect
import itertools
import os
import signal
from collections.abc import Callable
from typing import Any, Final

from bwp_tui.api.client import PrivacyApi
from bwp_tui.engine.events.sqs_queue import SqsQueue
from bwp_tui.engine.runtime.lease import Lease
from bwp_tui.store.commands import requests
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog import intent_outcomes, service_events

ACKNOWLEDGED: Final = "acknowledged"

KILL_POINTS: Final[dict[str, tuple[object, str]]] = {
    "written, not committed": (timeline, "append"),
    "committed, not acknowledged": (requests, "submit"),
    "marked, not sent": (intent_outcomes, "record_sending"),
    "answered, not recorded": (PrivacyApi, "start"),
    "recorded": (intent_outcomes, "record_accepted"),
    "cancellation committed": (requests, "cancel"),
    "cancellation answered": (PrivacyApi, "cancel"),
    "cancellation recorded": (intent_outcomes, "record_cancelled"),
    "polled, not recorded": (PrivacyApi, "poll"),
    "lease tried": (Lease, "acquire"),
}
"""The point lies just after the function's work, before its caller sees the result."""

EVENT_KILL_POINTS: Final[dict[str, tuple[object, str]]] = {
    "event received, not recorded": (SqsQueue, "receive"),
    "task adopted, not committed": (service_events, "_adopt"),
    "event recorded, not deleted": (service_events, "record_events"),
    "event deleted": (SqsQueue, "delete"),
    "duplicate row merged, not committed": (intent_outcomes, "join_duplicate"),
}
"""The same for an engine that receives events."""


def kill_self() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_self_at(point: str, nth: int) -> None:
    """Have this process end the `nth` time that it comes to a point of `KILL_POINTS` or `EVENT_KILL_POINTS`."""
    owner, name = (KILL_POINTS | EVENT_KILL_POINTS)[point]
    passes = itertools.count(1)

    def passed() -> None:
        if next(passes) == nth:
            kill_self()

    setattr(owner, name, _followed_by(getattr(owner, name), passed))


def _followed_by(function: Callable[..., Any], then: Callable[[], None]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaited(*arguments: object, **named: object) -> object:
            result = await function(*arguments, **named)
            then()
            return result

        return awaited

    @functools.wraps(function)
    def called(*arguments: object, **named: object) -> object:
        result = function(*arguments, **named)
        then()
        return result

    return called
