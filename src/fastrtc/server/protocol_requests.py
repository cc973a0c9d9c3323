"""What the HTTP requests of all protocols have in common: their bodies, refusals and offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from ..core.errors import SessionRefused
from .answering import connect
from .endpoint import Endpoint
from .offers import BodyTooLarge

__all__ = ["connect_client", "read_body", "status_of"]

_STATUSES = {
    "unauthorized": 401,
    "unknown_host": 403,
    "cross_site": 403,
    "unknown_connection": 404,
    "connection_already_exists": 409,
    "connection_closed": 409,
    "concurrency_limit_reached": 503,
    "too_many_connecting": 503,
    "server_stopping": 503,
    "too_many_blocked_threads": 503,
    "turn_server_failed": 503,
    "port_unavailable": 503,
    "udp_ports_in_use": 503,
    "unsupported_aiortc": 503,
    "protocol_not_mounted": 503,
}


def status_of(refusal: SessionRefused) -> int:
    """Return the HTTP status of a refusal; 400 for those without a status of their own."""
    return _STATUSES.get(refusal.code, 400)


async def read_body(endpoint: Endpoint, request: Request) -> bytes:
    """Return the body of a request, of ``Limits.offer_bytes`` at most.

    The request is the one that ``authorize`` got, which may have read the body.

    Raises:
        BodyTooLarge: If it is larger.
    """
    limit = endpoint.owner.limits.offer_bytes
    body = await request.body()  # which ``add_to_app`` has bounded
    if len(body) > limit:
        raise BodyTooLarge(limit)
    return body


async def connect_client(
    endpoint: Endpoint,
    id: str,
    sdp: Any,
    protocol: str,
    *,
    metadata: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> str:
    """Answer an offer, in this process or another one of the cluster; return the SDP.

    The request must have been admitted by ``Endpoint.refusal_of``.

    Args:
        endpoint: The endpoint.
        id: The id of the new connection.
        sdp: The offer.
        protocol: The name of the client's protocol.
        metadata: What becomes ``Context.metadata``.
        options: What the protocol needs to know about the connection; picklable.

    Raises:
        InvalidOffer: If the offer is malformed or does not fit the endpoint.
        SessionRefused: If a limit is reached, or the connection cannot be established.
    """
    set_outputs = endpoint.owner.set_additional_outputs(id)
    cluster, known = endpoint.cluster, metadata or {}
    with endpoint.hooks.monitors.counting_refusals():
        if cluster is None:
            answer = await connect(endpoint, id, sdp, set_outputs, known, protocol, options)
        else:
            answer = await cluster.connect(id, sdp, set_outputs, known, protocol, options)
    return str(answer["sdp"])
