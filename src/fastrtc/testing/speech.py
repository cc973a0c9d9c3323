"""What a caller says: text, WAV files and samples, as audio."""

from __future__ import annotations

import os
import wave
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter
from ..core.models import MissingExtra
from .errors import CallFailed
from .line import RATE
from .sound import find_sounds

__all__ = ["Samples", "Speech", "Voice", "describe", "to_audio"]

Samples: TypeAlias = NDArray[np.int16 | np.int32 | np.float32 | np.float64]
"""Mono or stereo samples; floats from -1 to 1."""

Speech: TypeAlias = "str | os.PathLike[str] | tuple[int, Samples]"
"""Text, the path of a WAV file (a ``Path``, or a string that ends in ``.wav``), or a sample rate in
Hz and samples."""


class Voice(Protocol):
    """What speaks text, such as a ``TTSModel``."""

    def tts(self, text: str) -> tuple[int, NDArray[np.int16 | np.float32]]:
        """Return a sample rate in Hz, and samples of shape ``(n,)``."""
        ...


def describe(speech: Speech) -> str:
    """Return what is said in words: the text, or the name of the file."""
    if isinstance(speech, tuple):
        return f"({speech[0]} Hz audio)"
    if isinstance(speech, str) and not _is_path(speech):
        return speech
    return Path(speech).name


def _is_path(speech: str) -> bool:
    return speech.lower().endswith(".wav")


def to_audio(speech: Speech, voice: Voice | None) -> NDArray[np.int16]:
    """Return speech as audio at 48 kHz, without the silence at its edges.

    Args:
        speech: The speech.
        voice: Speaks text; by default espeak-ng.

    Returns:
        Shape ``(n,)``.

    Raises:
        CallFailed: If it is no speech, there is no voice, the file cannot be read, or there is no
            sound in it.
    """
    if isinstance(speech, tuple) and len(speech) == 2:
        rate, samples = speech
    elif isinstance(speech, str) and not _is_path(speech):
        rate, samples = _synthesize(speech, voice)
    elif isinstance(speech, str | os.PathLike):
        rate, samples = _read(Path(speech))
    else:
        raise CallFailed(
            f"A caller says text, the path of a WAV file, or (rate, samples), not {speech!r:.60}"
        )
    try:
        converter = AudioConverter(RATE, 1)
        parts = (converter.convert(rate, samples), converter.flush())
        audio: NDArray[np.int16] = np.concatenate(parts, axis=1)[0]
    except (TypeError, ValueError) as error:
        raise CallFailed(f"{describe(speech)} is not audio: {error}") from error
    sounds = find_sounds(audio, RATE)
    if not sounds:
        raise CallFailed(f"There is no sound in {describe(speech)!r}")
    return audio[sounds[0].start : sounds[-1].end]


def _synthesize(text: str, voice: Voice | None) -> tuple[int, NDArray[Any]]:
    if voice is None:
        return _espeak(text)
    try:
        return voice.tts(text)
    except Exception as error:
        raise CallFailed(f"The voice cannot say {text!r}: {error}") from error


@lru_cache(maxsize=256)
def _espeak(text: str) -> tuple[int, NDArray[np.int16 | np.float32]]:
    from ..text_to_speech.espeak import EspeakTTSModel

    try:
        return EspeakTTSModel().tts(text)
    except MissingExtra:
        raise CallFailed(
            f'There is no voice to say {text!r}: run `pip install "fastrtc[testing]"`, pass '
            "Call(voice=...), or say a WAV file"
        ) from None


def _read(path: Path) -> tuple[int, NDArray[np.int16]]:
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise CallFailed(
            f"{path} cannot be read as a WAV file: {str(error) or 'it is too short'}"
        ) from error
    if width != 2:
        raise CallFailed(f"{path} has {8 * width} bits per sample: convert it to 16-bit PCM")
    if not data:
        raise CallFailed(f"{path} has no samples")
    whole = len(data) // (2 * channels) * 2 * channels
    return rate, np.frombuffer(data[:whole], "<i2").reshape(-1, channels).T.astype(np.int16)
