"""Text to speech: models that say a text.

Importing this loads no model, nor what runs one.
"""

from __future__ import annotations

from .sentences import SentenceSplitter
from .tts import (
    CartesiaTTSOptions,
    EspeakTTSOptions,
    KokoroTTSOptions,
    TTSModel,
    TTSOptions,
    get_tts_model,
)

__all__ = [
    "CartesiaTTSOptions",
    "EspeakTTSOptions",
    "KokoroTTSOptions",
    "SentenceSplitter",
    "TTSModel",
    "TTSOptions",
    "get_tts_model",
]
