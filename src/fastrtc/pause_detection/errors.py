"""Errors of voice activity detection.

::

    FastRTCError
      PauseDetectionError (RuntimeError)   a model failed; whether there is speech is unknown
        ModelUnavailable                   the model cannot be loaded
"""

from __future__ import annotations

from ..core.errors import FastRTCError

__all__ = ["INSTALL", "ModelUnavailable", "PauseDetectionError"]

INSTALL = 'pip install "fastrtc[vad]"'
"""The command that installs a model and its runtime."""


class PauseDetectionError(FastRTCError, RuntimeError):
    """A model failed, so whether the audio contains speech is unknown."""


class ModelUnavailable(PauseDetectionError):
    """A model cannot be loaded: its file or its runtime is missing or unusable."""
