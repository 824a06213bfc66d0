"""Check the subscriptions to the service's events, and their queue."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from bwp_tui.cli.setup.event_setup import POLICY_STEP, QUEUE_STEP, VISIBILITY_S, see_step
from bwp_tui.cli.setup.event_status import destinations, missing_types, queue_attributes
from bwp_tui.cli.setup.finding import Finding, Level
from bwp_tui.contract.payloads import SubscriptionPayload
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import format_duration, utc_now
from bwp_tui.engine.events.sqs_queue import LONG_POLL_S, QueueAttributes
from bwp_tui.settings import EventQueue

_DOUBTFUL_SKEW: Final = timedelta(minutes=2)


def check_subscriptions(found: Sequence[SubscriptionPayload], region: str) -> Iterator[Finding]:
    """Check that all events about privacy requests are subscribed to, and go to the region of the queue."""
    missing = missing_types(found)
    if missing:
        yield _finding(Level.WARN, f"No subscription to {', '.join(missing)}: run bwp-tui events subscribe.")
    for source, other in destinations(found).items():
        if other != region:
            yield _finding(Level.WARN, f"The event source {source} is in {other}, the queue in {region}.")
    if not missing:
        yield _finding(Level.OK, "The shop has subscribed to all events about privacy requests.")


def check_queue(queue: EventQueue) -> Iterator[Finding]:
    """Check that the queue can be read, and is set up so that events come and none is lost."""
    found = queue_attributes(queue)
    if isinstance(found, str):
        yield _finding(Level.FAIL, found)
        return
    yield from _check_clock(found)
    warnings = list(_warnings(found))
    yield from (_finding(Level.WARN, warning) for warning in warnings)
    if not warnings:
        waiting = f"{counted(found.depth, 'message')} wait{'s' if found.depth == 1 else ''}"
        yield _finding(Level.OK, f"The queue in {queue.region} can be read; {waiting}.")


def _warnings(found: QueueAttributes) -> Iterator[str]:
    if not _lets_eventbridge_send(found.policy):
        yield f"No policy of the queue lets events.amazonaws.com send to it: {see_step(POLICY_STEP)}."
    if found.max_receives is None:
        yield f"The queue has no dead-letter queue, so what is no event stays in it: {see_step(QUEUE_STEP)}."
    if found.dead_letters:
        yield f"The dead-letter queue has {counted(found.dead_letters, 'message')}: look at them, then purge it."
    if found.visibility_s < LONG_POLL_S:
        yield f"A received message is hidden for {found.visibility_s} s; {VISIBILITY_S} s keep it from coming twice."


def _check_clock(found: QueueAttributes) -> Iterator[Finding]:
    if found.service_time is None:
        return
    skew = utc_now() - found.service_time
    if abs(skew) > _DOUBTFUL_SKEW:
        side = "ahead of" if skew > timedelta() else "behind"
        sentence = f"This machine's clock is {format_duration(abs(skew))} {side} AWS's, which refuses more than 15m."
        yield _finding(Level.WARN, sentence)


def _finding(level: Level, sentence: str) -> Finding:
    return Finding("events", level, sentence)


def _lets_eventbridge_send(policy: str | None) -> bool:
    """Return whether a queue's policy allows EventBridge to send to it, whatever its conditions say."""
    try:
        document = json.loads(policy or "{}")
    except ValueError:
        return False
    statements = document.get("Statement") if isinstance(document, dict) else None
    return any(_allows_eventbridge(each) for each in _listed(statements) if isinstance(each, dict))


def _allows_eventbridge(statement: dict[str, object]) -> bool:
    principal = statement.get("Principal")
    named = principal.values() if isinstance(principal, dict) else [principal]
    principals = {str(each) for names in named for each in _listed(names)}
    actions = [str(action).lower() for action in _listed(statement.get("Action"))]
    return (
        statement.get("Effect") == "Allow"
        and not principals.isdisjoint({"*", "events.amazonaws.com"})
        and any(fnmatchcase("sqs:sendmessage", action) for action in actions)
    )


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
