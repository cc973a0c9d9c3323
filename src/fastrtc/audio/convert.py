"""One form for samples: ``int16`` or ``float32`` values in planar ``(channels, n)`` arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.types import Layout

__all__ = [
    "as_planar",
    "audio_to_float32",
    "audio_to_int16",
    "mix_channels",
    "to_float32",
    "to_int16",
]

_INT16 = np.dtype(np.int16)
_FLOAT32 = np.dtype(np.float32)


def to_int16(samples: NDArray[Any]) -> NDArray[np.int16]:
    """Give samples of any real dtype as 16-bit integers.

    Signed integers are scaled by their width, unsigned ones centred first (``uint8`` 128 is
    silence). Floats are nominally -1 to 1: they are clipped, times 32767 and rounded; NaN
    becomes 0. The factor differs from the 32768 of ``to_float32``, so that 1.0 fits and
    -1.0 and 1.0 stay symmetrical; ``int16`` through ``float32`` and back loses
    ``|x| / 32768 <= 1`` before rounding, thus at most 1 LSB.

    Args:
        samples: Any shape. ``int16`` is returned as it is, not copied.

    Returns:
        The same shape.

    Raises:
        TypeError: If the dtype is not a real number (``bool``, ``complex``, ``object``, text).
    """
    samples = np.asarray(samples)
    dtype = samples.dtype
    if dtype == _INT16:
        return samples
    if dtype.kind == "f":
        scaled = _clipped(samples)
        scaled *= 32767
        np.rint(scaled, out=scaled)
        return scaled.astype(np.int16)
    signed = _signed(samples)
    shift = 8 * signed.dtype.itemsize - 16
    if shift < 0:
        return signed.astype(np.int16) << -shift
    return (signed >> shift).astype(np.int16)


def to_float32(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Give samples of any real dtype as floats from -1 to 1.

    Integers are divided by half their range (``int16`` by 32768), unsigned ones centred
    first. Floats are clipped to -1 and 1; NaN becomes 0.

    Args:
        samples: Any shape. ``float32`` within -1 and 1 is returned as it is, not copied.

    Returns:
        The same shape.

    Raises:
        TypeError: If the dtype is not a real number (``bool``, ``complex``, ``object``, text).
    """
    samples = np.asarray(samples)
    dtype = samples.dtype
    if dtype.kind == "f":
        # NaN fails the comparison too.
        if dtype == _FLOAT32 and samples.min(initial=0) >= -1 and samples.max(initial=0) <= 1:
            return samples
        return _clipped(samples).astype(np.float32, copy=False)
    signed = _signed(samples)
    scaled = signed.astype(np.float32)
    scaled *= np.float32(2.0 ** (1 - 8 * signed.dtype.itemsize))
    return scaled


def as_planar(samples: NDArray[Any], layout: Layout | None = None) -> NDArray[Any]:
    """Give samples the shape ``(channels, n)``.

    Args:
        samples: Mono as ``(n,)``, ``(1, n)`` or ``(n, 1)``; two channels as ``(2, n)``, or
            ``(n, 2)`` with ``n > 2``; with the layout ``"stereo"`` also two channels
            interleaved (left, right, left, ...) as ``(2n,)`` or ``(1, 2n)``, which is the packed
            form of PyAV. Where both axes fit, the first is that of the channels.
        layout: ``"stereo"``: one row holds two interleaved channels. ``"mono"``: two channels
            are mixed down. None: as many channels as there are.

    Returns:
        The same dtype; a view where that is possible. ``(channels, 0)`` if there are no samples.

    Raises:
        ValueError: If the shape is none of these, or an odd number of samples is interleaved.
        TypeError: If channels of a dtype that is no real number would have to be mixed.
    """
    if layout not in (None, "mono", "stereo"):
        raise ValueError(f'The layout of audio is "mono", "stereo" or None, not {layout!r}')
    shape = samples.shape
    if samples.ndim == 1:
        planar = samples[np.newaxis]
    elif samples.ndim == 2 and shape[0] in (1, 2):
        planar = samples
    elif samples.ndim == 2 and shape[1] in (1, 2):
        planar = samples.T
    elif samples.ndim == 2 and samples.size == 0:
        planar = samples.reshape(1, 0)
    else:
        raise ValueError(
            f"Audio of the shape {shape} is not understood: mono is (n,), (1, n) or (n, 1), "
            "two channels are (2, n) or (n, 2)"
        )
    if layout == "stereo" and planar.shape[0] == 1:
        if planar.shape[1] % 2:
            raise ValueError(
                f"Interleaved stereo has an even number of samples, not {planar.shape[1]} "
                f"(shape {shape})"
            )
        return planar.reshape(-1, 2).T
    if layout == "mono":
        return mix_channels(planar, 1)
    return planar


def mix_channels(planar: NDArray[Any], channels: int) -> NDArray[Any]:
    """Give audio as many channels as wanted: the mean of two, or one twice.

    Args:
        planar: Shape ``(1, n)`` or ``(2, n)``, any real dtype. Returned as it is if it fits.
        channels: 1 or 2.

    Returns:
        Shape ``(channels, n)``, the same dtype.

    Raises:
        ValueError: If there are, or would be, other than one or two channels.
        TypeError: If two channels of a dtype that is no real number are to be mixed.
    """
    present = planar.shape[0]
    if present not in (1, 2) or channels not in (1, 2):
        raise ValueError(f"One or two channels can be mixed, not {present} to {channels}")
    if present == channels:
        return planar
    if channels == 2:
        return np.repeat(planar, 2, axis=0)
    left, right = planar[:1], planar[1:]
    mixed: NDArray[Any]
    if planar.dtype.kind == "f":
        mixed = left * planar.dtype.type(0.5)
        mixed += right * planar.dtype.type(0.5)
        return mixed
    if planar.dtype.kind not in "iu":
        raise _not_real(planar.dtype)
    # The floor of the mean, without a wider type: common bits, and half of those that differ.
    mixed = left ^ right
    mixed >>= 1
    mixed += left & right
    return mixed


def audio_to_int16(audio: tuple[int, NDArray[Any]] | NDArray[Any]) -> NDArray[np.int16]:
    """Give the samples of audio as 16-bit integers.

    Args:
        audio: A sample rate in Hz and samples of any real dtype and shape, or just the samples.

    Returns:
        The samples, in their shape; not copied if they are ``int16``.

    Raises:
        TypeError: If the dtype is not a real number.
    """
    return to_int16(_samples_of(audio))


def audio_to_float32(audio: tuple[int, NDArray[Any]] | NDArray[Any]) -> NDArray[np.float32]:
    """Give the samples of audio as floats from -1 to 1.

    Args:
        audio: A sample rate in Hz and samples of any real dtype and shape, or just the samples.

    Returns:
        The samples, in their shape; not copied if they are ``float32`` within -1 and 1.

    Raises:
        TypeError: If the dtype is not a real number.
    """
    return to_float32(_samples_of(audio))


def _samples_of(audio: tuple[int, NDArray[Any]] | NDArray[Any]) -> NDArray[Any]:
    return audio[1] if isinstance(audio, tuple) else audio


def _clipped(samples: NDArray[Any]) -> NDArray[Any]:
    """Copy floats into -1 to 1, with 0 for NaN, as float32 or what is wider."""
    clipped = samples.astype(np.promote_types(samples.dtype, np.float32))
    np.maximum(clipped, -1, out=clipped)
    np.minimum(clipped, 1, out=clipped)
    if np.isnan(clipped).any():
        clipped[np.isnan(clipped)] = 0
    return clipped


def _signed(samples: NDArray[Any]) -> NDArray[Any]:
    """Give integers as signed ones of the same width and the machine's byte order."""
    dtype = samples.dtype
    if dtype.kind not in "iu":
        raise _not_real(dtype)
    samples = samples.astype(dtype.newbyteorder("="), copy=False)
    if dtype.kind == "i":
        return samples
    middle = samples.dtype.type(1 << (8 * dtype.itemsize - 1))
    centred = samples.copy()
    centred ^= middle
    return centred.view(f"i{dtype.itemsize}")


def _not_real(dtype: np.dtype[Any]) -> TypeError:
    return TypeError(
        f"Audio of the dtype {dtype} is not understood: "
        "any integer dtype, or a float dtype with values from -1 to 1, is"
    )
