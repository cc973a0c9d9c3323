"""Default constraints for the page's microphone and camera."""

from __future__ import annotations

from typing import Any

from ..core.types import Modality

__all__ = ["default_track_constraints"]


def default_track_constraints(modality: Modality, full_screen: bool) -> dict[str, Any]:
    """Return the track constraints of a page for which the program sets none.

    Args:
        modality: The media; for both, the constraints are nested by kind.
        full_screen: Whether the video fills the window and needs more pixels.
    """
    audio = {
        "echoCancellation": True,
        "noiseSuppression": {"exact": True},
        "autoGainControl": {"exact": True},
        "sampleRate": {"ideal": 24000},
        "sampleSize": {"ideal": 16},
        "channelCount": {"exact": 1},
    }
    width, height = (1280, 720) if full_screen else (500, 500)
    video = {
        "facingMode": "user",
        "width": {"ideal": width},
        "height": {"ideal": height},
        "frameRate": {"ideal": 30},
    }
    if modality == "audio":
        return audio
    return video if modality == "video" else {"video": video, "audio": audio}
