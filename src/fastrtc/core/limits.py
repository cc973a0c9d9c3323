"""What one client, or everybody who has not been let in yet, may cost."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["BURST_S", "Limits", "RateLimit"]

BURST_S = 10.0
"""For how many seconds' worth of messages a client may be ahead of its rate: a program sends a
picture, or a browser what it held back while the network was gone, at once."""


@dataclass(frozen=True)
class Limits:
    """Bounds on what clients can make the server do; give it to a ``Stream``.

    The defaults are far above what browsers and telephones need, and small beside what a
    server has. ``concurrency_limit`` and ``time_limit`` are arguments of their own.

    Attributes:
        offer_bytes: Bytes of a request to ``/webrtc/offer``, and characters of an SDP in it.
            Chromium's for audio, video and data have 8 KB.
        candidates: Addresses that one connection may offer, each of which the server sends
            STUN requests to. A browser with several networks has a few dozen.
        early_ids: Ids whose candidates come before their offer. When there are more, those of
            the one that has waited longest are forgotten.
        connecting: Connections that are being established at a time, over WebRTC, WebSocket and
            telephone together; one over WebRTC has UDP sockets. Further ones are refused until
            one is connected, or its 30 s are over. WebSockets count from their ``start`` on,
            callers from their webhook on.
        sockets_waiting: WebSockets and calls that have not sent their ``start``. When there
            are more, the one that has waited longest is closed.
        start_within_s: How long a WebSocket may take to send its ``start``, in seconds.
        ids_waiting: Ids whose ``output_stream`` is read before their connection comes. When
            there are more, the one that has waited longest ends.
        message_bytes: Bytes, or characters, of one message over a WebSocket: 1 MiB is 20 s of
            PCM audio at 24 kHz in base64.
        messages_per_s: Messages of one client per second, with ``BURST_S`` seconds' worth
            ahead. A WebSocket is read no faster; a data channel, where a large message counts
            as the packets that it comes in, cannot be slowed down: its connection is ended.
        pixels: Pixels of a client's video frame: larger ones are not decoded. The largest
            camera pictures in use are 4096 x 2160.
        packets_per_s: Datagrams of one WebRTC client per second, with 2 s' worth ahead. Video
            of 4 Mbit/s is some 500, and some 700 when 30% are lost and sent again. Those
            beyond are dropped; a client that sends too many for 5 s is disconnected.
        private_candidates: Whether a client may offer addresses of private networks (RFC 1918,
            RFC 4193, RFC 6598), each of which the server sends STUN requests to. Without them,
            clients in the server's own network may find no way to it.

    Raises:
        ValueError: If a limit is no positive number, or a switch no bool, naming it.
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
        """Look at the values."""
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


class RateLimit:
    """Tells who is too fast; without a clock (the generic cell rate algorithm, ITU-T I.371).

    Args:
        per_s: How many may come per second.
        burst_s: How many seconds' worth may come at once.
    """

    def __init__(self, per_s: float, burst_s: float = BURST_S) -> None:
        self._interval_s = 1 / per_s
        self._burst_s = burst_s
        self._until: float | None = None

    def take(self, now: float) -> float:
        """Count one.

        Args:
            now: The time, in seconds of any clock.

        Returns:
            For how many seconds it has come too early; 0 if it has not.
        """
        until = now if self._until is None else max(self._until, now)
        self._until = until + self._interval_s
        return max(0.0, self._until - now - self._burst_s)

    def allows(self, now: float, cost: float = 1.0) -> bool:
        """Count one if it is not too early; one that is refused is not counted.

        Args:
            now: The time, in seconds of any clock.
            cost: As how many it counts.

        Returns:
            Whether it came in time.
        """
        until = now if self._until is None else max(self._until, now)
        until += cost * self._interval_s
        if until - now > self._burst_s + 1e-6:  # the clock has no more digits
            return False
        self._until = until
        return True
