"""The route of offers: its body, authorization, maximum body size and OpenAPI schema."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from ..core.errors import SessionRefused

__all__ = ["OFFER_RESPONSES", "Body", "BodyTooLarge", "OfferRefused", "limit_body", "offer_route"]


class Body(BaseModel):
    """The body of a request to ``/webrtc/offer``: an offer or a candidate.

    Attributes:
        sdp: The offer.
        candidate: A trickled candidate, as returned by ``RTCIceCandidate.toJSON()``.
        type: ``"offer"`` or ``"ice-candidate"``.
        webrtc_id: The connection id chosen by the client.
        metadata: A JSON object of up to 16 KB for the program: ``Context.metadata``.
        resume: True for a session that the client may resume, or the secret of the session that it
            resumes. See ``docs/reconnecting.md``, also for the next two.
        received: How many messages the client has received in the session that it resumes.
        heard: The RTP timestamp of the last audio that it has played.
        client_version: The version of the client, whose answer then has ``server_version``.
    """

    sdp: str | None = None
    candidate: dict[str, Any] | str | None = None
    type: str
    webrtc_id: str
    metadata: Any = None
    resume: Any = None
    received: Any = None
    heard: Any = None
    client_version: Any = None


class OfferRefused(HTTPException, ValueError):
    """An offer that is malformed or does not fit the stream: status 400, with the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(status_code=400, detail=reason)

    def __str__(self) -> str:
        """Return the reason."""
        return str(self.detail)


class BodyTooLarge(HTTPException):
    """The body of a request exceeds its maximum size: status 413."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(413, f"The request has more than {max_bytes} bytes")


class ResumeInfo(BaseModel):
    """How the client can resume the session; ``docs/reconnecting.md``."""

    secret: str
    within_s: float
    resumed: bool = False
    received: int | None = None


class OfferAnswer(BaseModel):
    """The answer to an offer (RFC 8829)."""

    sdp: str
    type: Literal["answer"]
    resume: ResumeInfo | None = None
    server_version: str | None = None


class CandidateAccepted(BaseModel):
    """The answer to a candidate."""

    status: Literal["success"]


class RefusalReason(BaseModel):
    """Why an offer or a candidate was refused: a code, and further details."""

    model_config = ConfigDict(extra="allow")
    error: str


class Refusal(BaseModel):
    """The answer to a refused offer or candidate."""

    status: Literal["failed"]
    meta: RefusalReason


class ErrorDetail(BaseModel):
    """A description of the error in a request."""

    detail: str


OFFER_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": OfferAnswer | CandidateAccepted | Refusal},
    400: {"model": ErrorDetail, "description": "The offer is malformed or does not fit the stream"},
    413: {"model": ErrorDetail, "description": "The request is too large"},
}
"""The responses of the route, for OpenAPI."""


def offer_route(
    ask: Callable[[Request], Awaitable[SessionRefused | None]], max_bytes: Callable[[], int]
) -> type[APIRoute]:
    """Create a route class that authorizes a request before reading its body.

    Args:
        ask: Returns the refusal of a request, or None.
        max_bytes: Returns the maximum size of the body in bytes.
    """

    class OfferRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                limited = limit_body(request, max_bytes())
                refusal = await ask(limited)
                return await handle(limited) if refusal is None else JSONResponse(refusal.answer)

            return guarded

    return OfferRoute


def limit_body(request: Request, max_bytes: int) -> Request:
    """Return the request with a body that fails with ``BodyTooLarge`` once it is too large.

    Raises:
        BodyTooLarge: If the ``Content-Length`` is already too large.
    """
    too_large = BodyTooLarge(max_bytes)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > max_bytes:
        raise too_large
    left = max_bytes

    async def receive() -> Any:
        nonlocal left
        message = await request.receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise too_large
        return message

    return Request(request.scope, receive)
