"""The event subscriptions of the practice shop."""

from __future__ import annotations

import random
import threading
from typing import Final, NamedTuple

from bwp_tui.sandbox.refusals import refused, resource_not_found
from bwp_tui.sandbox.task_outcomes import seeded_uuid

ACCOUNT: Final = "919191919191"
"""The AWS account of the practice shop."""


class Destination(NamedTuple):
    """A partner event source of an AWS account."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The ARN of the partner event source."""
        return f"arn:aws:events:{self.region}::event-source/aws.partner/buywithprime/{self.name}"


class Subscription(NamedTuple):
    subscription_id: str
    event_type: str
    destination: Destination


class Subscriptions:
    """All subscriptions of one practice shop. Every method may be called from any thread."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self._ids = random.Random(f"{seed}/subscriptions")  # noqa: S311  repeatable, no secret
        self._by_id: dict[str, Subscription] = {}

    def create(self, event_type: str, destination: Destination) -> str:
        """Subscribe to an event type and return the subscription's id, unless the service refuses that."""
        with self._lock:
            for known in self._by_id.values():
                if known.destination.name == destination.name and known.destination != destination:
                    message = "The provided Amazon Partner Event Source name already exists."
                    raise refused(message, "DestinationNameAlreadyExists")
                if (known.event_type, known.destination) == (event_type, destination):
                    raise refused("The subscription already exists.", "SubscriptionAlreadyExists")
            subscription_id = seeded_uuid(self._ids)
            self._by_id[subscription_id] = Subscription(subscription_id, event_type, destination)
            return subscription_id

    def delete(self, subscription_id: str) -> None:
        """End a subscription."""
        with self._lock:
            if self._by_id.pop(subscription_id, None) is None:
                raise resource_not_found()

    def look_up(self, subscription_id: str) -> Subscription:
        """Return a subscription."""
        with self._lock:
            found = self._by_id.get(subscription_id)
            if found is None:
                raise resource_not_found()
            return found

    def all(self) -> list[Subscription]:
        with self._lock:
            return list(self._by_id.values())
