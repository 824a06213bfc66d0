"""Which addresses a secret may be sent to, and which links are followed."""

from __future__ import annotations

import time

import pytest
from pydantic import SecretStr

from bwp_tui.api.endpoint import Endpoint
from bwp_tui.api.errors import BadResponse
from bwp_tui.api.links import PresignedLink
from bwp_tui.domain.urls import check_url

SIGNED = "?X-Amz-Expires=60&X-Amz-Signature=5ec2e7"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.buywithprime.amazon.com/graphql",
        "https://api.example.com:8443",
        "http://127.0.0.1:8080/graphql",
        "http://127.200.3.4/",
        "http://[::1]:9000/token",
        "http://localhost/token",
    ],
)
def test_a_safe_endpoint_is_taken(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com/graphql",
        "http://api.example.com/graphql",
        "http://10.0.0.1/graphql",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "ftp://127.0.0.1/",
        "https://user:s3cret@api.example.com/",
        "https://api.example.com@evil.example/",
        "https://@evil.example/",
        "https://api.example.com/?key=s3cret",
        "https://api.example.com/#s3cret",
        "https://api.example.com\\@evil.example/",
        "https://api.exa\nmple.com/",
        "https://api.example.com/\u202e",
        "https:///graphql",
        "https://[::1/graphql",
        "https://api.example.com:99999/",
        "http://2130706433/",
        "http://0x7f.1/",
    ],
)
def test_an_unsafe_endpoint_is_refused_in_a_sentence_that_does_not_quote_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"^The (address|host)[^\n]*\.$") as caught:
        check_url(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("field", ["target_id", "api_version"])
@pytest.mark.parametrize("value", ["", "bp 1", "bp\r\nX-Evil: 1", "bpé1"])
def test_a_value_that_fits_no_header_is_refused(field: str, value: str) -> None:
    values = {"api_version": "2024-11-01", "target_id": "bp-1", field: value}
    with pytest.raises(ValueError, match="plain characters"):
        Endpoint("https://a.example/", "https://a.example/", client_id="c", client_secret=SecretStr("s"), **values)


def test_an_endpoint_does_not_show_its_secret() -> None:
    url = "https://a.example/"
    endpoint = Endpoint(url, url, "2024-11-01", "bp-1", client_id="c", client_secret=SecretStr("s3cret"))
    assert "s3cret" not in f"{endpoint} {endpoint!r} {[endpoint.client_secret]}"


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.s3.amazonaws.com/privacyRequest/id-1/result/data_retrieval.zip",
        "https://downloads.example.net/x",
        "https://93.184.216.34/x",
        "https://[64:ff9b::93.184.216.34]/x",
        "https://bucket.example.com./x",
    ],
)
def test_a_public_link_is_followed_wherever_it_leads(url: str) -> None:
    link = PresignedLink.checked(url + SIGNED, issued_at=0)
    assert link.reveal() == url + SIGNED
    assert link.host in url
    assert url.endswith(link.path)


@pytest.mark.parametrize(
    "url",
    [
        "http://bucket.example.com/x",
        "https://user@bucket.example.com/x",
        "https://10.0.0.1/x",
        "https://172.16.9.9/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/x",
        "https://127.0.0.1/x",
        "http://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://[::]/x",
        "https://[fe80::1]/x",
        "https://[fd00::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[64:ff9b::10.0.0.1]/x",
        "https://[64:ff9b::a9fe:a9fe]/x",
        "https://[2002:7f00:1::1]/x",
        "https://[2002:c0a8:101::1]/x",
        "https://localhost./x",
        "https://api.localhost./x",
        "https://127.0.0.1./x",
        "https://224.0.0.1/x",
        "https://2852039166/x",
        "https://0xa9fea9fe/x",
        "https://10.1/x",
        "file:///etc/passwd",
        "data:text/plain,hello",
        "https://bucket.example.com/ x",
    ],
)
def test_an_unsafe_link_is_refused_without_its_query(url: str) -> None:
    with pytest.raises(BadResponse) as caught:
        PresignedLink.checked(url + SIGNED, issued_at=0)
    assert not caught.value.transient
    assert "X-Amz" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/x", "http://localhost:8000/x", "https://[::1]/x"])
def test_a_practice_link_may_lead_to_loopback(url: str) -> None:
    assert PresignedLink.checked(url, issued_at=0, loopback_allowed=True).reveal() == url


@pytest.mark.parametrize("url", ["http://10.0.0.1/x", "https://192.168.0.1/x", "https://169.254.169.254/x"])
def test_a_practice_link_leads_nowhere_else_that_is_private(url: str) -> None:
    with pytest.raises(BadResponse):
        PresignedLink.checked(url, issued_at=0, loopback_allowed=True)


@pytest.mark.parametrize(
    ("query", "life"),
    [
        ("?X-Amz-Expires=300&X-Amz-Signature=5e", 300),
        ("?X-Amz-Signature=5e", 60),
        ("?X-Amz-Expires=soon", 60),
        ("?X-Amz-Expires=%D9%A4", 60),  # a digit, but of another script
        ("?X-Amz-Expires=" + "9" * 400, 604_800),
        ("", 60),
    ],
)
def test_a_link_lives_as_long_as_it_says(query: str, life: float) -> None:
    link = PresignedLink.checked(f"https://bucket.example.com/x{query}", issued_at=1000)
    assert link.seconds_left(clock=lambda: 1010.0) == life - 10


def test_a_link_counts_down_on_the_monotonic_clock() -> None:
    link = PresignedLink.checked("https://bucket.example.com/x", issued_at=time.monotonic() - 61)
    assert -2 < link.seconds_left() < 0


def test_a_link_shows_its_host_and_path_but_no_query() -> None:
    link = PresignedLink.checked(f"https://bucket.example.com/id-1/data.zip{SIGNED}", issued_at=0)
    shown = f"{link} {link!r}"
    assert "bucket.example.com" in shown
    assert "/id-1/data.zip" in shown
    assert "5ec2e7" not in shown
