"""What the page asks of the microphone and the camera."""

from __future__ import annotations

from typing import Any

from ..core.types import Modality

__all__ = ["default_track_constraints"]


def default_track_constraints(modality: Modality, full_screen: bool) -> dict[str, Any]:
    """Give the constraints that a page has unless the program has its own.

    Args:
        modality: Which media; of both, the constraints are nested by kind.
        full_screen: Whether a picture takes all the window, and is worth more pixels.
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
