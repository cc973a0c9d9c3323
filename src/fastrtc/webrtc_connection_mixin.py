"""Signaling and connections: the common base of ``Stream`` and the ``WebRTC`` component."""

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
from .core.diagnosis import CandidateInfo, CheckInfo, Diagnosis
from .core.errors import InvalidCandidate, SessionRefused
from .core.ice import Ice
from .core.limits import Limits
from .core.messages import DataChannel, create_message
from .core.outputs import AdditionalOutputs
from .core.types import Modality, Mode, RTCConfigurationCallable
from .handlers.inputs import WebRTCData
from .handlers.kinds import (
    HandlerType,
    StreamHandlerImpl,
    VideoEventHandler,
)
from .handlers.video import VideoStreamHandler
from .server.answering import answer as answer_body
from .server.authorization import Authorize
from .server.cluster.options import Cluster
from .server.endpoint import Endpoint, attach, endpoint_of, id_of
from .server.speaking import Speaking
from .server.tables import Tables
from .session.outputs import OutputQueue
from .tracks import (
    AudioCallback,
    ServerToClientAudio,
    ServerToClientVideo,
    VideoCallback,
    VideoStreamHandler_,
)
from .transport.webrtc.configuration import resolve_configuration, to_aiortc_configuration
from .utils import webrtc_error_handler

__all__ = [
    "AdditionalOutputs",
    "AudioCallback",
    "CandidateInfo",
    "CheckInfo",
    "Context",
    "Diagnosis",
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


class WebRTCConnectionMixin(Speaking):
    """The connections of an endpoint.

    Subclasses set ``event_handler``, ``modality``, ``mode``, ``concurrency_limit``,
    ``time_limit``, ``allow_extra_tracks``, ``rtc_configuration`` and
    ``server_rtc_configuration``.

    Attributes:
        authorize: Called before each request is processed; see ``Stream``.
        allowed_origins: Sites, besides the server's own, whose pages may use it; see ``Stream``.
        allowed_hosts: Accepted host names in requests; see ``Stream``.
        limits: Resource limits of clients.
        ice: The ports and addresses of connections.
        drain_limit: How long connections may continue after the server is told to stop, in seconds;
            see ``Stream``.
        cluster: The other processes that serve the same program; see ``Stream``.
        total_limit: Maximum number of connections of all processes of the cluster.
        voice: Speaks text that the program says; see ``Stream``.
        pcs: The peer connection of each connection, by id.
        handlers: The running handler of each connection.
        connections: The media callbacks; ``connections[id][0].event_handler`` is the handler.
        data_channels: The data channel, once the client has opened it.
        additional_outputs: The handler's ``AdditionalOutputs``.
        connection_timeouts: An event for each connection, set when it is established.
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
    ice: Ice = Ice()
    drain_limit: float = 0
    cluster: Cluster | str | None = None
    total_limit: int | None = None

    def __init__(self) -> None:
        self.pcs: dict[str, RTCPeerConnection] = {}
        self.handlers: dict[str, Any] = {}
        self.connections: dict[str, list[Any]] = defaultdict(list)
        self.data_channels: dict[str, DataChannel] = {}
        self.additional_outputs: dict[str, OutputQueue] = defaultdict(OutputQueue)
        self.connection_timeouts: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        attach(self, Endpoint(self, tables_of(self)))

    @cached_property
    def relay(self) -> MediaRelay:
        """A relay of aiortc, for programs that forward tracks; fastrtc does not use it."""
        return MediaRelay()

    @staticmethod
    async def wait_for_time_limit(pc: RTCPeerConnection, time_limit: float) -> None:
        """Close a peer connection after a time.

        The ``time_limit`` of a stream works without calling this.

        Args:
            pc: The peer connection.
            time_limit: The time, in seconds.
        """
        await asyncio.sleep(time_limit)
        await pc.close()

    async def connection_timeout(
        self, pc: RTCPeerConnection, webrtc_id: str, time_limit: float
    ) -> None:
        """Close and remove a connection that is not established in time.

        Connections answered by ``handle_offer`` have a timeout of 30 s without calling this.

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
            if not known:  # entries that the program added itself
                endpoint.forget(webrtc_id)

    @staticmethod
    def convert_to_aiortc_format(
        rtc_configuration: dict[str, Any] | None,
    ) -> RTCConfiguration | None:
        """Convert a configuration in the format of browsers to that of aiortc.

        Args:
            rtc_configuration: ``iceServers`` and ``iceTransportPolicy``; None returns None.

        Raises:
            ValueError: If an entry is malformed; the message names it.
        """
        if rtc_configuration is None:
            return None
        return to_aiortc_configuration(rtc_configuration)

    async def resolve_rtc_configuration(self) -> dict[str, Any]:
        """Return the configuration for a client, calling ``rtc_configuration`` if it is a function.

        Raises:
            TypeError: If it is not a dict, or does not return one.
        """
        return await resolve_configuration(self.rtc_configuration) or {}

    async def handle_offer(
        self, body: dict[str, Any], set_outputs: Callable[[AdditionalOutputs], Any]
    ) -> Any:
        """Answer an offer, or add a trickled candidate.

        Args:
            body: ``{"sdp", "type", "webrtc_id"}`` for an offer; ``{"candidate", "type":
                "ice-candidate", "webrtc_id"}`` for a candidate. An empty candidate means
                end-of-candidates (RFC 8838).
            set_outputs: Called with each ``AdditionalOutputs`` of the connection.

        Returns:
            A dict ``{"sdp", "type"}`` with the answer to an offer. Otherwise a ``JSONResponse``
            with status 200: ``{"status": "success"}`` for a candidate, or a refusal ``{"status":
            "failed", "meta": {"error": code, ...}}``.

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
        """End a connection: run its handler's ``shutdown()``, then ``reset()``, once.

        Its place is free immediately; or, if the caller is not in the thread of the event loop,
        shortly afterwards.

        Args:
            webrtc_id: Its id; an unknown id is ignored.

        Returns:
            The media callbacks that were removed; none of a connection of another process.
        """
        removed = self.connections.get(webrtc_id, [])
        endpoint = endpoint_of(self)
        if not endpoint.end(webrtc_id):
            self.connections.pop(webrtc_id, None)  # entries that the program added itself
            endpoint.send_elsewhere(webrtc_id, "clean_up")
        return removed

    def diagnose(self, webrtc_id: str) -> Diagnosis:
        """Return the state of a connection, and why it is not established.

        That is the candidates of both sides, the pairs that were tried, the one that is used, or
        why none is, and what to open or set. The result is for the operator of the server: it
        contains the addresses of the client. Callable from any thread.

        Args:
            webrtc_id: A connection, or one of the last 32 that failed to connect, or of the last 32
                that have ended otherwise.

        Raises:
            LookupError: If it is unknown. Connections of other processes of a cluster are known
                only to calls from a thread without an event loop, and as long as they last.
        """
        diagnosis: Diagnosis = endpoint_of(self).diagnose(webrtc_id)
        return diagnosis

    async def close_sessions(self, reason: str = "The server stops") -> None:
        """End all connections, sending the clients the reason, and wait until they are closed.

        A ``Stream`` ends those of its page, too. Readers of outputs whose connection does not exist
        yet end as well.
        """
        await endpoint_of(self).close(reason)

    def set_input(self, webrtc_id: str, *args: Any) -> None:
        """Set the inputs of a handler; thread-safe.

        With a ``cluster``, the connection may belong to another process. A call in a thread without
        an event loop then waits for up to 5 s until that process has the inputs. A call on an event
        loop returns at once, inputs of one connection arrive in order, and errors are logged.

        Args:
            webrtc_id: The connection; an unknown id is ignored.
            *args: The inputs: in ``latest_args`` of a stream handler from index 1 on, or
                the arguments of a function after the frame. For another process they are pickled.

        Raises:
            ValueError: If a stream handler gets no inputs, or a function a different number than it
                takes; or if inputs for another process are too large.
            TypeError: If an input cannot be pickled for another process.
        """
        endpoint = endpoint_of(self)
        if endpoint.get(webrtc_id) is None:
            endpoint.send_elsewhere(webrtc_id, "set_input", *args)
        else:
            endpoint.set_input(webrtc_id, args)

    def set_input_gradio(self, webrtc_data: WebRTCData | str, *args: Any) -> None:
        """Set the inputs of a handler to those of a page.

        Args:
            webrtc_data: The value of the component: the id, or a ``WebRTCData`` with a textbox.
            *args: The values of the other input components.
        """
        endpoint, id = endpoint_of(self), id_of(webrtc_data)
        if endpoint.get(id) is None:
            endpoint.send_elsewhere(id, "set_page_input", webrtc_data, *args)
        else:
            endpoint.set_page_input(webrtc_data, args)

    def set_input_on_submit(self, webrtc_data: WebRTCData | str, *args: Any) -> None:
        """Set the inputs to submitted text, and trigger a reply if the handler supports it."""
        endpoint, id = endpoint_of(self), id_of(webrtc_data)
        if endpoint.get(id) is None:
            endpoint.send_elsewhere(id, "submit_input", webrtc_data, *args)
        else:
            self.set_input_gradio(webrtc_data, *args)
            endpoint.trigger_response(id)

    def set_additional_outputs(self, webrtc_id: str) -> Callable[[AdditionalOutputs], None]:
        """Create the function that queues the outputs of a connection for its readers.

        Outputs after the end of the connection are dropped.
        """

        def set_outputs(outputs: AdditionalOutputs) -> None:
            queue = self.additional_outputs.get(webrtc_id)
            if queue is not None:
                queue.put(outputs)

        return set_outputs

    async def fetch_latest_output(self, webrtc_id: str) -> AdditionalOutputs:
        """Wait for the next outputs of a connection.

        Raises:
            LookupError: If the connection ends, or does not exist within 30 s.
        """
        async with aclosing(self.output_stream(webrtc_id)) as stream:
            async for outputs in stream:
                return outputs
        raise LookupError(f"The connection {webrtc_id!r} has ended or was not established in time")

    async def output_stream(self, webrtc_id: str) -> AsyncGenerator[AdditionalOutputs, None]:
        """Yield the outputs of a connection as they arrive.

        It may be read before the offer. It ends with the connection, or after 30 s if there is no
        connection by then.
        """
        endpoint = endpoint_of(self)
        await endpoint.shutdown.watch()
        cluster = endpoint.cluster
        remote = cluster is not None and webrtc_id not in endpoint.places
        read = cluster.read_outputs if remote else endpoint.outputs.read
        async with aclosing(read(webrtc_id)) as reading:
            async for outputs in reading:
                yield outputs

    async def update_connection(self, webrtc_data: WebRTCData | str, desired_state: str) -> None:
        """Ask a client to change its connection.

        Args:
            webrtc_data: The connection; an unknown id is ignored.
            desired_state: ``"closed"`` makes the client close it.
        """
        endpoint, id = endpoint_of(self), id_of(webrtc_data)
        cluster = endpoint.cluster
        if cluster is not None and endpoint.get(id) is None:
            await cluster.call(id, "update_connection", desired_state)
        else:
            endpoint.update_connection(id, desired_state)


def tables_of(owner: WebRTCConnectionMixin) -> Tables:
    """Create what keeps the public dicts of a stream or component up to date."""
    return Tables(owner, WebRTCConnectionMixin.clean_up)


def _refused(refusal: SessionRefused) -> JSONResponse:
    return JSONResponse(refusal.answer)
