"""The WebSocket route of a page, for its audio where the network blocks WebRTC.

Gradio checks the login of a user before it runs the functions of a component, but not before it
serves a route that was added to its app. So a function of the component issues a ticket for each
WebSocket.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from ..core.close_reason import POLICY_VIOLATION
from ..server.page_endpoint import PageEndpoint

__all__ = ["Tickets", "ticket_for"]

PATH = "/fastrtc/websocket"
"""The path of the route, below that of the page."""

LIFETIME_S = 60.0
"""How long a ticket is valid, in seconds."""

MAX_TICKETS = 4096
"""The most tickets that are not used yet; a new one evicts the oldest."""


class Tickets:
    """Issue tickets for WebSockets of pages, and accept each once.

    Args:
        clock: Returns the time in seconds; monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._issued: dict[str, tuple[float, PageEndpoint]] = {}

    def issue(self, endpoint: PageEndpoint) -> str:
        """Return a ticket for the page of an endpoint."""
        while len(self._issued) >= MAX_TICKETS:
            del self._issued[next(iter(self._issued))]
        ticket = secrets.token_urlsafe(24)
        self._issued[ticket] = self._clock() + LIFETIME_S, endpoint
        return ticket

    def find(self, ticket: str) -> PageEndpoint | None:
        """Return the endpoint that a ticket is for; None if it is invalid, or was used."""
        until, endpoint = self._issued.get(ticket, (0.0, None))
        return endpoint if self._clock() < until else None

    def redeem(self, ticket: str) -> bool:
        """Return whether a ticket is valid; only the first time."""
        valid = self.find(ticket) is not None
        self._issued.pop(ticket, None)
        return valid


tickets = Tickets()
"""The tickets of all pages of the process."""


def ticket_for(endpoint: PageEndpoint, request: Any) -> str | None:
    """Return the address of a WebSocket for a page, relative to that of the page.

    Args:
        endpoint: The endpoint of the page.
        request: The request of the page for it, as Gradio passes it.

    Returns:
        The address, which is valid once; None for a stream without audio, or if Gradio passes no
        request.
    """
    request = getattr(request, "request", request)
    app = None if request is None else request.scope.get("app")
    if app is None or not endpoint.has_voice:
        return None
    routes = app.router.routes
    if not any(getattr(route, "path", None) == PATH for route in routes):
        routes.insert(0, WebSocketRoute(PATH, _serve))  # Gradio has a route for all paths
    return f"{PATH}?ticket={tickets.issue(endpoint)}"


async def _serve(websocket: WebSocket) -> None:
    ticket = websocket.query_params.get("ticket", "")
    endpoint = tickets.find(ticket)
    if endpoint is not None and not await endpoint.admits_socket(websocket):
        return  # the client may try again
    if endpoint is None or not tickets.redeem(ticket):
        await websocket.close(POLICY_VIOLATION)
    else:
        await endpoint.serve_socket(endpoint, websocket)
