"""The life of one socket, from its handshake to its end, for any server and protocol."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from ...core.close_reason import (
    GOING_AWAY,
    INTERNAL_ERROR,
    NORMAL,
    POLICY_VIOLATION,
    TOO_BIG,
    TRY_AGAIN_LATER,
    CloseReason,
)
from ...core.context import Call
from ...core.errors import SessionRefused
from ...core.failures import contained, text_of
from ...core.limits import Limits, RateLimit
from ...core.messages import error_message
from ...core.tasks import TaskOwner
from ...session.media import Media
from ...session.resumption import is_settled, lose_network
from ...session.session import Session
from .events import (
    Audio,
    Dtmf,
    Invalid,
    Mark,
    Message,
    Ping,
    SocketEvent,
    SocketProtocol,
    Start,
    Stop,
)
from .open_socket import OpenSocket, SocketOptions
from .pending import PendingConnections
from .sender import SocketSender
from .socket import Socket
from .states import Closing, Opening

__all__ = ["SocketConnection", "end_call"]

logger = logging.getLogger(__name__)

FLUSH_TIMEOUT_S = 1.0
"""How long to wait at the end for the last messages to be sent, and then for the socket to
close."""

STARTED_TIMEOUT_S = 5.0
"""How long to wait for the start of a connection whose client has left, so that a handler that is
being copied is shut down."""

HANG_UP_TIMEOUT_S = 3.0
"""How long a provider's ``hang_up`` may take."""

REFUSED = {
    "concurrency_limit_reached": TRY_AGAIN_LATER,
    "too_many_connecting": TRY_AGAIN_LATER,
    "server_stopping": GOING_AWAY,
    "resume_elsewhere": TRY_AGAIN_LATER,
}
"""Close codes of refusals; the default is ``POLICY_VIOLATION``."""


class SocketConnection:
    """Serve one socket: first ``Opening``, then an ``OpenSocket``, then ``Closing``.

    Args:
        socket: The socket.
        protocol: The protocol that the client speaks.
        begin: Awaited when the client starts: calls ``open`` with a session, and returns whether
            the client is still connected. Raises ``SessionRefused`` to refuse it.
        quit: Set when the connection ends; the program may set it, too.
        limits: The resource limits of the client.
        pending: The registry of sockets that have not started.
        first: Events that the opening of the socket implies, processed before its messages.

    Attributes:
        heard_at: When the client sent something last, on the clock of the loop.
    """

    def __init__(
        self,
        socket: Socket,
        protocol: SocketProtocol,
        begin: Callable[[Start], Awaitable[bool]],
        *,
        quit: asyncio.Event,
        limits: Limits,
        pending: PendingConnections,
        first: Sequence[SocketEvent] = (),
    ) -> None:
        self._socket = socket
        self._first = first
        self._protocol = protocol
        self._begin = begin
        self._quit = quit
        self._limits = limits
        self._rate = RateLimit(limits.messages_per_s)
        self._said: set[str] = set()
        self._lost = self._stopped = False  # the client has not closed the socket, or has
        self.heard_at: float | None = None
        self._calling: Start | None = None  # the call to hang up at the end
        self._sender = SocketSender(socket.send, self._not_read, socket.is_idle)
        self._sending = TaskOwner("fastrtc-websocket", on_error=self._broken)
        self._reading = TaskOwner("fastrtc-websocket", on_error=self._broken)
        self._starting = TaskOwner("fastrtc-websocket", on_error=self._broken)
        self._opening = Opening(pending, limits, self.hang_up)
        self._state: Opening | OpenSocket | Closing = self._opening

    @property
    def opened(self) -> OpenSocket | None:
        """The transport of the session, once the client has started."""
        state = self._state
        if isinstance(state, Closing):
            return state.opened
        return state if isinstance(state, OpenSocket) else None

    def open(
        self, session: Session, start: Start, options: SocketOptions, media: Media | None = None
    ) -> OpenSocket:
        """Create the transport of a session; *media* are those of one that its client resumes."""
        opened = OpenSocket(self, session, start, options, media)
        if isinstance(self._state, Closing):
            self._state = Closing(self._state.reason, opened)
        else:
            self._state = opened
        return opened

    async def run(self) -> None:
        """Serve the socket until it, or its session, ends."""
        self._sending.start(self._send(), "send")
        read = self._read()
        self._reading.start(contained("the connection", read), "read", awaits=read)
        try:
            await self._quit.wait()
        finally:
            self._opening.end()
            self.hang_up()  # also when the server cancels this
            reason = self._end(CloseReason())
            self._reading.cancel()
            if await self._starting.join(STARTED_TIMEOUT_S):  # else its session would never end
                self._starting.cancel()
            try:
                if (opened := self.opened) is None:
                    await self.close(reason)
                else:
                    await opened.client_left(reason, lost=self._lost)
            finally:
                self._sending.cancel()
                for tasks in (self._starting, self._reading, self._sending):
                    await tasks.join(FLUSH_TIMEOUT_S)

    # What the client sends

    async def _read(self) -> None:
        for event in self._first:
            await self._take(event)
        while not self._quit.is_set():
            message = await self._socket.receive()
            now = asyncio.get_running_loop().time()
            early_s = self._rate.take(now)
            if early_s:  # backpressure: the socket's flow control slows the client
                await asyncio.sleep(early_s)
            if self._quit.is_set():  # meanwhile: a session that starts now would never end
                return
            if message is None:
                started = self.opened
                settled = started is None or is_settled(started.session)
                self._lose(self._socket.close_code != NORMAL or not settled)
                return
            self.heard_at = now
            max_bytes = self._limits.message_bytes
            if len(message) > max_bytes:
                self.say(error_message(f"A message may have {max_bytes} bytes, not {len(message)}"))
                self.hang_up(CloseReason(TOO_BIG, "The message is too big"))
                return
            for event in self._protocol.receive(message):
                if type(event) is Audio and type(opened := self._state) is OpenSocket:  # mostly
                    opened.hear(event.payload)
                else:
                    await self._take(event)

    async def _take(self, event: SocketEvent) -> None:
        opened = self.opened
        match event:
            case Start():
                await asyncio.wait([self._starting.start(self._start(event), "start")])
            case Audio() if opened is not None:
                opened.hear(event.payload)
            case Dtmf() if opened is not None:
                opened.session.timers.client_active()
                opened.keys.press(event.digit)
            case Message() if opened is not None:
                opened.receive(event)
            case Mark() if opened is not None:
                opened.played(event.name)
            case Ping():
                self.put(self._protocol.pong())
            case Stop():
                self._calling = None  # the provider has ended the call
                self._stopped = True
                if opened is not None:
                    await opened.finish()
                self.hang_up(CloseReason(text="Stopped by the client"))
            case Invalid():
                self.say(error_message(event.reason))
                if event.close_code is not None:
                    self.hang_up(CloseReason(event.close_code, event.reason))

    async def _start(self, start: Start) -> None:
        self._opening.end()
        self._calling = start
        try:
            there = await self._begin(start)
        except SessionRefused as refusal:
            self.say(json.dumps(refusal.answer))
            if refusal.code == "unauthorized":
                self._calling = None  # the call may be of another client: do not end it
            code = REFUSED.get(refusal.code, POLICY_VIOLATION)
            self.hang_up(CloseReason(code, refusal.code))
            return
        except Exception as error:  # from the handler's copy()
            logger.exception("A WebSocket connection failed to start")
            self.say(error_message(text_of(error)))
            self.hang_up(CloseReason(INTERNAL_ERROR, "The handler failed"))
            return
        if (opened := self.opened) is None:
            self.hang_up()
            return
        if not there or self._quit.is_set():
            self.hang_up()
            lose_network(opened.session, opened, "the client disconnected")
            return
        self.put(self._protocol.started(opened.start))
        opened.begin()

    # What the server sends

    async def _send(self) -> None:
        try:
            await self._sender.run()
        except Exception:  # its type depends on the server; the client has gone
            logger.debug("A WebSocket was closed while sending", exc_info=True)
            opened = self.opened
            if opened is None or opened.session.resumption is None:
                self.hang_up()
            else:  # the reader is about to know whether the client has closed it
                asyncio.get_running_loop().call_later(FLUSH_TIMEOUT_S, self._lose, True)

    def put(self, message: str | bytes | None, *, audio: bool = False) -> None:
        """Send a message of the protocol as it is; None sends nothing.

        Args:
            message: The message.
            audio: Whether ``clear_audio`` drops it.
        """
        if message is not None:
            self._sender.put(message, audio=audio)

    def put_message(self, text: str) -> None:
        """Send a message of the session, if the protocol supports messages."""
        self.put(self._protocol.message(text))

    def say(self, text: str) -> None:
        """Send a message of the socket itself, if the protocol supports messages."""
        if (opened := self.opened) is None:
            self.put_message(text)
        else:
            opened.say(text)

    def say_once(self, text: str) -> None:
        """Send an error, unless it was sent before."""
        if text not in self._said:
            self._said.add(text)
            self.say(error_message(text))

    async def send_audio(self, payload: bytes) -> None:
        """Send audio, which is in the encoding of ``Start``."""
        message = self._protocol.audio(payload)
        if message is not None:
            await self._sender.send_audio(message)

    def send_mark(self, name: str) -> bool:
        """Send a mark, which the client echoes when it has played the audio before it.

        Args:
            name: The name of the mark.

        Returns:
            False if the protocol has no marks.
        """
        mark = self._protocol.mark(name)
        self.put(mark, audio=True)
        return mark is not None

    def clear_audio(self, *, played: bool) -> None:
        """Drop queued audio, and tell the client to drop unplayed audio.

        Args:
            played: Whether the client has played everything, so that it need not be told.
        """
        self._sender.drop_audio()
        if not played:
            self.put(self._protocol.clear())

    def pause_audio(self) -> None:
        """Let the client hold its unplayed audio."""
        self.put(self._protocol.pause())

    def resume_audio(self) -> None:
        """Let the client continue to play."""
        self.put(self._protocol.resume())

    # The end

    def _not_read(self) -> None:
        logger.warning("A WebSocket client does not read: closing its connection")
        self._lost = True  # a lost network looks the same
        self.hang_up(CloseReason(POLICY_VIOLATION, "The client does not read"))

    def _broken(self, error: Exception) -> None:
        logger.error("A WebSocket connection failed", exc_info=error)
        self.hang_up(CloseReason(INTERNAL_ERROR, "Internal error"))

    def _lose(self, lost: bool) -> None:
        """Start to end the connection, as the client has gone."""
        if lost and not self._stopped and not isinstance(self._state, Closing):
            self._lost = True
        self.hang_up()

    def hang_up(self, reason: CloseReason = CloseReason()) -> None:  # noqa: B008, it is frozen
        """Start to end the connection; only the first reason counts."""
        self._end(reason)
        if (opened := self.opened) is not None:
            opened.expect_no_marks()
        self._quit.set()

    def _end(self, reason: CloseReason) -> CloseReason:
        """Enter ``Closing``; return the first reason."""
        if not isinstance(self._state, Closing):
            self._state = Closing(reason, self.opened)
        return self._state.reason

    async def close(self, reason: CloseReason, all_played: asyncio.Event | None = None) -> None:
        """Send the remaining messages, and close the socket unless the client has.

        Args:
            reason: Why it is closed; an earlier reason takes precedence.
            all_played: Set when the client has played everything, which is awaited while it is
                connected.
        """
        reason = self._end(reason)
        if all_played is not None and not self._quit.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(all_played.wait(), FLUSH_TIMEOUT_S)
        self.hang_up()
        if self._socket.is_read:
            await self._sender.flush(FLUSH_TIMEOUT_S)
        if self._calling is not None and self._calling.call is not None:
            await end_call(self._protocol, self._calling.call, self._calling.id)
        self._sender.end()
        self._sending.cancel()
        if self._socket.is_read and self._socket.is_open:
            try:
                await asyncio.wait_for(self._socket.close(reason), FLUSH_TIMEOUT_S)
            except Exception:  # its type depends on the server
                logger.debug("A WebSocket was closed by both peers", exc_info=True)
        self._socket.drop_if_unread(FLUSH_TIMEOUT_S)


async def end_call(protocol: SocketProtocol, call: Call, id: str) -> None:
    """Let the provider end a call, within 3 s; failures are logged.

    Args:
        protocol: The protocol of the provider.
        call: The call.
        id: The id of the connection, for the log.
    """
    try:
        hanging_up = contained("hang_up", protocol.hang_up(call))
        await asyncio.wait_for(hanging_up, HANG_UP_TIMEOUT_S)
    except Exception:  # from a program's own provider
        logger.exception("Call %s could not be hung up", id)
