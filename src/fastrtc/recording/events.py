"""What the taps of a connection tell its recording."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Confirmed",
    "Cut",
    "Event",
    "Held",
    "Picture",
    "Played",
    "Received",
    "Released",
    "Restored",
    "Side",
    "TakenBack",
]

Side: TypeAlias = Literal["received", "played"]


class Received(NamedTuple):
    """Audio of the client.

    Attributes:
        media_s: Its time on the client's clock, in seconds: of RTP, or by the number of samples.
        timed: Whether that is RTP time, which goes on while no audio is sent.
        arrival_s: When it arrived, on the clock of the event loop.
        rate: Sample rate in Hz.
        samples: Shape ``(channels, n)``.
        packet: The Opus packet of which it is the audio; empty if there is none.
    """

    media_s: float
    timed: bool
    arrival_s: float
    rate: int
    samples: NDArray[np.int16]
    packet: bytes = b""


class Played(NamedTuple):
    """Audio that was sent to the client.

    Attributes:
        due_s: When it is to be played, on the clock of the event loop.
        sent_s: When it was sent: it cannot be played earlier.
        catches_up: Whether the client plays audio that is late faster, as the jitter buffers of
            WebRTC do.
        rate: Sample rate in Hz.
        samples: Shape ``(channels, n)``.
        packet: The Opus packet that carried it; empty if there is none.
    """

    due_s: float
    sent_s: float
    catches_up: bool
    rate: int
    samples: NDArray[np.int16]
    packet: bytes = b""


class Confirmed(NamedTuple):
    """The client has echoed a mark.

    Attributes:
        unplayed_s: How much of the audio so far is behind it, in seconds.
    """

    unplayed_s: float


class Cut(NamedTuple):
    """The client was told to drop what it has not played.

    Attributes:
        at_s: When.
        unplayed_s: How much that is by the marks that it echoes, in seconds.
    """

    at_s: float
    unplayed_s: float


class TakenBack(NamedTuple):
    """Audio was taken back from the client, and will be sent again.

    Attributes:
        seconds: How much.
    """

    seconds: float


class Restored(NamedTuple):
    """The client had played the beginning of the audio that was taken back.

    Attributes:
        seconds: How much.
    """

    seconds: float


class Held(NamedTuple):
    """The client pauses, and keeps what it has not played.

    Attributes:
        at_s: When.
    """

    at_s: float


class Released(NamedTuple):
    """The client goes on with what it has kept.

    Attributes:
        at_s: When.
    """

    at_s: float


class Picture(NamedTuple):
    """A frame of video.

    Attributes:
        side: Whether it was received or played.
        media_s: Its time on the clock of its sender, in seconds.
        at_s: When it was received or sent.
        frame: The ``av.VideoFrame``, which is only read.
        audio_s: The RTP time of the audio of the client at the same moment, in seconds; None if it
            is unknown.
    """

    side: Side
    media_s: float
    at_s: float
    frame: Any
    audio_s: float | None = None


Event: TypeAlias = (
    Received | Played | Confirmed | Cut | TakenBack | Restored | Held | Released | Picture
)
