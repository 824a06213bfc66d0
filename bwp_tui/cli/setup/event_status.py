"""Describe the state of the service's events: subscriptions, queue, and what was received."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Final

from bwp_tui.cli.support.streams import in_profile
from bwp_tui.contract.events import EVENT_TYPES
from bwp_tui.contract.payloads import SubscriptionPayload
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import format_duration, iso_instant, stamp, utc_now
from bwp_tui.engine.events.queue_errors import EventQueueError
from bwp_tui.engine.events.sqs_queue import QueueAttributes, SqsQueue
from bwp_tui.settings import EventQueue
from bwp_tui.store.queries.service_events import ReceivedEvent
from bwp_tui.store.worklog.engine_state import QUEUE_IS_READ, EngineState

_ARN: Final = re.compile(r"arn:[^:]+:events:(?P<region>[^:]+):[^:]*:event-source/(?P<source>.+)")


def queue_attributes(queue: EventQueue) -> QueueAttributes | str:
    """Return the state of a queue, or a sentence on why it cannot be used."""
    try:
        return SqsQueue(queue).attributes()
    except EventQueueError as error:
        return str(error)


def missing_types(found: Sequence[SubscriptionPayload]) -> list[str]:
    """Return the event types about privacy requests without a subscription."""
    subscribed = {each.event_type for each in found}
    return [event_type for event_type in EVENT_TYPES if event_type not in subscribed]


def destinations(found: Sequence[SubscriptionPayload]) -> dict[str, str]:
    """Return the regions of the event sources that privacy events go to, by the names of the sources."""
    arns = [_ARN.fullmatch(each.arn or "") for each in found if each.event_type in EVENT_TYPES]
    return {arn["source"]: arn["region"] for arn in arns if arn}


@dataclass(frozen=True, slots=True)
class EventReport:
    """What `bwp-tui events status` prints. A text in place of `subscriptions` or `attributes` says what is wrong."""

    subscriptions: list[SubscriptionPayload] | str
    queue: EventQueue | None
    attributes: QueueAttributes | str | None
    engine: EngineState
    is_engine_running: bool
    received: int
    newest: list[ReceivedEvent]

    def json(self) -> dict[str, object]:
        """Return it as a JSON object; what is unknown is null."""
        found, attributes, delays = self.subscriptions, self.attributes, self._delays()
        last = self.newest[0] if self.newest else None
        return {
            "subscriptions": None if isinstance(found, str) else [each.model_dump() for each in found],
            "subscriptions_trouble": found if isinstance(found, str) else None,
            "queue_url": self.queue and self.queue.queue_url,
            "region": self.queue and self.queue.region,
            "queue": _queue_json(attributes) if isinstance(attributes, QueueAttributes) else None,
            "queue_trouble": attributes if isinstance(attributes, str) else None,
            "engine": self.engine.event_queue_state if self.is_engine_running else None,
            "polls_relaxed": self.engine.polls_relaxed,
            "received": self.received,
            "duplicates": self.engine.duplicate_events,
            "foreign": self.engine.foreign_messages,
            "last_event": last
            and {
                "id": last.task,
                "type": last.type,
                "occurred_at": iso_instant(last.occurred_at),
                "received_at": iso_instant(last.received_at),
            },
            "delay": delays and {"median_s": median(delays), "longest_s": max(delays), "of": len(delays)},
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """Return it as names and texts."""
        yield "subscriptions", self._subscribed()
        if isinstance(self.subscriptions, list):
            for name, region in destinations(self.subscriptions).items():
                yield "source", name
                if self.queue is None or region != self.queue.region:
                    yield "source region", region
        if self.queue is None:
            yield "queue", in_profile("none is set: see bwp-tui events setup")
        else:
            yield "queue", self.queue.queue_url
            yield "region", self.queue.region
            yield from self._queue_lines()
            yield "engine", self._engine()
        if self.received:
            yield from self._received_lines()

    def _subscribed(self) -> str:
        if isinstance(self.subscriptions, str):
            return self.subscriptions
        missing = missing_types(self.subscriptions)
        lacking = f"; not to {', '.join(missing)}" if missing else ""
        return f"to {len(EVENT_TYPES) - len(missing)} of {len(EVENT_TYPES)} event types{lacking}"

    def _queue_lines(self) -> Iterator[tuple[str, str]]:
        found = self.attributes
        if not isinstance(found, QueueAttributes):
            yield "trouble", str(found)
            return
        yield "waiting", f"{counted(found.depth, 'message')}, {found.in_flight} received and not deleted"
        if found.depth + found.in_flight:  # SQS itself does not say it
            yield "oldest message", "unknown here; in CloudWatch it is ApproximateAgeOfOldestMessage"
        unknown = "no queue for them" if found.max_receives is None else "cannot be counted with these rights"
        yield "dead letters", unknown if found.dead_letters is None else str(found.dead_letters)

    def _engine(self) -> str:
        if not self.is_engine_running:
            return "none runs: nothing is read"
        if self.engine.event_queue_state is None:
            return "has not read the queue yet"
        if self.engine.event_queue_state != QUEUE_IS_READ:
            return self.engine.event_queue_state
        return (
            "reads the queue, and polls rarely" if self.engine.polls_relaxed else "reads the queue, and polls as usual"
        )

    def _received_lines(self) -> Iterator[tuple[str, str]]:
        state = self.engine
        yield (
            "received",
            f"{counted(self.received, 'event')}, {counted(state.duplicate_events, 'duplicate')}, "
            f"{counted(state.foreign_messages, 'other message')}",
        )
        last = self.newest[0]
        ago = format_duration(utc_now() - last.received_at)
        what = last.type.removeprefix("PERSONAL_DATA_").replace("_TASK_", " ").lower()
        yield "last event", f"{stamp(last.received_at)} ({ago} ago): #{last.task}, {what}"
        if delays := self._delays():
            typical = format_duration(timedelta(seconds=median(delays)))
            longest = format_duration(timedelta(seconds=max(delays)), rounds_up=True)
            yield "delay", f"{typical} from event to poll, at most {longest} (last {len(delays)})"

    def _delays(self) -> list[float]:
        """Measure how many seconds it took from the newest events to the polls that found what they announced."""
        return [
            max((event.found_at - event.occurred_at).total_seconds(), 0.0)
            for event in self.newest
            if event.found_at is not None and event.occurred_at is not None and event.found_at >= event.received_at
        ]


def _queue_json(found: QueueAttributes) -> dict[str, int | None]:
    return {
        "depth": found.depth,
        "in_flight": found.in_flight,
        "dead_letters": found.dead_letters,
        "max_receives": found.max_receives,
    }
