"""The page of ``fastrtc playground``, and the routes that forward its requests to the target."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus, WebSocketException

from ..client.errors import ClientError
from ..client.http_redirects import REQUEST_ERRORS, send_request
from ..client.origins import HeaderScope, is_same_origin
from ..client.signaling import Route as TargetRoute
from ..client.signaling import unreachable
from ..transport.cross_site import SitePolicy, is_own_host, refuse_request
from .playground_socket import open_target, relay
from .playground_target import Choices, Target
from .ports import HOST

__all__ = ["make_app"]

Outgoing: TypeAlias = Callable[[Request, bytes], Awaitable[httpx.Response]]
"""Sends a request to the target, from one of the page and its body."""

STATIC = Path(__file__).parents[1] / "static" / "playground"

FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/playground.js": ("playground.js", "text/javascript"),
    "/playground.css": ("playground.css", "text/css"),
}
"""The files of the page, by path, with their media types."""

SITE = SitePolicy(origins=(), hosts=(HOST, "localhost"))
"""Only this page may use the routes, and only under the names of this machine: those of another
site that rebinds its name to 127.0.0.1 are refused."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self' blob:; style-src 'self'; "
    "connect-src 'self' ws://127.0.0.1:* ws://localhost:*; img-src 'self' data:; "
    "media-src 'self' blob: mediastream:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

MAX_BODY = 1 << 20
"""The longest body of a request, in bytes."""

FROM_PAGE = ("accept", "content-type")
"""Headers of the page's requests that the target gets."""

FROM_TARGET = ("content-type", "content-encoding", "content-length", "retry-after")
"""Headers of the target's responses that the page gets."""

STATUS = {"not_found": 404, "forbidden": 403}
"""The status of the response when the target does not answer, by the code; else 502."""


def make_app(target: Target, choices: Choices) -> ASGIApp:
    """Create the app of the page.

    Args:
        target: Gets the forwarded requests.
        choices: What the user has chosen with options.
    """
    forward = _Forwarder(target, choices)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await target.close()

    pages = [Route(path, _file(name, kind)) for path, (name, kind) in FILES.items()]
    app = Starlette(
        routes=[
            *pages,
            Route("/target", forward.describe),
            Route("/rtc_configuration", forward.configuration),
            Route("/webrtc/offer", forward.offer, methods=["POST"]),
            Route("/routes", forward.schema),
            Route("/inputs", forward.inputs, methods=["POST"]),
            WebSocketRoute("/websocket/offer", forward.socket),
        ],
        lifespan=lifespan,
    )
    return _Guard(app)


def _file(name: str, kind: str) -> Any:
    async def file(_: Request) -> Response:
        return Response((STATIC / name).read_bytes(), media_type=kind, headers=HEADERS)

    return file


class _Guard:
    """Refuse requests of pages of other sites, and those under other names (DNS rebinding)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = None if scope["type"] == "lifespan" else self._reason(scope)
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await _deny(WebSocket(scope, receive, send), 403, reason)
        else:
            await JSONResponse({"detail": reason}, 403, headers=HEADERS)(scope, receive, send)

    def _reason(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        if scope["path"] in FILES:  # a link of another page may open this one
            return None if is_own_host(headers, SITE) else "This server is on this machine only"
        refused = refuse_request(headers, SITE)
        return None if refused is None else refused[1]


@dataclass
class _Forwarder:
    """The routes that need the target.

    Attributes:
        target: The target.
        choices: What the user has chosen.
    """

    target: Target
    choices: Choices

    async def describe(self, _: Request) -> Response:
        """Answer what is known about the target, or why it cannot be reached."""
        choices = self.choices
        known: dict[str, Any] = {
            "url": self.target.url,
            "modality": choices.modality,
            "mode": choices.mode,
            "transport": choices.transport,
            "has_token": choices.has_token,
        }
        try:
            found = await self.target.find()
        except ClientError as error:
            known["problem"] = {"sentence": error.message, "advice": error.advice}
            return JSONResponse(known, headers=HEADERS)
        known |= {
            "route": found.route.url,
            "kind": "mounted" if found.route.component is None else "gradio",
            "found": {"modality": found.modality, "mode": found.mode},
            "notes": list(found.route.notes),
        }
        return JSONResponse(known, headers=HEADERS)

    async def configuration(self, request: Request) -> Response:
        """Answer the ICE servers that a Gradio page gives its clients; null for none."""
        try:
            route = await self.target.route()
            if route.component is None:
                return JSONResponse(None, headers=HEADERS)
            headers = self._headers(request.headers, route)
            data = {} if (token := _token(headers)) is None else {"token": token}
            found = await self.target.call_component(route, "turn", data, headers)
        except ClientError as error:
            return _failed(error)
        return JSONResponse(found if isinstance(found, dict) else None, headers=HEADERS)

    async def offer(self, request: Request) -> Response:
        """Forward an offer or a candidate, and the response as it arrives."""
        return await self._forward(request, self._offer)

    async def schema(self, request: Request) -> Response:
        """Forward a request for the OpenAPI schema of the program, which lists its routes.

        A browser never shows the response as a page, whatever the program answers there.
        """
        response = await self._forward(request, self._route("GET", "/openapi.json"))
        response.headers["Content-Type"] = "application/json"
        return response

    async def inputs(self, request: Request) -> Response:
        """Forward inputs to a route of the program: ``/inputs?route=/PATH``."""
        return await self._forward(
            request, self._route("POST", request.query_params.get("route", ""))
        )

    async def _forward(self, request: Request, outgoing: Outgoing) -> Response:
        """Forward a request, and the response as it arrives.

        Args:
            request: The request of the page.
            outgoing: Sends the request to the target, from this one and its body.
        """
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                reason = f"The request has more than {MAX_BODY} bytes"
                return JSONResponse({"detail": reason}, 413, headers=HEADERS)
        sending = asyncio.ensure_future(outgoing(request, bytes(body)))
        leaving = asyncio.ensure_future(_until_disconnected(request))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                return Response(status_code=499)  # the page has left
            response = sending.result()
        except (ClientError, *REQUEST_ERRORS) as error:
            self.target.forget_route()
            return _failed(_described(self.target.url, error))
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.gather(leaving, sending, return_exceptions=True)
        return StreamingResponse(
            response.aiter_raw(),
            response.status_code,
            headers={**HEADERS, **_chosen(response.headers, FROM_TARGET)},
            background=BackgroundTask(response.aclose),
        )

    async def _offer(self, request: Request, body: bytes) -> httpx.Response:
        route = await self.target.route()
        headers = self._headers(request.headers, route)
        if route.component is not None:
            data = _object(body)
            token = _token(headers)
            if token is not None:
                data["token"] = token
            body = json.dumps(self.target.gradio_body(route, "offer", data)).encode()
        return await self._request("POST", route.url, body, headers, request)

    def _route(self, method: str, path: str) -> Outgoing:
        """Return a function that sends a request to a route of the stream's server."""

        async def outgoing(request: Request, body: bytes) -> httpx.Response:
            route = await self.target.route()
            url = str(httpx.URL(route.url).join(path))
            if not path.startswith("/") or not is_same_origin(url, route.url):
                raise ClientError(f"{path!r} is no path of the program", "not_found")
            headers = self._headers(request.headers, route)
            return await self._request(method, url, body, headers, request)

        return outgoing

    async def _request(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], request: Request
    ) -> httpx.Response:
        """Send a request to the target; its body, which may have a token, to no other origin.

        Raises:
            httpx.HTTPError: If the target does not answer.
        """
        encodings = {"accept-encoding": request.headers.get("accept-encoding", "identity")}
        scope = HeaderScope(url, {**headers, **encodings})
        http, content = self.target.http, body or None
        response = await send_request(
            http, method, url, scope, stream=True, elsewhere=False, content=content
        )
        if response.has_redirect_location:
            await response.aclose()
            location = response.headers["location"]
            raise ClientError(f"{scope.url} redirects to {location}", "server_error")
        return response

    async def socket(self, page: WebSocket) -> None:
        """Forward a WebSocket."""
        offered = page.scope.get("subprotocols") or []
        try:
            url, headers = await self._socket_address(page, offered)
            target = await open_target(url, headers, offered)
        except InvalidStatus as error:
            body = (error.response.body or b"").decode(errors="replace")
            await _deny(page, error.response.status_code, body)
            return
        except (ClientError, WebSocketException, OSError) as error:
            self.target.forget_route()
            described = _described(self.target.url, error)
            await _deny(page, STATUS.get(described.code, 502), _sentence(described))
            return
        try:
            await page.accept(target.subprotocol)
            await relay(page, target)
        finally:
            target.transport.abort()

    async def _socket_address(
        self, page: WebSocket, offered: list[str]
    ) -> tuple[str, dict[str, str]]:
        """Return the URL of the WebSocket, and the headers of its handshake.

        Raises:
            ClientError: If there is none, or the target cannot be reached.
        """
        route = await self.target.route()
        headers = self._headers(page.headers, route)
        own_token = offered[1] if offered[:1] == ["fastrtc"] and len(offered) > 1 else None
        if own_token is not None and not route.is_own:
            raise ClientError(f"{self.target.url} redirects to another server", "forbidden")
        if own_token is not None:
            headers = {n: v for n, v in headers.items() if n.lower() != "authorization"}
        if route.component is None:
            return self.target.socket_url(route), headers
        token = own_token or _token(headers)
        data = {} if token is None else {"token": token}
        path = await self.target.call_component(route, "websocket", data, headers)
        if not isinstance(path, str) or not path.startswith("/"):
            raise ClientError(f"{self.target.url} has no WebSocket", "not_found")
        return f"{route.page}{path}", headers

    def _headers(self, page: Mapping[str, str], route: TargetRoute) -> dict[str, str]:
        """Return the headers of a request to the target: the user's, and few of the page.

        A route that redirects through another origin lead to gets none of the user's.
        """
        given = dict(self.target.headers)
        authorization = page.get("authorization")
        if authorization is not None:
            given = {n: v for n, v in given.items() if n.lower() != "authorization"}
            given["Authorization"] = authorization
        return {**_chosen(page, FROM_PAGE), **(given if route.is_own else {})}


def _chosen(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


def _token(headers: Mapping[str, str]) -> str | None:
    """Return the token in a header ``Authorization``, if it has one."""
    value = next((v for n, v in headers.items() if n.lower() == "authorization"), "")
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) else {}


async def _until_disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _described(url: str, error: BaseException) -> ClientError:
    if isinstance(error, ClientError):
        return error
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        advice = "Check the address, and the log of the program."
        return ClientError(f"no response from {url} in time", "server_timeout", advice=advice)
    return unreachable(url, error)


def _sentence(error: ClientError) -> str:
    text = error.message if "://" in error.message.split(" ")[0] else _capital(error.message)
    text = f"{text}." if text[-1:] not in ".!?" else text
    return f"{text} {error.advice}".strip()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _failed(error: ClientError) -> Response:
    status = STATUS.get(error.code, 502)
    return JSONResponse({"detail": _sentence(error)}, status, headers=HEADERS)


async def _deny(page: WebSocket, status: int, body: str) -> None:
    """Refuse a handshake with a status and a body, where the server can do that."""
    if "websocket.http.response" not in (page.scope.get("extensions") or {}):
        await page.close()
        return
    kind = "application/json" if body.startswith("{") else "text/plain; charset=utf-8"
    await page.send_denial_response(Response(body, status, media_type=kind, headers=HEADERS))
