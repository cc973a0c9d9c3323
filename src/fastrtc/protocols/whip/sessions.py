"""Sessions of WHIP and WHEP after their offer: candidates, and their end.

In a cluster a request may reach any process; the functions registered with ``call`` run in the one
that has the connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.errors import InvalidCandidate, SessionRefused
from ...server.answering import add_candidate
from ...server.cluster.calls import call
from ...server.endpoint import Endpoint
from ...transport.webrtc.candidates import END_OF_CANDIDATES, parse_candidate
from ...transport.webrtc.peer import Peer
from ...transport.webrtc.renegotiation import offered_sdp
from ..ice import credentials_in
from .fragment import Fragment

__all__ = ["PATHS", "connection_id", "end_session", "trickle"]

PATHS = ("whip", "whep")

NO_CONTENT, NOT_FOUND, UNPROCESSABLE = 204, 404, 422


def connection_id(protocol: str, secret: str) -> str:
    """Return the id of the connection of a session, which no id of another protocol equals.

    Args:
        protocol: ``"whip"`` or ``"whep"``.
        secret: The last part of the address of the session.
    """
    return f"{protocol}-{secret}"


async def trickle(endpoint: Endpoint, id: str, fragment: Fragment) -> tuple[int, str]:
    """Add candidates to a connection of any process; return the status, and a reason."""
    if endpoint.cluster is None or id in endpoint.places:
        return await _trickle(endpoint, id, fragment)
    answer = await endpoint.cluster.call(id, "whip_candidates", fragment)
    return answer or (NOT_FOUND, "There is no such session")


@call("whip_candidates")
async def _trickle(endpoint: Endpoint, id: str, fragment: Fragment) -> tuple[int, str]:
    connection = endpoint.get(id)
    peer = None if connection is None else connection.transport
    if not isinstance(peer, Peer) or peer.ended:
        return NOT_FOUND, "There is no such session"
    if fragment.restarts(credentials_in(offered_sdp(peer))):
        return UNPROCESSABLE, "ICE restarts are not supported: end the session and begin another"
    try:
        for value in _places(fragment.candidates):
            try:
                await add_candidate(endpoint, id, parse_candidate(value))
            except InvalidCandidate:
                continue  # such as one of an unsupported transport (RFC 9725 section 4.3.2)
        if fragment.ended:
            await add_candidate(endpoint, id, END_OF_CANDIDATES)
    except SessionRefused as refusal:
        if refusal.code == "too_many_candidates":
            return UNPROCESSABLE, f"A session may have {refusal.details['limit']} candidates"
        return NOT_FOUND, "There is no such session"
    return NO_CONTENT, ""


def _places(candidates: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    return [one for one in candidates if one["candidate"] != "candidate:"]


async def end_session(endpoint: Endpoint, id: str) -> bool:
    """End a connection of any process, as its client wants; return whether it is known."""
    if endpoint.cluster is None or id in endpoint.places:
        return await _end(endpoint, id)
    return bool(await endpoint.cluster.call(id, "whip_end"))


@call("whip_end")
async def _end(endpoint: Endpoint, id: str) -> bool:
    connection = endpoint.get(id)
    if connection is None:
        return False
    connection.session.close("the client disconnected")
    return True
