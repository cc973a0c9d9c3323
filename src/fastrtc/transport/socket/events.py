"""Events of socket protocols: the interface between messages and a session.

A protocol has no I/O and no clock: it turns a client's messages into events, and the audio and
messages of a session into messages for the client. Only ``hang_up`` may do I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from ...core.context import Call
from ...core.resume import ResumeRequest

__all__ = [
    "Audio",
    "BrowserEncoding",
    "Dtmf",
    "Encoding",
    "Invalid",
    "Mark",
    "Message",
    "Ping",
    "SocketEvent",
    "SocketProtocol",
    "Start",
    "Stop",
]

Encoding: TypeAlias = Literal["mulaw", "alaw", "pcm16"]
"""Encodings of audio; ``pcm16`` is signed, little-endian, without a header. All are mono."""

BrowserEncoding: TypeAlias = Literal["pcm16", "mulaw"]
"""Encodings that a browser may choose."""


@dataclass(frozen=True)
class Start:
    """The client starts.

    Attributes:
        id: The id of the connection.
        encoding: The encoding of audio in both directions.
        input_rate: Sample rate of the client's audio in Hz; None for the handler's.
        output_rate: Sample rate of the audio for the client in Hz; None for the handler's.
        details: Further information of the provider, such as the numbers of a call.
        call: The telephone call, if it is one; goes into the context of the session.
        framed: Whether audio is sent in frames of 20 ms. Otherwise each of the client's messages
            is one block for the handler, and each chunk of the handler is one message.
        pauses: Whether the client can hold its unplayed audio: see ``SocketProtocol.pause``.
        replaces: The id of the client's attempt to connect over WebRTC, which this replaces.
        metadata: The metadata that the client sent; the custom parameters of a call.
        resume: What the client says about resuming the session; None if it does not.
        resumable: What the client is told about it, with a new secret.
    """

    id: str
    encoding: Encoding = "mulaw"
    input_rate: int | None = None
    output_rate: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    call: Call | None = None
    framed: bool = True
    pauses: bool = False
    replaces: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    resume: ResumeRequest | None = None
    resumable: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Audio:
    """Audio of the client, in the encoding of ``Start``."""

    payload: bytes


@dataclass(frozen=True)
class Dtmf:
    """The caller pressed a key: one of ``0-9 * # A-D``."""

    digit: str


@dataclass(frozen=True)
class Mark:
    """The client has played the audio before the mark of this name."""

    name: str


@dataclass(frozen=True)
class Message:
    """A message of the client for the program.

    Attributes:
        message: The parsed message; its ``"type"`` is a string.
        size: Its size in bytes.
    """

    message: dict[str, Any]
    size: int


@dataclass(frozen=True)
class Ping:
    """The client checks that the server is alive."""


@dataclass(frozen=True)
class Stop:
    """The client ends the connection."""


@dataclass(frozen=True)
class Invalid:
    """A malformed message.

    Attributes:
        reason: What is wrong with it, for its sender.
        close_code: The code to close with (RFC 6455, 7.4.1) if the connection cannot continue;
            else None.
    """

    reason: str
    close_code: int | None = None


SocketEvent: TypeAlias = Start | Audio | Dtmf | Mark | Message | Ping | Stop | Invalid


class SocketProtocol(Protocol):
    """Parse and format the messages of one connection."""

    def receive(self, message: str | bytes) -> list[SocketEvent]:
        """Parse a message of the client; never raises."""
        ...

    def started(self, start: Start) -> str | None:
        """Format the answer to ``Start``, with all rates filled in; None for no answer."""
        ...

    def audio(self, payload: bytes) -> str | bytes | None:
        """Format audio, which is in the encoding of ``Start``; None to send nothing."""
        ...

    def clear(self) -> str | None:
        """Format the request to drop unplayed audio; None if there is no such message."""
        ...

    def pause(self) -> str | None:
        """Format the request to hold unplayed audio; only called if ``Start.pauses`` is set."""
        ...

    def resume(self) -> str | None:
        """Format the request to continue playback after ``pause``."""
        ...

    def mark(self, name: str) -> str | None:
        """Format a mark, which the client echoes when it has played the audio before it."""
        ...

    def pong(self) -> str | None:
        """Format the answer to ``Ping``."""
        ...

    def message(self, text: str) -> str | None:
        """Format a message of the session (a JSON string); None to send nothing."""
        ...

    async def hang_up(self, call: Call) -> None:
        """End a telephone call that would outlive its socket."""
        ...
