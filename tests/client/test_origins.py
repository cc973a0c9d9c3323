"""Which URLs get the headers that were given for a server."""

import pytest

from fastrtc.client.origins import HeaderScope, has_host, is_same_origin


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
        ("http://xn--bcher-kva.example/x", "http://bücher.example", True),
        ("http://BÜCHER.example/x", "http://bücher.example", True),
        ("http://bücher.example/x", "http://bucher.example", False),
        ("http://strasse.example/x", "http://straße.example", False),
        ("HTTPS://a.example/x", "https://a.example", True),
        ("HTTP://a.example/x", "https://a.example", False),
        ("http://[0:0:0:0:0:0:0:1]:8000/x", "http://[::1]:8000", True),
        ("http://a.example:0/x", "http://a.example", False),
        ("http://a..example/x", "http://a..example", False),
    ],
)
def test_origins(url: str, server: str, same: bool) -> None:
    assert is_same_origin(url, server) is same
    headers = {"X-Key": "k"}
    assert HeaderScope(server, headers).headers_for(url) == (headers if same else {})


def test_headers_are_not_sent_again_after_another_origin() -> None:
    scope = HeaderScope("http://a.example", {"X-Key": "k"})
    urls = ("http://a.example/1", "https://a.example/2", "https://a.example/3")
    assert [scope.headers_for(url) for url in urls] == [{"X-Key": "k"}] * 3 and scope.is_own
    for url in ("https://b.example", "https://a.example", "http://a.example"):
        assert scope.headers_for(url) == {} and not scope.is_own
        assert scope.url == url


def test_urls_without_a_valid_host_and_port() -> None:
    assert has_host("http://a.example/x") and has_host("wss://[::1]:8000")
    assert has_host("http://a.example./x") and has_host(f"http://{'a' * 63}.example")
    for url in ("/x", "about:blank", "http://h:99999/x", "http://[::1", "http:///x"):
        assert not has_host(url), url
    for url in ("http://a..b/x", "http://.a", f"http://{'a' * 64}.example", "http://."):
        assert not has_host(url), url
