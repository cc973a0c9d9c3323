"""The handlers that users subclass, for audio and for audio with video."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from ..core.types import EmitType, VideoEmitType
from .base import StreamHandlerBase

__all__ = [
    "AsyncAudioVideoStreamHandler",
    "AsyncStreamHandler",
    "AudioVideoStreamHandler",
    "StreamHandler",
]


class StreamHandler(StreamHandlerBase, ABC):
    """Takes and gives audio, in code that is not async.

    Its methods run in threads of the connection's own, so they may block:
    ``receive`` and ``emit`` each in one, so that neither waits for the other.

    When the connection ends while ``emit`` waits for something, ``receive`` gets a last frame
    of silence (``video_receive`` a black picture): it ends the wait of a handler that gives
    back what it got, which nothing else could. ``shutdown`` comes after that.
    """

    @abstractmethod
    def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Take audio of the client.

        Args:
            frame: ``input_sample_rate`` in Hz, and ``int16`` samples of shape ``(1, n)``
                (``(n,)`` over WebSocket and telephone).
        """

    @abstractmethod
    def emit(self) -> EmitType:
        """Give the next output, or None if there is none now.

        Called again and again: at once after an output, and after None no more than
        50 times a second. What it gives is played in order; it may run ahead of that.
        """

    @abstractmethod
    def copy(self) -> StreamHandler:
        """Make the handler of one connection."""

    def start_up(self) -> None:  # noqa: B027 (optional)
        """Run when the connection is established, beside ``receive`` and ``emit``."""


class AsyncStreamHandler(StreamHandlerBase, ABC):
    """Takes and gives audio, in async code on the connection's event loop."""

    @abstractmethod
    async def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Take audio of the client.

        Args:
            frame: ``input_sample_rate`` in Hz, and ``int16`` samples of shape ``(1, n)``
                (``(n,)`` over WebSocket and telephone).
        """

    @abstractmethod
    async def emit(self) -> EmitType:
        """Give the next output, or None if there is none now; wait for it if you can.

        Called again and again: at once after an output, and after None no more than
        50 times a second. What it gives is played in order; it may run ahead of that.
        """

    @abstractmethod
    def copy(self) -> AsyncStreamHandler:
        """Make the handler of one connection."""

    async def start_up(self) -> None:  # noqa: B027 (optional)
        """Run when the connection is established, for as long as it likes."""


class AudioVideoStreamHandler(StreamHandler):
    """Takes and gives audio and video, in code that is not async."""

    @abstractmethod
    def video_receive(self, frame: NDArray[np.uint8]) -> None:
        """Take a video frame of the client.

        Args:
            frame: BGR, ``uint8``, shape ``(height, width, 3)``.
        """

    @abstractmethod
    def video_emit(self) -> VideoEmitType:
        """Give the next video frame (BGR, ``uint8``, ``(height, width, 3)``), or None."""

    @abstractmethod
    def copy(self) -> AudioVideoStreamHandler:
        """Make the handler of one connection."""


class AsyncAudioVideoStreamHandler(AsyncStreamHandler):
    """Takes and gives audio and video, in async code on the connection's event loop."""

    @abstractmethod
    async def video_receive(self, frame: NDArray[np.uint8]) -> None:
        """Take a video frame of the client.

        Args:
            frame: BGR, ``uint8``, shape ``(height, width, 3)``.
        """

    @abstractmethod
    async def video_emit(self) -> VideoEmitType:
        """Give the next video frame (BGR, ``uint8``, ``(height, width, 3)``), or None."""

    @abstractmethod
    def copy(self) -> AsyncAudioVideoStreamHandler:
        """Make the handler of one connection."""
