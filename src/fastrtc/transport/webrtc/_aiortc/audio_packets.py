"""Access to the audio packets of a receiver, before its jitter buffer."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any, Protocol

from aiortc import RTCRtpReceiver

from ..guard import guarded
from .patch import Patch

__all__ = ["PATCH", "AudioDecoder", "PacketTap", "RtpSink", "packet_tap", "take_packets"]

logger = logging.getLogger(__name__)

_NAME = "_RTCRtpReceiver__jitter_buffer"


def _try_jitter_buffer() -> None:
    """Check the return value of a jitter buffer.

    Raises:
        TypeError: If it is not a pair of whether a key frame is needed and a frame.
    """
    from aiortc.jitterbuffer import JitterBuffer
    from aiortc.rtp import RtpPacket

    packet = RtpPacket(payload_type=96, sequence_number=1, timestamp=960, payload=b"opus")
    returned = JitterBuffer(capacity=16, prefetch=4).add(packet)
    if returned != (False, None):
        raise TypeError(f"JitterBuffer.add returned {returned!r}, not (False, None)")


PATCH = Patch(
    name="audio packets",
    target="RTCRtpReceiver.__jitter_buffer",
    seen="aiortc 1.15 and 1.16",
    needs=(
        f"RTCRtpReceiver().{_NAME}.add",
        "aiortc.codecs.get_decoder",
        "aiortc.jitterbuffer.JitterBuffer",
        "aiortc.jitterbuffer.JitterFrame",
        "aiortc.rtp.RtpPacket",
    ),
    uses=("RtpPacket()._data",),  # set by the receiver: checked with the first packet
    lost="audio goes through aiortc's jitter buffer, 80 ms later and without concealment",
    upstream="upstream.md#the-prefetch-of-the-audio-jitter-buffer",
    delete_when="aiortc exposes the packets of a receiver, or has a parameter for the prefetch",
    trial=_try_jitter_buffer,
)


class RtpSink(Protocol):
    """A receiver of the packets of an audio track, in order of arrival."""

    def push(self, sequence: int, timestamp: int, payload_type: int, payload: bytes) -> None:
        """Process a packet."""


class PacketTap:
    """Replace a receiver's jitter buffer, and pass on all packets.

    Args:
        receiver: The receiver.
        sink: Where packets go.
        on_misfit: Called once if packets have an unexpected shape; the receiver's own jitter
            buffer is restored then.

    Attributes:
        sink: Where packets go.
    """

    def __init__(
        self, receiver: RTCRtpReceiver, sink: RtpSink, on_misfit: Callable[[], None]
    ) -> None:
        self._receiver = receiver
        self._buffer: Any = getattr(receiver, _NAME)
        self.sink = sink
        self._on_misfit = on_misfit

    @guarded((False, None))
    def add(self, packet: Any) -> Any:
        """Process a packet in place of the jitter buffer."""
        try:
            number, timestamp = packet.sequence_number, packet.timestamp
            payload_type, payload = packet.payload_type, packet._data
        except AttributeError as error:
            return self._give_back(packet, error)
        self.sink.push(number, timestamp, payload_type, payload)
        return False, None

    def _give_back(self, packet: Any, error: AttributeError) -> Any:
        setattr(self._receiver, _NAME, self._buffer)
        logger.warning("Packets of aiortc have an unexpected shape: %s; %s", error, PATCH.lost)
        self._on_misfit()
        return self._buffer.add(packet)


def packet_tap(receiver: Any) -> PacketTap | None:
    """Return the tap in place of a receiver's jitter buffer, if there is one."""
    buffer = getattr(receiver, _NAME, None)
    return buffer if type(buffer) is PacketTap else None


def take_packets(
    receiver: RTCRtpReceiver, sink: RtpSink, on_misfit: Callable[[], None] = lambda: None
) -> bool:
    """Take the audio packets of a receiver before its jitter buffer does.

    That buffer holds back 4 packets, 80 ms, of which the last stay in it when the peer stops
    sending; and each decoded frame then changes threads twice.

    Args:
        receiver: The receiver.
        sink: Where packets go.
        on_misfit: Called if packets turn out to have an unexpected shape: from then on, the
            track's ``recv`` returns the audio.

    Returns:
        Whether it worked; if not, the track's ``recv`` returns the audio.
    """
    if not PATCH.fits:
        return False
    setattr(receiver, _NAME, PacketTap(receiver, sink, on_misfit))
    return True


class AudioDecoder:
    """Decode packets of codecs other than Opus with aiortc's decoders.

    Args:
        parameters: The negotiated codec.
    """

    def __init__(self, parameters: Any) -> None:
        codecs: Any = importlib.import_module("aiortc.codecs")
        self._frame: Any = importlib.import_module("aiortc.jitterbuffer").JitterFrame
        self._decoder: Any = codecs.get_decoder(parameters)

    def decode(self, payload: bytes, timestamp: int) -> list[Any]:
        """Return the frames of a packet.

        Raises:
            ValueError: If it is damaged.
        """
        frames: list[Any] = self._decoder.decode(self._frame(payload, timestamp))
        return frames
