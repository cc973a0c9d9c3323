"""Speech to text: models that turn what somebody said into text.

Importing this loads no model, nor what runs one.
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
