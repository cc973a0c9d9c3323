"""Whatever touches a private name of aiortc or aioice.

Each function says in which version the name was seen, and falls back when it is gone. Those that
bound what a peer may cost are in ``_compat_limits``.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import aioice.turn
import aiortc.rtcrtpreceiver
from aioice import stun
from aiortc import (
    InvalidStateError,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpReceiver,
)
from aiortc.codecs import CODECS, HEADER_EXTENSIONS, is_rtx
from aiortc.rtcpeerconnection import is_codec_compatible
from aiortc.sdp import MediaDescription

from .guard import guarded, guarded_async, retried

__all__ = [
    "RtpSink",
    "TurnAttempt",
    "close_while_connecting",
    "describe_codecs",
    "flush_messages",
    "ice_connections",
    "keep_common_codecs",
    "make_configuration",
    "make_decoder_threads_daemons",
    "negotiated_codecs",
    "supported_codecs",
    "take_packets",
    "watch_consent",
    "watch_turn",
]

logger = logging.getLogger(__name__)


class RtpSink(Protocol):
    """What takes the packets of an audio track as they come in."""

    def push(self, sequence: int, timestamp: int, payload_type: int, payload: bytes) -> None:
        """Take one packet."""


class _PacketTap:
    """Stands in for a receiver's jitter buffer and hands on all that it is given."""

    def __init__(self, sink: RtpSink) -> None:
        self._sink = sink

    @guarded((False, None))
    def add(self, packet: Any) -> tuple[bool, None]:
        self._sink.push(packet.sequence_number, packet.timestamp, packet.payload_type, packet._data)
        return False, None


def take_packets(receiver: RTCRtpReceiver, sink: RtpSink) -> bool:
    """Take the audio packets of a receiver before its jitter buffer does.

    That buffer (``_RTCRtpReceiver__jitter_buffer``, seen in aiortc 1.15 and 1.16) holds
    back 4 packets, 80 ms, of which the last stay in it when the peer stops sending; and
    each decoded frame then changes threads twice.

    Returns:
        Whether it worked; if not, the track's ``recv`` gives the audio.
    """
    name = "_RTCRtpReceiver__jitter_buffer"
    if not hasattr(getattr(receiver, name, None), "add"):
        return False
    setattr(receiver, name, _PacketTap(sink))
    return True


DECODER_ENDS_WITHIN_S = 0.05
"""How long the event loop waits for a decoder thread to end. It ends by itself, too."""


class _DecoderThread(threading.Thread):
    """A daemon that runs in the context of whoever made it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "daemon": True})
        self._run_in = copy_context()  # ``_context`` is Python's own, from 3.14 on

    def run(self) -> None:
        """Run it."""
        try:
            self._run_in.run(super().run)
        except RuntimeError as error:  # its loop was closed while it decoded
            logger.debug("A decoder has ended: %s", error)

    def join(self, timeout: float | None = None) -> None:
        """Wait for it, but not for a whole picture: aiortc does so on the event loop.

        A peer has it do so, by RTCP's BYE, while large pictures are being decoded.
        """
        super().join(DECODER_ENDS_WITHIN_S if timeout is None else timeout)


def make_decoder_threads_daemons() -> None:
    """Let aiortc's decoder threads not keep a process alive.

    Its receivers make a ``threading.Thread`` each (seen in aiortc 1.15 and 1.16), which
    runs until the connection is closed: a program that ends with open connections hung.
    """
    module: Any = aiortc.rtcrtpreceiver
    if getattr(module, "threading", None) is threading:
        module.threading = types.SimpleNamespace(**{**vars(threading), "Thread": _DecoderThread})


def make_configuration(ice_servers: list[RTCIceServer] | None, policy: str) -> RTCConfiguration:
    """Make the configuration of a connection.

    Args:
        ice_servers: STUN and TURN servers; None for aiortc's own, Google's STUN server.
        policy: ``"all"`` or ``"relay"``.

    Raises:
        ValueError: For ``"relay"`` with an aiortc older than 1.16, which has no
            ``RTCConfiguration.iceTransportPolicy``.
    """
    if policy == "all":
        return RTCConfiguration(iceServers=ice_servers)
    try:
        from aiortc.rtcconfiguration import RTCIceTransportPolicy
    except ImportError:
        raise ValueError(
            "server_rtc_configuration: iceTransportPolicy 'relay' needs aiortc 1.16 or newer "
            "(Python 3.11 or newer)"
        ) from None
    return RTCConfiguration(iceServers=ice_servers, iceTransportPolicy=RTCIceTransportPolicy.RELAY)


class Codec(NamedTuple):
    """A codec that was negotiated.

    Attributes:
        payload_type: Its number in RTP packets.
        name: Such as ``"opus"``.
        parameters: What aiortc's own codecs are made from.
    """

    payload_type: int
    name: str
    parameters: Any


def negotiated_codecs(transceiver: Any) -> list[Codec]:
    """Tell which codecs were negotiated; the first is the one that is sent.

    They are in ``RTCRtpTransceiver._codecs`` (seen in aiortc 1.15 and 1.16).
    """
    return [
        Codec(codec.payloadType, codec.name.lower(), codec)
        for codec in getattr(transceiver, "_codecs", [])
    ]


def keep_common_codecs(media: MediaDescription) -> bool:
    """Reduce an offered section to what aiortc negotiates of it.

    Of several formats of one codec the first is kept, of codecs and header extensions those that
    ``aiortc.codecs`` has, compared by ``is_codec_compatible`` (seen in aiortc 1.15 and 1.16).

    Returns:
        Whether a codec is left.
    """
    kept: dict[Any, Any] = {}
    taken: set[int] = set()
    for codec in media.rtp.codecs:
        if codec.payloadType in kept:
            continue
        if is_rtx(codec):
            if codec.parameters.get("apt") in kept:
                kept[codec.payloadType] = codec
            continue
        for index, ours in enumerate(CODECS[media.kind]):
            if index not in taken and is_codec_compatible(ours, codec):
                taken.add(index)
                codec.rtcpFeedback = [f for f in ours.rtcpFeedback if f in codec.rtcpFeedback]
                kept[codec.payloadType] = codec
                break
    media.rtp.codecs = list(kept.values())
    known = {extension.uri for extension in HEADER_EXTENSIONS[media.kind]}
    extensions = {e.uri: e for e in media.rtp.headerExtensions if e.uri in known}
    media.rtp.headerExtensions = list(extensions.values())
    return bool(taken)


NO_CODECS = ("rtx", "red", "ulpfec", "flexfec-03", "cn", "telephone-event")
"""Formats beside codecs: retransmission, redundancy, silence, keys."""


def describe_codecs(codecs: list[Any]) -> str:
    """Name codecs for an error message, such as ``H264 (profile-level-id 640c1f)``.

    Args:
        codecs: What aiortc parsed; names are at most 32 characters, and 8 are named.
    """
    names: dict[str, None] = {}
    for codec in codecs:
        if codec.name.lower() in NO_CODECS:
            continue
        details = [
            f"{key} {codec.parameters[key]}"
            for key in ("profile-level-id", "packetization-mode")
            if key in codec.parameters and codec.name.lower() == "h264"
        ]
        name = f"{codec.name} ({', '.join(details)})" if details else codec.name
        names[name[:64]] = None
    shown = list(names)[:8]
    return ", ".join(shown) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or "none"


def supported_codecs(kind: str) -> str:
    """Name the codecs that aiortc has (``aiortc.codecs.CODECS``) for audio, or for video."""
    return describe_codecs(CODECS[kind])


def close_while_connecting(pc: RTCPeerConnection) -> None:
    """Let a connection be closed while it is being established.

    Its task for that (``_RTCPeerConnection__connect``, seen in aiortc 1.15 and 1.16) then
    fails, when DTLS has begun, on the data channel's turn, and asyncio logs it as an error
    that nobody took; or it starts senders and receivers that were stopped already, whose
    tasks would never end.
    """
    name = "_RTCPeerConnection__connect"
    connect = getattr(pc, name, None)
    if connect is None:
        return

    async def connect_unless_closed() -> None:
        try:
            await connect()
        except InvalidStateError as error:
            logger.debug("Closed while it was being established: %s", error)
        finally:
            await _stop_if_closed(pc)

    setattr(pc, name, connect_unless_closed)


@guarded_async(None)
async def _stop_if_closed(pc: RTCPeerConnection) -> None:
    if pc.signalingState == "closed":
        for transceiver in pc.getTransceivers():
            await transceiver.stop()
        if pc.sctp is not None:
            await pc.sctp.stop()


async def close_connection(pc: RTCPeerConnection) -> None:
    """Close a connection, also where its own attempt to close was given up.

    aiortc closes a connection itself when DTLS has ended (``_RTCPeerConnection__closeTask``, seen
    in 1.15 and 1.16), for example because a loop that ends cancelled its tasks. If that attempt is
    cancelled, too, whoever closes the connection would wait for it for ever.
    """
    own = getattr(pc, "_RTCPeerConnection__closeTask", None)
    if own is not None:
        await asyncio.wait([own])
        if own.cancelled() or own.exception() is not None:
            logger.debug("A connection did not close by itself")
            pc.remove_all_listeners()
            return
    await pc.close()


async def close_sockets(pc: RTCPeerConnection) -> None:
    """Close the sockets of a connection: ``_protocols`` of aioice's ``Connection`` (seen in 0.13).

    Nothing else does if the connection was closed while it gathered candidates, or if the event
    loop ends before it is established. uvloop cannot close a loop with an open socket.
    """
    for connection in ice_connections(pc):
        for protocol in list(getattr(connection, "_protocols", ())):
            await protocol.close()


async def flush_messages(pc: RTCPeerConnection, timeout: float) -> None:
    """Wait until the peer has what was sent over the data channels.

    aiortc has no event for that: the queues of ``RTCSctpTransport`` (seen in 1.15 and
    1.16) are looked at a few times while the connection closes, and never otherwise.
    """
    sctp = pc.sctp
    deadline = asyncio.get_running_loop().time() + timeout
    names = ("_data_channel_queue", "_outbound_queue", "_sent_queue")
    while pc.connectionState == "connected" and any(getattr(sctp, name, None) for name in names):
        if asyncio.get_running_loop().time() > deadline:
            return
        await asyncio.sleep(0.005)


CONSENT_INTERVAL_S = 2.5
"""How often the peer is asked for its consent to be sent to (RFC 7675 section 5.1 has 5 s)."""

CONSENT_EXPIRES_S = 12.0
"""After how long without an answer it is gone. RFC 7675 section 5.1 allows up to 30 s; but
whoever lost the network and comes back must not find their own place taken for so long."""


CONSENT_REPEATS = 2
"""How often a question is sent again. aioice waits 0.5 s for an answer, 3.5 s with two repeats: a
peer that is far away, or a machine that is busy for a while, is no peer that has gone."""


RETRY_S = 1.0
"""After how long the questions go on when one of them failed for a reason of ours, in seconds."""


def watch_consent(pc: RTCPeerConnection, on_expired: Callable[[], None]) -> None:
    """Notice sooner than after 30 s that a peer has gone without a goodbye.

    Replaces ``query_consent`` of each ``aioice.Connection`` (seen in aioice 0.10 to 0.13)
    before it begins. Without it the connection fails after some 30 s all the same.
    """
    for connection in ice_connections(pc):
        if hasattr(connection, "query_consent") and hasattr(connection, "build_request"):
            connection.query_consent = functools.partial(_query_consent, connection, on_expired)


def ice_connections(pc: RTCPeerConnection) -> list[Any]:
    """Return the ``aioice.Connection`` of each transport (``RTCIceTransport._connection``)."""
    transports = [t.receiver.transport for t in pc.getTransceivers()]
    if pc.sctp is not None:
        transports.append(pc.sctp.transport)
    connections = (getattr(t.transport, "_connection", None) for t in transports)
    return list({id(c): c for c in connections if c is not None}.values())


@retried(RETRY_S)
async def _query_consent(connection: Any, on_expired: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    expires = loop.time() + CONSENT_EXPIRES_S
    while loop.time() < expires:
        if not connection._nominated:  # it was closed, maybe just before this began
            return
        # at random, so that the checks of many connections do not fall together (RFC 7675)
        await asyncio.sleep(CONSENT_INTERVAL_S * (0.8 + 0.4 * random.random()))
        for pair in list(connection._nominated.values()):
            request = connection.build_request(pair, nominate=False)
            try:
                asking = pair.protocol.request(
                    request,
                    pair.remote_addr,
                    integrity_key=connection.remote_password.encode("utf8"),
                    retransmissions=CONSENT_REPEATS,
                )
                await asyncio.wait_for(asking, expires - loop.time())
                expires = loop.time() + CONSENT_EXPIRES_S
            except (stun.TransactionError, asyncio.TimeoutError):
                if pair not in connection._nominated.values():  # another address has answered
                    expires = loop.time() + CONSENT_EXPIRES_S
    connection._query_consent_task = None
    on_expired()


@dataclass
class TurnAttempt:
    """How it went with a TURN server that was asked for a relay.

    Attributes:
        server: Its address, ``host:port``.
        succeeded: Whether it gave one.
        failure: Why not, in words; empty while it has not answered.
    """

    server: str
    succeeded: bool = False
    failure: str = ""


_turn_attempts: ContextVar[list[TurnAttempt] | None] = ContextVar("turn_attempts", default=None)


@contextmanager
def watch_turn() -> Iterator[list[TurnAttempt]]:
    """Notice what becomes of the TURN servers that are asked in its course.

    aioice tells nobody why a server gave no relay. So ``aioice.turn.create_turn_endpoint``
    (seen in aioice 0.10 to 0.13) is replaced by one that takes notes, in the context that
    aioice's tasks inherit. Without it there are no attempts to tell of.
    """
    create = getattr(aioice.turn, "create_turn_endpoint", None)
    if create is not None and not hasattr(create, "__wrapped__"):
        setattr(aioice.turn, "create_turn_endpoint", _noting(create))  # noqa: B010
    attempts: list[TurnAttempt] = []
    token = _turn_attempts.set(attempts)
    try:
        yield attempts
    finally:
        _turn_attempts.reset(token)


def _noting(create: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create)
    async def create_turn_endpoint(*args: Any, **kwargs: Any) -> Any:
        attempts = _turn_attempts.get()
        if attempts is None:
            return await create(*args, **kwargs)
        attempt = TurnAttempt(_address_of(*args, **kwargs))
        attempts.append(attempt)
        try:
            endpoint = await create(*args, **kwargs)
        except (OSError, stun.TransactionError) as error:
            attempt.failure = _why(error)
            raise
        attempt.succeeded = True
        _give_up_soon(endpoint[0])
        return endpoint

    return create_turn_endpoint


@guarded("?")
def _address_of(
    protocol_factory: object = None, server_addr: tuple[str, int] = ("?", 0), *_: Any, **__: Any
) -> str:
    host, port = server_addr
    return f"{host}:{port}"


@guarded("failed")
def _why(error: Exception) -> str:
    """Say in words why a TURN server gave no relay."""
    if not isinstance(error, stun.TransactionFailed):
        return f"cannot be reached: {error}"
    code, reason = error.response.attributes.get("ERROR-CODE", (0, "no reason given"))
    if code == 401:
        return f"refused the username and credential: they are wrong, or have expired ({code})"
    return f"refused to relay: {code} {reason}"


TURN_FREED_WITHIN_S = 1.0
"""How long a TURN server may take to give up a relay; else it does when the relay expires."""


@guarded(None)
def _give_up_soon(transport: Any) -> None:
    """Let a connection end although its TURN server has died.

    aioice (seen in 0.13, ``_TurnTransport__inner_protocol.delete``) asks the server some 40 s
    long to give up the relay, and closes its socket after that, or when it is cancelled.
    """
    protocol = getattr(transport, "_TurnTransport__inner_protocol", None)
    delete = getattr(protocol, "delete", None)
    if delete is None:
        return

    async def delete_soon() -> None:
        try:
            await asyncio.wait_for(delete(), TURN_FREED_WITHIN_S)
        except asyncio.TimeoutError:
            logger.debug("A TURN server did not answer when its relay was given up")

    protocol.delete = delete_soon  # type: ignore[union-attr]
