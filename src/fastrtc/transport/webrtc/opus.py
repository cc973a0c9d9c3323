"""Opus encoder and decoder, with settings for both speech and music."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

__all__ = ["LOWER_RATES", "OPUS_RATE", "OpusDecoder", "OpusEncoder"]

OPUS_RATE = 48000
"""The clock rate of Opus in RTP, for any content (RFC 7587 section 4.1)."""

LOWER_RATES = (8000, 12000, 16000, 24000)
"""Other rates that Opus encodes natively (RFC 6716 section 2), which saves resampling to 48 kHz."""

_TIME_BASE = Fraction(1, OPUS_RATE)
_BIT_RATES = {1: 64000, 2: 96000}

_COMPLEXITY = "5"
"""Of 10. At these bit rates, 20 ms of speech cost 166 us instead of 219, without audible
difference."""


class OpusEncoder:
    """Encode frames of 20 ms.

    Args:
        channels: 1 or 2. Either is announced as ``opus/48000/2``, and any decoder supports both
            (RFC 7587 section 7); mono costs half.
        rate: Sample rate of the input in Hz: ``OPUS_RATE`` or one of ``LOWER_RATES``.
    """

    def __init__(self, channels: int, rate: int = OPUS_RATE) -> None:
        self.channels = channels
        self.rate = rate
        self._layout = "stereo" if channels == 2 else "mono"
        codec: Any = av.CodecContext.create("libopus", "w")
        codec.bit_rate = _BIT_RATES[channels]
        codec.format = "s16"
        codec.layout = self._layout
        codec.sample_rate = rate
        codec.time_base = Fraction(1, rate)
        codec.options = {
            "application": "audio",
            "compression_level": _COMPLEXITY,
            "vbr": "constrained",  # otherwise speech takes nearly twice the bit rate
        }
        self._codec = codec

    def encode(self, samples: NDArray[np.int16], pts: int) -> Any:
        """Encode 20 ms.

        Args:
            samples: ``int16``, shape ``(channels, rate / 50)``.
            pts: Presentation time, in samples at ``OPUS_RATE``.

        Returns:
            An ``av.Packet``.
        """
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=self._layout)
        frame.sample_rate = self.rate
        (packet,) = self._codec.encode(frame)
        packet.pts = pts
        packet.time_base = _TIME_BASE
        return packet


class OpusDecoder:
    """Decode packets.

    Args:
        channels: The number of channels of the output, whatever the packets contain.
    """

    def __init__(self, channels: int) -> None:
        codec: Any = av.CodecContext.create("libopus", "r")
        codec.format = "s16"
        codec.layout = "stereo" if channels == 2 else "mono"
        codec.sample_rate = OPUS_RATE
        self._codec = codec
        self._channels = channels

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """Decode a packet.

        Returns:
            ``int16``, shape ``(channels, n)``, at 48 kHz.

        Raises:
            av.FFmpegError: If the packet is damaged.
        """
        # an empty packet would signal the end of the stream to FFmpeg
        frames = self._codec.decode(av.Packet(payload)) if payload else []
        samples: list[NDArray[np.int16]] = [
            np.frombuffer(frame.planes[0], np.int16, frame.samples * self._channels)
            .reshape(-1, self._channels)
            .T.copy()
            for frame in frames
        ]
        if len(samples) == 1:
            return samples[0]
        return np.concatenate([np.zeros((self._channels, 0), dtype=np.int16), *samples], axis=1)
