"""Detection of stop words in continuous speech."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import copy_context

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import as_planar, mix_channels
from ..core.rates import FRAME_S
from ..core.types import Layout
from ..speech_to_text.protocol import STTModel
from .speech_buffer import SpeechBuffer

__all__ = ["StopWordSpotter"]

logger = logging.getLogger(__name__)

HOP_S = 0.6
"""New speech between two recognition passes, in seconds."""

WINDOW_S = 5.0
"""Audio in one pass, in seconds: a stop phrase and what is said around it."""

OVERLAP_S = 2.0
"""Overlap of consecutive passes if one cannot hold all new audio, in seconds; stop phrases are
shorter."""

BEFORE_S = 1.0
"""Pre-roll: audio from before the detected onset that is recognized, in seconds."""

MAX_WAIT_S = 30.0
"""Audio that is kept while a slow recognizer runs, in seconds; its result is ignored later."""

GAP_FRAMES = 5
"""Consecutive quiet frames of 20 ms that are a gap between words rather than a consonant."""

QUIET = 0.1
"""A frame is quiet if its RMS level is at most this fraction of the loudest frame's."""

TAIL_S = 0.3
"""How far after a word's reported end a quiet frame is searched, in seconds: recognizers report the
end of soft consonants too early."""

MAX_GAPS = 4
"""The most gaps that are tried as the end of the stop words; each costs a recognition."""


class StopWordSpotter:
    """Detect stop words in the audio of one connection.

    Each recognition pass runs in its own thread, one at a time per connection, so that neither
    the audio nor other connections wait for it. The result is the audio after the stop words.

    Args:
        model: The speech recognizer. With ``stt_words`` it reports where the words end; without,
            they end at the next gap in the speech.
        matches: Return whether a transcript contains stop words.
        failed: Called with the exception when the model fails; once until it works again.
        rate: Sample rate of the audio in Hz.
        layout: Channel layout; stereo is interleaved.
    """

    def __init__(
        self,
        model: STTModel,
        matches: Callable[[str], bool],
        failed: Callable[[Exception], None],
        rate: int,
        layout: Layout = "mono",
    ) -> None:
        self._model = model
        self._matches = matches
        self._failed = failed
        self._rate = rate
        self._layout: Layout = layout
        self._audio = SpeechBuffer(rate, 0.0, 2 if layout == "stereo" else 1)
        self._lock = threading.Lock()
        self._failing = self._slow = False
        self._busy = False  # a pass runs, though its result may be stale
        self._pass = 0  # number of the latest pass; results of earlier ones are stale
        self._speaking = False
        self._new = 0  # samples of speech since the last pass was due
        # positions, in samples per channel
        self._pass_start: int | None = None  # start of the pass whose result is awaited
        self._found: int | None = None  # end of the stop words
        self._due = 0  # audio before this has to be recognized
        self._recognized = 0  # audio before this has been, or is being
        self._next = 0  # latest start of the next pass

    def push(self, samples: NDArray[np.int16], speaking: bool) -> NDArray[np.int16] | None:
        """Process the next audio.

        Args:
            samples: Shape ``(1, n)`` or ``(n,)``.
            speaking: Whether the client is speaking.

        Returns:
            None until stop words are found; then, once, the audio after them, shape ``(1, n)``.
        """
        with self._lock:
            self._audio.push(samples.reshape(-1))
            if self._found is not None:
                rest = self._audio.utterance(self._found / self._rate)
                self._reset()
                return rest
            self._note(speaking, samples.size // self._audio.channels)
            if self._waits() and not self._busy:
                self._start()
            self._drop()
        return None

    def forget(self) -> None:
        """Discard all audio and pending results."""
        with self._lock:
            self._reset()

    def _reset(self) -> None:
        self._audio.clear()
        self._pass += 1
        self._pass_start = self._found = None
        self._due = self._recognized = self._next = self._end
        self._speaking = False
        self._new = 0

    def _note(self, speaking: bool, size: int) -> None:
        """Update which audio has to be recognized."""
        ended = self._speaking and not speaking
        self._speaking = speaking
        if speaking:
            self._new += size
        if ended or self._new >= self._size(HOP_S):
            self._due, self._new = self._end, 0
        elif not speaking and not self._waits():
            self._next = max(self._next, self._end - self._size(BEFORE_S))

    def _waits(self) -> bool:
        return self._due > max(self._recognized, self._begin)

    def _start(self) -> None:
        """Start a pass on the latest audio, or after the previous pass if that ended long ago."""
        window = self._size(WINDOW_S)
        begin = max(self._begin, min(self._next, self._end - window))
        end = min(self._end, begin + window)
        if self._due - end > self._size(HOP_S) and not self._slow:
            self._slow = True
            logger.warning(
                "The stop-word recognizer is slow: %.1f s of audio are waiting for it",
                (self._due - end) / self._rate,
            )
        samples = self._audio.utterance(begin / self._rate, end / self._rate)
        mono = mix_channels(as_planar(samples, self._layout), 1)[0]
        run = copy_context().run
        arguments = (self._run, mono, begin, self._pass)
        threading.Thread(target=run, args=arguments, name="fastrtc-stop-words", daemon=True).start()
        self._busy, self._pass_start, self._recognized = True, begin, end
        self._next = end - self._size(OVERLAP_S)

    def _drop(self) -> None:
        """Drop audio that is no longer needed, and give up on a pass that takes too long."""
        if self._pass_start is not None and self._end - self._pass_start > self._size(MAX_WAIT_S):
            self._pass += 1
            self._pass_start = None
            logger.warning(
                "The stop-word recognizer takes too long: "
                "stop words are not detected until it returns"
            )
        if self._pass_start is not None:
            begin = self._pass_start
        else:
            kept_s = WINDOW_S if self._speaking or self._waits() else BEFORE_S
            begin = self._end - self._size(kept_s)
        self._audio.forget(begin / self._rate)

    def _run(self, mono: NDArray[np.int16], begin: int, number: int) -> None:
        end = None
        try:
            end = self._end_of_stop_words(mono)
            self._failing = False
        except Exception as error:  # of the user's model
            if not self._failing:
                self._failing = True
                self._failed(error)
        finally:
            with self._lock:
                self._busy = False
                if number == self._pass:
                    self._pass_start = None
                    self._found = None if end is None else begin + end

    def _end_of_stop_words(self, mono: NDArray[np.int16]) -> int | None:
        """Return where the stop words end, in samples, or None if there are none."""
        stt_words = getattr(self._model, "stt_words", None)
        if stt_words is not None:
            said = ""
            for word in stt_words((self._rate, mono)):
                said = f"{said} {word.text}"
                if self._matches(said):
                    return _after(mono, min(round(word.end_s * self._rate), mono.size), self._rate)
            return None
        if not self._hears(mono):
            return None
        ends = (gap for gap in _gaps(mono, self._rate) if self._hears(mono[:gap]))
        return next(ends, mono.size)

    def _hears(self, mono: NDArray[np.int16]) -> bool:
        return self._matches(self._model.stt((self._rate, mono)))

    @property
    def _begin(self) -> int:
        return round(self._audio.start_s * self._rate)

    @property
    def _end(self) -> int:
        return round(self._audio.end_s * self._rate)

    def _size(self, seconds: float) -> int:
        return round(seconds * self._rate)


def _after(mono: NDArray[np.int16], end: int, rate: int) -> int:
    """Move the end of a word to the next quiet frame within ``TAIL_S``, if any; in samples."""
    size = max(1, round(FRAME_S * rate))
    until = end // size + round(TAIL_S / FRAME_S)
    quiet = _quiet(mono, size)
    frame = next((k for k in range(end // size, min(until, len(quiet))) if quiet[k]), None)
    return end if frame is None else max(end, frame * size)


def _gaps(mono: NDArray[np.int16], rate: int) -> list[int]:
    """Return the ends of the latest ``MAX_GAPS`` gaps between words, in samples, in order."""
    size = max(1, round(FRAME_S * rate))
    gaps, length, spoken = [], 0, False
    for k, is_quiet in enumerate(_quiet(mono, size)):
        length = length + 1 if is_quiet else 0
        spoken = spoken or not is_quiet
        if length == GAP_FRAMES and spoken:
            gaps.append((k + 1) * size)
    return gaps[-MAX_GAPS:]


def _quiet(mono: NDArray[np.int16], size: int) -> list[bool]:
    """Return for each frame whether it is quiet."""
    frames = mono[: mono.size // size * size].reshape(-1, size).astype(np.float32)
    loudness = np.sqrt((frames**2).mean(axis=1))
    quiet: list[bool] = (loudness <= QUIET * loudness.max(initial=0)).tolist()
    return quiet
