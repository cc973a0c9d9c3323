"""How much of its audio a client has played, by the marks that it echoes."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.rates import FRAME_S

__all__ = ["PlaybackMarks", "TakenBack"]

MARK_EVERY_S = 0.1
"""Audio between two marks, in seconds: a tenth more messages."""

MAX_MARKS = 100
"""Marks that are remembered: those of 2 s, for clients that never echo one."""

LATE_BY_S = 1.0
"""How late a client may play its audio, in seconds: network delay and its buffer. After that, the
audio counts as played even if the client stops echoing marks."""

BURST_S = 0.01
"""Marks that are followed by another within this time, in seconds, are echoed because of a
``clear``: their audio was dropped. If the last mark of played audio arrives that late, its audio
is played twice; none is lost."""

ROUNDING_S = 1e-6
"""Tolerance of positions in seconds."""


class TakenBack(NamedTuple):
    """Audio that the client is told to drop, to be sent again later.

    Attributes:
        samples: What it has not played, as far as is known, shape ``(channels, n)``.
        mark: The name of a mark to send after the ``clear``.
    """

    samples: NDArray[np.int16]
    mark: str


class _Frame(NamedTuple):
    ends_s: float  # of the audio sent until then
    samples: NDArray[np.int16]


@dataclass
class _Unanswered:
    """A ``clear`` whose mark was not echoed yet."""

    mark: str
    frames: list[_Frame]
    marks: dict[str, float]
    echoes: list[tuple[float, float]] = field(default_factory=list)  # when, and position

    def samples_played(self, now: float) -> int:
        """Return how much of it was played before it was dropped, now that this is answered."""
        until_s = 0.0
        for (at, position), (next_at, _) in pairwise([*self.echoes, (now, 0.0)]):
            if next_at - at < BURST_S:
                break
            until_s = position
        return sum(
            frame.samples.shape[1] for frame in self.frames if frame.ends_s <= until_s + ROUNDING_S
        )


class PlaybackMarks:
    """Track the playback of one client. No I/O and no clock.

    Clients that echo marks, as telephone providers do, confirm with each that the audio before it
    has been played. A client that never does is assumed to play audio as it is sent. Times are in
    seconds of any monotonic clock.

    Args:
        takes_back: Whether audio is kept until it was played, with a mark for each frame, so that
            it can be taken back.
    """

    def __init__(self, *, takes_back: bool = False) -> None:
        self._sent_s = 0.0
        self._played_s = 0.0
        self._played_at = -math.inf  # when that was confirmed
        self._marks: OrderedDict[str, float] = OrderedDict()
        self._every_s = FRAME_S if takes_back else MARK_EVERY_S
        self._marked_s = 0.0
        self._count = 0
        self._answers = False
        self._first_sent_at: float | None = None
        self._done_by = 0.0
        self._kept: deque[_Frame] | None = deque() if takes_back else None
        self._unanswered: _Unanswered | None = None

    def sent(
        self, seconds: float, now: float, samples: NDArray[np.int16] | None = None
    ) -> str | None:
        """Record audio that was sent.

        Args:
            seconds: Its length.
            now: The time.
            samples: The audio, shape ``(channels, n)``, which may be taken back.

        Returns:
            The name of a mark to send after it, if one is due.
        """
        self._sent_s += seconds
        self._done_by = max(self._done_by, now + LATE_BY_S) + seconds
        if self._first_sent_at is None:
            self._first_sent_at = now
        if self._kept is not None and samples is not None:
            self._kept.append(_Frame(self._sent_s, samples))
            if self._kept[0].ends_s < self._sent_s - 2 * LATE_BY_S:
                self._kept.popleft()
        due = self._sent_s - self._marked_s >= self._every_s - ROUNDING_S
        return self._mark() if due else None

    def ended(self) -> str | None:
        """Record that no audio follows for now.

        Returns:
            The name of a mark to send, if there is audio after the last one.
        """
        return self._mark() if self._sent_s > self._marked_s else None

    def _mark(self) -> str:
        self._marked_s = self._sent_s
        self._count += 1
        name = f"fastrtc-{self._count}"
        self._marks[name] = self._sent_s
        if len(self._marks) > MAX_MARKS:
            self._marks.popitem(last=False)
        return name

    def played(self, name: str, now: float) -> int:
        """Record an echoed mark; an unknown one is ignored.

        Returns:
            How many of the samples that were taken back the client had played already; 0 mostly.
        """
        unanswered = self._unanswered
        if unanswered is not None and name in unanswered.marks:
            self._answers = True
            unanswered.echoes.append((now, unanswered.marks[name]))
            return 0
        at = self._marks.get(name)
        if at is None:
            return 0
        self._answers = True
        self._played_s, self._played_at = max(self._played_s, at), now
        while next(iter(self._marks)) != name:
            self._marks.popitem(last=False)
        del self._marks[name]
        while self._kept and self._kept[0].ends_s <= at + ROUNDING_S:
            self._kept.popleft()
        if unanswered is None or name != unanswered.mark:
            return 0
        self._unanswered = None
        return unanswered.samples_played(now)

    def cleared(self) -> None:
        """Record that the client was told to drop unplayed audio."""
        self._marks.clear()  # clients echo those, too
        self._played_s = self._marked_s = self._sent_s
        self._done_by = 0.0
        self._unanswered = None
        if self._kept is not None:
            self._kept.clear()

    def take_back(self, now: float, ahead_s: float) -> TakenBack | None:
        """Take back what the client has not played; it will be told to drop it.

        Args:
            now: The time.
            ahead_s: How much of the audio the client has not played, by the clock: for one that
                echoes no marks.

        Returns:
            The audio from the last echoed mark on; None if there is none, or it was not kept.
        """
        from_s = self._played_s
        began = self._first_sent_at
        if not self._answers and began is not None and now > began + LATE_BY_S:
            from_s = self._sent_s - ahead_s
        frames = [frame for frame in self._kept or () if frame.ends_s > from_s + ROUNDING_S]
        if not frames:
            return None
        marks = dict(self._marks)
        self.cleared()
        mark = self._mark()
        self._unanswered = _Unanswered(mark, frames, marks)
        return TakenBack(np.concatenate([frame.samples for frame in frames], axis=1), mark)

    def resumed(self) -> None:
        """Record that audio that was taken back is sent again: an answer comes too late."""
        self._unanswered = None

    @property
    def sent_s(self) -> float:
        """All audio that was sent, in seconds."""
        return self._sent_s

    @property
    def played_s(self) -> float:
        """How much of it was played or dropped, in seconds, according to the marks."""
        return self._played_s

    @property
    def all_played(self) -> bool:
        """Whether all marks have been echoed."""
        return not self._marks

    def unplayed_s(self, now: float) -> float:
        """Return the audio that was sent and not played, in seconds."""
        if not self._answers or now >= self._done_by:
            return 0.0
        return min(self._sent_s - self._played_s, self._done_by - now)

    def unconfirmed_s(self, now: float) -> float:
        """Return the same if the client has gone on playing since the last mark that it echoed."""
        played_s = self._played_s + max(0.0, now - self._played_at)
        return max(0.0, min(self.unplayed_s(now), self._sent_s - played_s))
