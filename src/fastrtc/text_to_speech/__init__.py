"""Text to speech: models that synthesize speech.

Importing this package loads neither a model nor its runtime.
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
