"""The route of RTVI clients: ``{path}/api/offer``."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ...core.errors import InvalidCandidate, InvalidOffer, SessionRefused
from ...core.failures import text_of
from ...server.offers import BodyTooLarge
from ...server.protocol_requests import read_body, status_of
from ...server.stream_endpoint import StreamEndpoint
from ..cors import cors_headers
from ..refusals import reason_of, refusal_headers
from .connections import add_candidates, connect
from .offers import InvalidRequest, read_candidates, read_offer
from .protocol import NAME, RTVI

__all__ = ["routes"]

METHODS = ["POST", "PATCH", "OPTIONS"]


def routes(endpoint: StreamEndpoint, path: str) -> Sequence[BaseRoute]:
    """Return the route ``{path}/api/offer``, for offers and candidates."""
    endpoint.hooks.protocols[NAME] = RTVI(endpoint)

    async def offer(request: Request) -> Response:
        allowed, policy = ", ".join(METHODS), endpoint.site_policy
        preflight = request.method == "OPTIONS"
        if preflight:
            response = Response(headers={"Allow": allowed})
        else:
            response = await _answer(endpoint, request)
        cors = cors_headers(request.headers, policy, allowed, preflight=preflight)
        response.headers.update(cors)
        return response

    return [Route(f"{path}/api/offer", offer, methods=METHODS)]


async def _answer(endpoint: StreamEndpoint, request: Request) -> Response:
    try:
        refusal = await endpoint.refusal_of(request)
        if refusal is not None:
            return _refused(refusal)
        body = await read_body(endpoint, request)
        if request.method == "PATCH":
            await add_candidates(endpoint, read_candidates(body))
            return JSONResponse({"status": "success"})
        sdp, id = await connect(endpoint, read_offer(body))
    except SessionRefused as refused:
        return _refused(refused)
    except (InvalidRequest, InvalidOffer, InvalidCandidate) as error:
        return _failed(400, "invalid_request", text_of(error))
    except BodyTooLarge as error:
        return _failed(error.status_code, "too_large", str(error.detail))
    return JSONResponse({"sdp": sdp, "type": "answer", "pc_id": id})


def _refused(refusal: SessionRefused) -> Response:
    status = status_of(refusal)
    response = _failed(status, refusal.code, reason_of(refusal))
    response.headers.update(refusal_headers(status))
    return response


def _failed(status: int, code: str, reason: str) -> Response:
    return JSONResponse({"error": code, "detail": reason, "message": reason}, status)
