"""Which proxy a request goes through, for every shape that offices give these variables."""

from __future__ import annotations

import base64

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.endpoint import Endpoint
from bwp_tui.api.proxies import Proxy, UnusableProxy, is_excluded, proxy_for

URL = "https://api.example.com/graphql"
PLACE = "http://proxy.example.com:3128"


def _login(text: str) -> dict[str, str]:
    return {"Proxy-Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


@pytest.mark.parametrize(
    ("value", "proxy"),
    [
        (PLACE, Proxy(PLACE, {})),
        (f" {PLACE}/ \n", Proxy(PLACE, {})),
        ("proxy.example.com:3128", Proxy(PLACE, {})),
        ("https://proxy.example.com", Proxy("https://proxy.example.com:443", {})),
        ("http://proxy.example.com", Proxy("http://proxy.example.com:80", {})),
        ("http://[fd00::1]:3128", Proxy("http://[fd00::1]:3128", {})),
        ("http://jane:s3cr%65t@proxy.example.com:3128", Proxy(PLACE, _login("jane:s3cret"))),
        ("http://jane@proxy.example.com:3128", Proxy(PLACE, _login("jane:"))),
        ("http://CORP\\jane:p@ss/w:d@proxy.example.com:3128", Proxy(PLACE, _login("CORP\\jane:p@ss/w:d"))),
        ("http://jane:grün@proxy.example.com:3128", Proxy(PLACE, _login("jane:grün"))),
        ("", None),
        ("  ", None),
    ],
)
def test_a_proxy_is_read_as_it_is_meant(monkeypatch: pytest.MonkeyPatch, value: str, proxy: Proxy | None) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    assert proxy_for(URL) == proxy
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv("ALL_PROXY", value)
    assert proxy_for(URL) == proxy


@pytest.mark.parametrize(
    "value",
    [
        "socks5://127.0.0.1:1080",
        "http://",
        "http://jane:s3cret@proxy:port",
        "http://[v1.a]",
        "http://a b",
        "http://ü:1",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ALL_PROXY", value)
    with pytest.raises(UnusableProxy, match="ALL_PROXY") as caught:
        proxy_for(URL)
    assert value.removeprefix("http://") not in str(caught.value) or value == "http://"


@pytest.mark.parametrize("url", ["http://localhost:1/x", "http://127.0.0.1:1/x", "https://[::1]/x"])
def test_loopback_has_no_proxy(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ALL_PROXY", PLACE)
    assert proxy_for(url) is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "excluded"),
    [
        ("localhost,127.0.0.1,[::1]", "api.example.com", False),
        ("localhost, .example.com", "api.example.com", True),
        ("*.example.com", "api.example.com", True),
        ("example.com", "api.example.com", True),
        ("EXAMPLE.com.", "api.example.com", True),
        ("ample.com", "api.example.com", False),
        ("https://api.example.com", "api.example.com", True),
        ("api.example.com:443", "api.example.com", True),
        ("api.example.com:8443", "api.example.com", False),
        ("other.example.com api.example.com", "api.example.com", True),
        ("*", "api.example.com", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.5/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "api.example.com", False),
        ("fe80::/10,fd00::/8", "fd12::1", True),
        ("[fd12::1]", "fd12::1", True),
        ("[fd12::1]:443", "fd12::1", True),
        ("fe80::/10", "api.example.com", False),
        ("[,],::,//,@,%,[v1.a],\x00", "api.example.com", False),
    ],
)
def test_no_proxy_names_hosts_and_networks(no_proxy: str, host: str, excluded: bool) -> None:
    assert is_excluded(host, 443, no_proxy) is excluded


@pytest.mark.parametrize("no_proxy", ["localhost,127.0.0.1,[::1]", "fe80::/10", "fd00::/8,[v1.a]:x"])
async def test_no_list_of_exceptions_keeps_the_api_from_being_made(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    monkeypatch.setenv("NO_PROXY", no_proxy)
    await PrivacyApi(endpoint).aclose()
