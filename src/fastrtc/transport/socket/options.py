"""The program's side of a socket, and how its audio is paced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ...core.messages import DataChannel
from ...core.types import Mode
from ...handlers.base import StreamHandlerBase
from ...handlers.link import link_of
from ...pacing.outbound import AudioOutbound
from ...pacing.playout import PlayoutOptions
from .events import Start

__all__ = [
    "CHUNK_PLAYOUT",
    "SOCKET_PLAYOUT",
    "SocketOptions",
    "rate_of",
    "send_items",
    "takes_back",
]

SOCKET_PLAYOUT = PlayoutOptions(lead_s=0.16, tail_s=0.0)
"""Audio is sent up to 160 ms ahead of its time: enough to absorb the network's jitter, and all that
a client has to drop on a barge-in. TCP loses nothing, so no silence follows a reply."""

CHUNK_PLAYOUT = PlayoutOptions(lead_s=0.16, tail_s=0.0, whole_chunks=True, piece_s=1.0)
"""For clients that did not negotiate: many play message after message, and would stutter with short
ones. They cannot drop audio that they have, so a message has at most 1 s."""

DEFAULT_RATE = 24_000
"""Output sample rate of a function in Hz if the client names none; the same as of handlers."""


@dataclass(frozen=True)
class SocketOptions:
    """The program's side of a socket.

    Attributes:
        mode: The direction of audio, seen from the client.
        channel: The channel for messages of the program.
        queue: Items that the program puts here are sent like outputs of ``emit``.
        emit: Replaces ``Media.run_emit``.
        clear: Called to drop unplayed audio; from any thread.
    """

    mode: Mode
    channel: DataChannel
    queue: asyncio.Queue[Any]
    emit: Callable[[], Coroutine[Any, Any, str | None]]
    clear: Callable[[], None]


def takes_back(start: Start, handler: Any) -> bool:
    """Return whether audio is taken back from the client when the handler pauses.

    That needs a client that drops its audio and echoes marks, as telephone providers do, and a mark
    for each frame.
    """
    if start.call is None or not isinstance(handler, StreamHandlerBase):
        return False
    return link_of(handler).pauses


def rate_of(handler: Any, name: str) -> int:
    """Return a sample rate of a handler; a function has none."""
    rate: int = getattr(handler, name, DEFAULT_RATE)
    return rate


async def send_items(audio_out: AudioOutbound, items: asyncio.Queue[Any]) -> str | None:
    """Send the items of a program's own ``_emit_to_queue``."""
    while True:
        reason = await audio_out.accept(await items.get())
        if reason is not None:
            return reason
