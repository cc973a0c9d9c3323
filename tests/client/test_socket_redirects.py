"""WebSockets behind redirects, with real servers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import SecurityError

from fastrtc.client.socket_redirects import MAX_REDIRECTS, connect_socket
from tests.support.servers import serving

HEADERS = {"Authorization": "Bearer me", "Cookie": "a=b", "X-Key": "k"}


async def tell(websocket: WebSocket) -> None:
    """Send the headers of the handshake."""
    await websocket.accept(next(iter(websocket.scope["subprotocols"]), None))
    await websocket.send_json(dict(websocket.headers))
    await websocket.close()


@contextmanager
def redirecting(location: str) -> Iterator[str]:
    """Serve a WebSocket at /there, and redirects from all other paths; yield the address.

    These lead to the location, or to that of the query: ``?to=LOCATION``.
    """

    async def redirect(websocket: WebSocket) -> None:
        to = websocket.query_params.get("to", location)
        await websocket.send_denial_response(RedirectResponse(to, 307))

    routes = [WebSocketRoute("/there", tell), WebSocketRoute("/{path:path}", redirect)]
    with serving(Starlette(routes=routes)) as url:
        yield f"ws{url[4:]}"


async def headers_at_the_end(url: str) -> dict[str, Any]:
    """Connect, and return the headers that arrive."""
    socket = await connect_socket(url, HEADERS, subprotocols=["fastrtc", "token"])
    try:
        found: dict[str, Any] = json.loads(await socket.recv())
    finally:
        await socket.close()
    return found


async def test_a_redirect_of_the_same_server_gets_the_headers() -> None:
    with redirecting("/there") as url:
        found = await headers_at_the_end(f"{url}/here")
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= found.items()
    assert found["sec-websocket-protocol"] == "fastrtc, token"


async def test_a_redirect_to_another_server_gets_no_credentials() -> None:
    with redirecting("") as other, redirecting(f"http{other[2:]}/there") as url:
        direct = await headers_at_the_end(f"{other}/there")
        found = await headers_at_the_end(f"{url}/here")
    assert "x-key" in direct and "sec-websocket-protocol" in direct
    assert not {"authorization", "cookie", "x-key", "sec-websocket-protocol"} & {*found}


async def test_a_redirect_back_from_another_server_gets_no_credentials() -> None:
    with redirecting("") as url, redirecting("") as other:
        back = f"http{other[2:]}/x?to={quote(f'http{url[2:]}/there')}"
        found = await headers_at_the_end(f"{url}/here?to={quote(back)}")
        direct = await headers_at_the_end(f"{url}/here?to=/there")
    assert "authorization" in direct
    assert not {"authorization", "cookie", "x-key", "sec-websocket-protocol"} & {*found}


@pytest.mark.parametrize("scheme", ["WS", "HTTP"])
async def test_schemes_in_upper_case(scheme: str) -> None:
    with redirecting("") as url:
        to = quote(f"{scheme}{url[2:]}/there")
        found = await headers_at_the_end(f"{scheme}{url[2:]}/here?to={to}")
    assert "x-key" in found


async def test_redirects_without_end_are_refused() -> None:
    with redirecting("/here") as url:
        with pytest.raises(SecurityError, match=f"more than {MAX_REDIRECTS} times"):
            await headers_at_the_end(f"{url}/here")


@pytest.mark.parametrize(
    "location",
    [
        "//h:99999/x",
        "http://h:99999/x",
        "http://[::1",
        "ftp://h/x",
        "about:blank",
        "http://a..b/x",
        f"http://{'a' * 64}.example/x",
    ],
)
async def test_redirects_to_invalid_urls_are_refused(location: str) -> None:
    with redirecting(location) as url:
        with pytest.raises(SecurityError, match="redirects to an invalid URL"):
            await headers_at_the_end(f"{url}/here")


async def test_an_invalid_url_is_refused() -> None:
    for url in ("ws://a..b/x", "ftp://h/x", "x"):
        with pytest.raises(SecurityError, match="invalid URL"):
            await connect_socket(url, HEADERS)
