"""A connection over ``/websocket/offer``: see docs/websocket.md."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from ..audio.encodings import ENCODINGS
from ..core.versions import CLIENT_VERSION, check_server_version
from .errors import JSON, ClientError, refused, socket_closed
from .link import LinkEvents, SocketEncoding
from .signaling import unreachable
from .socket_redirects import connect_socket

__all__ = ["WebSocketLink"]

CLOSE_TIMEOUT_S = 2.0
"""How long the server may take to process the last audio before the socket is closed."""

LIVENESS: dict[str, Any] = {"ping_interval": 1.5, "ping_timeout": 5.0, "close_timeout": 2.0}
"""How soon a client that resumes its session notices that the network is lost, in seconds."""

SERVICE_UNAVAILABLE = 503

FULL_PAUSES_S = (0.05, 0.1, 0.1, 0.2, 0.2, 0.4, 0.4, 0.8)
"""Pauses between attempts to reach a process with a free place, in seconds. Workers of one machine
get connections at random. Sockets of others that never start make one look full for 2 s."""

MAX_MESSAGE = 1 << 24
"""The longest message of the server, in bytes."""


class WebSocketLink:
    """Implement ``Link`` over a WebSocket.

    Args:
        url: The URL of the page or stream, as of ``page_url``.
        id: The ``websocket_id``.
        headers: The headers of the handshake.
        rate: Sample rate in both directions, in Hz.
        encoding: Encoding of the audio.
        events: Receives what the server sends.
        metadata: The metadata for the program; None for none.

    Attributes:
        reached: Whether a connection to the server was established, for the handshake.
        answered: Whether the server has accepted the ``start``.
        resume: ``resume`` of its answer.
    """

    def __init__(
        self,
        url: str,
        id: str,
        headers: Mapping[str, str],
        rate: int,
        encoding: SocketEncoding,
        events: LinkEvents,
        metadata: Mapping[str, JSON] | None = None,
    ) -> None:
        self._url = "ws" + url.removeprefix("http") + "/websocket/offer"
        self._id = id
        self._headers = headers
        self.rate = rate
        self._encoding_name = encoding
        self._encoding = ENCODINGS[encoding]
        self._events = events
        self._metadata = metadata
        self._unsent: set[asyncio.Task[None]] = set()
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._started: asyncio.Future[None] | None = None  # from `open`, which needs a loop
        self._closing = False
        self.reached = self.answered = False
        self.resume: Any = None
        self._resumes = False
        self._heard = 0

    @property
    def heard(self) -> int | None:
        """How many samples were received."""
        return self._heard

    async def open(self, fields: Mapping[str, Any] | None = None) -> Any:
        """Connect, and negotiate the format of the audio.

        Args:
            fields: Further fields of ``start``.

        Returns:
            ``resume`` of the answer.

        Raises:
            ClientError: If the server refuses the connection or cannot be reached.
        """
        self._resumes = bool(fields)
        self._started = asyncio.get_running_loop().create_future()
        self._socket = await self._connect()
        self._reader = asyncio.ensure_future(self._read(self._socket))
        audio = {
            "encoding": self._encoding_name,
            "input_sample_rate": self.rate,
            "output_sample_rate": self.rate,
            "binary": True,
            "pause": True,
        }
        start: dict[str, Any] = {"event": "start", "websocket_id": self._id, "audio": audio}
        start |= CLIENT_VERSION
        if self._metadata is not None:
            start["metadata"] = self._metadata
        start |= fields or {}
        with contextlib.suppress(ConnectionClosed):  # the reader knows why
            await self._socket.send(json.dumps(start))
            await self._socket.send('{"event": "ping"}')
        await self._started
        return self.resume

    async def close(self, *, stop: bool = True) -> None:
        """Send ``stop``, and close the socket; never raises.

        Args:
            stop: Whether the session ends; otherwise the socket is dropped.
        """
        self._closing = True
        if self._socket is not None and not stop:
            self._socket.transport.abort()
        if self._socket is not None and self._reader is not None:
            with contextlib.suppress(ConnectionClosed, asyncio.TimeoutError):
                await self._socket.send('{"event": "stop"}')
                await asyncio.wait_for(asyncio.shield(self._reader), CLOSE_TIMEOUT_S)
            await self._socket.close()
            await self._reader
        if self._started is not None and not self._started.cancel():
            if not self._started.cancelled():
                self._started.exception()  # it was raised, or the client was closed before

    async def send_audio(self, samples: NDArray[np.int16]) -> None:
        """Send audio, shape ``(n,)``."""
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):  # `ended` says so
                await self._socket.send(self._encoding.encode(samples))

    async def send_video(self, image: NDArray[np.uint8]) -> None:
        """Raise an error.

        Raises:
            ValueError: A WebSocket carries no video.
        """
        raise ValueError("A WebSocket carries no video: use transport='webrtc'")

    def send_message(self, text: str) -> None:
        """Send a message."""
        sending = asyncio.ensure_future(self._send_text(text))
        self._unsent.add(sending)
        sending.add_done_callback(self._unsent.discard)

    async def _send_text(self, text: str) -> None:
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):  # `ended` says so
                await self._socket.send(text)

    async def _connect(self) -> ClientConnection:
        """Connect; try again if this reaches a process that is full while others are not."""
        for pause_s in FULL_PAUSES_S:
            try:
                return await self._connect_once()
            except ClientError as error:
                if error.code not in ("concurrency_limit_reached", "server_stopping"):
                    raise
            await asyncio.sleep(pause_s)
        return await self._connect_once()

    async def _connect_once(self) -> ClientConnection:
        try:
            return await connect_socket(
                self._url,
                self._headers,
                create_connection=partial(_Connection, self._reach),
                open_timeout=None,
                max_size=MAX_MESSAGE,
                **(LIVENESS if self._resumes else {}),
            )
        except InvalidStatus as error:
            if error.response.status_code == SERVICE_UNAVAILABLE:
                answer = _parse((error.response.body or b"").decode(errors="replace"))
                if answer.get("status") == "failed":
                    raise refused(answer) from error
            raise _handshake_failed(self._url, error.response.status_code) from error
        except (OSError, InvalidHandshake) as error:
            raise unreachable(self._url, error) from error

    def _reach(self) -> None:
        self.reached = True

    async def _read(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                if isinstance(message, str):
                    self._receive(message)
                elif len(message) % self._encoding.sample_bytes == 0:
                    samples = self._encoding.decode(message)
                    self._heard += len(samples)
                    self._events.audio(self.rate, samples)
        self._end(socket_closed(socket.close_code, socket.close_reason or ""))

    def _receive(self, text: str) -> None:
        message = _parse(text)
        event = message.get("event")
        if event == "started":
            if (starting := self._starting()) is not None:
                self.answered, self.resume = True, message.get("resume")
                check_server_version(message)
                starting.set_result(None)
        elif event == "clear":
            self._events.clear()
        elif event == "pause":
            self._events.pause()
        elif event == "resume":
            self._events.resume()
        elif event == "pong":
            self._fail("the server negotiates no audio format", "not_supported")
        elif message.get("status") == "failed":
            self._end(refused(message))
        elif event is None:
            self._events.message(text)
            if message.get("type") == "error":  # before `started`: why there is none
                self._fail(f"the server reports: {message.get('message')}", "bad_offer")

    def _starting(self) -> asyncio.Future[None] | None:
        """Return what ``open`` waits for; None before and after."""
        return None if self._started is None or self._started.done() else self._started

    def _fail(self, text: str, code: str) -> None:
        if (starting := self._starting()) is not None:
            starting.set_exception(ClientError(text, code))

    def _end(self, error: ClientError) -> None:
        if (starting := self._starting()) is not None:
            starting.set_exception(error)
        elif not self._closing:
            self._events.ended(error)


class _Connection(ClientConnection):
    """A connection that calls a function when TCP, and TLS, are connected."""

    def __init__(self, on_reached: Callable[[], None], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._on_reached = on_reached

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Report the connection."""
        super().connection_made(transport)
        self._on_reached()


def _parse(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    return message if isinstance(message, dict) else {"type": "text", "data": text}


def _handshake_failed(url: str, status: int) -> ClientError:
    if status in (401, 403):
        return ClientError(
            f"{url} refuses the request: {status}",
            "forbidden",
            advice="Pass what authorize checks. An app without a stream at this path answers the "
            "same.",
        )
    if status in (404, 405, 501):
        return ClientError(f"there is no stream at {url}", "not_found")
    return ClientError(f"{url} fails: {status}", "server_error", advice="See the server's log.")
