"""A WebSocket connection and its session: of a browser, a program or a telephone call."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from fastapi import WebSocket
from numpy.typing import NDArray

from .audio.converter import AudioConverter
from .audio.g711 import encode_mulaw
from .core.close_reason import UNSUPPORTED_DATA, CloseReason
from .core.context import Call, Context
from .core.identity import current_identity
from .core.limits import DEFAULT_LIMITS, Limits
from .core.messages import error_message
from .core.resume import ResumeRequest
from .core.tasks import runs_on
from .core.types import Modality, Mode
from .handlers.kinds import HandlerType, StreamHandlerImpl
from .handlers.stream import AsyncStreamHandler
from .server.socket_endpoint import SocketEndpoint
from .server.web_socket import StarletteSocket
from .session.media import Media
from .session.session import Session
from .transport.socket.connection import SocketConnection
from .transport.socket.events import SocketEvent, SocketProtocol, Start
from .transport.socket.messages import BrowserMessages
from .transport.socket.open_socket import OpenSocket, SocketOptions
from .transport.socket.pending import PendingConnections
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
    "serve_socket",
    "split_output",
]

logger = logging.getLogger(__name__)

MAX_OUTPUTS = 1024
"""Capacity of ``queue``, which a program's own ``_emit_to_queue`` fills."""


class WebSocketDataChannel(DataChannel):
    """Sends messages to the client of a WebSocket.

    Args:
        websocket: The WebSocket.
        loop: The event loop that serves it.
        post: Sends a string to the client; by default as a WebSocket message.
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
        """Send a string to the client; thread-safe. Telephone calls ignore it."""
        self._post(message)

    def _send_text(self, message: str) -> None:
        if self.websocket is not None:
            asyncio.run_coroutine_threadsafe(self.websocket.send_text(message), self.loop)


class WebSocketHandler:
    """The connection of one WebSocket.

    Args:
        stream_handler: The handler of the connection. If it is in ``phone_mode``, the client is a
            telephone provider unless ``protocol`` says otherwise.
        set_handler: Awaited with the id and this object when the client starts: reserves the
            connection's place, and may ``open`` its session. It refuses the connection by
            raising ``SessionRefused``, or by closing the WebSocket.
        clean_up: Called with the id when the connection starts to close.
        additional_outputs_factory: Returns the function that receives the ``AdditionalOutputs`` of
            an id.
        mode: The direction of the audio, as seen by the client.
        modality: The media of the handler; the socket carries only the audio.
        time_limit: Maximum duration of the connection, in seconds.
        protocol: The client's protocol; by default that of browsers.
        copies: Whether the connection uses a copy of the handler, created when it starts.
        limits: Resource limits of the client.
        pending: Connections whose clients have not started yet, which this one joins.
        first: Events that the opening of the socket implies, such as ``Start``.
        carried: Called with the transport when the session has got one, before it starts.

    Attributes:
        websocket: The WebSocket, once it is handled.
        stream_handler: The handler; after ``start``, the running copy.
        stream_id: The id chosen by the client, once it has started.
        data_channel: Sends messages to the client, once it has started.
        queue: Outputs to send, as if ``emit`` had returned them.
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
        first: Sequence[SocketEvent] = (),
        carried: Callable[[OpenSocket], None] | None = None,
    ) -> None:
        self.stream_handler: Any = stream_handler
        self.set_handler = set_handler
        self.clean_up = clean_up
        self.additional_outputs_factory = additional_outputs_factory
        self.set_additional_outputs_factory = additional_outputs_factory
        self.websocket: WebSocket | None = None
        self.stream_id: str | None = None
        self.data_channel: WebSocketDataChannel | None = None
        self.queue: asyncio.Queue[Any] = asyncio.Queue(MAX_OUTPUTS)
        self.quit = asyncio.Event()
        self._mode = mode
        self._modality = modality
        self._time_limit = time_limit
        self._copies = copies
        self._limits = limits
        self._pending = PendingConnections() if pending is None else pending
        self._protocol: SocketProtocol = protocol or (
            PhoneProtocol() if getattr(stream_handler, "phone_mode", False) else BrowserMessages()
        )
        self._started: tuple[SocketConnection, Start] | None = None
        self._opened: OpenSocket | None = None
        self._first = first
        self._carried = carried

    @property
    def event_handler(self) -> Any:
        """The running handler, under the name that callbacks of a WebRTC connection use."""
        return self.stream_handler

    @property
    def call(self) -> Call | None:
        """The telephone call, if it is one and has started."""
        return None if self._started is None else self._started[1].call

    @property
    def replaces(self) -> str | None:
        """The id of an attempt to connect over WebRTC that the client has given up."""
        return None if self._started is None else self._started[1].replaces

    @property
    def resume(self) -> ResumeRequest | None:
        """What the client says about resuming its session; None if it says nothing."""
        return None if self._started is None else self._started[1].resume

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata of the client; of a telephone call, its custom parameters."""
        if self._started is None:
            return {}
        start = self._started[1]
        return start.metadata if start.call is None else start.call.parameters

    # --- The socket -------------------------------------------------------------------------

    async def handle_websocket(self, websocket: WebSocket) -> None:
        """Serve a WebSocket until it, or its session, ends.

        Args:
            websocket: The WebSocket, accepted or not.
        """
        self.websocket = websocket
        socket = StarletteSocket(websocket)
        await socket.accept()

        async def begin(start: Start) -> bool:
            return await self._begin(connection, websocket, start)

        connection = SocketConnection(
            socket,
            self._protocol,
            begin,
            quit=self.quit,
            limits=self._limits,
            pending=self._pending,
            first=self._first,
        )
        await connection.run()

    async def _begin(
        self, connection: SocketConnection, websocket: WebSocket, start: Start
    ) -> bool:
        self._started = connection, start
        self.stream_id = start.id
        if "audio" not in self._modality:
            connection.say(error_message("This stream has no audio: connect over WebRTC"))
            connection.hang_up(CloseReason(UNSUPPORTED_DATA, "This stream has no audio"))
            return False
        self.data_channel = WebSocketDataChannel(
            websocket, asyncio.get_running_loop(), partial(self._post, connection)
        )
        await self.set_handler(start.id, self)
        if not StarletteSocket(websocket).is_open:
            return False
        if self._opened is None:
            await self.open()
        return True

    def _post(self, connection: SocketConnection, text: str) -> None:
        """Send a string of the program; thread-safe once there is a session."""
        if self._opened is None:
            connection.say(text)
        else:
            self._opened.session.outbox.post(text)

    async def open(self) -> tuple[Session, Media]:
        """Create the session of the connection; ``set_handler`` may call this once.

        Raises:
            RuntimeError: If the client has not started yet.
            Exception: Any exception of the handler's ``copy()``.
        """
        if self._started is None:
            raise RuntimeError("The client has not started yet")
        _, start = self._started
        session = await Session.create(
            start.id,
            self.stream_handler,
            deliver=self.additional_outputs_factory(start.id),
            release=lambda session: self.clean_up(session.id),
            time_limit=self._time_limit,
            websocket=self.websocket,
            copies=self._copies,
            call=start.call,
            identity=replace(current_identity.get(), metadata=self.metadata),
        )
        return session, self.carry(session).media

    def carry(self, session: Session, media: Media | None = None) -> OpenSocket:
        """Use a session that ``set_handler`` has created, instead of ``open``.

        Args:
            session: The session.
            media: The media of a session that the client resumes; None for a new one.

        Returns:
            The transport of the session, with its media.

        Raises:
            RuntimeError: If the client has not started yet.
        """
        if self._started is None or self.data_channel is None:
            raise RuntimeError("The client has not started yet")
        connection, start = self._started
        options = SocketOptions(
            self._mode, self.data_channel, self.queue, self._emit, self._clear_queue
        )
        try:
            self._opened = connection.open(session, start, options, media)
        except BaseException as error:
            if media is None:
                session.close(f"the connection failed to start: {error!r}")
            raise
        self.queue = self._opened.queue
        self.stream_handler = session.handler
        if self._carried is not None:
            self._carried(self._opened)
        return self._opened

    async def _emit(self) -> str | None:
        reason = await self._emit_to_queue()
        return reason if isinstance(reason, str) else None

    # --- Methods that programs use or replace -------------------------------------------------

    async def _emit_to_queue(self) -> Any:
        """Call the handler's ``emit`` until the connection ends.

        A program may replace this method of the class by a function that puts the handler's outputs
        into ``queue`` until ``quit`` is set.
        """
        return None if self._opened is None else await self._opened.media.run_emit()

    def emit_with_context(self) -> Any:
        """Call the handler's ``emit`` in the context of the connection."""
        return self._in_context(self.stream_handler.emit)

    def receive_with_context(self, frame: tuple[int, NDArray[np.int16]]) -> Any:
        """Call the handler's ``receive`` in the context of the connection."""
        return self._in_context(self.stream_handler.receive, frame)

    def _in_context(self, function: Callable[..., Any], *args: Any) -> Any:
        if self._opened is None:
            return function(*args)
        session = self._opened.session
        context = session.context.copy()
        result = context.run(function, *args)
        if inspect.iscoroutine(result) and runs_on(session.loop):
            return context.run(asyncio.ensure_future, result)
        return result

    def set_args(self, args: list[Any]) -> None:
        """Set the inputs of the handler; thread-safe."""
        if self._opened is not None:
            self._opened.media.set_args(args)
        else:
            self.stream_handler.set_args(args)

    def _clear_queue(self) -> None:
        """Drop the audio that is not yet played, including the client's buffer; thread-safe."""
        if self._opened is not None:
            self._opened.clear()


async def serve_socket(
    endpoint: SocketEndpoint,
    websocket: WebSocket,
    protocol: SocketProtocol | None = None,
    *,
    first: Sequence[SocketEvent] = (),
    carried: Callable[[OpenSocket], None] | None = None,
) -> None:
    """Serve a WebSocket as a connection of a stream or a page, until it ends.

    Args:
        endpoint: Its endpoint.
        websocket: The WebSocket, accepted or not.
        protocol: The client's protocol; by default that of browsers.
        first: Events that the opening of the socket implies: see ``WebSocketHandler``.
        carried: Called with the transport of the session before it starts.
    """
    stream = endpoint.owner
    handler = WebSocketHandler(
        stream.event_handler,
        endpoint.connect,
        endpoint.release,
        stream.set_additional_outputs,
        mode=stream.mode,
        modality="audio" if endpoint.has_voice else stream.modality,
        time_limit=stream.time_limit,
        protocol=protocol,
        copies=True,
        limits=stream.limits,
        pending=endpoint.pending,
        first=first,
        carried=carried,
    )
    await handler.handle_websocket(websocket)


def convert_to_mulaw(audio_data: NDArray[Any], original_rate: int, target_rate: int) -> bytes:
    """Encode audio as mu-law (G.711).

    Args:
        audio_data: Mono samples of any real dtype.
        original_rate: Their sample rate, in Hz.
        target_rate: The sample rate of the result, in Hz.
    """
    converter = AudioConverter(target_rate, 1)
    samples = [converter.convert(original_rate, audio_data), converter.flush()]
    return encode_mulaw(np.concatenate(samples, axis=1))
