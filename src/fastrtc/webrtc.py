"""``WebRTC``: the Gradio component."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from gradio.components.base import Component
from gradio.events import Dependency

from .core.ice import Ice
from .core.limits import Limits
from .core.outputs import AdditionalOutputs
from .core.types import Modality, Mode, RTCConfigurationCallable
from .handlers.base import StreamHandlerBase
from .handlers.inputs import WebRTCData
from .handlers.kinds import (
    AudioVideoStreamHandlerImpl,
    HandlerType,
    StreamHandlerImpl,
    VideoEventHandler,
    check_handler,
    check_media,
)
from .handlers.stream import StreamHandler
from .handlers.video import VideoStreamHandler
from .server.arguments import (
    check_dicts,
    check_limit,
    check_rtc_configuration,
    check_server_rtc_configuration,
    check_time_limit,
)
from .server.endpoint import attach, endpoint_of, id_of
from .server.page_endpoint import PageEndpoint
from .server.policy import FromStream
from .ui._compat import accept_gradio5_signature, current_blocks
from .ui.component import PageComponent
from .ui.constraints import default_track_constraints
from .ui.icon import image_address
from .ui.inputs import (
    check_inputs,
    listen_for_inputs,
    listen_for_start,
    warn_of_ignored_outputs,
)
from .ui.launch import serve_with_launch
from .ui.options import SEND_INPUT_ON, SendInputOn, Variant, check_button_labels, check_look
from .ui.outputs import OutputsEvent
from .ui.shared_limit import GroupedPlaces
from .ui.value import WebRTCModel
from .webrtc_connection_mixin import WebRTCConnectionMixin, tables_of
from .websocket import serve_socket

if TYPE_CHECKING:
    from gradio.components import Timer

__all__ = [
    "AudioVideoStreamHandlerImpl",
    "HandlerType",
    "RTCConfigurationCallable",
    "StreamHandler",
    "StreamHandlerBase",
    "StreamHandlerImpl",
    "VideoEventHandler",
    "VideoStreamHandler",
    "WebRTC",
    "WebRTCConnectionMixin",
    "WebRTCData",
    "WebRTCModel",
]

logger = logging.getLogger(__name__)

EVENTS = ["tick", "state_change", "submit", "start_recording", "stop_recording", "change"]
"""Events of the page: ``tick`` when it connects and when the handler requests its inputs,
``state_change`` for each ``AdditionalOutputs``, ``submit`` when the user submits text."""


class WebRTC(PageComponent, WebRTCConnectionMixin):
    """A Gradio component that streams audio and video between the page and a handler.

    Put it into a ``gr.Blocks`` and call ``stream`` once:

        with gr.Blocks() as demo:
            audio = WebRTC(modality="audio", mode="send-receive")
            audio.stream(ReplyOnPause(reply), inputs=[audio], outputs=[audio], time_limit=60)

    As an input of other events, its value is the id of the page's connection, or None before the
    first one; with ``variant="textbox"``, a ``WebRTCData``.

    Args:
        value: The id of a connection, or a function that returns one; rarely needed.
        height: Height of the video, in pixels or as a CSS length.
        width: Width of the video, in pixels or as a CSS length.
        label: The label.
        every: How often to call ``value`` if it is a function, in seconds; or a timer.
        inputs: The components whose values are passed to ``value`` if it is a function.
        show_label: Whether to show the label.
        container: Whether to show a frame around the component.
        scale: Relative width in a row.
        min_width: Minimum width before the row wraps, in pixels.
        interactive: Used by Gradio; the direction of the media depends on ``mode``.
        visible: Whether to show it.
        elem_id: The id of its HTML element.
        elem_classes: The classes of its HTML element.
        render: Whether to add it to the current ``gr.Blocks`` immediately.
        key: In ``gr.render``, the same key keeps the same component.
        mirror_webcam: Whether to mirror the user's own video.
        rtc_configuration: The ``RTCConfiguration`` of the page, in the format of browsers; or a
            function that returns it, sync or async, called for each connection.
        server_rtc_configuration: The same for the server.
        track_constraints: Constraints of the microphone and the camera; nested by ``"audio"``
            and ``"video"`` if both are used.
        time_limit: Maximum duration of a connection, in seconds.
        allow_extra_tracks: Whether to accept offers with tracks that are not used.
        mode: The direction of the media, as seen by the page.
        modality: Audio, video or both.
        rtp_params: Parameters of the page's RTP senders, in the format of
            ``RTCRtpSender.setParameters``.
        icon: For audio: the path or URL of an image to show instead of the waveform.
        icon_button_color: CSS color of the button with the icon.
        pulse_color: CSS color of the pulse around it.
        icon_radius: Corner radius of the icon in percent; 50 is a circle.
        button_labels: Labels of the buttons ``"start"``, ``"stop"`` and ``"waiting"``.
        variant: For audio: ``"wave"``, or ``"textbox"``, in which the user types or talks.
        full_screen: For video: whether the video fills the window.
        endpoint: Used by Gradio, which creates the component again when an event changes one of
            its properties: the component whose connections it takes over.
        assistant_name: The page's name for the other side of the conversation.

    Raises:
        ValueError: If an argument is invalid; the message names it.
    """

    EVENTS = EVENTS  # noqa: RUF012

    if not TYPE_CHECKING:  # options that the page inherits from its stream
        authorize = FromStream(None)
        allowed_origins = FromStream(None)
        allowed_hosts = FromStream(None)
        frame_ancestors = FromStream(None)
        limits = FromStream(Limits())
        ice = FromStream(Ice())
        drain_limit = FromStream(0)
        cluster = FromStream(None)
        total_limit = FromStream(None)
        voice = FromStream(None)

    if TYPE_CHECKING:
        tick: Callable[..., Dependency]
        state_change: Callable[..., Dependency]
        submit: Callable[..., Dependency]
        start_recording: Callable[..., Dependency]
        stop_recording: Callable[..., Dependency]
        change: Callable[..., Dependency]
        frame_ancestors: Collection[str] | None

    def __init__(
        self,
        value: Any = None,
        height: int | str | None = None,
        width: int | str | None = None,
        label: str | None = None,
        every: Timer | float | None = None,
        inputs: Component | Sequence[Component] | set[Component] | None = None,
        show_label: bool | None = None,
        container: bool = True,
        scale: int | None = None,
        min_width: int = 160,
        interactive: bool | None = None,
        visible: bool | Literal["hidden"] = True,
        elem_id: str | None = None,
        elem_classes: list[str] | str | None = None,
        render: bool = True,
        key: int | str | tuple[int | str, ...] | None = None,
        mirror_webcam: bool = True,
        rtc_configuration: dict[str, Any] | None | RTCConfigurationCallable = None,
        server_rtc_configuration: dict[str, Any] | None | RTCConfigurationCallable = None,
        track_constraints: dict[str, Any] | None = None,
        time_limit: float | None = None,
        allow_extra_tracks: bool = False,
        mode: Mode = "send-receive",
        modality: Modality = "video",
        rtp_params: dict[str, Any] | None = None,
        icon: str | None = None,
        icon_button_color: str | None = None,
        pulse_color: str | None = None,
        icon_radius: int | None = None,
        button_labels: dict[str, str] | None = None,
        variant: Variant = "wave",
        full_screen: bool = True,
        endpoint: WebRTC | None = None,
        *,
        assistant_name: str = "Assistant",
    ) -> None:
        check_media(modality, mode)
        check_look(
            modality,
            icon=icon,
            icon_radius=icon_radius,
            variant=variant,
            assistant_name=assistant_name,
        )
        check_dicts(rtp_params=rtp_params, track_constraints=track_constraints)
        check_button_labels(button_labels)
        WebRTCConnectionMixin.__init__(self)
        if endpoint is None:
            own = PageEndpoint(self, tables_of(self), serve_socket, places=GroupedPlaces)
            attach(self, own)
        else:
            attach(self, endpoint_of(endpoint))
        self.modality = modality
        self.mode = mode
        self.time_limit = check_time_limit(time_limit)
        self.allow_extra_tracks = allow_extra_tracks
        self.rtc_configuration = check_rtc_configuration(rtc_configuration)
        self.server_rtc_configuration = check_server_rtc_configuration(server_rtc_configuration)
        self.height = height
        self.width = width
        self.mirror_webcam = mirror_webcam
        self.track_constraints = (
            default_track_constraints(modality, full_screen)
            if track_constraints is None
            else track_constraints
        )
        self.rtp_params = rtp_params
        self.icon = image_address(icon) if icon is not None and modality == "audio" else None
        self.icon_button_color = icon_button_color
        self.pulse_color = pulse_color
        self.icon_radius = icon_radius
        self.button_labels = button_labels
        self.variant = variant
        self.full_screen = full_screen
        self.assistant_name = assistant_name
        super().__init__(
            value,
            label=label,
            every=every,
            inputs=inputs,
            show_label=show_label,
            container=container,
            scale=scale,
            min_width=min_width,
            interactive=interactive,
            visible=visible,
            elem_id=elem_id,
            elem_classes=elem_classes,
            render=render,
            key=key,
        )

    def stream(
        self,
        fn: HandlerType | None = None,
        inputs: Any = None,
        outputs: Any = None,
        js: str | None = None,
        concurrency_limit: int | None | Literal["default"] = "default",
        concurrency_id: str | None = None,
        time_limit: float | None = None,
        trigger: Callable[..., Dependency] | None = None,
        send_input_on: SendInputOn = "change",
    ) -> Any:
        """Connect the media to a handler.

        Args:
            fn: The handler; see ``Stream``. If omitted, this returns a decorator.
            inputs: The component itself, followed by the components whose values are passed to the
                handler. With ``mode="receive"``, the component itself may be omitted.
            outputs: The component itself, or None. Others are ignored: their values are set by
                ``on_additional_outputs``.
            js: JavaScript to run when ``trigger`` fires, before the stream starts.
            concurrency_limit: Maximum number of concurrent connections; ``"default"`` and None mean
                1.
            concurrency_id: Components with the same id share the lowest of their limits.
            time_limit: Maximum duration of a connection, in seconds.
            trigger: An event that starts the stream, in addition to the component's own button,
                such as ``button.click``. For ``mode="receive"``.
            send_input_on: Whether to send an input to the handler when it changes, or when it is
                submitted. A component without a submit event is sent when it changes.

        Returns:
            The event of ``trigger``, or else the event by which the page sends inputs, to chain
            with ``then``. Without ``fn``, the decorator.

        Raises:
            ValueError: If an argument is invalid; the message names it.
        """
        if fn is None:
            given = {name: value for name, value in locals().items() if name not in ("self", "fn")}

            def decorate(fn: HandlerType) -> HandlerType:
                self.stream(fn, **given)
                return fn

            return decorate
        check_handler(fn, self.modality, self.mode)
        if send_input_on not in SEND_INPUT_ON:
            raise ValueError(f"send_input_on must be 'change' or 'submit', not {send_input_on!r}")
        extras = check_inputs(self, inputs)
        warn_of_ignored_outputs(self, outputs)
        if trigger is not None and self.mode != "receive":
            raise ValueError(f"trigger is for mode='receive', not for mode={self.mode!r}")
        self.event_handler = fn
        self.concurrency_limit = check_limit(concurrency_limit)
        if time_limit is not None:
            self.time_limit = check_time_limit(time_limit)
        endpoint_of(self).places.join(concurrency_id, self.concurrency_limit)
        endpoint_of(self).set_number(self.elem_id or self._id)
        self.constructor_args["endpoint"] = self
        if (blocks := current_blocks()) is not None:
            serve_with_launch(blocks, self)
        tick = listen_for_inputs(
            self,
            extras,
            set_inputs=self._set_inputs,
            submit_inputs=self.set_input_on_submit,
            send_input_on=send_input_on,
        )
        return tick if trigger is None else listen_for_start(self, trigger, js)

    def on_additional_outputs(
        self,
        fn: Callable[..., Any],
        inputs: Any = None,
        outputs: Any = None,
        js: str | None = None,
        concurrency_limit: int | None | Literal["default"] = "default",
        concurrency_id: str | None = None,
        show_progress: Literal["full", "minimal", "hidden"] = "full",
        queue: bool = True,
    ) -> Dependency:
        """Call a function with each ``AdditionalOutputs`` of the handler, in order.

        Args:
            fn: Called with the current values of ``inputs``, followed by the arguments of
                ``AdditionalOutputs``; returns the new values of ``outputs``. Sync or async, or a
                generator.
            inputs: Components. With those that are also ``outputs``, ``fn`` can add to the current
                value, such as a chat.
            outputs: Components.
            js: JavaScript to run before ``fn``.
            concurrency_limit: Maximum number of these events that run at a time, in the queue.
            concurrency_id: Events with the same id share the lowest of their limits.
            show_progress: How to show that ``fn`` is running.
            queue: Whether to use Gradio's queue; generators always do.
        """
        event = OutputsEvent(fn, inputs, outputs, endpoint_of(self).fetch_outputs)
        endpoint_of(self).outputs_events.append(event)
        return event.listen(
            self.state_change,
            self,
            js=js,
            concurrency_limit=concurrency_limit,
            concurrency_id=concurrency_id,
            show_progress=show_progress,
            queue=queue or event.is_generator,
        )

    def set_additional_outputs(self, webrtc_id: str) -> Callable[[AdditionalOutputs], None]:
        """Create the function that passes the outputs of a connection to the page.

        Without ``on_additional_outputs``, they are queued for ``output_stream``.
        """
        if not endpoint_of(self).outputs_events:
            return super().set_additional_outputs(webrtc_id)
        return partial(endpoint_of(self).put_outputs, webrtc_id)

    def _set_inputs(self, webrtc_data: WebRTCData | str | None, *args: Any) -> None:
        """Set the inputs that the page sends when it connects, on request, or when one changes."""
        if webrtc_data is None:
            return
        endpoint, id = endpoint_of(self), id_of(webrtc_data)
        if endpoint.get(id) is None:
            endpoint.send_elsewhere(id, "requested_input", webrtc_data, *args)
        elif endpoint.expects(webrtc_data):
            self.set_input_gradio(webrtc_data, *args)

    def set_input_gradio(self, webrtc_data: WebRTCData | str, *args: Any) -> None:
        """Set the inputs of a handler to those of the page.

        A reply function gets the id of the connection as its first input, ``fn(audio, webrtc_id,
        *args)``, unless it takes only ``args``; so does ``startup_fn`` if ``fn`` takes no inputs.
        """
        super().set_input_gradio(webrtc_data, *args)


for _name in EVENTS:
    setattr(WebRTC, _name, accept_gradio5_signature(getattr(WebRTC, _name)))
