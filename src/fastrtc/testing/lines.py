"""The lines over which a simulated caller can call."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from .impairments import Network
from .line import Line

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["Over", "line_for"]

Over: TypeAlias = Literal["memory", "webrtc", "websocket", "twilio"]
"""How a call reaches the stream."""

_LINES = {
    "memory": (".memory", "MemoryLine"),
    "webrtc": (".webrtc", "WebRTCLine"),
    "websocket": (".websocket", "WebSocketLine"),
    "twilio": (".twilio", "TwilioLine"),
}


def line_for(over: str, stream: Stream | str, network: Network) -> Line:
    """Create a line to a stream.

    Args:
        over: The kind of line.
        stream: The stream, or the URL of a server.
        network: The faults of the network.

    Raises:
        ValueError: If there is no such kind, or it needs a stream.
    """
    if over not in _LINES:
        raise ValueError(
            f"over must be one of {', '.join(map(repr, get_args(Over)))}, not {over!r}"
        )
    if over == "memory" and isinstance(stream, str):
        raise ValueError("over='memory' needs a Stream, not a URL")
    module, name = _LINES[over]
    line: type[Line] = getattr(importlib.import_module(module, __package__), name)
    return line(stream, network)  # type: ignore[call-arg]
