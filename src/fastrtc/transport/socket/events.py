"""What goes over a socket, whatever its protocol: the seam between messages and a session.

A protocol has no I/O and no clock: the messages of a client go in and events come out; what
the session has to say goes in and messages come out. Only to hang up may take another way than
the socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from ...core.context import Call

__all__ = [
    "Audio",
    "BrowserEncoding",
    "Dtmf",
    "Encoding",
    "Invalid",
    "Mark",
    "Ping",
    "SocketEvent",
    "SocketProtocol",
    "Start",
    "Stop",
]

Encoding: TypeAlias = Literal["mulaw", "alaw", "pcm16"]
"""How audio is written; ``pcm16`` is signed, little-endian, without a header. All are mono."""

BrowserEncoding: TypeAlias = Literal["pcm16", "mulaw"]
"""Those that a browser may choose."""


@dataclass(frozen=True)
class Start:
    """The client begins.

    Attributes:
        id: The id of the connection.
        encoding: How audio is written, in both directions.
        input_rate: The rate of what the client sends, in Hz; None is the handler's.
        output_rate: The rate of what it wants, in Hz; None is the handler's.
        details: What else the provider said, such as the numbers of a call.
        call: The telephone call, if it is one; goes into the context of the session.
        framed: Whether audio goes in frames of 20 ms. Else each of the client's messages is one
            block for the handler, and each chunk that the handler gives is one message.
    """

    id: str
    encoding: Encoding = "mulaw"
    input_rate: int | None = None
    output_rate: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    call: Call | None = None
    framed: bool = True


@dataclass(frozen=True)
class Audio:
    """Audio of the client, in the encoding of ``Start``."""

    payload: bytes


@dataclass(frozen=True)
class Dtmf:
    """A key of the telephone was pressed: one of ``0-9 * # A-D``."""

    digit: str


@dataclass(frozen=True)
class Mark:
    """The client has played what was sent before the mark of this name."""

    name: str


@dataclass(frozen=True)
class Ping:
    """The client asks whether we are there."""


@dataclass(frozen=True)
class Stop:
    """The client ends the connection."""


@dataclass(frozen=True)
class Invalid:
    """A message that cannot be understood.

    Attributes:
        reason: What is wrong with it, for the one who sent it.
        close_code: The code to close with (RFC 6455, 7.4.1) if it cannot go on; else None.
    """

    reason: str
    close_code: int | None = None


SocketEvent: TypeAlias = Start | Audio | Dtmf | Mark | Ping | Stop | Invalid


class SocketProtocol(Protocol):
    """How one kind of client speaks. One object serves one connection."""

    def receive(self, message: str | bytes) -> list[SocketEvent]:
        """Read a message of the client; never raises."""
        ...

    def started(self, start: Start) -> str | None:
        """Write the answer to ``Start``, with the rates that it left open, if there is one."""
        ...

    def audio(self, payload: bytes) -> str | bytes:
        """Write audio, in the encoding of ``Start``."""
        ...

    def clear(self) -> str | None:
        """Write that the client is to drop what it has not played, if it knows how."""
        ...

    def mark(self, name: str) -> str | None:
        """Write that the client is to tell when it has played what came before."""
        ...

    def pong(self) -> str | None:
        """Write the answer to ``Ping``."""
        ...

    def message(self, text: str) -> str | None:
        """Write a message of the session (JSON text); None if such a client knows none."""
        ...

    async def hang_up(self, call: Call) -> None:
        """End a telephone call that would outlive its socket."""
        ...
