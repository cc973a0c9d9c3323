"""The pause that ends a turn, adapted to the speaker."""

from __future__ import annotations

__all__ = ["MAX_GAP_S", "MIN_PAUSE_S", "AdaptivePause"]

WEIGHT = 0.9
"""Weight of the earlier pauses in the exponential mean."""

MIN_NOTED_S = 0.1
"""Shorter silence is between sounds of one word."""

MARGIN = 1.5
"""The pause that ends a turn is longer than the speaker's mean pause by this factor."""

MIN_PAUSE_S = 0.3
"""The shortest pause that ends a turn, in seconds, however fast the speaker is."""

MAX_PAUSE_S = 1.5
"""The longest one, unless the options ask for a longer pause themselves."""

MAX_GAP_S = 0.8
"""Speech that follows the end of a turn sooner than this continues it, as the speaker cannot have
reacted to a reply: the turn was ended too early."""


class AdaptivePause:
    """Adapt the pause that ends a turn to the pauses of one speaker.

    The pauses are those after which the speaker went on: within an utterance, or just after one,
    when its turn was ended too early. Until the first one, the pause of the options applies.
    """

    def __init__(self) -> None:
        self._mean_s: float | None = None
        self._ended: tuple[float, float] | None = None  # the last turn: end of speech, decision

    def note(self, silence_s: float, plain_s: float) -> None:
        """Record a pause after which the speaker went on.

        Args:
            silence_s: Its length in seconds.
            plain_s: The pause of the options, in seconds.
        """
        if silence_s < MIN_NOTED_S:
            return
        before = plain_s / MARGIN if self._mean_s is None else self._mean_s
        self._mean_s = WEIGHT * before + (1 - WEIGHT) * silence_s

    def turn_ended(self, speech_end_s: float, at_s: float) -> None:
        """Record the end of a turn.

        Args:
            speech_end_s: End of its speech, in seconds of audio.
            at_s: Time of the decision, in seconds of audio.
        """
        self._ended = speech_end_s, at_s

    def turn_started(self, onset_s: float, plain_s: float) -> None:
        """Record the pause before a turn if it continues the previous one.

        Args:
            onset_s: Its onset, in seconds of audio.
            plain_s: The pause of the options, in seconds.
        """
        ended, self._ended = self._ended, None
        if ended is not None and onset_s - ended[1] < MAX_GAP_S:
            self.note(onset_s - ended[0], plain_s)

    def pause_s(self, plain_s: float) -> float:
        """Return the pause that ends a turn, in seconds.

        Args:
            plain_s: The pause of the options, in seconds.
        """
        if self._mean_s is None:
            return plain_s
        return min(max(self._mean_s * MARGIN, MIN_PAUSE_S), max(MAX_PAUSE_S, plain_s))
