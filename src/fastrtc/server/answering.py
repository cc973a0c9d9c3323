"""Answer offers and add trickled candidates."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from ..core.errors import InvalidCandidate, InvalidOffer, SessionRefused
from ..core.identity import check_metadata
from ..core.limits import MAX_ID_LENGTH
from ..core.log_throttle import LogThrottle
from ..core.outputs import AdditionalOutputs
from ..core.resume import ResumeRequest, read_resume
from ..core.versions import read_client_version
from ..handlers.kinds import check_media, serves
from ..pacing.playout import Playout
from ..session.media import Media
from ..session.session import Session
from ..transport.webrtc.candidates import Candidate, parse_candidate
from ..transport.webrtc.configuration import resolve_configuration, to_aiortc_configuration
from ..transport.webrtc.offer import Offer
from ..transport.webrtc.opus import LOWER_RATES
from ..transport.webrtc.peer import Peer
from ..transport.webrtc.signalling import read_offer
from .endpoint import Endpoint
from .resuming import admit, make_resumable, resume_over_webrtc
from .webrtc_protocol import FASTRTC, WebRTCProtocol, protocol_of

__all__ = ["add_candidate", "answer", "connect", "resume"]

logger = logging.getLogger(__name__)
_too_slow = LogThrottle()

CreatePeer: TypeAlias = Callable[[Session, Any], Peer]
"""Creates the transport of a session, with the server's ``RTCConfiguration``."""


async def answer(
    endpoint: Endpoint, body: dict[str, Any], set_outputs: Callable[[AdditionalOutputs], Any]
) -> dict[str, Any] | None:
    """Answer an offer, or add a trickled candidate; see ``handle_offer``.

    Returns:
        The answer to an offer; None for a candidate.

    Raises:
        InvalidOffer: If the offer is malformed or does not fit the endpoint.
        InvalidCandidate: If the candidate is malformed.
        SessionRefused: If a limit is reached, or the connection cannot be established.
    """
    webrtc_id = body.get("webrtc_id")
    if not isinstance(webrtc_id, str) or not 0 < len(webrtc_id) <= MAX_ID_LENGTH:
        raise InvalidOffer(f"webrtc_id must be a string of 1 to {MAX_ID_LENGTH} characters")
    if not webrtc_id.isprintable():  # it is logged
        raise InvalidOffer("webrtc_id must consist of printable characters")
    sdp, value = body.get("sdp"), body.get("candidate")
    cluster = endpoint.cluster
    if sdp is None and (value is not None or body.get("type") != "offer"):
        candidate = parse_candidate(value)
        if cluster is None or webrtc_id in endpoint.places:
            await add_candidate(endpoint, webrtc_id, candidate)
        else:
            await cluster.add_candidate(webrtc_id, value, candidate)
        return None
    with endpoint.hooks.monitors.counting_refusals():
        answered = await _answer_offer(endpoint, webrtc_id, sdp, body, set_outputs)
    return {**answered, **read_client_version(body)}


async def _answer_offer(
    endpoint: Endpoint,
    webrtc_id: str,
    sdp: Any,
    body: dict[str, Any],
    set_outputs: Callable[[AdditionalOutputs], Any],
) -> dict[str, Any]:
    cluster = endpoint.cluster
    try:
        metadata = check_metadata(body.get("metadata"))
        request = read_resume(body)
    except ValueError as error:
        raise InvalidOffer(str(error)) from None
    if request is not None and request.secret is not None:
        if cluster is None or webrtc_id in endpoint.places:
            return await resume(endpoint, webrtc_id, sdp, request)
        from .cluster.resuming import resume_elsewhere

        return await resume_elsewhere(cluster, webrtc_id, sdp, request)
    offer = webrtc_id, sdp, set_outputs, metadata, FASTRTC
    options = None if request is None else {"resume": True}
    if cluster is None:
        return await connect(endpoint, *offer, options)
    return await cluster.connect(*offer, options)


async def connect(
    endpoint: Endpoint,
    webrtc_id: str,
    sdp: Any,
    set_outputs: Callable[[AdditionalOutputs], Any],
    metadata: Mapping[str, Any],
    protocol: str = FASTRTC,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Answer an offer in this process; see ``answer``.

    Args:
        endpoint: The endpoint.
        webrtc_id: The id of the new connection.
        sdp: The offer, as the client sent it.
        set_outputs: Called with each ``AdditionalOutputs`` of the handler.
        metadata: What becomes ``Context.metadata``, besides that of a token.
        protocol: The protocol of the client: a name in ``endpoint.hooks.protocols``.
        options: What the protocol needs to know about the connection.

    Returns:
        ``{"sdp", "type"}``.

    Raises:
        InvalidOffer: If the offer is malformed or does not fit the endpoint.
        SessionRefused: If a limit is reached, or the connection cannot be established.
    """
    spoken = protocol_of(endpoint.hooks.protocols, protocol)
    offer = await _read(endpoint, sdp, spoken)
    create = partial(_create_peer, endpoint, spoken, options or {})
    asks = protocol == FASTRTC and (options or {}).get("resume") is True
    resumable = asks or spoken.resumes
    return await _connect(endpoint, webrtc_id, offer, set_outputs, metadata, create, resumable)


async def resume(
    endpoint: Endpoint, webrtc_id: str, sdp: Any, request: ResumeRequest, protocol: str = FASTRTC
) -> dict[str, Any]:
    """Answer the offer of a client that resumes its session in this process.

    Raises:
        InvalidOffer: If the offer is malformed or does not fit the endpoint.
        SessionRefused: If the client may not resume.
    """
    await admit(endpoint, webrtc_id, request.secret or "")
    spoken = protocol_of(endpoint.hooks.protocols, protocol)
    offer = await _read(endpoint, sdp, spoken)
    configuration = await _configuration(endpoint.owner.server_rtc_configuration)
    return await resume_over_webrtc(endpoint, webrtc_id, offer, configuration, request, spoken)


def _create_peer(
    endpoint: Endpoint,
    protocol: WebRTCProtocol,
    options: Mapping[str, Any],
    session: Session,
    configuration: Any,
) -> Peer:
    """Create the transport of a session, and its media."""
    owner = endpoint.owner
    mode = protocol.mode(owner.mode)
    media = Media(session, owner.modality, mode, playout=Playout(lower_rates=LOWER_RATES))
    messages = protocol.messages(session, media, options)
    peer = Peer(session, media, mode, configuration, owner.limits, endpoint.ports, messages)
    protocol.attach(peer, options)
    return peer


async def _read(endpoint: Endpoint, sdp: Any, protocol: WebRTCProtocol) -> Offer:
    """Parse an offer and check it against what the endpoint serves.

    Raises:
        InvalidOffer: If it is malformed or does not fit.
    """
    owner, mode = endpoint.owner, protocol.mode(endpoint.owner.mode)
    extra_tracks = protocol.extra_tracks(owner.allow_extra_tracks)
    try:
        check_media(owner.modality, mode)  # a subclass in the program may set them
    except ValueError as error:
        raise InvalidOffer(str(error)) from None
    offer = await read_offer(
        sdp, owner.modality, mode, extra_tracks=extra_tracks, limits=owner.limits
    )
    if not serves(owner.event_handler, owner.modality):
        raise InvalidOffer(
            f"{type(owner.event_handler).__name__} takes audio, but the stream's modality is "
            f"{owner.modality!r}: use modality='audio'"
        )
    return offer


async def _connect(
    endpoint: Endpoint,
    webrtc_id: str,
    offer: Offer,
    set_outputs: Callable[[AdditionalOutputs], Any],
    metadata: Mapping[str, Any],
    create: CreatePeer,
    resumable: bool,
) -> dict[str, Any]:
    candidates: list[Candidate] = []
    try:
        return await _connect_in_place(
            endpoint, webrtc_id, offer, set_outputs, metadata, create, resumable, candidates
        )
    except SessionRefused as refusal:
        if refusal.code == "server_stopping" and candidates:  # it began to stop meanwhile
            endpoint.early.put_back(webrtc_id, candidates, endpoint.owner.limits.early_ids)
        raise


async def _connect_in_place(
    endpoint: Endpoint,
    webrtc_id: str,
    offer: Offer,
    set_outputs: Callable[[AdditionalOutputs], Any],
    metadata: Mapping[str, Any],
    create: CreatePeer,
    resumable: bool,
    candidates: list[Candidate],
) -> dict[str, Any]:
    owner = endpoint.owner
    async with endpoint.reserve(webrtc_id) as place:
        candidates += endpoint.early.take(webrtc_id)
        configuration = await _configuration(owner.server_rtc_configuration)
        session = await place.create_session(set_outputs, metadata=metadata)
        peer = create(session, configuration)
        candidates += endpoint.early.take(webrtc_id)
        connection = endpoint.add(session, peer.media, peer, peer.tracks)
        peer.on_channel(partial(endpoint.show, connection))
        told = make_resumable(endpoint, session, peer.media, peer) if resumable else None
        answer: dict[str, Any] = dict(await peer.answer(offer))
        await peer.add_early(candidates + endpoint.early.take(webrtc_id))
        if session.ended:
            raise SessionRefused("connection_closed")
        if told is not None:
            answer["resume"] = told
        return answer


async def _configuration(configuration: Any) -> Any:
    if not callable(configuration):
        return to_aiortc_configuration(configuration)
    try:
        return to_aiortc_configuration(await resolve_configuration(configuration))
    except TimeoutError as error:
        _too_slow.log(logger.error, "An offer is refused: %s", error)
        reason = "The server did not get an RTC configuration in time"
        raise SessionRefused("turn_server_failed", reason=reason) from error


async def add_candidate(endpoint: Endpoint, webrtc_id: str, candidate: Candidate) -> None:
    """Add a trickled candidate to a connection of this process, or keep it for its offer.

    Raises:
        InvalidCandidate: If the connection refuses it.
        SessionRefused: If the connection has ended, or its offer did not arrive in time.
    """
    connection = endpoint.get(webrtc_id)
    peer = None if connection is None else connection.transport
    if not isinstance(peer, Peer) or not peer.has_offer:
        endpoint.early.keep(webrtc_id, candidate, endpoint.owner.limits.early_ids)
        return
    if peer.ended:
        raise SessionRefused("connection_closed")
    try:
        await peer.add_candidate(candidate)
    except ValueError as error:
        raise InvalidCandidate(str(error)) from error
