"""``Stream``: a handler, and the ways to reach it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal, TypeAlias

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from .core.errors import InvalidOffer
from .core.types import Modality, Mode, RTCConfigurationCallable
from .handlers.kinds import HandlerType, StreamHandlerImpl, check_handler
from .session.interrupt import on_interrupt
from .transport.configuration import resolve_configuration, to_aiortc_configuration
from .webrtc_connection_mixin import WebRTCConnectionMixin

__all__ = [
    "Body",
    "HandlerType",
    "OfferRefused",
    "RTCConfigurationCallable",
    "Stream",
    "StreamHandlerImpl",
    "WebRTCConnectionMixin",
]

Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[Any]]


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
        ui_args: Any = None,
        verbose: bool = True,
    ) -> None:
        super().__init__()
        check_handler(handler, modality, mode)
        _check_dicts(rtp_params=rtp_params, track_constraints=track_constraints, ui_args=ui_args)
        _check_configurations(
            rtc_configuration=rtc_configuration, server_rtc_configuration=server_rtc_configuration
        )
        self.event_handler = handler
        self.mode = mode
        self.modality = modality
        self.concurrency_limit = _limit(concurrency_limit)
        self.concurrency_limit_gradio = concurrency_limit
        self.time_limit = _time_limit(time_limit)
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

    def mount(self, app: FastAPI, path: str = "", tags: list[str] | None = None) -> None:
        """Add the stream's routes to a FastAPI app: ``POST {path}/webrtc/offer``.

        The app's own lifespan runs as before; when it ends, so do the connections.

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
        app.add_api_route(
            f"{path}/webrtc/offer", self.offer, methods=["POST"], tags=list(tags) if tags else None
        )
        app.router.lifespan_context = self._inject_startup_message(app.router.lifespan_context)

    async def offer(self, body: Body) -> Any:
        """Answer an offer, or take a trickled candidate; see ``handle_offer``.

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

    async def get_rtc_configuration(self) -> dict[str, Any] | None:
        """Give the configuration for a client, calling ``rtc_configuration`` if it is a function.

        Raises:
            TypeError: If it is, or gives, no dict.
        """
        return await resolve_configuration(self.rtc_configuration)

    def _inject_startup_message(self, lifespan: Lifespan | None = None) -> Lifespan:
        """Wrap a lifespan: say that the stream is there, and end its connections with it."""

        @asynccontextmanager
        async def with_stream(app: Any) -> AsyncIterator[Any]:
            self._check_colab_or_spaces()
            if self.verbose:
                print(_startup_line(self))
            async with on_interrupt(self.close_sessions):
                try:
                    if lifespan is None:
                        yield
                    else:
                        async with lifespan(app) as state:
                            yield state
                finally:
                    await self.close_sessions()

        return with_stream

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


def _startup_line(stream: Stream) -> str:
    return (
        f"fastrtc: {stream.modality} stream ({stream.mode}) is ready for WebRTC offers, "
        f"{stream.concurrency_limit} connection{'s' if stream.concurrency_limit != 1 else ''} "
        "at a time"
    )


def _limit(limit: Any) -> int:
    if limit is None or limit == "default":
        return 1
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise ValueError(
            f"concurrency_limit must be a positive integer, None or 'default', not {limit!r}"
        )
    return limit


def _time_limit(limit: Any) -> float | None:
    if limit is not None and (
        not isinstance(limit, int | float) or isinstance(limit, bool) or not limit > 0
    ):
        raise ValueError(f"time_limit must be a positive number of seconds or None, not {limit!r}")
    return limit


def _check_dicts(**arguments: Any) -> None:
    for name, value in arguments.items():
        if value is not None and not isinstance(value, dict):
            raise ValueError(f"{name} must be a dict or None, not {type(value).__name__}")


def _check_configurations(**arguments: Any) -> None:
    for name, value in arguments.items():
        if value is None or callable(value):
            continue
        try:
            to_aiortc_configuration(value)
        except (ValueError, AttributeError, TypeError) as error:
            raise ValueError(
                f"{name} must be a dict as RTCPeerConnection takes it, a function that gives "
                f"one, or None: {error}"
            ) from error
