"""The clocks of a peer's audio and video, by its RTCP sender reports. No I/O, no clock."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Literal, TypeAlias

__all__ = ["Kind", "SenderClocks"]

Kind: TypeAlias = Literal["audio", "video"]

REPORTS = 8
"""How many of the latest reports of a kind are used: their median, as senders note the time of a
packet with some milliseconds of jitter. Clocks drift by 2 ms at most while so many arrive."""

JUMP_S = 0.2
"""A report that differs from those before it by more than this, in seconds, is of another clock:
the sender's was set, or the stream has begun anew."""

AFTER_JUMP = 2
"""How many reports of both kinds must agree after a jump."""

_NTP_UNITS_PER_S = 1 << 32


class SenderClocks:
    """Map the media time of a peer's video to that of its audio.

    RTP times of two streams have nothing in common. A sender report tells, for one stream, the RTP
    time of a moment of the sender's own clock (NTP); both streams of a peer have the same one
    (RFC 3550 section 6.4.1).
    """

    def __init__(self) -> None:
        self._offsets: dict[Kind, deque[float]] = {
            "audio": deque(maxlen=REPORTS),
            "video": deque(maxlen=REPORTS),
        }
        self._needed = 1
        self._difference_s: float | None = None  # what to add to the time of the video

    def report(self, kind: Kind, ntp: int, media_s: float) -> None:
        """Record a report.

        Args:
            kind: Whether it is about the audio or the video.
            ntp: The sender's clock, a 64-bit NTP timestamp; 0 if it has none.
            media_s: The media time at that moment, in seconds.
        """
        if not ntp:
            return
        offset_s = ntp / _NTP_UNITS_PER_S - media_s
        offsets = self._offsets[kind]
        if offsets and abs(offset_s - median(offsets)) > JUMP_S:
            for each in self._offsets.values():
                each.clear()
            self._needed = AFTER_JUMP
        offsets.append(offset_s)
        self._difference_s = None
        if all(len(each) >= self._needed for each in self._offsets.values()):
            self._difference_s = median(self._offsets["video"]) - median(self._offsets["audio"])

    def audio_time(self, video_s: float) -> float | None:
        """Return the media time of the audio that was captured with a picture, in seconds.

        Args:
            video_s: The media time of the picture.

        Returns:
            None while the reports do not tell it.
        """
        return None if self._difference_s is None else video_s + self._difference_s
