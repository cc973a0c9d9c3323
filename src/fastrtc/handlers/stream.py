"""Base classes for audio, and audio and video handlers of programs."""

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
    """Base class of sync audio handlers.

    The methods run in threads of the connection and may block: ``receive`` and ``emit`` each have a
    thread, so neither waits for the other.

    If the connection ends while ``emit`` blocks, ``receive`` is called with a last frame of silence
    (``video_receive`` with a black frame), because only that can unblock a handler whose ``emit``
    waits for the input. ``shutdown`` is called after that.
    """

    @abstractmethod
    def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Process audio of the client.

        Args:
            frame: ``input_sample_rate`` in Hz, and ``int16`` samples of shape ``(1, n)`` (``(n,)``
                over WebSocket and telephone).
        """

    @abstractmethod
    def emit(self) -> EmitType:
        """Return the next output, or None if there is none now.

        It is called again immediately after it returned an output, and at most 50 times per second
        on average while it returns None. Outputs are played in order; ``emit`` may run ahead of the
        playback.
        """

    @abstractmethod
    def copy(self) -> StreamHandler:
        """Create the handler of one connection."""

    def start_up(self) -> None:  # noqa: B027 (optional)
        """Run when the connection is established, concurrently with ``receive`` and ``emit``."""


class AsyncStreamHandler(StreamHandlerBase, ABC):
    """Base class of async audio handlers, which run on the connection's event loop."""

    @abstractmethod
    async def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Process audio of the client.

        Args:
            frame: ``input_sample_rate`` in Hz, and ``int16`` samples of shape ``(1, n)`` (``(n,)``
                over WebSocket and telephone).
        """

    @abstractmethod
    async def emit(self) -> EmitType:
        """Return the next output, or None if there is none now; preferably wait for one.

        It is called again immediately after it returned an output, and at most 50 times per second
        on average while it returns None. Outputs are played in order; ``emit`` may run ahead of the
        playback.
        """

    @abstractmethod
    def copy(self) -> AsyncStreamHandler:
        """Create the handler of one connection."""

    async def start_up(self) -> None:  # noqa: B027 (optional)
        """Run when the connection is established; may run as long as the connection."""


class AudioVideoStreamHandler(StreamHandler):
    """Base class of sync audio and video handlers."""

    @abstractmethod
    def video_receive(self, frame: NDArray[np.uint8]) -> None:
        """Process a video frame of the client.

        Args:
            frame: BGR, ``uint8``, shape ``(height, width, 3)``.
        """

    @abstractmethod
    def video_emit(self) -> VideoEmitType:
        """Return the next video frame (BGR, ``uint8``, ``(height, width, 3)``), or None."""

    @abstractmethod
    def copy(self) -> AudioVideoStreamHandler:
        """Create the handler of one connection."""


class AsyncAudioVideoStreamHandler(AsyncStreamHandler):
    """Base class of async audio and video handlers."""

    @abstractmethod
    async def video_receive(self, frame: NDArray[np.uint8]) -> None:
        """Process a video frame of the client.

        Args:
            frame: BGR, ``uint8``, shape ``(height, width, 3)``.
        """

    @abstractmethod
    async def video_emit(self) -> VideoEmitType:
        """Return the next video frame (BGR, ``uint8``, ``(height, width, 3)``), or None."""

    @abstractmethod
    def copy(self) -> AsyncAudioVideoStreamHandler:
        """Create the handler of one connection."""
