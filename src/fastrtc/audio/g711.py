"""G.711, the mu-law and A-law of the telephone network (ITU-T G.711), by tables.

Both write a sample in eight bits: a sign, one of eight segments that double in size, and one of
sixteen steps in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["decode_alaw", "decode_mulaw", "encode_alaw", "encode_mulaw"]

_BIAS = 33
"""What mu-law adds to a magnitude of 13 bits, so that each segment begins at a power of two."""

_EVEN_BITS = 0x55
"""The bits that A-law inverts on the line."""


def encode_mulaw(samples: NDArray[np.int16]) -> bytes:
    """Write samples in mu-law, one byte each."""
    return _MULAW[samples.reshape(-1).view(np.uint16)].tobytes()


def decode_mulaw(payload: bytes) -> NDArray[np.int16]:
    """Read mu-law.

    Returns:
        The samples, shape ``(n,)``, at most 32124.
    """
    return _FROM_MULAW[np.frombuffer(payload, np.uint8)]


def encode_alaw(samples: NDArray[np.int16]) -> bytes:
    """Write samples in A-law, one byte each."""
    return _ALAW[samples.reshape(-1).view(np.uint16)].tobytes()


def decode_alaw(payload: bytes) -> NDArray[np.int16]:
    """Read A-law.

    Returns:
        The samples, shape ``(n,)``, at most 32256.
    """
    return _FROM_ALAW[np.frombuffer(payload, np.uint8)]


def _magnitudes(shift: int) -> NDArray[np.int32]:
    """Give the magnitude of all 2**16 samples, in the order of their bits."""
    samples = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
    return np.where(samples < 0, ~samples, samples) >> shift


def _bits(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give how many bits each value needs; values are below 2**13."""
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
