"""Connections of RTVI clients: new ones, and those that take the place of another."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from ...core.errors import SessionRefused, Unauthorized
from ...core.identity import ClientRequest, Identity, TokenUse, current_identity
from ...core.resume import ResumeRequest
from ...server.answering import add_candidate, resume
from ...server.cluster.calls import call
from ...server.endpoint import Endpoint
from ...server.protocol_requests import connect_client
from ...session.state import State
from ...transport.webrtc.ice_targets import Place, client_place
from ...transport.webrtc.offer import Offer as WebRTCOffer
from ...transport.webrtc.peer import Peer
from ...transport.webrtc.renegotiation import answer_again, offered_sdp
from ...transport.webrtc.signalling import read_offer
from ..ice import credentials_in
from .offers import Candidates, Offer
from .protocol import NAME

__all__ = ["add_candidates", "connect"]

T = TypeVar("T")


async def connect(endpoint: Endpoint, offer: Offer) -> tuple[str, str]:
    """Answer an offer; return the SDP and the id of the connection.

    An offer with the id of a connection is one of the same peer connection (renegotiation) if it
    has the same ICE credentials. Otherwise the client has made a new peer connection, as after a
    change of its network, and resumes its session over it. If it cannot, as the former connection
    was never established or ``resume_within_s`` is 0, the handler starts anew.

    Raises:
        InvalidOffer: If the offer is malformed or does not fit the stream.
        SessionRefused: If a limit is reached, or the connection cannot be established.
    """
    id, identity = offer.pc_id, current_identity.get()
    if id is not None:
        client = client_place.get(), identity.request, identity.token
        answer = await _on_owner(endpoint, id, _return, offer.sdp, offer.restart, *client)
        if answer is not None:
            return answer, id
        current_identity.set(identity)
    if id is not None and await _on_owner(endpoint, id, _end, offer.sdp, identity.token):
        current_identity.set(replace(identity, token=None))  # it is redeemed
    else:
        id = f"{NAME}-{secrets.token_urlsafe(24)}"
    return await connect_client(endpoint, id, offer.sdp, NAME, metadata=offer.metadata), id


async def _on_owner(
    endpoint: Endpoint, id: str, function: Callable[..., Awaitable[T]], *args: Any
) -> T | None:
    """Call a function in the process that has a connection; None if there is none."""
    if not id.startswith(f"{NAME}-"):
        return None
    if endpoint.cluster is None or id in endpoint.places:
        return await function(endpoint, id, *args)
    answer: T | None = await endpoint.cluster.call(id, CALLS_BY_FUNCTION[function], *args)
    return answer


@call("rtvi_return", timeout_s=30.0)
async def _return(
    endpoint: Endpoint,
    id: str,
    sdp: str,
    restart: bool,
    place: Place,
    request: ClientRequest | None,
    token: TokenUse | None,
) -> str | None:
    """Answer another offer of a client; None if it cannot go on with its session."""
    client_place.set(place)
    current_identity.set(Identity(request, token=token))
    connection = endpoint.get(id)
    if connection is None or connection.session.state is not State.LIVE:
        return None
    peer, resumption = connection.transport, connection.session.resumption
    if not restart and isinstance(peer, Peer) and not peer.ended:
        if credentials_in(sdp) <= credentials_in(offered_sdp(peer)):
            return await answer_again(peer, await _read(endpoint, sdp))
    if resumption is None:
        return None
    # The id is a secret, and takes the place of the one that other clients present.
    resuming = ResumeRequest(resumption.secrets.issue())
    answer = await resume(endpoint, id, sdp, resuming, NAME)
    return str(answer["sdp"])


async def _read(endpoint: Endpoint, sdp: str) -> WebRTCOffer:
    owner = endpoint.owner
    return await read_offer(sdp, owner.modality, owner.mode, extra_tracks=True, limits=owner.limits)


@call("rtvi_end")
async def _end(endpoint: Endpoint, id: str, sdp: str, token: TokenUse | None) -> bool:
    """End a connection that its client replaces; return whether it is known.

    The new connection may have the token of one that was never established.

    Raises:
        InvalidOffer: If the offer of the new connection is malformed or does not fit the stream.
        SessionRefused: If the token of the client was used before.
    """
    if endpoint.get(id) is None:
        return False
    await _read(endpoint, sdp)
    connection = endpoint.get(id)
    if connection is None:  # ended in the meantime
        return False
    tokens = endpoint.hooks.tokens
    if tokens is not None and token is not None:
        use = tokens.use_again if connection.session.state is State.NEW else tokens.redeem
        try:
            use(token, id)
        except Unauthorized as error:
            raise SessionRefused("unauthorized", reason=error.reason) from None
    connection.session.close("the client has connected again")
    if endpoint.cluster is not None:
        await endpoint.cluster.release_now(id)  # the new connection has the same id
    return True


CALLS_BY_FUNCTION: dict[Any, str] = {_return: "rtvi_return", _end: "rtvi_end"}


async def add_candidates(endpoint: Endpoint, trickled: Candidates) -> None:
    """Add candidates to a connection of any process.

    Raises:
        InvalidCandidate: If the connection refuses one.
        SessionRefused: If there is no such connection, or it has too many candidates.
    """
    id, cluster = trickled.pc_id, endpoint.cluster
    if not id.startswith(f"{NAME}-"):
        raise SessionRefused("unknown_connection")
    for candidate in trickled.candidates:
        if cluster is not None and id not in endpoint.places:
            await cluster.add_candidate(id, candidate.to_json(), candidate)
        elif endpoint.get(id) is None:
            raise SessionRefused("unknown_connection")
        else:
            await add_candidate(endpoint, id, candidate)
