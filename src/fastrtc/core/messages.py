"""JSON messages to the client, and the way from user code to the client's channel.

A message is a JSON text ``{"type": ..., "data": ...}``. It travels over the data
channel of a WebRTC connection, or as a text frame of a WebSocket.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Protocol, TypeAlias

__all__ = [
    "ChannelVariable",
    "DataChannel",
    "Warning",
    "create_message",
    "current_channel",
    "current_post",
    "error_message",
    "post_message",
    "warning_message",
]


class DataChannel(Protocol):
    """Where messages to the client go: an aiortc data channel, or what stands in for one."""

    def send(self, message: str) -> None:
        """Send one text message."""


Channel: TypeAlias = DataChannel | None


class ChannelVariable:
    """The data channel of the connection whose code runs, with the methods of a ``ContextVar``.

    A channel may open when code of the connection, with its copy of the context, runs already:
    the variable holds where the channel is found.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._variable: ContextVar[Callable[[], Channel]] = ContextVar(name, default=lambda: None)

    def get(self, default: Channel = None) -> Channel:
        """Return the channel, or *default* while there is none."""
        return self._variable.get()() or default

    def set(self, value: Channel) -> Token[Callable[[], Channel]]:
        """Set a channel, as a program may do where there is no connection."""
        return self._variable.set(lambda: value)

    def set_source(self, source: Callable[[], Channel]) -> Token[Callable[[], Channel]]:
        """Set the function that returns the channel."""
        return self._variable.set(source)

    def reset(self, token: Token[Callable[[], Channel]]) -> None:
        """Undo what returned *token*."""
        self._variable.reset(token)


current_channel = ChannelVariable("current_channel")
"""The data channel of the connection whose code runs; a program may set it where there is none."""

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

    Outside a connection it goes to ``current_channel``, if the program has set one.

    Returns:
        Whether there was a client, or a channel.
    """
    post, channel = current_post.get(), current_channel.get()
    if post is not None:
        post(message)
    elif channel is not None:
        channel.send(message)
    return post is not None or channel is not None


def Warning(message: str = "Warning issued.") -> None:  # noqa: A001, N802
    """Show a warning to the client of the current connection.

    Args:
        message: The text to show.
    """
    post_message(warning_message(message))
