"""The server as a process sees it: ports, connections, signals, and clients who do not speak HTTP."""

from __future__ import annotations

import gc
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bwp_tui.sandbox.server import Sandbox
from tests.manual_clock import ManualClock
from tests.sandbox.client import Client, exchange
from tests.waiting import PATIENCE_S

SERVE = """
from bwp_tui.sandbox.server import Sandbox
with Sandbox() as sandbox:
    sandbox.serve_forever(lambda: print(sandbox.address, flush=True))
print("ended", flush=True)
"""


def said(address: str, data: bytes) -> bytes:
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(4096), b""))


def test_it_listens_on_loopback_at_a_free_port(sandbox: Sandbox) -> None:
    assert sandbox.api_url.startswith("http://127.0.0.1:")
    assert sandbox.token_url == sandbox.api_url.replace("/graphql", "/token")
    assert not sandbox.address.endswith(":0")


def test_a_taken_port_is_an_error_of_the_caller(sandbox: Sandbox) -> None:
    taken = int(sandbox.address.partition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Sandbox(port=taken).start()


def test_stopped_it_refuses_and_started_again_it_remembers(clock: ManualClock) -> None:
    sandbox = Sandbox(clock=clock)
    with sandbox:
        client, address = Client(sandbox), sandbox.address
        task_id = client.start_retrieval("ann@example.com")
    with pytest.raises(ConnectionRefusedError):
        exchange(address, "GET", "/")
    with sandbox:
        assert sandbox.address == address
        assert client.retrieval(task_id)["status"] == "IN_PROGRESS"


def test_starting_and_stopping_twice_is_as_once() -> None:
    sandbox = Sandbox()
    sandbox.start()
    address = sandbox.address
    sandbox.start()
    assert sandbox.address == address
    sandbox.stop()
    sandbox.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "practice-api"]


def test_one_connection_carries_many_requests(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.address, timeout=PATIENCE_S)
    connection.connect()
    own = connection.sock.getsockname()
    for _ in range(3):
        connection.request("POST", "/token", b"", {})
        connection.getresponse().read()
        assert connection.sock.getsockname() == own
    connection.close()


def test_a_head_request_gets_no_body_and_the_connection_goes_on(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.address, timeout=PATIENCE_S)
    connection.connect()
    own = connection.sock.getsockname()
    for method, status in (("HEAD", 404), ("GET", 404)):
        connection.request(method, "/")
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (status, method == "GET")
        assert connection.sock.getsockname() == own
    connection.close()


def test_answers_on_a_kept_connection_are_not_held_back(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.address, timeout=PATIENCE_S)
    began = time.monotonic()
    for _ in range(25):
        connection.request("POST", "/token", b"", {})
        connection.getresponse().read()
    connection.close()
    delayed_acknowledgement = 0.04
    assert time.monotonic() - began < 25 * delayed_acknowledgement


def test_stopping_cuts_a_download_that_nobody_reads(clock: ManualClock) -> None:
    with Sandbox(clock=clock) as sandbox:
        client = Client(sandbox)
        task_id = client.start_retrieval("big@example.com")
        clock.advance(seconds=10)
        link = client.link(task_id).removeprefix(f"http://{sandbox.address}")
        connection = http.client.HTTPConnection(sandbox.address, timeout=PATIENCE_S)
        connection.request("GET", link)
        answer = connection.getresponse()
        assert int(answer.headers["Content-Length"]) > 200_000_000
        sandbox.stop()
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            answer.read()
        answer.close()
        connection.close()


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"POST /token HTTP/9.9 x\r\n\r\n"])
def test_a_client_that_speaks_no_http_is_told_so(noise: bytes, sandbox: Sandbox) -> None:
    assert said(sandbox.address, noise).startswith(b"HTTP/1.1 400")
    assert Client(sandbox).ask_token().status == 200


def test_a_client_that_leaves_in_the_middle_harms_nobody(sandbox: Sandbox) -> None:
    said(sandbox.address, b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nshort")
    assert Client(sandbox).ask_token().status == 200


def test_a_body_that_is_too_long_is_refused(sandbox: Sandbox) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n"
    assert said(sandbox.address, head + b" " * 1_048_577).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/graphql", 405), ("GET", "/", 404)])
def test_other_methods_and_paths_are_refused(method: str, path: str, status: int, sandbox: Sandbox) -> None:
    assert exchange(sandbox.address, method, path).status == status


def test_connections_that_come_while_it_stops_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next collection of garbage closes their sockets, with a warning in the middle of another test."""
    unclosed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: unclosed.append(unraisable.exc_value))
    for _ in range(30):
        with Sandbox() as sandbox:
            host, _, port = sandbox.address.partition(":")
            lines = [socket.create_connection((host, int(port)), timeout=PATIENCE_S) for _ in range(3)]
        for line in lines:
            line.close()
    gc.collect()
    assert unclosed == []


@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM])
def test_serving_for_ever_ends_cleanly_at_a_signal(wanted: signal.Signals) -> None:
    root = Path(__file__).parents[2]
    served = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    with served:
        assert served.stdout is not None
        address = served.stdout.readline().strip()
        assert exchange(address, "GET", "/").status == 404
        served.send_signal(wanted)
        out, err = served.communicate(timeout=PATIENCE_S)
    assert (served.returncode, out, err) == (0, "ended\n", "")
