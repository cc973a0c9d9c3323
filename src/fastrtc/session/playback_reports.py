"""When a client plays the audio that was sent to it. No I/O, no clock."""

from __future__ import annotations

import math
from collections import deque

from ..core.rates import FRAME_S
from ..core.turn import HeardBy

__all__ = ["ASSUMED_DELAY_S", "PlaybackReports"]

ASSUMED_DELAY_S = 0.08
"""How long audio waits in the buffers of a WebRTC client that reports nothing, in seconds: the
jitter buffer of a browser on a good network, and the output of its sound card."""

ECHOED_EARLY_S = FRAME_S
"""How much of the audio before a mark is still to be heard when the provider echoes the mark, in
seconds: it does so as it sends the last frame to the telephone."""

MARK_S = 0.11
"""The most audio behind the last mark, in seconds: they are 0.1 s apart."""

ROUND_TRIPS = 30
"""How many of the latest round trips count, of about one a second: among so many, one is nearly as
short as without jitter."""

MAX_DELAY_S = 10.0
"""The longest delay that a client may report, in seconds."""

ROUNDING_S = 1e-4
"""Tolerance of positions in seconds."""


class PlaybackReports:
    """Collect what is known about the playback of one client.

    Times are in seconds of one monotonic clock. Audio counts as heard when a report of it, sent at
    that moment, arrives at the server; as the audio of the client takes the same way, differences
    between the two are those at the client.

    Attributes:
        delay_s: How long audio waits in the buffers of the client, as it reports; None if it does
            not.
        answers: Whether the client has answered a question.
        codec_s: The delay of the codec, in seconds.
        assumed_s: The delay of a client that does not report any; None for none.
        has_marks: Whether the client confirms with marks what it has played.
    """

    def __init__(self) -> None:
        self._count = 0
        self.reset()

    def reset(self) -> None:
        """Forget all: the client uses another transport."""
        self.delay_s: float | None = None
        self.answers = False
        self.codec_s = 0.0
        self.assumed_s: float | None = None
        self.has_marks = False
        self._played: tuple[float, float] | None = None  # the last mark, and its time
        self._asked: tuple[int, float] | None = None
        self._answer_s: float | None = None  # the shortest round trip of a question
        self._round_trips_s: deque[float] = deque(maxlen=ROUND_TRIPS)

    @property
    def measured_round_trip_s(self) -> float | None:
        """The round trip through the network, or to the client's program and back, in seconds."""
        latest = self._round_trips_s
        return sum(latest) / len(latest) if latest else self._answer_s

    def measured(self, round_trip_s: float) -> None:
        """Record a round trip through the network that the transport has measured, in seconds."""
        self._round_trips_s.append(round_trip_s)

    def played(self, position_s: float, now: float) -> None:
        """Record that the client has played the audio up to a position, just now."""
        self._played = position_s, now

    def has_played(self, position_s: float) -> bool:
        """Return whether the client has played, or nearly, what was sent until a position."""
        return self._played is not None and self._played[0] >= position_s - MARK_S

    def ask(self, now: float) -> int:
        """Return the number of a question for the delay, which is sent now."""
        self._count += 1
        self._asked = self._count, now
        return self._count

    def answer(self, number: object, delay_s: object, now: float) -> bool:
        """Record the client's answer.

        Args:
            number: The number of the question.
            delay_s: The delay; None if the client does not know it, not yet or no longer.
            now: The time.

        Returns:
            Whether it is one.
        """
        if delay_s is not None:
            if isinstance(delay_s, bool) or not isinstance(delay_s, int | float):
                return False
            if not 0 <= delay_s <= MAX_DELAY_S:  # nor NaN
                return False
        self.delay_s = None if delay_s is None else float(delay_s)
        self.answers = True
        if self._asked is not None and self._asked[0] == number:
            took_s = now - self._asked[1]
            self._asked = None
            self._answer_s = min(took_s, math.inf if self._answer_s is None else self._answer_s)
        return True

    def heard_at(self, sent_at: float, position_s: float) -> tuple[float, HeardBy] | None:
        """Return when a sample was heard, and how that is known; None if it is not.

        A mark may be late, but not early: the least of the times from all marks is right, and this
        is the one from the last.

        Args:
            sent_at: When it was sent.
            position_s: Its position in the audio that was sent, for marks.
        """
        if self.has_marks:
            if self._played is None:
                return None
            played_s, at = self._played
            if played_s <= position_s + ROUNDING_S or at < sent_at:
                return None
            return max(sent_at, at - (played_s - position_s - ECHOED_EARLY_S)), "marks"
        round_trip_s = self._usual_round_trip_s
        if self.delay_s is not None:
            return sent_at + (round_trip_s or 0.0) + self.codec_s + self.delay_s, "client"
        if self.assumed_s is not None and round_trip_s is not None:
            return sent_at + round_trip_s + self.codec_s + self.assumed_s, "estimate"
        return None

    @property
    def _usual_round_trip_s(self) -> float | None:
        """The way of a packet to the client, and that of the fastest packets back, in seconds.

        The latter relates the times of the client's audio to the clock (``ArrivalClock``). Both
        ways have half of the jitter, by which the mean of the round trips exceeds the least.
        """
        mean_s = self.measured_round_trip_s
        if mean_s is None:
            return None
        answer_s = mean_s if self._answer_s is None else self._answer_s
        return (mean_s + min((answer_s, *self._round_trips_s))) / 2
