"""Resource limits for untrusted clients."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["BURST_S", "DEFAULT_LIMITS", "MAX_ID_LENGTH", "Limits", "RateLimit"]

MAX_ID_LENGTH = 256
"""Maximum length of the id of a connection, or of the stream of a telephone call, in characters; a
UUID has 36."""

BURST_S = 10.0
"""How far a client may exceed its message rate for a moment, in seconds' worth of messages: a
program sends a picture, or a browser what it queued while the network was gone."""


@dataclass(frozen=True)
class Limits:
    """Resource limits for untrusted clients; an argument of ``Stream``.

    The defaults are far above what browsers and telephones need, and small compared to a server's
    resources. ``concurrency_limit`` and ``time_limit`` are separate arguments.

    Attributes:
        offer_bytes: Maximum size of a request to ``/webrtc/offer`` in bytes, and of its SDP in
            characters. An offer of Chromium for audio, video and data has 8 KB.
        candidates: Maximum number of ICE candidates per connection; the server sends STUN requests
            to each. A browser with several networks has a few dozen.
        early_ids: Maximum number of ids whose candidates arrive before their offer. Beyond it, the
            candidates of the oldest id are dropped.
        connecting: Maximum number of connections that are being established at a time, over WebRTC,
            WebSocket and telephone together; over WebRTC each has UDP sockets. More are refused
            until one is connected or its 30 s are over. WebSockets count from their ``start``
            message, calls from their webhook.
        sockets_waiting: Maximum number of WebSockets and calls without a ``start`` message. Beyond
            it, the oldest is closed.
        start_within_s: How long a WebSocket may take to send ``start``, in seconds.
        ids_waiting: Maximum number of ids whose ``output_stream`` is read before their connection
            exists. Beyond it, the oldest reader ends.
        message_bytes: Maximum size of a WebSocket message in bytes, or characters: 1 MiB is 20 s of
            PCM audio at 24 kHz in base64.
        messages_per_s: Maximum message rate of a client, with a burst of ``BURST_S`` seconds'
            worth. A WebSocket is read no faster. A data channel, where a large message counts as
            the packets it arrives in, cannot be slowed down: its connection is ended.
        pixels: Maximum number of pixels of a client's video frame; larger frames are not decoded.
            The largest camera pictures in use are 4096 x 2160.
        packets_per_s: Maximum rate of a WebRTC client's datagrams, with a burst of 2 s' worth.
            Video of 4 Mbit/s has about 500, and about 700 with 30% loss and retransmission. More
            are dropped; a client that exceeds the rate for 5 s is disconnected.
        private_candidates: Whether clients may offer addresses of private networks (RFC 1918, RFC
            4193, RFC 6598), to which the server sends STUN requests. Without them, clients in the
            server's own network may not be able to connect.

    Raises:
        ValueError: If a limit is not a positive number, or a switch not a bool; the message names
            it.
    """

    offer_bytes: int = 64 * 1024
    candidates: int = 128
    early_ids: int = 256
    connecting: int = 256
    sockets_waiting: int = 256
    start_within_s: float = 30.0
    ids_waiting: int = 1024
    message_bytes: int = 1 << 20
    messages_per_s: int = 1000
    pixels: int = 4096 * 2304
    packets_per_s: int = 2000
    private_candidates: bool = True

    def __post_init__(self) -> None:
        """Validate the limits."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, bool):
                if not isinstance(value, bool):
                    raise ValueError(f"Limits: {field.name} must be a bool, not {value!r}")
                continue
            kinds = (int, float) if field.name.endswith("_s") else (int,)
            if not isinstance(value, kinds) or isinstance(value, bool) or not value > 0:
                number = "number" if float in kinds else "integer"
                raise ValueError(f"Limits: {field.name} must be a positive {number}, not {value!r}")


DEFAULT_LIMITS = Limits()
"""The limits of a ``Stream`` that sets none."""


class RateLimit:
    """Rate limiter (the generic cell rate algorithm, ITU-T I.371). No clock.

    Args:
        per_s: Events per second.
        burst_s: Burst size, in seconds' worth of events.
    """

    def __init__(self, per_s: float, burst_s: float = BURST_S) -> None:
        self._interval_s = 1 / per_s
        self._burst_s = burst_s
        self._until: float | None = None

    def take(self, now: float) -> float:
        """Count an event.

        Args:
            now: The time, in seconds of any clock.

        Returns:
            By how many seconds the event is too early; 0 if it is not.
        """
        until = now if self._until is None else max(self._until, now)
        self._until = until + self._interval_s
        return max(0.0, self._until - now - self._burst_s)

    def allows(self, now: float, cost: float = 1.0) -> bool:
        """Count an event unless it is too early.

        Args:
            now: The time, in seconds of any clock.
            cost: How many events it counts as.

        Returns:
            Whether the event is allowed, and was counted.
        """
        until = now if self._until is None else max(self._until, now)
        until += cost * self._interval_s
        if until - now > self._burst_s + 1e-6:  # resolution of the clock
            return False
        self._until = until
        return True
