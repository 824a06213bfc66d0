"""The queue of the events over a real socket: messages, errors in sentences, and no credential anywhere."""

from __future__ import annotations

import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bwp_tui.domain.times import utc_now
from bwp_tui.engine.events.queue_errors import INSTALL_SENTENCE, EventQueueError
from bwp_tui.engine.events.sqs_queue import SqsQueue
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import AwsKey, EventQueue
from tests.debug_log import LineRecorder, recorded_at_debug_level
from tests.practice import queue_of

SECRET = "s3cret-" + "s3cret"  # in two, so that a traceback's source line does not hold it
KEY_ID = "AKIAHUSH" + "HUSHHUSH"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(visibility_s=0.0) as sandbox:
        yield sandbox


@pytest.fixture
def queue(sandbox: Sandbox) -> EventQueue:
    return queue_of(sandbox)


def send(sandbox: Sandbox, *bodies: str) -> None:
    for body in bodies:
        sandbox._queue.send(body)


def test_messages_are_received_and_deleted_by_their_receipts(sandbox: Sandbox, queue: EventQueue) -> None:
    bodies = [f"body {number}" for number in range(12)]
    send(sandbox, *bodies)
    client, seen = SqsQueue(queue), set[str]()
    while messages := client.receive(0):
        assert all(message.receives >= 1 for message in messages)
        seen.update(message.body for message in messages)
        client.delete([message.receipt_handle for message in messages])
    assert seen == set(bodies)
    assert client.attributes().depth == 0


def test_more_messages_than_one_call_takes_are_deleted() -> None:
    with Sandbox() as sandbox:
        send(sandbox, *"abcdefghijklmno")
        client = SqsQueue(queue_of(sandbox))
        receipts = [message.receipt_handle for _ in range(2) for message in client.receive(0)]
        assert len(receipts) == 15
        client.delete(receipts)
        found = client.attributes()
        assert (found.depth, found.in_flight) == (0, 0)


def test_the_attributes_say_what_waits_and_what_was_given_up(sandbox: Sandbox, queue: EventQueue) -> None:
    send(sandbox, "never deleted")
    client = SqsQueue(queue)
    found = client.attributes()
    assert (found.depth, found.in_flight, found.dead_letters, found.visibility_s) == (1, 0, 0, 0)
    assert found.max_receives is not None
    for count in range(1, found.max_receives + 1):
        assert [message.receives for message in client.receive(0)] == [count]
    assert client.receive(0) == []
    assert (client.attributes().depth, client.attributes().dead_letters) == (0, 1)


def test_a_long_poll_ends_as_soon_as_there_is_a_message(sandbox: Sandbox, queue: EventQueue) -> None:
    client = SqsQueue(queue)
    assert client.receive(1) == []
    send(sandbox, "at once")
    assert [message.body for message in client.receive(20)] == ["at once"]


@pytest.fixture
def log() -> Iterator[LineRecorder]:
    """All that is logged, with the libraries as talkative as they can be made."""
    with recorded_at_debug_level("botocore", "botocore.auth", "botocore.endpoint", "urllib3") as recorder:
        yield recorder


def refused(queue: EventQueue, log: LineRecorder, capfd: pytest.CaptureFixture[str]) -> str:
    """Return the sentence of a failed reception; nothing may hold a credential."""
    client = SqsQueue(queue)
    with pytest.raises(EventQueueError) as caught:
        client.receive(0)
    error = caught.value
    assert error.__cause__ is error.__context__ is None
    told = [*traceback.format_exception(error), repr(error), repr(vars(error)), *log.lines, *capfd.readouterr()]
    for hidden in (SECRET, KEY_ID, "Signature"):
        assert not [line for line in told if hidden in line]
    assert str(error).count(".") >= 1
    return str(error)


@pytest.fixture
def keyed(queue: EventQueue) -> EventQueue:
    """The queue with credentials that must never be seen."""
    return queue._replace(access_key=AwsKey(KEY_ID, SECRET))


def test_wrong_credentials_are_refused(keyed: EventQueue, log: LineRecorder, capfd: pytest.CaptureFixture[str]) -> None:
    assert "refuses the credentials" in refused(keyed, log, capfd)


@pytest.mark.parametrize(("fault", "said"), [("queue-denied", "sqs:ReceiveMessage"), ("queue-down", "be reached")])
def test_what_the_queue_answers_is_told(
    sandbox: Sandbox,
    queue: EventQueue,
    log: LineRecorder,
    capfd: pytest.CaptureFixture[str],
    fault: str,
    said: str,
) -> None:
    sandbox.faults.set(fault)
    assert said in refused(queue, log, capfd)
    sandbox.faults.clear()
    assert SqsQueue(queue).receive(0) == []


def test_a_queue_that_is_not_there_is_told_with_its_region(
    queue: EventQueue, log: LineRecorder, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "us-east-1" in refused(queue._replace(queue_url=f"{queue.queue_url}-other"), log, capfd)


def test_nobody_listening_is_told(keyed: EventQueue, log: LineRecorder, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert "cannot be reached" in refused(keyed._replace(endpoint_url=url, queue_url=f"{url}/1/q"), log, capfd)


def test_the_credentials_of_the_environment_are_used_and_hidden(
    sandbox: Sandbox, queue: EventQueue, log: LineRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", sandbox.aws_key.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", sandbox.aws_key.secret)
    assert SqsQueue(queue._replace(access_key=None)).receive(0) == []
    assert not [line for line in log.lines if sandbox.aws_key.secret in line or sandbox.aws_key.key_id in line]


def test_a_named_profile_of_aws_is_used_and_a_missing_one_is_told(
    sandbox: Sandbox,
    queue: EventQueue,
    log: LineRecorder,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    named = queue._replace(access_key=None, aws_profile="shop")
    assert "does not exist" in refused(named, log, capfd)
    key = sandbox.aws_key
    file.write_text(f"[shop]\naws_access_key_id = {key.key_id}\naws_secret_access_key = {key.secret}\n")
    assert SqsQueue(named).receive(0) == []


def test_without_credentials_it_says_where_to_set_them(
    queue: EventQueue,
    log: LineRecorder,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "no AWS credentials" in refused(queue._replace(access_key=None), log, capfd)


def test_a_command_of_aws_that_fails_is_not_quoted(
    queue: EventQueue,
    log: LineRecorder,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    file = tmp_path / "config"
    file.write_text(f"[profile shop]\ncredential_process = sh -c 'echo {SECRET} >&2; exit 3'\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert "cannot be fetched" in refused(queue._replace(access_key=None, aws_profile="shop"), log, capfd)


def test_the_address_that_aws_variables_name_is_used(
    sandbox: Sandbox, queue: EventQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", sandbox.endpoint_url)
    url = queue.queue_url.replace(sandbox.endpoint_url, "https://sqs.us-east-1.amazonaws.com")
    assert SqsQueue(queue._replace(endpoint_url=None, queue_url=url)).receive(0) == []


def test_a_proxy_is_not_asked_for_this_machine(queue: EventQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert SqsQueue(queue).receive(0) == []


def test_nothing_of_aws_is_imported_before_the_first_call() -> None:
    code = (
        "import sys, bwp_tui.engine.runtime.headless, bwp_tui.engine.runtime.engine, bwp_tui.engine.events.sqs_queue;"
        " print([name for name in sys.modules if name.partition('.')[0] in ('botocore', 'boto3', 'jmespath')])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_without_the_extra_it_says_what_to_install(
    queue: EventQueue, log: LineRecorder, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "botocore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "botocore", None)
    assert refused(queue, log, capfd) == INSTALL_SENTENCE


@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_off_is_named(
    queue: EventQueue,
    log: LineRecorder,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    off: timedelta,
) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: utc_now() + off)
    assert "clock" in refused(queue, log, capfd)


def test_the_service_time_is_known_from_the_attributes() -> None:
    fixed = datetime.now(UTC).replace(microsecond=0)
    with Sandbox(clock=lambda: fixed) as practice:
        assert SqsQueue(queue_of(practice)).attributes().service_time == fixed
