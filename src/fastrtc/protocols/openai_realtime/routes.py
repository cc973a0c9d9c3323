"""The routes of the protocol: ``/v1/realtime`` and what is below it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, WebSocket
from fastapi.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from ...core.close_reason import POLICY_VIOLATION
from ...core.errors import InvalidOffer, SessionRefused
from ...core.identity import current_identity
from ...server.authorization import refusal_of_client
from ...server.offers import BodyTooLarge, limit_body
from ...server.protocol_requests import connect_client, status_of
from ...server.stream_endpoint import StreamEndpoint
from ...server.web_socket import DENIAL
from ...transport.socket.events import Start
from ...websocket import serve_socket
from ..cors import cors_headers
from ..locations import location_below
from ..refusals import refusal_headers
from .audio_codec import RATE
from .channel import NAME, RealtimeOverWebRTC
from .client_secrets import check_session, create_secret
from .credentials import has_token, normalized_scope, subprotocol_of
from .errors import EventError, error_body
from .web_socket import RealtimeSocketProtocol, refusal_event

__all__ = ["routes"]

CALL = "rtc"
"""The kind in the ids of calls."""

CALL_METHODS = ["POST", "OPTIONS"]
"""The methods of what pages of other sites may use."""

MAX_MODEL = 256
"""Maximum length of the name of a model, in characters."""


def routes(endpoint: StreamEndpoint, path: str) -> list[BaseRoute]:
    """Create the routes of an endpoint, below a path."""
    endpoint.hooks.protocols[NAME] = RealtimeOverWebRTC()
    found = _Routes(endpoint)
    base = f"{path}/v1/realtime"
    return [
        WebSocketRoute(base, found.socket),
        Route(f"{base}/calls", found.call, methods=CALL_METHODS),
        Route(f"{base}/calls/{{id}}/hangup", found.hang_up, methods=CALL_METHODS),
        Route(f"{base}/client_secrets", found.client_secret, methods=["POST"]),
    ]


class _Routes:
    def __init__(self, endpoint: StreamEndpoint) -> None:
        self._endpoint = endpoint

    async def socket(self, websocket: WebSocket) -> None:
        """Serve a session over a WebSocket."""
        endpoint, scope = self._endpoint, websocket.scope
        socket = WebSocket(normalized_scope(scope), websocket.receive, websocket.send)
        refusal = await endpoint.refusal_of(socket)
        if refusal is None and not endpoint.has_voice:
            refusal = SessionRefused("unsupported", reason="This stream has no audio")
        if refusal is None and "call_id" in socket.query_params:
            refusal = SessionRefused("unsupported", reason="A call has its own data channel")
        if refusal is not None:
            await _deny(socket, refusal)
            return
        if await endpoint.sends_elsewhere(socket, reserved=False):
            return
        await socket.accept(subprotocol_of(scope))
        model = socket.query_params.get("model", "")[:MAX_MODEL]
        protocol = RealtimeSocketProtocol(model)
        start = Start(_id("sess"), "pcm16", RATE, RATE, metadata={"model": model})
        await serve_socket(endpoint, socket, protocol, first=[start], carried=protocol.carry)

    async def call(self, request: Request) -> Response:
        """Answer an offer."""
        return await self._answer(request, self._call)

    async def hang_up(self, request: Request) -> Response:
        """End a call."""
        return await self._answer(request, self._hang_up)

    async def _answer(
        self, request: Request, work: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        endpoint, preflight = self._endpoint, request.method == "OPTIONS"
        request = _normalized(request)
        if preflight:
            response = Response(headers={"Allow": ", ".join(CALL_METHODS)})
        else:
            response = await self._admitted(request, endpoint.refusal_of, work)
        methods, policy = ", ".join(CALL_METHODS), endpoint.site_policy
        response.headers.update(cors_headers(request.headers, policy, methods, preflight=preflight))
        return response

    async def _admitted(
        self,
        request: Request,
        ask: Callable[[Request], Awaitable[SessionRefused | None]],
        work: Callable[[Request], Awaitable[Response]],
    ) -> Response:
        """Process a request that is not refused.

        Its body is limited before it is read, which ``authorize`` may do, too.
        """
        try:
            limited = limit_body(request, self._endpoint.owner.limits.offer_bytes)
            refusal = await ask(limited)
            return await work(limited) if refusal is None else _refused(refusal)
        except EventError as error:
            return _failed(error.body)
        except BodyTooLarge as error:
            return _failed(error_body(str(error.detail), "request_too_large"), error.status_code)

    async def _call(self, request: Request) -> Response:
        endpoint = self._endpoint
        sdp, session = await _parts(request, await request.body())
        model = str((session or {}).get("model") or request.query_params.get("model", ""))
        model = model[:MAX_MODEL]
        id = _id(CALL)
        try:
            answer = await connect_client(
                endpoint,
                id,
                sdp,
                NAME,
                metadata={"model": model},
                options={"model": model, "session": session},
            )
        except InvalidOffer as error:
            return _failed(error_body(str(error), "invalid_offer"))
        except SessionRefused as refused:
            return _refused(refused)
        headers = {"Location": location_below(request.scope, id)}
        return Response(answer, 201, headers, media_type="application/sdp")

    async def _hang_up(self, request: Request) -> Response:
        endpoint = self._endpoint
        id = request.path_params["id"]
        is_call = id.startswith(f"{CALL}_")  # not a connection of another protocol
        found = is_call and endpoint.end(id, "Hung up by the client")
        if is_call and not found and endpoint.cluster is not None:
            found = bool(await endpoint.cluster.call(id, "close", "Hung up by the client"))
        if not found:
            return _failed(error_body("There is no such call", "call_not_found"), 404)
        return Response(status_code=200)

    async def client_secret(self, request: Request) -> Response:
        """Create a short-lived key for a client.

        Its holder may create no others: ``authorize`` itself has to accept the request, which must
        not have a token, as none is verified here.
        """
        endpoint = self._endpoint
        request = _normalized(request)
        tokens, authorize = endpoint.hooks.tokens, endpoint.owner.authorize
        if tokens is None or authorize is None:
            missing = "stream.tokens()" if tokens is None else "authorize="
            return _failed(error_body(f"This server has no {missing}", "not_configured"), 404)

        async def refusal_of(request: Request) -> SessionRefused | None:
            if has_token(request):
                return SessionRefused("unauthorized", reason="A token creates no keys")
            policy = endpoint.site_policy
            return await refusal_of_client(policy, None, authorize, request, explicit=True)

        async def create(request: Request) -> Response:
            body, user = await request.body(), current_identity.get().user
            return JSONResponse(create_secret(body, tokens, user))

        return await self._admitted(request, refusal_of, create)


async def _parts(request: Request, body: bytes) -> tuple[str, dict[str, Any] | None]:
    """Return the SDP and the session of a request.

    Raises:
        EventError: If it is neither an offer, nor a form with one.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/sdp":
        return _text(body), None
    if kind != "multipart/form-data":
        raise EventError(
            "The content type must be application/sdp or multipart/form-data",
            param="content-type",
        )
    try:
        async with Request(request.scope, _once(body)).form(max_files=4, max_fields=4) as form:
            parts = {name: await _value(part) for name, part in form.items()}
    except EventError:
        raise
    except Exception as error:  # of the parser, of many types
        raise EventError(f"The form is malformed: {error}"[:200]) from None
    if "sdp" not in parts:
        raise EventError("Missing required parameter: 'sdp'", "missing_required_parameter", "sdp")
    try:
        session = json.loads(parts["session"]) if "session" in parts else None
    except (ValueError, RecursionError):
        raise EventError("session is not valid JSON", "invalid_json", "session") from None
    return parts["sdp"], check_session(session)


def _normalized(request: Request) -> Request:
    """Return a request with its key in ``Authorization``.

    Its body is that of the request, which a dependency of the app may have read.
    """

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": await request.body(), "more_body": False}

    return Request(normalized_scope(request.scope), receive)


def _once(body: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _value(part: Any) -> str:
    return part if isinstance(part, str) else _text(await part.read())


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise EventError("The offer is not text in UTF-8", param="sdp") from None


def _id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(16)}"


def _refused(refusal: SessionRefused) -> JSONResponse:
    return _failed(_error_of(refusal), status_of(refusal))


def _failed(error: dict[str, Any], status: int = 400) -> JSONResponse:
    return JSONResponse({"error": error}, status, refusal_headers(status))


def _error_of(refusal: SessionRefused) -> dict[str, Any]:
    reason = refusal.details.get("reason") or f"The session is refused: {refusal.code}"
    return error_body(str(reason), refusal.code)


async def _deny(websocket: WebSocket, refusal: SessionRefused) -> None:
    """Refuse a WebSocket: with an HTTP status, or after the handshake if the server cannot."""
    if DENIAL in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(_refused(refusal))
        return
    await websocket.accept(subprotocol_of(websocket.scope))
    await websocket.send_text(refusal_event(refusal.answer))
    await websocket.close(POLICY_VIOLATION, refusal.code)
