"""Parse the service's events as EventBridge delivers them.

What the queue holds besides is not for this program: `ContractViolation` says so, and quotes nothing of it.
"""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Final

from bwp_tui.contract.documents import POLL_FIELDS
from bwp_tui.contract.payloads import ContractViolation
from bwp_tui.contract.value_readers import read_instant
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, ServiceEvent, is_task_id

LONGEST_BODY: Final = 256 * 1024
"""Bytes of the largest event that EventBridge delivers."""

_SOURCE: Final = "aws.partner/buywithprime/"
_TYPES: Final = {
    ServiceEvent("", kind, status, "", None).type: (kind, status)
    for kind, status in product(Kind, (Status.COMPLETED, Status.FAILED))
}
EVENT_TYPES: Final = tuple(_TYPES)
"""The event types that concern privacy requests."""

_TRAILING_COMMA: Final = re.compile(r",(?=\s*[\]}])")


def parse_event(body: str) -> ServiceEvent:
    """Parse the body of a message; commas before a closing bracket are ignored, as in the service's own examples."""
    if len(body.encode("utf-8", "surrogatepass")) > LONGEST_BODY:
        raise ContractViolation("The message is longer than any event.")
    envelope = _json(body) or _json(_TRAILING_COMMA.sub("", body))
    if not isinstance(envelope, dict):
        raise ContractViolation("The message is no JSON object.")
    kind, status = _TYPES.get(str(envelope.get("detail-type")), (None, None))
    if kind is None or status is None or not str(envelope.get("source")).startswith(_SOURCE):
        raise ContractViolation("The message is no event about a privacy request.")
    event_id = envelope.get("id")
    if not isinstance(event_id, str) or not is_task_id(event_id):  # AWS's ids have the same form
        raise ContractViolation("The event has no id.")
    return ServiceEvent(
        event_id, kind, status, _task_id(envelope.get("resources"), kind), read_instant(envelope.get("time"))
    )


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _task_id(resources: object, kind: Kind) -> str:
    """Return the task id that the resources name: keys, which are fields of a poll, and values in turn."""
    found = set()
    for resource in resources if isinstance(resources, list) else ():
        parts = resource.split("/") if isinstance(resource, str) else []
        found.add(dict(zip(parts[::2], parts[1::2], strict=False)).get(POLL_FIELDS[kind]))
    found.discard(None)
    task_id = found.pop() if len(found) == 1 else None
    if task_id is None or not is_task_id(task_id):
        raise ContractViolation("The event does not name one task.")
    return task_id
