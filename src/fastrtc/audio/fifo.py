"""A queue of samples: blocks of any length go in, blocks of the wanted length come out."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

__all__ = ["SampleFifo"]


class SampleFifo:
    """Queues ``int16`` samples, at a cost that does not depend on how many there are.

    Blocks are kept, not copied, and may come out again as they are: nobody may write into one
    that was pushed.

    Args:
        channels: How many there are in each block.

    Raises:
        ValueError: If that is less than one.
    """

    def __init__(self, channels: int) -> None:
        if channels < 1:
            raise ValueError(f"There is at least one channel, not {channels}")
        self.channels = channels
        self._blocks: deque[NDArray[np.int16]] = deque()
        self._length = 0

    def __len__(self) -> int:
        """How many samples there are, in each channel."""
        return self._length

    def push(self, block: NDArray[np.int16]) -> None:
        """Add a block at the end.

        Args:
            block: Shape ``(channels, n)``.

        Raises:
            ValueError: If the shape or the dtype is another.
        """
        if block.ndim != 2 or block.shape[0] != self.channels or block.dtype != np.int16:
            raise ValueError(
                f"A block is int16 of the shape ({self.channels}, n), "
                f"not {block.dtype} of the shape {block.shape}"
            )
        if block.shape[1]:
            self._blocks.append(block)
            self._length += block.shape[1]

    def push_front_silence(self, n: int) -> None:
        """Put ``n`` samples of silence in front of everything.

        Raises:
            ValueError: If ``n`` is negative.
        """
        if n < 0:
            raise ValueError(f"Silence has no negative length: {n}")
        if n:
            self._blocks.appendleft(np.zeros((self.channels, n), np.int16))
            self._length += n

    def pop(self, n: int) -> NDArray[np.int16]:
        """Take exactly ``n`` samples, shape ``(channels, n)``.

        Nothing is copied if they are within one block.

        Raises:
            ValueError: If there are fewer, or ``n`` is negative.
        """
        if not 0 <= n <= self._length:
            raise ValueError(f"{n} samples were asked for, {self._length} are there")
        if n and n <= self._blocks[0].shape[1]:
            self._length -= n
            return self._take(n)
        popped = np.empty((self.channels, n), np.int16)
        self._fill(popped, n)
        return popped

    def pop_padded(self, n: int) -> NDArray[np.int16]:
        """Take ``n`` samples, shape ``(channels, n)``, with silence for those that are missing.

        Raises:
            ValueError: If ``n`` is negative.
        """
        if n <= self._length:
            return self.pop(n)
        popped = np.zeros((self.channels, n), np.int16)
        self._fill(popped, self._length)
        return popped

    def clear(self) -> None:
        """Drop everything."""
        self._blocks.clear()
        self._length = 0

    def _fill(self, target: NDArray[np.int16], n: int) -> None:
        """Move the first ``n`` samples into the beginning of an array."""
        filled = 0
        while filled < n:
            part = self._take(min(n - filled, self._blocks[0].shape[1]))
            target[:, filled : filled + part.shape[1]] = part
            filled += part.shape[1]
        self._length -= n

    def _take(self, n: int) -> NDArray[np.int16]:
        """Take ``n`` samples off the first block, which has as many."""
        block = self._blocks[0]
        if block.shape[1] == n:
            return self._blocks.popleft()
        self._blocks[0] = block[:, n:]
        return block[:, :n]
