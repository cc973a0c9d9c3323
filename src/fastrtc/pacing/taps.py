"""What a recording hears of the media. The methods are called on the event loop and never wait."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["InboundTap", "OutboundTap", "PictureTap", "Source"]


class Source(NamedTuple):
    """Where audio of the client is from.

    Attributes:
        media_s: Its RTP time, in seconds.
        packet: The Opus packet that it was decoded from; empty if there is none, or if the audio is
            something else, too.
    """

    media_s: float
    packet: bytes


class InboundTap(Protocol):
    """Gets the audio of the client as it arrives. Arrays are kept, and not modified."""

    def received(self, rate: int, samples: NDArray[np.int16], source: Source | None) -> None:
        """Receive audio.

        Args:
            rate: Sample rate in Hz.
            samples: Shape ``(channels, n)``.
            source: Where it is from; None for audio without an RTP time.
        """

    def skipped(self, seconds: float) -> None:
        """Account for audio that the client did not send."""


class OutboundTap(Protocol):
    """Gets the audio that is sent, and what the client does not play of it."""

    def played(
        self, due_s: float, rate: int, samples: NDArray[np.int16], *, catches_up: bool
    ) -> None:
        """Receive audio that is sent now, and is to be played at a time of the loop.

        Args:
            due_s: That time.
            rate: Sample rate in Hz.
            samples: Shape ``(channels, n)``.
            catches_up: Whether the client plays audio that is late faster.
        """

    def encoded(self, packet: bytes) -> None:
        """Receive the Opus packet that carries that audio, right after it."""

    def confirmed(self, unplayed_s: float) -> None:
        """Record that the client has echoed a mark.

        Args:
            unplayed_s: How much of the audio so far is behind it, in seconds.
        """

    def cut(self, unplayed_s: float) -> None:
        """Record that the client drops what is ahead of its time.

        Args:
            unplayed_s: How much of the audio that is by its marks, in seconds, if that is more.
        """

    def taken_back(self, seconds: float) -> None:
        """Record that the last audio was taken back, and will be sent again."""

    def restored(self, seconds: float) -> None:
        """Record that the client had played so much of it."""

    def held(self) -> None:
        """Record that the client pauses, and keeps what is ahead of its time."""

    def released(self) -> None:
        """Record that the client goes on with what it has kept."""


class PictureTap(Protocol):
    """Gets frames of video. They are only read."""

    def picture(self, frame: Any, media_s: float | None, audio_s: float | None = None) -> None:
        """Receive an ``av.VideoFrame``.

        Args:
            frame: The frame.
            media_s: Its time on the clock of its sender, in seconds.
            audio_s: The RTP time of the audio of the same moment, in seconds, if that is known.
        """
