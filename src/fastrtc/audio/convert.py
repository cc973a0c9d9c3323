"""Conversion of samples to ``int16`` or ``float32`` in planar ``(channels, n)`` arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.types import Layout

__all__ = [
    "as_planar",
    "as_samples",
    "audio_to_float32",
    "audio_to_int16",
    "check_dtype",
    "full_scale",
    "mix_channels",
    "to_float32",
    "to_int16",
]

_INT16 = np.dtype(np.int16)
_FLOAT32 = np.dtype(np.float32)


_FULL_SCALES: dict[str, tuple[tuple[float, float], ...]] = {
    "i4": ((2**15, 2**15),),
    "i8": ((2**19, 2**15), (2**31, 2**31)),
    "f": ((16, 1), (2**19, 2**15), (2**31, 2**31)),
}
"""Full scale of dtypes that do not imply it, by the peak (highest absolute value): pairs of
``(maximum peak, full scale)``. Floats with a peak between 1 and 16 are too loud; as 16-bit values
they would be silence. ``int64``, the integer of Python and NumPy, may hold a sum of 16-bit values,
which is too loud; no audible 32-bit sound has a peak below 2**19."""


def as_samples(samples: object) -> NDArray[Any]:
    """Return samples as an array.

    Args:
        samples: An array, or an object that NumPy reads as one (``__array__``, or a buffer of
            numbers); a sequence of numbers; or bytes (``bytes``, ``bytearray``, ``memoryview``,
            ``array("b")``) of 16-bit little-endian PCM. Masked samples become silence.

    Raises:
        TypeError: If it is none of these.
        ValueError: If the number of bytes is odd, or nested lists differ in length.
    """
    if type(samples) is np.ndarray:
        return samples
    if isinstance(samples, np.ma.MaskedArray):
        filled: NDArray[Any] = samples.filled(0)
        return filled
    if not isinstance(samples, bytes) and hasattr(samples, "__array__"):
        try:
            return np.asarray(samples)
        except Exception as error:  # of any type: this is third-party code
            raise TypeError(
                f"{type(samples).__name__} cannot be read as an array: {error}"
            ) from error
    try:
        view = memoryview(samples)  # type: ignore[arg-type]
    except TypeError:
        pass
    else:
        return _read_pcm(view) if view.format in ("B", "b", "c") else np.asarray(view)
    if isinstance(samples, Sequence) and not isinstance(samples, str):
        return np.asarray(samples)
    raise TypeError(f"Samples must be an array, or 16-bit PCM, not {type(samples).__name__}")


def check_dtype(dtype: np.dtype[Any]) -> None:
    """Check that samples of a dtype can be converted.

    Raises:
        TypeError: If it is not a real number (``bool``, ``complex``, ``object``, strings).
    """
    if dtype.kind not in "iuf":
        raise _not_real(dtype)


def full_scale(samples: NDArray[Any], at_least: float = 0) -> float:
    """Return the absolute value that is full scale in samples.

    Most dtypes imply it: half the range of ``int8``, ``int16`` and unsigned integers, which are
    centered on it. Others are used with values of different ranges, and the peak decides: ``int32``
    holds 16-bit values if all fit into 16 bits, otherwise 32-bit values; ``int64``, the dtype of
    Python's integers, holds 16-bit values up to 2**19, which are clipped; floats range from -1 to
    1, but with a peak above 16 they are 16-bit values.

    Args:
        samples: Any shape and real dtype.
        at_least: Full scale of the preceding audio of the same dtype and stream, which a quiet part
            must not lower.
    """
    dtype = samples.dtype
    default = 1.0 if dtype.kind == "f" else 2.0 ** (8 * dtype.itemsize - 1)
    scales = _FULL_SCALES.get("f" if dtype.kind == "f" else dtype.str[1:])
    if scales is None or samples.size == 0:
        return default if scales is None else at_least or scales[0][1]
    peak = max(float(samples.max()), -float(samples.min()))  # NaN is in no range
    return max(at_least, next((scale for limit, scale in scales if peak <= limit), default))


def to_int16(samples: NDArray[Any], scale: float | None = None) -> NDArray[np.int16]:
    """Return samples of any real dtype as 16-bit integers.

    Signed integers are scaled by their full scale, unsigned ones centered first (``uint8`` 128 is
    silence). Floats are nominally -1 to 1: they are clipped, multiplied by 32767 and rounded; NaN
    becomes 0. The factor differs from the 32768 of ``to_float32``, so that 1.0 fits and -1.0 and
    1.0 stay symmetrical; ``int16`` through ``float32`` and back loses ``|x| / 32768 <= 1`` before
    rounding, thus at most 1 LSB.

    Args:
        samples: Any shape. ``int16`` is returned as it is, not copied.
        scale: Full scale, if known; by default, see ``full_scale``.

    Returns:
        The same shape.

    Raises:
        TypeError: If the dtype is not a real number (``bool``, ``complex``, ``object``, strings).
    """
    samples = np.asarray(samples)
    dtype = samples.dtype
    if dtype == _INT16:
        return samples
    check_dtype(dtype)
    scale = full_scale(samples) if scale is None else scale
    if dtype.kind == "f":
        scaled = _unit_floats(samples, scale)
        scaled *= 32767
        np.rint(scaled, out=scaled)
        return scaled.astype(np.int16)
    signed = _signed(samples)
    shift = round(math.log2(scale)) - 15
    if shift < 0:
        return signed.astype(np.int16) << -shift
    clipped: NDArray[np.int16] = np.clip(signed >> shift, -32768, 32767).astype(np.int16)
    return clipped


def to_float32(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Return samples of any real dtype as floats from -1 to 1.

    Integers are divided by their full scale (``int16`` by 32768), unsigned ones centered first.
    Floats are clipped to -1 and 1; NaN becomes 0.

    Args:
        samples: Any shape. ``float32`` within -1 and 1 is returned as it is, not copied.

    Returns:
        The same shape.

    Raises:
        TypeError: If the dtype is not a real number (``bool``, ``complex``, ``object``, strings).
    """
    samples = np.asarray(samples)
    dtype = samples.dtype
    check_dtype(dtype)
    if dtype.kind == "f":
        if dtype == _FLOAT32 and _within_unit(samples):
            return samples
        return _unit_floats(samples, full_scale(samples)).astype(np.float32, copy=False)
    scale = full_scale(samples)
    scaled = _signed(samples).astype(np.float32)
    scaled *= np.float32(1 / scale)
    if dtype.itemsize == 8:  # int64 may exceed full scale
        np.clip(scaled, -1, 1, out=scaled)
    return scaled


def as_planar(samples: NDArray[Any], layout: Layout | None = None) -> NDArray[Any]:
    """Return samples in the shape ``(channels, n)``.

    Args:
        samples: Mono as ``(n,)``, ``(1, n)`` or ``(n, 1)``; two channels as ``(2, n)``, or
            ``(n, 2)`` with ``n > 2``; with the layout ``"stereo"`` also two interleaved channels
            (left, right, left, ...) as ``(2n,)`` or ``(1, 2n)``, the packed format of PyAV. If both
            axes fit, the first is the channel axis.
        layout: ``"stereo"``: one row holds two interleaved channels. ``"mono"``: two channels are
            mixed down. None: keep the number of channels.

    Returns:
        The same dtype; a view where possible. ``(channels, 0)`` if there are no samples.

    Raises:
        ValueError: If the layout is unknown, the shape is none of these, or the number of
            interleaved samples is odd.
        TypeError: If channels whose dtype is not a real number would have to be mixed.
    """
    if layout not in (None, "mono", "stereo"):
        raise ValueError(f'The layout must be "mono", "stereo" or None, not {layout!r}')
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
            f"Audio of shape {shape} is not supported: mono is (n,), (1, n) or (n, 1), "
            "two channels are (2, n) or (n, 2)"
        )
    if layout == "stereo" and planar.shape[0] == 1:
        if planar.shape[1] % 2:
            raise ValueError(
                f"Interleaved stereo must have an even number of samples, not {planar.shape[1]} "
                f"(shape {shape})"
            )
        return planar.reshape(-1, 2).T
    if layout == "mono":
        return mix_channels(planar, 1)
    return planar


def mix_channels(planar: NDArray[Any], channels: int) -> NDArray[Any]:
    """Convert between mono and stereo: average two channels, or duplicate one.

    Args:
        planar: Shape ``(1, n)`` or ``(2, n)``, any real dtype. Returned as it is if it has the
            right number of channels.
        channels: 1 or 2.

    Returns:
        Shape ``(channels, n)``, the same dtype.

    Raises:
        ValueError: If the input or output would not have one or two channels.
        TypeError: If two channels whose dtype is not a real number are to be mixed.
    """
    present = planar.shape[0]
    if present not in (1, 2) or channels not in (1, 2):
        raise ValueError(f"Cannot mix {present} channels to {channels}: 1 and 2 are supported")
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
    # The floor of the mean without a wider dtype: the common bits, and half of the others.
    mixed = left ^ right
    mixed >>= 1
    mixed += left & right
    return mixed


def audio_to_int16(
    audio: tuple[int, NDArray[np.int16 | np.float32]] | NDArray[np.int16 | np.float32],
) -> NDArray[np.int16]:
    """Return the samples of audio as 16-bit integers.

    Args:
        audio: A sample rate in Hz and samples, or only the samples, of any shape.

    Returns:
        The samples in the same shape; ``int16`` is not copied. Floats beyond -1 and 1 are clipped.

    Raises:
        TypeError: If the dtype is neither ``int16`` nor ``float32``.
    """
    return to_int16(_samples_of(audio))


def audio_to_float32(
    audio: tuple[int, NDArray[np.int16 | np.float32]] | NDArray[np.int16 | np.float32],
) -> NDArray[np.float32]:
    """Return the samples of audio as floats; ``int16`` is scaled to -1 to 1.

    Args:
        audio: A sample rate in Hz and samples, or only the samples, of any shape.

    Returns:
        The samples in the same shape; ``float32`` is returned as it is, neither copied nor clipped.

    Raises:
        TypeError: If the dtype is neither ``int16`` nor ``float32``.
    """
    samples = _samples_of(audio)
    return samples if samples.dtype == _FLOAT32 else to_float32(samples)  # type: ignore[return-value]


def _samples_of(audio: object) -> NDArray[np.int16 | np.float32]:
    samples = audio
    if isinstance(audio, tuple):
        _, samples = audio
    dtype = getattr(samples, "dtype", None)
    if dtype is None:
        raise TypeError(f"Audio data must be an array of int16 or float32, not {type(samples)}")
    if dtype != _INT16 and dtype != _FLOAT32:
        raise TypeError(
            f"Unsupported audio data type: {dtype}; int16 and float32 are supported, "
            "samples.astype(...) changes the type"
        )
    return np.asarray(samples)


def _within_unit(samples: NDArray[Any]) -> bool:
    """Return whether all floats are within -1 and 1; NaN is not."""
    return bool(samples.min(initial=0) >= -1 and samples.max(initial=0) <= 1)


def _unit_floats(samples: NDArray[Any], scale: float) -> NDArray[Any]:
    """Return a copy scaled and clipped to -1 to 1, NaN as 0; at least ``float32``."""
    floats = samples.astype(np.promote_types(samples.dtype, np.float32))
    if scale != 1:
        floats /= scale
    if _within_unit(floats):
        return floats
    np.maximum(floats, -1, out=floats)
    np.minimum(floats, 1, out=floats)
    floats[np.isnan(floats)] = 0
    return floats


def _read_pcm(view: memoryview) -> NDArray[np.int16]:
    """Return the samples of 16-bit little-endian PCM."""
    if view.nbytes % 2:
        raise ValueError(f"16-bit PCM must have an even number of bytes, not {view.nbytes}")
    return np.frombuffer(view.tobytes(), "<i2").astype(np.int16, copy=False)


def _signed(samples: NDArray[Any]) -> NDArray[Any]:
    """Return integers as signed ones of the same width, in native byte order."""
    dtype = samples.dtype
    if dtype.kind not in "iu":
        raise _not_real(dtype)
    samples = samples.astype(dtype.newbyteorder("="), copy=False)
    if dtype.kind == "i":
        return samples
    middle = samples.dtype.type(1 << (8 * dtype.itemsize - 1))
    centered = samples.copy()
    centered ^= middle
    return centered.view(f"i{dtype.itemsize}")


def _not_real(dtype: np.dtype[Any]) -> TypeError:
    return TypeError(
        f"Audio of dtype {dtype} is not supported: "
        "use an integer dtype, or a float dtype with values from -1 to 1"
    )
