"""Layouts of the default page, by modality and mode."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.types import Modality, Mode

__all__ = ["LAYOUTS", "WIDE", "PageLayout"]


@dataclass(frozen=True)
class PageLayout:
    """The layout of the page for one modality and mode.

    Attributes:
        title: The heading, unless the program sets one.
        label: The name of the component, also for screen readers.
        width: The maximum CSS width of the page if nothing is beside the component.
        beside: Whether the outputs are beside the component if there is room, together with the
            inputs; otherwise they are above it, and the inputs beside both.
    """

    title: str
    label: str
    width: str
    beside: bool


NARROW, WIDE = "46rem", "72rem"

LAYOUTS: dict[tuple[Modality, Mode], PageLayout] = {
    ("audio", "send-receive"): PageLayout("Audio streaming", "Conversation", NARROW, False),
    ("audio", "send"): PageLayout("Send audio", "Microphone", NARROW, False),
    ("audio", "receive"): PageLayout("Listen", "Sound", NARROW, False),
    ("video", "send-receive"): PageLayout("Video streaming", "Video", WIDE, True),
    ("video", "send"): PageLayout("Send video", "Camera", WIDE, True),
    ("video", "receive"): PageLayout("Watch", "Picture", WIDE, True),
    ("audio-video", "send-receive"): PageLayout("Video call", "Call", WIDE, True),
    ("audio-video", "send"): PageLayout(
        "Send video and audio", "Camera and microphone", WIDE, True
    ),
    ("audio-video", "receive"): PageLayout("Watch and listen", "Picture and sound", WIDE, True),
}
