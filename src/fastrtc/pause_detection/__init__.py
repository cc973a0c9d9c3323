"""Voice activity detection (VAD): models that find speech in audio.

Importing this package loads neither a model nor its runtime.
"""

from __future__ import annotations

from .protocol import ModelOptions, PauseDetectionModel
from .silero import SileroVADModel, SileroVadOptions, get_silero_model

__all__ = [
    "ModelOptions",
    "PauseDetectionModel",
    "SileroVADModel",
    "SileroVadOptions",
    "get_silero_model",
]
