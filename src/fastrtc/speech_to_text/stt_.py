"""Speech-to-text models by name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import audio_to_float32
from ..core.models import ModelError, ModelRegistry
from ..core.types import AudioChunk
from .moonshine import NAMES, MoonshineSTT
from .pocketsphinx import PocketSphinxSTT
from .protocol import STTModel, TimedSTTModel, Word, check_audio

__all__ = [
    "AudioChunk",
    "MoonshineSTT",
    "PocketSphinxSTT",
    "STTModel",
    "TimedSTTModel",
    "Word",
    "audio_to_float32",
    "get_stt_model",
    "stt_for_chunks",
]

curr_dir = Path(__file__).parent
"""The directory of ``test_file.wav``, which programs open."""

ENTRY_POINTS = "fastrtc.stt_models"
"""The entry point group with which packages add models."""

_registry = ModelRegistry(
    "speech-to-text",
    ENTRY_POINTS,
    {**{name: partial(MoonshineSTT, name) for name in NAMES}, "pocketsphinx": PocketSphinxSTT},
)


def get_stt_model(model: str | STTModel = "moonshine/base", **kwargs: Any) -> STTModel:
    """Return a speech-to-text model.

    Calls with the same arguments share one model.

    Args:
        model: ``"moonshine/base"``, ``"moonshine/tiny"``, ``"pocketsphinx"``, a name that an
            installed package adds (entry point group ``fastrtc.stt_models``), or an object with a
            method ``stt``, which is returned.
        **kwargs: Arguments of the model, such as ``model_path`` or ``words``.

    Raises:
        ValueError: If there is no such model.
        TypeError: If the object is not a model, or the model does not accept these arguments.
        MissingExtra: If a required package is not installed.
        ModelError: If the model cannot be loaded. The next call tries again.
    """
    if isinstance(model, str):
        try:
            named: STTModel = _registry.get(model, **kwargs)
        except ModelError as error:  # its message suffices
            raise error.with_traceback(None) from error.__cause__
        return named
    if not callable(getattr(model, "stt", None)):
        raise TypeError(
            f"A speech-to-text model must be a name or have a method stt, unlike {model!r}"
        )
    return model


get_stt_model.cache_clear = _registry.clear  # type: ignore[attr-defined]


def stt_for_chunks(
    stt_model: STTModel, audio: tuple[int, NDArray[np.int16 | np.float32]], chunks: list[AudioChunk]
) -> str:
    """Transcribe chunks of audio.

    Args:
        stt_model: The model.
        audio: A sample rate in Hz, and samples of shape ``(n,)`` or ``(channels, n)``.
        chunks: Where the chunks are, in samples of this audio.

    Returns:
        The texts, joined by spaces.

    Raises:
        TypeError: If the audio is not a pair of a rate and samples, or the dtype is not a real
            number.
    """
    rate, samples = check_audio(audio)
    return " ".join(
        stt_model.stt((rate, samples[..., chunk["start"] : chunk["end"]])) for chunk in chunks
    )
