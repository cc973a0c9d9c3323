"""Log-mel spectrogram, as Whisper computes it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["HOP", "MELS", "RATE", "log_mel"]

RATE = 16_000
"""Sample rate of the audio, in Hz."""

MELS = 80
"""Number of mel bands."""

HOP = 160
"""Samples between two frames."""

WINDOW = 400
"""Samples per frame."""

RANGE = 8.0
"""Dynamic range in powers of ten: anything below the maximum by more is raised to it."""

FLOOR = 1e-10
"""Minimum power, so that its logarithm is finite."""

LINEAR_HZ = 200 / 3
"""Width of a mel below 1 kHz, on Slaney's scale."""

LOG_FROM_HZ, LOG_STEP = 1000.0, np.log(6.4) / 27
"""From where on Slaney's scale is logarithmic, and the logarithm of the ratio of a mel there."""


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log-mel spectrogram of 16 kHz audio.

    Args:
        samples: Shape ``(n,)``, more than 200 samples.

    Returns:
        About -1 to 1, shape ``(80, n // 160)``.
    """
    half = WINDOW // 2
    padded = np.pad(samples.astype(np.float32, copy=False), half, mode="reflect")
    count = samples.size // HOP  # the frame centered at the very end is left out
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]
    spectrum = np.fft.rfft(frames * _window(), axis=1)
    power = np.ascontiguousarray((spectrum.real**2 + spectrum.imag**2).T, np.float32)
    energies = np.empty((MELS, count), np.float32)
    for band, (first, weights) in zip(energies, _bands(), strict=True):
        # one product of all filters would start the threads of BLAS, at ten times the cost
        np.dot(weights, power[first : first + weights.size], out=band)
    levels = np.log10(np.maximum(energies, FLOOR))
    levels = np.maximum(levels, levels.max() - RANGE)
    scaled: NDArray[np.float32] = ((levels + 4.0) / 4.0).astype(np.float32)
    return scaled


@cache
def _window() -> NDArray[np.float32]:
    """Return the periodic Hann window."""
    phase = 2 * np.pi * np.arange(WINDOW) / WINDOW
    window: NDArray[np.float32] = (0.5 - 0.5 * np.cos(phase)).astype(np.float32)
    return window


@cache
def _bands() -> list[tuple[int, NDArray[np.float32]]]:
    """Return the triangular filters, each of unit area: its first bin, and its weights."""
    bins = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    edges = _hertz(np.linspace(0, _mels(RATE / 2), MELS + 2))
    lower, center, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - lower) / (center - lower)
    falling = (upper - bins) / (upper - center)
    triangles = np.maximum(0, np.minimum(rising, falling)) * (2 / (upper - lower))
    bands = []
    for triangle in triangles.astype(np.float32):
        (used,) = triangle.nonzero()
        bands.append((int(used[0]), triangle[used[0] : used[-1] + 1]))
    return bands


def _mels(hertz: float) -> float:
    """Convert a frequency above 1 kHz to Slaney's mel scale."""
    return float(LOG_FROM_HZ / LINEAR_HZ + np.log(hertz / LOG_FROM_HZ) / LOG_STEP)


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert Slaney's mel scale to frequencies."""
    first = LOG_FROM_HZ / LINEAR_HZ
    logarithmic = LOG_FROM_HZ * np.exp(LOG_STEP * (mels - first))
    return np.where(mels < first, mels * LINEAR_HZ, logarithmic)
