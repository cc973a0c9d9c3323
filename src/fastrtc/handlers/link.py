"""What a handler has of its connection, and all other state of ours on it, under one name.

Programs subclass the handlers and name their own attributes and methods as they like. So nothing
of ours is an attribute beside theirs: it lives in one object, in the handler's ``__dict__``.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from types import MethodType
from typing import TYPE_CHECKING, Any

from ..core.errors import HandlerNotInitialized
from ..core.messages import DataChannel
from ..core.tasks import runs_on

if TYPE_CHECKING:
    from av import AudioResampler

__all__ = ["HandlerLink", "create_link", "has_link", "link_of", "rebound"]

NAME = "__fastrtc_link__"
"""The key in the handler's ``__dict__``."""


def _no_audio() -> float:
    return 0.0


@dataclass
class HandlerLink:
    """The connection of one handler, as far as there is one.

    Attributes:
        owner: ``id()`` of the handler; a copy of its ``__dict__`` belongs to another one.
        loop: The event loop of the connection.
        channel: The data channel, or what stands in for one.
        phone_mode: Whether the connection is a telephone call.
        clear_queue: Drops the audio that is queued but not yet played.
        post: Sends a message to the client; from any thread.
        report: Logs an exception and shows it to the client.
        start_task: Runs a coroutine as a task of the connection.
        queued_s: Returns how much audio is queued but not yet played, in seconds.
        emit_wakes: Set when an ``emit`` that returned None has an output; None calls it by the
            clock.
        drops_stale: Whether what ``emit`` was about to return when the queue was cleared is
            dropped, too.
        needs_silence: Returns whether ``receive`` needs silence while the client sends no audio;
            None if it never does.
        resampler: Of ``StreamHandlerBase.resample``.
        conversation: Of a ``ReplyOnPause``.
    """

    owner: int
    loop: asyncio.AbstractEventLoop | None = None
    channel: DataChannel | None = None
    phone_mode: bool = False
    clear_queue: Callable[[], None] | None = None
    post: Callable[[str], None] | None = None
    report: Callable[[Exception], None] | None = None
    start_task: Callable[[Coroutine[Any, Any, None], str], Awaitable[None]] | None = None
    queued_s: Callable[[], float] = _no_audio
    emit_wakes: threading.Event | None = None
    drops_stale: bool = False
    needs_silence: Callable[[], bool] | None = None
    resampler: AudioResampler | None = field(default=None, repr=False)
    conversation: Any = field(default=None, repr=False)

    def call_on_loop(self, function: Callable[[], Any]) -> None:
        """Call a function that touches objects of the event loop; from any thread."""
        loop = self.loop
        if loop is None or not loop.is_running() or runs_on(loop):
            function()
        else:
            loop.call_soon_threadsafe(function)

    def send(self, message: str) -> None:
        """Send a message to the client; without a connection, do nothing."""
        if self.post is not None:
            self.post(message)
        elif self.channel is not None:
            self.channel.send(message)


def create_link(handler: Any) -> HandlerLink:
    """Create the link of a new handler, without a connection."""
    link = HandlerLink(id(handler))
    vars(handler)[NAME] = link
    return link


def has_link(handler: Any) -> bool:
    """Return whether the handler's base class was initialized."""
    return NAME in vars(handler)


def link_of(handler: Any) -> HandlerLink:
    """Return the link of a handler.

    One that was made by copying another handler's attributes, as ``copy.copy`` does, gets a link
    of its own.

    Raises:
        HandlerNotInitialized: If its class has an ``__init__`` that does not call the base's.
    """
    link: HandlerLink | None = vars(handler).get(NAME)
    if link is None:
        raise HandlerNotInitialized(
            f"{type(handler).__name__}.__init__() must call super().__init__()"
        )
    if link.owner != id(handler):
        before, link = link, create_link(handler)
        link.phone_mode = before.phone_mode
        if before.conversation is not None:
            before.conversation.for_handler(handler, link)
    return link


def rebound(value: Any, original: Any, copy: Any) -> Any:
    """Return a method bound to *original* as the same method of *copy*, and all else as it is."""
    if inspect.ismethod(value) and value.__self__ is original:
        return MethodType(value.__func__, copy)
    return value
