"""The practice queue has the rules of SQS; read with botocore's own client over real sockets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from bwp_tui.domain.times import utc_now
from bwp_tui.sandbox.events.message_queue import MAX_RECEIVES
from bwp_tui.sandbox.server import Sandbox
from tests.manual_clock import ManualClock
from tests.sandbox.aws import code_of, sqs_client
from tests.sandbox.client import Client, exchange
from tests.waiting import eventually

VISIBILITY_S = 60


@pytest.fixture
def clock() -> ManualClock:
    """A clock near botocore's, whose signatures age."""
    return ManualClock(utc_now())


@pytest.fixture
def sqs(sandbox: Sandbox) -> Iterator[Any]:
    client = sqs_client(sandbox)
    yield client
    client.close()


@pytest.fixture
def ended(client: Client, clock: ManualClock) -> str:
    """The task id of a retrieval that has ended, whose event is in the queue."""
    task_id = client.start_retrieval("ann@example.com")
    clock.advance(seconds=10)
    return task_id


def receive(sqs: Any, queue_url: str, **changes: Any) -> list[dict[str, Any]]:
    arguments = {
        "QueueUrl": queue_url,
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": 0,
        "MessageSystemAttributeNames": ["All"],
    }
    messages: list[dict[str, Any]] = sqs.receive_message(**(arguments | changes)).get("Messages", [])
    return messages


def attributes(sqs: Any, queue_url: str) -> dict[str, str]:
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
    return found


def test_an_ended_task_sends_the_documented_event(sandbox: Sandbox, sqs: Any, ended: str) -> None:
    (message,) = receive(sqs, sandbox.queue_url)
    event = json.loads(message["Body"])
    assert event["detail-type"] == "PERSONAL_DATA_RETRIEVAL_TASK_COMPLETED"
    assert event["source"] == "aws.partner/buywithprime/practice"
    assert event["resources"] == [f"businessProduct/{sandbox.target_id}/personalDataRetrievalTask/{ended}"]
    assert event["detail"] == {}
    assert set(event) == {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}


def test_a_failed_deletion_sends_its_own_event_type_and_a_cancelled_one_none(
    sandbox: Sandbox, sqs: Any, client: Client, clock: ManualClock
) -> None:
    failing = client.start_deletion("nobody@example.com", holding_period=0)
    cancelled = client.start_deletion("bob@example.com", holding_period=1)
    sandbox.state.cancel(cancelled)
    clock.advance(seconds=20)
    (message,) = receive(sqs, sandbox.queue_url)
    event = json.loads(message["Body"])
    assert event["detail-type"] == "PERSONAL_DATA_DELETION_TASK_FAILED"
    assert event["resources"][0].endswith(f"/personalDataDeletionTask/{failing}")
    clock.advance(seconds=400)
    assert len(receive(sqs, sandbox.queue_url)) == 1, "the first message again, and no other"


def test_past_tasks_in_progress_send_events_when_they_end_and_ended_ones_do_not(clock: ManualClock) -> None:
    with Sandbox(clock=clock, tasks=40) as sandbox:
        sqs = sqs_client(sandbox)
        assert receive(sqs, sandbox.queue_url) == []
        clock.advance(seconds=60)
        assert receive(sqs, sandbox.queue_url)
        sqs.close()


@pytest.mark.usefixtures("ended")
def test_a_received_message_is_hidden_for_the_visibility_timeout_and_then_received_again(
    sandbox: Sandbox, sqs: Any, clock: ManualClock
) -> None:
    (first,) = receive(sqs, sandbox.queue_url)
    assert first["Attributes"]["ApproximateReceiveCount"] == "1"
    clock.advance(seconds=VISIBILITY_S - 1)
    assert receive(sqs, sandbox.queue_url) == []
    clock.advance(seconds=1)
    (second,) = receive(sqs, sandbox.queue_url)
    assert second["MessageId"] == first["MessageId"]
    assert second["Body"] == first["Body"]
    assert second["ReceiptHandle"] != first["ReceiptHandle"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert second["Attributes"]["SentTimestamp"] == first["Attributes"]["SentTimestamp"]


@pytest.mark.usefixtures("ended")
def test_a_deleted_message_never_comes_again(sandbox: Sandbox, sqs: Any, clock: ManualClock) -> None:
    (message,) = receive(sqs, sandbox.queue_url)
    entry = {"Id": "a", "ReceiptHandle": message["ReceiptHandle"]}
    done = sqs.delete_message_batch(QueueUrl=sandbox.queue_url, Entries=[entry])
    assert [each["Id"] for each in done["Successful"]] == ["a"]
    clock.advance(seconds=VISIBILITY_S * 2)
    assert receive(sqs, sandbox.queue_url) == []
    assert sqs.delete_message_batch(QueueUrl=sandbox.queue_url, Entries=[entry])["Successful"], "again is no error"


@pytest.mark.usefixtures("ended")
def test_an_older_receipt_does_not_delete_a_message_that_was_received_again(
    sandbox: Sandbox, sqs: Any, clock: ManualClock
) -> None:
    (first,) = receive(sqs, sandbox.queue_url)
    clock.advance(seconds=VISIBILITY_S)
    receive(sqs, sandbox.queue_url)
    entry = {"Id": "a", "ReceiptHandle": first["ReceiptHandle"]}
    sqs.delete_message_batch(QueueUrl=sandbox.queue_url, Entries=[entry])
    clock.advance(seconds=VISIBILITY_S)
    assert len(receive(sqs, sandbox.queue_url)) == 1


@pytest.mark.usefixtures("ended")
def test_a_message_received_too_often_goes_to_the_dead_letter_queue(
    sandbox: Sandbox, sqs: Any, clock: ManualClock
) -> None:
    for _ in range(MAX_RECEIVES):
        (message,) = receive(sqs, sandbox.queue_url)
        clock.advance(seconds=VISIBILITY_S)
    assert receive(sqs, sandbox.queue_url) == []
    assert attributes(sqs, sandbox.dead_letter_url)["ApproximateNumberOfMessages"] == "1"
    (dead,) = receive(sqs, sandbox.dead_letter_url)
    assert dead["MessageId"] == message["MessageId"]
    assert dead["Body"] == message["Body"]


def test_a_long_poll_returns_as_soon_as_an_event_comes(
    sandbox: Sandbox, sqs: Any, client: Client, clock: ManualClock
) -> None:
    received: list[dict[str, Any]] = []
    poll = threading.Thread(target=lambda: received.extend(receive(sqs, sandbox.queue_url, WaitTimeSeconds=20)))
    began = time.monotonic()
    poll.start()
    eventually(lambda: sandbox.state.calls["sqs"] == 1)
    client.start_retrieval("ann@example.com")
    clock.advance(seconds=10)
    poll.join()
    assert len(received) == 1
    assert time.monotonic() - began < 19, "it came before the poll's end"


def test_a_long_poll_without_messages_ends_with_none(sandbox: Sandbox, sqs: Any) -> None:
    assert receive(sqs, sandbox.queue_url, WaitTimeSeconds=1) == []


def test_a_receipt_has_at_most_as_many_messages_as_wanted(
    sandbox: Sandbox, sqs: Any, client: Client, clock: ManualClock
) -> None:
    for number in range(13):
        client.start_retrieval(f"shopper{number}@example.com")
    clock.advance(seconds=10)
    batches = [receive(sqs, sandbox.queue_url) for _ in range(3)]
    assert [len(batch) for batch in batches] == [10, 3, 0]
    assert len({message["MessageId"] for batch in batches for message in batch}) == 13


@pytest.mark.usefixtures("ended")
def test_the_attributes_count_visible_hidden_and_delayed_messages(
    sandbox: Sandbox, sqs: Any, client: Client, clock: ManualClock
) -> None:
    receive(sqs, sandbox.queue_url)
    client.start_retrieval("bob@example.com")
    clock.advance(seconds=10)
    found = attributes(sqs, sandbox.queue_url)
    assert found["ApproximateNumberOfMessages"] == "1"
    assert found["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert found["VisibilityTimeout"] == str(VISIBILITY_S)
    redrive = json.loads(found["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == attributes(sqs, sandbox.dead_letter_url)["QueueArn"]
    assert redrive["maxReceiveCount"] == MAX_RECEIVES
    assert "RedrivePolicy" not in attributes(sqs, sandbox.dead_letter_url)
    narrow = sqs.get_queue_attributes(QueueUrl=sandbox.queue_url, AttributeNames=["QueueArn"])["Attributes"]
    assert set(narrow) == {"QueueArn"}


def test_a_queue_is_found_by_its_name(sandbox: Sandbox, sqs: Any) -> None:
    assert sqs.get_queue_url(QueueName="bwp-practice-events")["QueueUrl"] == sandbox.queue_url


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aws_access_key_id": "AKIAOTHER"}, "InvalidClientTokenId"),
        ({"aws_secret_access_key": "other"}, "InvalidSignatureException"),
        ({"region_name": "eu-west-1"}, "InvalidSignatureException"),
    ],
)
def test_another_key_secret_or_region_is_refused(sandbox: Sandbox, changes: dict[str, str], code: str) -> None:
    sqs = sqs_client(sandbox, **changes)
    with pytest.raises(ClientError) as refusal:
        receive(sqs, sandbox.queue_url)
    assert code_of(refusal.value) == code
    sqs.close()


@pytest.mark.parametrize(("minutes", "word"), [(16, "expired"), (-16, "not yet current")])
def test_a_clock_that_is_off_is_refused(
    sandbox: Sandbox, sqs: Any, monkeypatch: pytest.MonkeyPatch, minutes: int, word: str
) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: utc_now() - timedelta(minutes=minutes))
    with pytest.raises(ClientError, match=word) as refusal:
        receive(sqs, sandbox.queue_url)
    assert code_of(refusal.value) == "InvalidSignatureException"


@pytest.mark.usefixtures("ended")
def test_a_request_without_a_signature_or_with_another_body_is_refused(sandbox: Sandbox, sqs: Any) -> None:
    sent: list[Any] = []
    sqs.meta.events.register("before-send.sqs", lambda request, **_: sent.append(request))
    (message,) = receive(sqs, sandbox.queue_url)
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in sent[0].headers.items()}
    again = exchange(sandbox.address, "POST", "/", sent[0].body, headers)
    assert again.status == 200
    body = sent[0].body.replace(b'"WaitTimeSeconds": 0', b'"WaitTimeSeconds": 1')
    assert exchange(sandbox.address, "POST", "/", body, headers).status == 403
    unsigned = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    assert exchange(sandbox.address, "POST", "/", sent[0].body, unsigned).status == 403
    assert message["Body"]


def test_a_queue_that_does_not_exist_and_wrong_numbers_are_refused(sandbox: Sandbox, sqs: Any) -> None:
    with pytest.raises(ClientError) as refusal:
        receive(sqs, f"{sandbox.queue_url}-other")
    assert code_of(refusal.value) == "AWS.SimpleQueueService.NonExistentQueue"
    with pytest.raises(ClientError) as refusal:
        receive(sqs, sandbox.queue_url, MaxNumberOfMessages=11)
    assert code_of(refusal.value) == "InvalidParameterValue"
    nonsense = [{"Id": "a", "ReceiptHandle": "nonsense"}]
    (failed,) = sqs.delete_message_batch(QueueUrl=sandbox.queue_url, Entries=nonsense)["Failed"]
    assert failed["Code"] == "ReceiptHandleIsInvalid"
    entries = [{"Id": "same", "ReceiptHandle": "x"}, {"Id": "same", "ReceiptHandle": "y"}]
    with pytest.raises(ClientError) as refusal:
        sqs.delete_message_batch(QueueUrl=sandbox.queue_url, Entries=entries)
    assert code_of(refusal.value) == "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"


def test_a_duplicate_event_comes_twice(sandbox: Sandbox, sqs: Any, client: Client, clock: ManualClock) -> None:
    sandbox.faults.set("duplicate-event")
    for number in range(5):
        client.start_retrieval(f"shopper{number}@example.com")
    clock.advance(seconds=10)
    events = [json.loads(message["Body"]) for message in receive(sqs, sandbox.queue_url)]
    assert len(events) == 10
    assert len({event["resources"][0] for event in events}) == 5
    assert 5 < len({event["id"] for event in events}) < 10, "some with the same id, some with a new one"


def test_a_late_event_comes_after_its_delay(sandbox: Sandbox, sqs: Any, client: Client, clock: ManualClock) -> None:
    sandbox.faults.set("late-event")
    client.start_retrieval("ann@example.com")
    clock.advance(seconds=10)
    assert receive(sqs, sandbox.queue_url) == []
    assert attributes(sqs, sandbox.queue_url)["ApproximateNumberOfMessagesDelayed"] == "1"
    clock.advance(seconds=1)
    assert len(receive(sqs, sandbox.queue_url)) == 1


def test_a_lost_event_never_comes(sandbox: Sandbox, sqs: Any, client: Client, clock: ManualClock) -> None:
    sandbox.faults.set("lost-event")
    client.start_retrieval("ann@example.com")
    clock.advance(seconds=10)
    assert receive(sqs, sandbox.queue_url) == []
    sandbox.faults.clear()
    assert receive(sqs, sandbox.queue_url) == []


def test_a_foreign_event_comes_beside_the_own_one(
    sandbox: Sandbox, sqs: Any, client: Client, clock: ManualClock
) -> None:
    sandbox.faults.set("foreign-event")
    client.start_retrieval("ann@example.com")
    clock.advance(seconds=10)
    assert len(receive(sqs, sandbox.queue_url)) == 2


@pytest.mark.usefixtures("ended")
def test_the_queue_can_be_denied_and_down(sandbox: Sandbox, sqs: Any) -> None:
    sandbox.faults.set("queue-denied")
    with pytest.raises(ClientError) as refusal:
        receive(sqs, sandbox.queue_url)
    assert code_of(refusal.value) == "AccessDenied"
    sandbox.faults.clear()
    sandbox.faults.set("queue-down")
    with pytest.raises(ConnectionClosedError):
        receive(sqs, sandbox.queue_url)
    sandbox.faults.clear()
    assert len(receive(sqs, sandbox.queue_url)) == 1, "nothing was lost meanwhile"


@pytest.mark.usefixtures("ended")
def test_the_queue_survives_a_restart_of_the_sandbox(sandbox: Sandbox, sqs: Any) -> None:
    url = sandbox.queue_url
    sandbox.stop()
    sandbox.start()
    assert sandbox.queue_url == url
    assert len(receive(sqs, url)) == 1


def test_no_subscription_means_no_event(sandbox: Sandbox, sqs: Any, client: Client, clock: ManualClock) -> None:
    for subscription in sandbox.subscriptions.all():
        sandbox.subscriptions.delete(subscription.subscription_id)
    client.start_retrieval("ann@example.com")
    clock.advance(seconds=10)
    assert receive(sqs, sandbox.queue_url) == []
