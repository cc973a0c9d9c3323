"""The interface of telephone providers: parse and format the messages of a call."""

from __future__ import annotations

import base64
import binascii
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from ...core.close_reason import UNSUPPORTED_DATA
from ...core.context import Call
from ...core.limits import MAX_ID_LENGTH
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

DIGITS = frozenset("0123456789*#ABCD")

Message: TypeAlias = Mapping[str, Any]
"""A message of the provider, parsed from JSON."""


class MalformedMessage(ValueError):
    """A message is malformed or not supported.

    Attributes:
        close_code: The code to close the socket with if the call cannot continue; else None.
    """

    def __init__(self, reason: str, close_code: int | None = None) -> None:
        super().__init__(reason)
        self.close_code = close_code


class Provider(ABC):
    """Parse and format the messages of one call of a telephone provider.

    All providers so far send JSON with an ``event``: a ``start``, then ``media`` with audio in
    base64, ``dtmf``, the echo of a mark, ``stop``. They differ in the fields of ``start`` and in
    the messages that they expect. With most of them the call ends when the socket is closed;
    ``hang_up`` is for the others.

    Attributes:
        stream_id: The id of the media stream, once ``begin`` has parsed it.
    """

    name: ClassVar[str]
    """The value of ``Call.provider``."""

    ignored: ClassVar[frozenset[str]] = frozenset()
    """Events to ignore."""

    def __init__(self) -> None:
        self.stream_id = ""
        self.encoding: Encoding = "mulaw"

    @classmethod
    @abstractmethod
    def recognises(cls, start: Message) -> bool:
        """Return whether a ``start`` message is of this provider."""

    @abstractmethod
    def begin(self, start: Message) -> Start:
        """Parse the ``start`` message.

        Raises:
            MalformedMessage: If a required field is missing or unusable.
        """

    @abstractmethod
    def audio(self, payload: bytes) -> str:
        """Format audio, which is in the encoding that ``begin`` returned."""

    @abstractmethod
    def clear(self) -> str:
        """Format the request to drop unplayed audio."""

    @abstractmethod
    def mark(self, name: str) -> str:
        """Format a mark, which the provider echoes when it has played the audio before it."""

    def message(self, text: str) -> str | None:
        """Format a message of the session, a JSON string; None to send nothing."""
        return None

    async def hang_up(self, call: Call) -> None:
        """End a call that would outlive its socket, such as by the provider's HTTP interface.

        Awaited before the socket is closed when a call has ended or is refused, unless the
        provider has sent ``stop``. It may take up to 3 s; exceptions are logged. By default it does
        nothing.

        Args:
            call: The call as ``begin`` returned it. Any client may have sent its fields: quote
                ``call.id`` in a URL.
        """
        return None

    def read(self, event: str, message: Message) -> SocketEvent | None:
        """Parse any message other than ``start``; return None for ignored ones.

        Raises:
            MalformedMessage: If the message is malformed.
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
            return None  # our own audio, as the caller hears it
        payload = media.get("payload")
        if not isinstance(payload, str):
            raise MalformedMessage("media has no payload")
        try:
            audio = base64.b64decode(payload, validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedMessage(f"the payload is not base64: {error}") from error
        if self.encoding == "pcm16" and len(audio) % 2:
            raise MalformedMessage(f"16-bit audio cannot have {len(audio)} bytes")
        return Audio(audio)

    def _start(self, call: Call, encoding: Any, rate: Any, known: Mapping[str, Encoding]) -> Start:
        """Return the event for the format that the provider announced."""
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
    """Return the object under a key of a message.

    Raises:
        MalformedMessage: If the key is missing or its value is not an object.
    """
    value = message.get(key)
    if not isinstance(value, dict):
        raise MalformedMessage(f"there is no object {key!r}")
    return value


def text_of(message: Message, key: str) -> str:
    """Return the string under a key of a message.

    Raises:
        MalformedMessage: If the key is missing, or its value is not a string or empty.
    """
    value = message.get(key)
    if not isinstance(value, str) or not value:
        raise MalformedMessage(f"there is no string {key!r}")
    return value


def maybe_text(message: Message, key: str) -> str | None:
    """Return the string under a key of a message; None if it is missing or empty."""
    value = message.get(key)
    return value if isinstance(value, str) and value else None


def texts(value: Any) -> dict[str, str]:
    """Return the custom parameters that a provider passes on, all as strings."""
    if not isinstance(value, dict):
        return {}
    return {str(name): str(content) for name, content in value.items()}


def shown(value: Any) -> str:
    """Return the beginning of a value's ``repr``, for a message to its sender."""
    return f"{value!r:.60}"


def write(message: Message) -> str:
    """Format a message for the provider."""
    return json.dumps(message, separators=(",", ":"))


def encoded(payload: bytes) -> str:
    """Return audio as a base64 payload."""
    return base64.b64encode(payload).decode("ascii")
