"""Text-to-speech models by name."""

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
"""The entry point group with which packages add models."""


def _cartesia(cartesia_api_key: str | None = None, **kwargs: Any) -> CartesiaTTSModel:
    return CartesiaTTSModel(cartesia_api_key, **kwargs)


_registry = ModelRegistry(
    "text-to-speech",
    ENTRY_POINTS,
    {"kokoro": KokoroTTSModel, "cartesia": _cartesia, "espeak": EspeakTTSModel},
)


def get_tts_model(model: str | TTSModel[Any] = "kokoro", **kwargs: Any) -> TTSModel[TTSOptions]:
    """Return a text-to-speech model.

    Calls with the same arguments share one model.

    Args:
        model: ``"kokoro"``, ``"cartesia"``, ``"espeak"``, a name that an installed package adds
            (entry point group ``fastrtc.tts_models``), or an object with the methods of
            ``TTSModel``, which is returned.
        **kwargs: Arguments of the model: ``model_path`` for Kokoro, ``cartesia_api_key`` and
            ``base_url`` for Cartesia.

    Raises:
        ValueError: If there is no such model.
        TypeError: If the object is not a model, or the model does not accept these arguments.
        MissingExtra: If a required package is not installed.
        ModelError: If the model cannot be loaded. The next call tries again.
    """
    if isinstance(model, str):
        try:
            named: TTSModel[TTSOptions] = _registry.get(model, **kwargs)
        except ModelError as error:  # its message suffices
            raise error.with_traceback(None) from error.__cause__
        return named
    for method in ("tts", "stream_tts", "stream_tts_sync"):
        if not callable(getattr(model, method, None)):
            raise TypeError(
                f"A text-to-speech model must be a name or have {method}, unlike {model!r}"
            )
    return model


get_tts_model.cache_clear = _registry.clear  # type: ignore[attr-defined]
