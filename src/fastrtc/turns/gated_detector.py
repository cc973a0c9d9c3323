"""A turn detector that leaves speech over a reply to another rule."""

from __future__ import annotations

from typing import Any, Protocol

from .detector import TurnDetector
from .events import SpeechStarted, TurnEvent
from .interruptions import Verdict
from .stretch import NEVER_S, to_ns, to_s

__all__ = ["Gate", "GatedTurnDetector"]


class Gate(Protocol):
    """Judges speech over a reply."""

    @property
    def active(self) -> bool:
        """Whether a reply is awaited or played, so that speech has to be judged at once."""

    def judge(self, speech_s: float, duration_s: float) -> Verdict | None:
        """Judge the next audio; return None to leave it to the turn detector.

        Args:
            speech_s: The speech in the audio, in seconds.
            duration_s: The length of the audio, in seconds.
        """


class GatedTurnDetector(TurnDetector):
    """A ``TurnDetector`` that asks a gate in each window in which no utterance is active.

    Args:
        gate: Judges speech over a reply.
        args: As for ``TurnDetector``.
        options: As for ``TurnDetector``.
    """

    def __init__(self, gate: Gate, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._gate = gate

    def time_to_next_decision_s(self, replying: bool = False) -> float:
        """Return for how much more audio no event can occur; see ``TurnDetector``."""
        if self._gate.active and not self.speaking:
            return 0.0
        return super().time_to_next_decision_s(replying)

    def _advance(self, end: int, replying: bool) -> TurnEvent | None:
        verdict = None
        if not self.speaking:
            window_s = to_s(self._window)
            verdict = self._gate.judge(window_s if self._is_speech else 0.0, window_s)
        if verdict is None:
            return super()._advance(end, replying)
        self._now = self._decided = end
        self._asked_for = to_ns(NEVER_S)  # speech that ends with the reply must not be answered
        if verdict is Verdict.IGNORED:
            self._drop(end - 1)  # what continues now may count later
        elif verdict is Verdict.STARTED:
            return self._start(end)
        return None

    def _start(self, at: int) -> SpeechStarted:
        onset = self._stretches[0].start if self._stretches else at
        self._onset = self._counted_from = onset
        self._adaptive.turn_started(to_s(onset), self._plain_pause_s)
        return SpeechStarted(to_s(at), to_s(onset))
