"""Whatever a handler emits, as ``int16`` of one rate and one number of channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.types import Layout
from .convert import as_planar, mix_channels, to_int16
from .resample import StreamResampler, check_rate

__all__ = ["AudioConverter"]


class AudioConverter:
    """Brings audio of any real dtype, shape, rate and layout into one form.

    The rate and the number of channels may change from chunk to chunk: what the resampler still
    holds of the old kind then comes out in front of the new. Chunks that have the form already
    are passed on without being copied.

    Args:
        rate: The rate of what comes out, in Hz.
        channels: Its number of channels, 1 or 2.

    Raises:
        ValueError: If the rate is not a positive integer, or the channels are others.
    """

    def __init__(self, rate: int, channels: int) -> None:
        if channels not in (1, 2):
            raise ValueError(f"There are one or two channels, not {channels}")
        self.rate = check_rate(rate)
        self.channels = channels
        self._resampler = StreamResampler(self.rate, self.rate, channels)

    def convert(
        self, source_rate: int, samples: NDArray[Any], layout: Layout | None = None
    ) -> NDArray[np.int16]:
        """Convert the next chunk.

        Args:
            source_rate: Its sample rate in Hz.
            samples: Mono or stereo, any real dtype; see ``as_planar`` and ``to_int16``.
            layout: How the channels are to be read.

        Returns:
            What is ready, shape ``(channels, m)``; ``m`` may be 0.

        Raises:
            ValueError: If the rate is not a positive integer, or the shape is not understood.
            TypeError: If the dtype is not a real number.
        """
        source_rate = check_rate(source_rate)
        planar = to_int16(as_planar(np.asarray(samples), layout))
        if planar.shape[1] == 0:
            return np.empty((self.channels, 0), np.int16)
        if planar.shape[0] > self.channels:  # the cheaper side of the resampler to mix on
            planar = mix_channels(planar, self.channels)
        resampler = self._resampler
        if resampler.source_rate == source_rate and resampler.channels == planar.shape[0]:
            return mix_channels(resampler.process(planar), self.channels)
        before = self.flush()
        self._resampler = StreamResampler(source_rate, self.rate, planar.shape[0])
        after = mix_channels(self._resampler.process(planar), self.channels)
        return np.concatenate((before, after), axis=1) if before.size else after

    def flush(self) -> NDArray[np.int16]:
        """End the stream: give what is still inside, shape ``(channels, m)``, and begin anew."""
        return mix_channels(self._resampler.flush(), self.channels)

    def clear(self) -> None:
        """Drop what is inside and begin anew."""
        self._resampler.reset()
