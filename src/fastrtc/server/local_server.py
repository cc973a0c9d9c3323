"""Middleware of the servers that this package starts itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from ..core.close_reason import POLICY_VIOLATION
from ..transport.cross_site import SitePolicy, is_own_host

__all__ = ["LOCAL_NAMES", "App", "OwnHostsOnly", "Receive", "Scope", "Send"]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")


class OwnHostsOnly:
    """Refuse requests whose ``Host`` is not a name of the server, as after DNS rebinding.

    Args:
        app: The ASGI app that receives accepted requests.
        policy: Returns the policy with the names of the server.
    """

    def __init__(
        self,
        app: App,
        policy: Callable[[], SitePolicy],
    ) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond with status 403."""
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            if not is_own_host(headers, self._policy()):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                    return
                response = PlainTextResponse(
                    f"This server is not called {headers.get('host', '')[:100]!r}: if it "
                    "is, add the name to allowed_hosts of the stream",
                    status_code=403,
                )
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)
