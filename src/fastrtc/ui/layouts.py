"""Where things are on the default page, by modality and mode."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.types import Modality, Mode

__all__ = ["LAYOUTS", "WIDE", "Layout"]


@dataclass(frozen=True)
class Layout:
    """How a page of one modality and mode is laid out.

    Attributes:
        title: The heading, unless the program has its own.
        label: What the component is called, also by screen readers.
        width: How wide the page becomes, as CSS has it, if nothing is beside the component.
        beside: Whether the outputs are beside the component where there is room for it, with
            the inputs; else they are above it, and the inputs beside both.
    """

    title: str
    label: str
    width: str
    beside: bool


NARROW, WIDE = "46rem", "72rem"

LAYOUTS: dict[tuple[Modality, Mode], Layout] = {
    ("audio", "send-receive"): Layout("Audio streaming", "Conversation", NARROW, False),
    ("audio", "send"): Layout("Send audio", "Microphone", NARROW, False),
    ("audio", "receive"): Layout("Listen", "Sound", NARROW, False),
    ("video", "send-receive"): Layout("Video streaming", "Video", WIDE, True),
    ("video", "send"): Layout("Send video", "Camera", WIDE, True),
    ("video", "receive"): Layout("Watch", "Picture", WIDE, True),
    ("audio-video", "send-receive"): Layout("Video call", "Call", WIDE, True),
    ("audio-video", "send"): Layout("Send video and audio", "Camera and microphone", WIDE, True),
    ("audio-video", "receive"): Layout("Watch and listen", "Picture and sound", WIDE, True),
}
