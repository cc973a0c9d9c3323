"""The seam for telephone providers: how one reads and writes the messages of a call."""

from __future__ import annotations

import base64
import binascii
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from ...core.context import Call
from ..socket.events import Audio, Dtmf, Encoding, Mark, SocketEvent, Start, Stop

__all__ = [
    "PHONE_RATE",
    "UNSUPPORTED_DATA",
    "MalformedMessage",
    "Message",
    "Provider",
    "encoded",
    "maybe_text",
    "section",
    "shown",
    "text_of",
    "texts",
    "write",
]

PHONE_RATE = 8000
"""The sample rate of G.711, and of most telephone calls, in Hz."""

UNSUPPORTED_DATA = 1003
"""The close code for messages of a kind that is not taken (RFC 6455 section 7.4.1)."""

MAX_ID_LENGTH = 256
"""Characters that the id of a stream may have; those of the providers have 34 to 36."""

DIGITS = frozenset("0123456789*#ABCD")

Message: TypeAlias = Mapping[str, Any]
"""A message as the provider sent it, read from JSON."""


class MalformedMessage(ValueError):
    """A message that cannot be understood.

    Attributes:
        close_code: The code to close the socket with, if the call cannot go on; else None.
    """

    def __init__(self, reason: str, close_code: int | None = None) -> None:
        super().__init__(reason)
        self.close_code = close_code


class Provider(ABC):
    """How a provider carries a call over a WebSocket. One object serves one call.

    All providers so far send JSON texts with an ``event``: a ``start``, then ``media`` with
    audio in base64, ``dtmf``, the echo of a mark, ``stop``. What differs is how the ``start``
    looks, and what they want to be sent. With most of them the call ends when the socket is
    closed; ``hang_up`` is for others.

    Attributes:
        stream_id: The id of the stream of media, once ``begin`` has read it.
    """

    name: ClassVar[str]
    """What ``Call.provider`` says."""

    ignored: ClassVar[frozenset[str]] = frozenset()
    """Events that mean nothing to a call."""

    def __init__(self) -> None:
        self.stream_id = ""
        self.encoding: Encoding = "mulaw"

    @classmethod
    @abstractmethod
    def recognises(cls, start: Message) -> bool:
        """Tell whether a ``start`` message is of this provider."""

    @abstractmethod
    def begin(self, start: Message) -> Start:
        """Read the ``start`` message.

        Raises:
            MalformedMessage: If something that is needed is missing or unusable.
        """

    @abstractmethod
    def audio(self, payload: bytes) -> str:
        """Write audio, in the encoding of ``begin``."""

    @abstractmethod
    def clear(self) -> str:
        """Write that the audio which has not been played is to be dropped."""

    @abstractmethod
    def mark(self, name: str) -> str:
        """Write that the provider is to tell when the audio so far has been played."""

    def message(self, text: str) -> str | None:
        """Write a message of the session, a JSON text; None if the provider gets none."""
        return None

    async def hang_up(self, call: Call) -> None:
        """End a call that would outlive its socket, such as by the provider's HTTP interface.

        Awaited before the socket is closed when a call has ended or is refused, unless the
        provider has said ``stop``. It may take 3 s; what it raises is logged. By default it does
        nothing.

        Args:
            call: What ``begin`` has made. Anybody may have sent it: quote ``call.id`` in an
                address.
        """
        return None

    def read(self, event: str, message: Message) -> SocketEvent | None:
        """Read any other message; None for one that means nothing.

        Raises:
            MalformedMessage: If it cannot be understood.
        """
        if event == "media":
            return self._audio(section(message, "media"))
        if event == "dtmf":
            digit = text_of(section(message, "dtmf"), "digit")
            if digit.upper() not in DIGITS:
                raise MalformedMessage(f"there is no key {shown(digit)} on a telephone")
            return Dtmf(digit.upper())
        if event == "mark":
            return Mark(text_of(section(message, "mark"), "name"))
        if event == "stop":
            return Stop()
        if event in self.ignored:
            return None
        raise MalformedMessage(f"unknown event {shown(event)}")

    def _audio(self, media: Message) -> Audio | None:
        if not str(media.get("track", "inbound")).startswith("inbound"):
            return None  # what the caller hears: our own voice
        payload = media.get("payload")
        if not isinstance(payload, str):
            raise MalformedMessage("media has no payload")
        try:
            audio = base64.b64decode(payload, validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedMessage(f"the payload is no base64: {error}") from error
        if self.encoding == "pcm16" and len(audio) % 2:
            raise MalformedMessage(f"16-bit audio cannot have {len(audio)} bytes")
        return Audio(audio)

    def _start(self, call: Call, encoding: Any, rate: Any, known: Mapping[str, Encoding]) -> Start:
        """Make the event from the format that the provider names."""
        if len(self.stream_id) > MAX_ID_LENGTH or not self.stream_id.isprintable():
            raise MalformedMessage("the id of the stream is unusable", UNSUPPORTED_DATA)
        if not isinstance(encoding, str) or encoding not in known:
            raise MalformedMessage(
                f"{self.name} streams {shown(encoding)}; set it to one of {', '.join(known)}",
                UNSUPPORTED_DATA,
            )
        try:
            rate = int(rate)
        except (TypeError, ValueError, OverflowError):
            rate = 0
        if not PHONE_RATE <= rate <= 48000:
            raise MalformedMessage(f"{self.name} names no usable sample rate", UNSUPPORTED_DATA)
        self.encoding = known[encoding]
        return Start(self.stream_id, self.encoding, rate, rate, call=call)


def section(message: Message, key: str) -> Message:
    """Give the object that a message has under a key.

    Raises:
        MalformedMessage: If there is none.
    """
    value = message.get(key)
    if not isinstance(value, dict):
        raise MalformedMessage(f"there is no object {key!r}")
    return value


def text_of(message: Message, key: str) -> str:
    """Give the text that a message has under a key.

    Raises:
        MalformedMessage: If there is none, or an empty one.
    """
    value = message.get(key)
    if not isinstance(value, str) or not value:
        raise MalformedMessage(f"there is no text {key!r}")
    return value


def maybe_text(message: Message, key: str) -> str | None:
    """Give the text that a message has under a key, if there is one."""
    value = message.get(key)
    return value if isinstance(value, str) and value else None


def texts(value: Any) -> dict[str, str]:
    """Give the custom parameters that a provider passes on, all as texts."""
    if not isinstance(value, dict):
        return {}
    return {str(name): str(content) for name, content in value.items()}


def shown(value: Any) -> str:
    """Give the beginning of what was sent, for a message to whoever sent it."""
    return f"{value!r:.60}"


def write(message: Message) -> str:
    """Write a message for the provider."""
    return json.dumps(message, separators=(",", ":"))


def encoded(payload: bytes) -> str:
    """Write audio as a payload."""
    return base64.b64encode(payload).decode("ascii")
