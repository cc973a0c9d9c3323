"""Audio in which every moment is recognizable, and where its parts are in a recording.

It is noise of a telephone's band, the same at each sample rate, which codecs leave recognizable.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.recording.sound import RATE

__all__ = ["Content", "Found", "Reference", "find"]

LOW_HZ, HIGH_HZ = 400, 3200
WORKING_RATE = 8000
STEP = RATE // WORKING_RATE
LOUD = 400
"""The noise is louder for most of each millisecond, and what a codec leaves after it is not."""

GAP_S = 0.01
"""Shorter pauses are part of the noise."""

WINDOW_S = 0.018
"""How much is recognized at a time, in seconds: less than a frame, after which may be a gap."""

WINDOW = round(WINDOW_S * WORKING_RATE)

ALIKE = 0.7
"""The least correlation of a window with its place; with the best of the others it is 0.5."""

SHIFT = 16
"""Up to this distance a window follows the one before, at ``WORKING_RATE``: 2 ms."""


class Found(NamedTuple):
    """A part of the content without a gap. Times in seconds.

    Attributes:
        at_s: Where it begins in the recording.
        until_s: Where it ends there.
        from_s: From where in the content it is.
        to_s: Up to where.
    """

    at_s: float
    until_s: float
    from_s: float
    to_s: float


class Reference:
    """Audio whose parts are looked for: noise, shape ``(n,)``, at ``RATE``."""

    def __init__(self, samples: NDArray[np.int16]) -> None:
        self._samples = _low_pass(samples)
        self._size = 1 << (len(self._samples) - 1).bit_length()
        self._spectrum = np.fft.rfft(self._samples, self._size)
        squares = np.concatenate(([0], np.cumsum(self._samples**2)))
        self._energy = 1 + squares[WINDOW:] - squares[:-WINDOW]

    def place(self, window: NDArray[np.float64], expected: int | None) -> int | None:
        """Return where a window is, at ``WORKING_RATE``; None if it is not recognized.

        Args:
            window: The samples.
            expected: Where it is if nothing is missing before it.
        """
        energy = float((window**2).sum())
        if expected is not None and SHIFT <= expected < len(self._energy) - SHIFT:
            first = expected - SHIFT
            part = self._samples[first : first + WINDOW + 2 * SHIFT]
            alike = np.correlate(part, window) / np.sqrt(
                energy * self._energy[first : first + 2 * SHIFT + 1]
            )
            if alike.max() > ALIKE:
                return first + int(alike.argmax())
        inverse = np.fft.irfft(self._spectrum * np.conj(np.fft.rfft(window, self._size)))
        alike = inverse[: len(self._energy)] / np.sqrt(energy * self._energy)
        best = int(alike.argmax())
        return best if alike[best] > ALIKE else None


class Content(Reference):
    """The content.

    Args:
        seconds: Its length, up to 21 s.
        seed: Another one has another content.
    """

    def __init__(self, seconds: float, seed: int) -> None:
        self.seconds = seconds
        self._seed = seed
        super().__init__(self.samples())

    def samples(self, rate: int = RATE) -> NDArray[np.int16]:
        """Return the samples, shape ``(n,)``; they sound the same at each rate."""
        size = (1 << 20) * rate // RATE
        low, high = (round(hz * size / rate) for hz in (LOW_HZ, HIGH_HZ))
        spectrum = np.zeros(size // 2 + 1, complex)
        phases = np.random.default_rng(self._seed).uniform(0, 2 * np.pi, high - low)
        spectrum[low:high] = np.exp(1j * phases)
        noise = np.fft.irfft(spectrum)[: round(self.seconds * rate)]
        return np.clip(noise * (5000 / noise.std()), -20_000, 20_000).astype(np.int16)


def find(samples: NDArray[np.int16], content: Reference) -> list[Found]:
    """Return the parts of a content that are in a recording at ``RATE``, in its order."""
    heard = _low_pass(samples)
    found: list[Found] = []
    lead = None  # of the window before, at ``WORKING_RATE``
    for start, stop in _loud(samples):
        expected = lead
        first, last = start // STEP, stop // STEP - WINDOW
        for at in [*range(first, last, WINDOW), last]:
            place = content.place(
                heard[at : at + WINDOW], None if expected is None else expected + at
            )
            if place is None:
                continue
            expected = place - at
            times = [n / WORKING_RATE for n in (at, at + WINDOW, place, place + WINDOW)]
            follows = lead is not None and abs(expected - lead) <= SHIFT
            if follows and times[0] < found[-1].until_s + WINDOW_S + GAP_S:
                found[-1] = found[-1]._replace(until_s=times[1], to_s=times[3])
            else:
                found.append(Found(*times))
            lead = expected
    return found


def _loud(samples: NDArray[np.int16]) -> list[tuple[int, int]]:
    """Return the first and last sample of each stretch of sound that is long enough."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > LOUD)
    if not len(loud):
        return []
    breaks = np.flatnonzero(np.diff(loud) > GAP_S * RATE)
    starts, stops = loud[np.r_[0, breaks + 1]], loud[np.r_[breaks, len(loud) - 1]] + 1
    return [
        (int(start), int(stop))
        for start, stop in zip(starts, stops, strict=True)
        if stop - start >= WINDOW_S * RATE
    ]


def _low_pass(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return samples at ``WORKING_RATE``, without what is above the band."""
    size = (len(samples) // RATE + 1) * RATE  # whole seconds: the transform is fast
    spectrum = np.fft.rfft(samples.astype(float), size)[: size // STEP // 2 + 1]
    spectrum[round(HIGH_HZ * 1.1 * size / RATE) :] = 0
    return np.asarray(np.fft.irfft(spectrum / STEP, size // STEP)[: -(-len(samples) // STEP)])
