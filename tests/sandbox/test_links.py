"""Links and archives, asked for as a downloader asks for them."""

from __future__ import annotations

import time
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from bwp_tui.sandbox.links import LinkSigner
from bwp_tui.sandbox.server import Sandbox
from tests.manual_clock import ManualClock
from tests.sandbox.client import Client, Reply, fetch


@pytest.fixture
def task_id(client: Client, clock: ManualClock) -> str:
    """A completed retrieval."""
    started = client.start_retrieval("ann@example.com")
    clock.advance(seconds=10)
    return started


def code(reply: Reply) -> str | None:
    assert reply.headers["content-type"] == "application/xml"
    return ElementTree.fromstring(reply.body).findtext("Code")


def test_a_link_yields_a_zip_of_plausible_files(client: Client, task_id: str) -> None:
    reply = fetch(client.link(task_id))
    assert (reply.status, reply.headers["content-type"]) == (200, "application/zip")
    assert reply.headers["accept-ranges"] == "bytes"
    assert reply.members() == [
        "README.txt",
        "profile.json",
        "addresses.csv",
        "orders.json",
        "orders.csv",
        "events.csv",
    ]
    assert 200_000 <= len(reply.body) <= 4_500_000


def test_each_query_makes_a_new_link_to_the_same_archive(client: Client, task_id: str) -> None:
    first, second = client.link(task_id), client.link(task_id)
    assert first != second
    assert fetch(first).body == fetch(second).body


def test_a_link_dies_after_a_minute(client: Client, clock: ManualClock, task_id: str) -> None:
    link = client.link(task_id)
    clock.advance(seconds=59)
    assert fetch(link).status == 200
    clock.advance(seconds=2)
    assert (fetch(link).status, code(fetch(link))) == (403, "AccessDenied")


def test_a_link_signs_its_query_and_one_method(client: Client, task_id: str) -> None:
    link = client.link(task_id)
    longer = fetch(link.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"))
    assert (longer.status, code(longer)) == (403, "SignatureDoesNotMatch")
    assert (posted := fetch(link, "POST")).status == 403
    assert code(posted) == "SignatureDoesNotMatch"
    assert fetch(link, "HEAD").status == 403
    bare = fetch(link.partition("?")[0])
    assert (bare.status, code(bare)) == (403, "AccessDenied")


def test_a_link_with_an_authorization_header_is_refused(client: Client, task_id: str) -> None:
    reply = fetch(client.link(task_id), Authorization="Bearer x")
    assert (reply.status, code(reply)) == (400, "InvalidArgument")


def test_a_signed_link_to_nothing_is_no_such_key(sandbox: Sandbox, clock: ManualClock) -> None:
    office = LinkSigner(f"http://{sandbox.address}", 1, clock)
    reply = fetch(office.make("00000000-0000-4000-8000-000000000000"))
    assert (reply.status, code(reply)) == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-", 0, None), ("bytes=100-", 100, None), ("bytes=5-9", 5, 9), ("bytes=-7", -7, None)],
)
def test_a_range_is_answered_with_its_part(
    wanted: str, first: int, last: int | None, client: Client, task_id: str
) -> None:
    whole = fetch(client.link(task_id))
    size = len(whole.body)
    part = fetch(client.link(task_id), Range=wanted, If_Match=whole.headers["etag"])
    begin = first if first >= 0 else size + first
    end = size - 1 if last is None else last
    assert part.status == 206
    assert part.headers["content-range"] == f"bytes {begin}-{end}/{size}"
    assert part.body == whole.body[begin : end + 1]


def test_a_range_beyond_the_end_is_refused_with_the_size(client: Client, task_id: str) -> None:
    size = len(fetch(client.link(task_id)).body)
    reply = fetch(client.link(task_id), Range=f"bytes={size}-")
    assert (reply.status, code(reply)) == (416, "InvalidRange")
    assert ElementTree.fromstring(reply.body).findtext("ActualObjectSize") == str(size)


def test_a_part_of_another_archive_is_refused(client: Client, task_id: str) -> None:
    reply = fetch(client.link(task_id), Range="bytes=1-", If_Match='"other"')
    assert (reply.status, code(reply)) == (412, "PreconditionFailed")


def test_if_range_with_another_etag_yields_the_whole(client: Client, task_id: str) -> None:
    whole = fetch(client.link(task_id))
    same = fetch(client.link(task_id), Range="bytes=1-", If_Range=whole.headers["etag"])
    other = fetch(client.link(task_id), Range="bytes=1-", If_Range='"other"')
    assert (same.status, other.status) == (206, 200)
    assert other.body == whole.body


def test_a_rate_slows_a_download_down(clock: ManualClock) -> None:
    with Sandbox(clock=clock, rate=1_000_000) as sandbox:
        client = Client(sandbox)
        task_id = client.start_retrieval("ann@example.com")
        clock.advance(seconds=10)
        link = client.link(task_id)
        began = time.monotonic()
        reply = fetch(link, Range="bytes=0-199999")
        assert len(reply.body) == 200_000
        assert time.monotonic() - began >= 0.09


def test_a_link_names_the_sandbox_itself(sandbox: Sandbox, client: Client, task_id: str) -> None:
    assert urlsplit(client.link(task_id)).netloc == sandbox.address
