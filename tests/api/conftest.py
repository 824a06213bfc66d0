"""A scripted server and a client of it."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.endpoint import Endpoint
from tests.api.server import ScriptedServer, token

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    server.script("/token", token())
    yield server
    server.close()


@pytest.fixture
def endpoint(server: ScriptedServer) -> Endpoint:
    return Endpoint(
        api_url=f"{server.url}/graphql",
        token_url=f"{server.url}/token",
        api_version="2024-11-01",
        target_id="bp-1",
        client_id="client-1",
        client_secret=SecretStr("s3cret-s3cret"),
    )


@pytest.fixture
async def api(endpoint: Endpoint) -> AsyncIterator[PrivacyApi]:
    api = PrivacyApi(endpoint, connect_timeout=5, read_timeout=5)
    yield api
    await api.aclose()


@pytest.fixture
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1, its key in the same file. The program reads each path once."""
    path = tmp_path_factory.mktemp("certificate") / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", path, "-out", path.with_name("public.pem"), "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + path.with_name("public.pem").read_bytes())
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[ScriptedServer]:
    """A server whose certificate nobody trusts yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ScriptedServer(tls=context)
    server.script("/token", token())
    yield server
    server.close()


@pytest.fixture
def trusted_server(tls_server: ScriptedServer, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """The same, with its certificate in SSL_CERT_FILE."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return tls_server
