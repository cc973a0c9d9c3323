"""Which URLs get the headers that were given for a server."""

import pytest

from fastrtc.client.origins import has_host, headers_for, is_same_origin


@pytest.mark.parametrize(
    ("url", "server", "same"),
    [
        ("http://a.example/x", "http://a.example", True),
        ("http://a.example:80/x", "http://A.example", True),
        ("ws://a.example/x", "http://a.example", True),
        ("wss://a.example:443/x", "https://a.example/y", True),
        ("https://a.example/x", "http://a.example", True),
        ("https://a.example/x", "http://a.example:80", True),
        ("http://[::1]:8000/x", "http://[::1]:8000", True),
        ("http://a.example/x", "https://a.example", False),
        ("https://a.example/x", "http://a.example:8000", False),
        ("https://a.example:8443/x", "http://a.example", False),
        ("http://a.example:8001/x", "http://a.example:8000", False),
        ("http://www.a.example/x", "http://a.example", False),
        ("http://a.example@b.example/x", "http://a.example", False),
        ("http://a.example.b.example/x", "http://a.example", False),
        ("/x", "http://a.example", False),
        ("http://a.example:99999/x", "http://a.example", False),
        ("http://a.example:99999/x", "http://a.example:99999", False),
        ("http://[::1", "http://[::1]", False),
        ("about:blank", "http://a.example", False),
    ],
)
def test_origins(url: str, server: str, same: bool) -> None:
    assert is_same_origin(url, server) is same
    headers = {"X-Key": "k"}
    assert headers_for(url, server, headers) == (headers if same else {})


def test_urls_without_a_valid_host_and_port() -> None:
    assert has_host("http://a.example/x") and has_host("wss://[::1]:8000")
    for url in ("/x", "about:blank", "http://h:99999/x", "http://[::1", "http:///x"):
        assert not has_host(url), url
