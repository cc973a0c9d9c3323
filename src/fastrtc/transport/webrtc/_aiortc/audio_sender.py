"""Send encoded audio without an object for each packet."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from struct import Struct
from typing import Any, Protocol, runtime_checkable

from aiortc.mediastreams import MediaStreamError

from ..guard import log_failure
from .patch import Patch

__all__ = ["PATCH", "EncodedAudio", "send_encoded"]

logger = logging.getLogger(__name__)

_SENDER = "RTCRtpSender()._RTCRtpSender__"

PATCH = Patch(
    name="encoded audio",
    target="RTCRtpSender._run_rtp",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCRtpSender()._run_rtp",
        "RTCRtpSender()._next_encoded_frame",
        "RTCRtpSender()._enabled",
        "RTCRtpSender()._ssrc",
        f"{_SENDER}track",
        f"{_SENDER}mid",
        f"{_SENDER}encoder",
        f"{_SENDER}rtp_started.set",
        f"{_SENDER}rtp_exited.set",
        f"{_SENDER}rtp_history",
        f"{_SENDER}rtp_header_extensions_map.set",
        f"{_SENDER}rtx_payload_type",
        f"{_SENDER}ntp_timestamp",
        f"{_SENDER}rtp_timestamp",
        f"{_SENDER}octet_count",
        f"{_SENDER}packet_count",
        "RTCDtlsTransport()._send_rtp",
        "aiortc.clock.current_ntp_time",
        "aiortc.rtp.HeaderExtensions",
        "aiortc.rtp.RTP_HISTORY_SIZE",
        "aiortc.rtcrtpsender.random_sequence_number",
        "aiortc.rtcrtpsender.random32",
    ),
    lost="each packet costs more CPU time",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc sends encoded packets with less work",
)

FRAME = 960
"""Length of a packet, in units of its RTP clock (RFC 7587, section 4.1)."""

NO_TRACK_S = 0.02
"""How often a sender without a track looks for one, in seconds, as in aiortc."""

_RTP_HEADER = Struct("!BBHLL")
_VERSION, _EXTENSION, _MARKER = 0x80, 0x10, 0x80


@runtime_checkable
class EncodedAudio(Protocol):
    """A track that encodes its audio.

    Attributes:
        rtp_origin: The RTP timestamp of time 0, once packets are sent.
    """

    rtp_origin: int | None

    async def recv_encoded(self) -> tuple[bytes, int]:
        """Wait for the next packet to send.

        Returns:
            Its payload, and its time in units of the RTP clock.

        Raises:
            MediaStreamError: At the end.
        """


class _Sent:
    """A sent packet, for retransmission."""

    __slots__ = ("_data", "sequence_number")

    def __init__(self, sequence_number: int, data: bytes) -> None:
        self.sequence_number = sequence_number
        self._data = data

    def serialize(self, extensions_map: object) -> bytes:
        """Return the packet."""
        return self._data


def send_encoded(sender: Any) -> None:
    """Send the packets of an ``EncodedAudio`` with less work.

    A sender that begins with another track, or has other header extensions than the ``mid``, is
    left to aiortc. Another track that replaces it continues the sequence of packets: SRTP rejects
    numbers that jump back. To be called before the connection is established.

    Args:
        sender: The ``RTCRtpSender``.
    """
    if not PATCH.fits:
        return
    run_any = sender._run_rtp

    async def run_rtp(codec: Any) -> None:
        extension = _constant_extension(sender)
        track = sender._RTCRtpSender__track
        if isinstance(track, EncodedAudio) and extension is not None:
            sender._RTCRtpSender__rtp_started.set()
            await _send(sender, codec, extension)
        else:
            await run_any(codec)

    sender._run_rtp = run_rtp


def _constant_extension(sender: Any) -> bytes | None:
    """Return the header extension of all packets; None if packets differ, or may be sent as RTX."""
    rtp: Any = importlib.import_module("aiortc.rtp")
    encode = sender._RTCRtpSender__rtp_header_extensions_map.set
    mid = sender._RTCRtpSender__mid
    profile, value = encode(rtp.HeaderExtensions(mid=mid))
    timed = encode(rtp.HeaderExtensions(mid=mid, abs_send_time=0))
    if timed != (profile, value) or sender._RTCRtpSender__rtx_payload_type is not None:
        return None
    if not value:
        return b""
    return bytes((profile >> 8, profile & 0xFF, 0, len(value) >> 2)) + bytes(value)


async def _send(sender: Any, codec: Any, extension: bytes) -> None:
    """Send the packets of the tracks of a sender until one ends."""
    module: Any = importlib.import_module("aiortc.rtcrtpsender")
    current_ntp_time = importlib.import_module("aiortc.clock").current_ntp_time
    history_size: int = importlib.import_module("aiortc.rtp").RTP_HISTORY_SIZE
    history = sender._RTCRtpSender__rtp_history
    number: int = module.random_sequence_number()
    origin: int = module.random32()
    timestamp: int | None = None
    ssrc: int = sender._ssrc
    first = _VERSION | (_EXTENSION if extension else 0)
    try:
        while True:
            track = sender._RTCRtpSender__track
            if track is None:
                await asyncio.sleep(NO_TRACK_S)
                continue
            receive = _source(sender, track, codec)
            begins = timestamp is not None
            _note_origin(track, origin)
            while sender._RTCRtpSender__track is track:
                payload, time = await receive()
                if not sender._enabled or payload is None:
                    continue
                if begins:
                    begins, origin = False, (timestamp or 0) + FRAME - time
                    _note_origin(track, origin)
                timestamp = (origin + time) & 0xFFFFFFFF
                header = _RTP_HEADER.pack(
                    first, _MARKER | codec.payloadType, number, timestamp, ssrc
                )
                packet = header + extension + payload
                history[number % history_size] = _Sent(number, packet)
                await sender.transport._send_rtp(packet)
                sender._RTCRtpSender__ntp_timestamp = current_ntp_time()
                sender._RTCRtpSender__rtp_timestamp = timestamp
                sender._RTCRtpSender__octet_count += len(payload)
                sender._RTCRtpSender__packet_count += 1
                number = (number + 1) & 0xFFFF
    except (asyncio.CancelledError, ConnectionError, MediaStreamError):
        pass
    except Exception as error:  # stop() waits for what follows
        log_failure("The audio sender", error)
    if sender._RTCRtpSender__track is not None:
        sender._RTCRtpSender__track.stop()
        sender._RTCRtpSender__track = None
    sender._RTCRtpSender__encoder = None
    sender._RTCRtpSender__rtp_exited.set()


def _note_origin(track: Any, origin: int) -> None:
    if isinstance(track, EncodedAudio):
        track.rtp_origin = origin


def _source(
    sender: Any, track: Any, codec: Any
) -> Callable[[], Awaitable[tuple[bytes | None, int]]]:
    """Return what waits for the next packet of a track; None while the sender is disabled."""
    if isinstance(track, EncodedAudio):
        return track.recv_encoded

    encoded: deque[tuple[bytes, int]] = deque()

    async def encode() -> tuple[bytes | None, int]:
        if not encoded:
            frame = await sender._next_encoded_frame(codec)
            if frame is None:
                return None, 0
            for k, payload in enumerate(frame.payloads):
                encoded.append((payload, frame.timestamp + k * FRAME))
        return encoded.popleft()

    return encode
