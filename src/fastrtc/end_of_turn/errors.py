"""Errors of end-of-turn models.

::

    FastRTCError
      ModelError (RuntimeError)       a model cannot be loaded, or failed
        TurnModelUnavailable          the model cannot be loaded
"""

from __future__ import annotations

from ..core.models import ModelError

__all__ = ["INSTALL", "TurnModelUnavailable"]

INSTALL = 'pip install "fastrtc[turn]"'
"""The command that installs the runtime."""


class TurnModelUnavailable(ModelError):
    """An end-of-turn model cannot be loaded: its file or its runtime is missing or unusable."""
