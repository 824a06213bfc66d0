"""Receive and delete the messages of an SQS queue.

The first call imports botocore, which takes a quarter of a second and exists only with the extra `events`.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from bwp_tui import VERSION
from bwp_tui.engine.events.queue_errors import EventQueueError, operator_sentence
from bwp_tui.settings import EventQueue

LONG_POLL_S: Final = 20
MOST_MESSAGES: Final = 10
"""Messages of one response or one deletion; the service's own limit."""

_CONNECT_TIMEOUT_S: Final = 10
_READ_TIMEOUT_S: Final = 30


class Message(NamedTuple):
    """A message of the queue. It returns after its visibility time-out unless it is deleted by its receipt."""

    body: str
    receipt_handle: str
    receives: int
    """How often it was received, this time included."""


class QueueAttributes(NamedTuple):
    """The state of the queue; what AWS does not say is None."""

    depth: int
    """Messages that wait, approximately."""
    in_flight: int
    """Messages that were received and not deleted yet, approximately."""
    dead_letters: int | None
    """Messages in the dead-letter queue, approximately; None if there is none, or it cannot be read."""
    max_receives: int | None
    """How often a message is received before it goes to the dead-letter queue; None without one."""
    visibility_s: int
    policy: str | None
    """The queue's policy, a JSON text."""
    service_time: datetime | None
    """The time by AWS's clock."""


class SqsQueue:
    """The queue of a profile. Its calls block; one thread at a time may make them.

    Each raises EventQueueError where the queue cannot be used now.
    """

    def __init__(self, queue: EventQueue) -> None:
        self._queue = queue
        self._client: Any = None

    def receive(self, wait_s: int = LONG_POLL_S) -> list[Message]:
        """Return up to `MOST_MESSAGES` messages, as soon as there are any, or none after `wait_s` seconds."""
        response = self._call(
            "receive_message",
            QueueUrl=self._queue.queue_url,
            MaxNumberOfMessages=MOST_MESSAGES,
            WaitTimeSeconds=wait_s,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return [
            Message(
                body=message.get("Body", ""),
                receipt_handle=message["ReceiptHandle"],
                receives=_number(message.get("Attributes", {}).get("ApproximateReceiveCount")),
            )
            for message in response.get("Messages", [])
        ]

    def delete(self, receipt_handles: Sequence[str]) -> None:
        """Delete messages; one that cannot be deleted is received again."""
        entries = [{"Id": str(place), "ReceiptHandle": receipt} for place, receipt in enumerate(receipt_handles)]
        for start in range(0, len(entries), MOST_MESSAGES):
            batch = entries[start : start + MOST_MESSAGES]
            self._call("delete_message_batch", QueueUrl=self._queue.queue_url, Entries=batch)

    def attributes(self) -> QueueAttributes:
        """Return the state of the queue."""
        response = self._call("get_queue_attributes", QueueUrl=self._queue.queue_url, AttributeNames=["All"])
        found = response.get("Attributes", {})
        redrive = _json_object(found.get("RedrivePolicy"))
        max_receives = _number(redrive.get("maxReceiveCount")) if redrive else None
        return QueueAttributes(
            depth=_number(found.get("ApproximateNumberOfMessages")),
            in_flight=_number(found.get("ApproximateNumberOfMessagesNotVisible")),
            dead_letters=self._dead_letters(str(redrive.get("deadLetterTargetArn", ""))) if redrive else None,
            max_receives=max_receives,
            visibility_s=_number(found.get("VisibilityTimeout")),
            policy=found.get("Policy"),
            service_time=_http_date(response),
        )

    def _dead_letters(self, arn: str) -> int | None:
        account, _, name = arn.removeprefix("arn:").rpartition(":")
        try:
            url = self._call("get_queue_url", QueueName=name, QueueOwnerAWSAccountId=account[-12:]).get("QueueUrl", "")
            attributes = self._call(
                "get_queue_attributes", QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        except EventQueueError:
            return None  # the right to read it is not needed to receive events
        return _number(attributes.get("Attributes", {}).get("ApproximateNumberOfMessages"))

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        try:
            self._client = self._client or _client(self._queue)
            response: dict[str, Any] = getattr(self._client, method)(**parameters)
        except Exception as error:  # noqa: BLE001  # botocore's errors quote requests, and any may come out of a plug-in
            sentence = operator_sentence(error, self._queue)
        else:
            return response
        self._client = None  # so that new credentials are looked for
        raise EventQueueError(sentence)  # outside of the handler: the cause quotes what it was sent


def _client(queue: EventQueue) -> Any:
    from botocore.config import Config
    from botocore.session import Session

    _silence_loggers()
    key = queue.access_key
    return Session(profile=queue.aws_profile).create_client(
        "sqs",
        region_name=queue.region,
        endpoint_url=queue.endpoint_url,
        # A named bundle replaces botocore's own list, as it does for the API.
        verify=None if os.environ.get("AWS_CA_BUNDLE") else os.environ.get("SSL_CERT_FILE") or None,
        aws_access_key_id=None if key is None else key.key_id,
        aws_secret_access_key=None if key is None else key.secret,
        config=Config(
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=_READ_TIMEOUT_S,
            retries={"total_max_attempts": 1},
            user_agent_extra=f"bwp-tui/{VERSION}",
            # Requests to this machine do not go through a proxy.
            proxies={} if queue.endpoint_url else None,
        ),
    )


def _silence_loggers() -> None:
    """Keep botocore's records from every handler: some quote signed requests, and without one they go to the screen."""
    logger = logging.getLogger("botocore")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _http_date(response: dict[str, Any]) -> datetime | None:
    try:
        return parsedate_to_datetime(response["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (KeyError, ValueError):
        return None


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0


def _json_object(text: object) -> dict[str, Any]:
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}
