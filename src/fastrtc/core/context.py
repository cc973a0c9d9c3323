"""Which connection the code that runs now belongs to."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

__all__ = ["Context", "current_context", "get_current_context"]


@dataclass
class Context:
    """The connection that a handler serves.

    Attributes:
        webrtc_id: The id that the client chose for the connection.
        websocket: The WebSocket of the connection, or None over WebRTC.
    """

    webrtc_id: str
    websocket: Any = None


current_context: ContextVar[Context | None] = ContextVar("current_context", default=None)


def get_current_context() -> Context:
    """Tell which connection the running code belongs to.

    Readable in every method of a handler, in functions and in reply generators.

    Raises:
        RuntimeError: Outside a connection.
    """
    context = current_context.get()
    if context is None:
        raise RuntimeError("No context found: this code does not run for a connection")
    return context
