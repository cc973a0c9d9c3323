"""The routes that ``Stream.mount`` adds to an app."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import FastAPI, Request, Response, WebSocket
from starlette.routing import Route

from ..core.limits import Limits
from .debug_routes import debug_routes
from .endpoint import Endpoint, endpoint_of
from .offers import OFFER_RESPONSES, Body, offer_route
from .telephone import CALL_REQUEST, CALL_RESPONSES

__all__ = ["add_routes", "check_path", "developer_routes"]


class MountedStream(Protocol):
    """What the routes call. A subclass of ``Stream`` may override each method."""

    limits: Limits

    async def offer(self, body: Body) -> Any:
        """Answer an offer, or add a trickled candidate."""

    async def handle_incoming_call(self, request: Request) -> Response:
        """Answer the webhook of an incoming telephone call."""
        ...

    async def telephone_handler(self, websocket: WebSocket) -> None:
        """Serve a telephone call."""

    async def websocket_offer(self, websocket: WebSocket) -> None:
        """Serve a WebSocket."""


def add_routes(app: FastAPI, stream: MountedStream, path: str, tags: list[str] | None) -> None:
    """Add the routes of a stream; see ``Stream.mount``.

    They are not added with an included router: newer FastAPI keeps it as one route, but programs
    look up the routes by path in ``app.router.routes``.

    Raises:
        ValueError: If ``path`` is malformed.
    """
    check_path(path)
    app.router.add_api_route(
        f"{path}/webrtc/offer",
        stream.offer,
        methods=["POST"],
        tags=list(tags) if tags else None,
        responses=OFFER_RESPONSES,
        route_class_override=offer_route(
            endpoint_of(stream).refusal_of, lambda: stream.limits.offer_bytes
        ),
    )
    app.add_api_websocket_route(f"{path}/telephone/handler", stream.telephone_handler)
    app.add_api_route(
        f"{path}/telephone/incoming",
        stream.handle_incoming_call,
        methods=["POST"],
        tags=list(tags) if tags else None,
        responses=CALL_RESPONSES,
        openapi_extra=CALL_REQUEST,
    )
    app.add_api_websocket_route(f"{path}/websocket/offer", stream.websocket_offer)


def developer_routes(endpoint: Endpoint, path: str = "") -> list[Route]:
    """Return the routes of a stream for its developers, if it has the option ``debug``."""
    return debug_routes(endpoint, path) if endpoint.hooks.debug else []


def check_path(path: str) -> None:
    """Check the prefix of routes.

    Raises:
        ValueError: If it is malformed.
    """
    if path and (not path.startswith("/") or path.endswith("/")):
        raise ValueError(f"path must be '' or begin, and not end, with '/', not {path!r}")
