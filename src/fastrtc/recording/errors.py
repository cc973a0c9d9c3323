"""Why a recording ends."""

from __future__ import annotations

from ..core.errors import FastRTCError

__all__ = ["LimitReached", "RecordingFailed"]


class LimitReached(FastRTCError):
    """The recording has reached ``max_s`` or ``max_bytes``."""


class RecordingFailed(FastRTCError):
    """The file cannot be written, for example because the disk is full."""
