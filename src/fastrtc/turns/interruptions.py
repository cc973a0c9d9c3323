"""Speech over a reply: an interruption, or a sound that was none. No I/O; time is audio time."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import Enum
from numbers import Real

from .transitions import Event, State

__all__ = ["InterruptionWatch", "Interruptions", "Verdict"]

ONSET_S = 0.064
"""Uninterrupted speech that pauses the playout, in seconds: two windows of Silero VAD. One alone is
often a click."""

MAX_HELD_S = 5.0
"""Speech without a stop word for which a reply is paused at most, in seconds."""

_EPSILON_S = 1e-6


@dataclass(frozen=True)
class Interruptions:
    """What speech during a reply does, for ``ReplyOnPause``.

    The first speech pauses the playout. With enough of it, it is an interruption: the reply is
    cancelled. With silence before that, the reply goes on with the same sample.

    Attributes:
        after_s: Speech over a reply that interrupts it, in seconds. Silence shorter than
            ``resume_after_s`` between words does not reset the count.
        resume_after_s: Silence after which the reply goes on, in seconds.
        while_thinking_s: The same as ``after_s`` while nothing of the reply was heard yet. The
            audio of a turn that is interrupted then is passed to the function again, in front of
            the speech that follows.
        ignore_first_s: Speech within the first seconds of a reply does nothing.
        duck_db: By how many decibels to lower the volume of the reply instead of pausing it; None
            to pause it.

    Raises:
        ValueError: If a value is not a finite number, or negative; or if ``resume_after_s`` or
            ``duck_db`` is 0.
    """

    after_s: float = 0.5
    resume_after_s: float = 1.0
    while_thinking_s: float = 0.3
    ignore_first_s: float = 0.0
    duck_db: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.name == "duck_db":
                continue
            number = float(value) if isinstance(value, Real) else math.nan
            unit = "decibels" if field.name == "duck_db" else "seconds"
            if not 0 <= number < math.inf:
                raise ValueError(f"{field.name} must be a number of {unit}, not {value!r}")
            if number == 0 and field.name in ("resume_after_s", "duck_db"):
                raise ValueError(f"{field.name} must be more than 0 {unit}")


class Verdict(Enum):
    """What speech over a reply means to the turn detection."""

    IGNORED = "ignored"  # it belongs to no utterance
    PENDING = "pending"  # it is kept, and may begin one
    STARTED = "started"  # it begins an utterance


class InterruptionWatch:
    """Count the speech over a reply.

    Args:
        options: The thresholds.
        by_words: Whether only words interrupt, which are recognized elsewhere, however long the
            speech is.
    """

    def __init__(self, options: Interruptions, by_words: bool = False) -> None:
        self._options = options
        self._by_words = by_words
        self._speech_s = 0.0  # since the onset
        self._silence_s = 0.0  # since the last speech
        self._enough_s = 0.0  # speech that interrupts
        self._spent = False  # speech was long enough to be ignored, until there is silence

    def push(
        self, state: State, speech_s: float, duration_s: float, played_s: float
    ) -> tuple[Verdict | None, Event | None]:
        """Process the next audio of the user.

        Args:
            state: The state of the conversation.
            speech_s: The speech in the audio, in seconds.
            duration_s: The length of the audio, in seconds.
            played_s: How much of the reply was heard, in seconds.

        Returns:
            The verdict on the speech, None if it is none over a reply; and the event, if any.
        """
        pending = state is State.INTERRUPTION_PENDING
        if not pending and state not in (State.THINKING, State.SPEAKING):
            self._speech_s = self._silence_s = 0.0
            self._spent = False
            return None, None
        self._silence_s = 0.0 if speech_s > 0 else self._silence_s + duration_s
        if self._is_spent(pending):
            return Verdict.IGNORED, None
        if pending:
            self._speech_s += speech_s
            return self._judge()
        if speech_s <= 0 or 0 < played_s < self._options.ignore_first_s:
            self._speech_s = 0.0
            return Verdict.IGNORED, None
        self._speech_s += speech_s
        if self._speech_s < ONSET_S - _EPSILON_S:
            return Verdict.PENDING, None
        heard = played_s > 0
        self._enough_s = self._options.after_s if heard else self._options.while_thinking_s
        return self._judge()[0], Event.SPEECH_DETECTED

    def _judge(self) -> tuple[Verdict, Event | None]:
        options = self._options
        if self._by_words:
            if self._speech_s >= MAX_HELD_S:
                self._speech_s, self._spent = 0.0, True
                return Verdict.IGNORED, Event.SPEECH_DISMISSED
        elif self._speech_s > self._enough_s - _EPSILON_S:
            return Verdict.STARTED, None
        if self._silence_s >= options.resume_after_s - _EPSILON_S:
            self._speech_s = 0.0
            return Verdict.IGNORED, Event.SPEECH_DISMISSED
        return Verdict.PENDING, None

    def _is_spent(self, pending: bool) -> bool:
        if pending or self._silence_s >= self._options.resume_after_s - _EPSILON_S:
            self._spent = False
        return self._spent
