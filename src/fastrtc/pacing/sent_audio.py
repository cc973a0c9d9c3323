"""The audio that was sent lately, to find what a client has not heard. No I/O, no clock."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .playout import PlayoutFrame

__all__ = ["MAX_SENT_S", "MAX_SENT_TO_SOCKET_S", "HeardUntil", "SentAudio"]

MAX_SENT_S = 20.0
"""How much audio is kept, in seconds: more than is sent over WebRTC until a lost network is
noticed, which takes 15 s (see ``CONSENT_EXPIRES_S``)."""

MAX_SENT_TO_SOCKET_S = 45.0
"""The same for a WebSocket, whose server notices it by its pings, after 40 s (uvicorn)."""


class HeardUntil(NamedTuple):
    """How far a client has heard the audio that it was sent.

    Attributes:
        pts: The presentation time of the last frame that it has played; None if it is unknown.
        samples: Or how many samples it has played, of those since the last ``restart``.
        sent_by: Or until when what was sent counts as heard, in seconds.
    """

    pts: int | None = None
    samples: int | None = None
    sent_by: float | None = None


class _Sent(NamedTuple):
    frame: PlayoutFrame
    rate: int
    end: int  # samples until its end
    sent_at: float


class SentAudio:
    """Keep the audio that was sent last.

    Attributes:
        max_s: How much, in seconds.
    """

    def __init__(self) -> None:
        self.max_s = MAX_SENT_S
        self._kept: deque[_Sent] = deque()
        self._samples = 0
        self._seconds = 0.0

    def add(self, frame: PlayoutFrame, rate: int, now: float) -> None:
        """Record a frame that is sent.

        Args:
            frame: The frame.
            rate: Its sample rate in Hz.
            now: The time in seconds.
        """
        size = frame.samples.shape[1]
        self._samples += size
        self._kept.append(_Sent(frame, rate, self._samples, now))
        self._seconds += size / rate
        while self._seconds > self.max_s:
            oldest = self._kept.popleft()
            self._seconds -= oldest.frame.samples.shape[1] / oldest.rate

    def clear(self) -> None:
        """Forget all audio: the client need not hear it any more."""
        self._kept.clear()
        self._seconds = 0.0

    def restart(self) -> None:
        """Count samples from 0 again, for another connection; forgets all audio."""
        self.clear()
        self._samples = 0

    @property
    def last_pts(self) -> int | None:
        """The presentation time of the last frame; None if no frame is kept."""
        return self._kept[-1].frame.pts if self._kept else None

    def unheard(self, until: HeardUntil) -> list[tuple[int, NDArray[np.int16]]]:
        """Return what the client has not heard, without the silence at the end.

        A position that cannot be counts as unknown.

        Args:
            until: How far it has heard; the first known position counts.

        Returns:
            Sample rates in Hz, and samples of shape ``(channels, n)``.
        """
        kept, last = list(self._kept), self.last_pts
        chunks: list[tuple[int, NDArray[np.int16]]] = []
        if last is not None and until.pts is not None and until.pts <= last:
            chunks = [(s.rate, s.frame.samples) for s in kept if s.frame.pts > until.pts]
        elif until.samples is not None and 0 <= until.samples <= self._samples:
            for sent in kept:
                samples = sent.frame.samples
                left = min(samples.shape[1], sent.end - until.samples)
                if left > 0:
                    chunks.append((sent.rate, samples[:, samples.shape[1] - left :]))
        elif until.sent_by is not None:
            chunks = [(s.rate, s.frame.samples) for s in kept if s.sent_at > until.sent_by]
        while chunks and not chunks[-1][1].any():
            chunks.pop()
        return chunks
