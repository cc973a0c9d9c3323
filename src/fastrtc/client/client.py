"""The Python client."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..core.types import Modality, Mode
from ..transport.webrtc.shaped_media import Carry
from .audio_pacer import AudioPacer, Samples
from .calls import CallHandler, Calls
from .errors import JSON, ClientError
from .link import Link, SocketEncoding
from .links import LinkFactory
from .playout_reports import PlayoutReports
from .received import Incoming, ReceivedAudio, ReceivedVideo
from .resumable_link import ResumableLink
from .routes import Routes
from .signaling import page_url, with_token
from .webrtc import WebRTCLink

__all__ = ["Client"]

logger = logging.getLogger(__name__)


class Client:
    """Connect to a stream as a browser does; an async context manager.

    ``Client(url)`` may be created before the event loop runs, and is used on one loop only::

        async with Client("http://127.0.0.1:8000") as client:
            await client.send_audio((24000, samples))
            async for chunk in client.audio():
                ...

    Received audio, video and messages are queued; when nothing reads them, the oldest are dropped
    (audio after 60 s).

    Args:
        url: The URL of a Gradio page with a stream, of an app with a mounted stream, or of
            ``stream.mount(app, path="/PATH")``: ``http://HOST:PORT/PATH``.
        transport: ``"webrtc"`` or ``"websocket"``. A WebSocket carries only audio.
        modality: The modality of the stream: ``"audio"``, ``"video"`` or ``"audio-video"``.
        mode: The mode of the stream: ``"send-receive"``, ``"send"`` or ``"receive"``, from the
            client's point of view.
        id: The connection id, a ``webrtc_id`` or ``websocket_id``; by default a random one.
        headers: Headers of each request, such as ``{"Authorization": "Bearer TOKEN"}``.
        rtc_configuration: The client's ICE servers, in the format of browsers; by default those
            that a Gradio page gives its clients, otherwise none.
        trickle: Whether ICE candidates are sent one by one after the offer.
        sample_rate: Sample rate of received audio in Hz, 8,000 to 192,000, a multiple of 50. Audio
            that is sent may have any rate.
        encoding: Encoding of the audio on a WebSocket: ``"pcm16"`` or ``"mulaw"``.
        paced: Whether audio is sent in real time, and silence while none is queued, as from a
            microphone. Otherwise audio is sent when ``send_audio`` is called, and nothing else.
        metadata: A JSON object of up to 16 KB for the program: ``Context.metadata``.
        token: A token of ``Stream.tokens``, sent as ``Authorization: Bearer TOKEN``.
        resume: Whether to resume the session over another connection when the network is lost, for
            as long as the server keeps it. Iterators go on. `messages` yields ``{"type":
            "reconnecting"}`` and ``{"type": "reconnected"}``; audio that is sent in between is
            dropped, messages are delivered afterwards. See ``docs/reconnecting.md``.
        timeout_s: How long `connect`, and each request to a route, may take, in seconds.

    Attributes:
        id: The connection id.
        playout_delay_s: How long audio waits after the program has got it until it is heard, in
            seconds, as in the buffers of a sound card. Servers that record turns get it.

    Raises:
        ValueError: If the URL or an option is invalid.
        ImportError: If the transport is ``"websocket"`` and websockets is older than version 13.
    """

    def __init__(
        self,
        url: str,
        transport: Literal["webrtc", "websocket"] = "webrtc",
        *,
        modality: Modality = "audio",
        mode: Mode = "send-receive",
        id: str | None = None,
        headers: Mapping[str, str] | None = None,
        rtc_configuration: Mapping[str, object] | None = None,
        trickle: bool = False,
        sample_rate: int = 48_000,
        encoding: SocketEncoding = "pcm16",
        paced: bool = True,
        metadata: Mapping[str, JSON] | None = None,
        token: str | None = None,
        resume: bool = False,
        timeout_s: float = 20.0,
    ) -> None:
        try:
            address = page_url(url)
        except ValueError as error:
            raise ValueError(f"Client needs {error}") from None
        _check("modality", modality, ("audio", "video", "audio-video"))
        _check("mode", mode, ("send-receive", "send", "receive"))
        _check("transport", transport, ("webrtc", "websocket"))
        _check("encoding", encoding, ("pcm16", "mulaw"))
        if not 8_000 <= sample_rate <= 192_000 or sample_rate % 50:
            raise ValueError(
                f"sample_rate must be 8000 to 192000 Hz, a multiple of 50, not {sample_rate}"
            )
        if transport == "websocket" and "audio" not in modality:
            raise ValueError("A WebSocket carries only audio: use transport='webrtc'")
        self.id = uuid.uuid4().hex if id is None else id
        self._timeout_s = timeout_s
        self._opened = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.playout_delay_s = 0.0
        self._calls = Calls(self.send, self._run)
        self._reports = PlayoutReports(
            lambda text: self._link.send_message(text), lambda: asyncio.get_running_loop().time()
        )
        self._incoming = Incoming(
            self._answer_input, self._ended, self._calls.receive, self._reports.ask
        )
        named = with_token(headers or {}, token)
        extra = None if metadata is None else dict(metadata)
        self._routes = Routes(address, self.id, named, timeout_s)
        self._inputs: tuple[str, Mapping[str, JSON]] | None = None
        kinds = modality.split("-")
        links = LinkFactory(
            address,
            self.id,
            named,
            transport,
            kinds,
            mode,
            rtc_configuration,
            sample_rate,
            encoding,
            trickle,
            extra,
        )
        self._links = links
        self._link: Link
        if resume:
            self._link = ResumableLink(links.create, self._incoming)
        else:
            self._link = links.create(self._incoming)
        self._sends = () if mode == "receive" else tuple(kinds)
        self._pacer = AudioPacer(self._link.rate, self._link.send_audio, paced=paced)

    async def __aenter__(self) -> Client:
        """Connect; see `connect`."""
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        await self.close()

    async def connect(self) -> None:
        """Connect, and wait until media and messages can be sent.

        Raises:
            ClientError: If the server refuses the connection (``code`` is that of the refusal) or
                cannot be reached, or if no connection is established in time.
            RuntimeError: If the client was connected before.
        """
        if self._opened or self._incoming.closed.is_set():
            raise RuntimeError("A Client connects once; create another one")
        try:
            await asyncio.wait_for(self._link.open(), self._timeout_s)
        except asyncio.TimeoutError:
            await self.close()
            raise ClientError(
                f"not connected within {self._timeout_s:g} s", "server_timeout"
            ) from None
        except BaseException:
            await self.close()
            raise
        self._opened = True
        self._reports.open()
        self._incoming.open()
        if "audio" in self._sends:
            self._run(self._pacer.run())

    async def close(self) -> None:
        """Close the connection; does nothing if it is closed."""
        self._incoming.finish()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._link.close()
        await self._routes.close()

    @property
    def error(self) -> ClientError | None:
        """Why the connection has ended; None while it is open, or if the client closed it."""
        return self._incoming.error

    async def wait_closed(self) -> ClientError | None:
        """Wait until the connection has ended; return why, or None if the client closed it."""
        await self._incoming.closed.wait()
        return self.error

    # Sending

    async def send_audio(self, audio: tuple[int, Samples]) -> None:
        """Queue audio, and wait while more than 0.2 s is queued (backpressure).

        Args:
            audio: The sample rate in Hz, and ``int16`` or ``float32`` samples of shape ``(n,)`` or
                ``(channels, n)``, of any length.

        Raises:
            ClientError: If the connection has ended.
            ValueError: If the stream takes no audio, or the audio is malformed.
            TypeError: If the samples are not numbers.
        """
        self._check_open("audio")
        rate, samples = audio
        await self._pacer.push(rate, samples)

    async def drain(self) -> None:
        """Wait until all queued audio has been sent.

        Raises:
            ClientError: If the connection has ended.
        """
        self._check_open("audio")
        await self._pacer.drain()

    def clear(self) -> None:
        """Drop audio that is queued and not yet sent."""
        self._pacer.clear()

    async def send_video(self, image: NDArray[np.uint8]) -> None:
        """Send a frame, and wait while the one before it has not been sent (backpressure).

        Args:
            image: BGR ``uint8`` pixels, shape ``(height, width, 3)``, both even.

        Raises:
            ClientError: If the connection has ended.
            ValueError: If the stream takes no video, or the image is malformed.
        """
        self._check_open("video")
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                f"An image must be uint8 of shape (height, width, 3), not {image.dtype} of shape "
                f"{image.shape}"
            )
        await self._link.send_video(image)

    def send(self, message: str | Mapping[str, JSON]) -> None:
        """Send a message on the data channel, or as a text of the WebSocket.

        Args:
            message: An object, which is sent as JSON; it needs a ``"type"`` to reach ``on_message``
                of the program. Over WebRTC also any string.

        Raises:
            ClientError: If the connection has ended.
        """
        self._check_open()
        text = message if isinstance(message, str) else json.dumps(message)
        self._link.send_message(text)

    def handle(self, name: str, function: CallHandler | None) -> None:
        """Set the function that answers calls of the program: ``await context.call(name, data)``.

        Args:
            name: The name of the function.
            function: Gets the data of the call, and returns the result; sync, on the event loop,
                or async. What it raises is the error that the program gets. None removes it.
        """
        self._calls.handle(name, function)

    async def call(self, name: str, data: JSON = None, timeout_s: float = 10.0) -> JSON:
        """Call a method of the program, a function with ``@stream.method``.

        Args:
            name: The name of the method.
            data: The argument.
            timeout_s: How long to wait for the result, in seconds.

        Returns:
            The result.

        Raises:
            ClientError: With the code ``"call_failed"`` if there is no such method, it raised an
                exception or did not answer in time; or if the connection has ended.
        """
        return await self._calls.call(name, data, timeout_s)

    # Receiving

    def audio(self) -> AsyncIterator[ReceivedAudio]:
        """Iterate over received audio until the connection ends.

        Over a WebSocket, the server sends audio up to 160 ms ahead of playout. Audio that the
        program has not read is held while the server pauses it, and dropped when it interrupts it.
        """
        return self._incoming.audio_queue.iterate(self._played)

    def video(self) -> AsyncIterator[ReceivedVideo]:
        """Iterate over received frames of video until the connection ends."""
        return self._incoming.video_queue.iterate()

    def messages(self) -> AsyncIterator[dict[str, JSON]]:
        """Iterate over the server's messages, ``{"type": ..., ...}``, until the connection ends.

        Text that is not a JSON object arrives as ``{"type": "text", "data": ...}``. When the server
        drops the audio of an interrupted reply, a WebSocket delivers ``{"type": "clear"}``; when it
        pauses it, ``{"type": "pause"}`` and ``{"type": "resume"}``.
        """
        return self._incoming.message_queue.iterate()

    # Routes of the program

    async def set_inputs(self, route: str, values: Mapping[str, JSON]) -> None:
        """Post the inputs to a route of the program, now and at each ``send_input`` of the server.

        The body is ``{"webrtc_id": id, **values}``.

        Args:
            route: A path on the server, such as ``"/inputs"``, or a URL.
            values: The values by name.

        Raises:
            ClientError: If the route does not accept them.
        """
        self._inputs = (route, values)
        await self._routes.post(route, values)

    def outputs(self, route: str) -> AsyncIterator[str]:
        """Iterate over the data of the server-sent events of a route of the program.

        The request is ``GET route?webrtc_id=id``. It may start before the client connects.

        Args:
            route: A path on the server, such as ``"/outputs"``, or a URL.

        Raises:
            ClientError: While iterating, if the route does not answer, or the connection to it is
                lost.
        """
        return self._routes.events(route)

    # Internals

    def _shape_network(self, outgoing: Carry, incoming: Carry) -> None:
        """Let functions carry RTP and RTCP packets of WebRTC, to test with a bad network."""
        assert isinstance(self._link, WebRTCLink)
        self._link.shape_network = self._links.shape_network = (outgoing, incoming)

    def _answer_input(self) -> None:
        """Post the inputs again, which the handler requests."""
        if self._inputs is not None:
            self._run(self._post_again(*self._inputs))

    def _played(self, chunk: ReceivedAudio, taken_at: float) -> None:
        self._reports.played(chunk.time_s, taken_at + self.playout_delay_s)

    async def _post_again(self, route: str, values: Mapping[str, JSON]) -> None:
        try:
            await self._routes.post(route, values)
        except ClientError as error:
            logger.warning("The inputs that the server requests were not set: %s", error)

    def _check_open(self, kind: str | None = None) -> None:
        if self.error is not None:
            raise self.error
        if not self._opened or self._incoming.closed.is_set():
            raise ClientError("the client is not connected", "not_connected")
        if kind is not None and kind not in self._sends:
            raise ValueError(f"The client sends no {kind}: see modality and mode")

    def _ended(self) -> None:
        self._pacer.stop()
        self._calls.end()
        self._reports.end()

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
