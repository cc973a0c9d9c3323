"""Why a recording ends."""

from __future__ import annotations

from ..core.errors import FastRTCError

__all__ = ["LimitReached", "RecordingFailed", "RecordingRemoved"]


class LimitReached(FastRTCError):
    """The recording has reached ``max_s`` or ``max_bytes``."""


class RecordingFailed(FastRTCError):
    """The file cannot be written, for example because the disk is full."""


class RecordingRemoved(FastRTCError):
    """The file, or its folder, was removed or renamed before it was complete."""
