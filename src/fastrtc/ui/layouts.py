"""Where things are on the default page, by modality and mode."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.types import Modality, Mode

__all__ = ["LAYOUTS", "Layout"]


@dataclass(frozen=True)
class Layout:
    """How a page of one modality and mode is laid out.

    Attributes:
        title: The heading, unless the program has its own.
        label: What the component is called, also by screen readers.
        width: How wide the page becomes, as CSS has it.
        beside: Whether inputs and outputs are beside the component where there is room for
            it; else the inputs are below it and the outputs above.
    """

    title: str
    label: str
    width: str
    beside: bool


NARROW, WIDE = "46rem", "72rem"

LAYOUTS: dict[tuple[Modality, Mode], Layout] = {
    ("audio", "send-receive"): Layout("Audio streaming", "Conversation", NARROW, False),
    ("audio", "send"): Layout("Audio streaming", "Microphone", NARROW, False),
    ("audio", "receive"): Layout("Audio streaming", "Sound", NARROW, False),
    ("video", "send-receive"): Layout("Video streaming", "Camera and answer", WIDE, True),
    ("video", "send"): Layout("Video streaming", "Camera", WIDE, True),
    ("video", "receive"): Layout("Video streaming", "Picture", WIDE, True),
    ("audio-video", "send-receive"): Layout("Video call", "Call", WIDE, True),
    ("audio-video", "send"): Layout("Video call", "Camera and microphone", WIDE, True),
    ("audio-video", "receive"): Layout("Video call", "Picture and sound", WIDE, True),
}
