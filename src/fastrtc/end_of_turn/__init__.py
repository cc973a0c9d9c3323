"""Semantic end-of-turn detection: models that judge whether a speaker has finished.

Importing this package loads neither a model nor its runtime.
"""

from __future__ import annotations

from .protocol import TurnModel
from .smart_turn import SmartTurn

__all__ = ["SmartTurn", "TurnModel"]
