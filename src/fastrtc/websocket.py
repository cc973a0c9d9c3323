"""One WebSocket and the session that travels over it: of a browser, a program or a phone call."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from fastapi import WebSocket, WebSocketDisconnect
from numpy.typing import NDArray
from starlette.websockets import WebSocketState

from .audio.converter import AudioConverter
from .audio.encodings import ENCODINGS
from .audio.g711 import encode_mulaw
from .core.context import Call, Context
from .core.errors import SessionRefused
from .core.failures import contained
from .core.limits import Limits, RateLimit
from .core.messages import current_channel, error_message
from .core.tasks import TaskOwner, runs_on
from .core.types import Modality, Mode
from .handlers.base import StreamHandlerBase
from .handlers.kinds import HandlerType, StreamHandlerImpl
from .handlers.link import link_of
from .handlers.stream import AsyncStreamHandler
from .pacing.allowance import AHEAD_S, Allowance
from .pacing.playout import Playout, PlayoutOptions
from .session.media import Media
from .session.session import Session
from .transport.socket._compat_server import drop_if_unread
from .transport.socket.events import (
    Audio,
    Dtmf,
    Invalid,
    Mark,
    Ping,
    SocketEvent,
    SocketProtocol,
    Start,
    Stop,
)
from .transport.socket.messages import BrowserMessages
from .transport.socket.pending import PendingConnections
from .transport.socket.playback import Playback
from .transport.socket.sender import SocketSender
from .transport.telephony.protocol import PhoneProtocol
from .utils import (
    AdditionalOutputs,
    CloseStream,
    DataChannel,
    audio_to_float32,
    audio_to_int16,
    current_context,
    split_output,
)

__all__ = [
    "AdditionalOutputs",
    "AsyncStreamHandler",
    "CloseStream",
    "Context",
    "DataChannel",
    "StreamHandlerImpl",
    "WebSocketDataChannel",
    "WebSocketHandler",
    "audio_to_float32",
    "audio_to_int16",
    "convert_to_mulaw",
    "current_context",
    "refuse_socket",
    "split_output",
]

logger = logging.getLogger(__name__)

SOCKET_PLAYOUT = PlayoutOptions(lead_s=0.16, tail_s=0.0)
"""Audio leaves up to 160 ms ahead of its time: it bridges the network's jitter, and is all that
a client has to drop on an interruption. TCP loses nothing, so no silence follows a reply."""

CHUNK_PLAYOUT = PlayoutOptions(lead_s=0.16, tail_s=0.0, whole_chunks=True, piece_s=1.0)
"""For clients that negotiated nothing: many play message after message, and would stutter with
short ones. They cannot drop what they have, so a message has 1 s at most."""

DEFAULT_RATE = 24_000
"""The rate of what a function gives, in Hz, to a client that names none: as of handlers."""

RECEIVED_WITHIN_S = 10.0
"""How long ``receive`` may take for what a client sent before it said that it stops."""

FLUSH_WITHIN_S = 1.0
"""How long the last messages to a client, and then its socket, are waited for at the end."""

HANG_UP_WITHIN_S = 3.0
"""How long a provider's ``hang_up`` may take."""

DEFAULT_LIMITS = Limits()

MOST_KEYS = 64
"""Keys of a telephone that wait for a slow handler; further ones are dropped."""

MOST_OUTPUTS = 1024
"""Outputs that a program's own ``_emit_to_queue`` may put ahead; then ``queue`` is full."""

NORMAL, GOING_AWAY, UNSUPPORTED, POLICY, TOO_BIG, INTERNAL_ERROR = (
    1000,
    1001,
    1003,
    1008,
    1009,
    1011,
)
"""Close codes of RFC 6455, section 7.4.1."""

TRY_AGAIN_LATER = 1013
"""The close code for a server that is full (IANA's WebSocket Close Code Number Registry)."""

REFUSED = {
    "concurrency_limit_reached": TRY_AGAIN_LATER,
    "too_many_connecting": TRY_AGAIN_LATER,
    "server_stopping": GOING_AWAY,
}
"""The close codes of refusals; else it is ``POLICY``."""

LONGEST_REASON = 123
"""Bytes that the reason in a close frame may have (RFC 6455, section 5.5)."""


async def refuse_socket(websocket: WebSocket, refusal: SessionRefused) -> None:
    """Tell the client of a WebSocket that it is refused, and close it.

    Args:
        websocket: Accepted already, or not yet.
        refusal: Why.
    """
    if websocket.application_state is WebSocketState.CONNECTING:
        await websocket.accept()
    with suppress(WebSocketDisconnect, RuntimeError):  # the client has gone meanwhile
        await websocket.send_text(json.dumps(refusal.answer))
        await websocket.close(POLICY, _shortened(refusal.code))


class WebSocketDataChannel(DataChannel):
    """Where messages go to the client of a WebSocket.

    Args:
        websocket: The WebSocket.
        loop: The event loop that serves it.
        post: Sends a text to the client; by default as a message of its own.
    """

    def __init__(
        self,
        websocket: WebSocket | None,
        loop: asyncio.AbstractEventLoop,
        post: Callable[[str], None] | None = None,
    ) -> None:
        self.websocket = websocket
        self.loop = loop
        self._post = post or self._send_text

    def send(self, message: str) -> None:
        """Send a text to the client; from any thread. A phone call has no use for it."""
        self._post(message)

    def _send_text(self, message: str) -> None:
        assert self.websocket is not None
        asyncio.run_coroutine_threadsafe(self.websocket.send_text(message), self.loop)


class WebSocketHandler:
    """Serves one WebSocket.

    Args:
        stream_handler: The handler of the connection. One in ``phone_mode`` is called by
            telephone, unless ``protocol`` says otherwise.
        set_handler: Awaited with the id and this object when the client starts: takes the
            connection's place, and may ``open`` its session. It refuses the connection by
            raising ``SessionRefused``, or by closing the WebSocket.
        clean_up: Called with the id when the connection begins to end.
        additional_outputs_factory: Makes what takes the ``AdditionalOutputs`` of an id.
        mode: In which direction audio flows, seen from the client.
        modality: Which media the handler has; of them, audio goes over the socket.
        time_limit: How long the connection may last, in seconds.
        protocol: How the client speaks; by default as a browser does.
        copies: Whether the connection gets a copy of the handler, made when it starts.
        limits: What the client may cost.
        pending: Where it waits until it has started, with others.

    Attributes:
        websocket: The WebSocket, once it is handled.
        stream_handler: The handler; from ``start`` on the copy that runs.
        stream_id: The id that the client chose, once it has started.
        data_channel: Where messages to the client go, once it has started.
        queue: What is put here is sent, as if ``emit`` had given it.
        quit: Set when the connection ends.
    """

    def __init__(
        self,
        stream_handler: HandlerType,
        set_handler: Callable[[str, WebSocketHandler], Awaitable[None]],
        clean_up: Callable[[str], Any],
        additional_outputs_factory: Callable[[str], Callable[[AdditionalOutputs], Any]],
        *,
        mode: Mode = "send-receive",
        modality: Modality = "audio",
        time_limit: float | None = None,
        protocol: SocketProtocol | None = None,
        copies: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        pending: PendingConnections | None = None,
    ) -> None:
        self.stream_handler: Any = stream_handler
        self.set_handler = set_handler
        self.clean_up = clean_up
        self.additional_outputs_factory = additional_outputs_factory
        self.set_additional_outputs_factory = additional_outputs_factory
        self.websocket: WebSocket | None = None
        self.stream_id: str | None = None
        self.data_channel: WebSocketDataChannel | None = None
        self.queue: asyncio.Queue[Any] = asyncio.Queue(MOST_OUTPUTS)
        self.quit = asyncio.Event()
        self._mode = mode
        self._modality = modality
        self._time_limit = time_limit
        self._copies = copies
        self._limits = limits
        self._rate = RateLimit(limits.messages_per_s)
        self._pending = PendingConnections() if pending is None else pending
        self._protocol: SocketProtocol = protocol or (
            PhoneProtocol() if getattr(stream_handler, "phone_mode", False) else BrowserMessages()
        )
        self._start: Start | None = None
        self._session: Session | None = None
        self._media: Media | None = None
        self._close_code: int | None = None
        self._close_reason = ""
        self._allowance = Allowance()
        self._stopped = False
        self._told: set[str] = set()
        self._keys: asyncio.Queue[str] = asyncio.Queue(MOST_KEYS)
        self._heard = False  # audio was sent that the client may not have played
        self._playback = Playback()
        self._mark_played = asyncio.Event()
        self._mark_played.set()

    @property
    def event_handler(self) -> Any:
        """The handler that runs; as the callbacks of a WebRTC connection have it."""
        return self.stream_handler

    @property
    def channel(self) -> WebSocketDataChannel | None:
        """The data channel, once the client has started."""
        return self.data_channel

    @property
    def call(self) -> Call | None:
        """The telephone call that it is, if it is one, once it has started."""
        return None if self._start is None else self._start.call

    # --- The socket -------------------------------------------------------------------------

    async def handle_websocket(self, websocket: WebSocket) -> None:
        """Serve a WebSocket until it, or its session, ends.

        Args:
            websocket: Accepted already, or not yet.
        """
        self.websocket = websocket
        if websocket.application_state is WebSocketState.CONNECTING:
            await websocket.accept()
        self._sender = SocketSender(self._send, self._not_read)
        tasks = TaskOwner("fastrtc-websocket", on_error=self._broken)
        sending = tasks.start(self._run_sender(), "send")
        tasks.start(contained("the connection", self._read()), "read")
        within_s = self._limits.start_within_s
        timer = asyncio.get_running_loop().call_later(
            within_s, self._hang_up, POLICY, f"No start within {within_s:.0f} s"
        )
        self._pending.enter(
            self,
            lambda: self._hang_up(TRY_AGAIN_LATER, "Too many wait to start"),
            limit=self._limits.sockets_waiting,
        )
        self._timer = timer
        self._sending = sending
        try:
            await self.quit.wait()
        finally:
            timer.cancel()
            self._pending.leave(self)
            self._hang_up()  # also when the server cancels this
            try:
                if self._session is None:
                    await self._close_socket()
                else:
                    if self._media is not None and self._media.audio_in is not None:
                        self._media.audio_in.flush()  # the client sends no more
                    self._session.close(self._close_reason or "the client disconnected")
                    await self._session.closed.wait()
            finally:
                tasks.cancel()
                await tasks.join(FLUSH_WITHIN_S)

    async def _read(self) -> None:
        assert self.websocket is not None
        while not self.quit.is_set():
            message = await self.websocket.receive()
            early_s = self._rate.take(asyncio.get_running_loop().time())
            if early_s:  # the socket's own flow control holds the client back meanwhile
                await asyncio.sleep(early_s)
            if self.quit.is_set():  # meanwhile: nobody would end what begins now
                return
            if message["type"] == "websocket.disconnect":
                self._hang_up()
                return
            content = message.get("text")
            if content is None:
                content = message.get("bytes") or b""
            most = self._limits.message_bytes
            if len(content) > most:
                self._say_error(f"A message may have {most} bytes, not {len(content)}")
                self._hang_up(TOO_BIG, "The message is too big")
                return
            for event in self._protocol.receive(content):
                await self._take(event)

    async def _take(self, event: SocketEvent) -> None:
        match event:
            case Start():
                await self._begin(event)
            case Audio():
                self._hear(event.payload)
            case Dtmf():
                self._press(event.digit)
            case Mark():
                self._playback.played(event.name)
                if self._playback.all_played:
                    self._mark_played.set()
            case Ping():
                self._put(self._protocol.pong())
            case Stop():
                self._stopped = True
                if self._media is not None and self._media.audio_in is not None:
                    await self._media.audio_in.finish(RECEIVED_WITHIN_S)
                self._hang_up(NORMAL, "Stopped by the client")
            case Invalid():
                self._say_error(event.reason)
                if event.close_code is not None:
                    self._hang_up(event.close_code, event.reason)

    async def _run_sender(self) -> None:
        try:
            await self._sender.run()
        except Exception:  # of many types, by the server; the client has gone
            logger.debug("A WebSocket was closed while it was sent to", exc_info=True)
            self._hang_up()

    async def _send(self, message: str | bytes) -> None:
        assert self.websocket is not None
        if isinstance(message, str):
            await self.websocket.send_text(message)
        else:
            await self.websocket.send_bytes(message)

    def _put(self, message: str | bytes | None, *, audio: bool = False) -> None:
        if message is not None:
            self._sender.put(message, audio=audio)

    def _say(self, text: str) -> None:
        self._put(self._protocol.message(text))

    def _post(self, text: str) -> None:
        """Send a text of a program; from any thread, once there is a session."""
        if self._session is None:
            self._say(text)
        else:
            self._session.outbox.post(text)

    def _say_error(self, text: str) -> None:
        self._say(error_message(text))

    def _say_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._say_error(text)

    def _not_read(self) -> None:
        logger.warning("A client of a WebSocket does not read: its connection is closed")
        self._hang_up(POLICY, "The client does not read")

    def _broken(self, error: Exception) -> None:
        logger.error("A WebSocket cannot be served any more", exc_info=error)
        self._hang_up(INTERNAL_ERROR, "Internal error")

    def _hang_up(self, code: int = NORMAL, reason: str = "") -> None:
        """End the connection; only the first code counts."""
        self._decide(code, reason)
        self._mark_played.set()  # or never will be
        self.quit.set()

    def _decide(self, code: int, reason: str) -> None:
        if self._close_code is None:
            self._close_code, self._close_reason = code, reason

    async def _close_socket(self) -> None:
        """Send what is left to say, and close the socket if the client has not."""
        session = self._session
        if session is not None:
            code, reason = NORMAL, session.reason or ""
            if session.failed:
                code, reason = INTERNAL_ERROR, "The handler failed"
            elif session.going_away:
                code = GOING_AWAY
                self._say_error(reason)
            self._decide(code, reason)
            if not self.quit.is_set():  # the client is there, and read until it has played all
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._mark_played.wait(), FLUSH_WITHIN_S)
        self._hang_up()
        websocket = self.websocket
        assert websocket is not None and self._close_code is not None
        if websocket.client_state is WebSocketState.CONNECTED:
            await self._sender.flush(FLUSH_WITHIN_S)
        await self._end_call()
        self._sender.end()
        self._sending.cancel()
        if (
            websocket.client_state is WebSocketState.CONNECTED
            and websocket.application_state is WebSocketState.CONNECTED
        ):
            try:
                close = websocket.close(self._close_code, _shortened(self._close_reason))
                await asyncio.wait_for(close, FLUSH_WITHIN_S)
            except Exception:  # of many types, by the server
                logger.debug("A WebSocket was closed by both ends", exc_info=True)
        drop_if_unread(websocket, FLUSH_WITHIN_S)

    async def _end_call(self) -> None:
        """Have the provider end the call, unless it has said itself that it has ended."""
        if self.call is None or self._stopped:
            return
        try:
            hanging_up = contained("hang_up", self._protocol.hang_up(self.call))
            await asyncio.wait_for(hanging_up, HANG_UP_WITHIN_S)
        except Exception:  # of a program's own provider
            logger.exception("Call %s could not be hung up", self.stream_id)

    # --- The session ------------------------------------------------------------------------

    async def _begin(self, start: Start) -> None:
        self._timer.cancel()
        self._pending.leave(self)
        self._start = start
        self.stream_id = start.id
        if "audio" not in self._modality:
            self._say_error("This stream has no audio: connect over WebRTC")
            self._hang_up(UNSUPPORTED, "This stream has no audio")
            return
        self.data_channel = WebSocketDataChannel(
            self.websocket, asyncio.get_running_loop(), self._post
        )
        try:
            await self.set_handler(start.id, self)
            if self.websocket is None or not _is_open(self.websocket):
                self._hang_up()
                return
            session = self._session or (await self.open())[0]
        except SessionRefused as refusal:
            self._say(json.dumps(refusal.answer))
            if refusal.code == "unauthorized":
                self._stopped = True  # nor is it known whose call the provider would hang up
            self._hang_up(REFUSED.get(refusal.code, POLICY), refusal.code)
            return
        except Exception as error:  # of the handler's copy()
            logger.exception("A connection over WebSocket failed as it began")
            self._say_error(str(error) or type(error).__name__)
            self._hang_up(INTERNAL_ERROR, "The handler failed")
            return
        assert self._start is not None
        self._put(self._protocol.started(self._start))
        session.outbox.open(self._say)
        session.start()

    async def open(self) -> tuple[Session, Media]:
        """Make the session of the connection; what ``set_handler`` may do, once.

        Raises:
            Exception: Of the handler's ``copy()``.
        """
        start = self._start
        assert start is not None, "The client has not started yet"
        session = await Session.create(
            start.id,
            self.stream_handler,
            deliver=self.additional_outputs_factory(start.id),
            release=lambda session: self.clean_up(session.id),
            time_limit=self._time_limit,
            websocket=self.websocket,
            copies=self._copies,
            call=start.call,
        )
        try:
            media = self._open_media(session, start)
        except BaseException as error:
            session.close(f"the connection failed as it began: {error!r}")
            raise
        session.context.run(current_channel.set, self.data_channel)
        session.on_start(self._run)
        session.on_close(self._close_socket)
        return session, media

    def _open_media(self, session: Session, start: Start) -> Media:
        handler = session.handler
        self._start = start = replace(
            start,
            input_rate=start.input_rate or getattr(handler, "input_sample_rate", DEFAULT_RATE),
            output_rate=start.output_rate or getattr(handler, "output_sample_rate", DEFAULT_RATE),
        )
        assert start.input_rate is not None and start.output_rate is not None
        self._encoding = ENCODINGS[start.encoding]
        self._input_rate = start.input_rate
        options = SOCKET_PLAYOUT if start.framed else CHUNK_PLAYOUT
        playout = Playout(start.output_rate, most_channels=1, options=options)
        media = Media(
            session,
            "audio",
            self._mode,
            playout=playout,
            flat=True,
            framed=start.framed,
            ask=self._emit,
        )
        self._session, self._media, self.stream_handler = session, media, handler
        if isinstance(handler, StreamHandlerBase):
            handler.phone_mode = start.call is not None
            assert self.data_channel is not None
            handler.set_channel(self.data_channel)
            link = link_of(handler)
            link.clear_queue = self._clear_queue
            link.queued_s = self._unplayed_s
        return media

    def _run(self) -> None:
        session, media = self._session, self._media
        assert session is not None and media is not None and media.audio_out is not None
        session.run("outputs", self._take_outputs())
        if media.audio_out.playout is not None:
            media.audio_out.on_played = lambda: self._send_mark(self._playback.ended())
            session.run("send", self._send_audio())
        if self.call is not None:
            session.run("keys", self._take_keys())

    def _hear(self, payload: bytes) -> None:
        media = self._media
        if media is None or not payload:
            return
        if media.audio_in is None:
            self._say_once("This stream takes no audio")
            return
        now = asyncio.get_running_loop().time()
        seconds = len(payload) / self._encoding.sample_bytes / self._input_rate
        if not self._allowance.take(seconds, now):
            self._say_once(
                f"The audio comes faster than it can have been recorded: what is more than "
                f"{AHEAD_S:.0f} s ahead is dropped"
            )
            return
        samples = self._encoding.decode(payload)
        media.audio_in.push(self._input_rate, samples[np.newaxis])

    async def _send_audio(self) -> None:
        assert self._media is not None and self._media.audio_out is not None
        assert self._start is not None and self._start.output_rate is not None
        loop = asyncio.get_running_loop()
        while True:
            frame = await self._media.audio_out.frame()
            self._heard = True
            payload = self._encoding.encode(frame.samples)
            self._put(self._protocol.audio(payload), audio=True)
            seconds = frame.samples.shape[1] / self._start.output_rate
            self._send_mark(self._playback.sent(seconds, loop.time()))

    def _send_mark(self, name: str | None) -> None:
        """Ask the client to tell when it has played what was sent."""
        mark = None if name is None else self._protocol.mark(name)
        if mark is not None:
            self._mark_played.clear()
            self._put(mark, audio=True)

    def _unplayed_s(self) -> float:
        """Tell how much audio the client has not played, in seconds; from any thread.

        By the marks that it sends back, or else by the clock.
        """
        assert self._session is not None and self._media is not None
        playout = None if self._media.audio_out is None else self._media.audio_out.playout
        if playout is None:
            return 0.0
        now = self._session.loop.time()
        return playout.queued_s + max(playout.ahead_s(now), self._playback.unplayed_s(now))

    def _press(self, digit: str) -> None:
        if self._keys.full():
            self._say_once(f"More than {MOST_KEYS} keys wait: further ones are dropped")
        else:
            self._keys.put_nowait(digit)

    async def _take_keys(self) -> None:
        assert self._session is not None
        failures = self._session.failures("receive_dtmf")
        while True:
            digit = await self._keys.get()
            receive = getattr(self.stream_handler, "receive_dtmf", None)
            if receive is not None:
                try:
                    await self._session.invoker.call("receive_dtmf", receive, digit)
                except Exception as error:
                    failures.failed(error)
                else:
                    failures.succeeded()

    async def _take_outputs(self) -> str | None:
        """Send what a program's own ``_emit_to_queue`` gives."""
        assert self._media is not None and self._media.audio_out is not None
        while True:
            reason = await self._media.audio_out.accept(await self.queue.get())
            if reason is not None:
                return reason

    async def _emit(self) -> str | None:
        reason = await self._emit_to_queue()
        return reason if isinstance(reason, str) else None

    # --- What programs use, or replace ------------------------------------------------------

    async def _emit_to_queue(self) -> Any:
        """Ask the handler for audio, for as long as the connection lasts.

        A program may put a function of its own in its place in the class, which puts what
        the handler gives into ``queue``, until ``quit`` is set.
        """
        assert self._media is not None
        return await self._media.run_emit()

    def emit_with_context(self) -> Any:
        """Call the handler's ``emit`` with the context of the connection."""
        return self._in_context(self.stream_handler.emit)

    def receive_with_context(self, frame: tuple[int, NDArray[np.int16]]) -> Any:
        """Call the handler's ``receive`` with the context of the connection."""
        return self._in_context(self.stream_handler.receive, frame)

    def _in_context(self, function: Callable[..., Any], *args: Any) -> Any:
        if self._session is None:
            return function(*args)
        context = self._session.context.copy()
        result = context.run(function, *args)
        if inspect.iscoroutine(result) and runs_on(self._session.loop):
            return context.run(asyncio.ensure_future, result)
        return result

    def set_args(self, args: list[Any]) -> None:
        """Take inputs for the handler; callable from any thread."""
        if self._media is not None:
            self._media.set_args(args)
        else:
            self.stream_handler.set_args(args)

    def _clear_queue(self) -> None:
        """Drop the audio that is not yet played, also at the client; from any thread."""
        if self._media is None or self._session is None:
            return
        self._media.clear()
        if runs_on(self._session.loop):
            self._clear_client()
        else:
            self._session.invoker.post(self._clear_client)

    def _clear_client(self) -> None:
        while not self.queue.empty():
            self.queue.get_nowait()
        self._sender.drop_audio()
        self._playback.cleared()
        self._mark_played.set()
        if self._heard:
            self._heard = False
            self._put(self._protocol.clear())


def convert_to_mulaw(audio_data: NDArray[Any], original_rate: int, target_rate: int) -> bytes:
    """Write audio in mu-law.

    Args:
        audio_data: Mono samples of any real dtype.
        original_rate: Their rate, in Hz.
        target_rate: The rate to write them at, in Hz.
    """
    converter = AudioConverter(target_rate, 1)
    samples = [converter.convert(original_rate, audio_data), converter.flush()]
    return encode_mulaw(np.concatenate(samples, axis=1))


def _is_open(websocket: WebSocket) -> bool:
    return websocket.application_state is WebSocketState.CONNECTED


def _shortened(reason: str) -> str:
    return reason.encode()[:LONGEST_REASON].decode(errors="ignore")
