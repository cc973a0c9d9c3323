"""``Stream``: a handler, and the ways to reach it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from fastapi import FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import Response
from pydantic import BaseModel

from .core.errors import InvalidOffer, Unauthorized
from .core.limits import Limits
from .core.types import Modality, Mode, RTCConfigurationCallable
from .handlers.kinds import HandlerType, StreamHandlerImpl, check_handler, serves
from .server.arguments import (
    check_authorize,
    check_components,
    check_configurations,
    check_dicts,
    check_drain_limit,
    check_limit,
    check_limits,
    check_names,
    check_time_limit,
)
from .server.authorization import (
    Authorize,
    served_locally,
)
from .server.endpoint import attach, endpoint_of
from .server.lifespan import Lifespan, enclosed
from .server.offers import OFFER_RESPONSES, offer_route
from .server.stream_endpoint import StreamEndpoint
from .server.telephone import CALL_REQUEST, CALL_RESPONSES, Telephone
from .transport.socket.events import SocketProtocol
from .transport.telephony.protocol import PhoneProtocol, check_providers
from .transport.telephony.provider import Provider
from .transport.webrtc.configuration import resolve_configuration
from .ui.frames import check_frame_ancestors
from .ui.lazy import LazyPage
from .ui.options import UIArgs, check_ui_args
from .webrtc_connection_mixin import Tables, WebRTCConnectionMixin
from .websocket import WebSocketHandler, refuse_socket

if TYPE_CHECKING:
    from .ui.lazy import Blocks
    from .webrtc import WebRTC

__all__ = [
    "Body",
    "HandlerType",
    "Limits",
    "OfferRefused",
    "RTCConfigurationCallable",
    "Stream",
    "StreamHandlerImpl",
    "UIArgs",
    "Unauthorized",
    "WebRTC",
    "WebRTCConnectionMixin",
]

logger = logging.getLogger(__name__)

curr_dir = Path(__file__).parent
"""The directory of the package."""

SetHandler: TypeAlias = Callable[[str, WebSocketHandler], Awaitable[None]]


def __getattr__(name: str) -> Any:
    if name == "WebRTC":  # it needs Gradio
        from .webrtc import WebRTC

        return WebRTC
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Body(BaseModel):
    """What a client posts to ``/webrtc/offer``: an offer or a candidate.

    Attributes:
        sdp: The offer.
        candidate: A trickled candidate, as ``RTCIceCandidate.toJSON()`` gives it.
        type: ``"offer"`` or ``"ice-candidate"``.
        webrtc_id: The id that the client chose for its connection.
    """

    sdp: str | None = None
    candidate: dict[str, Any] | str | None = None
    type: str
    webrtc_id: str


class OfferRefused(HTTPException, ValueError):
    """An offer that is malformed or does not fit the stream: status 400, with the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(status_code=400, detail=reason)

    def __str__(self) -> str:
        """Give the reason."""
        return str(self.detail)


class Stream(WebRTCConnectionMixin):
    """An audio or video stream through a handler.

    Args:
        handler: What the media go through; see ``mode`` and ``modality``. For audio a
            ``StreamHandler`` or ``AsyncStreamHandler``; for video a function of a frame, or
            a ``VideoStreamHandler``; for both an audio-video handler. In ``receive`` mode
            a generator function, or a handler whose ``emit`` produces. Sync or async.
        additional_outputs_handler: Takes the current value of the output components and
            the values of ``AdditionalOutputs``, and gives the new ones; for the page.
        mode: The direction of the media, seen from the client.
        modality: Which media.
        concurrency_limit: How many connections there may be at a time; ``"default"`` and
            None are 1.
        time_limit: How long a connection may last, in seconds.
        allow_extra_tracks: Whether an offer may have tracks that the stream has no use for.
        rtp_params: Parameters of the client's RTP senders, for the page.
        rtc_configuration: How clients find their way through the network, as browsers have
            it; or a function that gives it, sync or async, called for each connection.
        server_rtc_configuration: The same for the server: ``iceServers`` and
            ``iceTransportPolicy``. None is Google's STUN server, ``{"iceServers": []}`` none.
        track_constraints: Constraints of the client's microphone and camera, for the page.
        additional_inputs: Input components of the page.
        additional_outputs: Output components of the page.
        ui_args: How the page looks.
        verbose: Whether a line is printed when the server starts.
        twilio_auth_token: The auth token of a Twilio account: telephone calls are taken only
            with its signature. None looks into ``FASTRTC_TWILIO_AUTH_TOKEN``; without
            either, anybody's are.
        authorize: Asked about each request before anything is done for it, whatever it travels
            over: gets the Starlette ``Request`` or ``WebSocket``, returns None or True to let it
            in, False or the reason to refuse it, or raises ``Unauthorized``. Sync or async. See
            ``docs/security.md``.
        allowed_origins: Whose pages may use the stream, beside the server's own: a list such as
            ``["https://app.example.org"]``, or ``"*"`` for all. None refuses pages of other
            sites on loopback and private hosts, and with cookies or an ``Authorization`` header,
            unless the app's ``CORSMiddleware`` lets them in. See ``docs/security.md``.
        allowed_hosts: The host names that the server may be asked by, such as
            ``["voice.example.org", "*.example.net"]``, or ``"*"``; others are refused. None takes
            any, but where this package itself serves on a loopback address: there it is the names
            of this machine.
        frame_ancestors: Which sites may show the page, once launched, in a frame, beside itself: a
            list such as ``["https://www.example.org"]``. None lets all, as notebooks and Hugging
            Face Spaces need it.
        limits: What clients may cost; by default ``Limits()``.
        drain_limit: How long connections may go on when the server is told to stop, in seconds:
            they are told, and new ones are refused. 0 ends them at once; Ctrl-C a second time
            does so, too.
        phone_providers: Which providers telephone calls may come through, as classes; by default
            Twilio, Telnyx and Plivo. See ``docs/telephone.md``.

    Attributes:
        event_handler: The handler. Each connection of a stream handler gets a copy.
        concurrency_limit: The limit as a number.
        concurrency_limit_gradio: The limit as it was given.
        additional_input_components: ``additional_inputs``.
        additional_output_components: ``additional_outputs``.

    Raises:
        ValueError: If an argument is not what it may be, naming it.
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
        drain_limit: float = 0,
        phone_providers: Sequence[type[Provider]] | None = None,
    ) -> None:
        super().__init__()
        check_handler(handler, modality, mode)
        check_dicts(rtp_params=rtp_params, track_constraints=track_constraints)
        check_ui_args(ui_args, modality)
        check_components(additional_inputs=additional_inputs, additional_outputs=additional_outputs)
        check_configurations(
            rtc_configuration=rtc_configuration, server_rtc_configuration=server_rtc_configuration
        )
        self.event_handler = handler
        self.mode = mode
        self.modality = modality
        self.concurrency_limit = check_limit(concurrency_limit)
        self.concurrency_limit_gradio = concurrency_limit
        self.time_limit = check_time_limit(time_limit)
        self.drain_limit = check_drain_limit(drain_limit)
        self.authorize = check_authorize(authorize)
        self.allowed_origins, self.allowed_hosts = check_names(
            allowed_origins=allowed_origins, allowed_hosts=allowed_hosts
        )
        self.frame_ancestors = check_frame_ancestors(frame_ancestors)
        self.limits = check_limits(limits)
        self.allow_extra_tracks = allow_extra_tracks
        self.rtp_params = rtp_params
        self.rtc_configuration = rtc_configuration
        self.server_rtc_configuration = (
            server_rtc_configuration
            if callable(server_rtc_configuration)
            else self.convert_to_aiortc_format(server_rtc_configuration)
        )
        self.track_constraints = track_constraints
        self.additional_input_components = additional_inputs
        self.additional_output_components = additional_outputs
        self.additional_outputs_handler = additional_outputs_handler
        self.ui_args = ui_args
        self.verbose = verbose
        page = LazyPage(
            lambda: self._generate_default_ui(self.ui_args), self._inject_startup_message
        )
        endpoint = StreamEndpoint(
            self,
            Tables(self),
            page=page,
            telephone=Telephone(twilio_auth_token),
            providers=check_providers(phone_providers),
            local=served_locally.get(),
        )
        attach(self, endpoint)
        if type(self)._generate_default_ui is not Stream._generate_default_ui:
            page.build()  # a program's own may do more than to build a page

    @property
    def ui(self) -> Blocks:
        """The page, a ``gr.Blocks``: to launch, to mount, to extend, or to replace by another.

        It is built when it is first asked for.
        """
        blocks: Blocks = endpoint_of(self).page.blocks
        return blocks

    @ui.setter
    def ui(self, blocks: Blocks) -> None:
        endpoint_of(self).page.blocks = blocks

    _ui = ui  # as FastRTC has it

    @property
    def webrtc_component(self) -> WebRTC:
        """The component of the page; its connections are not among those of the stream."""
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
        """Build the page. May be overridden, to set ``webrtc_component`` and give another page."""
        from .ui.page import build_page
        from .webrtc import WebRTC

        blocks: Blocks
        blocks, self.webrtc_component = build_page(self, ui_args or {}, WebRTC)
        return blocks

    async def close_sessions(self, reason: str = "The server stops") -> None:
        """End all connections, those of the page, too; see ``WebRTCConnectionMixin``."""
        closing = [super().close_sessions(reason)]
        page = endpoint_of(self).page
        if page.component is not None:
            closing.append(page.component.close_sessions(reason))
        await asyncio.gather(*closing)

    def mount(self, app: FastAPI, path: str = "", tags: list[str] | None = None) -> None:
        """Add the stream's routes to a FastAPI app.

        These are ``POST {path}/webrtc/offer``, ``POST {path}/telephone/incoming`` and the
        WebSockets ``{path}/websocket/offer`` and ``{path}/telephone/handler``; the first alone
        serves a stream without audio. The app's own lifespan runs as before; when it ends, so
        do the connections. Where it does not run, as on an app that is mounted on another, they
        end on SIGTERM and Ctrl-C all the same: see ``docs/deployment.md``.

        Args:
            app: The app.
            path: What the routes begin with, such as ``"/assistant"``.
            tags: Tags of the routes in the app's OpenAPI schema.

        Raises:
            ValueError: If ``path`` is malformed.
        """
        if path and (not path.startswith("/") or path.endswith("/")):
            raise ValueError(f"path must be '' or begin, and not end, with '/', not {path!r}")
        # Not through a router of its own: newer FastAPI keeps an included one as a whole, and
        # programs look for the routes in ``app.router.routes`` by their paths.
        app.router.add_api_route(
            f"{path}/webrtc/offer",
            self.offer,
            methods=["POST"],
            tags=list(tags) if tags else None,
            responses=OFFER_RESPONSES,
            route_class_override=offer_route(
                endpoint_of(self).refusal_of,
                lambda: self.limits.offer_bytes,
            ),
        )
        app.add_api_websocket_route(f"{path}/telephone/handler", self.telephone_handler)
        app.add_api_route(
            f"{path}/telephone/incoming",
            self.handle_incoming_call,
            methods=["POST"],
            tags=list(tags) if tags else None,
            responses=CALL_RESPONSES,
            openapi_extra=CALL_REQUEST,
        )
        app.add_api_websocket_route(f"{path}/websocket/offer", self.websocket_offer)
        app.router.lifespan_context = self._inject_startup_message(app.router.lifespan_context)

    async def offer(self, body: Body) -> Any:
        """Answer an offer, or take a trickled candidate; see ``handle_offer``.

        The route of ``mount`` has asked ``authorize`` before; one of the program's own that
        calls this lets in whom it wants.

        Args:
            body: Any pydantic model with what ``Body`` has; other fields do no harm.

        Raises:
            OfferRefused: If the offer is malformed or does not fit the stream: a
                ``ValueError``, and status 400 in a route.
        """
        try:
            return await self.handle_offer(
                body.model_dump(), set_outputs=self.set_additional_outputs(body.webrtc_id)
            )
        except InvalidOffer as error:
            raise OfferRefused(str(error)) from error

    async def websocket_offer(self, websocket: WebSocket) -> None:
        """Serve the audio of the stream over a WebSocket; see ``docs/websocket.md``.

        Args:
            websocket: Accepted already, or not yet.
        """
        refusal = await endpoint_of(self).refusal_of(websocket)
        if refusal is not None:
            await refuse_socket(websocket, refusal)
            return
        await _socket_handler(self).handle_websocket(websocket)

    async def handle_incoming_call(self, request: Request) -> Response:
        """Answer the webhook of an incoming telephone call with TwiML.

        The call is connected with ``/telephone/handler`` beside the route that this is called
        from; its place is kept for 10 s. When there is none, the caller hears that.

        Raises:
            PhoneExtraMissing: If ``fastrtc[phone]`` is not installed.
        """
        response: Response = await endpoint_of(self).answer_call(request)
        return response

    async def telephone_handler(self, websocket: WebSocket) -> None:
        """Serve the audio of a telephone call, of one of ``phone_providers``.

        Args:
            websocket: Not yet accepted.
        """
        endpoint = endpoint_of(self)
        if await endpoint.admits_call(websocket):
            protocol = PhoneProtocol(endpoint.providers)
            await _socket_handler(self, protocol).handle_websocket(websocket)

    def call_parameters(self, call_sid: str) -> dict[str, str]:
        """Return the custom parameters that TwiML of the program's own has to pass on.

        With a ``twilio_auth_token`` a call is taken only if its TwiML was written for it: by
        ``/telephone/incoming``, or with these in ``<Parameter>`` elements of its ``<Stream>``.
        They are good for one connection, within a minute.

        Args:
            call_sid: The ``CallSid`` that Twilio told the program's webhook.

        Returns:
            Values by name; none without a ``twilio_auth_token``.

        Raises:
            ValueError: If ``call_sid`` is no string, or empty.
        """
        if not isinstance(call_sid, str) or not call_sid:
            raise ValueError(f"call_sid must be the CallSid of a call, not {call_sid!r}")
        parameters: dict[str, str] = endpoint_of(self).telephone.call_parameters(call_sid)
        return parameters

    def fastphone(
        self, token: str | None = None, host: str = "127.0.0.1", port: int = 8000, **kwargs: Any
    ) -> None:
        """Give the stream a telephone number for a while, through the FastPhone service.

        Serves it on this machine, opens a tunnel with Gradio, prints the number and the code
        to type in, and takes calls until Ctrl-C.

        Args:
            token: A Hugging Face token; by default the one of this machine.
            host: The address to serve on.
            port: The port to serve on.
            **kwargs: Options of uvicorn; or ``service``, for the service at another address: a
                ``fastrtc.server.fastphone.FastPhoneService``.

        Raises:
            httpx.HTTPStatusError: If the service refuses.
            httpx.TransportError: If it cannot be reached.
            RuntimeError: In Google Colab or a Hugging Face Space without ``rtc_configuration``.
            OSError: If the port is taken.
        """
        from .server.fastphone import serve

        self._check_colab_or_spaces()
        serve(self, endpoint_of(self).telephone, token, host, port, **kwargs)

    async def get_rtc_configuration(self) -> dict[str, Any] | None:
        """Give the configuration for a client, calling ``rtc_configuration`` if it is a function.

        Raises:
            TypeError: If it is, or gives, no dict.
        """
        return await resolve_configuration(self.rtc_configuration)

    def _inject_startup_message(self, lifespan: Lifespan | None = None) -> Lifespan:
        """Wrap a lifespan: say that the stream is there, and end its connections with it."""

        @asynccontextmanager
        async def with_stream() -> AsyncIterator[None]:
            self._check_colab_or_spaces()
            if self.verbose:
                print(_startup_line(self))
            async with endpoint_of(self).serving():
                yield

        return enclosed(lifespan, with_stream)

    def _check_colab_or_spaces(self) -> None:
        """See whether clients can reach the server where it runs.

        Raises:
            RuntimeError: In Google Colab or a Hugging Face Space without ``rtc_configuration``.
        """
        if self.rtc_configuration is not None:
            return
        place = (
            "Google Colab"
            if os.getenv("COLAB_RELEASE_TAG") or os.getenv("COLAB_JUPYTER_IP")
            else "Hugging Face Spaces"
            if os.getenv("SYSTEM") == "spaces" or os.getenv("SPACE_ID")
            else None
        )
        if place is not None:
            raise RuntimeError(
                f"Clients cannot reach a server in {place} directly: give the stream an "
                "rtc_configuration with a TURN server"
            )


def _socket_handler(stream: Stream, protocol: SocketProtocol | None = None) -> WebSocketHandler:
    """Create what serves one WebSocket, as one of the stream's connections."""
    endpoint: StreamEndpoint = endpoint_of(stream)

    async def connect(id: str, handler: WebSocketHandler) -> None:
        endpoint.accept_call(handler.call)
        async with endpoint.reserve(id) as place:
            session = await place.create_session(
                handler.additional_outputs_factory(id), handler.websocket, handler.call
            )
            transport = handler.carry(session)
            endpoint.add(session, transport.media, transport, [handler])

    return WebSocketHandler(
        stream.event_handler,
        connect,
        endpoint.release,
        stream.set_additional_outputs,
        mode=stream.mode,
        modality="audio" if endpoint.has_voice else stream.modality,
        time_limit=stream.time_limit,
        protocol=protocol,
        copies=True,
        limits=stream.limits,
        pending=endpoint.pending,
    )


def _startup_line(stream: Stream) -> str:
    what, who = stream.modality, "WebRTC offers"
    if not serves(stream.event_handler, stream.modality):
        what, who = "audio", "WebSocket clients and telephone calls"
    return (
        f"fastrtc: {what} stream ({stream.mode}) is ready for {who}, "
        f"{stream.concurrency_limit} connection{'s' if stream.concurrency_limit != 1 else ''} "
        "at a time"
    )
