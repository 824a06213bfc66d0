"""Resolve the GraphQL fields of event subscriptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from bwp_tui.contract.events import EVENT_TYPES
from bwp_tui.sandbox.events.subscriptions import Destination, Subscriptions
from bwp_tui.sandbox.refusals import access_denied, invalid
from bwp_tui.sandbox.sandbox_state import SandboxState

Json = dict[str, object]

_REGION: Final = re.compile(r"(us(-gov)?|ap|ca|cn|eu|sa|af)-(central|(north|south)?(east|west)?)-[0-9]")
_MOST_ON_A_PAGE: Final = 1000


class SubscriptionFields:
    """The four operations on a shop's subscriptions."""

    def __init__(self, state: SandboxState, subscriptions: Subscriptions, target_id: str) -> None:
        self._state = state
        self._subscriptions = subscriptions
        self._target_id = target_id

    def resolvers(self) -> dict[str, Callable[..., Json]]:
        """Return the resolvers by the names of the fields."""
        return {
            "createEventSubscription": self._create,
            "deleteEventSubscription": self._delete,
            "eventSubscription": self._look_up,
            "eventSubscriptions": self._page,
        }

    def _create(self, _info: object, input: Mapping[str, Any]) -> Json:
        self._state.count_call("createEventSubscription")
        event_type, bridge = input["eventType"], input["destination"].get("eventBridge")
        where = "/createEventSubscription/input/destination"
        if bridge is None:
            raise invalid(f"{where}/eventBridge must not be null")
        if _REGION.fullmatch(bridge["region"]) is None:
            raise invalid(f'{where}/eventBridge/region must match "^{_REGION.pattern}$"')
        if event_type not in EVENT_TYPES:
            raise access_denied()
        source = bridge["partnerEventSource"]
        destination = Destination(source["account"], bridge["region"], source["name"])
        return {"subscriptionId": self._subscriptions.create(event_type, destination)}

    def _delete(self, _info: object, subscriptionId: str) -> Json:  # noqa: N803  the schema's name
        self._state.count_call("deleteEventSubscription")
        self._subscriptions.delete(subscriptionId)
        return {"subscriptionId": subscriptionId}

    def _look_up(self, _info: object, subscriptionId: str) -> Json:  # noqa: N803  the schema's name
        self._state.count_call("eventSubscription")
        found = self._subscriptions.look_up(subscriptionId)
        destination = {"__typename": "EventBridgeData", "arn": found.destination.arn}
        return {
            "subscriptionId": found.subscription_id,
            "targetId": self._target_id,
            "eventSubscriptionDetails": {"eventType": found.event_type, "destination": destination},
        }

    def _page(self, _info: object, first: int | None = None, after: str | None = None) -> Json:
        self._state.count_call("eventSubscriptions")
        most = _MOST_ON_A_PAGE if first is None else first
        if not 0 <= most <= _MOST_ON_A_PAGE:
            raise invalid(f"/eventSubscriptions/first must be between 0 and {_MOST_ON_A_PAGE}")
        ids = [known.subscription_id for known in self._subscriptions.all()]
        if not ids:
            raise access_denied()  # documented for an empty list
        start = ids.index(after) + 1 if after in ids else 0
        page = ids[start : start + most]
        return {
            "edges": [{"cursor": each, "node": {"id": each}} for each in page],
            "pageInfo": {
                "startCursor": page[0] if page else None,
                "endCursor": page[-1] if page else None,
                "hasPreviousPage": start > 0,
                "hasNextPage": start + most < len(ids),
            },
            "totalCount": len(ids),
        }
