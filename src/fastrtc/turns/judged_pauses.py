"""The pauses of one connection that a turn model judges."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import to_float32
from ..end_of_turn.protocol import MAX_AUDIO_S, RATE
from .adaptive_pause import MAX_GAP_S
from .detector import TurnDetector
from .events import Pause, PauseSuspected, PauseUnclear
from .suspicion import ASKED_AGAIN_AFTER_S, SUSPECTED_AFTER_S

__all__ = ["Ask", "JudgedPauses"]

MAX_KEPT = round((MAX_AUDIO_S + 0.5) * RATE)
"""Audio that is kept, in samples: what the model gets, and what follows until it is asked."""


class Answer(Protocol):
    """What a turn model says about one pause; see ``turn_judge.Judgement``."""

    @property
    def done(self) -> bool:
        """Whether there is an answer."""

    @property
    def probability(self) -> float | None:
        """That the turn is complete; None if it is unknown."""

    def abandon(self, *, late: bool) -> None:
        """Note that the answer is not needed any more, or that it comes too late."""


Ask: TypeAlias = Callable[[NDArray[np.float32]], Answer]
"""Ask a turn model about the audio of an utterance; the answer comes later."""


class JudgedPauses:
    """Ask a turn model about each suspected pause, and pass what it says to the turn detector.

    Args:
        ask: Called with the audio of the utterance.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._answer: Answer | None = None
        self._had_time = False  # to answer: the audio did not come all at once
        self._recent: deque[NDArray[np.int16]] = deque()
        self._kept = 0  # samples
        self._pushed = 0  # samples since the time below
        self._begins_s = 0.0  # audio time of the first sample
        self._begin_s = 0.0  # of the last turn that the model judged
        self._ended_s = -math.inf  # when it ended

    def push(self, samples: NDArray[np.int16]) -> None:
        """Append 16 kHz audio, shape ``(n,)``."""
        self._recent.append(samples)
        self._kept += samples.size
        self._pushed += samples.size
        while self._kept - self._recent[0].size >= MAX_KEPT:
            self._kept -= self._recent.popleft().size

    def ask(self, suspected: PauseSuspected | PauseUnclear, pre_roll_s: float) -> None:
        """Ask about a pause.

        Args:
            suspected: The pause, which is asked about for the first or for the second time.
            pre_roll_s: Audio before the onset that belongs to the utterance, in seconds.
        """
        if suspected.onset_s - self._ended_s >= MAX_GAP_S:
            self._begin_s = suspected.onset_s - pre_roll_s
        # always with the same silence: a little more changes what the model says
        again = isinstance(suspected, PauseUnclear)
        silence_s = ASKED_AGAIN_AFTER_S if again else SUSPECTED_AFTER_S
        stop = self._index(suspected.end_s + silence_s)
        start = max(0, self._index(self._begin_s), stop - round(MAX_AUDIO_S * RATE))
        audio = np.concatenate(self._recent)[start:stop]
        if self._answer is not None:
            self._answer.abandon(late=False)
        self._answer = self._ask(to_float32(audio))
        self._had_time = False

    def _index(self, time_s: float) -> int:
        """Return the index of a time in the audio that is kept."""
        return round((time_s - self._begins_s) * RATE) - (self._pushed - self._kept)

    def ended(self, pause: Pause) -> None:
        """Note the end of a turn; if the speaker goes on at once, the model hears it again."""
        self._ended_s = pause.at_s

    def is_answered(self) -> bool:
        """Return whether there is an answer."""
        return self._answer is not None and self._answer.done

    def take(self, detector: TurnDetector) -> Pause | None:
        """Pass the answer to the detector, and return the end of the turn if it is complete."""
        answer = self._answer
        if answer is None or not answer.done:  # of another pause meanwhile
            return None
        self._answer = None
        return detector.judge(answer.probability)

    def give_up(self, detector: TurnDetector, paused: bool) -> None:
        """Abandon an answer that is not needed any more, or comes too late.

        Args:
            detector: The turn detector.
            paused: Whether a plain pause has just ended the turn.
        """
        if self._answer is not None and not detector.awaits_judgement:
            late = (paused or detector.suspected) and self._had_time
            self._answer.abandon(late=late)
            self._answer = None
        self._had_time = True

    def clear(self, now_s: float) -> None:
        """Discard the audio, and what was asked.

        Args:
            now_s: The audio time of what is pushed next, in seconds.
        """
        if self._answer is not None:
            self._answer.abandon(late=False)
            self._answer = None
        self._recent.clear()
        self._kept = self._pushed = 0
        self._begins_s = now_s
        self._ended_s = -math.inf
