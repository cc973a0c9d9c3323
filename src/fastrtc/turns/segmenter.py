"""Segmentation of continuous audio into utterances: VAD model, turn detector and buffer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import as_planar, mix_channels
from ..audio.converter import AudioConverter
from ..audio.resample import check_rate
from ..core.turn import EndedBy
from ..core.types import Layout
from ..pause_detection.protocol import RATE, SpeechStream
from .detector import TurnDetector
from .events import MaximumReached, Pause, PauseSuspected, PauseUnclear, SpeechStarted, TurnEvent
from .gated_detector import Gate, GatedTurnDetector
from .judged_pauses import Ask, JudgedPauses
from .options import AlgoOptions, SpeechRules
from .speech_buffer import SpeechBuffer
from .speech_end import speech_end_s

__all__ = ["Segment", "UtteranceSegmenter", "to_mono"]

GATHERED_S = 0.16
"""The most audio that is passed to the model at once while no decision is due, in seconds. Running
the resampler and the model for each 20 ms frame costs more than their work: the processor's caches
are cold each time."""


class Segment(NamedTuple):
    """The result of one frame of audio.

    Attributes:
        started: Whether an utterance began.
        said: The utterance that ended, ``int16``, shape ``(1, n)``; None if none did.
        so_far: The utterance up to a pause that may be its end, alike; None if none began.
        pending: Whether such a pause lasts: it has neither ended the turn, nor did the speaker go
            on.
        onset_ago_s: How long before the end of the frame the utterance that began did, in seconds.
        end_ago_s: The same for the end of the speech before the pause that ended the utterance, or
            may have; None if that is unknown.
        ended_by: What ended it.
    """

    started: bool
    said: NDArray[np.int16] | None
    so_far: NDArray[np.int16] | None = None
    pending: bool = False
    onset_ago_s: float = 0.0
    end_ago_s: float | None = None
    ended_by: EndedBy = "pause"


_NOTHING = Segment(False, None)
_UNFINISHED = Segment(False, None, pending=True)


class UtteranceSegmenter:
    """Split the audio of one connection into utterances.

    Args:
        options: The thresholds of speech onset and end of turn.
        stream: The voice activity detector's state for this connection.
        rate: Sample rate of the audio in Hz.
        layout: Channel layout; stereo is interleaved.
        threshold: The probability from which a window counts as speech.
        rules: Further conditions on speech; None for none.
        gate: Judges speech over a reply; None to leave it to the options.
        suspects: Whether to report pauses in which the turn may be over.
        ask: Called in such a pause, with the utterance, to let a turn model judge it.
    """

    def __init__(
        self,
        options: AlgoOptions,
        stream: SpeechStream,
        rate: int,
        layout: Layout = "mono",
        threshold: float = 0.5,
        rules: SpeechRules | None = None,
        gate: Gate | None = None,
        *,
        suspects: bool = False,
        ask: Ask | None = None,
    ) -> None:
        self._rate = rate
        self._layout: Layout = layout
        self._channels = 2 if layout == "stereo" else 1
        self._stream = stream
        self._detector = TurnDetector(options, threshold=threshold, rules=rules)
        if gate is not None:
            self._detector = GatedTurnDetector(gate, options, threshold=threshold, rules=rules)
        self._buffer = SpeechBuffer(rate, options.pre_roll_s, self._channels)
        self._converter = AudioConverter(RATE, 1)
        self._unjudged: list[NDArray[np.int16]] = []
        self._unjudged_size = 0  # samples of it
        self._suspects = suspects or ask is not None
        self._pauses = None if ask is None else JudgedPauses(ask)
        self._judged_pause: Pause | None = None  # the last that the model has ended

    def set_options(
        self, options: AlgoOptions, threshold: float, rules: SpeechRules | None
    ) -> None:
        """Replace the options; see the class."""
        self._detector.options = options
        self._detector.threshold = threshold
        self._detector.rules = rules
        self._buffer.pre_roll_s = options.pre_roll_s

    def hear(self, rate: int, samples: NDArray[np.int16], replying: bool) -> Segment:
        """Process the next audio.

        Args:
            rate: Sample rate in Hz.
            samples: Shape ``(1, n)`` or ``(n,)``.
            replying: Whether a reply is running, so that an onset is a barge-in and must exceed
                ``min_interruption_s``.
        """
        self._buffer.push(samples.reshape(1, -1))
        self._detector.suspects = self._suspects
        self._detector.judged = self._pauses is not None
        if self._pauses is None and rate == self._rate:
            if not self._gather(samples, replying):  # as for nearly all frames
                return _UNFINISHED if self._detector.suspected else _NOTHING
            events = self._judge(replying)
        else:
            events = self._events(rate, samples, replying)
        started, said, so_far = False, None, None
        onset_s = end_s = math.inf
        ended_by: EndedBy = "pause"
        if self._pauses is not None:
            events = self._judged_events(events, self._pauses, replying)
        for event in events:
            if isinstance(event, SpeechStarted):
                started, onset_s = True, event.onset_s
                continue
            if isinstance(event, PauseUnclear):
                continue
            utterance = self._buffer.utterance(event.onset_s, event.at_s)
            end_s = event.at_s - speech_end_s(
                utterance, self._rate, event.at_s - event.end_s, self._channels
            )
            if isinstance(event, PauseSuspected):
                so_far = utterance
                continue
            self._buffer.forget(event.end_s)
            if isinstance(event, MaximumReached):
                ended_by = "maximum"
            elif event is self._judged_pause:
                ended_by = "model"
            # a long frame may hold the ends of two
            said = utterance if said is None else np.hstack((said, utterance))
        self._buffer.keep_from(self._detector.needed_from_s)
        if not started and end_s == math.inf:
            return _UNFINISHED if self._detector.suspected else _NOTHING
        now_s = self._buffer.end_s
        return Segment(
            started,
            said,
            so_far,
            self._detector.suspected,
            now_s - min(onset_s, now_s),
            None if end_s == math.inf else now_s - end_s,
            ended_by,
        )

    def _judged_events(
        self, events: Iterator[TurnEvent], pauses: JudgedPauses, replying: bool
    ) -> Iterator[TurnEvent]:
        """Yield the events of the next audio, and those of judgements that are there."""
        if pauses.is_answered():  # unless the speaker has gone on in what was not judged yet
            yield from self._asking(self._judge(replying))
            if (pause := pauses.take(self._detector)) is not None:
                pauses.ended(pause)
                self._judged_pause = pause
                yield pause
        paused = False
        for event in self._asking(events):
            paused = paused or isinstance(event, Pause)
            yield event
        pauses.give_up(self._detector, paused)

    def _asking(self, events: Iterator[TurnEvent]) -> Iterator[TurnEvent]:
        """Yield events, and ask the turn model about suspected pauses."""
        for event in events:
            if isinstance(event, PauseSuspected | PauseUnclear) and self._pauses is not None:
                self._pauses.ask(event, self._buffer.pre_roll_s)
            elif isinstance(event, Pause) and self._pauses is not None:
                self._pauses.ended(event)
            yield event

    def hears_speech(self, rate: int, samples: NDArray[np.int16]) -> bool:
        """Process the next audio for voice activity only, without storing it.

        Call ``forget`` before ``hear`` is used again.

        Args:
            rate: Sample rate in Hz.
            samples: Shape ``(1, n)`` or ``(n,)``.

        Returns:
            Whether the client is speaking.
        """
        self._detector.suspects = self._detector.judged = False
        for _ in self._events(rate, samples, False):
            pass
        return self._detector.speaking

    def _events(self, rate: int, samples: NDArray[np.int16], replying: bool) -> Iterator[TurnEvent]:
        if rate != self._rate:
            yield from self._judge(replying)
            self._rate = check_rate(rate)
        if self._gather(samples, replying):
            yield from self._judge(replying)

    def _gather(self, samples: NDArray[np.int16], replying: bool) -> bool:
        """Store the next audio; return whether it has to be judged now."""
        self._unjudged.append(samples.reshape(-1).copy())
        self._unjudged_size += samples.size
        unjudged_s = self._unjudged_size / self._channels / self._rate
        return unjudged_s >= min(GATHERED_S, self._detector.time_to_next_decision_s(replying))

    def _judge(self, replying: bool) -> Iterator[TurnEvent]:
        if not self._unjudged:
            return
        samples = np.concatenate(self._unjudged)
        self._unjudged.clear()
        self._unjudged_size = 0
        heard = self._converter.convert(self._rate, to_mono(samples, self._layout))
        if self._pauses is not None:
            self._pauses.push(heard[0])
        for probability in self._stream.push(heard[0]):
            event = self._detector.push(float(probability), replying)
            if event is not None:
                yield event

    def take(self) -> NDArray[np.int16] | None:
        """Return and forget the unfinished utterance, shape ``(1, n)``; None if there is none."""
        said = None
        if self._detector.speaking:
            said = self._buffer.utterance(self._detector.needed_from_s)
        self.forget()
        return said

    def forget(self) -> None:
        """Discard all buffered audio and reset the detector."""
        self._stream.reset()
        self._converter.clear()
        self._unjudged.clear()
        self._unjudged_size = 0
        if self._pauses is not None:
            self._pauses.clear(self._buffer.end_s)
        self._buffer.clear()
        self._detector.reset(self._buffer.end_s)


def to_mono(samples: NDArray[np.int16], layout: Layout) -> NDArray[np.int16]:
    """Mix the samples of a frame, as passed to ``receive``, down to mono, shape ``(n,)``."""
    mono: NDArray[np.int16] = mix_channels(as_planar(samples.reshape(1, -1), layout), 1)[0]
    return mono
