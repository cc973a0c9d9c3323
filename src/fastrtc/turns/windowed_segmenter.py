"""Segmentation of audio into utterances with a VAD model that judges clips: a sliding window."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..audio.resample import check_rate
from ..core.turn import EndedBy
from ..core.types import Layout
from .options import AlgoOptions, SpeechRules
from .segmenter import Segment, to_mono
from .speech_buffer import SpeechBuffer

__all__ = ["WindowedSegmenter"]

MAX_WINDOW_S = 60.0
"""Maximum length of the window, in seconds: a longer ``min_interruption_s`` is never exceeded."""


class WindowedSegmenter:
    """Split the audio of one connection into utterances, like ``UtteranceSegmenter``.

    The model judges the latest ``audio_chunk_duration`` of audio, every ``hop_s``. Before the first
    audio, and before an utterance that was cut at its maximum length, there is silence.

    Args:
        options: The thresholds of speech onset and end of turn; with a ``hop_s``.
        speech_s: Return the speech in audio of this rate, shape ``(n,)``, in seconds.
        rate: Sample rate of the audio in Hz.
        layout: Channel layout; stereo is interleaved.
    """

    def __init__(
        self,
        options: AlgoOptions,
        speech_s: Callable[[int, NDArray[np.int16]], float],
        rate: int,
        layout: Layout = "mono",
    ) -> None:
        self._options = options
        self._speech_s = speech_s
        self._rate = rate
        self._layout: Layout = layout
        self._buffer = SpeechBuffer(rate, options.pre_roll_s, 2 if layout == "stereo" else 1)
        self._heard = np.zeros(0, np.int16)  # mono: the window, and what was not judged yet
        self._due = self._hop  # samples until the next decision
        self._onset_s: float | None = None  # of the utterance, if there is one
        self._cut = False  # the last utterance was cut at its maximum length

    def set_options(
        self, options: AlgoOptions, threshold: float, rules: SpeechRules | None
    ) -> None:
        """Replace the options; *threshold* and *rules* are for models that process a stream."""
        self._options = options

    def hear(self, rate: int, samples: NDArray[np.int16], replying: bool) -> Segment:
        """Process the next audio; see ``UtteranceSegmenter.hear``."""
        started, said, onset_ago_s = False, None, 0.0
        ended_by: EndedBy = "pause"
        for size in self._until_decisions(rate, samples):
            begins, utterance = self._decide(size, replying)
            started = started or begins
            if begins and self._onset_s is not None:
                onset_ago_s = self._buffer.end_s - self._onset_s
            if utterance is not None:
                ended_by = "maximum" if self._cut else "pause"
                said = utterance if said is None else np.hstack((said, utterance))
        return Segment(started, said, onset_ago_s=onset_ago_s, ended_by=ended_by)

    def hears_speech(self, rate: int, samples: NDArray[np.int16]) -> bool:
        """Process the next audio for voice activity only; see ``UtteranceSegmenter``."""
        for size in self._until_decisions(rate, samples):
            self._decide(size, False)
        return self._onset_s is not None

    def take(self) -> NDArray[np.int16] | None:
        """Return and forget the unfinished utterance, shape ``(1, n)``; None if there is none."""
        said = None if self._onset_s is None else self._buffer.utterance(self._onset_s)
        self.forget()
        return said

    def forget(self) -> None:
        """Discard all buffered audio."""
        self._buffer.clear()
        self._heard = self._heard[:0]
        self._due = self._hop
        self._onset_s = None

    def _until_decisions(self, rate: int, samples: NDArray[np.int16]) -> Iterator[int]:
        """Store audio; yield for each decision how many mono samples come after it."""
        if rate != self._rate:
            self._rate = check_rate(rate)
            self._buffer = SpeechBuffer(rate, self._options.pre_roll_s, self._buffer.channels)
            self.forget()
        self._buffer.pre_roll_s = self._options.pre_roll_s
        self._buffer.push(samples.reshape(1, -1))
        mono = to_mono(samples, self._layout)
        self._heard = np.concatenate((self._heard, mono))
        self._due -= mono.size
        while self._due <= 0:
            after = -self._due
            self._due += self._hop
            yield after
        keep = self._window(True) + self._hop
        self._heard = self._heard[-keep:]

    def _decide(self, after: int, replying: bool) -> tuple[bool, NDArray[np.int16] | None]:
        """Judge the window that ends *after* samples ago."""
        options = self._options
        heard = self._heard[: self._heard.size - after]
        at_s = self._buffer.end_s - after / self._rate
        size = self._window(replying and self._onset_s is None)
        window = heard[-size:]
        silence = np.zeros(size - window.size, np.int16)
        speech_s = self._speech_s(self._rate, np.concatenate((silence, window)))
        if self._onset_s is None:
            begins = speech_s > self._threshold(replying)
            onset_s = at_s - window.size / self._rate
            if begins:
                self._onset_s = onset_s
            self._buffer.keep_from(onset_s)
            return begins, None
        ends = speech_s < options.speech_threshold
        cut = at_s - self._onset_s >= options.max_continuous_speech_s
        if not ends and not cut:
            return False, None
        utterance = self._buffer.utterance(self._onset_s, at_s)
        self._buffer.forget(at_s)
        self._onset_s = None
        self._cut = cut and not ends
        if cut:
            self._heard = self._heard[self._heard.size - after :]
        return False, utterance

    def _threshold(self, replying: bool) -> float:
        least = self._options.min_interruption_s
        return self._options.started_talking_threshold if not replying or least is None else least

    @property
    def _hop(self) -> int:
        return max(1, round((self._options.hop_s or 0.0) * self._rate))

    def _window(self, replying: bool) -> int:
        """Return the length of the window: 1 s of speech does not fit into 0.6 s."""
        more = self._threshold(replying) - self._options.started_talking_threshold
        more = more if 0 < more < math.inf else 0.0
        seconds = min(self._options.audio_chunk_duration + more, MAX_WINDOW_S)
        return max(1, round(seconds * self._rate))
