"""Conversion of a stream of audio to ``int16`` at a fixed sample rate and channel count."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.types import Layout
from .convert import as_planar, mix_channels, to_int16
from .resample import StreamResampler, check_rate

__all__ = ["AudioConverter"]

_INT16 = np.dtype(np.int16)


class AudioConverter:
    """Convert audio of any real dtype, shape, sample rate and layout to one format.

    The input's rate and channel count may change between chunks: the rest of the old format is then
    returned before the first chunk of the new one. Chunks that are in the target format already are
    not copied.

    Args:
        rate: Output sample rate in Hz.
        channels: Number of output channels, 1 or 2.

    Raises:
        ValueError: If the rate is not a positive integer, or the number of channels is not 1 or 2.
    """

    def __init__(self, rate: int, channels: int) -> None:
        if channels not in (1, 2):
            raise ValueError(f"The number of channels must be 1 or 2, not {channels}")
        self.rate = check_rate(rate)
        self.channels = channels
        self._resampler = StreamResampler(self.rate, self.rate, channels)

    @property
    def source_rate(self) -> int:
        """Sample rate of the last chunk in Hz; that of the output before the first one."""
        return self._resampler.source_rate

    def convert(
        self, source_rate: int, samples: NDArray[Any], layout: Layout | None = None
    ) -> NDArray[np.int16]:
        """Convert the next chunk.

        Args:
            source_rate: Sample rate of the chunk, in Hz.
            samples: Mono or stereo, any real dtype; see ``as_planar`` and ``to_int16``.
            layout: The channel layout of the chunk; see ``as_planar``.

        Returns:
            The converted samples that are available, shape ``(channels, m)``; ``m`` may be 0.

        Raises:
            ValueError: If the rate is not a positive integer, or the shape is not supported.
            TypeError: If the dtype is not a real number.
        """
        if layout is None and self._is_target(source_rate, samples):
            return samples
        source_rate = check_rate(source_rate)
        planar = to_int16(as_planar(np.asarray(samples), layout))
        if planar.shape[1] == 0:
            return np.empty((self.channels, 0), np.int16)
        if planar.shape[0] > self.channels:  # mixing before resampling is cheaper
            planar = mix_channels(planar, self.channels)
        resampler = self._resampler
        if resampler.source_rate == source_rate and resampler.channels == planar.shape[0]:
            return mix_channels(resampler.process(planar), self.channels)
        before = self.flush()
        self._resampler = StreamResampler(source_rate, self.rate, planar.shape[0])
        after = mix_channels(self._resampler.process(planar), self.channels)
        return np.concatenate((before, after), axis=1) if before.size else after

    def _is_target(self, source_rate: int, samples: NDArray[Any]) -> bool:
        """Return whether samples are in the target format, as those before them."""
        return (
            source_rate == self.rate == self._resampler.source_rate
            and type(samples) is np.ndarray
            and samples.dtype == _INT16
            and samples.ndim == 2
            and samples.shape[0] == self.channels == self._resampler.channels
        )

    def flush(self) -> NDArray[np.int16]:
        """End the stream and return its remaining samples, shape ``(channels, m)``.

        The next chunk starts a new stream.
        """
        return mix_channels(self._resampler.flush(), self.channels)

    def clear(self) -> None:
        """Discard the remaining samples, and start a new stream."""
        self._resampler.reset()
