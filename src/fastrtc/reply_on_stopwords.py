"""``ReplyOnStopWords``: reply to what the speaker says after the stop words."""

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
from .core.models import MissingExtra, require_installed
from .core.types import AudioFrameType, Layout
from .end_of_turn.protocol import TurnModel
from .handlers.link import link_of
from .pacing.audio_output import seconds_of
from .pause_detection.errors import ModelUnavailable
from .pause_detection.protocol import ModelOptions, PauseDetectionModel
from .reply_on_pause import AlgoOptions, AppState, ReplyFnGenerator, ReplyOnPause
from .speech_to_text.moonshine import NAMES
from .speech_to_text.protocol import STTModel
from .speech_to_text.stt_ import get_stt_model, stt_for_chunks
from .turns.dialogue import Dialogue
from .turns.heard import Interruption
from .turns.idle import IdleTimes
from .turns.interruptions import Interruptions, Verdict
from .turns.segmenter import to_mono
from .turns.stop_word_spotter import StopWordSpotter
from .turns.transitions import Event

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
    """The state of a conversation.

    Attributes:
        stop_word_detected: Whether the stop words were said, so that the speech after them is to be
            answered.
        started_talking_pre_stop_word: Whether the client is speaking without having said them.
        post_stop_word_buffer: For programs whose ``determine_pause`` collects the speech after the
            stop words.
    """

    stop_word_detected: bool = False
    started_talking_pre_stop_word: bool = False
    post_stop_word_buffer: NDArray[np.int16] | None = None


class ReplyOnStopWords(ReplyOnPause):
    """Calls a function with what the speaker says after the stop words, and plays what it yields.

    Until the stop words are said, speech is only searched for them: it neither starts nor stops a
    reply. The stop words stop a reply, and so does speech after them.

    Args:
        fn: As in ``ReplyOnPause``; gets the audio after the stop words.
        stop_words: Words, or phrases of several words, regardless of case and punctuation. Only
            whole words match.
        startup_fn: As in ``ReplyOnPause``, like all other arguments.
        algo_options: Options of turn detection.
        model_options: Options of the VAD model.
        can_interrupt: Whether a reply can be stopped.
        expected_layout: See ``StreamHandlerBase``.
        output_sample_rate: See ``StreamHandlerBase``.
        output_frame_size: Ignored.
        input_sample_rate: Sample rate of the audio that ``fn`` gets, in Hz.
        model: The VAD model; by default Silero VAD.
        needs_args: Whether ``fn`` gets inputs, regardless of its signature.
        on_interrupt: Called after a reply was interrupted, with an `Interruption`: the length of
            what was played, in seconds, with the text that was heard.
        turn_model: See ``ReplyOnPause``; for the speech after the stop words.
        early: See ``ReplyOnPause``; for the speech after the stop words.
        on_message: Called with each message of the client; sync or async.
        interruptions: Speech during a reply pauses it, and only the stop words stop it: the
            thresholds ``after_s`` and ``while_thinking_s`` have no effect.
        idle: See ``ReplyOnPause``.
        while_thinking: See ``ReplyOnPause``.
        stt_model: Recognizes the stop words: a name or a model, see ``get_stt_model``. It is called
            in threads, with up to 5 s of speech. ``"pocketsphinx"`` needs no download and
            recognizes only the stop words.

    Raises:
        ValueError: If there are no stop words.
        MissingExtra: If a package that the models require is not installed.
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
        on_interrupt: Callable[[Interruption], Any] | None = None,
        turn_model: TurnModel | None = None,
        early: bool = False,
        on_message: Callable[[dict[str, Any]], Any] | None = None,
        interruptions: Interruptions | None = None,
        idle: IdleTimes | None = None,
        while_thinking: AudioFrameType | None = None,
        stt_model: str | STTModel = "moonshine/base",
    ) -> None:
        try:
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
                turn_model=turn_model,
                early=early,
                on_message=on_message,
                idle=idle,
                while_thinking=while_thinking,
            )
            self.stop_words = _checked(stop_words)
            self.state = ReplyOnStopWordsState()
            if stt_model == "pocketsphinx":
                self.stt_model = get_stt_model(stt_model, words=stop_words, words_only=False)
            else:
                self.stt_model = get_stt_model(stt_model)
        except (MissingExtra, ModelUnavailable):
            _check_installed(model, stt_model)  # names the missing packages of both models
            raise
        link = link_of(self)
        StopWordDialogue(
            self,
            link,
            ReplyOnStopWords,
            seconds_of,
            on_interrupt,
            interruptions=interruptions,
            turn_judge=link.conversation.turn_judge,
            early=early,
            idle=idle,
            while_thinking=while_thinking,
        )

    def stop_word_detected(self, text: str) -> bool:
        """Return whether a text contains a stop word.

        Args:
            text: In any case, with any punctuation.
        """
        said = f" {_plain(text)} "
        return any(f" {_plain(phrase)} " in said for phrase in self.stop_words)

    def send_stopword(self) -> None:
        """Notify the client that a stop word was detected."""
        link_of(self).send(create_message("stopword", ""))


class StopWordDialogue(Dialogue):
    """A dialogue that ignores speech until a stop word is said."""

    by_words = True

    def __init__(self, face: ReplyOnStopWords, *args: Any, **options: Any) -> None:
        super().__init__(cast(ReplyOnPause, face), *args, **options)
        self._words = face  # the same object, with its real type
        self._spotter: StopWordSpotter | None = None

    def process_audio(self, audio: tuple[int, NDArray[np.int16]], state: AppState) -> None:
        """Process a frame of audio, and update the state."""
        state = cast(ReplyOnStopWordsState, state)
        segmenter = None if state.stop_word_detected else self.endpointing.open_segmenter()
        if segmenter is not None:
            rate, samples = audio
            state.sampling_rate = state.sampling_rate or rate
            speaks = segmenter.hears_speech(rate, samples)
            rest = self._spot(rate, self.face.expected_layout, samples, speaks, state)
            if rest is None:
                state.pause_detected = False
                return
            segmenter.forget()
            audio = (rate, rest)
        super().process_audio(audio, state)
        if state.pause_detected:
            state.stop_word_detected = False

    def determine_pause(
        self, audio: NDArray[np.int16], sampling_rate: int, state: AppState
    ) -> bool:
        """Process a chunk of audio, once enough has been received; see ``ReplyOnStopWords``."""
        state = cast(ReplyOnStopWordsState, state)
        if state.stop_word_detected:
            return super().determine_pause(audio, sampling_rate, state)
        face, options = self._words, self._words.algo_options
        layout = face.expected_layout
        channels = 2 if layout == "stereo" else 1
        if len(audio) < options.audio_chunk_duration * sampling_rate * channels:
            return False
        mono = to_mono(audio, layout)
        speech_s, _ = face.model.vad((sampling_rate, mono), face.model_options)
        speaks = speech_s > options.started_talking_threshold
        rest = self._spot(sampling_rate, layout, audio, speaks, state)
        state.buffer = None if rest is None else rest.reshape(-1)
        return False

    def judge(self, speech_s: float, duration_s: float) -> Verdict | None:
        """Hold the reply while there is speech, which the stop words alone make an interruption."""
        verdict = super().judge(speech_s, duration_s)
        return verdict if self._words.state.stop_word_detected else None

    def needs_silence(self) -> bool:
        """Return whether an utterance is active, including one before a stop word."""
        return self._words.state.started_talking_pre_stop_word or super().needs_silence()

    def say_started_talking(self) -> None:
        """Notify the client; FastRTC 0.0.34 has no such log message after a stop word."""
        self.link.send(create_message("started_talking", ""))

    def carry_over(self, heard: AppState, state: AppState) -> None:
        """Keep the state of an utterance that began during the reply."""
        super().carry_over(heard, state)
        heard, state = cast(ReplyOnStopWordsState, heard), cast(ReplyOnStopWordsState, state)
        state.stop_word_detected = heard.stop_word_detected
        state.started_talking_pre_stop_word = heard.started_talking_pre_stop_word

    def forget(self) -> None:
        """Discard what was heard."""
        super().forget()
        state = self._words.state
        state.stop_word_detected = state.started_talking_pre_stop_word = False
        if self._spotter is not None:
            self._spotter.forget()

    def _spot(
        self,
        rate: int,
        layout: Layout,
        samples: NDArray[np.int16],
        speaks: bool,
        state: ReplyOnStopWordsState,
    ) -> NDArray[np.int16] | None:
        """Search for the stop words; return the audio after them, once they were said."""
        face = self._words
        if self._spotter is None:
            self._spotter = StopWordSpotter(
                face.stt_model, face.stop_word_detected, self._report_recognizer, rate, layout
            )
        state.started_talking_pre_stop_word = speaks
        rest = self._spotter.push(samples, speaks)
        if rest is None:
            return None
        state.stop_word_detected = True
        state.started_talking_pre_stop_word = False
        face.send_stopword()
        self.handle(Event.INTERRUPTED)
        return rest

    def _report_recognizer(self, error: Exception) -> None:
        if self.link.report is not None:
            self.link.report(error)
        else:
            logger.error("The stop words cannot be recognized", exc_info=error)


def _check_installed(model: PauseDetectionModel | None, stt_model: str | STTModel) -> None:
    """Check for the packages of both models, so that one error names all of them.

    Raises:
        MissingExtra: If a package is not installed.
    """
    needed = ["onnxruntime"] if model is None else []
    if stt_model == "pocketsphinx":
        require_installed("ReplyOnStopWords", [*needed, "pocketsphinx"], "offline")
    elif stt_model in NAMES:
        require_installed("ReplyOnStopWords", [*needed, "moonshine_onnx"], "stopword")


def _checked(stop_words: Sequence[str]) -> list[str]:
    if isinstance(stop_words, str) or not stop_words or not all(map(_plain, stop_words)):
        raise ValueError(f"stop_words must be a list of words or phrases, not {stop_words!r}")
    return list(stop_words)


def _plain(text: str) -> str:
    """Return the words of a text, case-folded and without punctuation."""
    return " ".join(re.sub(r"[^\w\s]|_", " ", re.sub("['’]", "", text)).casefold().split())
