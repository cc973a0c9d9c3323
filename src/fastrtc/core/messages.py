"""JSON messages to the client, and the way from user code to the client's channel.

A message is a JSON text ``{"type": ..., "data": ...}``. It travels over the data
channel of a WebRTC connection, or as a text frame of a WebSocket.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

__all__ = [
    "DataChannel",
    "Warning",
    "create_message",
    "current_post",
    "error_message",
    "post_message",
    "warning_message",
]


class DataChannel(Protocol):
    """Where messages to the client go: an aiortc data channel, or what stands in for one."""

    def send(self, message: str) -> None:
        """Send one text message."""


current_post: ContextVar[Callable[[str], None] | None] = ContextVar("current_post", default=None)
"""How user code that runs now reaches its client; set by the session, callable from any thread."""


def create_message(type: str, data: Any) -> str:
    """Write a message to the client.

    Args:
        type: What kind of message it is: ``"send_input"``, ``"fetch_output"``,
            ``"stopword"``, ``"error"``, ``"warning"``, ``"log"``, ``"end_stream"``,
            or a word of the program's own.
        data: Its content; anything that JSON can hold.

    Returns:
        The JSON text.
    """
    return json.dumps({"type": type, "data": data})


def error_message(text: str) -> str:
    """Write an ``error`` message; both keys that clients look for hold the text."""
    return json.dumps({"type": "error", "message": text, "data": text})


def warning_message(text: str) -> str:
    """Write a ``warning`` message; both keys that clients look for hold the text."""
    return json.dumps({"type": "warning", "message": text, "data": text})


def post_message(message: str) -> bool:
    """Send a message to the client of the connection whose code runs now.

    Returns:
        Whether the code runs for a connection.
    """
    post = current_post.get()
    if post is None:
        return False
    post(message)
    return True


def Warning(message: str = "Warning issued.") -> None:  # noqa: A001, N802
    """Show a warning to the client of the current connection.

    Args:
        message: The text to show.
    """
    post_message(warning_message(message))
