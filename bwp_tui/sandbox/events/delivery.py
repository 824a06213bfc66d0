"""Send the events of ended tasks to the practice queue, as EventBridge does."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, timedelta

from bwp_tui.contract.documents import POLL_FIELDS
from bwp_tui.sandbox.events.message_queue import MessageQueue
from bwp_tui.sandbox.events.subscriptions import ACCOUNT, Subscriptions
from bwp_tui.sandbox.faults import Faults
from bwp_tui.sandbox.sandbox_state import SandboxState, TaskSnapshot
from bwp_tui.sandbox.task_outcomes import seeded_uuid


@dataclass(slots=True)
class EventDelivery:
    """Sends one event for each ended task to whose event type there is a subscription; used by one thread."""

    state: SandboxState
    subscriptions: Subscriptions
    queue: MessageQueue
    faults: Faults
    target_id: str
    late: timedelta
    rng: random.Random

    def deliver(self) -> None:
        """Send the events of the tasks that have ended since the last call."""
        for task in self.state.take_ended():
            event_type = f"PERSONAL_DATA_{task.kind}_TASK_{task.status}"
            subscription = next((each for each in self.subscriptions.all() if each.event_type == event_type), None)
            if subscription is None or self.faults.hits("lost-event"):
                continue
            event = self._event(event_type, task, subscription.destination.arn)
            self.queue.send(json.dumps(event), self.late if self.faults.hits("late-event") else timedelta())
            if self.faults.hits("duplicate-event"):
                again = event if self.rng.random() < 0.5 else {**event, "id": seeded_uuid(self.rng)}
                self.queue.send(json.dumps(again))
            if self.faults.hits("foreign-event"):
                self.queue.send(self.rng.choice(_foreign_bodies(event)))

    def _event(self, event_type: str, task: TaskSnapshot, arn: str) -> dict[str, object]:
        _, _, source = arn.partition("event-source/")
        return {
            "version": "0",
            "id": seeded_uuid(self.rng),
            "detail-type": event_type,
            "source": source,
            "account": ACCOUNT,
            "time": f"{(task.updated_at or task.submitted_at).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "region": arn.split(":")[3],
            "resources": [f"businessProduct/{self.target_id}/{POLL_FIELDS[task.kind]}/{task.task_id}"],
            "detail": {},
        }


def _foreign_bodies(event: dict[str, object]) -> tuple[str, ...]:
    """Return bodies that resemble an event and are none."""
    return (
        json.dumps(
            {**event, "source": "aws.s3", "detail-type": "Object Created", "resources": ["arn:aws:s3:::bucket"]}
        ),
        json.dumps({**event, "detail-type": "PERSONAL_DATA_EXPORT_TASK_COMPLETED"}),
        json.dumps({"Type": "Notification", "Message": json.dumps(event)}),
        json.dumps(event)[:-20],
        json.dumps({**event, "detail": {"padding": "x" * 300_000}}),
    )
