"""Certificates are checked, and proxies of the environment are used, by the calls and the downloads alike."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.endpoint import Endpoint
from bwp_tui.api.errors import ConnectionLost, Unreachable
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.transfer import open_transfer
from bwp_tui.domain.task import Kind
from tests.api.server import ScriptedServer, answer, graphql

TASK = [(Kind.RETRIEVAL, "id-1")]
POLLED = graphql(data={"t0": {"status": "IN_PROGRESS"}})
ELSEWHERE = "archive.example.com"  # never looked up: the proxy is asked to
OUTSIDE = f"https://{ELSEWHERE}/archive?X-Amz-Signature=5ec2e7"


def _api(endpoint: Endpoint, base: str) -> PrivacyApi:
    return PrivacyApi(replace(endpoint, api_url=f"{base}/graphql", token_url=f"{base}/token"), read_timeout=5)


def _link(url: str) -> PresignedLink:
    return PresignedLink.checked(url, issued_at=time.monotonic(), loopback_allowed=True)


async def test_a_call_trusts_the_certificates_of_ssl_cert_file(
    endpoint: Endpoint, trusted_server: ScriptedServer
) -> None:
    trusted_server.script("/graphql", POLLED)
    api = _api(endpoint, trusted_server.url)
    assert set(await api.poll(TASK)) == {"id-1"}
    await api.aclose()


async def test_a_call_refuses_a_certificate_nobody_vouches_for(endpoint: Endpoint, tls_server: ScriptedServer) -> None:
    api = _api(endpoint, tls_server.url)
    with pytest.raises(Unreachable, match=r"certificate of 127.*self-signed") as caught:
        await api.poll(TASK)
    assert (caught.value.transient, caught.value.outcome_unknown) == (True, False)
    assert tls_server.received == []
    await api.aclose()


def test_a_download_trusts_the_certificates_of_ssl_cert_file(trusted_server: ScriptedServer) -> None:
    trusted_server.script("/archive", answer(200, b"PK" * 300_000))
    with open_transfer(_link(f"{trusted_server.url}/archive")) as transfer:
        assert b"".join(transfer.chunks()) == b"PK" * 300_000


def test_a_download_refuses_a_certificate_nobody_vouches_for(tls_server: ScriptedServer) -> None:
    with pytest.raises(ConnectionLost, match="certificate") as caught:
        open_transfer(_link(f"{tls_server.url}/archive"))
    assert not caught.value.transient
    assert tls_server.received == []


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_no_traceback(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    broken = tmp_path / "broken.pem"
    if content is not None:
        broken.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(broken))
    with pytest.raises(Unreachable, match="SSL_CERT_FILE"):
        PrivacyApi(endpoint)
    with pytest.raises(ConnectionLost, match="SSL_CERT_FILE"):
        open_transfer(_link(OUTSIDE))


async def test_a_call_goes_through_the_proxy(
    endpoint: Endpoint, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:s3cret@127.0.0.1:{server.port}")
    server.script(f"{ELSEWHERE}:443", answer(403))
    api = _api(endpoint, f"https://{ELSEWHERE}")

    with pytest.raises(Unreachable, match="HTTPS_PROXY") as caught:
        await api.poll(TASK)

    assert not caught.value.outcome_unknown
    assert "s3cret" not in str(caught.value)
    assert [request.method for request in server.received] == ["CONNECT"]
    await api.aclose()


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_download_goes_through_the_proxy(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}user:s3cr%65t@127.0.0.1:{server.port}")
    server.script(f"{ELSEWHERE}:443", answer(403))

    with pytest.raises(ConnectionLost, match="HTTPS_PROXY"):
        open_transfer(_link(OUTSIDE))

    [request] = server.received
    assert (request.method, request.target) == ("CONNECT", f"{ELSEWHERE}:443")
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpzM2NyZXQ="
    assert "x-amz" not in str(request).lower()


async def test_loopback_never_goes_through_a_proxy(
    endpoint: Endpoint, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = ScriptedServer()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    server.script("/graphql", POLLED)
    server.script("/archive", answer(200, b"PK"))

    api = _api(endpoint, server.url)
    await api.poll(TASK)
    with open_transfer(_link(f"{server.url}/archive")) as transfer:
        assert list(transfer.chunks()) == [b"PK"]

    assert proxy.received == []
    await api.aclose()
    proxy.close()


def test_a_host_in_no_proxy_is_asked_directly(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "unknown.invalid")
    with pytest.raises(ConnectionLost, match="cannot be reached"):
        open_transfer(_link("https://unknown.invalid/archive"))
    assert server.received == []


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "gopher://127.0.0.1:70"])
def test_a_proxy_of_another_kind_is_no_traceback(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(Unreachable, match="HTTPS_PROXY") as caught:
        _api(endpoint, f"https://{ELSEWHERE}")
    assert not caught.value.transient
    with pytest.raises(ConnectionLost, match="HTTPS_PROXY") as cut:
        open_transfer(_link(OUTSIDE))
    assert not cut.value.transient
