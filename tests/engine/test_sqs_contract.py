"""The client of the event queue, against an SQS that others have written: moto's server, where it is installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bwp_tui.engine.events.queue_errors import EventQueueError
from bwp_tui.engine.events.sqs_queue import MOST_MESSAGES, SqsQueue
from bwp_tui.settings import AwsKey, EventQueue
from tests.waiting import eventually

ThreadedMotoServer: Any = pytest.importorskip("moto.server").ThreadedMotoServer

VISIBILITY_S = 1
MAX_RECEIVES = 2
KEY = AwsKey("AKIAEXAMPLE", "example")


@dataclass
class Served:
    """A queue of moto's, and botocore's client beside ours."""

    botocore: Any
    queue: EventQueue

    @property
    def client(self) -> SqsQueue:
        return SqsQueue(self.queue)

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.botocore.send_message(QueueUrl=self.queue.queue_url, MessageBody=body)


@pytest.fixture
def served() -> Iterator[Served]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    session = pytest.importorskip("botocore.session").Session()
    botocore = session.create_client(
        "sqs",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=KEY.key_id,
        aws_secret_access_key=KEY.secret,
    )
    dead = botocore.create_queue(QueueName="dead")["QueueUrl"]
    arn = botocore.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES})
    attributes = {"VisibilityTimeout": str(VISIBILITY_S), "RedrivePolicy": redrive}
    queue_url = botocore.create_queue(QueueName="events", Attributes=attributes)["QueueUrl"]
    yield Served(botocore, EventQueue(queue_url=queue_url, region="us-east-1", endpoint_url=url, access_key=KEY))
    botocore.close()
    server.stop()


def test_messages_are_received_and_deleted(served: Served) -> None:
    bodies = {f"event {number}" for number in range(MOST_MESSAGES + 3)}
    served.send(*bodies)
    queue, received = served.client, set[str]()
    while messages := queue.receive(0):
        received |= {message.body for message in messages}
        queue.delete([message.receipt_handle for message in messages])
    assert received == bodies
    assert queue.attributes().depth == queue.attributes().in_flight == 0


def test_a_message_returns_with_a_higher_count_until_it_is_a_dead_letter(served: Served) -> None:
    served.send("nonsense")
    queue, counts = served.client, list[int]()

    def is_dead() -> bool:
        counts.extend(message.receives for message in queue.receive(0))
        return queue.attributes().dead_letters == 1

    eventually(is_dead)
    assert counts == list(range(1, MAX_RECEIVES + 1))
    assert queue.attributes().max_receives == MAX_RECEIVES


def test_an_empty_queue_is_waited_for(served: Served) -> None:
    assert served.client.receive(1) == []


def test_a_queue_that_does_not_exist_is_an_error_with_a_sentence(served: Served) -> None:
    gone = EventQueue(
        queue_url=f"{served.queue.queue_url}-other",
        region="us-east-1",
        endpoint_url=served.queue.endpoint_url,
        access_key=KEY,
    )
    with pytest.raises(EventQueueError, match="no event queue"):
        SqsQueue(gone).receive(0)
