"""Sessions that their clients resume over another connection, over any transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..core.errors import SessionRefused, Unauthorized
from ..core.identity import current_identity
from ..core.resume import ResumeRequest
from ..session.media import Media
from ..session.resume_secrets import refuse_unknown
from ..session.resumption import Resumable, Resumption, Return, lose_network
from ..session.session import Session, State
from ..transport.socket.open_socket import OpenSocket
from ..transport.webrtc.offer import Offer
from ..transport.webrtc.peer import Peer
from .connection import Connection
from .webrtc_protocol import OWN, WebRTCProtocol

if TYPE_CHECKING:
    from .endpoint import Endpoint
    from .socket_endpoint import Socket

__all__ = [
    "REFUSED",
    "admit",
    "find_resumable",
    "make_resumable",
    "resume_over_socket",
    "resume_over_webrtc",
]

REFUSED = "resume_refused"
"""The code of each refusal that depends on the id or the secret: it must not say which."""

ELSEWHERE = "resume_elsewhere"
"""The code for a WebSocket with the right secret that has reached another process."""


def make_resumable(
    endpoint: Endpoint, session: Session, media: Media, transport: Resumable
) -> dict[str, Any] | None:
    """Let the client of a new session resume it.

    Returns:
        What the client is told: ``{"secret", "within_s"}``; None if the stream does not allow it.
    """
    hooks = endpoint.hooks
    if not hooks.resume_within_s:
        return None
    session.resumption = resumption = Resumption(
        session, media, transport, hooks.resume_within_s, hooks.on_reconnect
    )
    return {"secret": resumption.secrets.issue(), "within_s": resumption.within_s}


def find_resumable(endpoint: Endpoint, id: str, secret: str) -> tuple[Connection, Resumption]:
    """Return the connection of a client that presents a secret, and its ``Resumption``.

    Raises:
        SessionRefused: If there is no such connection, or the secret is wrong; in the same time.
    """
    connection = endpoint.get(id)
    resumption = None if connection is None else connection.session.resumption
    if connection is None or resumption is None or connection.session.state is not State.LIVE:
        refuse_unknown(secret)
    elif resumption.secrets.accepts(secret):
        return connection, resumption
    raise SessionRefused(REFUSED)


def find_admissible(endpoint: Endpoint, id: str, secret: str) -> tuple[Connection, Resumption]:
    """Return what ``find_resumable`` does, if another connection may start to connect.

    Raises:
        SessionRefused: As ``find_resumable``, or if too many connections are not established yet.
    """
    connection, resumption = find_resumable(endpoint, id, secret)
    if not resumption.connecting:  # else its own attempt, which is replaced, counts already
        endpoint.places.check_connecting(endpoint.owner.limits.connecting)
    return connection, resumption


async def admit(endpoint: Endpoint, id: str, secret: str) -> None:
    """Check whether a client may resume a session now, as for a new connection.

    Raises:
        SessionRefused: If not.
    """
    await endpoint.shutdown.watch()
    find_admissible(endpoint, id, secret)
    tokens, use = endpoint.hooks.tokens, current_identity.get().token
    if tokens is not None and use is not None:
        try:
            tokens.use_again(use, id)
        except Unauthorized as error:
            raise SessionRefused("unauthorized", reason=error.reason) from None


async def resume_over_webrtc(
    endpoint: Endpoint,
    id: str,
    offer: Offer,
    configuration: Any,
    request: ResumeRequest,
    protocol: WebRTCProtocol = OWN,
) -> dict[str, Any]:
    """Answer the offer of a client that resumes its session.

    Returns:
        ``{"sdp", "type", "resume"}``.

    Raises:
        InvalidOffer: If the offer cannot be answered.
        SessionRefused: If the client may not resume.
    """
    assert request.secret is not None
    connection, resumption = find_admissible(endpoint, id, request.secret)
    session, owner = connection.session, endpoint.owner
    peer = Peer(
        session,
        connection.media,
        owner.mode,
        configuration,
        owner.limits,
        endpoint.ports,
        protocol.messages(session, connection.media, {}),
        resumes=True,
    )
    protocol.attach(peer, {})
    endpoint.early.take(id)  # they belong to an earlier attempt
    told = _take_over(resumption, session, peer, None, request)
    connection = endpoint.replace(connection, peer, peer.tracks)
    peer.on_channel(partial(endpoint.show, connection))
    try:
        answer = await peer.answer(offer)
        await peer.add_early(endpoint.early.take(id))
    except BaseException:
        lose_network(session, peer, "the offer of a client that resumes failed")
        raise
    if session.ended or resumption.transport is not peer:
        raise SessionRefused("connection_closed")
    return {**answer, "resume": told}


async def resume_over_socket(
    endpoint: Endpoint, id: str, socket: Socket, request: ResumeRequest
) -> None:
    """Continue a session over a WebSocket whose client resumes it.

    Raises:
        SessionRefused: If it may not.
    """
    assert request.secret is not None
    if endpoint.cluster is not None and id not in endpoint.places:
        if await endpoint.cluster.call(id, "may_resume", request.secret):
            raise SessionRefused(ELSEWHERE)
    await admit(endpoint, id, request.secret)
    connection, resumption = find_resumable(endpoint, id, request.secret)
    transport = socket.carry(connection.session, connection.media)
    told = _take_over(resumption, connection.session, transport, socket.websocket, request)
    transport.start = replace(transport.start, resumable=told)
    endpoint.replace(connection, transport, [socket])


def _take_over(
    resumption: Resumption,
    session: Session,
    transport: Peer | OpenSocket,
    websocket: Any,
    request: ResumeRequest,
) -> Mapping[str, Any]:
    """Move a session to another transport; return the fields for its client."""
    secret = resumption.secrets.replace(request.secret or "")
    resumption.take_over(
        Return(
            transport,
            current_identity.get().request,
            websocket,
            request.received,
            request.heard,
        )
    )
    return {
        "secret": secret,
        "within_s": resumption.within_s,
        "resumed": True,
        "received": session.messages.received,
    }
