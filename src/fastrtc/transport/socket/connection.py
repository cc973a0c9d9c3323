"""One socket, from its handshake to its end, whatever serves it and however its client speaks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ...core.close_reason import (
    GOING_AWAY,
    INTERNAL_ERROR,
    POLICY_VIOLATION,
    TOO_BIG,
    TRY_AGAIN_LATER,
    CloseReason,
)
from ...core.context import Call
from ...core.errors import SessionRefused
from ...core.failures import contained
from ...core.limits import Limits, RateLimit
from ...core.messages import error_message
from ...core.tasks import TaskOwner
from ...session.session import Session
from .events import Audio, Dtmf, Invalid, Mark, Ping, SocketEvent, SocketProtocol, Start, Stop
from .open_socket import OpenSocket, SocketOptions
from .pending import PendingConnections
from .sender import SocketSender
from .socket import Socket
from .states import Closing, Opening

__all__ = ["SocketConnection", "end_call"]

logger = logging.getLogger(__name__)

FLUSH_TIMEOUT_S = 1.0
"""How long the last messages to a client, and then its socket, are waited for at the end."""

STARTED_TIMEOUT_S = 5.0
"""How long the start of a connection whose client has left is waited for: a handler that is being
copied is shut down then."""

HANG_UP_TIMEOUT_S = 3.0
"""How long a provider's ``hang_up`` may take."""

REFUSED = {
    "concurrency_limit_reached": TRY_AGAIN_LATER,
    "too_many_connecting": TRY_AGAIN_LATER,
    "server_stopping": GOING_AWAY,
}
"""The close codes of refusals; else it is ``POLICY_VIOLATION``."""


class SocketConnection:
    """Serves one socket: first ``Opening``, then an ``OpenSocket``, then ``Closing``.

    Args:
        socket: The socket.
        protocol: How the client speaks.
        begin: Awaited when the client starts: has ``open`` called with a session, and returns
            whether the client is still there. Refuses by raising ``SessionRefused``.
        quit: Set when the connection ends; the program may set it, too.
        limits: What the client may cost.
        pending: Where it waits until it has started, with others.
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
    ) -> None:
        self._socket = socket
        self._protocol = protocol
        self._begin = begin
        self._quit = quit
        self._limits = limits
        self._rate = RateLimit(limits.messages_per_s)
        self._said: set[str] = set()
        self._calling: Start | None = None  # whose call is to be hung up at the end
        self._sender = SocketSender(socket.send, self._not_read)
        self._sending = TaskOwner("fastrtc-websocket", on_error=self._broken)
        self._reading = TaskOwner("fastrtc-websocket", on_error=self._broken)
        self._starting = TaskOwner("fastrtc-websocket", on_error=self._broken)
        self._opening = Opening(pending, limits, self.hang_up)
        self._state: Opening | OpenSocket | Closing = self._opening

    @property
    def opened(self) -> OpenSocket | None:
        """What carries the session, once the client has started."""
        state = self._state
        if isinstance(state, Closing):
            return state.opened
        return state if isinstance(state, OpenSocket) else None

    def open(self, session: Session, start: Start, options: SocketOptions) -> OpenSocket:
        """Have it carry a session."""
        opened = OpenSocket(self, session, start, options)
        if isinstance(self._state, Closing):
            self._state = Closing(self._state.reason, opened)
        else:
            self._state = opened
        return opened

    async def run(self) -> None:
        """Serve it until it, or its session, ends."""
        self._sending.start(self._send(), "send")
        self._reading.start(contained("the connection", self._read()), "read")
        try:
            await self._quit.wait()
        finally:
            self._opening.end()
            self.hang_up()  # also when the server cancels this
            reason = self._end(CloseReason())
            self._reading.cancel()
            if await self._starting.join(STARTED_TIMEOUT_S):  # or nothing would end its session
                self._starting.cancel()
            try:
                if (opened := self.opened) is None:
                    await self.close(reason)
                else:
                    await opened.client_left(reason)
            finally:
                self._sending.cancel()
                for tasks in (self._starting, self._reading, self._sending):
                    await tasks.join(FLUSH_TIMEOUT_S)

    # What the client sends

    async def _read(self) -> None:
        while not self._quit.is_set():
            message = await self._socket.receive()
            early_s = self._rate.take(asyncio.get_running_loop().time())
            if early_s:  # the socket's own flow control holds the client back meanwhile
                await asyncio.sleep(early_s)
            if self._quit.is_set():  # meanwhile: nobody would end what begins now
                return
            if message is None:
                self.hang_up()
                return
            most = self._limits.message_bytes
            if len(message) > most:
                self.say(error_message(f"A message may have {most} bytes, not {len(message)}"))
                self.hang_up(CloseReason(TOO_BIG, "The message is too big"))
                return
            for event in self._protocol.receive(message):
                await self._take(event)

    async def _take(self, event: SocketEvent) -> None:
        opened = self.opened
        match event:
            case Start():
                await asyncio.wait([self._starting.start(self._start(event), "start")])
            case Audio() if opened is not None:
                opened.hear(event.payload)
            case Dtmf() if opened is not None:
                opened.keys.press(event.digit)
            case Mark() if opened is not None:
                opened.played(event.name)
            case Ping():
                self._put(self._protocol.pong())
            case Stop():
                self._calling = None  # the provider has ended the call
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
                self._calling = None  # it is not known whose call the provider would hang up
            code = REFUSED.get(refusal.code, POLICY_VIOLATION)
            self.hang_up(CloseReason(code, refusal.code))
            return
        except Exception as error:  # of the handler's copy()
            logger.exception("A connection over WebSocket failed as it began")
            self.say(error_message(str(error) or type(error).__name__))
            self.hang_up(CloseReason(INTERNAL_ERROR, "The handler failed"))
            return
        if (opened := self.opened) is None:
            self.hang_up()
            return
        if not there or self._quit.is_set():
            self.hang_up()
            opened.session.close("the client disconnected")
            return
        self._put(self._protocol.started(opened.start))
        opened.session.outbox.open(opened.send)
        opened.session.start()

    # What the client gets

    async def _send(self) -> None:
        try:
            await self._sender.run()
        except Exception:  # of many types, by the server; the client has gone
            logger.debug("A WebSocket was closed while it was sent to", exc_info=True)
            self.hang_up()

    def _put(self, message: str | bytes | None, *, audio: bool = False) -> None:
        if message is not None:
            self._sender.put(message, audio=audio)

    def say(self, text: str) -> None:
        """Send a message of the session, if such clients know any."""
        self._put(self._protocol.message(text))

    def say_once(self, text: str) -> None:
        """Send an error, if it has not been sent before."""
        if text not in self._said:
            self._said.add(text)
            self.say(error_message(text))

    def send_audio(self, payload: bytes) -> None:
        """Send audio, in the encoding of ``Start``."""
        self._put(self._protocol.audio(payload), audio=True)

    def send_mark(self, name: str) -> bool:
        """Ask the client to tell when it has played what was sent; False if it does not know how.

        Args:
            name: The name of the mark.
        """
        mark = self._protocol.mark(name)
        self._put(mark, audio=True)
        return mark is not None

    def clear_audio(self, *, played: bool) -> None:
        """Drop the audio that waits, and have the client drop what it has not played.

        Args:
            played: Whether it has played all, and need not be told.
        """
        self._sender.drop_audio()
        if not played:
            self._put(self._protocol.clear())

    # The end

    def _not_read(self) -> None:
        logger.warning("A client of a WebSocket does not read: its connection is closed")
        self.hang_up(CloseReason(POLICY_VIOLATION, "The client does not read"))

    def _broken(self, error: Exception) -> None:
        logger.error("A WebSocket cannot be served any more", exc_info=error)
        self.hang_up(CloseReason(INTERNAL_ERROR, "Internal error"))

    def hang_up(self, reason: CloseReason = CloseReason()) -> None:  # noqa: B008, it is frozen
        """Have the connection end; only the first reason counts."""
        self._end(reason)
        if (opened := self.opened) is not None:
            opened.expect_no_marks()
        self._quit.set()

    def _end(self, reason: CloseReason) -> CloseReason:
        """Begin to close; return the first reason."""
        if not isinstance(self._state, Closing):
            self._state = Closing(reason, self.opened)
        return self._state.reason

    async def close(self, reason: CloseReason, all_played: asyncio.Event | None = None) -> None:
        """Send what is left to say, and close the socket if the client has not.

        Args:
            reason: Why; one that was given before counts.
            all_played: Set when the client has played all; a client that is there is waited for.
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
            except Exception:  # of many types, by the server
                logger.debug("A WebSocket was closed by both ends", exc_info=True)
        self._socket.drop_if_unread(FLUSH_TIMEOUT_S)


async def end_call(protocol: SocketProtocol, call: Call, id: str) -> None:
    """Have the provider end a call, for 3 s at most; a failure is logged.

    Args:
        protocol: How the provider speaks.
        call: The call.
        id: The id of the connection, for the log.
    """
    try:
        hanging_up = contained("hang_up", protocol.hang_up(call))
        await asyncio.wait_for(hanging_up, HANG_UP_TIMEOUT_S)
    except Exception:  # of a program's own provider
        logger.exception("Call %s could not be hung up", id)
