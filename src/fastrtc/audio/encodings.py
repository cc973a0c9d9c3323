"""Encodings of raw audio in WebSocket messages: mono, without a header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .g711 import decode_alaw, decode_mulaw, encode_alaw, encode_mulaw

__all__ = ["ENCODINGS", "AudioEncoding"]


@dataclass(frozen=True)
class AudioEncoding:
    """An encoding of audio samples.

    Attributes:
        encode: Encodes ``int16`` samples of any shape.
        decode: Decodes to ``int16`` samples of shape ``(n,)``.
        sample_bytes: Bytes per sample.
    """

    encode: Callable[[NDArray[np.int16]], bytes]
    decode: Callable[[bytes], NDArray[np.int16]]
    sample_bytes: int


def _encode_pcm16(samples: NDArray[np.int16]) -> bytes:
    return samples.astype("<i2", copy=False).tobytes()


def _decode_pcm16(payload: bytes) -> NDArray[np.int16]:
    return np.frombuffer(payload, "<i2").astype(np.int16)  # a copy, which handlers may modify


ENCODINGS = {
    "pcm16": AudioEncoding(_encode_pcm16, _decode_pcm16, 2),
    "mulaw": AudioEncoding(encode_mulaw, decode_mulaw, 1),
    "alaw": AudioEncoding(encode_alaw, decode_alaw, 1),
}
"""The supported encodings, by the name in ``Start.encoding``."""
