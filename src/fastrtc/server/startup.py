"""What a stream checks and prints when its server starts."""

from __future__ import annotations

import os
from typing import Any

from ..handlers.kinds import serves
from .owner import Owner

__all__ = ["check_environment", "startup_line"]


def check_environment(rtc_configuration: Any) -> None:
    """Check that clients can reach the server in its environment.

    Raises:
        RuntimeError: In Google Colab or a Hugging Face Space without ``rtc_configuration``.
    """
    if rtc_configuration is not None:
        return
    place = (
        "Google Colab"
        if os.getenv("COLAB_RELEASE_TAG") or os.getenv("COLAB_JUPYTER_IP")
        else "Hugging Face Spaces"
        if os.getenv("SYSTEM") == "spaces" or os.getenv("SPACE_ID")
        else None
    )
    if place is not None:
        raise RuntimeError(
            f"Clients cannot reach a server in {place} directly: pass an "
            "rtc_configuration with a TURN server"
        )


def startup_line(stream: Owner) -> str:
    """Return the line that a stream prints when its server starts."""
    media, clients = stream.modality, "WebRTC offers"
    if not serves(stream.event_handler, stream.modality):
        media, clients = "audio", "WebSocket clients and telephone calls"
    return (
        f"fastrtc: {media} stream ({stream.mode}) is ready for {clients}, "
        f"{stream.concurrency_limit} connection{'s' if stream.concurrency_limit != 1 else ''} "
        "at a time"
    )
