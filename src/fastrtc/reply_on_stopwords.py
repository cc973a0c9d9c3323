"""``ReplyOnStopWords``: somebody says the stop words, then something else, and is answered."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .audio.convert import audio_to_float32
from .core.messages import create_message
from .core.types import Layout
from .pause_detection.protocol import ModelOptions, PauseDetectionModel
from .reply_on_pause import AlgoOptions, AppState, ReplyFnGenerator, ReplyOnPause
from .speech_to_text.protocol import STTModel
from .speech_to_text.stt_ import get_stt_model, stt_for_chunks
from .turns.spotter import Spotter

__all__ = [
    "AlgoOptions",
    "AppState",
    "PauseDetectionModel",
    "ReplyFnGenerator",
    "ReplyOnPause",
    "ReplyOnStopWords",
    "ReplyOnStopWordsState",
    "audio_to_float32",
    "create_message",
    "get_stt_model",
    "stt_for_chunks",
]

logger = logging.getLogger(__name__)


@dataclass
class ReplyOnStopWordsState(AppState):
    """Where a conversation is.

    Attributes:
        stop_word_detected: Whether the stop words were said, and what follows is to be answered.
        started_talking_pre_stop_word: Whether somebody speaks who has not said them.
    """

    stop_word_detected: bool = False
    started_talking_pre_stop_word: bool = False


class ReplyOnStopWords(ReplyOnPause):
    """Calls a function with what somebody said after the stop words, and plays what it yields.

    Until they are said, speech is nothing to it but a place to look for them: it neither begins
    a reply nor stops one. The stop words stop a reply, as does speech after them.

    Args:
        fn: As in ``ReplyOnPause``; gets the audio after the stop words.
        stop_words: What to listen for: words, or phrases of several words, whatever their case
            and punctuation. They have to be whole words.
        startup_fn: As in ``ReplyOnPause``, like all others.
        algo_options: How turns are told apart.
        model_options: Options of the model that finds speech.
        can_interrupt: Whether a reply can be stopped.
        expected_layout: See ``StreamHandlerBase``.
        output_sample_rate: See ``StreamHandlerBase``.
        output_frame_size: Ignored.
        input_sample_rate: The rate of what ``fn`` gets, in Hz.
        model: Finds speech; by default Silero's.
        needs_args: Whether ``fn`` gets inputs, whatever its signature says.
        on_interrupt: Called when a reply was interrupted, with how many seconds were played.
        stt_model: Recognises the stop words: a name or a model, see ``get_stt_model``. It is
            called in threads, with at most 5 s of speech. ``"pocketsphinx"`` needs no download
            and listens for nothing else.

    Raises:
        ValueError: If there are no stop words.
    """

    state: ReplyOnStopWordsState

    def __init__(
        self,
        fn: ReplyFnGenerator,
        stop_words: list[str],
        startup_fn: Callable[..., Any] | None = None,
        algo_options: AlgoOptions | None = None,
        model_options: ModelOptions | None = None,
        can_interrupt: bool = True,
        expected_layout: Layout = "mono",
        output_sample_rate: int = 24000,
        output_frame_size: int | None = None,
        input_sample_rate: int = 48000,
        model: PauseDetectionModel | None = None,
        needs_args: bool = False,
        *,
        on_interrupt: Callable[[float], Any] | None = None,
        stt_model: str | STTModel = "moonshine/base",
    ) -> None:
        super().__init__(
            fn,
            startup_fn,
            algo_options,
            model_options,
            can_interrupt,
            expected_layout,
            output_sample_rate,
            output_frame_size,
            input_sample_rate,
            model,
            needs_args,
            on_interrupt=on_interrupt,
        )
        self.stop_words = _checked(stop_words)
        self.state = ReplyOnStopWordsState()
        if stt_model == "pocketsphinx":
            self.stt_model = get_stt_model(stt_model, words=stop_words, words_only=False)
        else:
            self.stt_model = get_stt_model(stt_model)
        self._spotter: Spotter | None = None

    def copy(self) -> ReplyOnStopWords:
        """Make the handler of one connection, of the same class and with the same arguments."""
        handler = cast(ReplyOnStopWords, super().copy())
        handler.stop_words = self.stop_words
        handler.stt_model = self.stt_model
        return handler

    def stop_word_detected(self, text: str) -> bool:
        """Whether a text has stop words in it.

        Args:
            text: In any case, with any punctuation.
        """
        said = f" {_plain(text)} "
        return any(f" {_plain(phrase)} " in said for phrase in self.stop_words)

    def send_stopword(self) -> None:
        """Tell the client that the stop words were heard."""
        self._post_message("stopword", "")

    def process_audio(self, audio: tuple[int, NDArray[np.int16]], state: AppState) -> None:
        """Take a frame and find out where the conversation is.

        Args:
            audio: A rate in Hz, and samples of shape ``(1, n)`` or ``(n,)``.
            state: Gets what is found out.
        """
        state = cast(ReplyOnStopWordsState, state)
        if not state.stop_word_detected:
            if self._listener is None and self._follows:
                self._follows = self._listen()
            if self._listener is not None:
                rest = self._listen_for_stop_words(audio, state)
                if rest is None:
                    state.pause_detected = False
                    return
                self._listener.forget()
                audio = (audio[0], rest)
        super().process_audio(audio, state)
        if state.pause_detected:
            state.stop_word_detected = False

    def determine_pause(
        self, audio: NDArray[np.int16], sampling_rate: int, state: AppState
    ) -> bool:
        """Decide on a block of audio, when there is enough of it.

        Args:
            audio: What came since the last decision, shape ``(n,)``.
            sampling_rate: Its rate in Hz.
            state: Its ``buffer`` is dropped when it was decided on.

        Returns:
            Whether somebody spoke after the stop words and has paused, or has spoken for as long
            as is allowed.
        """
        state = cast(ReplyOnStopWordsState, state)
        if state.stop_word_detected:
            return super().determine_pause(audio, sampling_rate, state)
        options = self.algo_options
        if len(audio) < options.audio_chunk_duration * sampling_rate:
            return False
        speech_s, _ = self.model.vad((sampling_rate, audio), self.model_options)
        speaks = speech_s > options.started_talking_threshold
        state.buffer = self._spot(sampling_rate, "mono", audio, speaks, state)
        if state.buffer is not None:
            state.buffer = state.buffer.reshape(-1)
        return False

    def reset(self) -> None:
        """Begin anew: forget what was said, and end the reply."""
        with self._hearing:
            heard = self.state
            super().reset()
            if self._ending_turn:  # somebody may have said them already
                self.state.stop_word_detected = heard.stop_word_detected
                self.state.started_talking_pre_stop_word = heard.started_talking_pre_stop_word

    def _forget(self) -> None:
        super()._forget()
        self.state.stop_word_detected = self.state.started_talking_pre_stop_word = False
        if self._spotter is not None:
            self._spotter.forget()

    @property
    def _decides_itself(self) -> bool:
        return type(self).determine_pause is not ReplyOnStopWords.determine_pause

    def _listen_for_stop_words(
        self, audio: tuple[int, NDArray[np.int16]], state: ReplyOnStopWordsState
    ) -> NDArray[np.int16] | None:
        """Take a frame; give what followed the stop words, once they were said."""
        assert self._listener is not None
        rate, samples = audio
        state.sampling_rate = state.sampling_rate or rate
        speaks = self._listener.hears_speech(rate, samples)
        return self._spot(rate, self.expected_layout, samples, speaks, state)

    def _spot(
        self,
        rate: int,
        layout: Layout,
        samples: NDArray[np.int16],
        speaks: bool,
        state: ReplyOnStopWordsState,
    ) -> NDArray[np.int16] | None:
        if self._spotter is None:
            self._spotter = Spotter(
                self.stt_model, self.stop_word_detected, self._recogniser_failed, rate, layout
            )
        state.started_talking_pre_stop_word = speaks
        rest = self._spotter.push(samples, speaks)
        if rest is None:
            return None
        state.stop_word_detected = True
        state.started_talking_pre_stop_word = False
        self.send_stopword()
        if self._speaking:
            self._interrupt()
        return rest

    def _recogniser_failed(self, error: Exception) -> None:
        if self._report is not None:
            self._report(error)
        else:
            logger.error("The stop words cannot be recognised", exc_info=error)


def _checked(stop_words: Sequence[str]) -> list[str]:
    if isinstance(stop_words, str) or not stop_words or not all(map(_plain, stop_words)):
        raise ValueError(f"stop_words is a list of words or phrases, not {stop_words!r}")
    return list(stop_words)


def _plain(text: str) -> str:
    """Give the words of a text, in one case and without punctuation."""
    return " ".join(re.sub(r"[^\w\s]|_", " ", re.sub("['’]", "", text)).casefold().split())
