"""The audio packets of a receiver, before its jitter buffer has them."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any, Protocol

from aiortc import RTCRtpReceiver

from ..guard import guarded
from .patch import Patch

__all__ = ["PATCH", "AudioDecoder", "RtpSink", "take_packets"]

logger = logging.getLogger(__name__)

_NAME = "_RTCRtpReceiver__jitter_buffer"


def _try_jitter_buffer() -> None:
    """Check what a jitter buffer returns.

    Raises:
        TypeError: If it is no pair of whether a key frame is needed and a frame.
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
    uses=("RtpPacket()._data",),  # set by the receiver: looked for in the first packet
    lost="audio comes through aiortc's jitter buffer, 80 ms later and without concealment",
    upstream="upstream.md#the-prefetch-of-the-audio-jitter-buffer",
    delete_when="aiortc gives the packets of a receiver, or lets the prefetch be chosen",
    trial=_try_jitter_buffer,
)


class RtpSink(Protocol):
    """What takes the packets of an audio track as they come in."""

    def push(self, sequence: int, timestamp: int, payload_type: int, payload: bytes) -> None:
        """Take one packet."""


class _PacketTap:
    """Stands in for a receiver's jitter buffer and hands on all that it is given.

    Args:
        receiver: The receiver.
        sink: What gets the packets.
        on_misfit: Called once when packets have another shape: the receiver has its jitter
            buffer back then.
    """

    def __init__(
        self, receiver: RTCRtpReceiver, sink: RtpSink, on_misfit: Callable[[], None]
    ) -> None:
        self._receiver = receiver
        self._buffer: Any = getattr(receiver, _NAME)
        self._sink = sink
        self._on_misfit = on_misfit

    @guarded((False, None))
    def add(self, packet: Any) -> Any:
        """Take a packet in place of the jitter buffer."""
        try:
            number, timestamp = packet.sequence_number, packet.timestamp
            payload_type, payload = packet.payload_type, packet._data
        except AttributeError as error:
            return self._give_back(packet, error)
        self._sink.push(number, timestamp, payload_type, payload)
        return False, None

    def _give_back(self, packet: Any, error: AttributeError) -> Any:
        setattr(self._receiver, _NAME, self._buffer)
        logger.warning("Packets of aiortc have another shape: %s; %s", error, PATCH.lost)
        self._on_misfit()
        return self._buffer.add(packet)


def take_packets(
    receiver: RTCRtpReceiver, sink: RtpSink, on_misfit: Callable[[], None] = lambda: None
) -> bool:
    """Take the audio packets of a receiver before its jitter buffer does.

    That buffer holds back 4 packets, 80 ms, of which the last stay in it when the peer stops
    sending; and each decoded frame then changes threads twice.

    Args:
        receiver: The receiver.
        sink: What gets the packets.
        on_misfit: Called when packets turn out to have another shape: from then on, the track's
            ``recv`` gives the audio.

    Returns:
        Whether it worked; if not, the track's ``recv`` gives the audio.
    """
    if not PATCH.fits:
        return False
    setattr(receiver, _NAME, _PacketTap(receiver, sink, on_misfit))
    return True


class AudioDecoder:
    """Decodes packets of a codec other than Opus by aiortc's own decoder.

    Args:
        parameters: The codec, as it was negotiated.
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
