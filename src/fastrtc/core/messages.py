"""JSON messages to the client, and how user code sends them.

A message is the JSON string ``{"type": ..., "data": ...}``. It is sent over the data channel of a
WebRTC connection, or as a text message over a WebSocket.
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
    "end_message",
    "error_message",
    "parse_message",
    "post_message",
    "warning_message",
]


class DataChannel(Protocol):
    """The interface for messages to the client: an aiortc data channel, or a replacement."""

    def send(self, message: str) -> None:
        """Send a text message."""


Channel: TypeAlias = DataChannel | None


class ChannelVariable:
    """The data channel of the running code's connection, with the methods of a ``ContextVar``.

    A channel may open after code of the connection, with its copy of the context, has started: so
    the variable holds a function that returns the channel.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._variable: ContextVar[Callable[[], Channel]] = ContextVar(name, default=lambda: None)

    def get(self, default: Channel = None) -> Channel:
        """Return the channel, or *default* if there is none."""
        return self._variable.get()() or default

    def set(self, value: Channel) -> Token[Callable[[], Channel]]:
        """Set a channel, as programs may do outside a connection."""
        return self._variable.set(lambda: value)

    def set_source(self, source: Callable[[], Channel]) -> Token[Callable[[], Channel]]:
        """Set the function that returns the channel."""
        return self._variable.set(source)

    def reset(self, token: Token[Callable[[], Channel]]) -> None:
        """Restore the value from before the ``set`` that returned *token*."""
        self._variable.reset(token)


current_channel = ChannelVariable("current_channel")
"""The data channel of the connection whose code is running; programs may set it elsewhere."""

current_post: ContextVar[Callable[[str], None] | None] = ContextVar("current_post", default=None)
"""Sends a message to the client of the running code's connection; set by the session, callable from
any thread."""


def create_message(type: str, data: Any) -> str:
    """Serialize a message to the client.

    Args:
        type: The type of message: ``"send_input"``, ``"fetch_output"``, ``"stopword"``,
            ``"error"``, ``"warning"``, ``"log"``, ``"end_stream"``, or one of the program's own.
        data: The content; anything that JSON can represent.

    Returns:
        The JSON string.
    """
    return json.dumps({"type": type, "data": data})


def parse_message(text: str | bytes, name: str = "A message") -> dict[str, Any]:
    """Parse a message of a client.

    Args:
        text: The message.
        name: What it is, for errors.

    Raises:
        ValueError: If the text is not a JSON object.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} must be JSON: {error}") from error
    if not isinstance(message, dict):
        raise ValueError(f"{name} must be a JSON object")
    return message


def end_message(text: str, code: str | None = None) -> str:
    """Serialize an ``end_stream`` message: the reason, and its code if there is one."""
    message: dict[str, Any] = {"type": "end_stream", "data": text}
    if code is not None:
        message["code"] = code
    return json.dumps(message)


def error_message(text: str, end_code: str | None = None) -> str:
    """Serialize an ``error`` message; both keys that clients read hold the text.

    Args:
        text: The text.
        end_code: The code of the end, if the error ends the connection.
    """
    text = str(text)  # programs pass exceptions, too
    message = {"type": "error", "message": text, "data": text}
    return json.dumps(message if end_code is None else {**message, "code": end_code})


def warning_message(text: str) -> str:
    """Serialize a ``warning`` message; both keys that clients read hold the text."""
    text = str(text)
    return json.dumps({"type": "warning", "message": text, "data": text})


def post_message(message: str) -> bool:
    """Send a message to the client of the connection whose code is running.

    Outside a connection it is sent over ``current_channel``, if the program has set one.

    Returns:
        Whether there was a client or a channel.
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
