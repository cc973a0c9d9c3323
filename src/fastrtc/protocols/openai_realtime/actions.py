"""What the state machine of a session wants its connection to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "Action",
    "CommitTurn",
    "Configure",
    "DiscardTurn",
    "Hear",
    "Interrupt",
    "Reply",
    "Resolve",
    "WatchPlayout",
]


@dataclass(frozen=True)
class Hear:
    """Pass audio of the user to the handler.

    Attributes:
        pcm: 16-bit samples at 24 kHz, mono.
    """

    pcm: bytes


@dataclass(frozen=True)
class CommitTurn:
    """Keep the audio of the user so far for the next reply."""


@dataclass(frozen=True)
class DiscardTurn:
    """Drop the audio of the user that is not committed."""


@dataclass(frozen=True)
class Reply:
    """Let the handler reply to what is committed.

    Attributes:
        text: What the user has typed since the last reply; may be empty.
    """

    text: str


@dataclass(frozen=True)
class Interrupt:
    """Stop the reply.

    Attributes:
        played_s: How much of it was heard, in seconds; None if the client does not say.
    """

    played_s: float | None = None


@dataclass(frozen=True)
class Resolve:
    """Return the result of a function of the client to the code that called it.

    Attributes:
        call_id: The id of the call.
        value: The result.
    """

    call_id: str
    value: Any


@dataclass(frozen=True)
class Configure:
    """Use the new ``turn_detection`` of the session."""


@dataclass(frozen=True)
class WatchPlayout:
    """Call ``played_out`` of the machine when all audio so far was played."""


Action: TypeAlias = (
    Hear | CommitTurn | DiscardTurn | Reply | Interrupt | Resolve | Configure | WatchPlayout
)
