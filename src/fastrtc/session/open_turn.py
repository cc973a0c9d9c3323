"""A turn that is being recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.turn import EndedBy, Outcome, TurnKind
from ..turns.heard import SpokenText

__all__ = ["OpenTurn"]

AUDIBLE = 200
"""Samples of at least this absolute value are audible: -44 dB of full scale, more than the noise of
a synthetic voice, and less than any phone of it at its loudest."""


@dataclass
class OpenTurn:
    """A turn that is being recorded. Times are those of the events."""

    number: int
    kind: TurnKind = "reply"
    speech_began: float | None = None
    speech_ended: float | None = None
    turn_ended: float | None = None
    ended_by: EndedBy | None = None
    early: bool = False
    called: float | None = None
    first_output: float | None = None
    first_audio: float | None = None
    function_ended: float | None = None
    first_sent: float | None = None
    marked: float | None = None  # when it was heard, by the marks so far
    interrupted: float | None = None
    last_sent: float | None = None
    played_s: float = 0.0
    heard_text: str = ""
    text: str = ""
    spoken: SpokenText | None = None  # the texts of its audio
    error: str | None = None
    begins_s: float | None = None  # position of its first sample in the audio of the playout
    ends_s: float | None = None  # and of its end
    leading_silence_s: float | None = None  # until its first audible sample
    sent_s: float = 0.0  # position of the first sample in what was sent to the client
    sent_end_s: float = 0.0  # and of its end
    outcome: Outcome | None = None
    deadline: float | None = None  # when it is complete, whether a mark comes or not

    def note_played(self, sent_s: float) -> None:
        """Record that its audio was played, as far as it was sent until a position."""
        if self.begins_s is None:
            return
        end_s = sent_s if self.ends_s is None else min(sent_s, self.ends_s)
        self.played_s = max(0.0, end_s - self.begins_s)
        if self.spoken is not None:
            self.text, self.heard_text = self.spoken.text, self.spoken.heard(self.played_s)

    def listen(self, rate: int, samples: NDArray[np.int16], start_s: float, now: float) -> None:
        """Look for its first audible sample in audio that is sent now.

        Args:
            rate: Sample rate in Hz.
            samples: Shape ``(channels, n)``.
            start_s: The position of the first one.
            now: The time.
        """
        if self.first_sent is None or self.begins_s is None:
            return
        skip = max(0, round((self.begins_s - start_s) * rate))  # of what was queued before
        own = samples[:, skip:]
        if own.max(initial=0) < AUDIBLE and own.min(initial=0) > -AUDIBLE:
            return
        first = skip + np.flatnonzero(((own >= AUDIBLE) | (own <= -AUDIBLE)).any(axis=0))[0]
        in_audio_s = start_s + float(first) / rate - self.begins_s
        # clients are sent audio ahead of its time, and a function may be slower than its audio
        self.leading_silence_s = max(0.0, in_audio_s, now - self.first_sent)

    @property
    def speaking(self) -> bool:
        """Whether the user still speaks, and no reply to it is certain."""
        called = self.called is not None and not self.early
        return not called and self.turn_ended is None and self.first_sent is None

    @property
    def result(self) -> Outcome:
        """How it ends, when its audio does: an interruption of a failed reply interrupts it."""
        if self.interrupted is not None:
            return "interrupted"
        return "completed" if self.error is None else "failed"

    def times(self, began_at: float, heard: float | None) -> dict[str, float | None]:
        """Return its times on the clock of the connection.

        Args:
            began_at: When the connection was established.
            heard: When the first sample was heard, if known.
        """
        times = {
            "speech_began_s": self.speech_began,
            "speech_ended_s": self.speech_ended,
            "turn_ended_s": self.turn_ended,
            "function_called_s": self.called,
            "first_output_s": self.first_output,
            "first_audio_s": self.first_audio,
            "function_ended_s": self.function_ended,
            "first_sent_s": self.first_sent,
            "first_heard_s": heard,
            "interrupted_s": self.interrupted,
            "last_sent_s": self.last_sent,
        }
        return {name: None if time is None else time - began_at for name, time in times.items()}
