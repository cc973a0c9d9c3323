"""G.711 mu-law and A-law, the codecs of the telephone network (ITU-T G.711), by lookup tables.

Both encode a sample in eight bits: a sign, one of eight segments that double in size, and one of
16 steps within the segment.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["decode_alaw", "decode_mulaw", "encode_alaw", "encode_mulaw"]

_BIAS = 33
"""Added by mu-law to the 13-bit magnitude, so that each segment starts at a power of two."""

_EVEN_BITS = 0x55
"""The bits that A-law inverts for transmission."""


def encode_mulaw(samples: NDArray[np.int16]) -> bytes:
    """Encode samples as mu-law, one byte per sample."""
    return _MULAW.take(samples.reshape(-1).view(np.uint16)).tobytes()


def decode_mulaw(payload: bytes) -> NDArray[np.int16]:
    """Decode mu-law.

    Returns:
        The samples, shape ``(n,)``, from -32124 to 32124.
    """
    return _FROM_MULAW.take(np.frombuffer(payload, np.uint8))


def encode_alaw(samples: NDArray[np.int16]) -> bytes:
    """Encode samples as A-law, one byte per sample."""
    return _ALAW.take(samples.reshape(-1).view(np.uint16)).tobytes()


def decode_alaw(payload: bytes) -> NDArray[np.int16]:
    """Decode A-law.

    Returns:
        The samples, shape ``(n,)``, from -32256 to 32256.
    """
    return _FROM_ALAW.take(np.frombuffer(payload, np.uint8))


def _magnitudes(shift: int) -> NDArray[np.int32]:
    """Return the magnitudes of all 2**16 samples, in the order of their unsigned bits."""
    samples = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
    return np.where(samples < 0, ~samples, samples) >> shift


def _bits(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the bit length of each value; values must be below 2**13."""
    return np.frexp(values)[1].astype(np.int32)


def _mulaw_table() -> NDArray[np.uint8]:
    biased = np.minimum(_magnitudes(2) + _BIAS, (1 << 13) - 1)
    segment = _bits(biased) - 6
    code = segment << 4 | (biased >> segment + 1) & 0x0F
    code[1 << 15 :] |= 0x80
    return (~code & 0xFF).astype(np.uint8)


def _alaw_table() -> NDArray[np.uint8]:
    magnitude = _magnitudes(3)
    segment = np.maximum(_bits(magnitude) - 5, 0)
    code = segment << 4 | (magnitude >> np.maximum(segment, 1)) & 0x0F
    code[: 1 << 15] |= 0x80
    return (code ^ _EVEN_BITS).astype(np.uint8)


def _from_mulaw_table() -> NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 1 | 0x21) << (code >> 4 & 7)) - _BIAS << 2
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _from_alaw_table() -> NDArray[np.int16]:
    code = np.arange(256) ^ _EVEN_BITS
    segment = code >> 4 & 7
    step = (code & 0x0F) << 1 | 1
    magnitude = np.where(segment, step + 32 << np.maximum(segment, 1) - 1, step) << 3
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_MULAW = _mulaw_table()
_ALAW = _alaw_table()
_FROM_MULAW = _from_mulaw_table()
_FROM_ALAW = _from_alaw_table()
