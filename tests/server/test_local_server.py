"""Requests to a server by a name that is not its own, as after DNS rebinding."""

from typing import Any

import pytest

from fastrtc.core.close_reason import POLICY_VIOLATION
from fastrtc.server.local_server import LOCAL_NAMES, OwnHostsOnly
from fastrtc.transport.cross_site import SitePolicy


async def asked(host: str, kind: str = "http") -> tuple[bool, list[dict[str, Any]]]:
    """Return whether the app got a request, and what was sent back."""
    got: list[Any] = []
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.append(scope)

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    scope = {"type": kind, "headers": [(b"host", host.encode())]}
    await OwnHostsOnly(app, lambda: SitePolicy(hosts=["talk.example"], local=True))(
        scope, receive, send
    )
    return bool(got), sent


@pytest.mark.parametrize("host", [*LOCAL_NAMES[:2], "[::1]:7860", "talk.example", "192.0.2.1:80"])
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_its_own_names_reach_the_app(host: str, kind: str) -> None:
    assert await asked(host, kind) == (True, [])


async def test_another_name_is_refused_and_told() -> None:
    reached, (start, body) = await asked("evil.example" + "x" * 200)
    assert not reached
    assert start["status"] == 403
    assert body["body"].startswith(b"This server is not called 'evil.example")
    assert b"allowed_hosts" in body["body"] and len(body["body"]) < 250


async def test_a_socket_of_another_name_is_closed() -> None:
    closed = {"type": "websocket.close", "code": POLICY_VIOLATION}
    assert await asked("evil.example", "websocket") == (False, [closed])


async def test_what_is_no_request_reaches_the_app() -> None:
    assert await asked("evil.example", "lifespan") == (True, [])
