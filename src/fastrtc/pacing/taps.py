"""What a recording hears of the media. The methods are called on the event loop and never wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["InboundTap", "OutboundTap", "PictureTap", "time_of"]


class InboundTap(Protocol):
    """Gets the audio of the client as it arrives. Arrays are kept, and not modified."""

    def at(self, media_s: float) -> None:
        """Set the RTP time of the audio that is received next, in seconds."""

    def received(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Receive audio, shape ``(channels, n)``."""

    def skipped(self, seconds: float) -> None:
        """Account for audio that the client did not send."""


class Tapped(Protocol):
    """Audio that may be recorded."""

    tap: InboundTap | None


def time_of(tapped: Tapped) -> Callable[[float], None]:
    """Return what sets the RTP time of the audio that is received next, if it is recorded."""

    def set_time(media_s: float) -> None:
        if tapped.tap is not None:
            tapped.tap.at(media_s)

    return set_time


class OutboundTap(Protocol):
    """Gets the audio that is sent, and what the client does not play of it."""

    def played(self, due_s: float, rate: int, samples: NDArray[np.int16]) -> None:
        """Receive audio, shape ``(channels, n)``, that is to be played at a time of the loop."""

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

    def picture(self, frame: Any, media_s: float | None) -> None:
        """Receive an ``av.VideoFrame``, with its time on the clock of its sender in seconds."""
