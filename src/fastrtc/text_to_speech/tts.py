"""Text to speech: models by name."""

from __future__ import annotations

from typing import Any

from ..audio.files import async_aggregate_bytes_to_16bit
from ..core.models import ModelError, ModelRegistry
from .cartesia import CartesiaTTSModel, CartesiaTTSOptions
from .espeak import EspeakTTSModel, EspeakTTSOptions
from .kokoro import KokoroTTSModel, KokoroTTSOptions
from .protocol import TTSModel, TTSOptions

__all__ = [
    "CartesiaTTSModel",
    "CartesiaTTSOptions",
    "EspeakTTSModel",
    "EspeakTTSOptions",
    "KokoroTTSModel",
    "KokoroTTSOptions",
    "TTSModel",
    "TTSOptions",
    "async_aggregate_bytes_to_16bit",
    "get_tts_model",
]

ENTRY_POINTS = "fastrtc.tts_models"
"""The group of entry points with which a package adds names."""


def _cartesia(cartesia_api_key: str | None = None, **kwargs: Any) -> CartesiaTTSModel:
    return CartesiaTTSModel(cartesia_api_key, **kwargs)


_registry = ModelRegistry(
    "text-to-speech",
    ENTRY_POINTS,
    {"kokoro": KokoroTTSModel, "cartesia": _cartesia, "espeak": EspeakTTSModel},
)


def get_tts_model(model: str | TTSModel[Any] = "kokoro", **kwargs: Any) -> TTSModel[TTSOptions]:
    """Give a model that turns text into speech.

    It is made once for the same arguments, and then shared.

    Args:
        model: ``"kokoro"``, ``"cartesia"``, ``"espeak"``, a name that an installed package adds
            (entry point group ``fastrtc.tts_models``), or an object with the methods of
            ``TTSModel``, which is given back.
        **kwargs: Arguments of the model: ``model_path`` of Kokoro, ``cartesia_api_key`` and
            ``base_url`` of Cartesia.

    Raises:
        ValueError: If there is no such model.
        TypeError: If it is no model, or does not take these arguments.
        MissingExtra: If what it needs is not installed.
        ModelError: If it cannot be loaded. The next call tries again.
    """
    if isinstance(model, str):
        try:
            named: TTSModel[TTSOptions] = _registry.get(model, **kwargs)
        except ModelError as error:  # whose message says it all
            raise error.with_traceback(None) from error.__cause__
        return named
    for method in ("tts", "stream_tts", "stream_tts_sync"):
        if not callable(getattr(model, method, None)):
            raise TypeError(f"A text-to-speech model is a name or has {method}, unlike {model!r}")
    return model


get_tts_model.cache_clear = _registry.clear  # type: ignore[attr-defined]
