"""``Stream``: a handler with WebRTC, WebSocket, telephone and a page."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fastapi import FastAPI, WebSocket

from .core.close_reason import ConnectionEnd
from .core.context import Context
from .core.errors import ClientCallError, ClientCallTimeout, InvalidOffer, Unauthorized
from .core.ice import Ice
from .core.identity import ClientRequest
from .core.limits import Limits
from .core.types import Modality, Mode, RTCConfigurationCallable
from .handlers.client_message import OnMessage
from .handlers.kinds import HandlerType, StreamHandlerImpl, check_handler
from .protocols.table import check_protocols, protocol_routes
from .recording.recorder import Recorder, check_recorder
from .server.app_routes import add_to_app
from .server.arguments import (
    check_authorize,
    check_components,
    check_dicts,
    check_drain_limit,
    check_hosts,
    check_ice,
    check_limit,
    check_limits,
    check_origins,
    check_rtc_configuration,
    check_server_rtc_configuration,
    check_time_limit,
    check_total_limit,
    check_voice,
)
from .server.authorization import Authorize
from .server.cluster.options import Cluster, check_cluster
from .server.endpoint import attach, endpoint_of
from .server.health import HealthRoutes
from .server.hooks import check_hooks
from .server.lifespan import Lifespan, enclosed
from .server.offers import Body, OfferRefused
from .server.routes import add_routes, check_path, developer_routes
from .server.startup import check_environment, startup_line
from .server.stream_endpoint import StreamEndpoint
from .server.stream_sessions import StreamSessions
from .server.telephone_lines import TelephoneLines
from .server.tokens import Tokens
from .server.webrtc_protocol import FASTRTC
from .session.hooks import RESUME_TIMEOUT_S, OnConnect, OnDisconnect, OnReconnect, OnTurn
from .text_to_speech.protocol import TTSModel
from .transport.telephony.protocol import PhoneProtocol
from .transport.telephony.provider import Provider
from .transport.webrtc.configuration import resolve_configuration
from .ui.frames import check_frame_ancestors
from .ui.lazy import LazyPage
from .ui.options import UIArgs, check_ui_args
from .webrtc_connection_mixin import WebRTCConnectionMixin, tables_of
from .websocket import WebSocketHandler, serve_socket

if TYPE_CHECKING:
    from .ui.lazy import Blocks
    from .webrtc import WebRTC

__all__ = [
    "Body",
    "ClientCallError",
    "ClientCallTimeout",
    "ClientRequest",
    "Cluster",
    "ConnectionEnd",
    "Context",
    "HandlerType",
    "Ice",
    "Limits",
    "OfferRefused",
    "RTCConfigurationCallable",
    "Stream",
    "StreamHandlerImpl",
    "Tokens",
    "UIArgs",
    "Unauthorized",
    "WebRTC",
    "WebRTCConnectionMixin",
    "WebSocketHandler",
]

logger = logging.getLogger(__name__)

curr_dir = Path(__file__).parent


def __getattr__(name: str) -> Any:
    if name == "WebRTC":  # it needs Gradio
        from .webrtc import WebRTC

        return WebRTC
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Stream(WebRTCConnectionMixin, StreamSessions, TelephoneLines, HealthRoutes):
    """An audio or video stream, processed by a handler.

    Args:
        handler: Processes the media; see ``mode`` and ``modality``. For audio, a ``StreamHandler``
            or ``AsyncStreamHandler``; for video, a function of a frame, or a
            ``VideoStreamHandler``; for both, an audio-video handler. In ``receive`` mode, a
            generator function, or a handler whose ``emit`` produces the media. Sync or async.
        additional_outputs_handler: Called for the page with the current values of the output
            components and the values of ``AdditionalOutputs``; returns the new values.
        mode: The direction of the media, as seen by the client.
        modality: Audio, video or both.
        concurrency_limit: Maximum number of concurrent connections; ``"default"`` and None mean 1.
        time_limit: Maximum duration of a connection, in seconds.
        allow_extra_tracks: Whether to accept offers with tracks that the stream does not use.
        rtp_params: Parameters of the client's RTP senders, for the page.
        rtc_configuration: The ``RTCConfiguration`` of clients, in the format of browsers; or a
            function that returns it, sync or async, called for each connection.
        server_rtc_configuration: The same for the server: ``iceServers`` and
            ``iceTransportPolicy``. None uses Google's STUN server, ``{"iceServers": []}`` no
            server.
        track_constraints: Constraints of the client's microphone and camera, for the page.
        additional_inputs: Input components of the page.
        additional_outputs: Output components of the page.
        ui_args: Options of the page.
        verbose: Whether to print a line when the server starts.
        twilio_auth_token: The auth token of a Twilio account: only telephone calls with its
            signature are accepted. None reads ``FASTRTC_TWILIO_AUTH_TOKEN``; without either, all
            calls are accepted.
        authorize: Called before each request is processed, over every transport, with the
            Starlette ``Request`` or ``WebSocket``. Returns None or True to accept it, or False or
            the reason to refuse it; or raises ``Unauthorized``. Sync or async. See
            ``docs/security.md``.
        allowed_origins: Sites, besides the server's own, whose pages may use the stream: a list
            such as ``["https://app.example.org"]``, or ``"*"`` for all. None refuses pages of
            other sites on loopback and private hosts, and with cookies or an ``Authorization``
            header, unless the app's ``CORSMiddleware`` allows them. See ``docs/security.md``.
        allowed_hosts: Accepted host names in requests, such as
            ``["voice.example.org", "*.example.net"]``, or ``"*"``; others are refused. None
            accepts any name, except where this package itself serves on a loopback address, which
            accepts the names of this machine.
        frame_ancestors: Sites, besides the page's own, that may show the launched page in a frame:
            a list such as ``["https://www.example.org"]``. None allows all, as notebooks and
            Hugging Face Spaces require.
        limits: Resource limits of clients; by default ``Limits()``.
        ice: The ports and addresses of WebRTC connections, such as ``Ice(udp_port=40000)``; None
            uses random ports, or the environment variables. See ``docs/deployment.md``.
        drain_limit: How long connections may continue after the server is told to stop, in seconds;
            new ones are refused then. 0 ends them immediately, as does a second Ctrl-C.
        phone_providers: The accepted telephone providers, subclasses of
            ``fastrtc.telephony.Provider``; by default Twilio, Telnyx and Plivo.
        cluster: The processes that serve the program together: a ``Cluster`` or its ``url``; None
            reads ``FASTRTC_CLUSTER``. See ``docs/scaling.md``.
        total_limit: Maximum number of concurrent connections of all processes of the cluster.
        voice: A text-to-speech model that speaks text given to ``say``.
        on_message: Called with each message of a client, a dict with a string ``"type"``, if the
            handler has no ``on_message``. Sync or async, like the next two. See
            ``docs/messages.md``.
        on_connect: Called with the ``Context`` when a connection is established.
        on_disconnect: Called with the ``Context`` and a ``ConnectionEnd`` when an established
            connection has ended, after ``shutdown()`` of its handler.
        on_turn: Called with a ``Turn`` after each turn of a conversation: when the user spoke, when
            the reply was made, sent and heard; never without audio. See ``docs/latency.md``.
        idle_timeout: How long a client may be idle, in seconds: no sound louder than -45 dB of full
            scale, no message, input or key, and no reply that is being made or played.
        captions: Whether clients get the texts of ``Speech``, such as those of text-to-speech
            models, as transcripts of the assistant: see ``Transcript``.
        record: Records the connections, such as ``Recorder("calls/{id}.ogg")``. See
            ``docs/recording.md``.
        debug: Whether ``mount`` and ``stream.ui.launch`` add ``{path}/fastrtc/debug``, a page for
            developers with the sessions, their turns, levels, queues and drops. ``authorize``
            decides who may see it. See ``docs/monitoring.md``.
        resume_within_s: How long a connection whose network is lost waits for its client to resume
            it, in seconds, if the client asked for it; 0 ends it at once. See
            ``docs/reconnecting.md``.
        on_reconnect: Called with the ``Context`` when a client has resumed its connection. Sync or
            async.

    Attributes:
        event_handler: The handler. Each connection of a stream handler uses a copy.
        concurrency_limit: The limit as a number.
        concurrency_limit_gradio: The ``concurrency_limit`` argument.
        additional_input_components: ``additional_inputs``.
        additional_output_components: ``additional_outputs``.

    Raises:
        TypeError: If a function has other parameters; the message names it.
        ValueError: If an argument is invalid; the message names it.
    """

    def __init__(
        self,
        handler: HandlerType,
        *,
        additional_outputs_handler: Callable[..., Any] | None = None,
        mode: Mode = "send-receive",
        modality: Modality = "video",
        concurrency_limit: int | None | Literal["default"] = "default",
        time_limit: float | None = None,
        allow_extra_tracks: bool = False,
        rtp_params: dict[str, Any] | None = None,
        rtc_configuration: dict[str, Any] | None | RTCConfigurationCallable = None,
        server_rtc_configuration: dict[str, Any] | None | RTCConfigurationCallable = None,
        track_constraints: dict[str, Any] | None = None,
        additional_inputs: list[Any] | None = None,
        additional_outputs: list[Any] | None = None,
        ui_args: UIArgs | None = None,
        verbose: bool = True,
        twilio_auth_token: str | None = None,
        authorize: Authorize | None = None,
        allowed_origins: Collection[str] | None = None,
        allowed_hosts: Collection[str] | None = None,
        frame_ancestors: Collection[str] | None = None,
        limits: Limits | None = None,
        ice: Ice | None = None,
        drain_limit: float = 0,
        phone_providers: Sequence[type[Provider]] | None = None,
        cluster: Cluster | str | None = None,
        total_limit: int | None = None,
        voice: TTSModel[Any] | None = None,
        on_message: OnMessage | None = None,
        on_connect: OnConnect | None = None,
        on_disconnect: OnDisconnect | None = None,
        idle_timeout: float | None = None,
        captions: bool = False,
        on_turn: OnTurn | None = None,
        record: Recorder | None = None,
        debug: bool = False,
        resume_within_s: float = RESUME_TIMEOUT_S,
        on_reconnect: OnReconnect | None = None,
    ) -> None:
        super().__init__()
        check_handler(handler, modality, mode)
        check_dicts(rtp_params=rtp_params, track_constraints=track_constraints)
        check_ui_args(ui_args, modality)
        check_components(additional_inputs=additional_inputs, additional_outputs=additional_outputs)
        self.event_handler = handler
        self.mode = mode
        self.modality = modality
        self.concurrency_limit = check_limit(concurrency_limit)
        self.concurrency_limit_gradio = concurrency_limit
        self.time_limit = check_time_limit(time_limit)
        self.drain_limit = check_drain_limit(drain_limit)
        self.authorize = check_authorize(authorize)
        self.allowed_origins = check_origins(allowed_origins)
        self.allowed_hosts = check_hosts(allowed_hosts)
        self.frame_ancestors = check_frame_ancestors(frame_ancestors)
        self.limits = check_limits(limits)
        self.ice = check_ice(ice)
        self.cluster = check_cluster(cluster)
        self.total_limit = check_total_limit(total_limit)
        self.voice = check_voice(voice)
        self.allow_extra_tracks = allow_extra_tracks
        self.rtp_params = rtp_params
        self.rtc_configuration = check_rtc_configuration(rtc_configuration)
        self.server_rtc_configuration = check_server_rtc_configuration(server_rtc_configuration)
        self.track_constraints = track_constraints
        self.additional_input_components = additional_inputs
        self.additional_output_components = additional_outputs
        self.additional_outputs_handler = additional_outputs_handler
        self.ui_args = ui_args
        self.verbose = verbose
        page = LazyPage(
            lambda: self._generate_default_ui(self.ui_args),
            self._inject_startup_message,
            lambda: developer_routes(endpoint_of(self)),
        )
        tables = tables_of(self)
        attach(self, StreamEndpoint(self, tables, page, twilio_auth_token, phone_providers))
        endpoint_of(self).hooks = check_hooks(
            on_message,
            on_connect,
            on_disconnect,
            idle_timeout,
            captions,
            on_turn,
            debug,
            on_reconnect,
            resume_within_s,
        )
        endpoint_of(self).hooks.record = check_recorder(record, modality)
        if type(self)._generate_default_ui is not Stream._generate_default_ui:
            page.build()  # an override may do more than build a page

    @property
    def ui(self) -> Blocks:
        """The page, a ``gr.Blocks``: launch, mount or extend it, or assign another.

        It is built on first access.
        """
        blocks: Blocks = endpoint_of(self).page.blocks
        return blocks

    @ui.setter
    def ui(self, blocks: Blocks) -> None:
        endpoint_of(self).page.blocks = blocks

    _ui = ui  # as in FastRTC 0.0.34

    @property
    def webrtc_component(self) -> WebRTC:
        """The component of the page; its connections are separate from those of the stream."""
        page = endpoint_of(self).page
        if page.component is None:
            page.build()
        component: WebRTC = page.component
        return component

    @webrtc_component.setter
    def webrtc_component(self, component: WebRTC) -> None:
        endpoint_of(component).join(endpoint_of(self))
        endpoint_of(self).page.component = component

    def _generate_default_ui(self, ui_args: UIArgs | None = None) -> Blocks:
        """Build the page. Overrides may set ``webrtc_component`` and return another page."""
        from .ui.page import build_page
        from .webrtc import WebRTC

        blocks: Blocks
        blocks, self.webrtc_component = build_page(self, ui_args or {}, WebRTC)
        return blocks

    def mount(
        self,
        app: FastAPI,
        path: str = "",
        tags: list[str] | None = None,
        *,
        protocols: Collection[str] = ("fastrtc",),
    ) -> None:
        """Add the stream's routes to a FastAPI app.

        These are ``POST {path}/webrtc/offer``, ``POST {path}/telephone/incoming`` and the
        WebSockets ``{path}/websocket/offer`` and ``{path}/telephone/handler``; a stream without
        audio uses only the first. The app's own lifespan runs as before; the connections end with
        it, or on SIGTERM and Ctrl-C: see ``docs/deployment.md``.

        Args:
            app: The app.
            path: Prefix of the routes, such as ``"/assistant"``.
            tags: Tags of the routes in the app's OpenAPI schema.
            protocols: Whose clients may connect: ``"fastrtc"``, those of this package, with the
                routes above; ``"openai-realtime"``, OpenAI's SDKs, with ``{path}/v1/realtime``, see
                ``docs/openai-realtime.md``; ``"rtvi"``, those of pipecat, with
                ``POST {path}/api/offer``, see ``docs/rtvi.md``; ``"whip"``, senders such as OBS and
                players, with ``{path}/whip`` and ``{path}/whep``, see ``docs/whip.md``.

        Raises:
            ValueError: If ``path`` is malformed, or a protocol is unknown.
        """
        names = check_protocols(protocols)
        check_path(path)
        if FASTRTC in names:
            add_routes(app, self, path, tags)
        endpoint = endpoint_of(self)
        routes = [*protocol_routes(names, endpoint, path), *developer_routes(endpoint, path)]
        add_to_app(app.router, routes, lambda: self.limits.offer_bytes)
        endpoint.mounted_at(path)
        app.router.lifespan_context = self._inject_startup_message(app.router.lifespan_context)

    async def offer(self, body: Body) -> Any:
        """Answer an offer, or add a trickled candidate; see ``handle_offer``.

        The route of ``mount`` calls ``authorize`` first; the program's own route that calls this
        method does its own authorization.

        Args:
            body: Any pydantic model with the fields of ``Body``; other fields are ignored.

        Raises:
            OfferRefused: If the offer is malformed or does not fit the stream: a
                ``ValueError``, and status 400 in a route.
        """
        set_outputs = self.set_additional_outputs(body.webrtc_id)
        try:
            return await self.handle_offer(body.model_dump(), set_outputs=set_outputs)
        except InvalidOffer as error:
            raise OfferRefused(str(error)) from error

    async def websocket_offer(self, websocket: WebSocket) -> None:
        """Serve the audio of the stream over a WebSocket; see ``docs/websocket.md``.

        Args:
            websocket: The WebSocket, accepted or not.
        """
        endpoint = endpoint_of(self)
        if await endpoint.admits_socket(websocket):
            await serve_socket(endpoint, websocket)

    async def telephone_handler(self, websocket: WebSocket) -> None:
        """Serve the audio of a telephone call of one of the ``phone_providers``.

        Args:
            websocket: The WebSocket, not yet accepted.
        """
        endpoint = endpoint_of(self)
        if await endpoint.admits_call(websocket):
            await serve_socket(endpoint, websocket, PhoneProtocol(endpoint.providers))

    async def get_rtc_configuration(self) -> dict[str, Any] | None:
        """Return the configuration for a client; see ``resolve_rtc_configuration``."""
        return await resolve_configuration(self.rtc_configuration)

    def _inject_startup_message(self, lifespan: Lifespan | None = None) -> Lifespan:
        """Wrap a lifespan: print the startup line, and end the connections with it."""

        @asynccontextmanager
        async def with_stream() -> AsyncIterator[None]:
            self._check_colab_or_spaces()
            async with endpoint_of(self).serving():
                if self.verbose:
                    print(startup_line(self))
                yield

        return enclosed(lifespan, with_stream)

    def _check_colab_or_spaces(self) -> None:
        """Check that clients can reach the server; see ``check_environment``."""
        check_environment(self.rtc_configuration)
