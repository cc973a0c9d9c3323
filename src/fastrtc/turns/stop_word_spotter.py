"""Looking for stop words in speech as it comes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import copy_context

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import as_planar, mix_channels
from ..core.types import Layout
from ..speech_to_text.protocol import STTModel
from .speech_buffer import SpeechBuffer

__all__ = ["StopWordSpotter"]

logger = logging.getLogger(__name__)

HOP_S = 0.6
"""How much more is said before it is looked at again, in seconds."""

WINDOW_S = 5.0
"""How much of it is looked at, in seconds: a phrase of stop words, and what is said around it."""

OVERLAP_S = 2.0
"""How much of a look is in the next one, too, if there is more than one can take, in seconds: a
phrase of stop words is shorter."""

BEFORE_S = 1.0
"""How much audio from before speech was noticed is looked at, in seconds."""

MOST_S = 30.0
"""How much audio is kept for a recogniser that takes its time, in seconds; then it is too late."""

FRAME_S = 0.02
GAP_FRAMES = 5
"""How many quiet frames of 20 ms are a gap between words rather than a consonant."""

QUIET = 0.1
"""A frame is quiet if it is that much less loud than the loudest."""

TAIL_S = 0.3
"""How far after the end of a word that a recogniser tells a quiet frame is looked for, in seconds:
it tells the end of a soft consonant too early."""

MOST_GAPS = 4
"""In how many gaps the end of the stop words is looked for, which costs a recognition each."""


class StopWordSpotter:
    """Looks for stop words in the speech of one connection.

    Each look is in a thread of its own, one at a time, so that neither audio nor anybody else
    waits for a recogniser. Audio comes in, and what followed the stop words comes out.

    Args:
        model: Recognises speech. One that has ``stt_words`` tells where the words end; with
            another they end at the next gap.
        matches: Whether a text has stop words in it.
        failed: Called with what the model raises, once until it works again.
        rate: The rate of the audio in Hz.
        layout: Its layout; stereo is interleaved.
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
        self._busy = False  # a thread looks, though perhaps nobody waits for what it finds
        self._look = 0  # counts; what a look finds that is not the latest is stale
        self._speaking = False
        self._new = 0  # samples of speech since more was due
        # positions, in samples of a channel
        self._looking: int | None = None  # where the look began that is waited for
        self._found: int | None = None  # where the stop words end
        self._due = 0  # what is before is to be looked at
        self._looked = 0  # what is before has been, or is being
        self._next = 0  # where the next look begins at the latest

    def push(self, samples: NDArray[np.int16], speaking: bool) -> NDArray[np.int16] | None:
        """Take the next audio.

        Args:
            samples: Shape ``(1, n)`` or ``(n,)``.
            speaking: Whether somebody speaks.

        Returns:
            None; or once the stop words were found, the audio after them, shape ``(1, n)``.
        """
        with self._lock:
            self._audio.push(samples.reshape(-1))
            if self._found is not None:
                rest = self._audio.utterance(self._found / self._rate)
                self._begin_anew()
                return rest
            self._note(speaking, samples.size // self._audio.channels)
            if self._waits() and not self._busy:
                self._start()
            self._drop()
        return None

    def forget(self) -> None:
        """Forget what was heard."""
        with self._lock:
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._audio.clear()
        self._look += 1
        self._looking = self._found = None
        self._due = self._looked = self._next = self._end
        self._speaking = False
        self._new = 0

    def _note(self, speaking: bool, size: int) -> None:
        """Find out what is to be looked at."""
        ended = self._speaking and not speaking
        self._speaking = speaking
        if speaking:
            self._new += size
        if ended or self._new >= self._size(HOP_S):
            self._due, self._new = self._end, 0
        elif not speaking and not self._waits():
            self._next = max(self._next, self._end - self._size(BEFORE_S))

    def _waits(self) -> bool:
        return self._due > max(self._looked, self._begin)

    def _start(self) -> None:
        """Look at the latest audio, or from where the last look ended if that was long ago."""
        window = self._size(WINDOW_S)
        begin = max(self._begin, min(self._next, self._end - window))
        end = min(self._end, begin + window)
        if self._due - end > self._size(HOP_S) and not self._slow:
            self._slow = True
            logger.warning(
                "The recogniser of stop words is slow: %.1f s of audio wait for it",
                (self._due - end) / self._rate,
            )
        samples = self._audio.utterance(begin / self._rate, end / self._rate)
        mono = mix_channels(as_planar(samples, self._layout), 1)[0]
        run = copy_context().run
        arguments = (self._run, mono, begin, self._look)
        threading.Thread(target=run, args=arguments, name="fastrtc-stop-words", daemon=True).start()
        self._busy, self._looking, self._looked = True, begin, end
        self._next = end - self._size(OVERLAP_S)

    def _drop(self) -> None:
        """Drop what is not needed any more, and wait no longer for a look that takes too long."""
        if self._looking is not None and self._end - self._looking > self._size(MOST_S):
            self._look += 1
            self._looking = None
            logger.warning(
                "The recogniser of stop words takes too long: nothing is looked at until it answers"
            )
        if self._looking is not None:
            begin = self._looking
        else:
            kept_s = WINDOW_S if self._speaking or self._waits() else BEFORE_S
            begin = self._end - self._size(kept_s)
        self._audio.forget(begin / self._rate)

    def _run(self, mono: NDArray[np.int16], begin: int, look: int) -> None:
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
                if look == self._look:
                    self._looking = None
                    self._found = None if end is None else begin + end

    def _end_of_stop_words(self, mono: NDArray[np.int16]) -> int | None:
        """Tell where the stop words end, in samples, or that there are none."""
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
    """Move the end of a word to the next quiet frame, if there is one soon, in samples."""
    size = max(1, round(FRAME_S * rate))
    until = end // size + round(TAIL_S / FRAME_S)
    quiet = _quiet(mono, size)
    frame = next((k for k in range(end // size, min(until, len(quiet))) if quiet[k]), None)
    return end if frame is None else max(end, frame * size)


def _gaps(mono: NDArray[np.int16], rate: int) -> list[int]:
    """Find where gaps between words are, in samples: the latest few, in order."""
    size = max(1, round(FRAME_S * rate))
    gaps, length, spoken = [], 0, False
    for k, is_quiet in enumerate(_quiet(mono, size)):
        length = length + 1 if is_quiet else 0
        spoken = spoken or not is_quiet
        if length == GAP_FRAMES and spoken:
            gaps.append((k + 1) * size)
    return gaps[-MOST_GAPS:]


def _quiet(mono: NDArray[np.int16], size: int) -> list[bool]:
    """Tell which frames are quiet."""
    frames = mono[: mono.size // size * size].reshape(-1, size).astype(np.float32)
    loudness = np.sqrt((frames**2).mean(axis=1))
    quiet: list[bool] = (loudness <= QUIET * loudness.max(initial=0)).tolist()
    return quiet
