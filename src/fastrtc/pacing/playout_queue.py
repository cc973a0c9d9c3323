"""The audio that waits for playout: queued as given, converted as it is due. No I/O, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import full_scale, to_int16
from ..audio.converter import AudioConverter
from ..audio.fifo import SampleFifo
from ..core.rates import FRAME_S

__all__ = ["PlayoutQueue"]

_INT16 = np.dtype(np.int16)


class _Chunk(NamedTuple):
    rate: int
    samples: NDArray[Any]  # planar, of whatever dtype

    @property
    def seconds(self) -> float:
        return float(self.samples.shape[1] / self.rate)


class PlayoutQueue:
    """Queue audio of any length and rate, and return it in one format.

    Args:
        rates: Output sample rates in Hz, ascending. The lowest that represents everything pushed so
            far is used, so the rate never decreases.
        most_channels: 1 to mix everything down to mono, 2 to switch to stereo with the first stereo
            chunk.
        piece_s: How much audio is converted at a time, in seconds.
        whole_chunks: Whether a frame has the length of a chunk rather than 20 ms.

    Attributes:
        rate: The current output rate in Hz.
        frame_size: Samples of 20 ms.
        flushed: Whether nothing is left in the resampler.
    """

    def __init__(
        self, rates: Sequence[int], most_channels: int, piece_s: float, *, whole_chunks: bool
    ) -> None:
        self._rates = rates
        self._most_channels = most_channels
        self._piece_s = piece_s
        self._whole = whole_chunks
        self.rate = rates[0]
        self.frame_size = round(self.rate * FRAME_S)
        self._min_size = 1 if whole_chunks else self.frame_size
        self._channels = 1
        self._chunks: deque[_Chunk] = deque()
        self._scales: dict[np.dtype[Any], float] = {}  # full scale in the current reply
        self._chunk_s = 0.0
        self._converter = AudioConverter(self.rate, self._channels)
        self._fifo = SampleFifo(self._channels)
        self.flushed = True

    @property
    def seconds(self) -> float:
        """Duration of the queued audio in seconds."""
        return self._chunk_s + len(self._fifo) / self.rate

    @property
    def has_audio(self) -> bool:
        """Whether there is audio."""
        return bool(self._chunks) or len(self._fifo) > 0 or not self.flushed

    @property
    def has_rest(self) -> bool:
        """Whether converted audio is left."""
        return len(self._fifo) > 0

    @property
    def starved(self) -> bool:
        """Whether there is the beginning of a frame, and nothing to complete it."""
        return not self.flushed and not self._chunks and len(self._fifo) < self._min_size

    def push(self, rate: int, planar: NDArray[Any]) -> None:
        """Append audio that ``check_audio`` has returned; it is copied."""
        chunk = _Chunk(rate, self._copy(planar))
        self._chunks.append(chunk)
        self._chunk_s += chunk.seconds

    def put_back(self, samples: NDArray[np.int16]) -> None:
        """Insert audio that was taken out before, at the front.

        Args:
            samples: Frames that ``pop`` has returned, shape ``(channels, n)``.
        """
        self._fifo.push_front(samples)

    def rewind(self, chunks: Sequence[tuple[int, NDArray[np.int16]]]) -> None:
        """Insert audio at the front, and convert it to the current format if it has another.

        Args:
            chunks: Sample rates in Hz and samples of shape ``(channels, n)``.
        """
        converter = AudioConverter(self.rate, self._channels)
        converted = [
            samples
            if (rate, samples.shape[0]) == (self.rate, self._channels)
            else converter.convert(rate, samples)
            for rate, samples in chunks
        ]
        if converted:
            converted.append(converter.flush())
            self._fifo.push_front(np.concatenate(converted, axis=1))

    def drain(self) -> list[tuple[int, NDArray[Any]]]:
        """Remove and return all audio, as sample rates and samples of shape ``(channels, n)``."""
        self.flush()
        rest = self._fifo.pop(len(self._fifo))
        chunks = [(self.rate, rest)] if rest.shape[1] else []
        chunks += [(chunk.rate, chunk.samples) for chunk in self._chunks]
        self.clear()
        return chunks

    def skip(self, n: int) -> None:
        """Drop the first *n* samples of audio that was put back."""
        self._fifo.pop(min(n, len(self._fifo)))

    def pop(self) -> NDArray[np.int16]:
        """Remove and return a frame, padded with silence; of whole chunks, all converted audio."""
        return self._fifo.pop_padded(len(self._fifo) if self._whole else self.frame_size)

    def silence(self) -> NDArray[np.int16]:
        """Return a frame of silence."""
        return np.zeros((self._channels, self.frame_size), np.int16)

    def flush(self) -> None:
        """Take the remaining audio out of the resampler."""
        self._fifo.push(self._converter.flush())
        self.flushed = True

    def end_reply(self) -> None:
        """Forget what the samples of a reply have said about their full scale."""
        self._scales.clear()

    def clear(self) -> None:
        """Drop all audio."""
        self._chunks.clear()
        self._chunk_s = 0.0
        self._scales.clear()
        self._fifo.clear()
        self._converter.clear()
        self.flushed = True

    def fill(self) -> bool:
        """Convert queued audio until there is a frame; return whether there is one."""
        while self._chunks and len(self._fifo) < self._min_size:
            chunk = self._chunks.popleft()
            size = max(1, int(chunk.rate * self._piece_s))
            piece = chunk.samples[:, :size]
            self._chunk_s -= piece.shape[1] / chunk.rate
            if piece.shape[1] < chunk.samples.shape[1]:
                self._chunks.appendleft(_Chunk(chunk.rate, chunk.samples[:, size:]))
            elif not self._chunks:
                self._chunk_s = 0.0  # no rounding errors gather
            if chunk.rate > self.rate or piece.shape[0] > self._channels:
                self._widen(piece.shape[0], chunk.rate)
            self._fifo.push(self._converter.convert(chunk.rate, piece))
            self.flushed = False
        return len(self._fifo) >= self._min_size

    def fill_up(self) -> None:
        """Insert silence before a reply whose first chunk is shorter than a frame.

        A resampler delays its output by about a millisecond. With silence in its place, the first
        frame can be sent now; waiting would delay every frame of a live echo by 20 ms.
        """
        self._fifo.push_front_silence(max(0, self.frame_size - len(self._fifo)))

    def _copy(self, planar: NDArray[Any]) -> NDArray[Any]:
        """Copy samples; convert them to 16-bit integers if the dtype does not define full scale."""
        dtype = planar.dtype
        if dtype == _INT16:
            return planar.copy()
        scale = full_scale(planar, self._scales.get(dtype, 0))
        if dtype.kind == "f" and scale == 1:
            return planar.copy()
        self._scales[dtype] = scale
        return to_int16(planar, scale)

    def _widen(self, channels: int, rate: int) -> None:
        """Switch to more channels or a higher rate."""
        channels = max(self._channels, min(channels, self._most_channels))
        rate = max(self.rate, next((r for r in self._rates if r >= rate), self._rates[-1]))
        if (channels, rate) == (self._channels, self.rate):
            return
        self._fifo.push(self._converter.flush())
        before = self._fifo.pop(len(self._fifo))
        before_rate = self.rate
        self._channels, self.rate = channels, rate
        self.frame_size = round(rate * FRAME_S)
        self._min_size = 1 if self._whole else self.frame_size
        self._fifo = SampleFifo(channels)
        if before.shape[1]:
            converter = AudioConverter(rate, channels)
            self._fifo.push(converter.convert(before_rate, before))
            self._fifo.push(converter.flush())
        self._converter = AudioConverter(rate, channels)
