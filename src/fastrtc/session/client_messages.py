"""Messages of a client: JSON objects with a ``type``, dispatched in the order of their arrival."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias

from ..core.errors import HandlerExited
from ..core.messages import error_message, parse_message
from ..handlers.base import StreamHandlerBase
from ..handlers.client_message import OnMessage, takes_message
from ..handlers.invoke import Invoker
from ..handlers.link import link_of

__all__ = ["MAX_MESSAGE_BYTES", "ClientMessages"]

Function: TypeAlias = Callable[[dict[str, Any]], "bool | None"]
"""Gets the messages of a type; returns False if a message is not for it."""

MAX_MESSAGE_BYTES = 64 * 1024
"""Maximum size of a message of a client, in bytes."""

MAX_QUEUED = 256
"""Messages that wait for a slow ``on_message``; further ones are dropped."""

MAX_QUEUED_BYTES = 1 << 20
"""Maximum size of the messages that wait for ``on_message``, in bytes."""

HANDSHAKE = "handshake"
"""What pages written for FastRTC 0.0.34 send when their data channel opens. It is no message."""


class ClientMessages:
    """Dispatch the messages of one client. Only for the event loop.

    A type that was registered with ``on`` is passed to its function; all others are queued for
    ``on_message``: of the handler, or else of the stream. Malformed messages are reported to the
    client, if the program uses messages; otherwise they are ignored, as in FastRTC 0.0.34.

    Attributes:
        on_received: Called with each message, also with malformed ones.
        is_used: Returns whether the program uses messages though it has no ``on_message``.
        received: Number of these messages.

    Args:
        handler: Returns the handler of the session.
        on_message: The stream's function; None if it has none.
        invoker: Runs user code.
        post: Sends a message to the client.
        start_task: Runs a coroutine as a task of the session.
        report: Logs an exception of a callback, whose name it gets, and shows it to the client.
    """

    def __init__(
        self,
        handler: Callable[[], Any],
        on_message: OnMessage | None,
        invoker: Invoker,
        post: Callable[[str], None],
        start_task: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
        report: Callable[[str, Exception], None],
    ) -> None:
        self._handler = handler
        self._of_stream = on_message
        self._invoker = invoker
        self._post = post
        self._start_task = start_task
        self._report = report
        self.on_received: Callable[[], None] = _nothing
        self.is_used: Callable[[], bool] = bool
        self.received = 0
        self._types: dict[str, Function] = {}
        self._queued: deque[tuple[dict[str, Any], int]] = deque()
        self._queued_bytes = 0
        self._live = False
        self._task: asyncio.Task[None] | None = None

    def on(self, type: str, function: Function) -> None:
        """Register the function that gets the messages of a type instead of ``on_message``.

        It is called on the event loop, and must not block. If it returns False, the message is one
        of the program, which only has the same type. The client gets the text of a ``ValueError``
        that it raises.
        """
        self._types[type] = function

    @property
    def on_message(self) -> OnMessage | None:
        """The program's function for messages; None if there is none."""
        handler = self._handler()
        given = link_of(handler).on_message if isinstance(handler, StreamHandlerBase) else None
        if given is not None:
            return given
        own = getattr(handler, "on_message", None)
        return own if takes_message(own) else self._of_stream

    def receive_text(self, text: str) -> bool:
        """Dispatch a text of the client; see ``receive``."""
        if len(text) <= MAX_MESSAGE_BYTES and text.lstrip().startswith("{"):
            try:
                message = parse_message(text)
            except ValueError as error:
                self._note()
                return self._refuse(str(error))
            return self.receive(message, len(text.encode(errors="surrogatepass")))
        self._note()
        if len(text) > MAX_MESSAGE_BYTES:
            return self._refuse(_too_large(len(text)))
        return text != HANDSHAKE and self._refuse("A message must be a JSON object")

    def receive(self, message: dict[str, Any], size: int | None = None) -> bool:
        """Dispatch a message of the client.

        Args:
            message: The parsed message.
            size: Its size in bytes; None measures it.

        Returns:
            Whether there is a function for it. A message that was refused counts as well.
        """
        self._note()
        size = len(json.dumps(message)) if size is None else size
        if size > MAX_MESSAGE_BYTES:
            return self._refuse(_too_large(size))
        type = message.get("type")
        if not isinstance(type, str):
            return self._refuse("A message must have a 'type', a string")
        function = self._types.get(type) or self._of_handler.get(type)
        try:
            if function is None or function(message) is False:
                return self._enqueue(message, size)
        except ValueError as error:
            self._post(error_message(str(error)))
        except Exception as error:
            self._report(type, error)
        return True

    def _note(self) -> None:
        self.received += 1
        self.on_received()

    @property
    def _of_handler(self) -> Mapping[str, Function]:
        handler = self._handler()
        return link_of(handler).message_types if isinstance(handler, StreamHandlerBase) else {}

    def _refuse(self, reason: str) -> bool:
        if self.on_message is None and not self.is_used():
            return False
        self._post(error_message(reason))
        return True

    def _enqueue(self, message: dict[str, Any], size: int) -> bool:
        if self.on_message is None:
            return False
        full = len(self._queued) >= MAX_QUEUED or self._queued_bytes + size > MAX_QUEUED_BYTES
        if full:
            return self._refuse("Too many messages are waiting: this one is dropped")
        self._queued.append((message, size))
        self._queued_bytes += size
        self._wake()
        return True

    def start(self) -> None:
        """Pass on the messages: the connection is established."""
        self._live = True
        self._wake()

    def _wake(self) -> None:
        if self._live and self._queued and self._task is None:
            self._task = self._start_task(self._pass_on(), "on_message")

    async def _pass_on(self) -> None:
        try:
            while self._queued:
                message, size = self._queued.popleft()
                self._queued_bytes -= size
                function = self.on_message
                if function is None:  # the program has removed it
                    continue
                try:
                    await self._invoker.call("on_message", function, message)
                except HandlerExited:
                    raise
                except Exception as error:
                    self._report("on_message", error)
        finally:
            self._task = None


def _nothing() -> None:
    """Do nothing."""


def _too_large(size: int) -> str:
    return f"A message may have {MAX_MESSAGE_BYTES} bytes, not {size}"
