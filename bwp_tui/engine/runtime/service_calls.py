"""Call the service for a command, outside of the engine: check its use, and manage event subscriptions.

Calls about subscriptions raise ServiceCallError where they fail, and SettingsError where the settings cannot be used.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from bwp_tui.contract.payloads import SubscriptionPayload
from bwp_tui.domain.task import Kind
from bwp_tui.engine.runtime.engine_config import EngineConfig, connect
from bwp_tui.settings import SettingsError

if TYPE_CHECKING:
    from bwp_tui.api.client import PrivacyApi
    from bwp_tui.api.errors import ApiError

_TIMEOUT_S: Final = 15.0
_DENIED: Final = (
    "The service denied access: check the target id, and that the credentials have the permission Manage Shopper "
    "Privacy Requests."
)
_ALREADY: Final = "SubscriptionAlreadyExists"

_Result = TypeVar("_Result")


class ServiceCallError(Exception):
    """A call failed; `str()` is a sentence for the operator."""

    def __init__(self, sentence: str, *, is_transient: bool) -> None:
        super().__init__(sentence)
        self.is_transient = is_transient


@dataclass(frozen=True, slots=True)
class ServiceCheck:
    """The result of a probe, with a sentence for the operator."""

    reachable: bool
    sentence: str


def check_service(config: EngineConfig) -> ServiceCheck:
    """Obtain a token and poll a task id that cannot exist: "not found" proves all that a poll needs."""
    from bwp_tui.api.errors import AccessDenied, ApiError, NotFound

    task_id = str(uuid.uuid4())
    try:
        result = _call(config, lambda api: api.poll([(Kind.RETRIEVAL, task_id)]))[task_id]
    except (ServiceCallError, SettingsError) as error:
        return ServiceCheck(False, str(error))
    if isinstance(result, AccessDenied):
        return ServiceCheck(False, _DENIED)
    if isinstance(result, ApiError) and not isinstance(result, NotFound):
        return ServiceCheck(False, _sentence(result))
    return ServiceCheck(True, "The service responds and accepts the credentials.")


def subscriptions(config: EngineConfig) -> list[SubscriptionPayload]:
    """Return the shop's event subscriptions."""
    return _call(config, lambda api: api.subscriptions())


def subscribe(config: EngineConfig, event_type: str, region: str, account: str, source_name: str) -> str | None:
    """Subscribe to an event type; return the subscription's id, or None if the shop had subscribed already."""
    from bwp_tui.api.errors import Rejected

    async def attempt(api: PrivacyApi) -> str | None:
        try:
            return await api.subscribe(event_type, region, account, source_name)
        except Rejected as refusal:
            if refusal.code == _ALREADY:
                return None
            raise

    return _call(config, attempt)


def unsubscribe(config: EngineConfig, subscription_id: str) -> None:
    """End a subscription."""
    _call(config, lambda api: api.unsubscribe(subscription_id))


def _call(config: EngineConfig, call: Callable[[PrivacyApi], Awaitable[_Result]]) -> _Result:
    """Run a call of the API to its end, within `_TIMEOUT_S`."""

    async def run() -> _Result:
        async with contextlib.aclosing(connect(config)) as api:
            return await asyncio.wait_for(call(api), _TIMEOUT_S)

    from bwp_tui.api.errors import ApiError

    try:
        return asyncio.run(run())
    except TimeoutError:
        raise ServiceCallError("The service did not respond in time. Try again later.", is_transient=True) from None
    except ApiError as error:
        raise ServiceCallError(_sentence(error), is_transient=_is_transient(error)) from None


def _sentence(error: ApiError) -> str:
    return f"{error} Try again later." if _is_transient(error) else str(error)


def _is_transient(error: ApiError) -> bool:
    """Return whether the same call with the same credentials may succeed later."""
    from bwp_tui.api.errors import BadCredentials

    return error.transient and not isinstance(error, BadCredentials)
