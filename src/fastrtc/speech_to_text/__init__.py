"""Speech to text: models that transcribe speech.

Importing this package loads neither a model nor its runtime.
"""

from __future__ import annotations

from .stt_ import (
    MoonshineSTT,
    PocketSphinxSTT,
    STTModel,
    TimedSTTModel,
    Word,
    get_stt_model,
    stt_for_chunks,
)

__all__ = [
    "MoonshineSTT",
    "PocketSphinxSTT",
    "STTModel",
    "TimedSTTModel",
    "Word",
    "get_stt_model",
    "stt_for_chunks",
]
