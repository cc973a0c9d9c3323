"""Voice activity detection: models that tell where in audio somebody speaks.

Importing this loads no model, nor what runs one.
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
