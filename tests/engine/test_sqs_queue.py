"""The client of the event queue, over real sockets, and the sentences of its errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bwp_tui.domain.times import utc_now
from bwp_tui.engine.events.queue_errors import EventQueueError
from bwp_tui.engine.events.sqs_queue import SqsQueue
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import AwsKey
from tests.practice import queue_of


@pytest.fixture(autouse=True)
def _no_aws_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def practice() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def trouble(queue: SqsQueue) -> str:
    with pytest.raises(EventQueueError) as error:
        queue.receive(0)
    assert error.value.__cause__ is None
    assert error.value.__context__ is None, "botocore's own error quotes what it sent"
    return str(error.value)


@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_off_is_named(off: timedelta) -> None:
    with Sandbox(clock=lambda: utc_now() + off) as practice:
        assert "clock" in trouble(SqsQueue(queue_of(practice)))


def test_a_wrong_key_a_wrong_queue_and_a_denial_are_told_apart(practice: Sandbox) -> None:
    queue = queue_of(practice)
    wrong = SqsQueue(replace(queue, access_key=AwsKey(practice.aws_key.key_id, "other-secret")))
    missing = SqsQueue(replace(queue, queue_url=f"{queue.queue_url}-other"))
    practice.faults.set("queue-denied", times=1)
    denied = trouble(SqsQueue(queue))
    sentences = {trouble(wrong), trouble(missing), denied}
    assert len(sentences) == 3
    assert not any("other-secret" in each or practice.aws_key.key_id in each for each in sentences)


def test_the_service_time_is_known_from_the_attributes() -> None:
    fixed = datetime.now(UTC).replace(microsecond=0)
    with Sandbox(clock=lambda: fixed) as practice:
        assert SqsQueue(queue_of(practice)).attributes().service_time == fixed
