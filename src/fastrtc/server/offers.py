"""The route that offers are posted to: who may, how much, and what OpenAPI says about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from ..core.errors import SessionRefused

__all__ = ["OFFER_RESPONSES", "offer_route"]


class OfferAnswer(BaseModel):
    """The answer to an offer (RFC 8829)."""

    sdp: str
    type: Literal["answer"]


class CandidateAccepted(BaseModel):
    """The answer to a candidate."""

    status: Literal["success"]


class RefusalReason(BaseModel):
    """Why not: a code, and what else there is to say."""

    model_config = ConfigDict(extra="allow")
    error: str


class Refusal(BaseModel):
    """The answer to an offer or a candidate that is refused."""

    status: Literal["failed"]
    meta: RefusalReason


class ErrorDetail(BaseModel):
    """What is wrong with a request."""

    detail: str


OFFER_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": OfferAnswer | CandidateAccepted | Refusal},
    400: {"model": ErrorDetail, "description": "The offer is malformed or does not fit the stream"},
    413: {"model": ErrorDetail, "description": "The request is too large"},
}
"""What the route answers, for OpenAPI."""


def offer_route(
    ask: Callable[[Request], Awaitable[SessionRefused | None]], most_bytes: Callable[[], int]
) -> type[APIRoute]:
    """Make the class of a route that asks, before it reads the body, whether it may go on.

    Args:
        ask: Gives the refusal of a request, or None.
        most_bytes: Gives how many bytes the body may have.
    """

    class OfferRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                limited = _limit_body(request, most_bytes())
                refusal = await ask(limited)
                return await handle(limited) if refusal is None else JSONResponse(refusal.answer)

            return guarded

    return OfferRoute


def _limit_body(request: Request, most: int) -> Request:
    """Give the request, whose body fails with status 413 once it is too large.

    Raises:
        HTTPException: If it says so itself.
    """
    too_large = HTTPException(413, f"The request has more than {most} bytes")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most:
        raise too_large
    left = most

    async def receive() -> Any:
        nonlocal left
        message = await request.receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise too_large
        return message

    return Request(request.scope, receive)
