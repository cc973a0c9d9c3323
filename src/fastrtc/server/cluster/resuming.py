"""Offers of clients that resume a session, which reached another process than its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...core.errors import SessionRefused
from ...core.identity import ClientRequest, Identity, TokenUse, current_identity
from ...core.resume import ResumeRequest
from ...transport.webrtc.ice_targets import Place, client_place
from ..answering import resume
from ..resuming import REFUSED, find_resumable
from .calls import call

if TYPE_CHECKING:
    from ..endpoint import Endpoint
    from .membership import Membership

__all__ = ["resume_elsewhere"]

ANSWER_TIMEOUT_S = 30.0
"""How long the answer to a forwarded offer may take, in seconds, as for a new connection."""


async def resume_elsewhere(
    cluster: Membership, id: str, sdp: Any, request: ResumeRequest
) -> dict[str, Any]:
    """Let the owner of a session answer the offer of its client.

    Raises:
        InvalidOffer: If the offer is malformed.
        SessionRefused: If the client may not resume, or no process has the session.
    """
    identity = current_identity.get()
    answer: dict[str, Any] | None = await cluster.call(
        id, "resume", sdp, request, client_place.get(), identity.request, identity.token
    )
    if answer is None:
        raise SessionRefused(REFUSED)
    return answer


@call("resume", timeout_s=ANSWER_TIMEOUT_S)
async def resume_here(
    endpoint: Endpoint,
    id: str,
    sdp: Any,
    request: ResumeRequest,
    place: Place,
    client: ClientRequest | None,
    token: TokenUse | None,
) -> dict[str, Any]:
    """Answer the offer of a client that resumes its session, and has reached another node."""
    client_place.set(place)
    current_identity.set(Identity(client, token=token))
    return await resume(endpoint, id, sdp, request)


@call("may_resume")
async def may_resume(endpoint: Endpoint, id: str, secret: str) -> bool:
    """Return whether a secret is that of a session of this node."""
    try:
        find_resumable(endpoint, id, secret)
    except SessionRefused:
        return False
    return True
