"""The figures of a connection: loss, round trip, frames and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ConnectionStats"]


@dataclass(frozen=True)
class ConnectionStats:
    """The figures of a connection so far; see ``Stream.stats``.

    Counters count from the beginning of the connection. A figure is None if the transport does not
    know it: a WebSocket loses nothing, and has no RTCP reports.

    Attributes:
        webrtc_id: The id of the connection.
        transport: ``"webrtc"``, ``"websocket"`` or ``"telephone"``.
        connected_s: How long it has been established, in seconds; 0 before.
        codec: The codec of the audio, such as ``"opus"``, ``"pcm16"`` or ``"mulaw"``; empty if it
            is unknown.
        candidate_type: The type of the client's candidate that is used: ``"host"``, ``"srflx"``,
            ``"prflx"`` or ``"relay"``.
        protocol: ``"udp"`` or ``"tcp"``.
        round_trip_s: The round trip through the network in seconds: over WebRTC as RTCP measures it
            (RFC 3550), otherwise as the client's reports of its playout do.
        jitter_s: The jitter of the packets of the client, in seconds (RFC 3550).
        loss_in: The share of the client's audio packets that were lost, 0 to 1.
        loss_out: The share that the client has lost of ours, by its last report, 0 to 1.
        packets_received: The client's audio packets.
        packets_lost: Those that were lost.
        concealed_s: How much lost audio was concealed, in seconds.
        frames_dropped_in: Frames of the client that were dropped because the handler is slow.
        frames_dropped_out: Frames of the handler that were dropped because the client or the
            network is slow.
        bytes_received: Bytes that were received, including encryption.
        bytes_sent: Bytes that were sent.
        loop_lag_s: How late the event loop of the connection is, in seconds: frames of audio are
            sent as late. It is measured twice a second while the loop has connections, and None
            before the first time.
    """

    webrtc_id: str
    transport: Literal["webrtc", "websocket", "telephone"]
    connected_s: float = 0.0
    codec: str = ""
    candidate_type: str | None = None
    protocol: Literal["udp", "tcp"] | None = None
    round_trip_s: float | None = None
    jitter_s: float | None = None
    loss_in: float | None = None
    loss_out: float | None = None
    packets_received: int | None = None
    packets_lost: int | None = None
    concealed_s: float = 0.0
    frames_dropped_in: int = 0
    frames_dropped_out: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    loop_lag_s: float | None = None
