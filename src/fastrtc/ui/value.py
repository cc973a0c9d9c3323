"""The value of the component, in the format in which Gradio passes it."""

from __future__ import annotations

from typing import Any

from gradio.data_classes import GradioRootModel
from pydantic import field_validator

from ..handlers.inputs import WebRTCData

__all__ = ["START", "WebRTCModel"]

START = "start_webrtc_stream"
"""The value that makes the page start a stream."""


class WebRTCModel(GradioRootModel):
    """The value of a ``WebRTC`` component that the page sends.

    Attributes:
        root: The connection id; a ``WebRTCData`` from the text box; None before the first
            connection.
    """

    root: WebRTCData | str | None

    @field_validator("root", mode="before")
    @classmethod
    def _without_connection(cls, value: Any) -> Any:
        return None if isinstance(value, dict) and not value.get("webrtc_id") else value
