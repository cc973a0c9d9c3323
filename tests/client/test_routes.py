"""Requests to routes of the program behind redirects, with real servers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from fastrtc.client.errors import ClientError
from fastrtc.client.routes import Routes
from tests.support.servers import serving

HEADERS = {"Authorization": "Bearer me", "X-Key": "k"}
Seen = list[set[str]]


@contextmanager
def redirecting(location: str, seen: Seen) -> Iterator[str]:
    """Serve routes that note their headers, and redirects to them; yield the address."""

    async def there(request: Request) -> Response:
        seen.append({name for name in ("authorization", "x-key") if name in request.headers})
        return StreamingResponse(iter(["data: 1\n\n"]))

    async def redirect(request: Request) -> Response:
        return RedirectResponse(f"{location}/there?{request.query_params}", 307)

    both = ["GET", "POST"]
    routes = [Route("/there", there, methods=both), Route("/here", redirect, methods=both)]
    with serving(Starlette(routes=routes)) as url:
        yield url


async def request_both(url: str, route: str = "here") -> None:
    routes = Routes(url, "id", HEADERS, 20.0)
    try:
        await routes.post(route, {"a": 1})
        assert [data async for data in routes.events(route)] == ["1"]
    finally:
        await routes.close()


async def test_only_the_origin_of_the_route_gets_the_headers() -> None:
    seen: Seen = []
    with redirecting("", seen) as own, redirecting(own, seen) as other:
        await request_both(own)
        await request_both(other, f"{own}/there")  # the program's own choice
        assert seen == [{"authorization", "x-key"}] * 4
        await request_both(other)
    assert seen[4:] == [set()] * 2


@pytest.mark.parametrize("route", ["there", "/there"])
async def test_paths(route: str) -> None:
    seen: Seen = []
    with redirecting("", seen) as url:
        await request_both(url, route)
    assert len(seen) == 2


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:99999", "http://a..b", f"http://{'a' * 64}.example", "http://[::1"],
)
async def test_redirects_to_invalid_urls(location: str) -> None:
    with redirecting(location, seen := []) as url:
        with pytest.raises(ClientError, match="cannot be reached: ") as failed:
            await request_both(url)
        with pytest.raises(ClientError, match="cannot be reached: "):
            await request_both(url, f"{location}/here")
    assert failed.value.code == "server_unreachable"
    assert not seen


@contextmanager
def echoing(requests: list[Request]) -> Iterator[str]:
    """Serve a route that records requests, and redirects to it; yield the address."""

    async def there(request: Request) -> Response:
        await request.body()
        requests.append(request)
        return Response()

    async def redirect(request: Request) -> Response:
        status = int(request.path_params["status"])
        return RedirectResponse(request.query_params["to"], status)

    both = ["GET", "POST"]
    routes = [Route("/there", there, methods=both), Route("/{status}", redirect, methods=both)]
    with serving(Starlette(routes=routes)) as url:
        yield url


async def post(url: str, route: str, headers: Mapping[str, str]) -> None:
    routes = Routes(url, "id", headers, 20.0)
    try:
        await routes.post(route, {"a": 1})
    finally:
        await routes.close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_inputs_and_cookies_stay_with_the_request_along_redirects(status: int) -> None:
    with echoing(requests := []) as url:
        await post(url, f"/{status}?to=/there", {"Cookie": "s=1", **HEADERS})
    (request,) = requests
    assert request.method == "POST" and await request.json() == {"webrtc_id": "id", "a": 1}
    assert request.headers["cookie"] == "s=1" and request.headers["x-key"] == "k"


async def test_a_redirect_to_the_result_is_requested_without_the_inputs() -> None:
    with echoing(requests := []) as url:
        await post(url, "/303?to=/there", HEADERS)
    (request,) = requests
    assert request.method == "GET" and await request.body() == b""
    assert "content-type" not in request.headers


async def test_headers_of_the_client_are_those_of_another_origin() -> None:
    """Of names that both have, the user's go only to the program."""
    with echoing(requests := []) as url, echoing(others := []) as other:
        own = {"Host": "v.example", "Content-Type": "application/merge-patch+json"}
        await post(url, "/there", own)
        await post(url, f"/307?to={other}/there", own)
    assert requests[0].headers["host"] == "v.example"
    assert requests[0].headers["content-type"] == own["Content-Type"]
    assert others[0].headers["host"] == other.removeprefix("http://")
    assert others[0].headers["content-type"] == "application/json"
    assert await others[0].json() == {"webrtc_id": "id", "a": 1}


async def test_a_redirect_back_from_another_origin_gets_no_headers() -> None:
    with echoing(requests := []) as url, echoing([]) as other:
        back = quote(f"{other}/307?to={quote(f'{url}/there')}")
        await post(url, f"/307?to={back}", HEADERS)
    assert not {"authorization", "x-key"} & {*requests[0].headers}


async def test_redirects_without_end() -> None:
    with echoing([]) as url:
        with pytest.raises(ClientError, match="answers 307") as failed:
            await post(url, f"/307?to={quote('/307?to=' * 9, safe='')}", HEADERS)
    assert failed.value.code == "server_error"
