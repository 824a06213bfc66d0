"""Serve the practice queues with the operations of SQS that this program uses, in its JSON protocol."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from bwp_tui.sandbox.events.message_queue import MAX_RECEIVES, Message, MessageQueue
from bwp_tui.sandbox.events.signature import SignatureCheck, SignatureRefusedError
from bwp_tui.sandbox.events.subscriptions import ACCOUNT
from bwp_tui.sandbox.faults import Faults
from bwp_tui.sandbox.http_connection import HttpRequest, HttpResponse

TARGET_PREFIX: Final = "AmazonSQS."
"""What the header `X-Amz-Target` of a request to SQS begins with."""

_JSON_TYPE: Final = ("Content-Type", "application/x-amz-json-1.0")
_RECEIVE_CHECK_S: Final = 0.05
_DAY_S: Final = 86_400
_LONGEST_WAIT_S: Final = 20
_MOST_MESSAGES: Final = 10

Json = dict[str, Any]


class SqsError(Exception):
    """A request is refused. `name` is the error's in the JSON protocol, `code` the one that clients are shown."""

    def __init__(self, name: str, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.name = name
        self.code = code
        self.status = status


@dataclass(slots=True)
class SqsServer:
    """The SQS endpoint. `deliver` sends the events that are due; it runs before messages are read or counted."""

    queues: Sequence[MessageQueue]
    signature: SignatureCheck
    faults: Faults
    region: str
    deliver: Callable[[], None]

    async def respond(self, request: HttpRequest) -> HttpResponse | None:
        """Return the response, or None to close the connection without one."""
        if self.faults.hits("queue-down"):
            return None
        try:
            return _response(200, await self._carry_out(request))
        except SqsError as error:
            body = {"__type": error.name, "message": str(error)}
            return _response(error.status, body, ("x-amzn-query-error", f"{error.code};Sender"))

    async def _carry_out(self, request: HttpRequest) -> Json:
        try:
            self.signature.check(request)
        except SignatureRefusedError as refusal:
            raise SqsError(f"com.amazon.coral.service#{refusal.code}", refusal.code, str(refusal), 403) from None
        action = request.headers.get("x-amz-target", "").removeprefix(TARGET_PREFIX)
        if self.faults.hits("queue-denied"):
            raise SqsError(
                "com.amazon.coral.service#AccessDeniedException",
                "AccessDenied",
                f"User: arn:aws:iam::{ACCOUNT}:user/practice is not authorized to perform: sqs:{action.lower()} "
                "because no identity-based policy allows the action",
                403,
            )
        try:
            parameters = json.loads(request.body)
        except ValueError:
            raise SqsError("com.amazon.coral.service#SerializationException", "SerializationException", "") from None
        if action == "GetQueueUrl":
            queue = self._queue(parameters.get("QueueName"))
            return {"QueueUrl": f"http://{request.headers['host']}/{ACCOUNT}/{queue.name}"}
        queue = self._queue(urlsplit(str(parameters.get("QueueUrl"))).path.removeprefix(f"/{ACCOUNT}/"))
        match action:
            case "ReceiveMessage":
                return await self._receive(queue, parameters)
            case "DeleteMessageBatch":
                return _delete_batch(queue, parameters)
            case "GetQueueAttributes":
                return self._attributes(queue, parameters)
        raise SqsError("com.amazon.coral.service#UnknownOperationException", "InvalidAction", "")

    def _queue(self, name: object) -> MessageQueue:
        for queue in self.queues:
            if queue.name == name:
                return queue
        raise SqsError(
            "com.amazonaws.sqs#QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist.",
        )

    async def _receive(self, queue: MessageQueue, parameters: Json) -> Json:
        most = _number(parameters, "MaxNumberOfMessages", 1, (1, _MOST_MESSAGES))
        wait = _number(parameters, "WaitTimeSeconds", _LONGEST_WAIT_S, (0, _LONGEST_WAIT_S))
        clock = asyncio.get_running_loop().time
        deadline = clock() + wait
        while True:
            self.deliver()
            messages = queue.receive(most)
            if messages or clock() >= deadline:
                break
            await asyncio.sleep(_RECEIVE_CHECK_S)
        names = {*parameters.get("AttributeNames", ()), *parameters.get("MessageSystemAttributeNames", ())}
        return {"Messages": [_message(message, names) for message in messages]} if messages else {}

    def _attributes(self, queue: MessageQueue, parameters: Json) -> Json:
        self.deliver()
        depth = queue.depth()
        attributes = {
            "QueueArn": self._arn(queue),
            "ApproximateNumberOfMessages": str(depth.visible),
            "ApproximateNumberOfMessagesNotVisible": str(depth.in_flight),
            "ApproximateNumberOfMessagesDelayed": str(depth.delayed),
            "VisibilityTimeout": str(int(queue.visibility.total_seconds())),
            "ReceiveMessageWaitTimeSeconds": str(_LONGEST_WAIT_S),
            "MessageRetentionPeriod": str(14 * _DAY_S),
            "SqsManagedSseEnabled": "true",
            "Policy": self._policy(queue),
        }
        if queue.dead_letters is not None:
            redrive = {"deadLetterTargetArn": self._arn(queue.dead_letters), "maxReceiveCount": MAX_RECEIVES}
            attributes["RedrivePolicy"] = json.dumps(redrive)
        wanted = parameters.get("AttributeNames") or []
        return {"Attributes": {name: attributes[name] for name in attributes if "All" in wanted or name in wanted}}

    def _arn(self, queue: MessageQueue) -> str:
        return f"arn:aws:sqs:{self.region}:{ACCOUNT}:{queue.name}"

    def _policy(self, queue: MessageQueue) -> str:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self._arn(queue),
            "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:events:{self.region}:{ACCOUNT}:rule/*"}},
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _delete_batch(queue: MessageQueue, parameters: Json) -> Json:
    entries: list[Json] = parameters.get("Entries") or []
    if not entries:
        raise _refusal(
            "EmptyBatchRequest", "There should be at least one DeleteMessageBatchRequestEntry in the request."
        )
    if len(entries) > _MOST_MESSAGES:
        sentence = f"Maximum number of entries per request are {_MOST_MESSAGES}. You have sent {len(entries)}."
        raise _refusal("TooManyEntriesInBatchRequest", sentence)
    if len({entry["Id"] for entry in entries}) < len(entries):
        raise _refusal("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
    successful, failed = [], []
    for entry in entries:
        try:
            queue.delete(str(entry.get("ReceiptHandle")))
            successful.append({"Id": entry["Id"]})
        except ValueError:
            why = {"Code": "ReceiptHandleIsInvalid", "Message": "The input receipt handle is invalid."}
            failed.append({"Id": entry["Id"], **why, "SenderFault": True})
    return {"Successful": successful, "Failed": failed}


def _number(parameters: Json, name: str, default: int, bounds: tuple[int, int]) -> int:
    number = parameters.get(name, default)
    if not isinstance(number, int) or not bounds[0] <= number <= bounds[1]:
        raise SqsError(
            "com.amazon.coral.service#InvalidParameterValueException",
            "InvalidParameterValue",
            f"Value {number} for parameter {name} is invalid. Reason: Must be >= {bounds[0]} and <= {bounds[1]}, if "
            "provided.",
        )
    return number


def _refusal(name: str, sentence: str) -> SqsError:
    return SqsError(f"com.amazonaws.sqs#{name}", f"AWS.SimpleQueueService.{name}", sentence)


def _message(message: Message, names: set[str]) -> Json:
    first = message.first_received_at or message.sent_at
    attributes = {
        "ApproximateReceiveCount": str(message.receives),
        "SentTimestamp": str(int(message.sent_at.timestamp() * 1000)),
        "ApproximateFirstReceiveTimestamp": str(int(first.timestamp() * 1000)),
    }
    document: Json = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt_handle,
        "Body": message.body,
        "MD5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
    }
    wanted = {name: value for name, value in attributes.items() if "All" in names or name in names}
    return {**document, "Attributes": wanted} if wanted else document


def _response(status: int, document: Json, *headers: tuple[str, str]) -> HttpResponse:
    return HttpResponse(status, (_JSON_TYPE, *headers), json.dumps(document).encode())
