"""Routes that are added to an app as its own are: its dependencies are run before them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route, WebSocketRoute

from .offers import BodyTooLarge, limit_body

__all__ = ["add_to_app", "with_bounded_body"]


def add_to_app(
    router: APIRouter, routes: Iterable[BaseRoute], max_bytes: Callable[[], int]
) -> None:
    """Add routes to the router of an app, whose ``dependencies`` apply to them.

    They do not apply to ``OPTIONS``: browsers send no credentials with a preflight request.

    Args:
        router: The router.
        routes: Routes of Starlette, for HTTP or WebSockets.
        max_bytes: Returns the maximum size of the body of a request in bytes.
    """
    kind = _route_class(max_bytes)
    for route in routes:
        if isinstance(route, WebSocketRoute):
            router.add_api_websocket_route(route.path, route.endpoint)
        elif isinstance(route, Route):
            router.add_api_route(
                route.path,
                route.endpoint,
                methods=sorted(route.methods or {"GET"}),
                response_model=None,
                include_in_schema=False,
                route_class_override=kind,
            )
        else:
            raise TypeError(f"Unsupported kind of route: {route!r}")


def _route_class(max_bytes: Callable[[], int]) -> type[APIRoute]:
    class AppRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle, respond = super().get_route_handler(), self.endpoint

            async def answer(request: Request) -> Response:
                if request.method == "OPTIONS":
                    response: Response = await respond(request)
                    return response
                return await handle(with_bounded_body(request, max_bytes()))

            return answer

    return AppRoute


def with_bounded_body(request: Request, max_bytes: int) -> Request:
    """Return the request with a body that fails with ``BodyTooLarge`` when it is read.

    The exception is raised even if the ``Content-Length`` is too large only then.
    """
    try:
        return limit_body(request, max_bytes)
    except BodyTooLarge as error:
        too_large = error

    async def receive() -> Any:
        raise too_large

    return Request(request.scope, receive)
