"""The debug page of a stream and its state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .debug_state import watch

if TYPE_CHECKING:
    from .endpoint import Endpoint

__all__ = ["debug_routes"]

PAGE = Path(__file__).with_name("debug_page")
STATIC = Path(__file__).parents[1] / "static"

FILES = {
    "debug.js": (PAGE, "text/javascript"),
    "debug.css": (PAGE, "text/css"),
    "timeline.js": (STATIC, "text/javascript"),
    "timeline.css": (STATIC, "text/css"),
}
"""The files of the page, with their folder and media type. They contain nothing of the stream, and
are served without ``authorize``: a browser sends no token of the page's address with them."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def debug_routes(endpoint: Endpoint, path: str = "") -> list[Route]:
    """Return the routes of the debug page of a stream: ``{path}/fastrtc/debug``; see ``Stream``."""
    state = watch(endpoint)

    async def refused(request: Request) -> Response | None:
        refusal = await endpoint.refusal_of_reader(request)
        if refusal is None:
            return None
        reason = str(refusal.details.get("reason", "Not allowed"))
        return PlainTextResponse(reason, 403, headers=HEADERS)

    async def page(request: Request) -> Response:
        html = (PAGE / "index.html").read_bytes()
        shown = Response(html, media_type="text/html; charset=utf-8", headers=HEADERS)
        return await refused(request) or shown

    async def data(request: Request) -> Response:
        return await refused(request) or JSONResponse(state.as_dict(), headers=HEADERS)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in FILES:
            return PlainTextResponse("Not Found", 404, headers=HEADERS)
        folder, kind = FILES[name]
        return Response((folder / name).read_bytes(), media_type=kind, headers=HEADERS)

    address = f"{path}/fastrtc/debug"
    return [
        Route(place, route, include_in_schema=False)
        for place, route in (
            (address, page),
            (f"{address}/state", data),
            (f"{address}/{{name}}", file),
        )
    ]
