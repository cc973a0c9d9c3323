"""Signalling and sessions of an endpoint: what ``Stream`` and the ``WebRTC`` component share."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from functools import cached_property
from typing import Any, TypeAlias, cast

from aiortc import InvalidStateError, RTCConfiguration, RTCPeerConnection
from aiortc.contrib.media import MediaRelay
from fastapi.responses import JSONResponse

from .core.context import Context
from .core.errors import InvalidCandidate, InvalidOffer, SessionRefused
from .core.limits import Limits
from .core.messages import DataChannel, create_message
from .core.outputs import AdditionalOutputs
from .core.seldom import Seldom
from .core.types import Modality, Mode, RTCConfigurationCallable
from .handlers.base import StreamHandlerBase
from .handlers.inputs import WebRTCData
from .handlers.kinds import (
    HandlerType,
    StreamHandlerImpl,
    VideoEventHandler,
    check_media,
    serves,
)
from .handlers.link import link_of
from .handlers.video import VideoStreamHandler
from .pacing.playout import Playout
from .server.authorization import Authorize, site_policy
from .session.interrupt import CloseOnLoopShutdown
from .session.media import Media
from .session.outputs import OutputQueue
from .session.registry import Registry
from .session.session import Session
from .tracks import (
    AudioCallback,
    ServerToClientAudio,
    ServerToClientVideo,
    VideoCallback,
    VideoStreamHandler_,
)
from .transport.cross_site import SitePolicy
from .transport.webrtc.candidates import Candidate, parse_candidate
from .transport.webrtc.configuration import resolve_configuration, to_aiortc_configuration
from .transport.webrtc.early_candidates import EarlyCandidates
from .transport.webrtc.guard import guarded
from .transport.webrtc.opus import LOWER_RATES
from .transport.webrtc.peer import Peer
from .transport.webrtc.signalling import read_offer
from .utils import webrtc_error_handler
from .websocket import WebSocketHandler

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
_too_slow = Seldom()

Track: TypeAlias = (
    VideoCallback | VideoStreamHandler_ | AudioCallback | ServerToClientAudio | ServerToClientVideo
)

LONGEST_ID = 256
"""Characters that the id of a connection may have; a UUID has 36."""

LOOP_ENDS_WITHIN_S = 2.0
"""How long connections are waited for when their loop ends, which has cancelled the tasks of
their transport already: ``shutdown()`` runs, but aiortc may wait for a task that is gone."""

NO_SESSION_WITHIN_S = 30.0
"""How long a reader of outputs waits for a connection that has not come yet."""


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
    _local = False
    limits: Limits = Limits()
    drain_limit: float = 0

    def __init__(self) -> None:
        self.pcs: dict[str, RTCPeerConnection] = {}
        self.handlers: dict[str, Any] = {}
        self.connections: dict[str, list[Any]] = defaultdict(list)
        self.data_channels: dict[str, DataChannel] = {}
        self.additional_outputs: dict[str, OutputQueue] = defaultdict(OutputQueue)
        self.connection_timeouts: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._registry = Registry(self._forget)
        self._peers: dict[str, Peer] = {}
        self._media: dict[str, Media] = {}
        self._early = EarlyCandidates()
        self._close_on_loop_shutdown = CloseOnLoopShutdown(self._stop, self._end_with_the_loop)

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
            known = webrtc_id in self._peers
            self.clean_up(webrtc_id)
            if not known:  # what a program has put there itself
                self._forget(webrtc_id)

    @property
    def _site_policy(self) -> SitePolicy:
        return site_policy(self.allowed_origins, self.allowed_hosts, local=self._local)

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
        webrtc_id = body.get("webrtc_id")
        if not isinstance(webrtc_id, str) or not 0 < len(webrtc_id) <= LONGEST_ID:
            raise InvalidOffer(f"webrtc_id must be a text of 1 to {LONGEST_ID} characters")
        if not webrtc_id.isprintable():  # it goes into the log
            raise InvalidOffer("webrtc_id must consist of printable characters")
        try:
            candidate = body.get("candidate")
            if body.get("sdp") is None and (candidate is not None or body.get("type") != "offer"):
                await self._take_candidate(webrtc_id, candidate)
                return JSONResponse({"status": "success"})
            return await self._take_offer(webrtc_id, body, set_outputs)
        except SessionRefused as refusal:
            return _refused(refusal)
        except InvalidCandidate as error:
            logger.debug("%s", error)
            return _refused(SessionRefused("invalid_candidate_format"))

    async def _take_offer(
        self, webrtc_id: str, body: dict[str, Any], set_outputs: Callable[[AdditionalOutputs], Any]
    ) -> dict[str, str]:
        try:
            check_media(self.modality, self.mode)  # a class of the program's own sets them
        except ValueError as error:
            raise InvalidOffer(str(error)) from None
        offer = await read_offer(
            body.get("sdp"),
            self.modality,
            self.mode,
            extra_tracks=self.allow_extra_tracks,
            limits=self.limits,
        )
        if not serves(self.event_handler, self.modality):
            raise InvalidOffer(
                f"{type(self.event_handler).__name__} takes audio, but the stream's modality is "
                f"{self.modality!r}: give it modality='audio'"
            )
        self._registry.check_connecting(self.limits.connecting)
        await self._close_on_loop_shutdown.watch()
        self._registry.reserve(webrtc_id, self.concurrency_limit)
        candidates = self._early.take(webrtc_id)
        session: Session | None = None
        try:
            configuration = to_aiortc_configuration(
                await self._server_configuration()
                if callable(self.server_rtc_configuration)
                else self.server_rtc_configuration
            )
            session = await Session.create(
                webrtc_id,
                self.event_handler,
                deliver=set_outputs,
                release=lambda session: self._end_connection(session.id),
                time_limit=self.time_limit,
            )
            self._registry.add(session)
            playout = Playout(lower_rates=LOWER_RATES)
            media = Media(session, self.modality, self.mode, playout=playout)
            peer = Peer(session, media, self.mode, configuration, self.limits)
            self._remember(webrtc_id, session, media, peer)
            answer = await peer.answer(offer)
            early = candidates + self._early.take(webrtc_id)
            for candidate in sorted(early, key=lambda c: c.candidate is None):  # their end is last
                try:
                    await peer.add_candidate(candidate)
                except ValueError as error:  # an end that was sent twice
                    logger.debug("An early candidate is not taken: %s", error)
            if session.ended:
                raise SessionRefused("connection_closed")
            return answer
        except BaseException as error:  # also when the client goes while it waits
            if session is None:
                self._registry.release(webrtc_id)
            else:
                session.close(f"the offer failed: {error!r}")
            raise

    async def _server_configuration(self) -> dict[str, Any] | None:
        try:
            return await resolve_configuration(self.server_rtc_configuration)
        except TimeoutError as error:
            _too_slow.log(logger.error, "An offer is refused: %s", error)
            reason = "The server got no RTC configuration in time"
            raise SessionRefused("turn_server_failed", reason=reason) from error

    async def _take_candidate(self, webrtc_id: str, value: Any) -> None:
        candidate: Candidate = parse_candidate(value)
        peer = self._peers.get(webrtc_id)
        if peer is None or peer.pc.remoteDescription is None:
            self._early.keep(webrtc_id, candidate, self.limits.early_ids)
            return
        if peer.session.ended or peer.pc.connectionState in ("closed", "failed"):
            raise SessionRefused("connection_closed")
        try:
            await peer.add_candidate(candidate)
        except ValueError as error:
            raise InvalidCandidate(str(error)) from error
        except InvalidStateError as error:  # it was closed meanwhile
            raise SessionRefused("connection_closed") from error

    async def _take_socket(self, id: str, connection: WebSocketHandler) -> None:
        """Give a WebSocket its place among the connections.

        Raises:
            SessionRefused: If the id is in use, or all places are taken.
        """
        await self._close_on_loop_shutdown.watch()
        self._registry.check_connecting(self.limits.connecting)
        self._registry.reserve(id, self.concurrency_limit)
        try:
            session, media = await connection.open()
        except BaseException:
            self._registry.release(id)
            raise
        self._registry.add(session)
        self._remember_session(session, media, [connection])
        assert connection.data_channel is not None
        self.data_channels[id] = connection.data_channel

    def _remember_session(self, session: Session, media: Media, connections: list[Any]) -> None:
        self.handlers[session.id] = session.handler
        self.connections[session.id] = connections
        self._media[session.id] = media
        self._output_queue(session.id).begin()

    def _remember(self, webrtc_id: str, session: Session, media: Media, peer: Peer) -> None:
        self._remember_session(session, media, list(peer.tracks))
        self.pcs[webrtc_id] = peer.pc
        self.connection_timeouts[webrtc_id] = peer.connected
        self._peers[webrtc_id] = peer

        @guarded(None)
        def remember_channel(channel: DataChannel) -> None:
            if not session.ended:
                self.data_channels[webrtc_id] = channel

        peer.pc.on("datachannel", remember_channel)

    def _end_connection(self, webrtc_id: str) -> None:
        """Free the place of a connection that ends, after what a program's own clean_up does."""
        try:
            if type(self).clean_up is not WebRTCConnectionMixin.clean_up:
                self.clean_up(webrtc_id)
        finally:
            self._registry.release(webrtc_id)

    def _forget(self, webrtc_id: str) -> None:
        for by_id in (
            self.pcs,
            self.handlers,
            self.connections,
            self.data_channels,
            self.connection_timeouts,
            self._peers,
            self._media,
        ):
            cast("dict[str, Any]", by_id).pop(webrtc_id, None)
        queue = self.additional_outputs.pop(webrtc_id, None)
        if queue is not None:
            queue.end()
        self._early.refuse_ended(webrtc_id)

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
        session = self._registry.get(webrtc_id)
        if session is not None:
            session.close("clean_up")
        else:  # what a program has put there itself
            self.connections.pop(webrtc_id, None)
        return removed

    async def close_sessions(self, reason: str = "The server stops") -> None:
        """End all connections, telling the clients why, and wait until they are closed.

        Readers of outputs whose connection has not come yet are let go, too.
        """
        self._early.clear()
        for webrtc_id, queue in list(self.additional_outputs.items()):
            self._expire_outputs(webrtc_id, queue)
        await self._registry.close(reason)

    async def _stop(self) -> None:
        """Let the connections come to their end as the server stops, and then end them."""
        await asyncio.gather(*(one.drain(self.drain_limit) for one in self._registries()))
        await self.close_sessions()

    async def _end_with_the_loop(self) -> None:
        """End the connections that are left when the event loop ends."""
        for registry in self._registries():
            await registry.close_with_the_loop(LOOP_ENDS_WITHIN_S)
        loop = asyncio.get_running_loop()
        for peer in list(self._peers.values()):
            if peer.session.loop is loop:
                await peer.close_sockets()

    def _registries(self) -> list[Registry]:
        """Give those of all connections that end together."""
        return [self._registry]

    def set_input(self, webrtc_id: str, *args: Any) -> None:
        """Give a handler its inputs; from any thread.

        Args:
            webrtc_id: The connection; an unknown one is ignored.
            *args: The inputs: in ``latest_args`` of a stream handler from index 1 on, or
                the arguments of a function after the frame.

        Raises:
            ValueError: If there are none, or not as many as the function takes.
        """
        media = self._media.get(webrtc_id)
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
        media = self._media.get(_id_of(webrtc_data))
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

    def _output_queue(self, webrtc_id: str) -> OutputQueue:
        return self.additional_outputs[webrtc_id]

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
        await self._close_on_loop_shutdown.watch()
        self._make_room_for_readers(webrtc_id)
        queue = self._output_queue(webrtc_id)
        expiry = asyncio.get_running_loop().call_later(
            NO_SESSION_WITHIN_S, self._expire_outputs, webrtc_id, queue
        )
        try:
            while (outputs := await queue.get()) is not None:
                yield outputs
        finally:
            expiry.cancel()
            if not queue.begun and not queue.being_read:
                self._expire_outputs(webrtc_id, queue)

    def _make_room_for_readers(self, webrtc_id: str) -> None:
        """Let go whoever has waited longest for a connection, when too many wait."""
        if webrtc_id in self.additional_outputs:
            return
        waiting = [(id, q) for id, q in self.additional_outputs.items() if not q.begun]
        if len(waiting) >= self.limits.ids_waiting:
            self._expire_outputs(*waiting[0])

    def _expire_outputs(self, webrtc_id: str, queue: OutputQueue) -> None:
        if not queue.begun and self.additional_outputs.get(webrtc_id) is queue:
            del self.additional_outputs[webrtc_id]
            queue.end()

    async def update_connection(self, webrtc_data: WebRTCData | str, desired_state: str) -> None:
        """Tell a client to change its connection.

        Args:
            webrtc_data: The connection; an unknown one is ignored.
            desired_state: ``"closed"`` to have the client close it.
        """
        session = self._registry.get(_id_of(webrtc_data))
        if session is not None:
            session.outbox.post(create_message("update_connection", desired_state))


def _id_of(webrtc_data: WebRTCData | str) -> str:
    return webrtc_data.webrtc_id if isinstance(webrtc_data, WebRTCData) else webrtc_data


def _refused(refusal: SessionRefused) -> JSONResponse:
    return JSONResponse(refusal.answer)
