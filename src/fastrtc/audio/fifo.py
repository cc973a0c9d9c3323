"""A FIFO of audio samples: push blocks of any length, pop blocks of the length needed."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

__all__ = ["SampleFifo"]


class SampleFifo:
    """A queue of ``int16`` samples; the cost of an operation does not depend on its length.

    Blocks are kept without a copy and may be returned as views: do not modify a block after it was
    pushed.

    Args:
        channels: Number of channels of each block.

    Raises:
        ValueError: If it is less than 1.
    """

    def __init__(self, channels: int) -> None:
        if channels < 1:
            raise ValueError(f"The number of channels must be at least 1, not {channels}")
        self.channels = channels
        self._blocks: deque[NDArray[np.int16]] = deque()
        self._length = 0

    def __len__(self) -> int:
        """Return the number of samples per channel."""
        return self._length

    def push(self, block: NDArray[np.int16]) -> None:
        """Append a block.

        Args:
            block: Shape ``(channels, n)``.

        Raises:
            ValueError: If it has another shape or dtype.
        """
        self._check(block)
        if block.shape[1]:
            self._blocks.append(block)
            self._length += block.shape[1]

    def push_front(self, block: NDArray[np.int16]) -> None:
        """Insert a block at the front.

        Args:
            block: Shape ``(channels, n)``.

        Raises:
            ValueError: If it has another shape or dtype.
        """
        self._check(block)
        if block.shape[1]:
            self._blocks.appendleft(block)
            self._length += block.shape[1]

    def _check(self, block: NDArray[np.int16]) -> None:
        if block.ndim != 2 or block.shape[0] != self.channels or block.dtype != np.int16:
            raise ValueError(
                f"A block must be int16 of shape ({self.channels}, n), "
                f"not {block.dtype} of shape {block.shape}"
            )

    def push_front_silence(self, n: int) -> None:
        """Insert ``n`` samples of silence at the front.

        Raises:
            ValueError: If ``n`` is negative.
        """
        if n < 0:
            raise ValueError(f"The length of silence must not be negative: {n}")
        self.push_front(np.zeros((self.channels, n), np.int16))

    def pop(self, n: int) -> NDArray[np.int16]:
        """Remove and return exactly ``n`` samples, shape ``(channels, n)``.

        Samples that lie within one block are not copied.

        Raises:
            ValueError: If there are fewer, or ``n`` is negative.
        """
        if not 0 <= n <= self._length:
            raise ValueError(f"Cannot pop {n} samples: there are {self._length}")
        if n and n <= self._blocks[0].shape[1]:
            self._length -= n
            return self._take(n)
        popped = np.empty((self.channels, n), np.int16)
        self._fill(popped, n)
        return popped

    def pop_padded(self, n: int) -> NDArray[np.int16]:
        """Remove and return ``n`` samples, padded with silence, shape ``(channels, n)``.

        Raises:
            ValueError: If ``n`` is negative.
        """
        if n <= self._length:
            return self.pop(n)
        popped = np.zeros((self.channels, n), np.int16)
        self._fill(popped, self._length)
        return popped

    def clear(self) -> None:
        """Remove all samples."""
        self._blocks.clear()
        self._length = 0

    def _fill(self, target: NDArray[np.int16], n: int) -> None:
        """Move the first ``n`` samples to the start of an array."""
        filled = 0
        while filled < n:
            part = self._take(min(n - filled, self._blocks[0].shape[1]))
            target[:, filled : filled + part.shape[1]] = part
            filled += part.shape[1]
        self._length -= n

    def _take(self, n: int) -> NDArray[np.int16]:
        """Remove ``n`` samples from the first block, which has at least as many."""
        block = self._blocks[0]
        if block.shape[1] == n:
            return self._blocks.popleft()
        self._blocks[0] = block[:, n:]
        return block[:, :n]
