"""Turn detector: speech onset and end of turn from VAD probabilities. No I/O; audio time only."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from ..pause_detection.timestamps import HYSTERESIS, MIN_PROBABILITY
from .adaptive_pause import MIN_PAUSE_S, AdaptivePause
from .events import MaximumReached, Pause, PauseSuspected, PauseUnclear, SpeechStarted, TurnEvent
from .options import AlgoOptions, SpeechRules
from .stretch import NEVER_S, Stretch
from .stretch import to_ns as _ns
from .stretch import to_s as _s
from .suspicion import ASKED_AGAIN_AFTER_S, SUSPECTED_AFTER_S, Suspicion, pause_while_unsure_s

__all__ = ["TurnDetector"]


class TurnDetector:
    """Detect speech onsets and ends of turns.

    The input is the probability of speech in consecutive windows. Time is audio time: the
    duration of the windows so far. A decision looks at the last few hundred milliseconds, so
    its cost does not depend on the length of the utterance.

    Args:
        options: The thresholds of speech onset and end of turn. Changes take effect at once.
        window_s: Length of a window in seconds; for Silero, 512 samples at 16 kHz.
        threshold: The probability at which speech starts. It ends when the probability is more
            than 0.15 lower.
        rules: Further conditions on speech; None for none. Changes take effect at once.

    Attributes:
        suspects: Whether to return a ``PauseSuspected`` in each pause.
        judged: Whether ``judge`` is called after it, so that the plain pause does not decide.
    """

    def __init__(
        self,
        options: AlgoOptions | None = None,
        window_s: float = 0.032,
        threshold: float = 0.5,
        rules: SpeechRules | None = None,
    ) -> None:
        self.options = options or AlgoOptions()
        self.threshold = threshold
        self.rules = rules
        self.suspects = self.judged = False
        self._window = _ns(window_s)
        self._now = 0
        self._adaptive = AdaptivePause()  # of the speaker, so not reset
        self._suspicion = Suspicion()
        self.reset()

    @property
    def now_s(self) -> float:
        """Duration of the audio so far, in seconds."""
        return _s(self._now)

    @property
    def speaking(self) -> bool:
        """Whether an utterance is active."""
        return self._onset is not None

    @property
    def suspected(self) -> bool:
        """Whether the speaker is silent and may have finished."""
        return self._suspicion.since is not None

    @property
    def awaits_judgement(self) -> bool:
        """Whether a judgement of the suspected pause would not come too late."""
        return self.suspected and self._suspicion.waits(self._now)

    @property
    def needed_from_s(self) -> float:
        """Earliest possible onset of the active or next utterance, in seconds of audio."""
        if self._onset is not None:
            return _s(self._onset)
        return _s(self._stretches[0].start if self._stretches else self._now)

    def time_to_next_decision_s(self, replying: bool = False) -> float:
        """Return for how much more audio no event can occur, whatever it contains, in seconds.

        Args:
            replying: As for ``push``.
        """
        wait = self._start_is_away(replying) if self._onset is None else self._end_is_away()
        # a window may have begun with audio that is there already
        return max(0.0, _s(wait - self._window))

    def _start_is_away(self, replying: bool) -> int:
        threshold = self._start_threshold(replying)
        if self.rules is None:
            return threshold - sum(stretch.end - stretch.start for stretch in self._stretches)
        padding = 2 * _ns(self.rules.pad_s)
        so_far = self._now - self._stretches[0].start if self._stretches else 0
        enough = threshold - so_far - padding
        if any(self._bursts(self._now, False)):
            return enough
        burst = 0  # what a word that begins now would continue
        if self._last is not None and self._now - self._last.end < self._joined:
            burst = self._now - self._last.burst
        return max(enough, _ns(self.rules.min_speech_s) - burst)

    def _end_is_away(self) -> int:
        assert self._onset is not None
        since, speech = self._onset - 1, 0  # where enough speech begins for it not to be a pause
        lasting: Sequence[Stretch] = self._stretches
        if self.rules is not None:
            bursts = self._bursts(self._now, False)
            lasting = [stretch for burst in bursts for stretch in burst]
        for stretch in reversed(lasting):
            speech += stretch.end - stretch.start
            too_much = speech - _ns(self.options.speech_threshold)
            if too_much >= 0:
                since = max(since, stretch.start + too_much)
                break
        pause = since + self._pause_window
        if self.options.adaptive_pause:  # it may get shorter until then
            pause = min(pause, since + _ns(MIN_PAUSE_S + self.options.speech_threshold))
        maximum = self._counted_from + _ns(self.options.max_continuous_speech_s) - 1
        suspicion = _ns(NEVER_S)
        if self.suspects:
            silent_since = self._now if self.suspected or self._last is None else self._last.end
            suspicion = silent_since + _ns(SUSPECTED_AFTER_S)
            if self.judged and self._suspicion.is_unclear and self._last is not None:
                suspicion = self._last.end + _ns(ASKED_AGAIN_AFTER_S)
        return min(pause, maximum, suspicion) - self._now

    def reset(self, now_s: float | None = None) -> None:
        """Discard the state, including an active utterance.

        Args:
            now_s: The new audio time in seconds, if some audio was skipped; by default time
                continues.
        """
        if now_s is not None:
            self._now = _ns(now_s)
        self._decided = self._now  # when the last decision was made
        self._is_speech = False  # as of the last window
        self._stretches: deque[Stretch] = deque()
        self._last: Stretch | None = None  # of this utterance, though it may be dropped
        self._onset: int | None = None  # of the utterance, if there is one
        self._counted_from = 0  # where its length is measured from
        self._speech_end = self._now  # of the stretches that were dropped
        self._asked_for = 0  # the speech that would have started an utterance
        self._suspicion.clear()

    def push(self, probability: float, replying: bool = False) -> TurnEvent | None:
        """Process the probability of speech in the next window.

        Args:
            probability: From 0 to 1.
            replying: Whether a reply is running, so that an onset is a barge-in and must
                exceed ``min_interruption_s``.

        Returns:
            The event at the end of the window, or None.

        Raises:
            ValueError: If the probability is NaN: the model is broken.
        """
        if math.isnan(probability):
            raise ValueError("The probability of speech is NaN")
        if self._is_speech:
            self._is_speech = probability >= max(self.threshold - HYSTERESIS, MIN_PROBABILITY)
        else:
            self._is_speech = probability >= self.threshold
        start, end = self._now, self._now + self._window
        if self._is_speech:
            last, burst = self._last, start
            self._suspicion.clear()
            if last is not None and start - last.end < self._joined:
                burst = last.burst
            if last is not None and start > last.end and self._onset is not None:
                self._adaptive.note(_s(start - last.end), self._plain_pause_s)
            if self._stretches and self._stretches[-1].end == start:
                start = self._stretches.pop().start
            self._last = Stretch(start, end, burst)
            self._stretches.append(self._last)
        return self._advance(end, replying)

    def _advance(self, end: int, replying: bool) -> TurnEvent | None:
        """Advance to the end of the window, and decide if a decision is due."""
        self._now = end
        hop = _ns(self.options.hop_s or 0.0)
        at = end if hop <= self._window else self._decided + hop
        if at > end:
            return None
        self._decided = at
        chunk = self._chunk
        if self._onset is None:
            in_blocks = max(hop, self._window) >= chunk
            return self._look_for_start(at, chunk, replying, in_blocks)
        return self._look_for_end(at, replying)

    def judge(self, probability: float | None) -> Pause | None:
        """Process the judgement of a turn model on the suspected pause.

        Args:
            probability: That the turn is complete; None if it is unknown, so that the plain pause
                decides.

        Returns:
            The end of the turn, if it is complete. None otherwise, and if the speaker has gone on
            or the deadline has passed.
        """
        self._suspicion.judge(probability, self._now)
        if self._suspicion.is_complete and self._onset is not None:
            return self._pause(self._now, self._onset)
        return None

    @property
    def _plain_pause_s(self) -> float:
        """The silence that ends a turn according to the options, in seconds."""
        return max(0.0, _s(self._chunk - _ns(self.options.speech_threshold)))

    @property
    def _pause_window(self) -> int:
        """The length of the window whose lack of speech ends the turn."""
        options, likely = self.options, self._suspicion.probability
        if likely is None and not options.adaptive_pause:
            return self._chunk
        pause_s = self._plain_pause_s
        if options.adaptive_pause:
            pause_s = self._adaptive.pause_s(pause_s)
        if likely is not None:
            pause_s = pause_while_unsure_s(likely, pause_s, options.max_pause_s)
        return max(_ns(pause_s + options.speech_threshold), self._window)

    @property
    def _chunk(self) -> int:
        return max(_ns(self.options.audio_chunk_duration), self._window)

    def _look_for_start(
        self, at: int, chunk: int, replying: bool, in_blocks: bool
    ) -> SpeechStarted | None:
        threshold = self._start_threshold(replying)
        if threshold < self._asked_for and not self._speech_touches(at):
            # too short to interrupt and already over: it must not be answered now
            self._drop(at)
            self._last = None
        self._asked_for = threshold
        begin = at - self._look_back(threshold, chunk)
        if self.rules is None:
            self._drop(begin)
        else:
            self._drop(min(begin, at - chunk - _ns(self.rules.min_speech_s)))
        if self._speech_between(begin, at) <= threshold:
            return None
        bursts = self._bursts(at, False)
        self._onset = next(burst[0].start for burst in bursts if burst[-1].end > begin)
        self._counted_from = at - chunk if in_blocks else self._onset
        self._adaptive.turn_started(_s(self._onset), self._plain_pause_s)
        return SpeechStarted(_s(at), _s(self._onset))

    def _look_for_end(self, at: int, replying: bool) -> TurnEvent | None:
        assert self._onset is not None
        onset, window = self._onset, self._pause_window
        self._drop(at - max(window, self._chunk))
        if self.suspects and not replying and self._last is not None:
            doubt = self._doubt(at, onset, self._last.end)
            if doubt is not None:
                return doubt
        waits = self.judged and not replying and self._suspicion.waits(at)
        # what was before the onset is not a pause after it
        if not waits and at - onset >= window:
            if self._speech_between(at - window, at) < _ns(self.options.speech_threshold):
                return self._pause(at, onset)
        if at - self._counted_from >= _ns(self.options.max_continuous_speech_s):
            self._cut(at)
            return MaximumReached(_s(at), _s(onset), _s(at))
        return None

    def _doubt(self, at: int, onset: int, end: int) -> PauseSuspected | PauseUnclear | None:
        """Return an event if a turn model is to be asked about the pause."""
        if not self.suspected:
            due = end + _ns(SUSPECTED_AFTER_S)
            if at >= due:
                self._suspicion.since = due
                return PauseSuspected(_s(at), _s(onset), _s(end))
        elif self.judged and self._suspicion.is_unclear:
            due = end + _ns(ASKED_AGAIN_AFTER_S)
            if at >= due:
                self._suspicion.ask_again(due)
                return PauseUnclear(_s(at), _s(onset), _s(end))
        return None

    def _pause(self, at: int, onset: int) -> Pause:
        self._end_at_pause(at)
        self._adaptive.turn_ended(_s(self._speech_end), _s(at))
        return Pause(_s(at), _s(onset), _s(self._speech_end))

    def _end_at_pause(self, at: int) -> None:
        """End the utterance.

        A word that has just begun starts the next utterance. With a decision in every window
        there is none, as the speech in the chunk would have grown.
        """
        assert self._onset is not None
        word = None
        if self._stretches:
            last = self._stretches[-1]
            if last.end >= at and last.start > self._onset:
                word = self._stretches.pop()
        self._cut(at)
        if word is not None:
            self._last = word._replace(burst=word.start)
            self._stretches.append(self._last)

    def _cut(self, at: int) -> None:
        """End the utterance at *at*; later speech is kept."""
        self._drop(at)
        if self._stretches and self._stretches[0].start < at:
            self._stretches[0] = Stretch(at, self._stretches[0].end, at)
            self._speech_end = at
        self._stretches = deque(
            stretch._replace(burst=max(stretch.burst, at)) for stretch in self._stretches
        )
        self._last = self._stretches[-1] if self._stretches else None
        self._onset = None
        self._suspicion.clear()

    def _drop(self, until: int) -> None:
        """Drop the stretches that end at or before *until*."""
        while self._stretches and self._stretches[0].end <= until:
            self._speech_end = self._stretches.popleft().end

    def _speech_between(self, start: int, end: int) -> int:
        if self.rules is None:
            return sum(stretch.between(start, end) for stretch in self._stretches)
        speech, start = 0, max(start, 0)  # there is no padding before the audio
        for first, last in self._counted(start, end, self.rules):
            first, last = max(first, start), min(last, end)
            if last > first:
                speech += last - first
                start = last  # paddings may overlap
        return speech

    def _counted(self, since: int, at: int, rules: SpeechRules) -> Iterator[tuple[int, int]]:
        """Yield what counts as speech in the bursts that end after *since*, as ordered spans."""
        padding = _ns(rules.pad_s)
        silence = min(_ns(rules.counted_silence_s), self._chunk)
        speaking = self._onset is not None
        for burst in self._bursts(at, speaking):
            start, end = burst[0].burst, burst[-1].end
            if end <= since:
                continue
            yield start - padding, start
            if silence:
                hesitates = speaking and at - end < silence
                yield start, at if hesitates else end
            else:
                yield from ((stretch.start, stretch.end) for stretch in burst)
            yield end, end + padding

    def _bursts(self, at: int, unfinished: bool) -> Iterator[list[Stretch]]:
        """Yield the bursts that are long enough.

        Args:
            at: Speech after this does not count towards the length.
            unfinished: Whether to include bursts that continue at *at*, whatever their length.
        """
        least = -1 if self.rules is None else _ns(self.rules.min_speech_s)
        for start, stretches in groupby(self._stretches, attrgetter("burst")):
            burst = list(stretches)
            end = burst[-1].end
            if min(end, at) - start > least or (unfinished and end >= at):
                yield burst

    @property
    def _joined(self) -> int:
        """The silence that ends a burst, in nanoseconds."""
        return 1 if self.rules is None else max(1, min(_ns(self.rules.joined_s), self._chunk))

    def _speech_touches(self, at: int) -> bool:
        return bool(self._stretches) and self._stretches[-1].end >= at

    def _start_threshold(self, replying: bool) -> int:
        threshold = self.options.started_talking_threshold
        if replying and self.options.min_interruption_s is not None:
            threshold = self.options.min_interruption_s
        return _ns(threshold)

    def _look_back(self, threshold: int, chunk: int) -> int:
        """Return how far to look back for the speech that starts an utterance.

        A higher threshold needs a longer window, with as much room for gaps: 1 s of speech
        does not fit into a chunk of 0.6 s.
        """
        more = threshold - _ns(self.options.started_talking_threshold)
        return chunk + more if more > 0 and threshold < _ns(NEVER_S) else chunk
