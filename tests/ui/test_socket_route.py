"""The WebSocket route of a page: who gets a ticket, and that each opens one socket."""

import json
from typing import Any

import pytest
from fastapi import FastAPI, Request
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from fastrtc import AsyncStreamHandler, Stream
from fastrtc.server.endpoint import endpoint_of
from fastrtc.ui.socket_route import LIFETIME_S, MAX_TICKETS, Tickets, ticket_for, tickets
from fastrtc.webrtc import WebRTC
from tests.support.peers import eventually
from tests.support.servers import serving


class Silent(AsyncStreamHandler):
    def copy(self) -> "Silent":
        return Silent()

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None: ...


def endpoint(modality: str = "audio", handler: Any = None, **options: Any) -> Any:
    """Return the endpoint of the page of a stream."""
    stream = Stream(handler or Silent(), modality=modality, verbose=False, **options)
    return endpoint_of(stream.webrtc_component)


async def test_a_ticket_is_valid_once_and_for_a_minute() -> None:
    now = 0.0
    issued, page = Tickets(lambda: now), endpoint()
    first, second = issued.issue(page), issued.issue(page)
    assert issued.find(first) is page
    assert issued.redeem(first)
    assert not issued.redeem(first) and issued.find(first) is None
    assert not issued.redeem("")
    now = LIFETIME_S
    assert not issued.redeem(second)


async def test_the_tickets_are_bounded() -> None:
    issued, page = Tickets(), endpoint()
    first = issued.issue(page)
    others = [issued.issue(page) for _ in range(MAX_TICKETS)]
    assert not issued.redeem(first)
    assert issued.redeem(others[0])


async def test_a_video_page_has_no_websocket() -> None:
    page = endpoint("video", lambda frame: frame)
    assert ticket_for(page, Request({"type": "http", "app": FastAPI()})) is None


async def test_without_a_request_there_is_no_websocket() -> None:
    assert ticket_for(endpoint(), None) is None


async def test_a_socket_with_a_ticket_is_a_connection_of_the_page() -> None:
    app, page = FastAPI(), endpoint()
    request = Request({"type": "http", "app": app})
    first, second = [ticket_for(page, request) for _ in range(2)]
    assert len([route for route in app.router.routes if "fastrtc" in route.path]) == 1
    with serving(app) as url:
        url = url.replace("http", "ws")
        async with connect(f"{url}{first}") as socket:
            await socket.send(json.dumps({"event": "start", "websocket_id": "me", "audio": {}}))
            assert json.loads(await socket.recv())["event"] == "started"
            assert page.get("me") is not None
        for address in (first, "/fastrtc/websocket", "/fastrtc/websocket?ticket=x"):
            with pytest.raises(InvalidStatus):
                await connect(f"{url}{address}")
        assert tickets.redeem(second.partition("=")[2])
        await eventually(lambda: page.get("me") is None)


async def test_authorize_is_called_for_the_socket_too() -> None:
    app, page = FastAPI(), endpoint(authorize=lambda request: False)
    address = ticket_for(page, Request({"type": "http", "app": app}))
    with serving(app) as url:
        async with connect(f"{url.replace('http', 'ws')}{address}") as socket:
            assert json.loads(await socket.recv())["meta"]["error"] == "unauthorized"


async def test_a_page_that_may_not_connect_gets_no_ticket() -> None:
    stream = Stream(Silent(), modality="audio", verbose=False, authorize=lambda request: False)
    component: WebRTC = stream.webrtc_component
    request = Request({"type": "http", "app": FastAPI(), "headers": []})
    assert await component.websocket(None, request) is None
    assert await component.websocket(None, None) is None
