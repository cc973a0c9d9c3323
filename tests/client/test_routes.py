"""Requests to routes of the program behind redirects, with real servers."""

from collections.abc import Iterator
from contextlib import contextmanager

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


async def test_redirects_to_invalid_urls() -> None:
    with redirecting("http://127.0.0.1:99999", seen := []) as url:
        with pytest.raises(ClientError, match="cannot be reached: The URL is invalid"):
            await request_both(url)
    assert not seen
