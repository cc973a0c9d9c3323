"""The texts on the data channel: RTVI messages, signalling messages and pings. No I/O."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...core.errors import FastRTCError
from ...core.messages import parse_message
from ...session.client_messages import MAX_MESSAGE_BYTES

__all__ = [
    "LABEL",
    "VERSION",
    "ClientText",
    "InvalidMessage",
    "Ping",
    "RTVIMessage",
    "TrackStatus",
    "create",
    "create_error",
    "create_signal",
    "read_text",
]

LABEL = "rtvi-ai"
"""The label of each RTVI message."""

VERSION = "2.1.0"
"""The version of RTVI that is spoken."""

MAX_ID_LENGTH = 128
"""Maximum length of the id of a message in characters; clients use UUIDs."""

MAX_TYPE_LENGTH = 128

PING = "ping"
SIGNALLING = "signalling"


class InvalidMessage(FastRTCError, ValueError):
    """A text that is no message of the protocol.

    Attributes:
        id: The id of the message, if it has one.
    """

    def __init__(self, reason: str, id: str | None = None) -> None:
        super().__init__(reason)
        self.id = id


@dataclass(frozen=True)
class RTVIMessage:
    """An RTVI message of a client.

    Attributes:
        type: Its type, such as ``"client-ready"``.
        id: The id that the client gave to it; None if it has none.
        data: Its content, any value of JSON.
        size: Its size in bytes.
    """

    type: str
    id: str | None
    data: Any
    size: int


@dataclass(frozen=True)
class Ping:
    """A keep-alive of a client, which is not answered."""


@dataclass(frozen=True)
class TrackStatus:
    """A client has enabled or disabled a track.

    Attributes:
        index: 0 for the microphone, 1 for the camera, 2 for the screen.
        enabled: Whether it sends.
    """

    index: int
    enabled: bool


ClientText: TypeAlias = RTVIMessage | Ping | TrackStatus | None


def read_text(text: str) -> ClientText:
    """Parse a text of a client; None for a signalling message that needs no action.

    Raises:
        InvalidMessage: If it is malformed.
    """
    if len(text) > MAX_MESSAGE_BYTES:
        raise InvalidMessage(f"A message may have {MAX_MESSAGE_BYTES} bytes, not {len(text)}")
    if text.startswith(PING):
        return Ping()
    try:
        message = parse_message(text)
    except ValueError as error:
        raise InvalidMessage(str(error)) from None
    size = len(text.encode(errors="surrogatepass"))
    if size > MAX_MESSAGE_BYTES:
        raise InvalidMessage(f"A message may have {MAX_MESSAGE_BYTES} bytes, not {size}")
    kind, id = message.get("type"), message.get("id")
    if isinstance(id, int) and not isinstance(id, bool):
        id = str(id)
    if kind == SIGNALLING:
        return _read_signal(message.get("message"))
    if id is not None and (not isinstance(id, str) or len(id) > MAX_ID_LENGTH):
        raise InvalidMessage(f"The id of a message must be a string of up to {MAX_ID_LENGTH}")
    if message.get("label", LABEL) != LABEL:
        raise InvalidMessage(f"The label of a message must be {LABEL!r}", id)
    if not isinstance(kind, str) or not 0 < len(kind) <= MAX_TYPE_LENGTH:
        raise InvalidMessage("A message must have a 'type', a string", id)
    return RTVIMessage(kind, id, message.get("data"), size)


def _read_signal(signal: Any) -> TrackStatus | None:
    if not isinstance(signal, dict) or not isinstance(signal.get("type"), str):
        raise InvalidMessage("A signalling message must have a 'message' with a 'type'")
    if signal["type"] != "trackStatus":
        return None
    index, enabled = signal.get("receiver_index"), signal.get("enabled")
    if not isinstance(index, int) or not isinstance(enabled, bool) or not 0 <= index <= 2:
        raise InvalidMessage("trackStatus needs a receiver_index from 0 to 2, and enabled")
    return TrackStatus(int(index), enabled)


def create(type: str, data: Any = None, id: str | None = None) -> str:
    """Serialize an RTVI message.

    Args:
        type: Its type.
        data: Its content; None for an empty one.
        id: The id of the message that it answers; None for a new one.
    """
    content = {} if data is None else data
    message = {"label": LABEL, "type": type, "id": id or str(uuid.uuid4()), "data": content}
    return json.dumps(message)


def create_error(text: str, *, fatal: bool = False) -> str:
    """Serialize an ``error``; older clients read ``message``."""
    return create("error", {"error": text, "message": text, "fatal": fatal})


def create_signal(type: str) -> str:
    """Serialize a signalling message, such as ``peerLeft``."""
    return json.dumps({"type": SIGNALLING, "message": {"type": type}})
