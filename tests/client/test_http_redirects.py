"""Requests along redirects: without a server."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from fastrtc.client.http_redirects import MAX_REDIRECTS, send_request
from fastrtc.client.origins import HeaderScope

URL = "http://a.example"


class Servers:
    """Servers that redirect from some URLs to others; all else is answered.

    Attributes:
        seen: The requests.
    """

    def __init__(self, redirects: Mapping[str, tuple[int, str]]) -> None:
        self.seen: list[httpx.Request] = []
        self._redirects = redirects

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        status, location = self._redirects.get(str(request.url), (200, ""))
        return httpx.Response(status, headers={"location": location} if location else None)

    async def send(self, url: str = URL, **options: Any) -> tuple[httpx.Response, HeaderScope]:
        scope = HeaderScope(URL, {"X-Key": "caf\xe9"})
        async with httpx.AsyncClient(transport=httpx.MockTransport(self.answer)) as http:
            response = await send_request(http, "POST", url, scope, **options)
            await response.aclose()
        return response, scope


@pytest.mark.parametrize("stream", [False, True])
async def test_a_redirect_keeps_the_method_the_body_and_the_headers(stream: bool) -> None:
    servers = Servers({URL: (301, "https://a.example/1"), "https://a.example/1": (302, "/2")})
    response, scope = await servers.send(json={"a": 1}, headers={"X-Other": "o"}, stream=stream)
    assert response.status_code == 200 and scope.is_own
    assert scope.url == "https://a.example/2"
    assert [request.method for request in servers.seen] == ["POST"] * 3
    assert [request.read() for request in servers.seen] == [b'{"a":1}'] * 3
    for request in servers.seen:
        assert request.headers["x-other"] == "o" and (b"X-Key", b"caf\xe9") in request.headers.raw


async def test_a_redirect_to_the_result_is_requested_with_get() -> None:
    servers = Servers({URL: (303, "/1"), f"{URL}/1": (307, "/2")})
    await servers.send(content=b"x")
    assert [request.method for request in servers.seen] == ["POST", "GET", "GET"]
    assert [request.read() for request in servers.seen] == [b"x", b"", b""]


async def test_another_origin_gets_the_body_but_not_the_headers_of_the_user() -> None:
    servers = Servers({URL: (307, "http://b.example"), "http://b.example": (307, f"{URL}/1")})
    _, scope = await servers.send(content=b"x", headers={"X-Other": "o"})
    assert [request.read() for request in servers.seen] == [b"x"] * 3
    assert ["x-key" in request.headers for request in servers.seen] == [True, False, False]
    assert all(request.headers["x-other"] == "o" for request in servers.seen)
    assert not scope.is_own


async def test_a_request_may_stay_with_its_server() -> None:
    servers = Servers({URL: (307, "/1"), f"{URL}/1": (307, "http://b.example")})
    response, scope = await servers.send(elsewhere=False)
    assert response.status_code == 307 and scope.url == f"{URL}/1" and scope.is_own
    assert len(servers.seen) == 2


async def test_redirects_without_end() -> None:
    servers = Servers({URL: (307, URL)})
    response, _ = await servers.send()
    assert response.status_code == 307 and len(servers.seen) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "location", ["http://a..example", "//h:99999", "http://[::1", "about:blank"]
)
async def test_invalid_urls(location: str) -> None:
    servers = Servers({URL: (307, location)})
    with pytest.raises((httpx.InvalidURL, httpx.HTTPError)):
        await servers.send()
    with pytest.raises((httpx.InvalidURL, httpx.HTTPError)):
        await servers.send(location)
    assert len(servers.seen) == 1
