"""The link of a handler to its connection: all of our state on a handler, under one name.

Programs subclass the handlers and choose names of attributes and methods freely. To avoid
collisions, our state is kept in one object in the handler's ``__dict__``.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass, field
from types import MethodType
from typing import TYPE_CHECKING, Any

from ..core.context import current_context
from ..core.errors import HandlerNotInitialized
from ..core.messages import DataChannel
from ..core.tasks import runs_on

if TYPE_CHECKING:
    from av import AudioResampler

    from ..core.types import AudioFrameType
    from .speaking import Sayable, SpeechHandle

__all__ = [
    "HandlerLink",
    "create_link",
    "has_link",
    "is_replying",
    "link_of",
    "rebound",
    "submit",
]

NAME = "__fastrtc_link__"
"""The key in the handler's ``__dict__``."""


def _no_audio() -> float:
    return 0.0


def _now() -> float:
    return time.monotonic()


def _do_nothing(*args: object) -> None:
    """Do nothing."""


def _call(function: Callable[[], None]) -> None:
    function()


@dataclass
class HandlerLink:
    """The connection of a handler, if any.

    Attributes:
        owner: ``id()`` of the handler, to recognize a ``__dict__`` that was copied to another
            handler.
        loop: The event loop of the connection.
        channel: The data channel, or its substitute.
        phone_mode: Whether the connection is a telephone call.
        opened: Called on the event loop when the connection is established, before ``start_up``;
            None if there is nothing to do.
        clear_queue: Drops the audio that is queued but not yet played.
        post: Sends a message to the client; thread-safe.
        report: Logs an exception and shows it to the client.
        start_task: Runs a coroutine as a task of the connection.
        say: Plays what the program says, if it may be interrupted or not; thread-safe.
        fill: Repeats audio, until it is called with None or the queue is cleared; it does not count
            as queued. On the event loop.
        queued_s: Returns the length of the audio that is queued but not yet played, in seconds.
        pause: Pauses the audio at the client, as far as it can; thread-safe, like the next two.
        resume: Continues it with the next sample; ``clear_queue`` ends a pause, too.
        duck: Lowers its volume by so many decibels, until it is called with None or the queue is
            cleared.
        pauses: Whether ``pause`` will be used, so that over the telephone the played position
            must be known to the frame; set before the handler is connected.
        after_audio: Calls a function where ``receive`` runs, once it has processed the audio that
            has arrived; to be used on the event loop. Without a connection it is called at once.
        emit_wakes: Set when an ``emit`` that returned None has an output; if None, ``emit`` is
            polled.
        turn_events: Reports the events of the conversation; None while nothing listens.
        arrived_at: Returns when the end of the audio that ``receive`` processes arrived, on the
            clock of ``time.monotonic()``; to be called where it runs.
        drops_stale: Whether a value that ``emit`` was about to return when the queue was cleared is
            dropped, too.
        needs_silence: Returns whether ``receive`` needs silence while the client sends no audio;
            None if it never does.
        inputs_set: How often inputs were set.
        submitted: Whether a text that the client submitted is triggering a reply.
        resampler: The resampler of ``StreamHandlerBase.resample``.
        conversation: The ``Dialogue`` of a ``ReplyOnPause``.
        context: The context variables of the connection.
        on_message: The function for messages of the client that was passed to the constructor.
        message_types: The functions of this package for messages of the client, by type; called
            on the event loop.
    """

    owner: int
    loop: asyncio.AbstractEventLoop | None = None
    channel: DataChannel | None = None
    phone_mode: bool = False
    opened: Callable[[], None] | None = None
    clear_queue: Callable[[], None] | None = None
    post: Callable[[str], None] | None = None
    report: Callable[[Exception], None] | None = None
    start_task: Callable[[Coroutine[Any, Any, None], str], Awaitable[None]] | None = None
    say: Callable[[Sayable, bool], SpeechHandle] | None = None
    fill: Callable[[AudioFrameType | None], None] = _do_nothing
    queued_s: Callable[[], float] = _no_audio
    pause: Callable[[], None] = _do_nothing
    resume: Callable[[], None] = _do_nothing
    duck: Callable[[float | None], None] = _do_nothing
    pauses: bool = False
    after_audio: Callable[[Callable[[], None]], None] = _call
    emit_wakes: threading.Event | None = None
    turn_events: Any = field(default=None, repr=False)
    arrived_at: Callable[[], float] = _now
    drops_stale: bool = False
    needs_silence: Callable[[], bool] | None = None
    inputs_set: int = 0
    submitted: bool = False
    resampler: AudioResampler | None = field(default=None, repr=False)
    conversation: Any = field(default=None, repr=False)
    context: Context | None = field(default=None, repr=False)
    on_message: Callable[[dict[str, Any]], Any] | None = None
    message_types: dict[str, Callable[[dict[str, Any]], bool | None]] = field(default_factory=dict)

    def call_on_loop(self, function: Callable[[], Any]) -> None:
        """Call a function that is not thread-safe on the event loop; thread-safe."""
        loop = self.loop
        if loop is None or not loop.is_running() or runs_on(loop):
            function()
        else:
            loop.call_soon_threadsafe(function)

    def run_in_context(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of the program in the context of the connection, in this thread.

        Code of another connection, or of none, may be running, such as that of a route.
        """
        if self.context is None or self.context.get(current_context) is current_context.get():
            return function(*args)
        return self.context.copy().run(function, *args)

    def run_contained(self, function: Callable[..., Any], *args: Any) -> None:
        """Call a function of the program as ``run_in_context`` does, and report its exception.

        Raises:
            Exception: The exception, without a connection that could report it.
        """
        try:
            self.run_in_context(function, *args)
        except Exception as error:  # the conversation goes on
            if self.report is None:
                raise
            self.report(error)

    def send(self, message: str) -> None:
        """Send a message to the client; do nothing without a connection."""
        if self.post is not None:
            self.post(message)
        elif self.channel is not None:
            self.channel.send(message)


def create_link(handler: Any) -> HandlerLink:
    """Create the link of a new handler that has no connection yet."""
    link = HandlerLink(id(handler))
    vars(handler)[NAME] = link
    return link


def has_link(handler: Any) -> bool:
    """Return whether the handler's base class was initialized."""
    return NAME in vars(handler)


def link_of(handler: Any) -> HandlerLink:
    """Return the link of a handler.

    A handler whose attributes were copied from another one, as by ``copy.copy``, gets its own link.

    Raises:
        HandlerNotInitialized: If its ``__init__`` did not call that of the base class.
    """
    link: HandlerLink | None = vars(handler).get(NAME)
    if link is None:
        raise HandlerNotInitialized(
            f"{type(handler).__name__}.__init__() must call super().__init__()"
        )
    if link.owner != id(handler):
        before, link = link, create_link(handler)
        link.phone_mode = before.phone_mode
        link.on_message = before.on_message
        if before.conversation is not None:
            before.conversation.for_handler(handler, link)
    return link


def rebound(value: Any, original: Any, copy: Any) -> Any:
    """Return a method bound to *original* as the same method of *copy*; other values unchanged."""
    if inspect.ismethod(value) and value.__self__ is original:
        return MethodType(value.__func__, copy)
    return value


def is_replying(handler: Any) -> bool:
    """Return whether a handler with a conversation makes or plays a reply."""
    conversation = link_of(handler).conversation
    if conversation is None:
        return False
    return bool(conversation.speaking or conversation.face.event.is_set())


def submit(handler: Any) -> None:
    """Trigger a reply to a text that the client has submitted, if the handler supports it."""
    trigger = getattr(handler, "trigger_response", None)
    if trigger is None:
        return
    link = link_of(handler) if has_link(handler) else None
    if link is not None:
        link.submitted = True
    try:
        trigger()
    finally:
        if link is not None:
            link.submitted = False
