"""Signalling and sessions of an endpoint: what ``Stream`` and the ``WebRTC`` component share."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from functools import cached_property
from typing import Any, TypeAlias

from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.contrib.media import MediaRelay
from fastapi.responses import JSONResponse

from .core.context import Context
from .core.errors import InvalidCandidate, SessionRefused
from .core.limits import Limits
from .core.messages import DataChannel, create_message
from .core.outputs import AdditionalOutputs
from .core.types import Modality, Mode, RTCConfigurationCallable
from .handlers.base import StreamHandlerBase
from .handlers.inputs import WebRTCData
from .handlers.kinds import (
    HandlerType,
    StreamHandlerImpl,
    VideoEventHandler,
)
from .handlers.link import link_of
from .handlers.video import VideoStreamHandler
from .server.answering import answer as answer_body
from .server.authorization import Authorize
from .server.connection import Connection
from .server.endpoint import Endpoint, attach, endpoint_of
from .session.outputs import OutputQueue
from .tracks import (
    AudioCallback,
    ServerToClientAudio,
    ServerToClientVideo,
    VideoCallback,
    VideoStreamHandler_,
)
from .transport.webrtc.configuration import resolve_configuration, to_aiortc_configuration
from .transport.webrtc.peer import Peer
from .utils import webrtc_error_handler

__all__ = [
    "AdditionalOutputs",
    "AudioCallback",
    "Context",
    "HandlerType",
    "OutputQueue",
    "RTCConfigurationCallable",
    "ServerToClientAudio",
    "ServerToClientVideo",
    "StreamHandlerImpl",
    "Track",
    "VideoCallback",
    "VideoEventHandler",
    "VideoStreamHandler",
    "VideoStreamHandler_",
    "WebRTCConnectionMixin",
    "WebRTCData",
    "create_message",
    "webrtc_error_handler",
]

logger = logging.getLogger(__name__)

Track: TypeAlias = (
    VideoCallback | VideoStreamHandler_ | AudioCallback | ServerToClientAudio | ServerToClientVideo
)


class WebRTCConnectionMixin:
    """The connections of an endpoint.

    The class that mixes it in sets ``event_handler``, ``modality``, ``mode``,
    ``concurrency_limit``, ``time_limit``, ``allow_extra_tracks``, ``rtc_configuration`` and
    ``server_rtc_configuration``.

    Attributes:
        authorize: Asked about each request before anything is done for it; see ``Stream``.
        allowed_origins: Whose pages may use it, beside the server's own; see ``Stream``.
        allowed_hosts: The names that the server may be asked by; see ``Stream``.
        limits: What clients may cost.
        drain_limit: How long connections may go on when the server is told to stop, in seconds;
            see ``Stream``.
        pcs: The peer connection of each connection, by its id.
        handlers: The handler that runs for it.
        connections: Its media callbacks; ``connections[id][0].event_handler`` is the handler.
        data_channels: Its data channel, once the client has opened one.
        additional_outputs: What its handler gave as ``AdditionalOutputs``.
        connection_timeouts: An event for each, set when the connection is established.
    """

    event_handler: Any = None
    modality: Modality
    mode: Mode
    concurrency_limit: int | None = 1
    time_limit: float | None = None
    allow_extra_tracks: bool = False
    rtc_configuration: dict[str, Any] | None | RTCConfigurationCallable = None
    server_rtc_configuration: Any = None
    authorize: Authorize | None = None
    allowed_origins: Collection[str] | str | None = None
    allowed_hosts: Collection[str] | str | None = None
    limits: Limits = Limits()
    drain_limit: float = 0

    def __init__(self) -> None:
        self.pcs: dict[str, RTCPeerConnection] = {}
        self.handlers: dict[str, Any] = {}
        self.connections: dict[str, list[Any]] = defaultdict(list)
        self.data_channels: dict[str, DataChannel] = {}
        self.additional_outputs: dict[str, OutputQueue] = defaultdict(OutputQueue)
        self.connection_timeouts: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        attach(self, Endpoint(self, Tables(self)))

    @cached_property
    def relay(self) -> MediaRelay:
        """A relay of aiortc, for programs that pass tracks on; no connection needs it."""
        return MediaRelay()

    @staticmethod
    async def wait_for_time_limit(pc: RTCPeerConnection, time_limit: float) -> None:
        """Close a peer connection after a time. The ``time_limit`` of a stream needs no call.

        Args:
            pc: The peer connection.
            time_limit: The time, in seconds.
        """
        await asyncio.sleep(time_limit)
        await pc.close()

    async def connection_timeout(
        self, pc: RTCPeerConnection, webrtc_id: str, time_limit: float
    ) -> None:
        """Close and forget a connection that is not established in time.

        Connections that ``handle_offer`` has answered are given 30 s without a call.

        Args:
            pc: The peer connection.
            webrtc_id: Its id; ``connection_timeouts[webrtc_id]`` is set once it is established.
            time_limit: The time, in seconds.
        """
        try:
            await asyncio.wait_for(self.connection_timeouts[webrtc_id].wait(), time_limit)
        except asyncio.TimeoutError:
            await pc.close()
            endpoint = endpoint_of(self)
            known = endpoint.get(webrtc_id) is not None
            self.clean_up(webrtc_id)
            if not known:  # what a program has put there itself
                endpoint.forget(webrtc_id)

    @staticmethod
    def convert_to_aiortc_format(
        rtc_configuration: dict[str, Any] | None,
    ) -> RTCConfiguration | None:
        """Convert a configuration as browsers have it to aiortc's.

        Args:
            rtc_configuration: With ``iceServers`` and ``iceTransportPolicy``; None is None.

        Raises:
            ValueError: If something in it is malformed, naming it.
        """
        if rtc_configuration is None:
            return None
        return to_aiortc_configuration(rtc_configuration)

    async def resolve_rtc_configuration(self) -> dict[str, Any]:
        """Give the configuration for a client, calling ``rtc_configuration`` if it is a function.

        Raises:
            TypeError: If it is, or gives, no dict.
        """
        return await resolve_configuration(self.rtc_configuration) or {}

    async def handle_offer(
        self, body: dict[str, Any], set_outputs: Callable[[AdditionalOutputs], Any]
    ) -> Any:
        """Answer an offer, or take a trickled candidate.

        Args:
            body: ``{"sdp", "type", "webrtc_id"}`` for an offer; ``{"candidate",
                "type": "ice-candidate", "webrtc_id"}`` for a candidate, where an empty one
                says that no more will come (RFC 8838).
            set_outputs: Called with each ``AdditionalOutputs`` of the connection.

        Returns:
            A dict ``{"sdp", "type"}`` for an answer. Else a ``JSONResponse`` with status 200:
            ``{"status": "success"}`` for a candidate, or a refusal ``{"status": "failed",
            "meta": {"error": code, ...}}``.

        Raises:
            InvalidOffer: A ``ValueError``: the offer is malformed or does not fit the stream.
        """
        try:
            answer = await answer_body(endpoint_of(self), body, set_outputs)
        except SessionRefused as refusal:
            return _refused(refusal)
        except InvalidCandidate as error:
            logger.debug("%s", error)
            return _refused(SessionRefused("invalid_candidate_format"))
        return JSONResponse({"status": "success"}) if answer is None else answer

    def clean_up(self, webrtc_id: str) -> list[Any]:
        """End a connection: ``shutdown()`` of its handler, then ``reset()``, run once.

        Its place is free at once; or soon, when this is called in another thread than the
        event loop's.

        Args:
            webrtc_id: Its id; an unknown one is ignored.

        Returns:
            The media callbacks that were removed.
        """
        removed = self.connections.get(webrtc_id, [])
        connection = endpoint_of(self).get(webrtc_id)
        if connection is not None:
            connection.session.close("clean_up")
        else:  # what a program has put there itself
            self.connections.pop(webrtc_id, None)
        return removed

    async def close_sessions(self, reason: str = "The server stops") -> None:
        """End all connections, telling the clients why, and wait until they are closed.

        Readers of outputs whose connection has not come yet are let go, too.
        """
        await endpoint_of(self).close(reason)

    def set_input(self, webrtc_id: str, *args: Any) -> None:
        """Give a handler its inputs; from any thread.

        Args:
            webrtc_id: The connection; an unknown one is ignored.
            *args: The inputs: in ``latest_args`` of a stream handler from index 1 on, or
                the arguments of a function after the frame.

        Raises:
            ValueError: If there are none, or not as many as the function takes.
        """
        media = endpoint_of(self).media(webrtc_id)
        if media is None:
            return
        if not args and isinstance(media.handler, StreamHandlerBase):
            raise ValueError("args cannot be empty")
        media.set_args(list(args))

    def set_input_gradio(self, webrtc_data: WebRTCData | str, *args: Any) -> None:
        """Give a handler the inputs of a page.

        Args:
            webrtc_data: The value of the component: the id, or with the textbox more.
            *args: The values of the other input components.
        """
        media = endpoint_of(self).media(_id_of(webrtc_data))
        if media is None:
            return
        handler = media.handler
        if not isinstance(handler, StreamHandlerBase):
            media.set_args(list(args))
        elif isinstance(webrtc_data, WebRTCData):
            handler.latest_args = [webrtc_data, *args]
            link_of(handler).call_on_loop(handler.args_set.set)
        else:
            handler.set_args([webrtc_data, *args])

    def set_input_on_submit(self, webrtc_data: WebRTCData | str, *args: Any) -> None:
        """Give a handler what was typed, and have it reply if it can be told to."""
        self.set_input_gradio(webrtc_data, *args)
        handler = self.handlers.get(_id_of(webrtc_data))
        trigger = getattr(handler, "trigger_response", None)
        if trigger is not None:
            trigger()

    def set_additional_outputs(self, webrtc_id: str) -> Callable[[AdditionalOutputs], None]:
        """Make the function that takes the outputs of a connection for its readers.

        Outputs that come when the connection has ended are dropped.
        """

        def set_outputs(outputs: AdditionalOutputs) -> None:
            queue = self.additional_outputs.get(webrtc_id)
            if queue is not None:
                queue.put(outputs)

        return set_outputs

    async def fetch_latest_output(self, webrtc_id: str) -> AdditionalOutputs:
        """Wait for the next outputs of a connection.

        Raises:
            LookupError: If the connection ends, or does not come within 30 s.
        """
        async with aclosing(self.output_stream(webrtc_id)) as stream:
            async for outputs in stream:
                return outputs
        raise LookupError(f"The connection {webrtc_id!r} has ended, or did not come")

    async def output_stream(self, webrtc_id: str) -> AsyncGenerator[AdditionalOutputs, None]:
        """Give the outputs of a connection as they come.

        It may be opened before the offer. It ends with the connection, or after 30 s if
        none comes.
        """
        endpoint = endpoint_of(self)
        await endpoint.shutdown.watch()
        async with aclosing(endpoint.outputs.read(webrtc_id)) as reading:
            async for outputs in reading:
                yield outputs

    async def update_connection(self, webrtc_data: WebRTCData | str, desired_state: str) -> None:
        """Tell a client to change its connection.

        Args:
            webrtc_data: The connection; an unknown one is ignored.
            desired_state: ``"closed"`` to have the client close it.
        """
        connection = endpoint_of(self).get(_id_of(webrtc_data))
        if connection is not None:
            connection.session.outbox.post(create_message("update_connection", desired_state))


class Tables:
    """The reference's dicts of a ``Stream`` or a component, by the ids of connections.

    Args:
        face: The object that has them.
    """

    def __init__(self, face: WebRTCConnectionMixin) -> None:
        self._face = face

    def changed(self, connection: Connection) -> None:
        """Show a connection that has begun, or whose data channel has opened."""
        self._write(connection.id, connection)

    def ended(self, id: str) -> None:
        """Show a connection no more."""
        self._write(id, None)

    def ending(self, id: str) -> None:
        """Call a ``clean_up`` of the program's own."""
        if type(self._face).clean_up is not WebRTCConnectionMixin.clean_up:
            self._face.clean_up(id)

    def _write(self, id: str, connection: Connection | None) -> None:
        face = self._face
        values: dict[str, Any] = {}
        if connection is not None:
            transport = connection.transport
            values = {"handlers": connection.session.handler, "connections": connection.callbacks}
            if isinstance(transport, Peer):
                values |= {"pcs": transport.pc, "connection_timeouts": transport.connected}
            if transport.channel is not None:
                values["data_channels"] = transport.channel
        for name in ("handlers", "connections", "pcs", "connection_timeouts", "data_channels"):
            table: dict[str, Any] = getattr(face, name)
            if name in values:
                table[id] = values[name]
            elif connection is None:
                table.pop(id, None)


def _id_of(webrtc_data: WebRTCData | str) -> str:
    return webrtc_data.webrtc_id if isinstance(webrtc_data, WebRTCData) else webrtc_data


def _refused(refusal: SessionRefused) -> JSONResponse:
    return JSONResponse(refusal.answer)
