"""Routes of ours beside a launched page, behind the login of ``launch(auth=...)``."""

from __future__ import annotations

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

__all__ = ["behind_login"]

CHECK = "/gradio_api/login_check"
"""Gradio's own route that tells whether a request is logged in; if there is none, none is."""


def behind_login(route: Route) -> Route:
    """Let a route of the app of a launched page answer only those who have logged in.

    Without ``auth`` and ``auth_dependency``, everybody has. Others get the status 401.
    """
    serve = route.app

    async def serve_logged_in(scope: Scope, receive: Receive, send: Send) -> None:
        allowed = await _is_logged_in(Request(scope))
        refused = PlainTextResponse("Log in to the page first", 401)
        await (serve if allowed else refused)(scope, receive, send)

    route.app = serve_logged_in
    return route


async def _is_logged_in(request: Request) -> bool:
    """Ask the app, without a network: it may check cookies, headers or a session."""
    transport = httpx.ASGITransport(app=request.scope["app"])
    headers = [(name, value) for name, value in request.headers.raw if name != b"content-length"]
    place = f"{request.url.scheme}://{request.url.netloc}"
    async with httpx.AsyncClient(transport=transport, base_url=place) as client:
        response = await client.get(CHECK, headers=headers)
    return response.status_code == 200
