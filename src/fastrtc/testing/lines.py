"""The lines over which a simulated caller can call."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from ..client.signaling import page_url
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


def line_for(over: str, stream: Stream | str, network: Network, headers: Mapping[str, str]) -> Line:
    """Create a line to a stream.

    Args:
        over: The kind of line.
        stream: The stream, or the URL of a server.
        network: The faults of the network.
        headers: Headers of each request of the client.

    Raises:
        ValueError: If there is no such kind, or memory gets a URL or headers.
    """
    if over not in _LINES:
        raise ValueError(
            f"over must be one of {', '.join(map(repr, get_args(Over)))}, not {over!r}"
        )
    if over == "memory" and isinstance(stream, str):
        raise ValueError("over='memory' needs a Stream, not a URL")
    if over == "memory" and headers:
        raise ValueError("over='memory' makes no requests: headers have no effect")
    if isinstance(stream, str):
        try:
            stream = page_url(stream)
        except ValueError as error:
            raise ValueError(f"Call needs a Stream, or {error}") from None
    module, name = _LINES[over]
    line = getattr(importlib.import_module(module, __package__), name)
    made: Line = line(stream, network) if over == "memory" else line(stream, network, headers)
    return made
