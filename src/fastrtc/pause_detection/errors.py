"""What can go wrong with a voice activity detection model.

::

    FastRTCError
      PauseDetectionError (RuntimeError)   a model failed; nothing is known about the audio
        ModelUnavailable                   there is no model to begin with
"""

from __future__ import annotations

from ..core.errors import FastRTCError

__all__ = ["INSTALL", "ModelUnavailable", "PauseDetectionError"]

INSTALL = 'pip install "fastrtc[vad]"'
"""What brings a model and all it needs."""


class PauseDetectionError(FastRTCError, RuntimeError):
    """A model failed, so that it is not known whether somebody speaks."""


class ModelUnavailable(PauseDetectionError):
    """A model cannot be loaded: its file, or the package that runs it, is missing or unusable."""
