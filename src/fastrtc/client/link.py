"""The interface between a client and its transport."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import ClientError

__all__ = ["Link", "LinkEvents", "SocketEncoding", "TransportLink"]

SocketEncoding = Literal["pcm16", "mulaw"]
"""Encodings of audio on a WebSocket that a client may choose."""


class LinkEvents(Protocol):
    """What a transport reports, on the event loop."""

    def audio(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Process received audio: samples of shape ``(n,)``."""

    def video(self, image: NDArray[np.uint8]) -> None:
        """Process a received frame: BGR, shape ``(height, width, 3)``."""

    def message(self, text: str) -> None:
        """Process a message of the server, a JSON string."""

    def clear(self) -> None:
        """Drop audio that has not been played yet."""

    def pause(self) -> None:
        """Hold audio that has not been played yet."""

    def resume(self) -> None:
        """Continue to play after ``pause``."""

    def ended(self, error: ClientError) -> None:
        """Process the end of the connection, which the client has not asked for."""


class Link(Protocol):
    """A connection to a server.

    Attributes:
        rate: Sample rate of the audio for ``send_audio``, in Hz.
    """

    rate: int

    @property
    def heard(self) -> int | None:
        """How far the received audio was heard: an RTP timestamp, or a number of samples.

        None if there was none.
        """

    async def open(self, fields: Mapping[str, Any] | None = None) -> Any:
        """Connect.

        Args:
            fields: Further fields of the offer, or of ``start``.

        Returns:
            What the server says about resuming; None if it says nothing.

        Raises:
            ClientError: If the server refuses the connection or cannot be reached.
        """

    async def close(self, *, stop: bool = True) -> None:
        """Close the connection in any state; never raises.

        Args:
            stop: Whether the server is told that the session ends, where the transport can.
        """

    async def send_audio(self, samples: NDArray[np.int16]) -> None:
        """Send 20 ms of audio, shape ``(n,)``."""

    async def send_video(self, image: NDArray[np.uint8]) -> None:
        """Send a frame, BGR, when the previous one has been taken.

        Raises:
            ValueError: If the transport carries no video.
        """

    def send_message(self, text: str) -> None:
        """Send a message."""


class TransportLink(Link, Protocol):
    """A connection over one transport, which may replace another one.

    Attributes:
        answered: Whether the server has accepted the offer, or the ``start``.
        resume: What its answer says about resuming; None if it says nothing. It is known before the
            connection is established.
    """

    answered: bool
    resume: Any

    @property
    def reached(self) -> bool:
        """Whether a connection to the server was established, for the offer or the start."""
